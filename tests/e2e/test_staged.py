"""``--staged``: the three steps of 2013, with part files that a later run can use."""

from __future__ import annotations

import hashlib
import json
import signal
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from s3copy_beam import CopyBucket
from s3copy_beam.model import Totals
from s3copy_beam.options import Access, CopyOptions, Identity
from s3copy_beam.paths import area_of
from s3copy_beam.pipeline import totals_of
from s3copy_beam.s3.identity import vault_put
from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Tool
from tests.support.marks import on
from tests.support.proxy import Proxy
from tests.support.servers import ACCESS_KEY, REGION, SECRET_KEY, Server

PARTS = [content(5 * MIB, 1), content(5 * MIB, 2), content(5 * MIB, 3), b"end"]
KEY = "deep/large"


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    """A small object, and one in four parts."""
    source.put("small", b"small")
    source.put_parts(KEY, PARTS, ContentType="text/x-large", Metadata={"note": "large"}, Tagging="a=1")
    return source


@pytest.fixture
def work(new_bucket: object) -> Bucket:
    """An empty bucket for part files."""
    return new_bucket("work")  # type: ignore[operator,no-any-return]


def folder(source: Bucket, key: str = KEY, prefix: str = "temp/") -> str:
    return f"{prefix}{key}/{source.etag(key)[:7]}/parts/"


def names(source: Bucket, key: str = KEY, prefix: str = "temp/", count: int = len(PARTS)) -> list[str]:
    return [f"{folder(source, key, prefix)}{kind}-{n:05}" for kind in ("part", "temp") for n in range(1, count + 1)]


def assert_done(source: Bucket, destination: Bucket) -> None:
    assert_same(source, destination, {key: key for key in source.listed() if not key.startswith("temp/")})
    assert destination.etag(KEY) == source.etag(KEY)
    assert destination.look(KEY) == source.look(KEY)


