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
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import lt
from os.path import commonprefix
from typing import NamedTuple

MAX_KEY_BYTES = 1024
LAST_CHARACTER = "\U0010ffff"
_DIGITS = "0123456789"
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

    It is valid UTF-8 of at most 1,024 bytes. In UTF-8 order hardly a key fits between the two. It keeps all but the
    last character, so a prefix of the listing that is shorter than the key is kept, too. In component order it is below
    the key as well, but for keys that end with ``/``.
    """
    if not key:
        return ""
    stem, last = key[:-1], ord(key[-1])
    if last == 0:
        return stem
    previous = stem + chr(0xD7FF if last == 0xE000 else last - 1)
    longer = previous + LAST_CHARACTER
    return longer if len(longer.encode()) <= MAX_KEY_BYTES else previous


def past(stem: str) -> str:
    """A text above all keys that start with `stem` (but those that go on with the last character of Unicode)."""
    return stem + LAST_CHARACTER


def shared(one: str, other: str) -> int:
    """Length of the common prefix, in characters."""
    return len(commonprefix((one, other)))


class Alphabet:
    """The characters that keys are made of, as far as they were seen: middles are guessed with them.

    A guess that is off makes unequal ranges, never wrong ones.
    """

    MOST = 512

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._letters: list[str] = list(_DIGITS)

    def learn(self, keys: Sequence[str]) -> None:
        """Takes a sample of these keys into account."""
        if len(self._seen) >= self.MOST or not keys:
            return
        skip = shared(keys[0], keys[-1])
        sample: Iterable[str] = keys[:: max(1, len(keys) // 32)]
        found = {character for key in sample for character in key[skip:]}
        if not found <= self._seen:
            self._seen |= found
            self._letters = sorted(self._seen | (set(_DIGITS) if self._seen & set(_DIGITS) else set()))

    def middle(self, low: str, high: str) -> str:
        """A text between two others (both exclusive), about half of the keys below it; empty: there is none known."""
        start = shared(low, high)
        letters = self._positions(low, high, start)
        value = (_value(low, start, letters) + _value(high, start, letters)) // 2
        places: list[int] = []
        for here in reversed(letters):
            value, place = divmod(value, len(here) + 2)
            places.append(place)
        text, found = low[:start], ""
        for here, place in zip(letters, reversed(places)):
            if place == 0:
                break
            text += here[min(place, len(here)) - 1]
            if low < text < high:
                if found:
                    return text if _fits(text) else found
                found = text
        return found if _fits(found) else ""

    def pages_left(self, first: str, last: str, high: str) -> float:
        """How many times what lies between `first` and `last` fits between `last` and `high`; a rough guess."""
        start = shared(first, high)
        letters = self._positions(first, high, start, 2 * _DEPTH)
        left, here, end = (_value(text, start, letters) for text in (first, last, high))
        return max(0, end - here) / max(1, here - left)

    def _positions(self, low: str, high: str, start: int, depth: int = _DEPTH) -> list[Sequence[str]]:
        """The characters to reckon with at each place from `start` on: digits where digits stand."""
        return [
            _DIGITS if low[i:i + 1] in _DIGITS and low[i:i + 1] and (i > start or high[i:i + 1] in _DIGITS)
            else self._letters
            for i in range(start, start + depth)]


def _value(text: str, start: int, letters: Sequence[Sequence[str]]) -> int:
    """A text as a number: at each place 0 is "ended", then the letters, then "above them"."""
    value = 0
    for i, here in enumerate(letters, start):
        character = text[i:i + 1]
        value = value * (len(here) + 2) + (bisect_left(here, character) + 1 if character else 0)
    return value


def _fits(text: str) -> bool:
    return len(text.encode()) <= MAX_KEY_BYTES
