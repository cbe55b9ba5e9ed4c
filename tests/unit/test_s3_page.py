"""Pages of listings: the fast way and the XML parser give the same; what is no page is never "the end"."""

from __future__ import annotations

from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3copy_beam.model import Listed
from s3copy_beam.s3 import page
from s3copy_beam.s3.errors import BadAnswer, S3Error
from s3copy_beam.s3.page import Page, parse_page, parse_page_as_xml, timestamp

WHEN = 1_704_164_645
TIME = "2024-01-02T03:04:05"
NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def item(
    key: str,
    shape: str = "aws",
    etag: str = "&quot;abc&quot;",
    size: object = 5,
    extra: str = "",
    storage_class: str = "STANDARD",
) -> str:
    """One object as a store writes it."""
    fields = {"Key": key, "LastModified": f"{TIME}.000Z", "ETag": etag, "Size": size, "StorageClass": storage_class}
    tags = {name: f"<{name}>{value}</{name}>" for name, value in fields.items()}
    owner = "<Owner><ID>1</ID><DisplayName></DisplayName></Owner>"
    body = {
        "aws": "{Key}{LastModified}{ETag}<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>{Size}" + extra + "{StorageClass}",
        "minio": "{Key}{LastModified}{ETag}{Size}" + owner + "{StorageClass}" + extra,
        "seaweed": "{Key}{ETag}{Size}{StorageClass}{LastModified}" + extra,
        "classless": "{Key}{LastModified}{ETag}{Size}" + extra,
    }[shape]
    return f"<Contents>{body.format(**tags)}</Contents>"


def document(
    *items: str,
    truncated: object = "false",
    token: str = "",
    encoding: str = "url",
    between: str = "",
    before: str = "",
    root: str = "ListBucketResult",
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
) -> bytes:
    """A page."""
    tail = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    tail += f"<EncodingType>{encoding}</EncodingType>" if encoding else ""
    head = f"<Name>b</Name><Prefix></Prefix><IsTruncated>{truncated}</IsTruncated>"
    return f"{declaration}{before}<{root}{NAMESPACE}>{head}{between.join(items)}{tail}</{root}>".encode()


def both(body: bytes) -> Page:
    """The page, parsed in both ways."""
    fast, slow = parse_page(body), parse_page_as_xml(body)
    assert fast == slow
    return fast


@pytest.mark.parametrize("shape", ["aws", "minio", "seaweed", "classless"])
@pytest.mark.parametrize("etag", ["&quot;abc&quot;", "&#34;abc&#34;", '"abc"', "abc"])
def test_the_shapes_of_stores_go_the_fast_way(shape: str, etag: str) -> None:
    body = document(*(item(f"k{n}", shape, etag, n) for n in range(3)))
    assert page._fast(body) is not None
    assert both(body) == Page([Listed(f"k{n}", n, "abc", WHEN) for n in range(3)], False, "")


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), min_size=1, max_size=5),
    st.sampled_from((quote, quote_plus)),
    st.sampled_from(("aws", "seaweed")),
)
def test_every_key_comes_through(keys: list[str], encode: object, shape: str) -> None:
    assert callable(encode)
    assert [listed.key for listed in both(document(*(item(encode(key), shape) for key in keys))).objects] == keys


@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1),
        min_size=1,
        max_size=3,
    )
)
def test_keys_of_a_store_that_does_not_encode(keys: list[str]) -> None:
    body = document(*(item(escape(key)) for key in keys), encoding="")
    assert [listed.key for listed in both(body).objects] == keys


@pytest.mark.parametrize(
    "body",
    [
        document(item("k"), "\n  ", item("l")),
        document(item("k"), item("l", "minio")),
        document(item("k"), between="<!-- <Contents> -->"),
        document(
            item("k"), item("l", extra="<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>")
        ),
        document(item("k"), item("l"), between="<CommonPrefixes><Prefix>x</Prefix></CommonPrefixes>"),
        document(item("k"), declaration="\ufeff"),
        document(item("k").replace("<Contents>", '<Contents a="b">'), item("l")),
        document(item("<![CDATA[k]]>")),
        document(item("k").replace(".000Z", "+00:00")),
        document(item("k"), declaration='<?xml version="1.0" encoding="us-ascii"?>'),
    ],
)
def test_unusual_pages_are_parsed_all_the_same(body: bytes) -> None:
    assert both(body).objects[0] == Listed("k", 5, "abc", WHEN)


