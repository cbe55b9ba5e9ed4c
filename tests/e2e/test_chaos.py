"""Random faults, seeded, in every operation: nothing wrong, nothing silent, and a clean rerun completes.

`S3COPY_CHAOS=200 ./run_tests.sh tests/e2e/test_chaos.py` runs two hundred seeds instead of one on each server.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Tool
from tests.support.proxy import Proxy
from tests.support.wire import Answer, s3_error

SEEDS = range(int(os.environ.get("S3COPY_CHAOS", "1")))
SMALL = 60
LARGE = {"large/uniform": [5 * MIB] * 4 + [1], "large/growing": [5 * MIB, 6 * MIB, 7]}
HTML = Answer(200, [("Content-Type", "text/html")], b"<html>Please log in</html>")

FAULTS: dict[str, Callable[..., object]] = {
    "500": lambda p, **when: p.fail("*", "InternalError", 500, **when),
    "500 after the work": lambda p, **when: p.fail("*", "InternalError", 500, after=True, **when),
    "slow down": lambda p, **when: p.fail("*", "SlowDown", 503, **when),
    "too many": lambda p, **when: p.fail("*", "TooManyRequests", 429, **when),
    "reset": lambda p, **when: p.drop("*", **when),
    "answer lost": lambda p, **when: p.drop("*", after=True, **when),
    "answer cut": lambda p, **when: p.cut("*", **when),
    "late": lambda p, **when: p.delay("*", 0.3, after=True, **when),
    "error in a 200": lambda p, **when: p.answer("CopyObject", s3_error(200, "InternalError"), **when),
    "error in a 200 of a part": lambda p, **when: p.answer("UploadPartCopy", s3_error(200, "InternalError"), **when),
    "error in a 200 after Complete": lambda p, **when: p.answer(
        "CompleteMultipartUpload", s3_error(200, "InternalError"), after=True, **when),
    "foreign answer": lambda p, **when: p.answer("*", HTML, **when),
    "empty answer": lambda p, **when: p.change_body("*", lambda _: b"", **when),
    "clock": lambda p, **when: p.fail("CopyObject", "RequestTimeTooSkewed", 403, **when),
    "white space": lambda p, **when: p.drip("CompleteMultipartUpload", 0.3, **when),
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_faults_do_no_harm(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket, seed: int) -> None:
    source.fill({f"small/{n:02}": b"%d" % n for n in range(SMALL)})
    for number, (key, sizes) in enumerate(LARGE.items()):
        source.put_parts(key, [content(size, seed + number) for size in sizes], Metadata={"key": key})
    theirs = destination.begin("large/uniform", [b"theirs"])
    for number, make in enumerate(FAULTS.values()):
        make(proxy, chance=0.02, seed=1000 * seed + number, times=None)
    ran = proxied.start("--json", source, destination).wait()
    faults = proxy.faults
    assert ran.status in (0, 1, 2), ran
    ran.expect(ran.status)
    assert faults, "this seed made none"
    for key, body in destination.contents().items():
        assert body == source.read(key), f"{key} is wrong\n{ran}"
    absent = set(source.listed()) - set(destination.listed())
    if ran.status == 0:
        assert not absent, ran
    elif ran.status == 1:
        assert all(f"failed {source}/{key}: " in ran.err for key in absent) or "failed listing" in ran.err, ran

    proxy.forget()
    proxied.copy(source, destination, failed=0, uploads_left=0)
    assert_same(source, destination)
    for key in LARGE:
        assert destination.etag(key) == source.etag(key)
        assert destination.look(key) == source.look(key)
    proxied.copy(source, destination, copied=0, up_to_date=SMALL + len(LARGE))
    left = destination.uploads(LARGE)
    assert ("large/uniform", theirs) in left
    ours = [upload for key, upload in left if upload != theirs and has_mark(destination, key, upload)]
    assert ours == [], "uploads of ours are left"


def has_mark(bucket: Bucket, key: str, upload: str) -> bool:
    """Whether an upload holds a part 10,000: it is one of ours, and known to be."""
    pages = bucket.client.get_paginator("list_parts").paginate(Bucket=bucket.name, Key=key, UploadId=upload)
    return any(part["PartNumber"] == 10_000 for page in pages for part in page.get("Parts", []))
