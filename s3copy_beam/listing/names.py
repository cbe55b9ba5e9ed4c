"""Lists of keys and prefixes (`-f`, `-F`, `-P`), and areas that may get to the same destination keys.

Everything that is named goes through a spool on disk (spool.py) first. So what is named twice is copied once, two
sources for one destination key are both found, and nothing is copied before all lists are known to be readable.
A key is looked up by itself (HEAD); it is never "the first key with that prefix".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from itertools import groupby, islice

from s3copy_beam import paths, text
from s3copy_beam.compare import UNSEEN
from s3copy_beam.listing import lists
from s3copy_beam.listing.desk import Compared, Desk
from s3copy_beam.listing.judge import is_folder, listed_of
from s3copy_beam.listing.lookup import Destination, Lookup
from s3copy_beam.listing.merge import UNSEEN_WARNING, Emit, compare_area
from s3copy_beam.listing.pages import BrokenListing, Side, Stream, listed_before
from s3copy_beam.listing.spool import Pair, Spool
from s3copy_beam.listing.verdict import Planner, add
from s3copy_beam.model import Listed, Outcome, Result, Totals, say
from s3copy_beam.options import CopyOptions, Names
from s3copy_beam.paths import Area
from s3copy_beam.s3.errors import S3Error, Stopped

_PAIRS_AT_A_TIME = 512
_AREAS_AT_A_TIME = 8
_FEW = 16
"""So few keys are looked up one by one at the destination too; for more, its listing is asked first."""


def meet(options: CopyOptions) -> bool:
    """Whether areas may get to the same destination keys as others or lists: then `compare_names` does them all."""
    if options.names or options.prefix_lists:
        return bool(options.areas)
    return paths.meeting(options.areas)


async def compare_names(desk: Desk, emit: Emit) -> None:
    """Compares all that the lists name, and the areas too where they meet.

    A list that cannot be read becomes `Totals.fatal`: nothing was copied yet. Listings that fail, and a signal that
    stops the run, are told in totals too.

    Args:
        desk: options and clients.
        emit: takes what was compared, chunk by chunk; called once at a time.

    Raises:
        CredentialsLost, ConfigError: nothing more can be done in this run.
    """
    spool, last, lock = Spool(), Totals(), asyncio.Lock()

    async def one_by_one(compared: Compared) -> None:
        async with lock:
            await emit(compared)

    try:
        last.warnings = await asyncio.to_thread(_fill, spool, desk.options)
        if await _compare_areas(desk, spool, one_by_one):
            await _compare_pairs(desk, spool, one_by_one, last)
    except lists.ListError as error:
        last.fatal = str(error)
    except Stopped:
        last.stopped = 1
    finally:
        spool.close()
    if last != Totals():
        await emit(Compared(totals=last))


def _fill(spool: Spool, options: CopyOptions) -> list[str]:
    """Reads all lists; what is to be said about them."""
    warnings: list[str] = []
    if meet(options):
        for area in options.areas:
            spool.add_area(area)
    for listed in options.names:
        found = 0
        pairs = _pairs_of(listed, options)
        while chunk := list(islice(pairs, 1000)):
            found += len(chunk)
            spool.add(chunk)
        _warn_if_empty(found, listed, "-F", warnings)
    for listed in options.prefix_lists:
        found = 0
        for prefix in lists.names(listed, "-P", options.source):
            found += 1
            spool.add_area(_area_of(prefix, options))
        _warn_if_empty(found, listed, "-P", warnings)
    return warnings


def _warn_if_empty(found: int, listed: Names, flag: str, warnings: list[str]) -> None:
    if not found:
        what = "holds no failed objects" if listed.report else "names nothing"
        say(warnings, f"{flag} {text.escape(listed.url)} {what}")


def _pairs_of(listed: Names, options: CopyOptions) -> Iterator[Pair]:
    """What one list of keys names."""
    if listed.report:
        buckets = options.source.bucket, options.destination.bucket
        for source, destination in lists.failed_of(listed, "-F", options.source, buckets):
            yield Pair(destination, source)
        return
    area = options.names_area or paths.names_area(
        options.source.bucket, options.source_path, options.destination_path, options.s3_prefixes)
    for name in lists.names(listed, "-F", options.source):
        yield Pair(area.destination + name, area.strip + name)


def _area_of(prefix: str, options: CopyOptions) -> Area:
    """The area of a prefix of a list (`-P`)."""
    path = paths.below(options.source_path, prefix)
    area = paths.area_of(options.source.bucket, path, options.destination_path, options.s3_prefixes)
    if options.source.bucket == options.destination.bucket and paths.equal(area):
        if not options.in_place:
            raise lists.ListError(f"-P: {text.escape(area.label)!r} would be copied onto itself")
        return paths.in_place(area)
    return area


# ------------------------------------------------------------------ areas

async def _compare_areas(desk: Desk, spool: Spool, emit: Emit) -> bool:
    """Compares the areas that meet nothing, and spools the keys of the others; False: one of those can't be listed.

    Then nothing of what meets is copied: two sources for one key could not be told.
    """
    whole = True
    areas = _with_neighbours(spool.areas(), bool(desk.options.names))

    async def one(area: Area, alone: bool) -> bool:
        if alone:
            await compare_area(desk, area, None, emit)
            return True
        return await _spool_area(desk, area, spool, emit)

    async for done in _some_at_a_time(one(area, alone) for area, alone in areas):
        whole = whole and done
    return whole


def _with_neighbours(areas: Iterable[Area], together: bool) -> Iterator[tuple[Area, bool]]:
    """Each area, and whether it meets no other. Areas come in the order of their destinations: nested ones follow.

    Args:
        areas: in that order.
        together: all of them meet something else.
    """
    root: Area | None = None
    alone = False
    for area in areas:
        if root is not None and area.prefix_of_destination.startswith(root.prefix_of_destination):
            if alone:
                yield root, False
            alone = False
            yield area, False
        else:
            if root is not None and alone:
                yield root, True
            root, alone = area, not together
            if together:
                yield area, False
    if root is not None and alone:
        yield root, True


async def _some_at_a_time(work: Iterable[Awaitable[bool]]) -> AsyncIterator[bool]:
    """Results as they come, of a few at a time."""
    running: set[asyncio.Future[bool]] = set()
    try:
        for each in work:
            running.add(asyncio.ensure_future(each))
            if len(running) >= _AREAS_AT_A_TIME:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        for each in asyncio.as_completed(running):
            yield await each
    finally:
        for task in running:
            task.cancel()


async def _spool_area(desk: Desk, area: Area, spool: Spool, emit: Emit) -> bool:
    """Spools the keys of an area; False: it could not be listed, which is said."""
    side, totals, found = Side(desk.source, area.prefix), Totals(), 0
    stream = Stream(side)
    try:
        while objects := await stream.next():
            stream.fetch_ahead()
            found += len(objects)
            spool.add([Pair(area.destination_of(listed.key), listed.key, listed)
                       for listed in objects if listed.key != area.skip])
        exact = await side.look(area.exact) if area.exact else None
        if exact is not None:
            found += 1
            spool.add([Pair(area.destination_of(exact.key), exact.key, exact)])
    except (S3Error, BrokenListing) as error:
        line = text.listing_failure_line(desk.options.source.bucket, area.prefix, str(error))
        totals.failed = 1
        if desk.source in listed_before:
            say(totals.failures, line)
        else:
            totals.fatal = line  # as in merge.py: the first page of a side could not be had
        await emit(Compared(totals=totals))
        return False
    finally:
        stream.close()
    if not found and area.prefix:
        totals.nothing, totals.nothings = [area.label], 1
        if hint := paths.star_hint(area):
            say(totals.warnings, hint)
        await emit(Compared(totals=totals))
    return True


# ------------------------------------------------------------------ pairs

async def _compare_pairs(desk: Desk, spool: Spool, emit: Emit, last: Totals) -> None:
    """Compares what was spooled, in the order of the destination; a chunk is looked up while one is handed on."""
    there = _There(desk, spool)
    ahead: asyncio.Task[Compared] | None = None
    try:
        for chunk in _chunks(spool.pairs()):
            ready = await ahead if ahead is not None else None
            ahead = asyncio.ensure_future(_compare_chunk(desk, chunk, there))
            if ready is not None:
                await emit(ready)
        if ahead is not None:
            await emit(await ahead)
    finally:
        if ahead is not None:
            ahead.cancel()
        there.close()
    if there.destination.unseen:
        say(last.warnings, UNSEEN_WARNING)


def _chunks(pairs: Iterator[Pair]) -> Iterator[list[tuple[str, list[Pair]]]]:
    """Some destination keys at a time, each with all its sources."""
    groups = ((key, list(group)) for key, group in groupby(pairs, key=lambda pair: pair.destination))
    while chunk := list(islice(groups, _PAIRS_AT_A_TIME)):
        yield chunk


async def _compare_chunk(desk: Desk, chunk: list[tuple[str, list[Pair]]], there: _There) -> Compared:
    """Looks up what is named, and plans it."""
    into = Compared()
    found = await asyncio.gather(*(_sources(desk, pairs, into) for _, pairs in chunk))
    alone = [(key, source) for (key, _), source in zip(chunk, found, strict=True) if source]

    async def plan(key: str, source: Listed, destination: Listed | S3Error | None) -> None:
        if isinstance(destination, S3Error):
            _fail(desk, Pair(key, source.key, source), str(destination), into)
        else:
            await Planner(desk, Area(source.key, strip=source.key, destination=key)).plan(source, destination, into)

    at = await there.find([key for key, _ in alone])
    await asyncio.gather(*(plan(key, source, found) for (key, source), found in zip(alone, at, strict=True)))
    return into


async def _sources(desk: Desk, pairs: list[Pair], into: Compared) -> Listed | None:
    """The one source of a destination key; None: there is none that can be copied, which is said."""
    excluded = desk.options.excluded
    if excluded:
        left = [pair for pair in pairs if not pair.source.startswith(excluded)]
        into.totals.excluded += len(pairs) - len(left)
        pairs = left
    found = [(pair, listed) for pair, listed in zip(
        pairs, await asyncio.gather(*(_source(desk, pair, into) for pair in pairs)), strict=True) if listed]
    if len(found) > 1:
        for pair, listed in found:
            reason = f"two sources for {paths.url(desk.options.destination.bucket, pair.destination)}"
            _fail(desk, pair._replace(listed=listed), reason, into)
        return None
    return found[0][1] if found else None


async def _source(desk: Desk, pair: Pair, into: Compared) -> Listed | None:
    """A source object, looked up where no listing showed it. That it can't be had is a failure of this key."""
    if pair.listed is not None:
        return pair.listed
    try:
        head = await desk.source.head(pair.source)
        if is_folder(head):
            raise S3Error("NoSuchKey", "a folder", 404, "HeadObject")
        return listed_of(pair.source, head)
    except S3Error as error:
        if error.status == 404:
            error = S3Error(error.code, "there is no such object", 404, error.operation, error.request_id)
        elif error.status == 403:
            error = S3Error(error.code, "not there or not readable", 403, error.operation, error.request_id)
        _fail(desk, pair, str(error), into)
        return None


