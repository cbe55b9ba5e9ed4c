"""When to try again: backoff, and a budget that keeps a broken server from being hammered. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable

_FIRST, _LONGEST = 0.2, 20.0
_CAPACITY, _COST, _INCOME = 500.0, 5.0, 1.0
"""As the SDKs' standard retry mode: a retry costs 5, a success brings 1, or back what its retry cost."""
_PATIENCE = 30.0
"""Seconds without one success after which an empty budget means: no more retries."""


def backoff(failures: int) -> float:
    """Seconds to wait before the next try: exponential with full jitter, so that clients do not march in step.

    Args:
        failures: so far, from 1.
    """
    return random.uniform(0, min(_LONGEST, _FIRST * 2 ** min(failures - 1, 16)))


class Budget:
    """Retries that a store may still be asked for, besides throttling.

    While it answers at all an empty budget slows retries down; when it has not answered well for a while there are
    none: everything fails at once, instead of each object taking minutes to.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._tokens = _CAPACITY
        self._success = now()

    def spend(self) -> tuple[bool, float]:
        """Asks for one retry: whether it may be, and how many seconds it must wait besides its backoff."""
        if self._tokens >= _COST:
            self._tokens -= _COST
            return True, 0.0
        if self._now() - self._success > _PATIENCE:
            return False, 0.0
        return True, random.uniform(1, 3)

    def succeeded(self, retried: bool) -> None:
        """A request was answered well."""
        self._success = self._now()
        if self._tokens < _CAPACITY:
            self._tokens = min(_CAPACITY, self._tokens + (_COST if retried else _INCOME))
