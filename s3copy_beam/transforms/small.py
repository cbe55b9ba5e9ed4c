"""Small objects: copied in batches, many objects of many batches in flight at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import apache_beam as beam

from s3copy_beam.model import Outcome
from s3copy_beam.moving.small import copy_small
from s3copy_beam.options import CopyOptions
from s3copy_beam.transforms.desks import desks_of
from s3copy_beam.transforms.elements import PlannedBatch
from s3copy_beam.transforms.looping import LoopDoFn, tagged
from s3copy_beam.transforms.spreading import Spread
from s3copy_beam.transforms.telling import told


class CopySmallObjects(beam.PTransform):
    """Batches to outcomes: outputs `totals` and `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, batches: beam.PCollection[PlannedBatch]) -> Any:
        if self.options.layout == "cluster":
            batches = batches | "SpreadBatches" >> Spread(PlannedBatch)
        return batches | "CopyObject" >> tagged(CopySmall(self.options))


class CopySmall(LoopDoFn):
    """Copies the objects of a batch, each with one CopyObject."""

    capacity = 8192  # so many that prefixes with limits of their own are all at work: keys come in order

    def process(self, element: PlannedBatch, timestamp: Any = beam.DoFn.TimestampParam,
                window: Any = beam.DoFn.WindowParam) -> Iterator[Any]:
        self.hand(self._copy(element), len(element.objects), (timestamp, (window,)))
        yield from self.take(self.room)

    async def _copy(self, batch: PlannedBatch) -> list[Outcome | BaseException]:
        desk = desks_of(self.options).moving
        return await asyncio.gather(*(told(desk, planned, copy_small(desk, planned)) for planned in batch.objects),
                                    return_exceptions=True)

    def results(self, value: list[Outcome | BaseException]) -> Iterator[Any]:
        for outcome in value:
            if isinstance(outcome, BaseException):
                self.ledger.stopped(outcome)
            else:
                self.ledger.enter(outcome)
        return iter(())
