"""The mark: of one length, the same for the same copy, another for any other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from s3copy_beam.layout import Layout
from s3copy_beam.model import Planned
from s3copy_beam.moving.mark import MARK_BYTES, can_be_marked, mark_of
from s3copy_beam.options import Access

SOURCE = Access("bucket")
PLANNED = Planned("a/key", "b/key", 100, "e-2", 0)
LAYOUT = Layout(100, 50)
CREATE = {"content-type": "text/plain", "x-amz-tagging": "a=b"}
MARK = mark_of(SOURCE, PLANNED, LAYOUT, CREATE)


@given(st.text(max_size=1024), st.text(max_size=1024), st.integers(0, 1 << 50))
def test_every_mark_has_one_length(key: str, destination: str, size: int) -> None:
    planned = PLANNED._replace(source=key, destination=destination, size=size)
    assert len(mark_of(SOURCE, planned, LAYOUT, CREATE)) == MARK_BYTES


def test_it_does_not_depend_on_the_order_of_headers_or_on_times() -> None:
    headers = dict(reversed(CREATE.items()))
    assert mark_of(SOURCE, PLANNED._replace(modified=5, replaces="x"), LAYOUT, headers) == MARK
    assert mark_of(replace(SOURCE, endpoint_url="http://another.door"), PLANNED, LAYOUT, CREATE) == MARK


def test_another_version_key_layout_or_setting_has_another_mark() -> None:
    others = [
        mark_of(replace(SOURCE, bucket="other"), PLANNED, LAYOUT, CREATE),
        mark_of(SOURCE, PLANNED._replace(source="a/other"), LAYOUT, CREATE),
        mark_of(SOURCE, PLANNED._replace(destination="b/other"), LAYOUT, CREATE),
        mark_of(SOURCE, PLANNED._replace(etag="f-2"), LAYOUT, CREATE),
        mark_of(SOURCE, PLANNED._replace(size=101), LAYOUT, CREATE),
        mark_of(SOURCE, PLANNED, Layout(100, 60), CREATE),
        mark_of(SOURCE, PLANNED, LAYOUT, CREATE | {"x-amz-tagging": "a=c"}),
        mark_of(SOURCE, PLANNED, LAYOUT, {}),
    ]
    assert len({MARK, *others}) == len(others) + 1


def test_an_object_of_10000_parts_has_no_room_for_it() -> None:
    assert can_be_marked(Layout(9_999, 1))
    assert not can_be_marked(Layout(10_000, 1))
