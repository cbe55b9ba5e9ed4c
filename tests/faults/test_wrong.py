"""Copies that are really wrong, and answers that lie: nothing wrong counts as copied, and what is said of it helps."""

from __future__ import annotations

import re
from pathlib import Path

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
