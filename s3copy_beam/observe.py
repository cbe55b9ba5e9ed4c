"""Who watches a run in this process: outcomes are told as they happen, where the command and the work share a process.

On a cluster, or where bundles may be run again, nobody watches: the report and the lines then come out of the graph.
"""

from __future__ import annotations

from typing import Protocol

from s3copy_beam.model import Outcome, Totals


class Observer(Protocol):
    """Told from the event loop's thread; must return quickly and not raise."""

    def outcome(self, outcome: Outcome) -> None:
        """An object ended."""

    def listed(self, totals: Totals) -> None:
        """A page was compared: its counts, outcomes included."""

    def part(self, size: int) -> None:
        """A part of `size` bytes was copied; its object's outcome comes later."""


observers: dict[str, Observer] = {}
"""By run id. The command registers its own before it runs the pipeline, and takes it out afterwards."""


class _Nobody:
    def outcome(self, outcome: Outcome) -> None: ...

    def listed(self, totals: Totals) -> None: ...

    def part(self, size: int) -> None: ...


_NOBODY = _Nobody()


def observer_of(run_id: str) -> Observer:
    """The observer of a run in this process, or one that does nothing."""
    return observers.get(run_id, _NOBODY)
