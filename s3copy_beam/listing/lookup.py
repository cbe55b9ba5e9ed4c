"""What is at the destination, for keys that come in the order of the source: only what is asked for is listed.

Where most of what is listed is asked for, the destination is read page after page, the next one fetched ahead. Where
much of it is not, the next page begins just before the next key that is asked for. Where a page holds hardly one such
key, they are looked up one by one (HEAD), many at a time.

A page proves that a key is not there only if the key is within it in every order that the store may have (keyspace.py);
else the key is looked up by itself. A gap is never taken for "not there".
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from s3copy_beam.compare import UNSEEN
from s3copy_beam.keyspace import Order, ascending, before, below, by_component, plain
from s3copy_beam.listing.pages import Side, Stream, let_go
from s3copy_beam.model import Listed
from s3copy_beam.s3.errors import S3Error
from s3copy_beam.s3.page import Page

_DENSE = 4
"""The destination is read on, page after page, while one in so many of its keys is asked for."""
_SPARSE = 2
"""Pages in a row that held one key asked for, or none, until keys are looked up by themselves."""
_SMALL_PAGE = 100
_FEW, _MANY = 8, 128
"""Keys looked up together."""


class Piece:
    """A run of a listing: all that is listed after `after` up to `last`.

    Attributes:
        ended: it goes up to the end of the listing.
        asked: how many keys within it were asked for so far.
    """

    def __init__(self, after: str, objects: Iterable[Listed], stream: Stream) -> None:
        self.after, self.last, self.ended = after, stream.last or after, stream.ended
        self.objects = {listed.key: listed for listed in objects}
        self.asked = 0

    def reach(self, keys: Sequence[str], start: int, order: Order) -> int:
        """How many of the keys, those up to `start` included, are not beyond this piece; `start`: it is elsewhere."""
        if order is Order.COMPONENT:
            if self.after and by_component(keys[start]) <= by_component(self.after):
                return start
            return len(keys) if self.ended else bisect_right(keys, by_component(self.last), start, key=by_component)
        if self.after and keys[start] <= self.after:
            return start
        return len(keys) if self.ended else bisect_right(keys, self.last, start)

    def proves(self, key: str, order: Order) -> bool:
        """Whether a key that is not in this piece is surely not there."""
        return (not self.after or below(order, self.after, key)) and (self.ended or below(order, key, self.last))


class Destination:
    """The destination of one area, shared by all ranges of its source.

    Attributes:
        side: its listing.
        rest: all that is there up to the end, as far back as one page told; None: not known yet.
        denied: it may not be listed: each key is looked up by itself.
        unseen: some keys may not even be looked up: maybe they are there.
    """

    def __init__(self, side: Side, after: str = "") -> None:
        self.side = side
        self.rest: Piece | None = None
        self.denied = self.unseen = False
        self._after = after if after.startswith(side.prefix) else ""
        self._first: asyncio.Task[Page] | None = None
        self._lock = asyncio.Lock()
        self._opened = False
        self._opening: tuple[Stream | None, Piece | None] = None, None

    def fetch_ahead(self) -> None:
        """Begins to fetch the first page."""
        self._first = self._first or asyncio.ensure_future(self.side.page(self._after))

    def close(self) -> None:
        """Lets go of the first page."""
        if self._first is not None:
            let_go(self._first)

    async def open(self) -> None:
        """Waits for the first page.

        Raises:
            S3Error: it could not be had (but AccessDenied: then it is `denied`).
            BrokenListing: it contradicts itself.
        """
        async with self._lock:
            if self._opened:
                return
            self.fetch_ahead()
            assert self._first is not None
            try:
                page = await self._first
            except S3Error as error:
                if error.status != 403 or error.code != "AccessDenied":
                    raise
                self.denied = True
            else:
                stream = Stream(self.side, self._after, page)
                piece = Piece(self._after, await stream.next(), stream)
                self._opening = stream, piece
                self.note(piece)
            self._opened = True

    def take_opening(self) -> tuple[Stream | None, Piece | None]:
        """The first page, and how to go on; once."""
        opening, self._opening = self._opening, (None, None)
        return opening

    def note(self, piece: Piece) -> None:
        """Keeps in mind where the listing ends."""
        if piece.ended and (self.rest is None or piece.after < self.rest.after):
            self.rest = piece

    async def look(self, key: str) -> Listed | None:
        """One key, by itself. UNSEEN: it may not be looked at.

        Raises:
            S3Error: it could not be told whether it is there.
        """
        try:
            return await self.side.look(key, listable=not self.denied)
        except S3Error as error:
            if not self.denied or error.status != 403:
                raise
            self.unseen = True
            return UNSEEN

    async def look_all(self, keys: Sequence[str]) -> list[Listed | None]:
        """Several keys, some at a time."""
        found: list[Listed | None] = []
        for i in range(0, len(keys), _MANY):
            found += await asyncio.gather(*map(self.look, keys[i:i + _MANY]))
        return found


class Lookup:
    """Answers for the keys of one range of the source, in the source's order."""

    def __init__(self, destination: Destination) -> None:
        self._destination, self._side = destination, destination.side
        self._stream: Stream | None = None
        self._piece: Piece | None = None
        self._sparse, self._chunk = 0, _FEW

    def close(self) -> None:
        """Lets go of what is being fetched."""
        if self._stream is not None:
            self._stream.close()

    async def find(self, keys: list[str], more: bool = True, stop: str = "") -> list[Listed | None]:
        """What is there, key by key; UNSEEN where it may not be seen.

        Args:
            keys: destination keys, in the order of the source, behind those of the call before.
            more: others will be asked for.
            stop: but none at or beyond this key; empty: not known.

        Raises:
            S3Error: it could not be told.
            BrokenListing: the listing contradicts itself.
        """
        await self._destination.open()
        if self._destination.denied:
            return await self._destination.look_all(keys)
        if self._piece is None:
            self._stream, self._piece = self._destination.take_opening()
        ranks = [by_component(key) for key in keys] if self._side.order is Order.COMPONENT else keys
        if ascending(ranks):
            return await self._find(keys, more, stop)
        # The source lists in another order than the destination.
        places = sorted(range(len(keys)), key=ranks.__getitem__)
        found: list[Listed | None] = [None] * len(keys)
        for i, there in zip(places, await self._find([keys[i] for i in places], False, ""), strict=True):
            found[i] = there
        return found

    async def _find(self, keys: list[str], more: bool, stop: str) -> list[Listed | None]:
        found: list[Listed | None] = []
        doubtful: list[int] = []
        leapt = False
        while (start := len(found)) < len(keys):
            order, piece = self._side.order, self._piece
            reach = start if piece is None or order is Order.NEITHER else piece.reach(keys, start, order)
            if piece is not None and reach > start:
                here = list(map(piece.objects.get, keys[start:reach]))
                if None in here:
                    doubtful += [i for i, there in enumerate(here, start)
                                 if there is None and not piece.proves(keys[i], order)]
                found += here
                piece.asked += len(here)
                if self._is_dense(piece) and (more or reach < len(keys)) and (
                        not stop or below(order, piece.last, stop)) and self._stream is not None:
                    self._stream.fetch_ahead()
                leapt = False
            elif order is Order.NEITHER:
                found += await self._destination.look_all(keys[start:])
            elif leapt or not plain(keys[start][:-1]) or (order is Order.COMPONENT and keys[start].endswith("/")):
                found.append(await self._destination.look(keys[start]))  # no listing begins there: keyspace.before
                leapt = False
            elif self._sparse >= _SPARSE:
                found += await self._destination.look_all(keys[start:start + self._chunk])
                self._chunk = min(2 * self._chunk, _MANY)
                self._sparse -= 1  # and then a page again: it may have become dense
            else:
                leapt = await self._advance(keys[start], order)
        answers = await self._destination.look_all([keys[i] for i in doubtful])
        for i, there in zip(doubtful, answers, strict=True):
            found[i] = there
        return found

    def _is_dense(self, piece: Piece) -> bool:
        return piece.asked * _DENSE >= len(piece.objects)

    async def _advance(self, key: str, order: Order) -> bool:
        """Goes to the next piece, or leaps to the one that has `key`; whether it leapt."""
        piece, rest, stream = self._piece, self._destination.rest, self._stream
        if rest is not None and rest.reach([key], 0, order):
            self._piece = rest
            return False
        if piece is not None:
            if piece.asked <= 1 and len(piece.objects) >= _SMALL_PAGE:
                self._sparse += 1
            elif piece.asked > 1:
                self._sparse, self._chunk = 0, _FEW
        if piece is not None and stream is not None and not stream.ended and self._is_dense(piece) and (
                below(order, piece.last, key)):
            after, leapt, size = stream.last, False, 0
        else:
            if stream is not None:
                stream.close()
            after, leapt = before(key), True
            if not after.startswith(self._side.prefix):
                after = ""
            size = min(_SMALL_PAGE, self._side.page_size) if self._sparse else 0
            self._stream = stream = Stream(self._side, after)
        self._piece = Piece(after, await stream.next(size), stream)
        self._destination.note(self._piece)
        return leapt
