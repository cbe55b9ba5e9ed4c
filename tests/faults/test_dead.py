"""A store that is dead, closed or denied: the run ends in the time that is stated, and says what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from unittest import mock

import pytest

from s3copy_beam.s3 import retry
from tests.faults.inprocess import Here
from tests.support.buckets import Bucket
from tests.support.command import S3COPY, environment
from tests.support.marks import on
from tests.support.proxy import Proxy
from tests.support.servers import free_port
from tests.support.wire import Answer, s3_error

pytestmark = on("moto")
MANY = 1000


def listing(bucket: str, keys: list[str]) -> Answer:
    """A page of a listing that no server had to be filled for."""
    rows = "".join(f"<Contents><Key>{key}</Key><LastModified>2020-01-01T00:00:00Z</LastModified>"
                   '<ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag><Size>1</Size></Contents>' for key in keys)
    xml = ('<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>'
           f"<Name>{bucket}</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{rows}"
           "</ListBucketResult>")
    return Answer(200, [("Content-Type", "application/xml")], xml.encode())


@pytest.fixture
def many(proxy: Proxy, source: Bucket) -> list[str]:
    """Keys of a source that only seems to be so large."""
    keys = [f"{n:05}" for n in range(MANY)]
    proxy.answer("ListObjectsV2", listing(source.name, keys), target=f"^/{source.name}", times=None)
    return keys


def test_a_store_that_falls_silent(proxy: Proxy, tmp_path: Path, many: list[str], source: Bucket,
                                   destination: Bucket) -> None:
    """It takes connections and answers nothing: objects that wait don't take a time-out each."""
    proxy.delay("CopyObject", 600, times=None)
    began = time.monotonic()
    with mock.patch.object(retry, "_SILENCE", 3.0):
        ran = Here(proxy.url, tmp_path, read_timeout=1.0).copy(source, destination, status=1, failed=MANY)
    assert time.monotonic() - began < 60  # 1,000 objects, at 1.5 s each
    assert "has not answered for" in ran.err
    assert proxy.count("CopyObject") < 500
    assert len(ran.err.splitlines()) < 110  # a hundred failures, how many more, the summary
    assert f"... and {MANY - 100} more failed" in ran.err


