"""Cuts an area into ranges that are listed by different workers of a cluster."""

from __future__ import annotations

from s3copy_beam.keyspace import KeyRange, Order, past
from s3copy_beam.listing.desk import Desk
from s3copy_beam.listing.guess import Guesser, divide
from s3copy_beam.listing.pages import PAGE_SIZE, BrokenListing, Side, Stream
from s3copy_beam.listing.run import Run
from s3copy_beam.paths import Area
from s3copy_beam.s3.errors import S3Error, Stopped

_TRIES = 3
"""Probes for each range wanted, the empty ones included."""


async def cut_area(desk: Desk, area: Area, count: int, *, page_size: int = PAGE_SIZE) -> list[KeyRange]:
    """Cuts an area of the source at existing keys, into ranges of about the same number of keys, as far as can be told.

    Every key of the area is in exactly one of them. What cannot be cut, also for an error, comes back as one range that
    is all of it: `compare_area` then says what is wrong, or that nothing is there.

    Args:
        desk: clients.
        area: what is to be cut.
        count: ranges wanted, at most.
        page_size: keys in a page.

    Raises:
        CredentialsLost, ConfigError: nothing more can be done in this run.
    """
    if count < 2:
        return [KeyRange()]
    side = Side(desk.source, area.prefix, page_size)
    guesser = Guesser(side)
    runs: list[Run] = []
    new: Run | None = Run(Stream(side), None, None, past(side.prefix))
    try:
        for _ in range(_TRIES * count):
            if new is not None:
                guesser.learn([listed.key for listed in await new.next()] or [side.prefix])
                runs.append(new)
            longest = max(runs, key=guesser.left)
            if len(runs) == count or side.order is Order.NEITHER or guesser.left(longest) < 1:
                break
            after = guesser.guess(longest)
            if after:
                new = divide(longest, after, await side.page(after))
            else:
                longest.high, new = longest.last, None
    except (S3Error, BrokenListing, Stopped):
        return [KeyRange()]
    return [KeyRange(run.start, run.stop) for run in runs]
