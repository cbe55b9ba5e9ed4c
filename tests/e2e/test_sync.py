"""Run again, it syncs: additions and changes are followed, deletions are not."""

from __future__ import annotations

import time

from tests.support.buckets import Bucket, assert_same
from tests.support.command import SUMMARY, Tool
from tests.support.marks import on
from tests.support.proxy import Proxy


def test_copies_what_is_new_or_changed_and_nothing_else(tool: Tool, source: Bucket, destination: Bucket) -> None:
    objects = {"empty": b"", **{f"folder/{n:02}": b"%d" % n * n for n in range(30)}}
    source.fill(objects)
    size = sum(map(len, objects.values()))
    tool.copy(source, destination, copied=31, up_to_date=0, failed=0, copied_bytes=size)
    assert_same(source, destination)
    tool.copy(source, destination, copied=0, up_to_date=31, failed=0, copied_bytes=0)

    time.sleep(1.1)
    source.put("added", b"new")
    source.put("folder/07", b"longer than it was before")
    source.put("folder/08", b"X" * 8)
    tool.copy(source, destination, copied=3, up_to_date=29)
    assert_same(source, destination)

    source.client.delete_object(Bucket=source.name, Key="folder/09")
    tool.copy(source, destination, copied=0, up_to_date=31)
    assert destination.has("folder/09")


@on("moto")
def test_one_line_says_what_was_done(tool: Tool, source: Bucket, destination: Bucket) -> None:
    source.fill({"a": b"x" * 1000, "b": b"x" * 24})
    ran = tool.run(source, destination)
    assert ran.out == ""
    assert ran.err.count("\n") == 1, ran
    found = SUMMARY.fullmatch(ran.last)
    assert found, ran
    assert found.group("copied", "up_to_date", "failed", "more") == ("2", "0", "0", ""), ran
    assert found["bytes"] in ("1 KiB", "1.0 KiB"), ran


def test_an_empty_bucket_is_nothing_to_do(tool: Tool, source: Bucket, destination: Bucket) -> None:
    tool.copy(source, destination, copied=0, up_to_date=0, failed=0)
    assert destination.keys() == []


def test_what_somebody_else_wrote_there_stays(tool: Tool, source: Bucket, destination: Bucket) -> None:
    destination.put("theirs", b"theirs")
    source.put("ours", b"ours")
    tool.copy(source, destination, copied=1)
    assert destination.contents() == {"ours": b"ours", "theirs": b"theirs"}


def test_a_thousand_small_objects_cost_a_thousand_requests(
        proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    source.fill({f"{n % 10}/{n:04}": b"%d" % n for n in range(1000)})
    ran = proxied.copy(source, destination, copied=1000, failed=0, retries=0)
    assert proxy.count("CopyObject") == 1000
    assert ran.summary["requests"] == proxy.count() <= 1005, proxy.counts()
    assert destination.listed() == source.listed()
    proxy.forget()
    ran = proxied.copy(source, destination, copied=0, up_to_date=1000)
    assert ran.summary["requests"] == proxy.count() <= 6, proxy.counts()
