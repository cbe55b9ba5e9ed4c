"""What a run says about each object, and how it ends."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.buckets import MIB, Bucket, content
from tests.support.command import SUMMARY, Tool, find_leak
from tests.support.marks import on
from tests.support.proxy import Proxy

pytestmark = on("moto")
DRY = re.compile(r"\(dry run\) copy (s3://\S+) to (s3://\S+) \((\d+) bytes?, (new|changed)(?:, (\d+) parts)?\)")


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    source.fill({"a": b"a", "b": b"bb", "c/d": b"ddd"})
    source.put_parts("parts", [content(5 * MIB), b"end"])
    return source


def report_of(path: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", ["report.jsonl", "report.jsonl.gz"])
def test_report(tool: Tool, tmp_path: Path, filled: Bucket, destination: Bucket, name: str) -> None:
    (tmp_path / name).write_bytes(b"of an earlier run")
    tool.copy("--report", name, filled, f"{destination}/to", copied=4)
    lines = report_of(tmp_path / name)
    assert sorted(line["source"] for line in lines) == [f"{filled}/{key}" for key in sorted(filled.listed())]
    parts = next(line for line in lines if line["source"].endswith("/parts"))
    assert parts == {
        "source": f"{filled}/parts", "destination": f"{destination}/to/parts", "outcome": "copied", "reason": "",
        "size": 5 * MIB + 3, "etag": filled.etag("parts"), "parts": 2, "parts_reused": 0,
    }
    assert {line["parts"] for line in lines if line is not parts} == {0}
    tool.copy("--report", name, filled, f"{destination}/to", copied=0)
    assert report_of(tmp_path / name) == []
    tool.copy("--report", name, "--report-all", filled, f"{destination}/to", copied=0)
    assert [line["outcome"] for line in report_of(tmp_path / name)] == ["up_to_date"] * 4


def test_report_in_a_bucket(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    tool.copy("--report", f"{destination}/reports/run.jsonl", filled, f"{destination}/to", copied=4)
    assert len(destination.read("reports/run.jsonl").splitlines()) == 4


@pytest.mark.parametrize("name", ["run.jsonl", "reports/", ""])
def test_a_report_in_a_bucket_that_is_not_there(tool: Tool, filled: Bucket, destination: Bucket, name: str) -> None:
    url = f"s3://no-such-bucket-of-reports{name and '/'}{name}"
    ran = tool.run("--report", url, filled, destination, status=2)
    assert ran.err.startswith(f"s3copy: --report {url}")
    assert ran.err.count("\n") == 1
    assert destination.keys() == []


def test_failures_are_told_and_can_be_retried_from_the_report(
        proxied: Tool, proxy: Proxy, tmp_path: Path, filled: Bucket, destination: Bucket) -> None:
    proxy.fail("CopyObject", "AccessDenied", 403, key="^b$", times=None)
    proxy.fail("UploadPartCopy", "AccessDenied", 403, times=None)
    ran = proxied.copy("--report", "report.jsonl", filled, destination, status=1, copied=2, failed=2)
    assert re.search(rf"^failed {filled}/b: AccessDenied: .*\(CopyObject, 403, request id PROXY\)$", ran.err, re.M), ran
    assert re.search(rf"^failed {filled}/parts: AccessDenied: .*\(UploadPartCopy, 403", ran.err, re.M), ran
    outcomes = {line["source"].rpartition("/")[2]: line["outcome"] for line in report_of(tmp_path / "report.jsonl")}
    assert outcomes == {"a": "copied", "b": "failed", "d": "copied", "parts": "failed"}
    assert all(line["reason"] for line in report_of(tmp_path / "report.jsonl") if line["outcome"] == "failed")
    proxy.forget()
    proxied.copy("-F", "report.jsonl", filled, destination, copied=2, failed=0)
    assert destination.contents() == filled.contents()


def test_dry_run_does_nothing_and_says_what_it_would(
        proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    destination.put("b", b"other bytes")
    ran = proxied.run("--dry-run", filled, destination)
    found = {m[1]: m.groups()[1:] for line in ran.out.splitlines() if (m := DRY.fullmatch(line))}
    assert found == {
        f"{filled}/a": (f"{destination}/a", "1", "new", None),
        f"{filled}/b": (f"{destination}/b", "2", "changed", None),
        f"{filled}/c/d": (f"{destination}/c/d", "3", "new", None),
        f"{filled}/parts": (f"{destination}/parts", str(5 * MIB + 3), "new", "2"),
    }, ran
    assert ran.last.startswith("would copy 4 objects ("), ran
    assert destination.contents() == {"b": b"other bytes"}
    assert {seen.request.method for seen in proxy.seen} <= {"GET", "HEAD"}


def test_verbose_and_quiet(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    ran = tool.run("-v", filled, destination)
    for key in filled.listed():
        assert sum(f"{filled}/{key}" in line for line in ran.out.splitlines()) == 1, ran
    assert SUMMARY.fullmatch(ran.last), ran
    ran = tool.run("-q", "-v", filled, f"{destination}/quiet")
    assert ran.err == "", ran


def test_nothing_there(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    ran = tool.copy(f"{filled}/absent", destination, status=1, copied=0, failed=0)
    assert f"nothing at {filled}/absent" in ran.err
    tool.copy("--allow-empty", f"{filled}/absent", destination, copied=0, failed=0)


def test_a_bucket_that_is_not_there(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    for source, to, named in [("s3://no-such-bucket-1", destination, "no-such-bucket-1"),
                              (filled, "s3://no-such-bucket-2", "no-such-bucket-2")]:
        ran = tool.run(source, to, status=2)
        assert ran.err.count("\n") == 1, ran
        assert named in ran.err, ran



def test_a_dead_endpoint_fails_soon(tool: Tool) -> None:
    ran = tool.run("--retries", "2", "s3://one", "s3://two", status=2, timeout=60, env={
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert ran.err.count("\n") == 1, ran


def test_the_secret_shows_nowhere(tool: Tool, tmp_path: Path, filled: Bucket, destination: Bucket) -> None:
    """Not in what a run with everything on writes."""
    tool.run("-v", "-l", "DEBUG", "-L", "log", "--report", "report.jsonl", filled, destination)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"log", "report.jsonl"}
    for path in written:
        assert find_leak(path.read_text("utf-8", errors="replace")) is None, path


@pytest.mark.parametrize(("options", "settled"), [([], r"\d+ list 127.0.0.1:\d+, \d+ small 127.0.0.1:\d+"),
                                                  (["-t", "3"], "3 all")])
def test_what_concurrency_settled_on(tool: Tool, tmp_path: Path, source: Bucket, destination: Bucket,
                                     options: list[str], settled: str) -> None:
    """With -v before the summary, and in the log."""
    source.fill({"a": b"1", "b": b"2"})
    log = tmp_path / "log"
    ran = tool.run("-v", "-l", "INFO", "-L", log, *options, source, destination)
    said, last = ran.err.splitlines()[-2:]
    assert re.fullmatch(f"requests at a time: {settled}", said), ran
    assert SUMMARY.fullmatch(last), ran
    assert said in log.read_text()
    assert "requests at a time" not in tool.run(*options, source, destination).err