def test_a_store_that_comes_back(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    source.fill({f"{n:03}": b"1" for n in range(300)})
    proxy.drop("CopyObject", first=20, times=60)
    ran = Here(proxy.url, tmp_path, read_timeout=1.0).copy(source, destination, failed=0, copied=300)
    assert ran.summary["retries"] >= 60


def test_a_store_that_only_throttles(proxy: Proxy, tmp_path: Path, many: list[str], source: Bucket,
                                     destination: Bucket) -> None:
    """After so long without one success all that wait are given up, not each after as long again."""
    proxy.fail("CopyObject", "SlowDown", 503, times=None)
    began = time.monotonic()
    ran = Here(proxy.url, tmp_path, give_up=5.0).copy(source, destination, status=1, failed=MANY)
    assert time.monotonic() - began < 90  # those that wait for their turn still get it, 20 a second
    assert ran.summary["retries"] == 0
    assert ran.summary["throttled"] == proxy.count("CopyObject")


def test_throttling_that_ends(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket) -> None:
    """No object is lost to SlowDown, however often: retries are not used up by it."""
    source.fill({f"{n:02}": b"1" for n in range(20)})
    proxy.fail("CopyObject", "SlowDown", 503, times=200)
    Here(proxy.url, tmp_path, give_up=120.0).copy("--retries", "0", source, destination, failed=0, copied=20, retries=0)


@pytest.mark.parametrize("silent", [False, True])
def test_a_dead_endpoint(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket, silent: bool) -> None:
    """Nobody listens there, or somebody who never answers: exit 2, one line."""
    url = proxy.url if silent else f"http://127.0.0.1:{free_port()}"
    proxy.delay("*", 600, times=None)
    began = time.monotonic()
    ran = Here(url, tmp_path, **({"read_timeout": 2.0} if silent else {})).run(source, destination, status=2)
    assert time.monotonic() - began < 60
    assert ran.err.count("\n") == 1
    assert url.removeprefix("http://") in ran.err


def test_a_broken_server_is_not_hammered(proxy: Proxy, tmp_path: Path, many: list[str], source: Bucket,
                                         destination: Bucket) -> None:
    """500 for ever: the budget allows a hundred retries, not ten for each object."""
    proxy.fail("CopyObject", "InternalError", 500, times=None)
    with mock.patch.object(retry, "_PATIENCE", 2.0):
        ran = Here(proxy.url, tmp_path, read_timeout=2.0).copy(source, destination, status=1, failed=MANY)
    assert ran.summary["retries"] < 1000
    assert ran.summary["requests"] < MANY + 1100


def test_thousands_of_failures_fill_neither_memory_nor_screen(proxy: Proxy, tmp_path: Path, source: Bucket,
                                                              destination: Bucket) -> None:
    report, err = tmp_path / "report.jsonl", tmp_path / "err"
    denied = s3_error(403, "AccessDenied", message="no " * 100)
    peaks = []
    for number in (1000, 4000):
        keys = [f"{n:06}" for n in range(number)]
        proxy.forget()
        proxy.answer("ListObjectsV2", listing(source.name, keys), target=f"^/{source.name}", times=None)
        proxy.answer("CopyObject", denied, times=None)
        words = [S3COPY, "--report", str(report), str(source), str(destination)]
        with err.open("wb") as stream, subprocess.Popen(
                words, env=environment(proxy.url, tmp_path), cwd=tmp_path, stderr=stream) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 1, err.read_text()
        peaks.append(usage.ru_maxrss)
        assert len(err.read_text().splitlines()) < 115
        with report.open() as lines:
            assert sum(json.loads(line)["outcome"] == "failed" for line in lines) == number
    assert peaks[1] - peaks[0] < 30_000, f"{peaks} KiB"


@pytest.mark.parametrize(("operation", "code"), [("CopyObject", "AccessDenied"), ("HeadObject", "AccessDenied")])
def test_a_denied_prefix_fails_its_keys_alone(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket,
                                              operation: str, code: str) -> None:
    source.fill({f"{prefix}/{n}": b"1" for prefix in ("denied", "open") for n in range(20)})
    proxy.fail("CopyObject", code, 403, key="^denied/", times=None)
    if operation == "HeadObject":
        proxy.fail("HeadObject", code, 403, key="^denied/", times=None)
    ran = Here(proxy.url, tmp_path).copy(source, destination, status=1, failed=20, copied=20)
    assert all(f"failed {source}/denied/{n}: AccessDenied" in ran.err for n in range(20))
    assert len(destination.keys()) == 20


def test_a_destination_that_may_not_be_listed(proxy: Proxy, tmp_path: Path, source: Bucket,
                                              destination: Bucket) -> None:
    """Each key is looked up by itself, and where even that is denied it is copied; never taken for empty in silence."""
    source.fill({"a": b"1", "b": b"2"})
    destination.put("a", b"1")
    proxy.fail("ListObjectsV2", "AccessDenied", 403, target=f"^/{destination.name}", times=None)
    here = Here(proxy.url, tmp_path)
    here.copy(source, destination, copied=1, up_to_date=1, failed=0)
    proxy.fail("HeadObject", "AccessDenied", 403, target=f"^/{destination.name}", times=None)
    ran = here.copy(source, destination, copied=2, failed=0)
    assert "may neither be listed nor looked at" in ran.err


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize(("code", "status"), [("InternalError", 500), ("NoSuchBucket", 404)])
def test_a_listing_that_cannot_be_read_fails_the_run(proxy: Proxy, tmp_path: Path, source: Bucket, destination: Bucket,
                                                     side: str, code: str, status: int) -> None:
    source.fill({"a": b"1", "b": b"2"})
    bucket = source if side == "source" else destination
    proxy.fail("ListObjectsV2", code, status, target=f"^/{bucket.name}", times=None)
    ran = Here(proxy.url, tmp_path).run("--retries", "1", source, destination, status=2)
    assert code in ran.err
    assert destination.keys() == []