def test_an_empty_page() -> None:
    assert both(document()) == Page([], False, "")


def test_how_a_page_goes_on() -> None:
    assert both(document(item("k"), truncated="true", token="a&amp;b=")).token == "a&b="
    assert both(document(item("k"), truncated="false", token="left-over")) == Page(
        [Listed("k", 5, "abc", WHEN)], False, ""
    )


def test_archived_and_restored() -> None:
    status = "<RestoreStatus><IsRestoreInProgress>{}</IsRestoreInProgress>{}</RestoreStatus>"
    restored = status.format("false", "<RestoreExpiryDate>2030-01-01T00:00:00Z</RestoreExpiryDate>")
    first, second, third = both(
        document(
            item("a", storage_class="GLACIER", extra=restored),
            item("b", storage_class="GLACIER", extra=status.format("true", "")),
            item("c", storage_class="DEEP_ARCHIVE"),
        )
    ).objects
    assert (first.storage_class, first.restored) == ("GLACIER", True)
    assert (second.storage_class, second.restored) == ("GLACIER", False)
    assert (third.storage_class, third.restored) == ("DEEP_ARCHIVE", False)


GOOD = document(*(item(f"key-{n}") for n in range(4)), truncated="true", token="more")


@pytest.mark.parametrize("cut", range(0, len(GOOD) - 1, 7))
def test_a_cut_page_is_an_error(cut: int) -> None:
    for parse in (parse_page, parse_page_as_xml):
        with pytest.raises(BadAnswer):
            parse(GOOD[:cut])


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"<html><body>Sign in to the network</body></html>",
        b"<!DOCTYPE html><html><body></body></html>",
        b'{"objects": []}',
        b"\x00\x01\x02",
        b"\xff\xfe<\x00",
        document(root="ListAllMyBucketsResult"),
        document(item("k"), truncated="true"),
        document(item("k"), truncated=""),
        document(item("k"), truncated="maybe"),
        document(item("")),
        document(item("k", size="")),
        document(item("k", size="-1")),
        document(item("k", size="1e3")),
        document(item("k", size="9" * 30)),
        document(item("k", size="\u0663")),
        document(item("%ff")),
        document(item("%ff", "seaweed")),
        document(item("k").replace(TIME, "yesterday")),
        document(item("k").replace(TIME, "2024-02-30T00:00:00")),
        document(item("k").replace("Key>", "Kex>")),
        document(item("k").replace("LastModified", "X")),
        document(item("k"), before=BOMB),
        document(item("&b;"), before=BOMB),
        document(item("k"), before='<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
        document(item("k")).decode().encode("utf-16"),
        document(item("k")) + b"<html/>",
        document(item("k")).replace(b"<Name>b</Name>", b"<Name>b"),
    ],
)
def test_what_is_no_page_is_an_error(body: bytes) -> None:
    for parse in (parse_page, parse_page_as_xml):
        with pytest.raises(BadAnswer):
            parse(body)


def test_an_error_with_status_200() -> None:
    with pytest.raises(S3Error) as raised:
        parse_page(
            b"<Error><Code>InternalError</Code><Message>We encountered</Message><RequestId>1</RequestId></Error>"
        )
    assert (raised.value.code, raised.value.message, raised.value.request_id) == (
        "InternalError",
        "We encountered",
        "1",
    )


@given(st.binary(max_size=60), st.integers(0, len(GOOD)))
def test_no_rubbish_raises_anything_else(rubbish: bytes, place: int) -> None:
    body = GOOD[:place] + rubbish + GOOD[place:]
    try:
        found = parse_page(body)
    except S3Error:
        return
    assert len(found.objects) == body.count(b"<Contents>")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02T00:00:01.999Z", 86_401),
        ("2024-02-29T12:00:00.000Z", 1_709_208_000),
        ("2024-02-29T12:00:00", 1_709_208_000),
        ("2024-02-29T13:00:00+01:00", 1_709_208_000),
        ("2024-02-29T06:30:00.5-0530", 1_709_208_000),
    ],
)
def test_times(text: str, seconds: int) -> None:
    assert timestamp(text) == seconds
