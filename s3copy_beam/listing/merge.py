"""Lists an area of the source and its destination together, and plans what is to be copied."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from s3copy_beam import text
from s3copy_beam.keyspace import KeyRange
from s3copy_beam.listing.desk import Compared, Desk
from s3copy_beam.listing.listers import LISTERS, Splitter, Work
from s3copy_beam.listing.lookup import Destination, Lookup
from s3copy_beam.listing.pages import PAGE_SIZE, BrokenListing, Side, listed_before
from s3copy_beam.listing.run import Run
from s3copy_beam.listing.verdict import Planner
from s3copy_beam.model import Listed, Totals, say
from s3copy_beam.paths import Area, star_hint
from s3copy_beam.s3.errors import S3Error, Stopped

Emit = Callable[[Compared], Awaitable[None]]

UNSEEN_WARNING = ("the destination may neither be listed nor looked at: what cannot be seen there is copied, whether "
                  "it is there or not")


async def compare_area(desk: Desk, area: Area, keys: KeyRange | None, emit: Emit, *, page_size: int = PAGE_SIZE,
                       listers: int = LISTERS) -> None:
    """Compares an area of the source, or a range of it, with its destination.

    A listing that fails, a signal that stops the run, an area that names nothing: all of that is told in totals.

    Args:
        desk: clients, settings, the judge.
        area: what is compared.
        keys: the range, as `cut_area` made it; None: all.
        emit: takes what was compared, a page of the source at a time, in no order; called once at a time. The listing
            waits for it.
        page_size: keys in a page.
        listers: pages of the source under way at a time.

    Raises:
        CredentialsLost, ConfigError: nothing more can be done in this run.
    """
    await _Comparison(desk, area, keys or KeyRange(), emit, page_size, listers).run()


class _SideFailed(Exception):
    """The destination's listing failed."""


class _Comparison:
    """One call of compare_area."""

    def __init__(self, desk: Desk, area: Area, keys: KeyRange, emit: Emit, page_size: int, listers: int) -> None:
        self._desk, self._area, self._keys, self._emit = desk, area, keys, emit
        self._emitting = asyncio.Lock()
        self._planner = Planner(desk, area)
        self._source = Side(desk.source, area.prefix, page_size)
        after = area.destination_of(keys.start.after) if keys.start else ""
        self._destination = Destination(Side(desk.lister, area.prefix_of_destination, page_size), after)
        self._in_place = desk.options.in_place and area.stays
        self._splitter = Splitter(self._source, keys, self._work, listers)
        self._taken = 0

    async def run(self) -> None:
        """Does it; see compare_area."""
        last = Totals()
        try:
            if not self._in_place:
                self._destination.fetch_ahead()
            if self._area.exact and self._keys.start is None:
                await self._compare_exact()
            await self._splitter.run()
        except Stopped:
            last.stopped = 1
        except _SideFailed as failure:
            self._fail(last, self._destination.side, failure.__cause__)
        except (S3Error, BrokenListing) as error:
            self._fail(last, self._source, error)
        else:
            if not self._taken and self._keys == KeyRange() and (self._area.prefix or self._area.exact):
                last.nothing, last.nothings = [self._area.label], 1
                if hint := star_hint(self._area):
                    say(last.warnings, hint)
        finally:
            self._destination.close()
        if self._destination.unseen:
            say(last.warnings, UNSEEN_WARNING)
        if last != Totals():
            await self._tell(Compared(totals=last))

    def _fail(self, totals: Totals, side: Side, error: BaseException | None) -> None:
        line = text.listing_failure_line(side.client.bucket, side.prefix, str(error))
        totals.failed = 1
        if side.client not in listed_before and self._keys == KeyRange():
            totals.fatal = line
        else:
            say(totals.failures, line)

    async def _tell(self, compared: Compared) -> None:
        async with self._emitting:
            await self._emit(compared)

    async def _compare_exact(self) -> None:
        source = await self._source.look(self._area.exact)
        if source is None:
            return
        there = None
        if not self._in_place:
            try:
                await self._destination.open()
                there = await self._destination.look(self._area.destination_of(source.key))
            except (S3Error, BrokenListing) as error:
                raise _SideFailed from error
        await self._plan([source], [there])

    def _work(self, run: Run) -> Work:
        lookup = Lookup(self._destination)
        skip, strip, to = self._area.skip, len(self._area.strip), self._area.destination

        async def compare(objects: list[Listed]) -> None:
            if skip:
                objects = [listed for listed in objects if listed.key != skip]
            there: Sequence[Listed | None] = objects
            if objects and not self._in_place:
                stop = self._area.destination_of(run.stop.first) if run.stop else ""
                try:
                    there = await lookup.find([to + listed.key[strip:] for listed in objects],
                                              not run.done and not run.stream.ended, stop)
                except (S3Error, BrokenListing) as error:
                    raise _SideFailed from error
            if run.done or run.stream.ended:
                lookup.close()
            await self._plan(objects, there)

        return compare

    async def _plan(self, objects: Sequence[Listed], there: Sequence[Listed | None]) -> None:
        self._taken += len(objects)
        compared, quick = Compared(), self._planner.quick
        left = [pair for pair in zip(objects, there, strict=True) if not quick(*pair, compared)]
        if left:
            await self._planner.settle(left, compared)
        if objects:
            await self._tell(compared)
