"""Hostile input: all kinds of keys, answers that are none, headers that forge, absurd sizes, lists that are none."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3copy_beam import text
from s3copy_beam.listing.lists import failed_of, names
from s3copy_beam.model import Outcome, Planned, Result
from s3copy_beam.moving.headers import create_headers
from s3copy_beam.options import Access, CopyOptions, Names
from s3copy_beam.s3 import answers
from s3copy_beam.s3.errors import S3Error
from s3copy_beam.s3.page import parse_page
from s3copy_beam.s3.refusal import error_of
from s3copy_beam.s3.wire import request_bytes
from tests.faults.inprocess import Here
from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.keys import HOSTILE
from tests.support.marks import on
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.wire import Answer

CLASSES = ["/", "//", ".", "..", "+", "%", "%2F", "?", "#", "&", " ", "*", "\\", "\n", "\r", "\t", "\x01", "\x1b[2J",
           "\x7f",
           "\x85", "\u2028", "\u202e", "\u200b", "e\u0301", "\u00e9", "\ufeff", "\uffff", "\U0001faa3", "\U0010ffff",
           "s3://b/k", "failed s3://", '"', "'", "<", ">", "]]>", "=?UTF-8?B?Cg==?=", "a", "Z", "0", "-", "_", "~"]
"""Every class of s3-semantics' "names that must survive"."""
keys = st.lists(st.sampled_from(CLASSES) | st.text(st.characters(codec="utf-8", exclude_characters="\0"),
                                                   min_size=1, max_size=9),
                min_size=1, max_size=12).map("".join).filter(lambda key: len(key.encode()) <= 1024)
quick = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
S, D = Access("source"), Access("destination")


def listing(listed: list[str]) -> bytes:
    rows = "".join(f"<Contents><Key>{quote_plus(key)}</Key><LastModified>2020-01-01T00:00:00Z</LastModified>"
                   '<ETag>"0cc175b9c0f1b6a831c399e269772661"</ETag><Size>1</Size></Contents>' for key in listed)
    return ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><EncodingType>url</EncodingType>'
            f"<IsTruncated>false</IsTruncated>{rows}</ListBucketResult>").encode()


@quick
@given(st.lists(keys, min_size=1, max_size=5))
def test_keys_survive_a_listing(listed: list[str]) -> None:
    assert [found.key for found in parse_page(listing(listed)).objects] == listed


@quick
@given(keys, keys, st.text(max_size=200))
def test_keys_survive_the_report_and_forge_no_line(tmp_path_factory: pytest.TempPathFactory, one: str, two: str,
                                                   reason: str) -> None:
    outcome = Outcome(one, two, Result.FAILED, reason)
    line = text.report_line(outcome, "source", "destination")
    assert line.isascii()
    assert "\n" not in line
    read = json.loads(line)
    assert (read["source"], read["destination"]) == (f"s3://source/{one}", f"s3://destination/{two}")
    for shown in (text.failure_line("source", outcome),
                  text.outcome_line("source", "destination", outcome._replace(result=Result.WOULD_COPY))):
        assert len(shown.splitlines()) == 1
        assert not any(c in shown for c in "\n\r\x1b\x7f\x85\u2028\u2029\u202e\0"), repr(shown)


