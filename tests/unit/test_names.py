"""compare_names: what lists name, each pair once, two sources for one key; and areas that meet."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3copy_beam.listing.desk import Compared, Desk
from s3copy_beam.listing.judge import Judge
from s3copy_beam.listing.names import compare_names, meet
from s3copy_beam.listing.spool import Pair, Spool
from s3copy_beam.model import Listed, Planned, Result
from s3copy_beam.options import Access, CopyOptions, Names
from s3copy_beam.paths import area_of, arrange
from s3copy_beam.s3.errors import S3Error
from tests.unit.fakes_listing import FakeBucket, by_component, by_utf8, listed

LINES = {"b": "1", "b/1": "22", "b/2": "333", "bc/3": "4444", "c": "5", "d/4": "66"}


def bucket(objects: dict[str, str], **how: object) -> FakeBucket:
    return FakeBucket((listed(*item) for item in objects.items()), **how)  # type: ignore[arg-type]


def run(source: FakeBucket, destination: FakeBucket, *, path: str = "", to: str = "", prefixes: tuple[str, ...] = (),
        names: tuple[Names, ...] = (), lists: tuple[Names, ...] = (), one_bucket: bool = False,
        **options: object) -> Compared:
    """What the command would make of these words."""
    found = arrange("s", path, to, prefixes=prefixes, keys=bool(names), prefix_lists=bool(lists), one_bucket=one_bucket)
    there = "s" if one_bucket else "d"
    settings = CopyOptions(
        Access("s"), Access(there), Access(there), areas=found.areas, names=names, names_area=found.names_area,
        prefix_lists=lists, source_path=path, destination_path=to, excluded=found.excluded, protected=found.protected,
        **options)  # type: ignore[arg-type]
    total, emitting = Compared(), [0]

    async def emit(compared: Compared) -> None:
        emitting[0] += 1
        assert emitting[0] == 1, "one at a time"
        await asyncio.sleep(0)
        emitting[0] -= 1
        total.planned += compared.planned
        total.outcomes += compared.outcomes
        total.totals.add(compared.totals)

    source.bucket, destination.bucket = "s", there
    desk = Desk(settings, source, destination, Judge(source, destination, verify=settings.verify))  # type: ignore[arg-type]
    asyncio.run(compare_names(desk, emit))
    return total


def copies(compared: Compared) -> dict[str, str]:
    """Destination key: source key."""
    found = {one.destination: one.source for one in compared.planned}
    assert len(found) == len(compared.planned), "planned twice"
    return found


def failures(compared: Compared) -> dict[str, str]:
    assert compared.totals.failed == len([one for one in compared.outcomes if one.result is Result.FAILED])
    return {one.source: one.reason for one in compared.outcomes}


def test_given_keys() -> None:
    source = bucket({f"a/{key}": body for key, body in LINES.items()})
    destination = bucket({"x/c": "5", "x/d/4": "other"})
    compared = run(source, destination, path="a", to="x", names=(Names(given=("b/1", "c", "b/1", "d/4")),))
    assert [(one.source, one.destination, one.replaces) for one in compared.planned] == [
        ("a/b/1", "x/b/1", ""), ("a/d/4", "x/d/4", listed("", "other").etag)]
    assert (compared.totals.up_to_date, compared.outcomes) == (1, [])
    assert source.lists == 0
    assert source.heads == 3


def test_keys_that_cannot_be_had() -> None:
    source = bucket(LINES)
    compared = run(source, bucket({}), names=(Names(given=("b", "no", "b/")),))
    assert copies(compared) == {"b": "b"}
    assert failures(compared) == {"no": "NoSuchKey: there is no such object (HeadObject, 404)",
                                  "b/": "NoSuchKey: there is no such object (HeadObject, 404)"}
    assert compared.totals.failures == [f"failed s3://s/{key}: {reason}" for key, reason in failures(compared).items()]
    denied = bucket(LINES, deny=frozenset({"head"}))
    assert failures(run(denied, bucket({}), names=(Names(given=("b",)),))) == {
        "b": "AccessDenied: not there or not readable (head, 403)"}


def test_a_destination_that_may_not_be_looked_at() -> None:
    hidden = bucket(LINES, deny=frozenset({"head", "list"}))
    compared = run(bucket(LINES), hidden, names=(Names(given=("b", "c")),))
    assert {one.replaces for one in compared.planned} == {"*"}
    assert len(compared.totals.warnings) == 1
    failed = run(bucket(LINES), hidden, names=(Names(given=("b", "c")),), verify=True)
    assert failed.totals.failed == 2


def test_files(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# these\nb/1\nb/1\n\nc\n")
    (tmp_path / "none").write_text("# none\n")
    compared = run(bucket(LINES), bucket({}), names=(
        Names(url=str(tmp_path / "keys")), Names(url=str(tmp_path / "none")), Names(given=("c",))))
    assert copies(compared) == {"b/1": "b/1", "c": "c"}
    assert compared.totals.warnings == [f"-F {tmp_path / 'none'} names nothing"]


def test_a_list_that_cannot_be_read_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"b\nc\n\xff\n")
    compared = run(bucket(LINES), bucket({}), names=(Names(given=("b",)), Names(url=str(tmp_path / "keys"))))
    assert compared.planned == []
    assert compared.totals.fatal == f"-F {str(tmp_path / 'keys')!r}: line 3 is not UTF-8"


def test_reports(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(
        '{"source": "s3://s/b", "destination": "s3://d/else/where", "outcome": "failed"}\n'
        '{"source": "s3://s/c", "destination": "s3://d/c", "outcome": "copied"}\n')
    compared = run(bucket(LINES), bucket({}), path="a", names=(Names(url=str(tmp_path / "r.jsonl"), report=True),))
    assert copies(compared) == {"else/where": "b"}


def test_prefix_lists(tmp_path: Path) -> None:
    (tmp_path / "prefixes").write_text("b\n# no\nd/*\nb\nnothing\n")
    source = bucket({f"a/{key}": body for key, body in LINES.items()})
    compared = run(source, bucket({"4": "66"}), path="a", lists=(Names(url=str(tmp_path / "prefixes")),))
    assert copies(compared) == {"b": "a/b", "b/1": "a/b/1", "b/2": "a/b/2"}
    assert (compared.totals.up_to_date, compared.totals.nothing) == (1, ["s3://s/a/nothing"])


def test_lists_add_up() -> None:
    source = bucket({f"a/{key}": body for key, body in LINES.items()})
    compared = run(source, bucket({}), path="a", prefixes=("b", "d"), names=(Names(given=("c", "b/1", "bc/3")),))
    assert copies(compared) == {key: f"a/{key}" for key in LINES}
    assert source.heads == 4  # c, bc/3, the keys b and d of the prefixes; b/1 was listed


def test_two_sources() -> None:
    source = bucket({"a/1": "1", "a/2": "2", "a/b/1": "3", "a/b/3": "4"})
    compared = run(source, bucket({}), path="a", prefixes=("b/*",), names=(Names(given=("1", "2")),))
    assert copies(compared) == {"2": "a/2", "3": "a/b/3"}
    assert failures(compared) == {"a/1": "two sources for s3://d/1", "a/b/1": "two sources for s3://d/1"}
    del source.by_key["a/1"]  # named, but not there: then there is one source only
    compared = run(source, bucket({}), path="a", prefixes=("b/*",), names=(Names(given=("1", "2")),))
    assert copies(compared) == {"1": "a/b/1", "2": "a/2", "3": "a/b/3"}
    assert list(failures(compared)) == ["a/1"]


def test_areas_that_meet() -> None:
    source = bucket({"x/a/1": "1", "y/a/1": "2", "y/a/2": "3", "y/b": "4"})
    compared = run(source, bucket({"a/2": "3"}), prefixes=("x/a", "y/*"))
    assert copies(compared) == {"b": "y/b"}
    assert compared.totals.up_to_date == 1
    assert failures(compared) == {"x/a/1": "two sources for s3://d/a/1", "y/a/1": "two sources for s3://d/a/1"}


def test_an_area_that_cannot_be_listed() -> None:
    def fail(number: int) -> None:
        if number > 1:
            raise S3Error("InternalError", "no luck", 500, "ListObjectsV2")

    source = bucket({f"y/{i}": "1" for i in range(1500)} | {"x/a": "2"}, on_list=fail)
    compared = run(source, bucket({}), prefixes=("y/*", "x/a"))
    assert compared.planned == []
    assert compared.totals.failed >= 1
    assert all(line.startswith("failed listing s3://s/") for line in compared.totals.failures)


def test_one_bucket() -> None:
    source = bucket({"a/1": "1", "a/a/2": "2", "b/x": "3"})
    compared = run(source, source, path="a", one_bucket=True, names=(Names(given=("1", "a/2")),))
    assert copies(compared) == {"1": "a/1"}
    assert failures(compared) == {"a/a/2": "would overwrite a source"}
    compared = run(source, source, to="b", one_bucket=True, names=(Names(given=("a/1", "b/x")),))
    assert copies(compared) == {"b/a/1": "a/1"}
    assert compared.totals.excluded == 1


def test_archived_ones() -> None:
    source = FakeBucket([Listed("k/1", 3, "e" * 32, 7, "GLACIER"), Listed("k/2", 3, "f" * 32, 7, "GLACIER", True)])
    compared = run(source, bucket({}), prefixes=("k/*", "k*"))
    assert copies(compared) == {"2": "k/2", "k/2": "k/2"}
    assert compared.totals.archives == ["archived s3://s/k/1"]
    assert compared.totals.archived == 2


@pytest.mark.parametrize(("paths", "listed", "expected"), [
    (["a"], False, False), (["a", "b"], False, False), (["a", "a/b"], False, False), (["a/*", "b"], False, True),
    (["a"], True, True), ([], True, False),
])
def test_who_goes_through_the_spool(paths: list[str], listed: bool, expected: bool) -> None:
    areas = tuple(area_of("s", path, "d") for path in paths)
    names = (Names(given=("k",)),) if listed else ()
    assert meet(CopyOptions(Access("s"), Access("d"), Access("d"), areas=areas, names=names)) is expected


def test_many_keys_are_not_looked_up_one_by_one_at_the_destination() -> None:
    keys = {f"k/{i:05}": str(i) for i in range(3000)}
    source, destination = bucket(keys), bucket(keys)
    names = (Names(given=tuple(random.Random(1).sample(sorted(keys), 3000))),)
    compared = run(source, destination, names=names)
    assert (compared.totals.up_to_date, compared.planned) == (3000, [])
    assert source.heads == 3000
    assert destination.heads + destination.lists < 20
    empty = bucket({})
    assert len(run(source, empty, names=names).planned) == 3000
    assert empty.heads + empty.lists < 5


def test_few_keys_among_many() -> None:
    destination = bucket({f"k/{i:05}": str(i) for i in range(5000)})
    source = bucket({f"k/{i:05}": str(i) for i in range(0, 5000, 500)})
    compared = run(source, destination, names=(Names(given=tuple(source.by_key)),))
    assert compared.totals.up_to_date == 10
    assert destination.lists == 0


TEXT = st.text(st.sampled_from("ab/-*"), min_size=1, max_size=4)


@settings(deadline=None, max_examples=150)
@given(st.sets(TEXT, max_size=12), st.sets(TEXT, max_size=8), st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4),
       st.booleans())
def test_against_a_model(keys: set[str], there: set[str], prefixes: list[str], named: list[str], folders: bool) -> None:
    """Each destination key gets the one source that some area or name gives it, or none and all of them fail."""
    rank = by_component if folders else by_utf8
    source, destination = bucket(dict.fromkeys(keys, "x"), rank=rank), bucket(dict.fromkeys(there, "x"), rank=rank)
    areas = [area_of("s", prefix) for prefix in prefixes]
    pairs = {(area.destination_of(key), key) for area in areas for key in keys if area.takes(key)}
    pairs |= {(key, key) for key in named if key in keys}
    sources: dict[str, set[str]] = {}
    for to, key in pairs:
        sources.setdefault(to, set()).add(key)
    try:
        compared = run(source, destination, prefixes=tuple(prefixes), names=(Names(given=tuple(named)),))
    except ValueError:
        return  # the same names: refused
    assert copies(compared) == {to: key for to, (key, *more) in sources.items() if not more and to not in there}
    assert compared.totals.up_to_date == sum(len(found) == 1 and to in there for to, found in sources.items())
    failed = sorted((one.destination, one.source) for one in compared.outcomes)
    assert failed == sorted([(to, key) for to, found in sources.items() if len(found) > 1 for key in found]
                            + [(key, key) for key in set(named) - keys])


def test_spool() -> None:
    spool = Spool()
    seen = Listed("s1", 1, "e", 2, "GLACIER", True)
    spool.add([Pair("é", "s2"), Pair("d", "s1"), Pair("\U00010000", "x"), Pair("\uffff", "x"), Pair("d\0", "s")])
    spool.add([Pair("d", "s1", seen), Pair("d", "s0"), Pair("d", "s1")])
    assert list(spool.pairs()) == [Pair("d", "s0"), Pair("d", "s1", seen), Pair("d\0", "s"), Pair("é", "s2"),
                                   Pair("\uffff", "x"), Pair("\U00010000", "x")]
    assert (spool.few(8), spool.few(7), spool.ends()) == (True, False, ("d", "\U00010000"))
    spool.close()
    assert Spool().ends() == ("", "")


def test_planned_is_what_heads_showed() -> None:
    source = FakeBucket([Listed("k", 3, "e" * 32, 7)])
    assert run(source, bucket({}), names=(Names(given=("k",)),)).planned == [Planned("k", "k", 3, "e" * 32, 7)]
