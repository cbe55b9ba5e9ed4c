"""One source object, what is at the destination, and what follows: plans, counts, outcomes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from s3copy_beam.compare import UNSEEN
from s3copy_beam.listing.desk import Compared, Desk
from s3copy_beam.listing.judge import Judge
from s3copy_beam.listing.verdict import UNPROVEN_WARNING, Planner
from s3copy_beam.model import Listed, Planned, Result
from s3copy_beam.options import Access, CopyOptions
from s3copy_beam.paths import Area, area_of
from s3copy_beam.s3.answers import Head
from s3copy_beam.s3.errors import S3Error
from tests.unit.fakes_listing import FakeBucket

A, B = "a" * 32, "b" * 32
AREA = area_of("s", "p", "d")
ONE = Listed("p/k", 9, A, 100)
THERE = Listed("d/p/k", 9, B, 101)


class Heads(FakeBucket):
    """A bucket whose HEADs say what a test wants."""

    def __init__(self, **answer: object) -> None:
        super().__init__()
        self.answer = answer

    async def head(self, key: str, part_number: int = 0, checksums: bool = False) -> Head:
        status = self.answer.get("status")
        if isinstance(status, int):
            raise S3Error("InternalError", "no luck", status, "HeadObject")
        return Head(9, **{"etag": B, "modified": 101, **self.answer})  # type: ignore[arg-type]


def plan(source: Listed, destination: Listed | None, area: Area = AREA, source_side: FakeBucket | None = None,
         lister: FakeBucket | None = None, **options: object) -> Compared:
    ours, theirs = source_side or Heads(etag=source.etag, encryption="aws:kms"), lister or Heads(encryption="aws:kms")
    access = Access("s"), Access("d"), Access("d")
    settings = CopyOptions(*access, **options)  # type: ignore[arg-type]
    judge = Judge(ours, theirs, settings.compare, no_overwrite=settings.no_overwrite, verify=settings.verify)
    into = Compared()
    planner = Planner(Desk(settings, ours, theirs, judge), area)  # type: ignore[arg-type]
    asyncio.run(planner.settle([(source, destination)], into))
    return into


def test_plans() -> None:
    assert plan(ONE, None).planned == [Planned("p/k", "d/p/k", 9, A, 100)]
    assert plan(ONE, replace_size(THERE)).planned == [Planned("p/k", "d/p/k", 9, A, 100, replaces=B)]
    assert plan(ONE, UNSEEN).planned == [Planned("p/k", "d/p/k", 9, A, 100, replaces="*")]
    kept = ONE._replace(storage_class="GLACIER", restored=True)
    assert plan(kept, None).planned == [Planned("p/k", "d/p/k", 9, A, 100, "GLACIER")]


def replace_size(listed: Listed) -> Listed:
    return listed._replace(size=8)


def test_up_to_date_is_only_counted() -> None:
    into = plan(ONE, THERE._replace(etag=A))
    assert (into.planned, into.outcomes, into.totals.up_to_date) == ([], [], 1)
    into = plan(ONE, THERE._replace(etag=A), report_all=True)
    assert [one.result for one in into.outcomes] == [Result.UP_TO_DATE]
    assert into.totals.up_to_date == 1


def test_unproven() -> None:
    into = plan(ONE, THERE)
    assert (into.planned, into.outcomes) == ([], [])
    assert (into.totals.unproven, into.totals.up_to_date, into.totals.warnings) == (1, 1, [UNPROVEN_WARNING])
    into = plan(ONE, THERE, report_all=True)
    assert [one.result for one in into.outcomes] == [Result.UNPROVEN]
    assert (into.totals.unproven, into.totals.up_to_date) == (1, 1)


@pytest.mark.parametrize(("destination", "result"), [
    (None, Result.MISSING), (THERE._replace(size=8), Result.DIFFERENT), (THERE, Result.UNPROVEN),
    (UNSEEN, Result.FAILED),
])
def test_verify(destination: Listed | None, result: Result) -> None:
    into = plan(ONE, destination, verify=True)
    assert into.planned == []
    assert [(one.source, one.destination, one.result) for one in into.outcomes] == [("p/k", "d/p/k", result)]
    assert getattr(into.totals, result.value) == 1
    assert not into.totals.warnings


def test_archived() -> None:
    frozen = ONE._replace(storage_class="DEEP_ARCHIVE")
    into = plan(frozen, None)
    assert into.planned == []
    assert [one.result for one in into.outcomes] == [Result.ARCHIVED]
    assert (into.totals.archived, into.totals.archives) == (1, ["archived s3://s/p/k"])
    assert plan(frozen, THERE._replace(etag=A)).totals.up_to_date == 1


def test_excluded_and_protected() -> None:
    into = plan(ONE, None, excluded=("x/", "p/"))
    assert (into.planned, into.outcomes, into.totals.excluded) == ([], [], 1)
    into = plan(ONE, THERE._replace(etag=A), protected=(area_of("s", "d"),))
    assert [(one.result, one.reason) for one in into.outcomes] == [(Result.FAILED, "would overwrite a source")]
    assert into.totals.failures == ["failed s3://s/p/k: would overwrite a source"]
    assert plan(ONE, None, protected=(area_of("s", "e"),)).planned


def test_heads_that_fail() -> None:
    into = plan(ONE, THERE, lister=Heads(status=500))
    assert [(one.result, one.reason) for one in into.outcomes] == [
        (Result.FAILED, "InternalError: no luck (HeadObject, 500)")]
    into = plan(ONE, THERE, source_side=Heads(status=404))
    assert ([one.result for one in into.outcomes], into.totals.vanished) == ([Result.VANISHED], 1)


SAME = Area("", strip="", destination="")


@pytest.mark.parametrize(("asked", "encryption", "copied"), [
    ({"storage_class": "STANDARD_IA"}, "", True), ({"storage_class": "STANDARD"}, "", False),
    ({"storage_class": "KEEP", "sse": "AES256"}, "AES256", False),
    ({"storage_class": "KEEP", "sse": "AES256"}, "", True),
    ({"storage_class": "KEEP", "acl": "private"}, "", True),
])
def test_in_place(asked: dict[str, str], encryption: str, copied: bool) -> None:
    into = plan(ONE, None, SAME, lister=Heads(encryption=encryption), in_place=True, protected=(SAME,), **asked)
    assert into.planned == ([Planned("p/k", "p/k", 9, A, 100, "STANDARD", A, True)] if copied else [])
    assert into.totals.up_to_date == (not copied)


def test_what_this_run_wrote_before_its_bundle_was_tried_again() -> None:
    mine = THERE._replace(etag=A + "-3", modified=1000)
    source = ONE._replace(etag=A + "-3")
    into = plan(source, mine, retried_bundles=True, started=999)
    assert [(one.result, one.parts) for one in into.outcomes] == [(Result.COPIED, 3)]
    assert (into.totals.copied, into.totals.up_to_date, into.totals.parts_copied) == (1, 0, 3)
    assert plan(source, mine, retried_bundles=True, started=1000).totals.up_to_date == 1
    assert plan(source, mine, started=999).totals.up_to_date == 1
    assert plan(source, mine, retried_bundles=True).totals.up_to_date == 1


def test_an_empty_etag_proves_nothing() -> None:
    theirs = Heads(etag="")
    assert plan(ONE._replace(etag=""), THERE._replace(etag="", modified=100), lister=theirs).planned


def test_quick_needs_no_loop_and_little_time() -> None:
    options = CopyOptions(Access("s"), Access("d"), Access("d"))
    bucket = FakeBucket()
    planner = Planner(Desk(options, bucket, bucket, Judge(bucket, bucket)), AREA)  # type: ignore[arg-type]
    into, same = Compared(), THERE._replace(etag=A)
    begun = time.process_time()
    for _ in range(20_000):
        assert planner.quick(ONE, same, into)
    spent = time.process_time() - begun
    assert into.totals.up_to_date == 20_000
    assert replace(into.totals, up_to_date=0) == Compared().totals
    print(f"{spent / 20_000 * 1e6:.2f} us a key")
