"""Where a range is best cut, guessed from the keys seen so far. A bad guess costs a page, never a key."""

from __future__ import annotations

from collections.abc import Sequence

from s3copy_beam.keyspace import Alphabet, Cut, Order, below, by_component, past, plain, shared
from s3copy_beam.listing.pages import Side, Stream
from s3copy_beam.listing.run import Run
from s3copy_beam.s3.page import Page

_WITHIN_NUMBER = 16.0
"""Pages that must be left for a cut to be looked for among numbers of the same beginning."""
_HARDLY_FOLLOWED = frozenset("/\0-_.:=9z")
"""Characters in whose place hardly any key has one above: separators, and the last of their kind."""


class Guesser:
    """Learns from the keys of one side where ranges are best cut."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._alphabet = Alphabet()

    def learn(self, keys: Sequence[str]) -> None:
        """Takes note of the keys of a page."""
        self._alphabet.learn(keys)

    def left(self, run: Run) -> float:
        """Pages that are left of a range, roughly; 0: it can't be cut."""
        first, low, high = self._text(run.first), self._text(run.last), self._text(run.high)
        if run.done or run.being_cut or run.stream.ended or not low < high:
            return 0.0
        sure = shared(low, high)
        if high == past(low[:sure]) and (shared(first, low) > sure or run.stop is None):
            return float("inf")  # there is no telling
        return run.seen * self._alphabet.pages_left(first, low, high)

    def guess(self, run: Run) -> str:
        """A text that about half of what is left of a range is below; empty: none is known.

        Where the end is no key but that of all keys with a certain beginning, the place where keys differ must be found
        at first: somewhere between what all of them have in common for sure and what the keys of one page have in
        common. It is looked for nearer to the latter: a hit there is work found, a miss is a page for nothing.
        """
        first, low, high = self._text(run.first), self._text(run.last), self._text(run.high)
        text, sure = "", shared(low, high)
        if high == past(low[:sure]):
            likely = shared(first, low)
            if run.stem is not None and run.last.startswith(run.stem):
                likely = min(likely, len(run.stem))
                if low[likely - 1:likely + 1].isdecimal() and (
                        run.seen * self._alphabet.pages_left(first, low, past(low[:likely])) >= _WITHIN_NUMBER):
                    sure = likely  # the leading digits of a number are the last to change
            while sure < likely and low[sure] in _HARDLY_FOLLOWED:
                sure += 1
            deep = sure + (3 * (likely - sure) + 3) // 4
            deep -= deep > sure + 1 and low[deep - 1] in _HARDLY_FOLLOWED
            text = past(low[:deep]) if deep > sure else self._alphabet.middle(low, past(low[:sure]), 3)
        if not low < text < high:
            text = self._alphabet.middle(low, high)
        text = text.replace("\0", "/") if self._side.order is Order.COMPONENT else text
        ok = text.startswith(self._side.prefix) and plain(text) and below(self._side.order, run.last, text)
        return text if ok else ""

    def _text(self, key: str) -> str:
        """A key as it is ordered by."""
        return by_component(key) if self._side.order is Order.COMPONENT else key


def divide(run: Run, after: str, page: Page) -> Run | None:
    """Cuts a range at a text, given the page that is listed after it, which becomes the new range's first.

    Returns:
        None: nothing of this range is there, or the range is beyond it meanwhile.
    """
    first = page.objects[0].key if page.objects else ""
    side, low, stop = run.stream.side, run.stream.last, run.stop
    if not first or (stop is not None and not below(side.order, first, stop.first)):
        run.high = after
        return None
    if run.done or side.order is Order.NEITHER or not (below(side.order, low, first) and below(side.order, low, after)):
        return None
    cut = Cut(after, first)
    new = Run(Stream(side, after, page), cut, stop, run.high, first[:shared(low, first)])
    run.stop, run.high = cut, after
    return new
