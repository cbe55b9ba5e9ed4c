"""Python's cyclic garbage collector, kept from going through what is no garbage.

Importing Beam makes half a million objects that live as long as the process; a run has some hundred thousand more at a
time, none of them in cycles. Left alone, the collector takes a third of a run's CPU time.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

_YOUNG, _MIDDLE, _OLD = 50_000, 20, 50
"""Allocations, and collections of the younger, between two collections."""


@contextlib.contextmanager
def held() -> Iterator[None]:
    """No collections inside, until release() is called: for the imports of the command."""
    thresholds = gc.get_threshold()
    gc.disable()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.enable()


def release() -> None:
    """Collects from now on, rarely, and only what is made from now on."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    gc.enable()
