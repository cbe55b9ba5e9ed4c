"""``--staged``: the three steps of 2013 as transforms, with parts as elements, grouped by file key before the assembly.

As in the direct strategy the assembly is lifted: the parts of an ordinary object stay together in one element, from
step to step, and it is assembled as soon as they are through. Only the parts of giants are spread over the workers,
and grouped by file key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from s3copy_beam.model import Outcome, Planned
from s3copy_beam.moving.partfiles import PartFile
from s3copy_beam.moving.staged import Expanded, Staged, assemble_from_files, copy_to_parts, copy_to_temp, expand
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.errors import S3Error
from s3copy_beam.transforms.desks import desks_of
from s3copy_beam.transforms.elements import PartFiles, PlannedBatch, error_of, plain_error
from s3copy_beam.transforms.ledger import LINES, TOTALS
from s3copy_beam.transforms.looping import LoopDoFn, Where, tagged
from s3copy_beam.transforms.multipart import PARTS, SPREAD, OneByOne, spreads
from s3copy_beam.transforms.spreading import Spread
from s3copy_beam.transforms.telling import told

FILES = "files"
KEYED = "keyed"
Timestamp, Window = beam.DoFn.TimestampParam, beam.DoFn.WindowParam


class CopyByPartFiles(beam.PTransform):
    """Multipart objects to outcomes, by the three steps: outputs `totals` and `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, objects: beam.PCollection[PlannedBatch]) -> dict[str, beam.PCollection[Any]]:
        options = self.options
        expanded = objects | ExpandIntoPartFiles(options)
        temps = expanded[PARTS] | "CopyToTempFiles" >> CopyToTempFiles(options)
        files = temps[FILES] | "CopyToPartFiles" >> CopyToPartFiles(options)
        whole = files[FILES] | "AssembleFromPartFiles" >> AssembleFromPartFiles(options)
        giants = expanded[SPREAD] | "CopySpreadToTempFiles" >> CopyToTempFiles(options, spread=True)
        spread = giants[FILES] | "CopySpreadToPartFiles" >> CopyToPartFiles(options)
        assembled = spread[KEYED] | "AssembleGiants" >> AssembleFromPartFiles(options, grouped=True)
        steps = expanded, temps, files, whole, giants, spread, assembled
        return {tag: tuple(step[tag] for step in steps) | f"All-{tag}" >> beam.Flatten() for tag in (TOTALS, LINES)}


class ExpandIntoPartFiles(beam.PTransform):
    """Objects to their parts: outputs `parts` (all of an object together), `spread`, `totals`, `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, objects: beam.PCollection[PlannedBatch]) -> Any:
        if self.options.layout == "cluster":
            alone = objects | "OneByOne" >> beam.ParDo(OneByOne()).with_output_types(PlannedBatch)
            objects = alone | "SpreadObjects" >> Spread(PlannedBatch)
        return objects | "LearnLayout" >> tagged(LearnLayouts(self.options), parts=PartFiles, spread=PartFiles)


class CopyToTempFiles(beam.PTransform):
    """Step 1: parts of sources to temp-NNNNN: outputs `files`, `totals`, `lines`."""

    def __init__(self, options: CopyOptions, spread: bool = False) -> None:
        """Args: spread: parts are spread over the workers first."""
        super().__init__()
        self.options = options
        self.spread = spread and options.layout == "cluster"

    def expand(self, parts: beam.PCollection[PartFiles]) -> Any:
        if self.spread:
            parts = parts | "SpreadParts" >> Spread(PartFiles)
        return parts | "Step1" >> tagged(CopyToTemp(self.options), files=PartFiles)


