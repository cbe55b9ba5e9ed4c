"""Which keys are taken and what they are called: the tables of paths.py, and what holds for any key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3copy_beam import paths
from s3copy_beam.paths import Area, PathError, area_of, arrange, names_area, parse_url

KEYS = ["a/b", "a/b!6", "a/b-5", "a/b/", "a/b/1", "a/b/c/2", "a/bc", "a/x/7", "ab", "/x/9", "/", "//", "*/1", "s/x*y/1",
        "s/xay/2", "top", "a/", "é/ü", "\U0001f600"]

NAMING = [  # source path, {key: name}; keys of KEYS that are not named are not taken
    ("", {key: key for key in KEYS}),
    ("*", {key: key for key in KEYS}),
    ("a/b", {"a/b": "b", "a/b/": "b/", "a/b/1": "b/1", "a/b/c/2": "b/c/2"}),
    ("a/b/", {"a/b/": "b/", "a/b/1": "b/1", "a/b/c/2": "b/c/2"}),
    ("a/b/*", {"a/b/1": "1", "a/b/c/2": "c/2"}),
    ("a/b*", {"a/b": "b", "a/b!6": "b!6", "a/b-5": "b-5", "a/b/": "b/", "a/b/1": "b/1", "a/b/c/2": "b/c/2",
              "a/bc": "bc"}),
    ("a", {key: key for key in KEYS if key.startswith("a/")}),
    ("a*", {key: key for key in KEYS if key.startswith("a")}),
    ("top", {"top": "top"}),
    ("a/b/c", {"a/b/c/2": "c/2"}),
    ("s/x*y", {"s/x*y/1": "x*y/1"}),
    ("s/x*y/*", {"s/x*y/1": "1"}),
    ("s/x**", {"s/x*y/1": "x*y/1"}),
    ("**", {"*/1": "*/1"}),
    ("/x", {"/x/9": "x/9"}),
    ("/", {"/x/9": "/x/9", "/": "/", "//": "//"}),
    ("/*", {"/x/9": "x/9", "//": "/"}),
    ("//", {"//": "/"}),
    ("é", {"é/ü": "é/ü"}),
    ("\U0001f600", {"\U0001f600": "\U0001f600"}),
]


@pytest.mark.parametrize(("path", "names"), NAMING)
def test_naming(path: str, names: dict[str, str]) -> None:
    area = area_of("s", path, "d")
    assert {key: area.destination_of(key) for key in KEYS if area.takes(key)} == {
        key: f"d/{name}" for key, name in names.items()}
    for key, name in names.items():
        assert area.source_of(f"d/{name}") == key


@pytest.mark.parametrize(("path", "s3_prefixes", "expected"), [
    ("", False, ""), ("/", False, ""), ("x", False, "x/"), ("x/", False, "x/"), ("x//", False, "x//"),
    ("x/y", False, "x/y/"), ("/x", False, "/x/"), ("//", False, "//"),
    ("", True, ""), ("/", True, "/"), ("x-", True, "x-"), ("x/", True, "x/"),
])
def test_destination_prefix(path: str, s3_prefixes: bool, expected: str) -> None:
    assert paths.destination_prefix(path, s3_prefixes) == expected


@pytest.mark.parametrize(("path", "name", "key", "destination"), [
    ("", "x", "x", "d/x"), ("a", "b/1", "a/b/1", "d/b/1"), ("a/", "b", "a/b", "d/b"), ("/", "x", "/x", "d/x"),
    ("a", "/x", "a//x", "d//x"), ("a", "*", "a/*", "d/*"), ("", "/x", "/x", "d//x"),
])
def test_names(path: str, name: str, key: str, destination: str) -> None:
    area = names_area("s", path, "d")
    assert area.strip + name == key == paths.below(path, name)
    assert area.takes(key)
    assert area.destination_of(key) == destination


@pytest.mark.parametrize(("text", "expected"), [
    ("s3://b", ("b", "")), ("s3://b/", ("b", "")), ("s3://b//", ("b", "/")), ("s3://b//x", ("b", "/x")),
    ("s3://b/a/b*", ("b", "a/b*")), ("s3://b.c-d/é", ("b.c-d", "é")),
    ("s3://Old_bucket/a b?c#d", ("Old_bucket", "a b?c#d")),
    ("s3://my-x-s3/a", ("my-x-s3", "a")), ("s3://b/arn:x--x-s3", ("b", "arn:x--x-s3")),
])
def test_urls(text: str, expected: tuple[str, str]) -> None:
    assert parse_url(text, "SOURCE") == expected


@pytest.mark.parametrize(("text", "says"), [
    ("", "empty"), ("bucket/x", "s3://"), ("s3:/b", "s3://"), ("/tmp/x", "s3://"), ("gs://b", "s3://"),
    ("s3://", "bucket"), ("s3:///x", "bucket"), ("s3://b c/x", "bucket"), ("s3://b\udcff/x", "UTF-8"),
    ("s3://b?x=1", "bucket"), ("s3://bücket", "bucket"),
    ("s3://name--use1-az4--x-s3/x", "not supported yet"),
    ("s3://arn:aws:s3:us-east-1:1:accesspoint/n/k", "not supported yet"),
    ("s3://arn:aws:s3-outposts:us-east-1:1:outpost/o/x", "Outposts"), ("s3://x--op-s3", "Outposts"),
])
def test_urls_that_are_refused(text: str, says: str) -> None:
    with pytest.raises(PathError) as error:
        parse_url(text, "DESTINATION")
    assert "DESTINATION" in str(error.value)
    assert says in str(error.value)
    assert not text or repr(text) in str(error.value)
    assert "\n" not in str(error.value)


def of(*sources: str, to: str = "") -> tuple[Area, ...]:
    return tuple(area_of("s", path, to) for path in sources)


@pytest.mark.parametrize(("sources", "left"), [
    (["b", "b"], ["b"]), (["b", "b/"], ["b"]), (["b/", "b"], ["b"]), (["b", "b*"], ["b*"]), (["b*", "bc"], ["b*"]),
    (["b/*", "b/c"], ["b/*"]), (["b/*", "b/"], ["b/*", "b/"]), (["b", "c"], ["b", "c"]), (["b", "b/c"], ["b", "b/c"]),
    (["x/b/*", "x/b/*"], ["x/b/*"]), (["", "b"], [""]), (["b/c", "b/c/d"], ["b/c", "b/c/d"]),
])
def test_distinct(sources: list[str], left: list[str]) -> None:
    assert paths.distinct(of(*sources)) == of(*left)


@pytest.mark.parametrize(("sources", "clash", "meet"), [
    (["2024/01", "2025/01"], True, True), (["2024/*", "2025/*"], True, True), (["2024/01*", "2025/01*"], True, True),
    (["a", "b"], False, False), (["x/a", "y/b"], False, False), (["x/b/*", "x/d"], False, True),
    (["x/a", "y/a*"], False, True), (["x/a", "y/a/b"], False, False), (["x/ab", "y/a"], False, False),
    (["x/ab*", "y/a*"], False, True), (["b", "b/c"], False, False), (["b/", "b/c"], False, False),
    (["x/a", "y/a/"], True, True),
])
def test_areas_that_meet(sources: list[str], clash: bool, meet: bool) -> None:
    areas = of(*sources, to="d")
    assert (paths.same_names(areas) is not None) is clash
    assert paths.meeting(areas) is meet


@pytest.mark.parametrize(("source", "destination", "expected"), [
    ("", "backup", ("backup/",)), ("a", "a/x", ("a/x/",)), ("a", "x", ()), ("a/*", "", ()), ("a*", "ab", ("ab/",)),
    ("a", "ab", ()), ("backup", "", ()),
])
def test_destination_inside_the_source(source: str, destination: str, expected: tuple[str, ...]) -> None:
    found = arrange("b", source, destination, one_bucket=True, rewrite=True)
    assert found.excluded == expected
    assert arrange("b", source, destination).excluded == () == arrange("b", source, destination).protected


@pytest.mark.parametrize(("source", "destination", "more"), [
    ("", "", {}), ("*", "", {}), ("", "/", {}), ("a", "", {}), ("a/", "", {}), ("a/b", "a", {}), ("a/b", "a/", {}),
    ("a/b/*", "a/b", {}), ("a*", "a*", {}), ("a/*", "a/*", {}), ("*", "*", {}),
    ("a*", "", {}), ("a/b*", "a", {}), ("a", "a", {}), ("a/", "a", {}), ("a/b", "a/b/", {}),
    ("a", "a", {"prefixes": ("x",)}), ("", "", {"prefixes": ("a",)}), ("", "x", {"prefixes": ("x/*",)}),
    ("a", "a", {"keys": True}), ("", "", {"keys": True}), ("a/b", "a/", {"s3_prefixes": True}),
])
def test_source_is_destination(source: str, destination: str, more: dict[str, object]) -> None:
    with pytest.raises(PathError, match="SOURCE and DESTINATION are the same"):
        arrange("b", source, destination, one_bucket=True, **more)  # type: ignore[arg-type]
    found = arrange("b", source, destination, one_bucket=True, rewrite=True, **more)  # type: ignore[arg-type]
    assert found.in_place
    assert all(area.stays for area in found.areas)
    assert not found.excluded
    other = arrange("b", source, destination, **more)  # type: ignore[arg-type]
    assert not other.in_place


@pytest.mark.parametrize(("source", "destination"), [
    ("a/*", ""), ("a/b/*", "a"), ("a", "x"), ("a/b/c", "a"), ("a*", "ab*"),
])
def test_source_is_not_destination(source: str, destination: str) -> None:
    assert not arrange("b", source, destination, one_bucket=True).in_place


def test_lists_of_prefixes_that_may_be_in_place() -> None:
    assert arrange("b", "a", "a", one_bucket=True, prefix_lists=True, rewrite=True).in_place
    assert not arrange("b", "a", "a", one_bucket=True, prefix_lists=True).in_place  # told for each prefix
    assert not arrange("b", "a", "x", one_bucket=True, prefix_lists=True, rewrite=True).in_place


def test_what_would_overwrite_a_source() -> None:
    found = arrange("b", "a/*", "", one_bucket=True)
    assert [area.takes(key) for area in found.protected for key in ("a/2", "2")] == [True, False]
    found = arrange("b", "a", "", one_bucket=True, prefix_lists=True)
    assert found.areas == ()
    assert [area.prefix for area in found.protected] == ["a/"]


def test_lists() -> None:
    found = arrange("s", "a", "d", prefixes=("b/*", "d", "d"))
    assert [area.prefix for area in found.areas] == ["a/b/", "a/d/"]
    assert arrange("s", "a", "d", keys=True).areas == ()
    for more in ({"prefixes": ("x",)}, {"keys": True}, {"prefix_lists": True}):
        with pytest.raises(PathError, match=r"SOURCE .* ends in \*"):
            arrange("s", "a*", "d", **more)
    with pytest.raises(PathError, match=r"-p: .*2024/01.*2025/01.* same names"):
        arrange("s", "", "d", prefixes=("2024/01", "2025/01"))


@pytest.mark.parametrize(("source", "destination", "said"), [
    ("a/b", "a/b", True), ("a/b/", "x/b/", True), ("a/b/*", "a/b", False), ("a/b*", "x/b", False), ("a", "b", False),
    ("", "", False), ("b", "b", True), ("*", "", False), ("b", "", False),
])
def test_note_where_last_components_are_equal(source: str, destination: str, said: bool) -> None:
    note = paths.naming_note(area_of("s", source, destination))
    assert bool(note) is said
    assert not said or f"s3://s/{source.rstrip('/')}/*" in note


def test_star_hint() -> None:
    assert "*" in paths.star_hint(area_of("s", "x*y"))
    assert paths.star_hint(area_of("s", "xy*")) == paths.star_hint(area_of("s", "x/*")) == ""


TEXT = st.text(st.sampled_from("/ab*é\U0010ffff\x00"), max_size=8)


@given(TEXT, TEXT, TEXT, st.booleans())
def test_naming_can_be_turned_round(path: str, destination: str, key: str, s3_prefixes: bool) -> None:
    area = area_of("s", path, destination, s3_prefixes)
    assert area.prefix.startswith(area.strip)
    assert (not area.exact or area.exact.startswith(area.strip))
    if key and area.takes(key):
        assert area.destination_of(key).startswith(area.prefix_of_destination) or key == area.exact
        assert area.source_of(area.destination_of(key)) == key
        assert area.destination_of(key), "no object has an empty name"
    found = area.source_of(key)
    assert found is None or area.destination_of(found) == key


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT)
def test_areas_that_do_not_meet_share_no_name(sources: list[str], key: str) -> None:
    areas = paths.distinct(of(*sources))
    for path in sources:
        if area_of("s", path).takes(key):
            assert any(area.takes(key) and area.destination_of(key) == area_of("s", path).destination_of(key)
                       for area in areas), "distinct() lost a pair"
    if not paths.meeting(areas):
        assert sum(area.source_of(key) is not None for area in areas) <= 1


@given(TEXT, TEXT, TEXT)
def test_a_destination_inside_the_source_is_never_a_source(source: str, destination: str, key: str) -> None:
    found = arrange("b", source, destination, one_bucket=True, rewrite=True)
    for area in found.areas:
        if area.takes(key) and not area.stays and not key.startswith(found.excluded or "\0\0"):
            to = area.destination_of(key)
            assert (to.startswith(found.excluded or "\0\0") or not area.takes(to)
                    or any(other.takes(to) for other in found.protected))
