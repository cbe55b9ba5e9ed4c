"""The order of keys, and where to cut a range of them. Pure: no network.

Keys are listed in UTF-8 byte order, which is Python's order of `str` (code points), for there are no lone surrogates
in keys. Some stores list by path component instead: the order of ``key.replace("/", "\\0")``. Which of them a store
keeps is seen in what it lists::

    neighbours are ascending by UTF-8   by component   what it shows
    ---------------------------------   ------------   ----------------------
    yes                                 yes            nothing (UNKNOWN stays)
    yes                                 no             UTF8
    no                                  yes            COMPONENT
    no                                  no             NEITHER
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice, zip_longest
from operator import lt
from typing import NamedTuple

MAX_KEY_BYTES = 1024
LAST_CHARACTER = "\U0010ffff"
_DIGITS = "0123456789"
_DIGIT_SET = frozenset(_DIGITS)
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DEPTH = 8
"""Characters behind the common prefix that a middle is reckoned from."""


class Order(enum.Enum):
    """How a store lists its keys, as far as it has been seen."""

    UNKNOWN = enum.auto()
    UTF8 = enum.auto()
    COMPONENT = enum.auto()
    NEITHER = enum.auto()


class Cut(NamedTuple):
    """A place between two keys: `first` was the first key that the store listed after `after`."""

    after: str
    first: str


class KeyRange(NamedTuple):
    """A run of a bucket's listing: from `start`'s first key on, up to `stop`'s first key, which is the next range's.

    None: from the beginning, to the end. Neighbours share a cut, so that each key belongs to exactly one of them in
    whichever order the store lists.
    """

    start: Cut | None = None
    stop: Cut | None = None


def by_component(key: str) -> str:
    """What keys are ordered by in a store that lists by path component."""
    return key.replace("/", "\0")


def ascending(keys: Sequence[str]) -> bool:
    """Whether each key is above the one before."""
    return all(map(lt, keys, islice(keys, 1, None)))


def order_shown(keys: Sequence[str]) -> Order:
    """What these keys, as they were listed one after another, show of their order (the module's table)."""
    utf8, component = ascending(keys), ascending([key.replace("/", "\0") for key in keys])
    if utf8:
        return Order.UNKNOWN if component else Order.UTF8
    return Order.COMPONENT if component else Order.NEITHER


def below(order: Order, one: str, other: str) -> bool:
    """Whether `one` is surely listed before `other`; where the order is not known: in both orders."""
    if order is Order.UTF8:
        return one < other
    if order is Order.COMPONENT:
        return by_component(one) < by_component(other)
    return one < other and by_component(one) < by_component(other)


def before(key: str) -> str:
    """A text just below a key: a listing that starts after it begins with the key, if that is there.

    It is valid UTF-8 of at most 1,024 bytes, and its last characters are such as XML may hold. In UTF-8 order hardly a
    key fits between the two. It keeps all but the last character, so a prefix of the listing that is shorter than the
    key is kept, too. In component order it is below the key as well, but for keys that end with ``/``.
    """
    if not key:
        return ""
    stem, last = key[:-1], ord(key[-1]) - 1
    if 0xD800 <= last <= 0xDFFF:
        last = 0xD7FF
    while last >= 0 and not plain(chr(last)):
        last -= 1
    if last < 0:
        return stem
    previous = stem + chr(last)
    longer = previous + LAST_CHARACTER
    return longer if len(longer.encode()) <= MAX_KEY_BYTES else previous


def plain(text: str) -> bool:
    """Whether XML may hold a text. Some stores repeat in their answer, as it is, what a listing was to start after."""
    return _NOT_IN_XML.search(text) is None


def past(stem: str) -> str:
    """A text above all keys that start with `stem` (but those that go on with the last character of Unicode)."""
    return stem + LAST_CHARACTER


def shared(one: str, other: str) -> int:
    """Length of the common prefix, in characters."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class Alphabet:
    """The characters that keys are made of, place by place, as far as they were seen: middles are guessed with them.

    A guess that is off makes unequal ranges, never wrong ones.
    """

    MOST, PLACES, SAMPLE = 512, 200, 16

    def __init__(self) -> None:
        self._anywhere: set[str] = set()
        self._letters: list[str] = list(_DIGITS)
        self._at: list[set[str]] = [set() for _ in range(self.PLACES)]

    def learn(self, keys: Sequence[str]) -> None:
        """Takes a sample of these keys, which must be in order, into account."""
        sample = [*keys[::max(1, len(keys) // self.SAMPLE)], keys[-1]]
        for place, characters in enumerate(zip_longest(*sample, fillvalue="")):
            if place == self.PLACES:
                break
            self._at[place].update(characters)
            self._at[place].discard("")
        if len(self._anywhere) < self.MOST:
            skip = shared(keys[0], keys[-1])
            found = {character for key in sample for character in key[skip:]}
            if not found <= self._anywhere:
                self._anywhere |= found
                self._letters = sorted(self._anywhere)

    def middle(self, low: str, high: str, share: int = 2) -> str:
        """A text between two others, about half (a third, ...) of the keys below it; empty: none is known."""
        start = shared(low, high)
        letters = [self._letters_at(place, low, high, start) for place in range(start, start + _DEPTH)]
        value = _value(low, start, letters)
        value += (_value(high, start, letters) - value) // share
        digits: list[int] = []
        for here in reversed(letters[1:]):
            value, digit = divmod(value, len(here))
            digits.append(digit)
        digits.append(value)
        text, found = low[:start], ""
        for here, digit in zip(letters, reversed(digits), strict=True):
            text += here[min(digit, len(here) - 1)]
            if low < text < high:
                if found:
                    return text if _fits(text) else found
                found = text
        return found if _fits(found) else ""

    def pages_left(self, first: str, last: str, high: str) -> float:
        """How many times what lies between `first` and `last` fits between `last` and `high`; a rough guess."""
        start = shared(first, high)
        letters = [self._letters_at(place, first, high, start) for place in range(start, start + 2 * _DEPTH)]
        left, here, end = (_value(text, start, letters) for text in (first, last, high))
        return max(0, end - here) / max(1, here - left)

    def _letters_at(self, place: int, low: str, high: str, start: int) -> Sequence[str]:
        """The characters to reckon with at a place: where low has a digit, digits; where a separator, that alone."""
        here = low[place:place + 1]
        seen = self._at[place] if place < self.PLACES else set()
        if place > start or high[place:place + 1] == LAST_CHARACTER:
            if here and here in "/\0-_.:=" and place > start:
                return here
            if here and here in _DIGITS and seen <= _DIGIT_SET:
                known = seen if place > start and len(seen) > 1 else _DIGIT_SET
                return _DIGITS[int(min(known)):int(max(known)) + 1]
        elif here and here in _DIGITS and high[place:place + 1] in _DIGITS:
            return _DIGITS
        return self._letters


def _value(text: str, start: int, letters: Sequence[Sequence[str]]) -> int:
    """A text as a number, each place with the letters there as its digits; above all of them counts at the first."""
    value = 0
    for place, here in enumerate(letters, start):
        digit = bisect_left(here, text[place:place + 1])
        value = value * len(here) + (digit if place == start else min(digit, len(here) - 1))
    return value


def _fits(text: str) -> bool:
    return len(text.encode()) <= MAX_KEY_BYTES
