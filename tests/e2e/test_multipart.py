"""Objects that were uploaded in parts, and large ones that were not."""

from __future__ import annotations

from collections.abc import Sequence

import botocore.exceptions
import pytest

from tests.support.buckets import MIB, Bucket, assert_same, content, etag_of, later
from tests.support.command import Tool
from tests.support.marks import on
from tests.support.proxy import Proxy

LAYOUTS: dict[str, Sequence[int]] = {
    "one-part": [1000],
    "empty": [0],
    "two-parts": [5 * MIB, 1],
    "even": [5 * MIB, 5 * MIB],
    "uniform": [6 * MIB, 6 * MIB, 6 * MIB, 12345],
    "looks-uniform": [8 * MIB, 5 * MIB, 8 * MIB],
    "growing": [5 * MIB, 6 * MIB, 7 * MIB, 10],
}


def parts_of(sizes: Sequence[int], seed: int = 0) -> list[bytes]:
    return [content(size, seed + number) for number, size in enumerate(sizes)]


def test_every_layout_is_kept(tool: Tool, source: Bucket, destination: Bucket) -> None:
    etags = {}
    for name, sizes in LAYOUTS.items():
        parts = parts_of(sizes)
        try:
            source.put_parts(f"large/{name}", parts)
        except botocore.exceptions.ClientError:  # not every server takes an empty part
            assert sizes == [0]
            continue
        etags[f"large/{name}"] = etag_of(parts)
    total = sum(len(LAYOUTS[key.removeprefix("large/")]) for key in etags)
    ran = tool.copy(source, destination, copied=len(etags), failed=0, parts_reused=0, uploads_left=0)
    assert ran.summary["parts_copied"] >= total
    assert_same(source, destination)
    assert {key: destination.etag(key) for key in etags} == etags
    assert destination.uploads(etags) == []
    tool.copy(source, destination, copied=0, up_to_date=len(etags), parts_copied=0)


def test_part_numbers_may_have_gaps(tool: Tool, source: Bucket, destination: Bucket) -> None:
    parts = parts_of([5 * MIB, 5 * MIB, 100])
    source.put_parts("gaps", parts, numbers=[3, 7, 9])
    tool.copy(source, destination, copied=1, failed=0)
    assert_same(source, destination)
    assert destination.etag("gaps") == source.etag("gaps")
    tool.copy(source, destination, copied=0, up_to_date=1)


def test_large_single_objects_are_copied_in_parts(tool: Tool, source: Bucket, destination: Bucket) -> None:
    source.put("large", content(12 * MIB), ContentType="text/x-large", Metadata={"note": "large"}, Tagging="a=1")
    source.put("small", content(6 * MIB))
    options = ["--large-file", "10MiB", "--part-size", "5M"]
    later()
    tool.copy(source, destination, *options, copied=2, parts_copied=3)
    assert_same(source, destination)
    assert destination.etag("large").endswith("-3")
    assert destination.look("large") == source.look("large")
    tool.copy(source, destination, *options, copied=0, up_to_date=2)


def test_simple_copies_have_no_parts(tool: Tool, source: Bucket, destination: Bucket) -> None:
    source.put_parts("parts", parts_of([5 * MIB, 100]))
    later()
    tool.copy("--multipart", "simple", source, destination, copied=1, parts_copied=0)
    assert_same(source, destination)
    tool.copy("--multipart", "simple", source, destination, copied=0, up_to_date=1)


@pytest.mark.slow
@on("minio")
def test_a_hundred_parts_cost_a_hundred_requests_and_ten(
        proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    source.put_parts("large", [content(5 * MIB)] * 100)
    ran = proxied.copy(source, destination, copied=1, parts_copied=100, retries=0)
    answered = [seen.status for seen in proxy.seen if seen.request.operation == "UploadPartCopy"]
    # MinIO refuses the checksums that Create named: seen with the first part, and begun again, once for a run
    assert sorted(answered) == [200] * 100 + [400]
    assert ran.summary["requests"] == proxy.count() <= (100 + 6 + 4) + 7, proxy.counts()
    assert destination.etag("large") == source.etag("large")
