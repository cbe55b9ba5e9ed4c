"""Interrupted anywhere, run again, done: kill -9, Ctrl-C, SIGTERM, and two runs at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Tool
from tests.support.marks import on
from tests.support.proxy import Proxy

PARTS = 12
LARGE = "large/object"


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    """Small objects, and one of parts with all that Create must be given."""
    source.fill({f"small/{n:02}": b"%d" % n * 10 for n in range(40)})
    source.put_parts(LARGE, [content(5 * MIB, n) for n in range(PARTS - 1)] + [b"end"], ContentType="text/x-large",
                     Metadata={"note": "large"})
    return source


def assert_nothing_wrong(source: Bucket, destination: Bucket) -> None:
    """What is visible is whole and right."""
    for key, body in destination.contents().items():
        assert body == source.read(key), key


def foreign_upload(destination: Bucket, source: Bucket) -> str:
    """Somebody's unfinished upload of the same key, right bytes, but no metadata: as other tools leave them."""
    return destination.begin(LARGE, [source.read(LARGE)[:5 * MIB]])


@pytest.mark.parametrize(("operation", "passing", "after", "reused"), [
    ("CopyObject", 10, True, 0),
    ("CreateMultipartUpload", 0, False, 0),
    ("UploadPart", 0, True, 0),
    ("UploadPartCopy", 4, False, 4),
    ("UploadPartCopy", 5, True, 5),
    ("CompleteMultipartUpload", 0, False, PARTS),
    ("CompleteMultipartUpload", 0, True, 0),
])
def test_kill_and_run_again(proxied: Tool, tool: Tool, proxy: Proxy, filled: Bucket, destination: Bucket,
                            operation: str, passing: int, after: bool, reused: int) -> None:
    theirs = foreign_upload(destination, filled)
    if operation == "CopyObject":  # an upload killed before its mark can't be known as ours: none is begun here
        proxy.drop("CreateMultipartUpload", times=None)
    held = proxy.hold(operation, passing=passing, after=after)
    running = proxied.start(filled, destination)
    held.wait()
    running.kill()
    held.release(forward=False)
    assert_nothing_wrong(filled, destination)

    ran = tool.copy(filled, destination, failed=0, uploads_left=0)
    assert ran.summary["parts_reused"] >= reused, ran
    if operation == "UploadPartCopy":
        assert ran.summary["parts_copied"] + ran.summary["parts_reused"] == PARTS, ran
    assert_same(filled, destination)
    assert destination.etag(LARGE) == filled.etag(LARGE)
    assert destination.look(LARGE) == filled.look(LARGE)
    assert destination.uploads([LARGE]) == [(LARGE, theirs)]
    tool.copy(filled, destination, copied=0, up_to_date=41)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_stops_cleanly(proxied: Tool, tool: Tool, proxy: Proxy, filled: Bucket, destination: Bucket,
                                  number: int, status: int) -> None:
    """Requests in flight that are never answered don't keep it: promised are 5 s, a busy machine gets more."""
    held = proxy.hold("UploadPartCopy", passing=4)
    running = proxied.start(filled, destination)
    held.wait()
    running.signal(number)
    ran = running.wait(timeout=20).expect(status)
    held.release(forward=False)
    assert "same command" in ran.err, ran
    assert "--abort-uploads" in ran.err, ran
    assert len(destination.uploads([LARGE])) == 1
    assert_nothing_wrong(filled, destination)
    ran = tool.copy(filled, destination, failed=0, uploads_left=0)
    assert ran.summary["parts_reused"] >= 4, ran
    assert_same(filled, destination)
    assert destination.uploads([LARGE]) == []


def test_a_signal_leaves_no_upload_without_its_mark(proxied: Tool, tool: Tool, proxy: Proxy, filled: Bucket,
                                                    destination: Bucket) -> None:
    """One that was just begun when the signal came is marked all the same: it is counted, and ended when it is used."""
    held = proxy.hold("CreateMultipartUpload", after=True)
    running = proxied.start("--json", filled, destination)
    held.wait()
    running.signal(signal.SIGTERM)
    time.sleep(0.3)
    held.release()
    running.wait(timeout=20).expect(143).counted(uploads_left=1)
    assert len(destination.uploads([LARGE])) == 1
    tool.copy(filled, destination, failed=0, uploads_left=0)
    assert_same(filled, destination)
    assert destination.uploads([LARGE]) == []


