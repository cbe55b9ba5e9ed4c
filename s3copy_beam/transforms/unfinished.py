"""``--abort-uploads``: unfinished uploads of ours are ended, nothing is copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam

from s3copy_beam.model import say
from s3copy_beam.moving.unfinished import Ended, below_destination, end_unfinished
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.errors import S3Error
from s3copy_beam.text import escape
from s3copy_beam.transforms.desks import desks_of
from s3copy_beam.transforms.elements import PlannedBatch
from s3copy_beam.transforms.looping import LoopDoFn, tagged


class EndUploadsBelow(beam.PTransform):
    """All uploads below the destination path, as the store lists them: outputs `totals` and `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, pbegin: beam.pvalue.PBegin) -> Any:
        once = pbegin | "Once" >> beam.Create([PlannedBatch(())], reshuffle=False).with_output_types(PlannedBatch)
        return once | "EndAll" >> tagged(EndUploads(self.options, by_key=False))


class EndUploadsOf(beam.PTransform):
    """Uploads of objects that are not up to date, each by its key: some stores list uploads by whole keys only."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, objects: beam.PCollection[PlannedBatch]) -> Any:
        return objects | "EndOfKeys" >> tagged(EndUploads(self.options, by_key=True))


class EndUploads(LoopDoFn):
    """Ends uploads and counts them."""

    def __init__(self, options: CopyOptions, by_key: bool) -> None:
        super().__init__(options)
        self.by_key = by_key

    def process(self, element: PlannedBatch) -> Iterator[Any]:
        if not self.by_key:
            prefix, takes = below_destination(self.options)
            self.hand(self._end(prefix, takes))
        for planned in element.objects:
            yield from self.take(self.room)
            key = planned.destination
            self.hand(self._end(key, key.__eq__))

    async def _end(self, prefix: str, takes: Callable[[str], bool]) -> Ended | S3Error:
        try:
            return await end_unfinished(desks_of(self.options).moving, prefix, takes)
        except S3Error as error:
            return error

    def results(self, value: Ended | S3Error) -> Iterator[Any]:
        totals = self.ledger.totals
        if isinstance(value, S3Error):
            totals.failed += 1
            bucket = self.options.destination.bucket
            say(totals.failures, f"failed ending uploads in s3://{bucket}: {escape(str(value))}")
        else:
            totals.uploads_ended += value.uploads
            totals.uploads_ended_bytes += value.size
        return iter(())
