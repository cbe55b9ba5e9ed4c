"""Sources that change or vanish while they are copied, destinations that somebody else writes meanwhile."""

from __future__ import annotations

from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Tool
from tests.support.proxy import Proxy
from tests.support.servers import Server

OLD = [content(5 * MIB, n) for n in range(4)]
NEW = [content(5 * MIB, 10 + n) for n in range(4)]


def test_a_large_object_changes_in_mid_copy(proxied: Tool, tool: Tool, proxy: Proxy, source: Bucket,
                                            destination: Bucket) -> None:
    source.put_parts("large", OLD)
    proxy.meanwhile("UploadPartCopy", lambda _: source.put_parts("large", NEW), first=2)
    ran = proxied.start("--json", "-t", "1", source, destination).wait()
    assert ran.status in (0, 1), ran
    if ran.status == 0:
        assert destination.read("large") == b"".join(NEW)
    else:
        assert ran.expect(1).summary["failed"] == 1
        assert f"failed {source}/large: " in ran.err
        assert not destination.has("large") or destination.read("large") == b"".join(NEW)
    tool.copy(source, destination, failed=0)
    assert_same(source, destination)
    assert destination.uploads(["large"]) == []


def test_a_small_object_changes_in_mid_copy(proxied: Tool, tool: Tool, server: Server, proxy: Proxy, source: Bucket,
                                            destination: Bucket) -> None:
    source.fill({"a": b"a", "changing": b"old", "z": b"z"})
    proxy.meanwhile("CopyObject", lambda _: source.put("changing", b"new, and longer"), key="changing")
    ran = proxied.start("--json", source, destination).wait()
    assert ran.status in (0, 1), ran
    ran.expect(ran.status)
    assert destination.contents() in ({"a": b"a", "z": b"z"}, {"a": b"a", "changing": b"new, and longer", "z": b"z"})
    assert ran.summary["copied"] + ran.summary["failed"] == 3
    assert (ran.status == 0) == destination.has("changing")
    tool.copy(source, destination, failed=0)
    assert_same(source, destination)


def test_what_vanishes_is_no_failure(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    source.fill({"a": b"a", "vanishing": b"v", "z": b"z"})
    source.put_parts("large", OLD[:2])

    def vanish(key: str) -> None:
        source.client.delete_object(Bucket=source.name, Key=key)

    proxy.meanwhile("CopyObject", lambda _: vanish("vanishing"), key="vanishing")
    proxy.meanwhile("UploadPartCopy", lambda _: vanish("large"), key="large")
    ran = proxied.copy("-t", "1", "--report", "report.jsonl", source, destination, copied=2, failed=0, vanished=2)
    assert ", 2 vanished, in" in ran.last, ran
    assert destination.contents() == {"a": b"a", "z": b"z"}
    assert destination.uploads(["large"]) == []


def test_somebody_else_writes_the_destination(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket) -> None:
    """The last whole object wins; never a mixture."""
    source.put_parts("large", OLD)
    proxy.meanwhile("UploadPartCopy", lambda _: destination.put("large", b"theirs"), first=2)
    ran = proxied.start("--json", source, destination).wait()
    assert ran.status in (0, 1), ran
    ran.expect(ran.status)
    assert destination.read("large") in (b"theirs", b"".join(OLD))
    assert destination.uploads(["large"]) == []


def test_no_overwrite_of_what_is_written_meanwhile(proxied: Tool, proxy: Proxy, source: Bucket,
                                                   destination: Bucket) -> None:
    source.put_parts("large", OLD[:2])
    proxy.meanwhile("CompleteMultipartUpload", lambda _: destination.put("large", b"theirs"))
    proxied.copy("--no-overwrite", source, destination, copied=0, up_to_date=1, failed=0, uploads_left=0)
    assert destination.contents() == {"large": b"theirs"}
    assert destination.uploads(["large"]) == []
