"""A side's listing, by several listers at a time, each key exactly once.

A lister that has nothing to do cuts the longest range in two, at a guessed middle of what is left of it: the first page
after that middle is its probe, and the first page of the new range, too. The old range then ends where it meets the
first key of the new one (run.py).

Half-filled pages (where ranges end, probes that find nothing) are kept to a few per cent of all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from s3copy_beam.keyspace import KeyRange, Order, past
from s3copy_beam.listing.guess import Guesser, divide
from s3copy_beam.listing.pages import Side, Stream
from s3copy_beam.listing.run import Run
from s3copy_beam.model import Listed

LISTERS = 12
"""At a time in a process: enough to hide pages of 100 ms behind the work on them, at some 10 ms a page."""
_SPARE_PAGES, _SPARE_SHARE = 5.0, 0.03
"""How many pages may be wasted on cuts: some, and a share of all."""
_COST_OF_CUT = 0.5
"""Pages: where a range ends, its last page is half full on average."""
_WORTH_CUTTING = 3.0
"""Pages that must be left of a range (by a rough guess) for a cut to pay."""

Work = Callable[[list[Listed]], Awaitable[None]]


class Splitter:
    """Lists a side, or a range of it, with several listers.

    Args:
        side: what is listed.
        keys: the range.
        work: called when a range begins; gives what is done with each page of it, one after another.
        listers: how many at a time.
    """

    def __init__(self, side: Side, keys: KeyRange, work: Callable[[Run], Work], listers: int = LISTERS) -> None:
        self._side, self._work, self._most = side, work, listers
        high = keys.stop.first if keys.stop else past(side.prefix)
        after = keys.start.after if keys.start else ""
        self._runs = [Run(Stream(side, after), keys.start, keys.stop, high)]
        self._guesser = Guesser(side)
        self._cutting = 0
        self._pages = self._useful = 0.0
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Lists all of it.

        Raises:
            S3Error, BrokenListing: the listing failed; and whatever `work` raises.
        """
        self._start(self._runs[0])
        try:
            while not self._finished():
                await self._changed.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            for run in self._runs:
                run.stream.close()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finished(self) -> bool:
        """Whether all listers are; raises what one of them raised."""
        done = [task for task in self._tasks if task.done()]
        for task in done:
            task.result()
        return len(done) == len(self._tasks)

    def _start(self, run: Run | None) -> None:
        task = asyncio.ensure_future(self._lister(run))
        task.add_done_callback(lambda _: self._tell())
        self._tasks.add(task)

    async def _lister(self, run: Run | None) -> None:
        while run is not None or (run := await self._another()) is not None:
            await self._list(run)
            run = None

    async def _list(self, run: Run) -> None:
        work = self._work(run)
        while objects := await run.next():
            self._count(len(objects))
            self._guesser.learn([listed.key for listed in objects])
            if not run.done and not run.stream.ended:
                run.stream.fetch_ahead()
                while len(self._tasks) < self._most:
                    self._start(None)
            self._tell()
            await work(objects)
        self._pages += run.wasted
        self._runs.remove(run)
        self._tell()

    def _count(self, keys: int) -> None:
        self._pages += 1
        self._useful += min(1.0, keys / self._side.page_size)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _another(self) -> Run | None:
        """A new range, cut off from one of the others; None: all is listed, or being listed to its end."""
        while self._runs or self._cutting:
            changed = self._changed
            victim = self._longest()
            if victim is None:
                await changed.wait()
                continue
            after = self._guesser.guess(victim)
            if not after:
                victim.high = victim.last  # no place is known
                continue
            victim.being_cut, self._cutting = True, self._cutting + 1
            try:
                run = await self._cut(victim, after)
            finally:
                victim.being_cut, self._cutting = False, self._cutting - 1
                self._tell()
            if run is not None:
                return run
        return None

    def _longest(self) -> Run | None:
        """The range of which most is left; None: a cut would not pay now."""
        wasted = self._pages - self._useful + self._cutting + _COST_OF_CUT * len(self._runs)
        if wasted > _SPARE_PAGES + _SPARE_SHARE * self._pages or self._side.order is Order.NEITHER:
            return None
        # one page may be one folder: where keys differ, and how far apart pages are, shows in two
        left, longest = max(((self._guesser.left(run), i) for i, run in enumerate(self._runs) if run.seen > 1),
                            default=(0.0, -1))
        return self._runs[longest] if left >= _WORTH_CUTTING else None

    async def _cut(self, run: Run, after: str) -> Run | None:
        """Begins a new range after a text; None: nothing is there, or the old range is beyond it meanwhile."""
        new = divide(run, after, await self._side.page(after))
        if new is None:
            self._count(0)
        else:
            self._runs.append(new)
        return new
