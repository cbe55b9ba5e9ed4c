"""Versioned buckets, sources that change under way, and what `--verify` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.inprocess import Here
from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.marks import on
from tests.support.proxy import Proxy
from tests.support.servers import Server

OLD, NEW = [content(5 * MIB, 1), b"old"], [content(5 * MIB, 2), b"new"]


def versioned(bucket: Bucket) -> Bucket:
    bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def remove_versions(bucket: Bucket) -> None:
    """What Bucket.remove does not see."""
    bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"})
    found = bucket.client.list_object_versions(Bucket=bucket.name)
    for one in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
        bucket.client.delete_object(Bucket=bucket.name, Key=one["Key"], VersionId=one["VersionId"])


@on("minio")
def test_versioned_buckets(server: Server, proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """The newest versions are copied, deleted keys are not; changed under way: the new version, never a mixture."""
    here = Here(proxy.url, tmp_path)
    versioned(source)
    versioned(destination)
    source.fill({"a": b"old", "gone": b"x", "b": b"b"})
    source.put("a", b"newer")
    source.client.delete_object(Bucket=source.name, Key="gone")
    source.put_parts("large", OLD)
    here.copy(source, destination, copied=3, failed=0)
    assert_same(source, destination)
    here.copy(source, destination, copied=0, up_to_date=3)
    destination.client.delete_object(Bucket=destination.name, Key="b")  # a marker: it is not there
    source.put_parts("large", NEW)
    source.put("a", b"newest")
    proxy.meanwhile("UploadPartCopy", lambda _: source.put_parts("large", OLD), key="large")
    ran = here.start("--json", source, destination)
    assert ran.status in (0, 1), ran
    assert destination.read("large") in (b"".join(OLD), b"".join(NEW))
    proxy.forget()
    here.copy(source, destination, failed=0)
    assert_same(source, destination)
    assert destination.uploads(["large"]) == []
    for bucket in (source, destination):
        remove_versions(bucket)


@on("moto")
def test_verify_says_each_difference(server: Server, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    source.fill({"same": b"1", "different": b"22", "missing": b"3", "longer": b"4"})
    destination.fill({"same": b"1", "different": b"xx", "longer": b"444", "more": b"5"})
    source.put_parts("parts", [content(5 * MIB), b"end"])
    destination.put("parts", content(5 * MIB) + b"end")  # the same bytes: not comparable
    here, report = Here(server.url, tmp_path), tmp_path / "report.jsonl"
    before = destination.listed()
    ran = here.run("--verify", "--json", "--report", report, source, destination, status=1)
    told = set(ran.out.splitlines()[:-1])
    assert {f"missing {destination}/missing", f"different {destination}/different",
            f"different {destination}/longer"} <= told
    assert f"unproven {destination}/parts" in told
    assert len(told) == 4
    outcomes = {json.loads(line)["source"].rpartition("/")[2]: json.loads(line)["outcome"]
                for line in report.read_text().splitlines()}
    assert outcomes == {"missing": "missing", "different": "different", "longer": "different", "parts": "unproven"}
    assert ran.summary["missing"] == 1
    assert ran.summary["different"] == 2
    assert ran.summary["failed"] == 0
    assert destination.listed() == before


@on("moto")
@pytest.mark.parametrize(("compare", "status"), [("auto", 1), ("size", 0)])
def test_verify_with_what_cannot_be_compared(server: Server, tmp_path: Path, source: Bucket, destination: Bucket,
                                             compare: str, status: int) -> None:
    source.put_parts("parts", [content(5 * MIB), b"end"])
    destination.put("parts", content(5 * MIB) + b"end")
    Here(server.url, tmp_path).run("--verify", "--compare", compare, source, destination, status=status)


@on("moto")
def test_verify_of_equal_sides(server: Server, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    source.fill({f"{n}": b"1" for n in range(20)})
    here = Here(server.url, tmp_path)
    here.copy(source, destination, copied=20)
    assert here.run("--verify", source, destination).out == ""