class CopyToPartFiles(beam.PTransform):
    """Step 2: temp-NNNNN to part-NNNNN: outputs `files`, and `keyed` by file key; `totals`, `lines`."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, files: beam.PCollection[PartFiles]) -> Any:
        return files | "Step2" >> tagged(CopyToPart(self.options), files=PartFiles, keyed=tuple[str, PartFiles])


class AssembleFromPartFiles(beam.PTransform):
    """Step 3: part files of objects, all of an object together, to finished objects: outputs `totals` and `lines`."""

    def __init__(self, options: CopyOptions, grouped: bool = False) -> None:
        """Args: grouped: parts come one by one, keyed, and are grouped by file key first."""
        super().__init__()
        self.options, self.grouped = options, grouped

    def expand(self, files: Any) -> Any:
        if self.grouped:
            groups = files | "GroupByFileKey" >> beam.GroupByKey()
            files = groups | "Gather" >> beam.MapTuple(gathered).with_output_types(PartFiles)
        return files | "Step3" >> tagged(AssembleFiles(self.options))


class LearnLayouts(LoopDoFn):
    """Learns how objects are cut into parts, and which part files are there already."""

    capacity = 32

    def process(self, element: PlannedBatch, timestamp: Any = Timestamp, window: Any = Window) -> Iterator[Any]:
        where: Where = (timestamp, (window,))
        for planned in element.objects:
            yield from self.take(self.room)
            self.hand(self._expand(planned), 1, where)
        yield from self.take(self.room)
        if self.options.layout == "local":
            yield TaggedOutput(PARTS, PartFiles())

    async def _expand(self, planned: Planned) -> Expanded | Outcome:
        desk = desks_of(self.options).moving
        return await told(desk, planned, expand(desk, planned))

    def results(self, value: Expanded | Outcome) -> Iterator[Any]:
        if isinstance(value, Outcome):
            self.ledger.enter(value)
            return
        staged, files = value
        reused = tuple(file.number for file in files)
        missing = tuple(sorted({number for number, _, _ in staged.layout.parts()} - set(reused)))
        if not spreads(staged.layout, self.options):
            yield TaggedOutput(PARTS, PartFiles(staged, missing, files, reused))
            return
        for file in files:
            yield TaggedOutput(SPREAD, PartFiles(staged, (), (file,), (file.number,)))
        for number in missing:
            yield TaggedOutput(SPREAD, PartFiles(staged, (number,)))


class StepOfParts(LoopDoFn):
    """One step with parts; an error goes along, to whoever assembles the object."""

    capacity = 2048

    def process(self, element: PartFiles, timestamp: Any = Timestamp, window: Any = Window) -> Iterator[Any]:
        if element.staged is not None:
            weight = len(element.numbers) + len(element.files)
            self.hand(self._take_step(element, element.staged), max(1, weight), (timestamp, (window,)))
        yield from self.take(self.room)
        if element.staged is None:
            yield TaggedOutput(FILES, element)

    async def _take_step(self, element: PartFiles, staged: Staged) -> PartFiles:
        files = {file.number: file for file in element.files}
        error = element.error
        try:
            if not error:
                await self.step(staged, element.numbers, files)
        except S3Error as failure:
            error = plain_error(failure)
        return PartFiles(staged, (), tuple(files.values()), element.reused, error)

    async def step(self, staged: Staged, numbers: tuple[int, ...], files: dict[int, PartFile]) -> None:
        """Adds to the files, or replaces them; raises S3Error."""
        raise NotImplementedError

    def results(self, value: PartFiles) -> Iterator[Any]:
        yield TaggedOutput(FILES, value)


class CopyToTemp(StepOfParts):
    """Step 1."""

    async def step(self, staged: Staged, numbers: tuple[int, ...], files: dict[int, PartFile]) -> None:
        await copy_to_temp(desks_of(self.options).moving, staged, numbers, files)


class CopyToPart(StepOfParts):
    """Step 2."""

    async def step(self, staged: Staged, numbers: tuple[int, ...], files: dict[int, PartFile]) -> None:
        await copy_to_parts(desks_of(self.options).moving, staged, files)

    def results(self, value: PartFiles) -> Iterator[Any]:
        if value.staged is not None and spreads(value.staged.layout, self.options):
            yield TaggedOutput(KEYED, (value.staged.planned.destination, value))
        else:
            yield TaggedOutput(FILES, value)


def gathered(key: str, group: Iterable[PartFiles]) -> PartFiles:
    """All parts of one object; of the version that most of them are of, where the source changed meanwhile."""
    versions: dict[Staged, list[PartFiles]] = {}
    for element in group:
        if element.staged is not None:
            versions.setdefault(element.staged, []).append(element)
    staged, elements = max(versions.items(), key=lambda item: len(item[1]))
    files = {file.number: file for element in elements for file in element.files}
    reused = {number for element in elements for number in element.reused}
    error = next((element.error for element in elements if element.error), None)
    return PartFiles(staged, (), tuple(files.values()), tuple(reused), error)


class AssembleFiles(LoopDoFn):
    """Step 3."""

    def process(self, element: PartFiles, timestamp: Any = Timestamp, window: Any = Window) -> Iterator[Any]:
        if element.staged is not None:
            self.hand(self._assemble(element, element.staged), 1, (timestamp, (window,)))
        yield from self.take(self.room)

    async def _assemble(self, element: PartFiles, staged: Staged) -> Outcome:
        desk = desks_of(self.options).moving
        error = error_of(element.error) if element.error else None
        return await told(desk, staged.planned,
                          assemble_from_files(desk, staged, element.files, element.reused, error))

    def results(self, value: Outcome) -> Iterator[Any]:
        self.ledger.enter(value)
        return iter(())
