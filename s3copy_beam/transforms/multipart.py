"""Objects in parts: expanded into part elements, parts copied and checked, grouped by file key, assembled.

Assembly is lifted, as combiners are: where all parts of an object are copied together, it is assembled there and
appears while the run goes on. Only the parts of giants are spread over the workers of a cluster; they are grouped by
file key afterwards, and assembled by the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from s3copy_beam.layout import Layout
from s3copy_beam.model import Outcome, Planned
from s3copy_beam.moving.multipart import assemble, copy_first, copy_opened, open_upload
from s3copy_beam.moving.parts import copy_parts
from s3copy_beam.moving.uploads import Opened, Upload, end
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.errors import S3Error
from s3copy_beam.transforms.desks import desks_of
from s3copy_beam.transforms.elements import CopiedParts, PartsToCopy, PlannedBatch, error_of, plain_error
from s3copy_beam.transforms.looping import LoopDoFn, Where, tagged
from s3copy_beam.transforms.spreading import Spread
from s3copy_beam.transforms.telling import told

PARTS = "parts"
SPREAD = "spread"
COPIED = "copied"


class ExpandIntoParts(beam.PTransform):
    """Objects to parts of uploads: outputs `parts` (all of an object together), `spread`, `totals`, `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, objects: beam.PCollection[PlannedBatch]) -> Any:
        if self.options.layout == "cluster":
            alone = objects | "OneByOne" >> beam.ParDo(OneByOne()).with_output_types(PlannedBatch)
            objects = alone | "SpreadObjects" >> Spread(PlannedBatch)
        return objects | "Open" >> tagged(OpenUploads(self.options), parts=PartsToCopy, spread=PartsToCopy)


class CopyParts(beam.PTransform):
    """Parts to copied parts, keyed by file: output `copied`; objects that are whole here are assembled here."""

    def __init__(self, options: CopyOptions, spread: bool = False) -> None:
        """Args: spread: parts are spread over the workers first."""
        super().__init__()
        self.options = options
        self.spread = spread and options.layout == "cluster"

    def expand(self, parts: beam.PCollection[PartsToCopy]) -> Any:
        if self.spread:
            parts = parts | "SpreadParts" >> Spread(PartsToCopy)
        return parts | "UploadPartCopy" >> tagged(CopyPartsOf(self.options), copied=tuple[str, CopiedParts])


class Assemble(beam.PTransform):
    """Copied parts, grouped by file key, to finished objects: outputs `totals` and `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, copied: beam.PCollection[tuple[str, CopiedParts]]) -> Any:
        return (
            copied
            | "GroupByFileKey" >> beam.GroupByKey()
            | "Complete" >> tagged(AssembleObjects(self.options))
        )


class OneByOne(beam.DoFn):
    """Batches to batches of one object each, so that they spread evenly."""

    def process(self, element: PlannedBatch) -> Iterator[PlannedBatch]:
        for planned in element.objects:
            yield PlannedBatch((planned,))


class OpenUploads(LoopDoFn):
    """Finds or begins the upload of each object, and expands it into the parts that it lacks."""

    capacity = 32

    def process(self, element: PlannedBatch, timestamp: Any = beam.DoFn.TimestampParam,
                window: Any = beam.DoFn.WindowParam) -> Iterator[Any]:
        where: Where = (timestamp, (window,))
        for planned in element.objects:
            yield from self.take(self.room)
            self.hand(self._open(planned), 1, where)
        yield from self.take(self.room)
        if self.options.layout == "local":
            yield TaggedOutput(PARTS, PartsToCopy())

    async def _open(self, planned: Planned) -> Opened | Outcome:
        desk = desks_of(self.options).moving
        opened = await told(desk, planned, open_upload(desk, planned))
        if isinstance(opened, Outcome) or opened.kept:
            return opened
        unsure = opened.upload.algorithm and not desk.store.took_checksums and opened.upload.layout.number_of_parts > 1
        if unsure or spreads(opened.upload.layout, self.options):
            # what a store refuses in an upload shows with its first part, before all the others are on their way
            return await told(desk, planned, copy_first(desk, opened))
        return opened

    def results(self, value: Opened | Outcome) -> Iterator[Any]:
        if isinstance(value, Outcome):
            self.ledger.enter(value)
            return
        upload, kept, copied = value
        held = {part.number for part in (*kept, *copied)}
        missing = tuple(number for number in range(1, upload.layout.number_of_parts + 1) if number not in held)
        if not spreads(upload.layout, self.options):
            yield TaggedOutput(PARTS, PartsToCopy(upload, missing, kept, copied, whole=True))
            return
        yield TaggedOutput(SPREAD, PartsToCopy(upload, (), kept, copied))
        for number in missing:
            yield TaggedOutput(SPREAD, PartsToCopy(upload, (number,)))