@quick
@given(st.lists(st.tuples(keys, keys), min_size=1, max_size=4))
def test_keys_survive_a_report_that_is_a_list(tmp_path_factory: pytest.TempPathFactory,
                                              pairs: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("r") / "r.jsonl"
    path.write_text("".join(text.report_line(Outcome(a, b, Result.FAILED), "source", "destination") + "\n"
                            for a, b in pairs))
    assert list(failed_of(Names(url=str(path), report=True), "-F", S, ("source", "destination"))) == pairs


@quick
@given(keys.filter(lambda key: "\0" not in key))
def test_keys_survive_a_list_of_nul_ended_names(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    path = tmp_path_factory.mktemp("n") / "n"
    path.write_bytes(key.encode() + b"\0")
    assert list(names(Names(url=str(path), null=True), "-F", S)) == [key]


BOMBS = [
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%b">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]><a>&j;</a>",
    b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><ListBucketResult/>',
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Error><Code>&e;</Code></Error>',
    "<?xml version='1.0' encoding='utf-16'?><ListBucketResult/>".encode("utf-16"),
    b'<?xml version="1.0" encoding="no-such"?><ListBucketResult/>', b"\xff\xfe\x00<", b"<" * 100_000,
    b"<a>" * 100_000, b"<ListBucketResult>" + b"<Contents>" * 3000, b"\0" * 10_000, b"",
]
PARSERS: list[Callable[[bytes], object]] = [
    parse_page, answers.parse_copied, answers.parse_completed, answers.parse_parts, answers.parse_uploads,
    answers.parse_tags, answers.parse_attributes, answers.parse_acl, lambda body: answers.parse_created({}, body),
]


@pytest.mark.parametrize("parser", range(len(PARSERS)))
def test_xml_that_is_none_is_an_error_of_ours(parser: int) -> None:
    for body in BOMBS:
        with pytest.raises(S3Error):
            PARSERS[parser](body)
        error = error_of(400, {}, body, "CopyObject")
        assert "root:" not in str(error)
        assert len(str(error)) < 1000
        assert len(str(error).splitlines()) == 1


@quick
@given(st.binary(max_size=200), st.integers(0, len(PARSERS) - 1))
def test_any_bytes_are_an_error_of_ours_or_an_answer(body: bytes, parser: int) -> None:
    for whole in (body, b"<ListBucketResult><Contents>" + body + b"</Contents></ListBucketResult>",
                  b"<CopyObjectResult>" + body + b"</CopyObjectResult>"):
        try:
            PARSERS[parser](whole)
        except S3Error:
            pass


@quick
@given(st.dictionaries(st.sampled_from([
    "ETag", "Content-Length", "Content-Range", "Last-Modified", "x-amz-mp-parts-count", "x-amz-missing-meta", "Date",
    "x-amz-tagging-count", "x-amz-restore", "x-amz-checksum-crc32", "x-amz-meta-a", "Expires", "Content-Encoding"]),
    st.text(st.characters(exclude_characters="\r\n\0"), max_size=30) | st.just("9" * 40) | st.just("1")))
def test_any_headers_are_an_error_of_ours_or_an_answer(headers: dict[str, str]) -> None:
    for part_asked in (False, True):
        try:
            answers.parse_head(200, {"ETag": '"a"', "Content-Length": "1"} | headers, part_asked)
        except S3Error:
            pass


@pytest.mark.parametrize("value", ["=?UTF-8?B?YQ0KeC1hbXotYWNsOiBwdWJsaWMtcmVhZA==?=", "=?UTF-8?Q?a=0Ab?=",
                                   "=?UTF-8?Q?=00?="])
def test_metadata_forges_no_header(value: str) -> None:
    """RFC 2047 words can say line ends; nothing that goes over the wire does."""
    head = answers.parse_head(200, {"ETag": '"a"', "Content-Length": "1", "x-amz-meta-note": value})
    planned = Planned("k", "k", 1, "a-1", 0)
    made = create_headers(CopyOptions(S, D, D), planned, head, {}, "", "")
    sent = request_bytes("POST", "/d/k?uploads=", made, b"")
    assert b"public-read" not in sent
    assert answers._metadata(made["x-amz-meta-note"]) == head.metadata["note"]


def test_keys_forge_no_request() -> None:
    with pytest.raises(ValueError, match="line end"):
        request_bytes("GET", "/a\r\nx: y", {}, b"")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["direct", "staged"])
def test_keys_survive_everything(server: Server, source: Bucket, destination: Bucket, tmp_path: Path,
                                 strategy: str) -> None:
    """List, compare, copy, dry run, report, verify: small objects and large ones, both strategies."""
    drawn: set[str] = set(HOSTILE)

    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(keys)
    def draw(key: str) -> None:
        drawn.add(key)

    draw()
    small = source.holds(sorted(drawn))
    assert len(small) >= 40
    # moto's and others' answers about uploads cannot carry what XML cannot
    large = [key for key in small if key.isprintable() and not key.endswith("/")][::len(small) // 6]
    for key in large:
        source.put_parts(key, [content(5 * MIB), b"end"])
    wanted = set(source.listed())
    report, here = tmp_path / "report.jsonl", Here(server.url, tmp_path)
    staged = ("--staged", "--clean-parts") if strategy == "staged" else ()
    ran = here.run("--dry-run", source, destination)
    assert len(ran.out.splitlines()) == len(wanted)
    ran = here.copy(*staged, "-v", "--report", report, source, destination, failed=0, copied=len(wanted))
    assert len(ran.out.splitlines()) == len(wanted) + 1
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert {line["source"] for line in lines} == {f"{source}/{key}" for key in wanted}
    assert {line["destination"] for line in lines} == {f"{destination}/{key}" for key in wanted}
    assert_same(source, destination)
    here.copy(*staged, source, destination, copied=0, up_to_date=len(wanted))
    if server.name != "seaweed":  # whose ETags of parts prove nothing
        here.run("--verify", source, destination)


@on("moto")
def test_sizes_that_cannot_be(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """An object of 9 EB, says the store: it fails alone."""
    source.fill({"a": b"1", "b": b"2", "c": b"3"})
    proxy.change_body("ListObjectsV2", lambda body: body.replace(b"<Size>1<", b"<Size>9223372036854775807<", 1),
                      target=f"^/{source.name}.*max-keys=1000", times=None)
    ran = Here(proxy.url, tmp_path, read_timeout=2.0).start("--json", source, destination)
    ran.expect(ran.status)
    assert destination.contents() in ({"b": b"2", "c": b"3"}, {"a": b"1", "b": b"2", "c": b"3"})
    assert (ran.status == 0) == destination.has("a")


@on("moto")
def test_ten_thousand_parts(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """All 10,000 part numbers are the object's: no mark, each part once, the ETag computed."""
    digest = hashlib.md5(b"part")
    etag = f"{hashlib.md5(digest.digest() * 10_000).hexdigest()}-10000"
    size = 10_000 * 5 * MIB
    page = listing(["large"]).replace(b'"0cc175b9c0f1b6a831c399e269772661"', f'"{etag}"'.encode()).replace(
        b"<Size>1<", b"<Size>%d<" % size)
    xml = [("Content-Type", "application/xml")]
    proxy.answer("ListObjectsV2", Answer(200, xml, page), target=f"^/{source.name}", times=None)
    proxy.answer("HeadObject", Answer(206, [
        ("ETag", f'"{etag}"'), ("Content-Length", str(5 * MIB)), ("x-amz-mp-parts-count", "10000"),
        ("Content-Range", f"bytes 0-{5 * MIB - 1}/{size}"), ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT"),
        ("x-amz-tagging-count", "0")], b""), times=None)
    copied = f"<CopyPartResult><ETag>{digest.hexdigest()}</ETag></CopyPartResult>".encode()
    proxy.answer("UploadPartCopy", Answer(200, xml, copied), times=None)
    done = f"<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>".encode()
    proxy.answer("CompleteMultipartUpload", Answer(200, xml, done), times=None)
    Here(proxy.url, tmp_path).copy(source, destination, copied=1, parts_copied=10_000, failed=0)
    assert proxy.count("UploadPartCopy") == 10_000
    assert proxy.count("UploadPart") == 0


GIANT = int(os.environ.get("S3COPY_LIST_MIB", "64")) << 20


def test_a_giant_list_is_a_stream(tmp_path: Path) -> None:
    """As long as S3COPY_LIST_MIB says; nothing of it is held."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    block = b"".join(b"folder/%07d/object-%07d\n" % (n, n) for n in range(10_000))

    def write() -> None:
        with path.open("wb") as pipe:
            for _ in range(GIANT // len(block)):
                pipe.write(block)

    writer = threading.Thread(target=write)
    writer.start()
    tracemalloc.start()
    try:
        count = sum(1 for _ in names(Names(url=str(path)), "-F", S))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        writer.join()
    assert count == GIANT // len(block) * 10_000
    assert peak < 4 << 20, f"{peak} bytes"


@on("moto")
@pytest.mark.parametrize("body", [bytes(range(256)) * 5000, b"\x00" * 300_000, b"a" * 300_000, b"\xff\xfe" * 1000],
                         ids=["binary", "zeros", "endless", "utf-16"])
def test_a_list_that_is_none(server: Server, tmp_path: Path, source: Bucket, destination: Bucket, body: bytes) -> None:
    source.put("a", b"1")
    path = tmp_path / "list"
    path.write_bytes(body)
    ran = Here(server.url, tmp_path).start("-F", path, source, destination)
    assert ran.status in (1, 2), ran
    ran.expect(ran.status)
    assert "-F" in ran.err
    assert destination.keys() == []
