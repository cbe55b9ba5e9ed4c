"""A range of a listing: it ends where it meets the first key of the next one, in whatever order the store lists.

A range that gets beyond that key without meeting it looks again. If it stays so, the store does not list in UTF-8
order, and the range goes on until it does meet it: so no key is lost between two ranges, and none is taken twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from s3copy_beam.keyspace import Cut, Order, below, by_component
from s3copy_beam.listing.pages import BrokenListing, Stream
from s3copy_beam.model import Listed


class Run:
    """A range that is being listed.

    Attributes:
        start: where it begins; None: at the beginning of the listing.
        stop: where the next range begins; None: at the end of the listing. May be moved nearer while it is listed.
        high: nothing of this range is above this text; for guesses only.
        first: the first key of the pages that were given last: two, or the only one.
        last: the last one; empty: no page yet.
        seen: how many pages those are.
        done: there is no more.
        being_cut: somebody looks for a place to cut it.
        wasted: pages that held none of it.
        stem: keys were seen to differ in the character behind this; None: no such place is known.
    """

    def __init__(self, stream: Stream, start: Cut | None, stop: Cut | None, high: str, stem: str | None = None) -> None:
        self.stream, self.start, self.stop, self.high, self.stem = stream, start, stop, high, stem
        self.first = self.last = ""
        self.done = False
        self.being_cut = False
        self.seen = self.wasted = 0
        self._begun = start is None
        self._page = ""

    async def next(self) -> list[Listed]:
        """The next objects of this range; none: it is done.

        Raises:
            S3Error: a page could not be had.
            BrokenListing: the listing contradicts itself.
        """
        while not self.done:
            objects = await self.stream.next()
            if not objects:
                self.done = True
                if self.stop is not None:
                    await self._agrees("")
                break
            mine = await self._before_stop(objects if self._begun else self._from_start(objects))
            if mine:
                self.first, self._page, self.last = self._page or mine[0].key, mine[0].key, mine[-1].key
                self.seen = min(self.seen + 1, 2)
                return mine
            self.wasted += 1
        self.stream.close()
        return []

    def _from_start(self, objects: list[Listed]) -> list[Listed]:
        """Leaves out what was put between the start and its first key since they were seen: the range before has it."""
        assert self.start is not None
        keys, first = [listed.key for listed in objects], self.start.first
        if first in keys:
            count = keys.index(first)
        else:
            count = _below_or_at(self.stream.side.order, keys, first)
        self._begun = count < len(keys)
        return objects[count:]

    async def _before_stop(self, objects: list[Listed]) -> list[Listed]:
        """Those before the stop; sets `done` when it is met."""
        stop, order = self.stop, self.stream.side.order
        if stop is None or not objects or (
                order is not Order.NEITHER and below(order, objects[-1].key, stop.first)):
            return objects
        keys = [listed.key for listed in objects]
        if stop.first in keys:
            self.done = True
            return objects[:keys.index(stop.first)]
        count = _below_or_at(order, keys, stop.first)
        if count == len(keys):
            return objects
        self.last = keys[count - 1] if count else self.last
        self.done = await self._agrees(keys[count])
        return objects[:count] if self.done else await self._before_stop(objects)  # in the order that is known now

    async def _agrees(self, found: str) -> bool:
        """Whether this range may end without having met its stop: looked at again, both its end and the stop agree.

        What was added or removed since the pages were listed is no matter.

        Args:
            found: the key beyond the stop that was listed instead; empty: the listing ended.

        Returns:
            False: the stop is there, and comes later: the side's order is not what it was taken for.

        Raises:
            BrokenListing: the stop is there, and this range's listing does not have it.
        """
        stop, side = self.stop, self.stream.side
        assert stop is not None
        keys = await self.stream.again()
        there = await side.first_after(stop.after)
        if not there or there in keys:
            return True
        if found and side.order is Order.UNKNOWN and found in keys:
            self.stop = Cut(stop.after, there)
            side.order = Order.COMPONENT if by_component(found) < by_component(there) else Order.NEITHER
            return False
        raise BrokenListing(f"{there!r} is there, but a listing that should have it has not")


def _below_or_at(order: Order, keys: Sequence[str], mark: str) -> int:
    """Number of keys before the first one that is above `mark`."""
    if order is Order.NEITHER:
        return len(keys)
    if order is Order.COMPONENT:
        keys, mark = [by_component(key) for key in keys], by_component(mark)
    return next((i for i, key in enumerate(keys) if key > mark), len(keys))
