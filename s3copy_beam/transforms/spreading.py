"""Spreading elements over the workers of a cluster."""

from __future__ import annotations

from typing import Any

import apache_beam as beam


class Spread(beam.PTransform):
    """The same elements, evenly over all workers: also a few of them, and also all those of one worker.

    Flink's optimizer for batches takes data that was rebalanced once as rebalanced for good, and drops each Reshuffle
    but the first on the way: what one worker listed, that worker copied. It knows nothing of a union, so each Reshuffle
    gets one, with an empty collection. Other runners pay nothing for it.
    """

    def __init__(self, kind: type[Any]) -> None:
        """Args: kind: type of the elements."""
        super().__init__()
        self.kind = kind

    def expand(self, elements: beam.PCollection[Any]) -> beam.PCollection[Any]:
        none = elements.pipeline | "None" >> beam.Create([], reshuffle=False).with_output_types(self.kind)
        return (elements, none) | "Flatten" >> beam.Flatten() | "Reshuffle" >> beam.Reshuffle()
