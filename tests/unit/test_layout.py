"""Part boundaries and ETags: tables, and properties over any size."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3copy_beam import layout
from s3copy_beam.layout import Layout
from s3copy_beam.model import Planned
from s3copy_beam.options import GIB, MAX_PART, MAX_PARTS, MIB, MIN_PART, Access, CopyOptions

MD5 = "0" * 32
ACCESS = Access("b")
OPTIONS = CopyOptions(ACCESS, ACCESS, ACCESS)


@given(st.integers(1, 50 * 10**12), st.integers(MIN_PART, MAX_PART))
def test_chosen_layouts_keep_s3s_limits_and_a_number_for_the_mark(size: int, wanted: int) -> None:
    made = layout.chosen(size, wanted)
    assert made.number_of_parts < MAX_PARTS
    assert made.part_size >= min(wanted, MAX_PART)
    assert made.part_size <= MAX_PART


@given(st.integers(0, 2000), st.integers(1, 1 << 10))
def test_uniform_parts_cover_the_object_without_gap(size: int, part_size: int) -> None:
    _covers(Layout(size, part_size))


@given(st.lists(st.integers(1, 1 << 40), min_size=1, max_size=50))
def test_exact_parts_cover_the_object_without_gap(sizes: list[int]) -> None:
    made = layout.exact(sizes)
    _covers(made)
    assert [size for _, _, size in made.parts()] == sizes


def _covers(made: Layout) -> None:
    expected = 0
    parts = list(made.parts())
    assert len(parts) == made.number_of_parts
    for number, first, size in parts:
        assert (first, size) == made.part(number)
        assert first == expected
        expected += size
    assert expected == made.size


def test_an_empty_object_has_one_empty_part() -> None:
    assert list(Layout(0, 1).parts()) == [(1, 0, 0)]
    assert list(layout.guessed(0, 1).parts()) == [(1, 0, 0)]  # type: ignore[union-attr]


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=20))
def test_expected_etag_is_the_md5_of_the_md5s(bodies: list[bytes]) -> None:
    digests = [hashlib.md5(body).digest() for body in bodies]
    expected = f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(bodies)}"
    assert layout.expected_etag(digest.hex() for digest in digests) == expected
    assert layout.parts_of_etag(expected) == len(bodies)
    assert layout.may_be_computed(expected)


@pytest.mark.parametrize("odd", ["", f"{MD5}-2", "x" * 32, MD5[:-1]])
def test_no_etag_is_computed_where_a_part_has_no_md5(odd: str) -> None:
    assert layout.expected_etag([MD5, odd, MD5]) == ""


@pytest.mark.parametrize(
    ("etag", "parts"),
    [(MD5, 0), (f"{MD5}-1", 1), (f"{MD5}-10000", 10000), ("weird-7", 7), ("-7", 0), ("a-b", 0), ("", 0), ("a-٣", 0)],
)
def test_parts_of_etag(etag: str, parts: int) -> None:
    assert layout.parts_of_etag(etag) == parts


@pytest.mark.parametrize(
    ("size", "count", "part_size"),
    [(16 * MIB, 2, 8 * MIB), (17 * MIB, 4, 5 * MIB), (100 * MIB, 2, 64 * MIB), (100 * MIB, 4, 25 * MIB), (9, 1, None)],
)
def test_guessed_layouts_fit(size: int, count: int, part_size: int | None) -> None:
    made = layout.guessed(size, count)
    assert made is not None and made.number_of_parts == count
    assert part_size is None or made.part_size == part_size


@pytest.mark.parametrize(
    ("size", "etag", "options", "parts"),
    [
        (10, MD5, {}, 0),
        (10, f"{MD5}-1", {}, 1),
        (10, f"{MD5}-1", {"multipart": "simple"}, 0),
        (6 * MIB, MD5, {"large_file": 6 * MIB}, 0),
        (6 * MIB + 1, MD5, {"large_file": 6 * MIB, "part_size": 5 * MIB}, 2),
        (5 * GIB, MD5, {}, 0),
        (5 * GIB + 1, MD5, {}, 81),
        (5 * GIB + 1, f"{MD5}-700", {"multipart": "simple"}, 700),
    ],
)
def test_which_objects_are_copied_in_parts(size: int, etag: str, options: dict[str, object], parts: int) -> None:
    from dataclasses import replace

    planned = Planned("k", "k", size, etag, 0)
    settings = replace(OPTIONS, **options)  # type: ignore[arg-type]
    assert layout.in_parts(planned, settings) == (parts > 0)
    assert layout.planned_parts(planned, settings) == parts
