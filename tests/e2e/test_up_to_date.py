"""The table "When is a destination object up to date?", a test for each row, on servers that can show it.

Requests are counted: HEADs are sent only where a row needs them.
"""

from __future__ import annotations

import re

import pytest

from tests.support.buckets import MIB, Bucket, content, later
from tests.support.command import Ran, Tool
from tests.support.marks import on
from tests.support.proxy import Proxy

BODY = content(6 * MIB, 1)
OTHER = content(6 * MIB, 2)


def compare(proxied: Tool, source: Bucket, destination: Bucket, *options: str, **numbers: int) -> Ran:
    return proxied.copy("-n", *options, source, destination, failed=0, **numbers)


def test_row_1_missing_or_of_other_size(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    source.fill({"missing": b"1", "longer": b"22"})
    later()
    destination.put("longer", b"1")
    compare(proxied, source, destination, would_copy=2)
    assert proxy.count("HeadObject") == 0


def test_row_2_empty_or_same_etag(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    destination.fill({"empty": b"", "same": b"same"})
    destination.put_parts("parts", [content(5 * MIB), b"1"])
    later()
    source.fill({"empty": b"", "same": b"same"})
    source.put_parts("parts", [content(5 * MIB), b"1"])
    compare(proxied, source, destination, would_copy=0, up_to_date=3, unproven=0)
    assert proxy.count("HeadObject") == 0


def test_row_3_destination_is_older(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    destination.put("changed", b"old")
    later()
    source.put("changed", b"new")
    compare(proxied, source, destination, would_copy=1)
    assert proxy.count("HeadObject") == 0


@on("minio")
@pytest.mark.parametrize(("body", "copies"), [(BODY, 0), (OTHER, 1)])
def test_row_4_full_checksums_decide(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket, body: bytes,
                                     copies: int) -> None:
    source.put("object", BODY, ChecksumAlgorithm="CRC64NVME")
    later()
    upload = destination.client.create_multipart_upload(
        Bucket=destination.name, Key="object", ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")["UploadId"]
    part = destination.client.upload_part(Bucket=destination.name, Key="object", UploadId=upload, PartNumber=1,
                                          Body=body, ChecksumAlgorithm="CRC64NVME")
    destination.client.complete_multipart_upload(
        Bucket=destination.name, Key="object", UploadId=upload, ChecksumType="FULL_OBJECT", MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC64NVME": part["ChecksumCRC64NVME"]}]})
    compare(proxied, source, destination, would_copy=copies, up_to_date=1 - copies, unproven=0)
    assert proxy.count("HeadObject") == 2


@on("minio")
def test_row_5_composite_checksums(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    """The proxy gives the destination another ETag, as encryption with KMS does."""
    for bucket in (source, destination):
        upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key="object", ChecksumAlgorithm="SHA256")
        part = bucket.client.upload_part(Bucket=bucket.name, Key="object", UploadId=upload["UploadId"], PartNumber=1,
                                         Body=BODY, ChecksumAlgorithm="SHA256")
        bucket.client.complete_multipart_upload(
            Bucket=bucket.name, Key="object", UploadId=upload["UploadId"], MultipartUpload={
                "Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]})
        later()
    etag = source.etag("object").encode()
    proxy.change_body("ListObjectsV2", lambda body: body.replace(etag, b"0" * 32 + b"-1"), target="^/destination",
                      times=None)
    compare(proxied, source, destination, would_copy=0, up_to_date=1, unproven=0)
    assert proxy.count("HeadObject") == 2


def test_row_6_plain_md5s_differ(proxied: Tool, source: Bucket, destination: Bucket) -> None:
    source.put("object", b"new")
    later()
    destination.put("object", b"old")
    compare(proxied, source, destination, would_copy=1)


@on("minio")
def test_row_7_same_layout_other_bytes(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    source.put_parts("object", [content(5 * MIB, 1), b"1"])
    later()
    destination.put_parts("object", [content(5 * MIB, 2), b"1"])
    compare(proxied, source, destination, would_copy=1)
    assert proxy.count("HeadObject") <= 4


@on("moto", "minio")
def test_row_8_not_comparable_and_newer(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    source.put_parts("object", [BODY])
    later()
    destination.put("object", OTHER)
    ran = compare(proxied, source, destination, would_copy=0, up_to_date=1, unproven=1)
    assert ", 1 unproven, in" in ran.last, ran
    compare(proxied, source, destination, "--compare", "checksum", would_copy=1)
    proxy.forget()
    compare(proxied, source, destination, "--compare", "etag", would_copy=1)
    compare(proxied, source, destination, "--compare", "size", would_copy=0, up_to_date=1)
    assert proxy.count("HeadObject") == 0


@on("moto", "minio")
def test_row_9_not_comparable_in_the_same_second(proxied: Tool, proxy: Proxy, source: Bucket,
                                                 destination: Bucket) -> None:
    source.put_parts("object", [BODY])
    destination.put("object", OTHER)
    proxy.change_body("ListObjectsV2", lambda body: re.sub(
        rb"<LastModified>[^<]*", b"<LastModified>2026-01-01T00:00:00.000Z", body), times=None)
    compare(proxied, source, destination, would_copy=1)


def test_no_overwrite(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    destination.put("object", b"something else")
    later()
    source.put("object", b"new")
    compare(proxied, source, destination, "--no-overwrite", would_copy=0, up_to_date=1)
    assert proxy.count("HeadObject") == 0


def test_a_change_after_a_copy_is_seen(tool: Tool, source: Bucket, destination: Bucket) -> None:
    """Same size, other bytes: for whole objects and objects in parts."""
    source.put("whole", b"1")
    source.put_parts("parts", [content(5 * MIB, 1), b"1"])
    tool.copy(source, destination, copied=2)
    later()
    source.put("whole", b"2")
    source.put_parts("parts", [content(5 * MIB, 2), b"2"])
    tool.copy(source, destination, copied=2)
    assert destination.contents() == source.contents()
