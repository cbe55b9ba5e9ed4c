"""Listing both sides of real servers, page by page of one key and by many listers: nothing is lost, nothing invented.

SeaweedFS lists by path component and skips a folder that is named as start-after; MinIO lists nothing after a text that
has not the prefix; the pages here are so small that every such place is met.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

from s3copy_beam.keyspace import KeyRange
from s3copy_beam.listing.desk import Compared, Desk
from s3copy_beam.listing.judge import Judge
from s3copy_beam.listing.merge import compare_area
from s3copy_beam.listing.split import cut_area
from s3copy_beam.options import Access, CopyOptions, Identity
from s3copy_beam.paths import Area, area_of
from s3copy_beam.s3.identity import vault_clear, vault_put
from s3copy_beam.s3.worker import worker
from tests.support.buckets import Bucket
from tests.support.keys import HOSTILE
from tests.support.servers import ACCESS_KEY, REGION, SECRET_KEY, Server

ORDERS = ["a/1", "a/b/1", "a/b-1", "a/b/2", "a/b0", "a!", "a-1", "a-/x", "a.b/c", "a.b", "a0", "a0/x", "a0-", "b/c/d/e",
          "b/c/d-e", "b/c-d/e", "b-c/d/e", "b c", "b/c d/e"]
"""The two orders of keys differ at nearly every place of these."""


@pytest.fixture
def desk(server: Server, source: Bucket, destination: Bucket) -> Iterator[Desk]:
    """Clients of the two buckets."""
    vault_put("listing", ACCESS_KEY, SECRET_KEY)
    mine = Identity(vault="listing")
    ours, theirs = (Access(bucket.name, server.url, REGION, mine) for bucket in (source, destination))
    clients = worker().client(ours), worker().client(theirs)
    yield Desk(CopyOptions(ours, theirs, theirs), *clients, Judge(*clients))
    vault_clear()


def compare(desk: Desk, area: Area, page_size: int, listers: int, ranges: int = 1) -> Compared:
    """What compare_area gives, in one; over ranges as on a cluster."""
    total = Compared()

    async def emit(compared: Compared) -> None:
        total.planned += compared.planned
        total.totals.add(compared.totals)

    async def run() -> None:
        cuts: list[KeyRange] = await cut_area(desk, area, ranges, page_size=page_size) if ranges > 1 else [KeyRange()]
        await asyncio.gather(*(
            compare_area(desk, area, keys, emit, page_size=page_size, listers=listers) for keys in cuts))

    worker().run(run())
    return total


def fill(bucket: Bucket, objects: dict[str, bytes]) -> dict[str, bytes]:
    """Those that this server takes."""
    taken = {}
    for key, body in objects.items():
        try:
            bucket.put(key, body)
            taken[key] = body
        except Exception:
            continue
    return taken


@pytest.mark.parametrize("page_size, listers, ranges", [(1, 1, 1), (1, 6, 1), (2, 4, 3), (3, 8, 5), (1000, 12, 1)])
def test_every_key_once(server: Server, desk: Desk, source: Bucket, destination: Bucket, page_size: int, listers: int,
                        ranges: int) -> None:
    """Compared as two dictionaries are, whatever the order of the store, the pages and the listers."""
    rng = random.Random(page_size * 100 + listers)
    keys = ORDERS + rng.sample(HOSTILE, 20)
    if server.name == "minio":  # it does not list what is below a folder of an object's name
        keys = [key for key in keys if key not in ("a.b", "a0", "a/b")]
    fill(source, dict.fromkeys(keys, b"x"))
    ours = {each["Key"] for each in pages(source)}
    for path, to in (("", ""), ("a", "d"), ("b/c/*", ""), ("a*", "x/y")):
        area = area_of(source.name, path, to)
        for key in rng.sample(sorted(ours), len(ours) // 2):
            if area.takes(key):
                fill(destination, {area.destination_of(key): rng.choice([b"x", b"y"])})
        theirs = {each["Key"]: each["Size"] and each["ETag"] for each in pages(destination)}
        etags = {each["Key"]: each["Size"] and each["ETag"] for each in pages(source)}
        wanted = {key for key in ours if area.takes(key)}
        changed = {key for key in wanted if theirs.get(area.destination_of(key)) != etags[key]}
        got = compare(desk, area, page_size, listers, ranges)
        assert got.totals.failed == 0, got.totals
        assert sorted(plan.source for plan in got.planned) == sorted(changed)
        assert got.totals.up_to_date == len(wanted - changed)
        for plan in got.planned:
            assert bool(plan.replaces) == (plan.destination in theirs), plan


def pages(bucket: Bucket) -> list[dict[str, Any]]:
    """All objects as boto3 lists them, by the server's own tokens."""
    found = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    return [each for page in found for each in page.get("Contents", [])]


def test_a_folder_is_no_object(desk: Desk, source: Bucket) -> None:
    """`a/b` takes the key `a/b` if there is one; a folder of that name is none."""
    source.put("a/b/c", b"x")
    got = compare(desk, area_of(source.name, "a/b"), 1000, 4)
    assert [plan.source for plan in got.planned] == ["a/b/c"] and got.totals.failed == 0, got.totals
    got = compare(desk, area_of(source.name, "a"), 1000, 4)
    assert [plan.source for plan in got.planned] == ["a/b/c"]


def test_nothing(desk: Desk, source: Bucket) -> None:
    source.put("ab/c")
    got = compare(desk, area_of(source.name, "a"), 1000, 4)
    assert got.totals.nothing == [f"s3://{source.name}/a"] and not got.planned
