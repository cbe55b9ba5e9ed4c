"""compare_area against a comparison of two dictionaries: random keys, both orders, many listers, tiny pages."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3copy_beam.keyspace import KeyRange
from s3copy_beam.listing.desk import Compared, Desk
from s3copy_beam.listing.judge import Judge
from s3copy_beam.listing.merge import compare_area
from s3copy_beam.listing.split import cut_area
from s3copy_beam.model import Totals
from s3copy_beam.options import Access, CopyOptions
from s3copy_beam.paths import Area, area_of
from tests.unit.fakes_listing import FakeBucket, by_component, by_utf8, listed

WHOLE = area_of("source", "")


def desk_of(source: FakeBucket, destination: FakeBucket, **options: object) -> Desk:
    access = Access("source"), Access("destination"), Access("destination")
    return Desk(CopyOptions(*access, **options), source, destination, Judge(source, destination))  # type: ignore[arg-type]


def compare(source: FakeBucket, destination: FakeBucket, area: Area = WHOLE, keys: KeyRange | None = None,
            page_size: int = 1000, listers: int = 12, ranges: int = 1, **options: object) -> Compared:
    """Runs compare_area, with `ranges` above 1 as a cluster does; all that it gave, in one."""
    total = Compared()

    async def emit(compared: Compared) -> None:
        await asyncio.sleep(0)
        total.planned += compared.planned
        total.outcomes += compared.outcomes
        total.totals.add(compared.totals)

    async def run() -> None:
        desk = desk_of(source, destination, **options)
        cuts: list[KeyRange | None] = [keys]
        if ranges > 1:
            cuts = list(await cut_area(desk, area, ranges, page_size=page_size))
        await asyncio.wait_for(asyncio.gather(*(compare_area(
            desk, area, each, emit, page_size=page_size, listers=listers) for each in cuts)), 60)

    asyncio.run(run())
    return total


def expected(source: FakeBucket, destination: FakeBucket, area: Area) -> tuple[dict[str, str], int]:
    """What is to be copied (source key: destination ETag), and the number of those up to date."""
    planned, same = {}, 0
    for key, one in source.by_key.items():
        if area.takes(key):
            there = destination.by_key.get(area.destination_of(key))
            if there is not None and there.etag == one.etag:
                same += 1
            else:
                planned[key] = there.etag if there else ""
    return planned, same


def check(source: FakeBucket, destination: FakeBucket, area: Area = WHOLE, **how: int) -> Compared:
    result = compare(source, destination, area, **how)
    assert result.totals.failed == 0 and result.totals.stopped == 0, result.totals
    planned, same = expected(source, destination, area)
    got = [plan.source for plan in result.planned]
    assert len(got) == len(set(got)), "planned twice"
    assert {plan.source: plan.replaces for plan in result.planned} == planned
    assert result.totals.up_to_date == same
    return result


pieces = st.sampled_from(["a", "b", "a!", "a-1", "a0", "b-1", "é", "\U0010ffff", "\U0001f600", "\ue000", "\ud7ff", "1",
                          "00", "01", "z z", "+%", "..", "a" * 40])
names = st.lists(pieces, min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from(["/".join(parts), "/".join(parts) + "/", "".join(parts), "//".join(parts),
                                   "/" + "/".join(parts)]))
bodies = st.sampled_from(["", "x", "y"])


@pytest.mark.parametrize("rank", [by_utf8, by_component])
@settings(max_examples=150, deadline=None)
@given(ours=st.dictionaries(names, bodies, max_size=60), theirs=st.dictionaries(names, bodies, max_size=60),
       both=st.dictionaries(names, bodies, max_size=40), page_size=st.integers(1, 12),
       listers=st.integers(1, 6), ranges=st.integers(1, 4),
       path=st.sampled_from(["", "a", "a/", "a/*", "a*", "b/a"]), to=st.sampled_from(["", "d", "a/b"]))
def test_any_keys(rank: Callable[[str], str], ours: dict[str, str], theirs: dict[str, str], both: dict[str, str],
                  page_size: int, listers: int, ranges: int, path: str, to: str) -> None:
    area = area_of("source", path, to)
    source = FakeBucket((listed(*item) for item in {**ours, **both}.items()), "source", rank=rank)
    copies = {area.destination_of(key): body for key, body in both.items() if area.takes(key)}
    destination = FakeBucket((listed(*item) for item in {**theirs, **copies}.items()), "destination", rank=rank)
    check(source, destination, area, page_size=page_size, listers=listers, ranges=ranges)


def flat(count: int) -> list[str]:
    return [f"k{n:07}" for n in range(count)]


def dates(count: int) -> list[str]:
    rng = random.Random(1)
    return sorted({f"logs/{rng.randint(2019, 2024)}/{rng.randint(1, 12):02}/{rng.randint(1, 28):02}/"
                   f"{rng.getrandbits(40):010x}.json.gz" for _ in range(count)})


def hexes(count: int) -> list[str]:
    rng = random.Random(2)
    return sorted({f"{rng.getrandbits(64):016x}" for _ in range(count)})


def skewed(count: int) -> list[str]:
    stem = "a/very/long/prefix/that/all/keys/share/but/two/"
    return sorted(["a/first", "z/last", *(f"{stem}{n}" for n in range(count))])


def people(count: int) -> list[str]:
    rng = random.Random(3)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(300)]
    return sorted({f"{rng.choice(words)}/{rng.choice(words)}/{rng.choice(words)}-{rng.randint(0, 999)}.jpg"
                   for _ in range(count)})


def wide(count: int) -> list[str]:
    rng = random.Random(4)
    return sorted({"".join(chr(rng.choice([rng.randrange(0x20, 0xD800), rng.randrange(0xE000, 0x110000)]))
                           for _ in range(6)) for _ in range(count)})


def folders(count: int) -> list[str]:
    """A thousand keys in each: every page is one folder."""
    return [f"{n // 1000:05}/{n:08}" for n in range(count)]


SHAPES = [flat, dates, hexes, skewed, people, wide, folders]


@pytest.mark.parametrize("shape", SHAPES)
def test_requests_of_a_rerun(shape: Callable[[int], list[str]]) -> None:
    """At most 5 % more than keys/1000 on each side, and a few."""
    keys = shape(60_000)
    objects = [listed(key, "x") for key in keys]
    source, destination = FakeBucket(objects, latency=0.002), FakeBucket(objects, latency=0.002)
    check(source, destination)
    assert source.lists <= 1.05 * len(keys) / 1000 + 8, (source.lists, len(keys))
    assert destination.lists <= 1.05 * len(keys) / 1000 + 8, destination.lists
    assert destination.heads == source.heads == 0


def test_requests_of_a_rerun_of_many() -> None:
    """Pages that held nothing of their range are pages, too: with many keys no few more are allowed."""
    objects = [listed(key, "x") for key in folders(500_000)]
    source, destination = FakeBucket(objects, latency=0.1), FakeBucket(objects, latency=0.1)
    assert in_virtual_time(source, destination) < 500 * 0.1 / 4
    assert source.lists <= 1.05 * 500
    assert destination.lists <= 1.05 * 500


@pytest.mark.parametrize("count", [0, 1, 999, 1000])
def test_small_buckets_cost_one_page_a_side(count: int) -> None:
    objects = [listed(key) for key in flat(count)]
    source, destination = FakeBucket(objects), FakeBucket(objects)
    check(source, destination)
    assert (source.lists, destination.lists, source.heads, destination.heads) == (1, 1, 0, 0)


def test_an_empty_destination_costs_one_page() -> None:
    source, destination = FakeBucket(map(listed, flat(50_000))), FakeBucket()
    check(source, destination)
    assert (destination.lists, destination.heads) == (1, 0)


@pytest.mark.parametrize("step", [1, 100_000 // 10 - 7])
def test_few_keys_over_many(step: int) -> None:
    """Ten keys over 100,000: no listing of them."""
    many = flat(100_000)
    source = FakeBucket(listed(key, "new") for key in many[3::step][:10])
    destination = FakeBucket(listed(key, "old") for key in many)
    check(source, destination)
    assert destination.lists + destination.heads + source.lists <= 50
    assert destination.keys_listed <= 10_000


def test_source_of_few_clusters() -> None:
    """Dense here, nothing there: the gaps are leapt over."""
    many = flat(200_000)
    source = FakeBucket(listed(key) for n, key in enumerate(many) if (n // 5000) % 8 == 0)
    destination = FakeBucket(map(listed, many))
    check(source, destination)
    assert destination.lists + destination.heads <= 2 * len(source.objects) / 1000 + 8


@pytest.mark.parametrize("shape", SHAPES)
def test_parallel(shape: Callable[[int], list[str]]) -> None:
    """Pages are under way at the same time: in units of a page's latency, far fewer than pages."""
    keys = shape(200_000)
    objects = [listed(key, "x") for key in keys]
    source, destination = FakeBucket(objects, latency=0.1), FakeBucket(objects, latency=0.1)
    assert in_virtual_time(source, destination) < 0.1 * len(keys) / 1000 / 2


def in_virtual_time(source: FakeBucket, destination: FakeBucket) -> float:
    """Seconds that comparing two equal buckets would take, if nothing but answers took time."""
    loop = _VirtualTime()
    result = Compared()

    async def emit(compared: Compared) -> None:
        result.totals.add(compared.totals)

    loop.run_until_complete(compare_area(desk_of(source, destination), WHOLE, None, emit))
    passed = loop.passed
    loop.run_until_complete(asyncio.sleep(1))
    loop.close()
    assert result.totals.up_to_date == len(source.objects)
    return passed


class _VirtualTime(asyncio.SelectorEventLoop):
    """A loop whose sleeps take no time; `passed`: seconds they would have taken."""

    passed = 0.0

    def time(self) -> float:
        return self.passed

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.passed = max(self.passed, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def test_nothing_there() -> None:
    result = compare(FakeBucket(map(listed, ["a", "b/x"])), FakeBucket(), area_of("source", "c"))
    assert (result.totals.nothing, result.totals.nothings) == (["s3://source/c"], 1)
    assert compare(FakeBucket(), FakeBucket()).totals == Totals()
