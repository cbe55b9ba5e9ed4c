"""Listing both sides and comparing them: what has to be copied comes out, small objects in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from s3copy_beam.layout import in_parts
from s3copy_beam.listing.desk import Compared
from s3copy_beam.listing.merge import compare_area
from s3copy_beam.listing.names import compare_names, meet
from s3copy_beam.model import Planned
from s3copy_beam.observe import observer_of
from s3copy_beam.options import CopyOptions
from s3copy_beam.transforms.desks import desks_of
from s3copy_beam.transforms.elements import AreaRange, PlannedBatch
from s3copy_beam.transforms.ledger import LINES, TOTALS
from s3copy_beam.transforms.looping import LoopDoFn, Where, tagged
from s3copy_beam.transforms.spreading import Spread

SMALL = "small"
MULTIPART = "multipart"
RANGES = "ranges"


class KeyRanges(beam.PTransform):
    """What is to be listed: areas, and lists of names. On a cluster, areas are cut into ranges and spread.

    Outputs `ranges`, beside `totals` and `lines`.
    """

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, pbegin: beam.pvalue.PBegin) -> Any:
        options = self.options
        # areas and lists that may get to the same destination keys are gone through together
        together = meet(options)
        starts = [] if together or options.abort_uploads and one_path(options) else [
            AreaRange(area) for area in options.areas]
        if together or options.names or options.prefix_lists:
            starts.append(AreaRange(None))
        ranges = pbegin | "Areas" >> beam.Create(starts, reshuffle=False).with_output_types(AreaRange)
        cut = ranges | "CutIntoRanges" >> tagged(CutIntoRanges(options), ranges=AreaRange)
        spread = cut[RANGES] if options.layout == "local" else cut[RANGES] | "SpreadRanges" >> Spread(AreaRange)
        return {RANGES: spread, TOTALS: cut[TOTALS], LINES: cut[LINES]}


class ListAndCompare(beam.PTransform):
    """Key ranges to objects that have to be copied: outputs `small` and `multipart`, beside `totals` and `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, ranges: beam.PCollection[AreaRange]) -> Any:
        return ranges | "Compare" >> tagged(CompareSides(self.options), small=PlannedBatch, multipart=PlannedBatch)


class CutIntoRanges(LoopDoFn):
    """Cuts each area into ranges, by probing its key space, where several workers will list it."""

    def process(self, element: AreaRange, timestamp: Any = beam.DoFn.TimestampParam, window: Any = beam.DoFn.WindowParam
                ) -> Iterator[Any]:
        self.hand(self._cut(element), 1, (timestamp, (window,)))
        yield from self.take(self.room)

    async def _cut(self, element: AreaRange) -> list[AreaRange]:
        if element.area is None or self.options.ranges < 2:
            return [element]
        from s3copy_beam.listing.split import cut_area

        ranges = await cut_area(desks_of(self.options).listing, element.area, self.options.ranges)
        return [AreaRange(element.area, keys) for keys in ranges]

    def results(self, value: list[AreaRange]) -> Iterator[Any]:
        for element in value:
            yield TaggedOutput(RANGES, element)


class CompareSides(LoopDoFn):
    """Lists source and destination over one range together, merged page by page."""

    capacity = 16

    def process(self, element: AreaRange, timestamp: Any = beam.DoFn.TimestampParam, window: Any = beam.DoFn.WindowParam
                ) -> Iterator[Any]:
        where: Where = (timestamp, (window,))
        self.hand(self._compare(element, where), 1, where)
        yield from self.take(self.room)

    async def _compare(self, element: AreaRange, where: Where) -> None:
        desk, observer, send = desks_of(self.options).listing, observer_of(self.options.run_id), self.stream()

        async def emit(compared: Compared) -> None:
            observer.listed(compared.totals)
            for outcome in compared.outcomes:
                observer.outcome(outcome)
            await send(compared, where)

        if element.area is None:
            await compare_names(desk, emit)
        else:
            await compare_area(desk, element.area, element.keys, emit)

    def results(self, value: Compared) -> Iterator[Any]:
        self.ledger.totals.add(value.totals)
        for outcome in value.outcomes:
            self.ledger.report(outcome)
        small, parts = list[Planned](), list[Planned]()
        for planned in value.planned:
            (parts if in_parts(planned, self.options) else small).append(planned)
        for batch in batches(small, self.options):
            yield TaggedOutput(SMALL, batch)
        # an empty batch, too: with it the next steps hand on what they have done while listing goes on
        if parts or self.options.layout == "local":
            yield TaggedOutput(MULTIPART, PlannedBatch(tuple(parts)))


def one_path(options: CopyOptions) -> bool:
    """Whether source and destination are one: ``--abort-uploads`` of one path has no source to compare with."""
    source, destination = options.source, options.destination
    return (source.bucket, options.source_path) == (destination.bucket, options.destination_path)


def batches(objects: list[Planned], options: CopyOptions) -> Iterator[PlannedBatch]:
    """Batches bounded in objects and in bytes, in order, of about the same number of objects."""
    batch, size = list[Planned](), 0
    most = -(-len(objects) // max(1, -(-len(objects) // options.batch_objects)))
    for planned in objects:
        if batch and (len(batch) >= most or size + planned.size > options.batch_bytes):
            yield PlannedBatch(tuple(batch))
            batch, size = [], 0
        batch.append(planned)
        size += planned.size
    if batch:
        yield PlannedBatch(tuple(batch))