@on("moto")
def test_the_second_signal_stops_at_once(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    held = proxy.hold("UploadPartCopy", passing=1)
    running = proxied.start(filled, destination)
    held.wait()
    running.interrupt()
    time.sleep(0.3)
    running.signal(signal.SIGTERM)
    ran = running.wait(timeout=20).expect(130)
    held.release(forward=False)
    assert ran.err.count("run the same command again to go on") == 1, ran


@on("moto")
def test_a_signal_ends_the_reading_of_a_list(tool: Tool, filled: Bucket, destination: Bucket, tmp_path: Path) -> None:
    """A list without end: nothing is copied before it is read, and all is told as after any stop."""
    endless = tmp_path / "pipe"
    os.mkfifo(endless)
    running = tool.start("--json", "-F", endless, filled, destination)

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), endless.open("wb") as pipe:
            while True:
                pipe.write(b"small/01\n" * 5000)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    time.sleep(4)
    running.signal(signal.SIGTERM)
    running.wait(timeout=20).expect(143).counted(copied=0, uploads_left=0)
    writer.join(10)
    assert destination.keys() == []


def test_uploads_of_ours_can_be_ended(proxied: Tool, tool: Tool, proxy: Proxy, filled: Bucket,
                                      destination: Bucket) -> None:
    theirs = foreign_upload(destination, filled)
    held = proxy.hold("UploadPartCopy", passing=2)
    running = proxied.start(filled, destination)
    held.wait()
    running.kill()
    held.release(forward=False)
    assert len(destination.uploads([LARGE])) == 2
    # MinIO finds uploads by whole keys only: there the objects that are not copied yet tell them
    ran = tool.run("--abort-uploads", filled, destination)
    assert "ended 1 upload" in ran.out + ran.err, ran
    assert destination.uploads([LARGE]) == [(LARGE, theirs)]
    assert not destination.has(LARGE)


@pytest.mark.parametrize("gap", [0.0, 1.0])
def test_two_runs_at_once_end_well(tool: Tool, filled: Bucket, destination: Bucket, gap: float) -> None:
    one = tool.start("--json", filled, destination)
    time.sleep(gap)
    two = tool.start("--json", filled, destination)
    for running in (one, two):
        running.wait().expect(0).counted(failed=0, uploads_left=0)
    assert_same(filled, destination)
    assert destination.uploads([LARGE]) == []


def test_a_wrong_part_of_ours_is_copied_again(proxied: Tool, tool: Tool, proxy: Proxy, filled: Bucket,
                                              destination: Bucket) -> None:
    """A part that got other bytes shows in the ETag that all make together: nothing wrong is completed."""
    held = proxy.hold("UploadPartCopy", passing=PARTS - 1)
    running = proxied.start(filled, destination)
    held.wait()
    running.kill()
    held.release(forward=False)
    (_, upload), = destination.uploads([LARGE])
    destination.client.upload_part(Bucket=destination.name, Key=LARGE, UploadId=upload, PartNumber=3,
                                   Body=b"x" * 5 * MIB)
    tool.copy(filled, destination, failed=0, uploads_left=0)
    assert_same(filled, destination)
    assert destination.uploads([LARGE]) == []


def test_an_upload_for_an_older_version_is_not_used(proxied: Tool, tool: Tool, proxy: Proxy, filled: Bucket,
                                                    destination: Bucket) -> None:
    held = proxy.hold("UploadPartCopy", passing=4)
    running = proxied.start(filled, destination)
    held.wait()
    running.kill()
    held.release(forward=False)
    filled.put_parts(LARGE, [content(5 * MIB, 100 + n) for n in range(3)])
    tool.copy(filled, destination, failed=0, parts_copied=3, parts_reused=0)
    assert_same(filled, destination)
