"""The copy equals the source in all that S3 keeps with an object, for whole objects and objects in parts alike."""

from __future__ import annotations

import http.client
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore.exceptions
import pytest

from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Tool
from tests.support.keys import HOSTILE, NOT_IN_XML
from tests.support.marks import on
from tests.support.servers import Server

SETTINGS: dict[str, Any] = {
    "ContentType": "application/x-test; charset=utf-8",
    "ContentEncoding": "gzip",
    "ContentLanguage": "de-CH, en",
    "ContentDisposition": "attachment; filename=\"a b.txt\"; filename*=UTF-8''%e2%82%ac.txt",
    "CacheControl": "public, max-age=60",
    "Expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    "Metadata": {"plain": "value", "with-dash": "a, b; c=\"d\"", "encoded": "=?UTF-8?B?w7xtbMOkdXQg4oKs?="},
}


def tags_of(server: Server) -> dict[str, str]:
    return {"project": "x+y", "empty": "", "um": "u b" if server.name == "minio" else "ü b"}  # which takes no ü there


def put_all_kinds(bucket: Bucket, server: Server) -> None:
    tags = tags_of(server)
    lost = {"Expires"} if server.name == "minio" else set()  # its CopyObject drops it
    whole = {name: value for name, value in SETTINGS.items() if name not in lost}
    bucket.put("whole", content(1000), **whole, Tagging=urlencode(tags))
    bucket.put_parts("parts", [content(5 * MIB), b"end"], **SETTINGS)
    bucket.client.put_object_tagging(Bucket=bucket.name, Key="parts", Tagging={
        "TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]})
    bucket.put("bare", b"bare")


def test_headers_metadata_and_tags(tool: Tool, server: Server, source: Bucket, destination: Bucket) -> None:
    put_all_kinds(source, server)
    tool.copy(source, destination, copied=3, failed=0)
    assert_same(source, destination)
    for key in source.listed():
        assert destination.look(key) == source.look(key), key
    assert destination.look("parts")["Tags"] == tags_of(server)


def test_tags_can_be_left(tool: Tool, server: Server, source: Bucket, destination: Bucket) -> None:
    put_all_kinds(source, server)
    tool.copy("--no-tags", source, destination, copied=3)
    for key in source.listed():
        assert destination.look(key) == {**source.look(key), "Tags": {}}, key


@on("moto")
@pytest.mark.parametrize("size", [100, 7 * MIB])
def test_metadata_as_raw_utf8(tool: Tool, server: Server, source: Bucket, destination: Bucket, size: int) -> None:
    """As curl sends it; boto3 refuses to."""
    where = urlsplit(server.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port)
    headers = {"x-amz-meta-raw": "ümläut €".encode()}
    connection.request("PUT", f"/{source.name}/key", content(size), headers)
    assert connection.getresponse().status == 200
    connection.close()
    tool.copy("--large-file", "5MiB", "--part-size", "5MiB", source, destination, copied=1)
    assert destination.look("key") == source.look("key")


@pytest.mark.parametrize(("options", "expected"), [
    ([], "STANDARD"),
    (["--storage-class", "KEEP"], "REDUCED_REDUNDANCY"),
    (["--storage-class", "REDUCED_REDUNDANCY"], "REDUCED_REDUNDANCY"),
])
def test_storage_class(
        tool: Tool, source: Bucket, destination: Bucket, options: list[str], expected: str) -> None:
    source.put("whole", b"whole", StorageClass="REDUCED_REDUNDANCY")
    source.put_parts("parts", [content(5 * MIB), b"end"], StorageClass="REDUCED_REDUNDANCY")
    tool.copy(*options, source, destination, copied=2)
    for key in source.listed():
        assert destination.storage_class(key) == expected, key
    tool.copy(*options, source, destination, copied=0, up_to_date=2)


def test_hostile_keys(tool: Tool, source: Bucket, destination: Bucket) -> None:
    keys = source.holds(HOSTILE)
    assert len(keys) > len(HOSTILE) / 2, keys
    dry = tool.run("-n", "-q", source, destination)
    assert dry.out.count("\n") == len(keys), "a name must not break a line"
    assert destination.keys() == []
    tool.copy("-v", source, destination, copied=len(keys), failed=0)
    assert destination.contents() == {key: key.encode() for key in keys}
    tool.copy(source, destination, copied=0, up_to_date=len(keys))


def test_hostile_keys_in_parts_and_by_name(tool: Tool, source: Bucket, destination: Bucket) -> None:
    names = source.holds(key for key in HOSTILE if not NOT_IN_XML.search(key))[::5]
    for key in list(names):
        try:
            source.put_parts(key, [content(5 * MIB), key.encode()])
        except botocore.exceptions.ClientError:  # MinIO takes some names for whole objects only
            source.client.delete_object(Bucket=source.name, Key=key)
            names.remove(key)
    assert len(names) > 2
    tool.copy("--null", "-F", "-", source, destination, stdin="\0".join([*names, ""]), copied=len(names), failed=0)
    assert_same(source, destination, {key: key for key in names})
    assert destination.uploads(names) == []