class _There:
    """What is at the destination, for keys in rising order. Few are looked up by themselves; for more, it is listed."""

    def __init__(self, desk: Desk, spool: Spool) -> None:
        first, last = spool.ends()
        while not last.startswith(first):
            first = first[:-1]
        self.destination = Destination(Side(desk.lister, first))
        self._lookup = None if spool.few(_FEW) else Lookup(self.destination)

    def close(self) -> None:
        """Lets go of what is being fetched."""
        if self._lookup is not None:
            self._lookup.close()
        self.destination.close()

    async def find(self, keys: list[str]) -> Sequence[Listed | S3Error | None]:
        """What is there, key by key; an error where it could not be told."""
        if self._lookup is not None:
            try:
                return await self._lookup.find(keys)
            except (S3Error, BrokenListing):
                self._lookup.close()
                self._lookup = None  # from here on key by key: what fails fails alone
        return await asyncio.gather(*map(self._look, keys))

    async def _look(self, key: str) -> Listed | S3Error | None:
        try:
            return await self.destination.look(key)
        except S3Error as error:
            if error.status != 403:
                return error
            self.destination.unseen = True
            return UNSEEN


def _fail(desk: Desk, pair: Pair, reason: str, into: Compared) -> None:
    size, etag = (pair.listed.size, pair.listed.etag) if pair.listed else (0, "")
    outcome = Outcome(pair.source, pair.destination, Result.FAILED, reason, size, etag)
    into.outcomes.append(outcome)
    add(outcome, desk.options.source.bucket, into.totals)
