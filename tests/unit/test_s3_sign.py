"""Signature V4, held to botocore's S3SigV4Auth as the oracle."""

from __future__ import annotations

import datetime
import hashlib
import pickle
from unittest import mock
from urllib.parse import unquote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from s3copy_beam.s3.sign import (
    EMPTY_SHA256,
    UNSIGNED_PAYLOAD,
    Keys,
    Signer,
    encode_key,
    encode_query,
    payload_hash,
)

NOW = 1_700_000_123
keys_of_objects = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
names = st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1, max_size=12)
values = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc")), max_size=30)


def oracle(
    method: str, url: str, headers: dict[str, str], body: bytes, keys: Keys, region: str, context: dict[str, object]
) -> str:
    """The Authorization header that botocore makes."""
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    prepared_body = mock.PropertyMock(return_value=body)
    request.context.update(context)
    now = datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc)
    auth = botocore.auth.S3SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token or None), "s3", region)
    with (
        mock.patch.object(botocore.auth, "get_current_datetime", return_value=now),
        mock.patch.object(AWSRequest, "body", prepared_body),
    ):
        auth.add_auth(request)
    return str(request.headers["Authorization"])


@given(
    method=st.sampled_from(("GET", "HEAD", "PUT", "POST", "DELETE")),
    key=keys_of_objects,
    query=st.lists(st.tuples(st.one_of(names, words.filter(bool)), words), max_size=4),
    extra=st.dictionaries(names.map("x-amz-".__add__), values, max_size=4),
    token=st.one_of(st.just(""), st.text("abc/+=", min_size=1)),
    body=st.binary(max_size=20),
    region=st.sampled_from(("us-east-1", "eu-central-1")),
)
@example(
    "PUT",
    "a//b/../c/./+ %25?#&\U0001f600",
    [("uploadId", "a+b/=="), ("partNumber", "1")],
    {"x-amz-meta-x": "  two   spaces\t and tab "},
    "tok/en+==",
    b"",
    "us-east-1",
)
@example(
    "GET",
    "/lead//",
    [("prefix", "a b+c%d\u00e9"), ("list-type", "2"), ("a", ""), ("a", "b")],
    {},
    "",
    b"x",
    "us-east-1",
)
@example("PUT", "k", [], {"x-amz-meta-name": "\u00e9t\u00e9\u00a0caf\u00e9"}, "", b"", "us-east-1")
def test_the_signature_is_botocores(
    method: str, key: str, query: list[tuple[str, str]], extra: dict[str, str], token: str, body: bytes, region: str
) -> None:
    keys = Keys("AKID", "secret/key+x=", token)
    path, encoded = "/bucket/" + encode_key(key), encode_query(query)
    headers = {"host": "s3.example.com:9000", **extra}
    url = f"http://s3.example.com:9000{path}" + (f"?{encoded}" if encoded else "")
    ours = dict(headers)
    Signer(keys, region).sign(method, path, encoded, ours, payload_hash(body), NOW)
    assert ours["authorization"] == oracle(method, url, headers, body, keys, region, {})
    assert ours.get("x-amz-security-token", "") == token


@pytest.mark.parametrize("https", [False, True])
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize("body", [b"", b"some"])
def test_payloads_are_hashed_where_botocore_hashes_them(
    https: bool, streaming: bool, checked: bool, body: bytes
) -> None:
    keys = Keys("AKID", "secret")
    headers = {"host": "h", **({"content-md5": "x"} if checked else {})}
    ours = dict(headers)
    scheme = "https" if https else "http"
    value = payload_hash(body, https, headers, streaming)
    Signer(keys, "r").sign("PUT", "/b/k", "", ours, value, NOW)
    assert ours["authorization"] == oracle(
        "PUT", f"{scheme}://h/b/k", headers, body, keys, "r", {"has_streaming_input": streaming}
    )
    assert (value == UNSIGNED_PAYLOAD) == (https and streaming and checked)
    if not body and value != UNSIGNED_PAYLOAD:
        assert value == EMPTY_SHA256 == hashlib.sha256(b"").hexdigest()


def test_the_signing_key_follows_the_day() -> None:
    signer = Signer(Keys("AKID", "secret"), "r")
    for now in (NOW, NOW + 86_400, NOW):
        again, first = {"host": "h"}, {"host": "h"}
        signer.sign("GET", "/", "", again, EMPTY_SHA256, now)
        Signer(Keys("AKID", "secret"), "r").sign("GET", "/", "", first, EMPTY_SHA256, now)
        assert again == first


def test_headers_that_the_way_may_change_are_not_signed() -> None:
    headers = {"host": "h", "user-agent": "x", "content-length": "0", "expect": "100-continue"}
    Signer(Keys("A", "s"), "r").sign("PUT", "/", "", headers, EMPTY_SHA256, NOW)
    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date," in headers["authorization"]


@given(key=keys_of_objects)
def test_keys_are_encoded_and_never_normalised(key: str) -> None:
    encoded = encode_key(key)
    assert encoded.isascii()
    assert unquote(encoded) == key
    assert encoded.count("/") == key.count("/")
    assert not set(encoded) & set(' ?#+&"<>')


def test_keys_show_nothing() -> None:
    keys = Keys("AKIDEXAMPLE", "verysecret", "verytoken")
    assert "AKID" not in f"{keys} {keys!r}"
    assert "very" not in f"{keys} {keys!r}"
    with pytest.raises(TypeError):
        pickle.dumps(keys)
    assert keys == Keys("AKIDEXAMPLE", "verysecret", "verytoken")
    assert hash(keys) == hash(Keys("AKIDEXAMPLE", "verysecret", "verytoken"))
    assert keys != Keys("AKIDEXAMPLE", "verysecret")
