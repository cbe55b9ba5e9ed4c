"""What fails, and what is refused, while both sides are listed: never taken for the end, never for "not there"."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from s3copy_beam.listing import pages
from s3copy_beam.listing.merge import UNSEEN_WARNING
from s3copy_beam.paths import area_of
from s3copy_beam.s3.errors import S3Error, Stopped
from s3copy_beam.s3.page import Page
from tests.unit.fakes_listing import FakeBucket, by_component, listed
from tests.unit.test_listing_merge import check, compare, flat


def failing_at(number: int, error: Exception) -> Callable[[int], None]:
    def fail(request: int) -> None:
        if request >= number:
            raise error
    return fail


BROKEN = S3Error("InternalError", "We are sorry", 500, "ListObjectsV2", "id")


def test_first_page_of_the_source_fails() -> None:
    source, destination = FakeBucket(on_list=failing_at(1, BROKEN)), FakeBucket()
    totals = compare(source, destination, area_of("source", "p/")).totals
    assert totals.fatal.startswith("failed listing s3://bucket/p/: InternalError: We are sorry")
    assert totals.failed == 1 and not totals.failures and not totals.nothing


@pytest.mark.parametrize("number", [2, 3, 7])
def test_later_page_of_the_source_fails(number: int) -> None:
    source = FakeBucket(map(listed, flat(20_000)), on_list=failing_at(number, BROKEN))
    totals = compare(source, FakeBucket()).totals
    assert totals.failed == 1 and not totals.fatal
    assert [line.split(":")[0] for line in totals.failures] == ["failed listing s3"]


def test_first_page_of_the_destination_fails() -> None:
    source, destination = FakeBucket(map(listed, flat(10))), FakeBucket(bucket="there", on_list=failing_at(1, BROKEN))
    result = compare(source, destination)
    assert result.totals.fatal.startswith("failed listing s3://there: ") and not result.planned


def test_later_page_of_the_destination_fails() -> None:
    """What was seen is planned; what could not be seen is not."""
    objects = [listed(key) for key in flat(20_000)]
    source, destination = FakeBucket(objects), FakeBucket(objects, on_list=failing_at(3, BROKEN))
    result = compare(source, destination)
    assert result.totals.failed == 1 and not result.totals.fatal and not result.planned


def test_denied_listing_of_the_destination() -> None:
    """HEAD tells, key by key."""
    keys = flat(300)
    source = FakeBucket(map(listed, keys))
    check(source, FakeBucket((listed(key) for key in keys[::2]), deny=frozenset({"list"})))


def test_denied_everything_at_the_destination() -> None:
    """All is copied, with one warning; nothing can be said about what is replaced."""
    keys = flat(3000)
    source, destination = FakeBucket(map(listed, keys)), FakeBucket(map(listed, keys), deny=frozenset({"list", "head"}))
    result = compare(source, destination)
    assert sorted(plan.source for plan in result.planned) == keys and result.totals.warnings == [UNSEEN_WARNING]
    assert {plan.replaces for plan in result.planned} == {"*"} and result.totals.failed == 0


def test_later_denial_is_a_failure() -> None:
    objects = [listed(key) for key in flat(5000)]
    denied = S3Error("AccessDenied", "no", 403, "ListObjectsV2")
    result = compare(FakeBucket(objects), FakeBucket(objects, on_list=failing_at(2, denied)))
    assert result.totals.failed == 1 and not result.planned


def test_stopped() -> None:
    source = FakeBucket(map(listed, flat(20_000)), on_list=failing_at(4, Stopped()))
    totals = compare(source, FakeBucket()).totals
    assert (totals.stopped, totals.failed, totals.nothing) == (1, 0, [])


class Strange(FakeBucket):
    """Its pages are changed by `change` on the way."""

    change: Callable[[int, Page], Page] = staticmethod(lambda number, page: page)

    async def list_page(self, *args: object, **named: object) -> Page:
        return self.change(self.lists + 1, await super().list_page(*args, **named))  # type: ignore[arg-type]


def strange(change: Callable[[int, Page], Page], count: int = 3000) -> Strange:
    bucket = Strange(map(listed, flat(count)))
    bucket.change = change  # type: ignore[method-assign]
    return bucket


@pytest.mark.parametrize("change", [
    lambda number, page: page._replace(token="same", more=True),
    lambda number, page: page._replace(token=""),
    lambda number, page: page._replace(objects=[], more=True, token=f"t{number}"),
    lambda number, page: page._replace(objects=[listed("elsewhere")]),
    lambda number, page: page._replace(objects=page.objects[:5] + page.objects[:5]) if number == 2 else page,
], ids=["circle", "no token", "empty for ever", "not asked for", "twice"])
def test_a_listing_that_contradicts_itself(change: Callable[[int, Page], Page]) -> None:
    result = compare(strange(change), FakeBucket(), area_of("source", "k*"))
    assert result.totals.failed == 1 and not result.totals.nothing


def test_an_empty_page_is_not_the_end() -> None:
    def change(number: int, page: Page) -> Page:
        return Page([], True, "tk0000000") if number == 1 else page

    bucket = strange(change, 10)
    result = compare(bucket, FakeBucket())
    assert len(result.planned) == 9  # after the token's key


def test_unordered_listing_of_both() -> None:
    """As directory buckets list: compared all the same."""
    def rank(key: str) -> str:
        return key[::-1]

    keys = flat(2500)
    source = FakeBucket(map(listed, keys), rank=rank)
    check(source, FakeBucket((listed(key) for key in keys[::2]), rank=rank))


def test_different_orders() -> None:
    keys = [f"{a}{b}{c}" for a in ("x", "y", "z/") for b in ("/", "-", "!", "0") for c in range(200)]
    for one, other in ((by_component, str), (str, by_component)):
        source = FakeBucket(map(listed, keys), rank=one)
        check(source, FakeBucket((listed(key) for key in keys[::2]), rank=other), page_size=50)


def test_emit_holds_the_listing_back() -> None:
    """What is not taken is not listed: pages ahead are bounded."""
    from s3copy_beam.listing.merge import compare_area
    from tests.unit.test_listing_merge import WHOLE, desk_of

    source = FakeBucket(map(listed, flat(200_000)))

    async def run() -> None:
        async def emit(compared: object) -> None:
            await asyncio.sleep(3600)

        task = asyncio.ensure_future(compare_area(desk_of(source, FakeBucket()), WHOLE, None, emit))
        for _ in range(3000):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert source.lists <= 40


@pytest.fixture(autouse=True)
def fresh() -> None:
    pages.listed_before.clear()