def test_part_files_are_those_of_2013(tool: Tool, filled: Bucket, destination: Bucket, work: Bucket,
                                      tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    tool.copy("--staged", "-w", work.name, "--report", report, filled, destination,
              copied=2, parts_copied=4, parts_reused=0, failed=0, uploads_left=0)
    assert_done(filled, destination)
    assert work.keys() == names(filled)
    for number, part in enumerate(PARTS, 1):
        md5 = hashlib.md5(part).digest()
        assert work.read(f"{folder(filled)}part-{number:05}") == part
        assert work.read(f"{folder(filled)}temp-{number:05}") == part
        assert work.etag(f"{folder(filled)}temp-{number:05}") == f"{hashlib.md5(md5).hexdigest()}-1"
    lines = {line["source"]: line for line in map(json.loads, report.read_text().splitlines())}
    assert (lines[f"{filled}/{KEY}"]["parts"], lines[f"{filled}/{KEY}"]["parts_reused"]) == (4, 0)
    tool.copy("--staged", "-w", f"s3://{work.name}", filled, destination, copied=0, up_to_date=2, parts_copied=0)


@on("moto")
def test_only_step_one_crosses_buckets(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    proxied.copy("--staged", filled, destination, copied=2)
    sources = [(seen.request.operation, seen.request.key, seen.request.header("x-amz-copy-source"))
               for seen in proxy.seen if seen.request.header("x-amz-copy-source")]
    of_parts = [copy for copy in sources if copy[1] != "small"]
    crossing = [copy for copy in of_parts if not copy[2].startswith(destination.name)]
    assert {copy[0] for copy in crossing} == {"UploadPartCopy"}
    assert sorted(copy[1] for copy in crossing) == names(filled)[4:]
    assert all(seen.request.header("x-amz-copy-source-if-match") for seen in proxy.seen
               if seen.request.header("x-amz-copy-source"))
    assert [copy[0] for copy in of_parts].count("CopyObject") == 4


def test_by_default_in_the_destination_bucket(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    tool.copy("--staged", filled, f"{destination}/backup", copied=2)
    assert destination.keys() == [f"backup/{KEY}", "backup/small", *names(filled)]
    tool.copy("--staged", f"{destination}/backup/*", f"{destination}/again", copied=2, failed=0)
    # the work area is never a source
    tool.copy("--staged", destination, f"{destination}/all", copied=4, excluded=16, failed=0)


def test_prefixes_and_names(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    tool.copy("--staged", "--work-prefix", "work/", "--dest-prefix", "x", "--s3-prefixes", filled, f"{destination}/a-",
              copied=2)
    assert destination.keys() == sorted([f"a-x{KEY}", "a-xsmall", *names(filled, prefix="work/")])


def test_clean_parts(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    tool.copy("--staged", "--clean-parts", filled, destination, copied=2, parts_copied=4)
    assert_same(filled, destination)


@on("moto")
def test_parts_are_cleaned_only_when_the_object_is_there(
        proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    proxy.fail("CompleteMultipartUpload", "AccessDenied", 403, key=f"^{KEY}$", times=None)
    proxied.copy("--staged", "--clean-parts", filled, destination, status=1, copied=1, failed=1)
    assert destination.keys() == ["small", *names(filled)]


@pytest.mark.parametrize(("operation", "key", "first", "after", "reused"), [
    ("CreateMultipartUpload", "temp-", 3, False, 0),
    ("UploadPartCopy", "temp-", 3, False, 0),
    ("CompleteMultipartUpload", "temp-", 3, True, 2),
    ("CopyObject", "part-", 2, False, 4),
    ("CopyObject", "part-", 3, True, 4),
    ("CreateMultipartUpload", f"^{KEY}", 1, True, 4),
    ("UploadPartCopy", f"^{KEY}", 2, False, 4),
    ("CompleteMultipartUpload", f"^{KEY}", 1, False, 4),
])
def test_kill_and_run_again(proxied: Tool, tool: Tool, proxy: Proxy, filled: Bucket, destination: Bucket,
                            operation: str, key: str, first: int, after: bool, reused: int) -> None:
    held = proxy.hold(operation, key=key, first=first, after=after)
    running = proxied.start("--staged", filled, destination)
    held.wait()
    if operation == "CompleteMultipartUpload" and reused < 4:
        proxy.wait_answered(operation, reused)
    running.kill()
    held.release(forward=False)
    ran = tool.copy("--staged", filled, destination, failed=0, uploads_left=0)
    assert ran.summary["parts_reused"] >= reused, ran
    assert ran.summary["parts_copied"] + ran.summary["parts_reused"] == 4, ran
    assert destination.read(KEY) == filled.read(KEY)
    assert destination.look(KEY) == filled.look(KEY)
    assert set(destination.keys()) == {KEY, "small", *names(filled)}
    assert [key for key, _ in destination.uploads([*names(filled), ""]) if key.startswith("temp/")] == []
    tool.copy("--staged", filled, destination, copied=0, up_to_date=2)


@pytest.mark.parametrize("answered", [True, False])
def test_a_signal_leaves_no_upload_uncounted(proxied: Tool, tool: Tool, proxy: Proxy, filled: Bucket,
                                             destination: Bucket, answered: bool) -> None:
    """Uploads of temp files bear no mark: they are ended while the run stops, or counted."""
    held = proxy.hold("UploadPartCopy", key="temp-", first=4)
    running = proxied.start("--staged", "--json", filled, destination)
    held.wait()
    running.signal(signal.SIGINT)
    if answered:
        held.release()
    ran = running.wait().expect(130)
    held.release(forward=False)
    left = [key for key, _ in destination.uploads([*names(filled), ""]) if key.startswith("temp/")]
    assert ran.summary["uploads_left"] == len(left), ran
    assert not (answered and left), ran
    tool.copy("--staged", filled, destination, failed=0, uploads_left=0)
    assert [key for key, _ in destination.uploads([*names(filled), ""]) if key.startswith("temp/")] == []


def again(destination: Bucket) -> None:
    """The object goes, its part files stay."""
    destination.client.delete_object(Bucket=destination.name, Key=KEY)


def test_part_files_are_used_again(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    tool.copy("--staged", filled, destination, copied=2)
    again(destination)
    tool.copy("--staged", filled, destination, copied=1, parts_copied=0, parts_reused=4)
    assert destination.etag(KEY) == filled.etag(KEY)


@pytest.mark.parametrize("kind", ["temp", "part"])
def test_a_corrupted_part_file_is_made_again(tool: Tool, filled: Bucket, destination: Bucket, kind: str) -> None:
    tool.copy("--staged", filled, destination, copied=2)
    again(destination)
    destination.put(f"{folder(filled)}{kind}-00002", content(5 * MIB, 99))
    ran = tool.copy("--staged", filled, destination, copied=1, failed=0)
    assert ran.summary["parts_reused"] + ran.summary["parts_copied"] == 4, ran
    assert ran.summary["parts_reused"] >= 3, ran
    assert destination.read(KEY) == filled.read(KEY)
    assert destination.etag(KEY) == filled.etag(KEY)
    assert destination.read(f"{folder(filled)}part-00002") == PARTS[1]


@on("moto", "minio")
def test_part_files_that_agree_and_are_wrong_are_made_again(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    """Temp and part file tell the same MD5, but not that of the source: the ETag of the whole finds it."""
    tool.copy("--staged", filled, destination, copied=2)
    again(destination)
    wrong = content(5 * MIB, 99)
    destination.put_parts(f"{folder(filled)}temp-00002", [wrong])
    destination.put(f"{folder(filled)}part-00002", wrong)
    tool.copy("--staged", filled, destination, copied=1, failed=0)
    assert destination.read(KEY) == filled.read(KEY)
    assert destination.etag(KEY) == filled.etag(KEY)


@on("moto", "minio")
def test_part_files_alone_prove_themselves_together(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    tool.copy("--staged", filled, destination, copied=2)
    again(destination)
    for number in range(1, 5):
        destination.client.delete_object(Bucket=destination.name, Key=f"{folder(filled)}temp-{number:05}")
    tool.copy("--staged", filled, destination, copied=1, parts_copied=0, parts_reused=4)
    assert destination.etag(KEY) == filled.etag(KEY)


@on("moto", "minio")
@pytest.mark.parametrize(("operation", "gone"), [("CopyObject", "temp-00002"), ("UploadPartCopy", "part-00002")])
def test_a_part_file_that_vanishes_is_made_again(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket,
                                                 operation: str, gone: str) -> None:
    key = "part-00002" if operation == "CopyObject" else f"^{KEY}$"
    held = proxy.hold(operation, key=key, first=1, times=1 if operation == "CopyObject" else 4)
    running = proxied.start("--json", "--staged", filled, destination)
    held.wait()
    destination.client.delete_object(Bucket=destination.name, Key=folder(filled) + gone)
    held.release()
    running.wait().expect(0).counted(copied=2, failed=0)
    assert destination.etag(KEY) == filled.etag(KEY)


@on("moto")
def test_another_version_has_other_part_files(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    tool.copy("--staged", filled, destination, copied=2)
    first = names(filled)
    filled.put_parts(KEY, [PARTS[2], PARTS[0], b"other"])
    tool.copy("--staged", filled, destination, copied=1, parts_copied=3, parts_reused=0)
    assert destination.etag(KEY) == filled.etag(KEY)
    assert set(destination.keys()) == {KEY, "small", *first, *names(filled, count=3)}


def test_a_source_that_changes_meanwhile(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    held = proxy.hold("CopyObject", key="part-", first=1)
    running = proxied.start("--json", "--staged", filled, destination)
    held.wait()
    filled.put_parts(KEY, [PARTS[2], PARTS[0], b"other"])
    held.release()
    running.wait().expect(0).counted(copied=2, failed=0)
    assert destination.read(KEY) == filled.read(KEY)
    assert destination.etag(KEY) == filled.etag(KEY)


def test_large_objects_that_were_not_uploaded_in_parts(tool: Tool, source: Bucket, destination: Bucket) -> None:
    source.put("whole", content(12 * MIB, 5), Metadata={"note": "whole"})
    options = ["--staged", "--large-file", "10MiB", "--part-size", "5MiB"]
    tool.copy(*options, source, destination, copied=1, parts_copied=3)
    assert destination.read("whole") == source.read("whole")
    assert destination.look("whole") == source.look("whole")
    destination.client.delete_object(Bucket=destination.name, Key="whole")
    tool.copy(*options, source, destination, copied=1, parts_copied=0, parts_reused=3)
    destination.client.delete_object(Bucket=destination.name, Key="whole")
    # files of the same names and sizes that are not of this source are not used, though they agree
    wrong = content(5 * MIB, 99)
    destination.put_parts(f"{folder(source, 'whole')}temp-00002", [wrong])
    destination.put(f"{folder(source, 'whole')}part-00002", wrong)
    tool.copy(*options, source, destination, copied=1, parts_copied=1, parts_reused=2)
    assert destination.read("whole") == source.read("whole")


@on("moto")
def test_names_that_grow_too_long(tool: Tool, source: Bucket, destination: Bucket) -> None:
    key = "n" * 1000
    source.put_parts(key, PARTS[2:])
    ran = tool.copy("--staged", source, destination, status=1, failed=1, copied=0)
    assert "KeyTooLong" in ran.err
    assert "--staged" in ran.err
    assert destination.keys() == []
    tool.copy(source, destination, copied=1)


@on("moto")
def test_a_part_that_fails_fails_the_object(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    proxy.fail("UploadPartCopy", "AccessDenied", 403, key="temp-00003", times=None)
    ran = proxied.copy("--staged", filled, destination, status=1, failed=1, copied=1)
    assert f"failed {filled}/{KEY}: AccessDenied" in ran.err, ran
    assert not destination.has(KEY)


@on("moto", "minio")
def test_groups_by_key_assemble_the_same(server: Server, filled: Bucket, destination: Bucket) -> None:
    """The cluster's way for giants: parts through a group by key, here on the in-process runner."""
    filled.put_parts("other", PARTS[1:])
    vault_put("giants", ACCESS_KEY, SECRET_KEY)
    there = Access(destination.name, server.url, REGION, Identity(vault="giants"))
    options = CopyOptions(
        replace(there, bucket=filled.name), there, there, areas=(area_of(filled.name, ""),), staged=True, work=there,
        layout="cluster", spread_parts=2, run_id="giants")

    def copy() -> Totals:
        pipeline = beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([]))
        pipeline | CopyBucket(options)
        result = pipeline.run()
        result.wait_until_finish()
        totals = totals_of(result)
        assert totals is not None
        return totals

    totals = copy()
    assert (totals.copied, totals.parts_copied, totals.failures) == (3, 7, [])
    assert destination.etag(KEY) == filled.etag(KEY)
    assert destination.etag("other") == filled.etag("other")
    again(destination)
    totals = copy()
    assert (totals.copied, totals.parts_copied, totals.parts_reused) == (1, 0, 4)


@on("moto")
def test_dry_run_makes_nothing(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    ran = proxied.copy("-n", "--staged", filled, destination, would_copy=2, would_request=1 + 4 * 5 + 6)
    assert "4 parts" in ran.out
    assert destination.keys() == []
    assert {"PUT", "POST", "DELETE"}.isdisjoint(seen.request.method for seen in proxy.seen)


@on("moto")
@pytest.mark.parametrize(("args", "says"), [
    (["-w", "b/path"], "-w"), (["-w", "https://b"], "-w"), (["-w", "s3://b/p"], "-w"), (["-w", ""], "-w"),
    (["-w", "no-such-bucket-here"], "--work-bucket"),
])
def test_work_buckets_that_cannot_be(tool: Tool, filled: Bucket, destination: Bucket, args: list[str],
                                     says: str) -> None:
    ran = tool.run("--staged", *args, filled, destination, status=2)
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1, ran
    assert destination.keys() == []


@on("moto")
def test_clean_mpcopies_points_elsewhere(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    ran = tool.run("--clean-mpcopies", filled, destination, status=2)
    assert "--clean-parts" in ran.err
    assert "--abort-uploads" in ran.err