class CopyPartsOf(LoopDoFn):
    """Copies parts; assembles the object where all its parts are at hand."""

    capacity = 2048

    def process(self, element: PartsToCopy, timestamp: Any = beam.DoFn.TimestampParam,
                window: Any = beam.DoFn.WindowParam) -> Iterator[Any]:
        if element.upload is not None:
            self.hand(self._copy(element.upload, element), max(1, len(element.numbers)), (timestamp, (window,)))
        yield from self.take(self.room)

    async def _copy(self, upload: Upload, work: PartsToCopy) -> Outcome | CopiedParts:
        desk = desks_of(self.options).moving
        if work.whole:
            return await told(desk, upload.planned, copy_opened(desk, Opened(upload, work.kept, work.copied)))
        parts = {part.number: part for part in (*work.kept, *work.copied)}
        reused = tuple(part.number for part in work.kept)
        try:
            await copy_parts(desk, upload, work.numbers, parts)
        except S3Error as error:  # whoever assembles the object deals with it
            return CopiedParts(upload, tuple(parts.values()), reused, plain_error(error))
        return CopiedParts(upload, tuple(parts.values()), reused, None)

    def results(self, value: Outcome | CopiedParts) -> Iterator[Any]:
        if isinstance(value, Outcome):
            self.ledger.enter(value)
        else:
            yield TaggedOutput(COPIED, (value.upload.planned.destination, value))


class AssembleObjects(LoopDoFn):
    """Assembles the objects whose parts were spread over the workers."""

    def process(self, element: tuple[str, Iterable[CopiedParts]], timestamp: Any = beam.DoFn.TimestampParam,
                window: Any = beam.DoFn.WindowParam) -> Iterator[Any]:
        self.hand(self._assemble(list(element[1])), 1, (timestamp, (window,)))
        yield from self.take(self.room)

    async def _assemble(self, groups: list[CopiedParts]) -> Outcome:
        desk = desks_of(self.options).moving
        # a bundle that ran twice may have begun two uploads: go on with the fuller one, end the other
        uploads: dict[str, list[CopiedParts]] = {}
        for group in groups:
            uploads.setdefault(group.upload.upload_id, []).append(group)
        best, *others = sorted(uploads.values(), key=lambda mine: -sum(len(group.parts) for group in mine))
        for other in others:
            await end(desk, other[0].upload)
        upload = best[0].upload
        parts = [part for group in best for part in group.parts]
        reused = {number for group in best for number in group.reused}
        error = next((error_of(group.error) for group in best if group.error), None)
        return await told(desk, upload.planned, assemble(desk, upload, parts, reused, error))

    def results(self, value: Outcome) -> Iterator[Any]:
        self.ledger.enter(value)
        return iter(())


def spreads(layout: Layout, options: CopyOptions) -> bool:
    """Whether the parts of an object are spread over the workers."""
    wanted = options.layout == "cluster" or options.spread_local
    return wanted and layout.number_of_parts > options.spread_parts
