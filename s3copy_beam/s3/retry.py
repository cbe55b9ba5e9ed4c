"""When to try again: backoff, and a budget that keeps a broken server from being hammered. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable

_FIRST, _LONGEST = 0.2, 20.0
_CAPACITY, _COST, _INCOME = 500.0, 5.0, 1.0
"""As the SDKs' standard retry mode: a retry costs 5, a success brings 1, or back what its retry cost."""
_PATIENCE = 30.0
"""Seconds without one success after which an empty budget means: no more retries."""
_TRICKLE = 10.0
"""Retries per second that an empty budget allows until then, all requests together."""
_SILENCE, _UNANSWERED = 120.0, 8
"""Seconds for which requests remain without an answer, and how many in a row: then a store is taken for dead."""
_PROBE = 5.0
"""Seconds between two requests that a dead store is still sent."""


def backoff(failures: int) -> float:
    """Seconds to wait before the next try: exponential with full jitter, so that clients do not march in step.

    Args:
        failures: so far, from 1.
    """
    return random.uniform(0, min(_LONGEST, _FIRST * 2 ** min(failures - 1, 16)))


class Budget:
    """What a store may still be asked for, besides its rates.

    Retries: with an empty budget they take turns; when the store has not answered well for a while either, there are
    none: everything fails at once, instead of each object taking minutes to.

    Requests: a store that does not answer any more is dead; one that has only throttled for long is closed. What is
    asked of them fails at once, but for a request now and then that finds out whether they are back. So thousands of
    objects that wait do not take a time-out each.

    Attributes:
        closed: it has only throttled for long.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._tokens = _CAPACITY
        self._success = now()
        self._turn = 0.0
        self._unanswered = 0
        self._silent_since = 0.0
        self._refused: float | None = None
        self.closed = False
        self._probed = -_PROBE

    def spend(self) -> tuple[bool, float]:
        """Asks for one retry: whether it may be, and how many seconds it must wait besides its backoff."""
        if self.dead:
            return False, 0.0
        if self._tokens >= _COST:
            self._tokens -= _COST
            return True, 0.0
        now = self._now()
        if self.spent:
            return False, 0.0
        self._turn = max(now, self._turn) + 1 / _TRICKLE
        return True, min(self._turn, self._success + _PATIENCE) - now

    @property
    def spent(self) -> bool:
        """Whether nothing is to be tried again: the budget is empty, and nothing was answered well for a while."""
        return self._tokens < _COST and self._now() - self._success >= _PATIENCE

    def succeeded(self, retried: bool) -> None:
        """A request was answered well."""
        self._success = self._now()
        self._refused, self.closed = None, False
        if self._tokens < _CAPACITY:
            self._tokens = min(_CAPACITY, self._tokens + (_COST if retried else _INCOME))

    def answered(self) -> None:
        """A request was answered, in whatever way."""
        self._unanswered = 0

    def unanswered(self) -> None:
        """A request got no answer."""
        if not self._unanswered:
            self._silent_since = self._now()
        self._unanswered += 1

    def throttled(self, most: float) -> bool:
        """A request was throttled: whether nothing else has been heard for more than `most` seconds."""
        now = self._now()
        if self._refused is None:
            self._refused = now
        self.closed = now - self._refused > most
        return self.closed

    @property
    def silence(self) -> float:
        """Seconds since requests began to remain without an answer; 0: the last one was answered."""
        return self._now() - self._silent_since if self._unanswered else 0.0

    @property
    def dead(self) -> bool:
        """Whether the store does not answer any more."""
        return self._unanswered >= _UNANSWERED and self.silence > _SILENCE

    @property
    def why(self) -> str:
        """Why nothing is worth asking just now, for people; empty: it is."""
        if self._now() - self._probed >= _PROBE:
            return ""
        if self.dead:
            return f"has not answered for {self.silence:.0f} s"
        return "answers nothing but to slow down" if self.closed else ""

    def probe(self) -> None:
        """A request is sent: where the store is dead or closed, the only one for a while."""
        if self.closed or self.dead:
            self._probed = self._now()
