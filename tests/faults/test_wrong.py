"""Copies that are really wrong, and answers that lie: nothing wrong counts as copied, and what is said of it helps."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.inprocess import Here
from tests.support.buckets import MIB, Bucket, content
from tests.support.marks import on
from tests.support.proxy import Proxy

PARTS = [content(5 * MIB, 1), b"end"]


def copy_from_another(proxy: Proxy, request: bytes, key: str, other: str, times: int = 1 << 30) -> None:
    """Copies that are asked for by requests with this in their head take another source (moto checks no signature)."""
    left = [times]

    def rewrite(head: bytes) -> bytes:
        if request in head and b"x-amz-copy-source: " in head and left[0]:
            left[0] -= 1
            return re.sub(rb"(x-amz-copy-source: [^/]+/)%b\r" % key.encode(), rb"\g<1>%b\r" % other.encode(), head)
        return head

    proxy.rewrite = rewrite


@on("moto")
def test_a_part_that_stays_wrong(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    source.put_parts("large", PARTS)
    source.put("other", content(6 * MIB, 3))
    copy_from_another(proxy, b"/large?partNumber=2&", "large", "other")
    ran = Here(proxy.url, tmp_path).copy(source, destination, status=1, copied=1, failed=1, uploads_left=0)
    assert f"failed {source}/large: WrongParts: " in ran.err
    assert "--no-tags" not in ran.err, "an ETag is no tag"
    assert destination.keys() == ["other"]
    assert destination.uploads(["large"]) == []


SMALL = {f"a{n}": b"%d" % n for n in range(9)} | {"k": b"k", "other": b"o"}


@on("moto")
@pytest.mark.parametrize("algorithm", ["", "CRC32"])
def test_a_small_copy_that_is_wrong(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket,
                                    algorithm: str) -> None:
    """The store shows its ETags to be MD5s by the other copies; or checksums tell."""
    for key, body in SMALL.items():
        source.put(key, body, **({"ChecksumAlgorithm": algorithm} if algorithm else {}))
    copy_from_another(proxy, b"PUT /%b/k HTTP" % destination.name.encode(), "k", "other", times=1)
    here = Here(proxy.url, tmp_path)
    keys = ["k"] if algorithm else sorted(SMALL)
    here.copy("-t", "1", source, destination, "-f", *reversed(keys), copied=len(keys), failed=0)
    assert destination.contents() == {key: SMALL[key] for key in keys}


@on("moto")
def test_the_first_copy_is_wrong(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """Nothing is known of the store yet: a second copy tells the wrong one from ETags of the store's own kind."""
    source.fill({"k": b"k"})
    source.put("other", b"o")
    copy_from_another(proxy, b"PUT /%b/k HTTP" % destination.name.encode(), "k", "other", times=1)
    Here(proxy.url, tmp_path).copy(source, destination, "-f", "k", copied=1, failed=0)
    assert destination.contents() == {"k": b"k"}


@on("moto")
def test_a_small_copy_that_stays_wrong(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    source.fill(SMALL)
    copy_from_another(proxy, b"PUT /%b/k HTTP" % destination.name.encode(), "k", "other")
    here = Here(proxy.url, tmp_path)
    ran = here.copy("-t", "1", source, destination, status=1, copied=len(SMALL) - 1, failed=1)
    assert f"failed {source}/k: WrongCopy: " in ran.err
    assert ran.err.count("\n") == 2
    proxy.forget()
    proxy.rewrite = bytes
    here.copy(source, destination, copied=1, up_to_date=len(SMALL) - 1)
    assert destination.contents() == SMALL


@on("moto")
def test_a_source_that_is_said_to_be_missing(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """Still there: one more try, then it has failed."""
    source.fill({"k": b"k", "l": b"l"})
    proxy.fail("CopyObject", "NoSuchKey", 404, key="^k", times=None)
    proxy.fail("CopyObject", "NoSuchKey", 404, key="^l")
    ran = Here(proxy.url, tmp_path).copy(source, destination, status=1, copied=1, failed=1, vanished=0)
    assert f"failed {source}/k: NoSuchKey: " in ran.err
    assert proxy.count("CopyObject") == 4


@on("seaweed")
def test_keys_of_customers(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """SSE-C: each fails alone, with one clear reason."""
    secret: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    source.put("whole", b"1", **secret)
    source.put("open", b"2")
    request: dict[str, Any] = {"Bucket": source.name, "Key": "parts"}
    upload = source.client.create_multipart_upload(**request, **secret)["UploadId"]
    parts = [source.client.upload_part(**request, **secret, UploadId=upload, PartNumber=n, Body=body)["ETag"]
             for n, body in enumerate(PARTS, 1)]
    source.client.complete_multipart_upload(**request, UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(parts, 1)]})
    ran = Here(proxy.url, tmp_path).copy(source, destination, status=1, copied=1, failed=2)
    for key in ("whole", "parts"):
        assert any(line.startswith(f"failed {source}/{key}: ") and "(SSE-C)" in line for line in ran.err.splitlines())
    assert destination.contents() == {"open": b"2"}


@on("moto")
def test_a_checksum_proves_what_etags_cannot(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """Under KMS: Complete is given the source's, so that the store refuses a wrong object before it is visible."""
    whole: dict[str, Any] = {"ChecksumAlgorithm": "CRC64NVME"}
    source.put("large", content(6 * MIB), **whole)
    source.put("plain", content(6 * MIB, 2), **whole)
    checksum = source.client.head_object(
        Bucket=source.name, Key="large", ChecksumMode="ENABLED")["ChecksumCRC64NVME"]
    proxy.change("HeadObject", lambda answer: replace(
        answer, headers=[*answer.headers, ("x-amz-checksum-type", "FULL_OBJECT")]), times=None)
    options = ("--large-file", "5MiB", "--part-size", "5MiB")
    here = Here(proxy.url, tmp_path)
    here.copy(*options, f"{source}/plain", destination, copied=1)
    proxy.fail("CompleteMultipartUpload", "BadDigest", 400)
    here.copy(*options, "--sse", "aws:kms", "--sse-kms-key-id", "key", f"{source}/large", destination, copied=1)
    heads = [seen.request.head for seen in proxy.seen if seen.request.operation == "CompleteMultipartUpload"]
    assert [f"x-amz-checksum-crc64nvme: {checksum}".encode() in head for head in heads] == [False, True, True]
    assert destination.uploads(["large"]) == []


@on("moto", "minio")
def test_all_data_of_ours_carries_a_checksum(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """Buckets with Object Lock take no other; also where the store refuses to be named an algorithm."""
    source.put_parts("large", PARTS)
    proxy.fail("UploadPartCopy", "InvalidArgument", 400)
    Here(proxy.url, tmp_path).copy(source, destination, copied=1)
    sent = [seen.request for seen in proxy.seen if seen.request.operation == "UploadPart"]
    assert len(sent) > 1
    for request in sent:
        assert re.search(rb"(?i)\r\n(content-md5|x-amz-checksum-crc64nvme): \S+\r\n", request.head)
    assert destination.etag("large") == source.etag("large")
