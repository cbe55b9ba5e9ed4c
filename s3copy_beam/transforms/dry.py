"""A dry run: what would be copied, and how many requests that would take. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam

from s3copy_beam.layout import planned_parts
from s3copy_beam.model import Result, outcome_of
from s3copy_beam.options import CopyOptions
from s3copy_beam.transforms.elements import PlannedBatch
from s3copy_beam.transforms.looping import LoopDoFn, tagged

BESIDE_PARTS = 6
"""Requests for a multipart object beside its parts: HEAD, tags, unfinished uploads, Create, mark, Complete."""

STAGED_PART = 5
"""Requests for each part with ``--staged``: Create, UploadPartCopy, Complete; CopyObject; UploadPartCopy."""


class OnlySay(beam.PTransform):
    """Objects that would be copied, to outcomes that say so: outputs `totals` and `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, batches: beam.PCollection[PlannedBatch]) -> Any:
        return batches | "Say" >> tagged(WouldCopy(self.options))


class WouldCopy(LoopDoFn):
    """Counts, and tells the observer."""

    def process(self, element: PlannedBatch) -> Iterator[Any]:
        for planned in element.objects:
            parts = planned_parts(planned, self.options)
            outcome = outcome_of(planned, Result.WOULD_COPY, "", parts)
            each = STAGED_PART if self.options.staged else 1
            self.ledger.totals.would_request += each * parts + BESIDE_PARTS if parts else 1
            self.ledger.enter(outcome)
            self.ledger.observer.outcome(outcome)
        yield from self.take(self.room)
