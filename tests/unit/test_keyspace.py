"""keyspace.py: the order of keys, what is just before one, and middles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3copy_beam.keyspace import (
    Alphabet,
    Order,
    ascending,
    before,
    below,
    by_component,
    order_shown,
    past,
    plain,
)

characters = st.one_of(
    st.sampled_from("/0123456789abz!-.+~ \0\x1f\x7f"),
    st.sampled_from("\x80é\ud7ff\ue000\uffff\U00010000\U0010ffff"),
    st.characters(exclude_categories=("Cs",)))
keys = st.text(characters, min_size=1, max_size=12)


@given(keys, keys)
def test_order_of_text_is_the_order_of_bytes(one: str, other: str) -> None:
    assert (one < other) == (one.encode() < other.encode())


@given(keys, keys)
def test_before(key: str, other: str) -> None:
    """It is below the key, and what fits between the two goes on with the last character of Unicode."""
    text = before(key)
    assert text < key and text.encode().decode() == text and len(text.encode()) <= 1024
    if text < other < key and plain(chr(ord(key[-1]) - 1)):
        assert other.startswith(text)
    assert plain(text) or not plain(key[:-1])


@given(keys.filter(lambda key: not key.endswith("/") and "\0" not in key))
def test_before_in_component_order(key: str) -> None:
    assert by_component(before(key)) < by_component(key)


@given(keys.filter(lambda key: "\0" not in key), keys.filter(lambda key: "\0" not in key))
def test_a_gap_of_utf8_is_a_gap_of_components(key: str, found: str) -> None:
    """A store in component order that lists `found` after before(key), beyond the key by UTF-8, has not the key."""
    start = before(key)
    if start < key < found and by_component(start) < by_component(found):
        assert by_component(key) < by_component(found) or not by_component(start) < by_component(key)


@pytest.mark.parametrize("key, expected", [
    ("b", "a\U0010ffff"), ("a\0", "a"), ("\0", ""), ("a ", "a\r\U0010ffff"), ("a\1", "a"),
    ("", ""), ("x\ue000", "x\ud7ff\U0010ffff"),
    ("k" * 1024, "k" * 1023 + "j"), ("k" * 1020 + "b", "k" * 1020 + "a"),
    ("k" * 1019 + "b", "k" * 1019 + "a\U0010ffff")])
def test_before_at_the_edges(key: str, expected: str) -> None:
    assert before(key) == expected


@pytest.mark.parametrize("listed, shown", [
    (["a", "b"], Order.UNKNOWN), ([], Order.UNKNOWN), (["a!", "a/"], Order.UTF8), (["a/1", "a!"], Order.COMPONENT),
    (["a/1", "a/b/1", "a/b-1", "a!", "a-1", "a0"], Order.COMPONENT), (["b", "a"], Order.NEITHER),
    (["a!", "a/", "a!"], Order.NEITHER), (["a", "a"], Order.NEITHER)])
def test_order_shown(listed: list[str], shown: Order) -> None:
    assert order_shown(listed) is shown


@given(st.lists(keys.filter(lambda key: "\0" not in key), unique=True))
def test_order_of_sorted_keys(some: list[str]) -> None:
    assert order_shown(sorted(some)) in (Order.UNKNOWN, Order.UTF8)
    assert order_shown(sorted(some, key=by_component)) in (Order.UNKNOWN, Order.COMPONENT)
    assert ascending(sorted(some))


@given(keys, keys)
def test_below_is_sure(one: str, other: str) -> None:
    if below(Order.UNKNOWN, one, other):
        assert below(Order.UTF8, one, other) and below(Order.COMPONENT, one, other)


@given(st.lists(keys, min_size=1, max_size=30), keys, keys)
def test_middle_is_between(seen: list[str], one: str, other: str) -> None:
    alphabet = Alphabet()
    alphabet.learn(sorted(seen))
    low, high = sorted((one, other))
    text = alphabet.middle(low, high)
    assert not text or (low < text < high and len(text.encode()) <= 1024 and text.encode().decode() == text)
    assert alphabet.pages_left(low, low, high) >= 0


@pytest.mark.parametrize("listed, high, low_end, high_end", [
    ([f"k{n:06}" for n in range(1000)], "k999999", "k4", "k6"),
    ([f"k{n:06}" for n in range(1000)], past("k"), "k4", "k6"),
    ([f"2024/01/{n:02}/x" for n in range(1, 20)], "2024/12/31", "2024/05", "2024/08"),
    ([f"{n:04x}" for n in range(0, 65536, 4096)], "ffff", "f1", "f9"),
    (["users/" + name for name in "alice bob carol dave eve zoe mallory peggy trent".split()], past("users/"),
     "users/z", "users/zzz")])
def test_middle_is_near_the_middle(listed: list[str], high: str, low_end: str, high_end: str) -> None:
    listed = sorted(listed)
    alphabet = Alphabet()
    alphabet.learn(listed)
    assert low_end <= alphabet.middle(listed[-1], high) <= high_end
