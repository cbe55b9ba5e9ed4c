"""Comparing takes no more memory for more keys: counted, byte by byte, not measured."""

from __future__ import annotations

import asyncio
import tracemalloc

from s3copy_beam.listing.desk import Compared, Desk
from s3copy_beam.listing.judge import Judge
from s3copy_beam.listing.merge import compare_area
from s3copy_beam.model import Listed, Totals
from s3copy_beam.options import Access, CopyOptions
from s3copy_beam.paths import Area
from s3copy_beam.s3.page import Page


class ComputedBucket:
    """Lists numbers up to `count`; holds none of them."""

    bucket = "bucket"

    def __init__(self, count: int) -> None:
        self.count = count

    async def list_page(self, prefix: str, start_after: str = "", token: str = "", max_keys: int = 1000) -> Page:
        await asyncio.sleep(0.0001)
        low, high = 0, self.count
        while low < high:  # the first number above what the listing starts after
            middle = (low + high) // 2
            low, high = (middle + 1, high) if f"{middle:08}" <= (token or start_after) else (low, middle)
        found = [Listed(f"{n:08}", n, f"etag-{n}", 1_700_000_000) for n in range(low, min(low + max_keys, self.count))]
        more = low + max_keys < self.count
        return Page(found, more, found[-1].key if more else "")


def peak(count: int) -> int:
    """Bytes at the most, beyond what is there before."""
    access = Access("bucket")
    options = CopyOptions(access, access, access, (Area(""),))
    source, destination = ComputedBucket(count), ComputedBucket(count)
    desk = Desk(options, source, destination, Judge(source, destination, "auto"))  # type: ignore[arg-type]
    totals = Totals()

    async def emit(compared: Compared) -> None:
        totals.add(compared.totals)

    tracemalloc.start()
    try:
        asyncio.run(compare_area(desk, Area(""), None, emit))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert totals.up_to_date == count


def test_memory_is_bounded_by_pages_under_way() -> None:
    """Twelve listers with some pages each; all keys of both sides would be three times that."""
    peak(1000)  # what is made once
    assert peak(100_000) < 12 * 5 * 1000 * 300
