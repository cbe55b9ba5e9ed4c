"""``--staged``: objects in parts by the three steps of 2013, with part files that outlast a run.

1. each part of the source to temp-NNNNN, a multipart object of one part; its MD5, as the store reports it, is kept;
2. each temp-NNNNN to the simple object part-NNNNN, whose MD5 must be that of step 1;
3. all part-NNNNN into the final object, their MD5s compared once more, the ETag computed before it is completed.

Step 3 is the direct strategy's own code, with part files as the source of its parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from s3copy_beam.layout import Layout
from s3copy_beam.model import Outcome, Planned, Result, outcome_of
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.learn import learn_layout
from s3copy_beam.moving.multipart import TRIES, copy_opened, open_upload, outcome_of_error
from s3copy_beam.moving.partfiles import PartFile, end_leftovers, folder_of, found, make, make_temp
from s3copy_beam.moving.parts import WINDOW, together
from s3copy_beam.moving.source import SourceChanged, renewed
from s3copy_beam.s3.errors import S3Error


class Staged(NamedTuple):
    """One object on its way through the three steps."""

    planned: Planned
    layout: Layout


class Expanded(NamedTuple):
    """An object, and the part files that are there already."""

    staged: Staged
    files: tuple[PartFile, ...] = ()


async def expand(desk: Desk, planned: Planned) -> Expanded | Outcome:
    """Learns the layout of an object, and finds the part files that an earlier run made.

    Raises:
        OtherWay: the source has another version now, which has to be copied whole.
        Stopped, CredentialsLost: the run ends.
    """
    for _ in range(TRIES):
        try:
            learned = await learn_layout(desk, planned)
            folder = folder_of(desk, planned, learned.layout)
            files = await found(desk, folder, learned.exact)
            there = {file.number for file in files}
            missing = [n for n in range(1, learned.layout.number_of_parts + 1) if n not in there]
            await end_leftovers(desk, folder, missing[:WINDOW])
            return Expanded(Staged(planned, learned.layout), files)
        except SourceChanged as change:
            planned = renewed(desk, planned, change)
        except S3Error as error:
            return await outcome_of_error(desk, planned, error)
    return outcome_of(planned, Result.FAILED, "the source changes faster than it can be copied")


async def copy_to_temp(desk: Desk, staged: Staged, numbers: Iterable[int], into: dict[int, PartFile]) -> None:
    """Step 1 of these parts.

    Raises:
        S3Error: the first that happened.
        Stopped, CredentialsLost: the run ends; what is done is found again.
    """
    folder = folder_of(desk, *staged)

    async def copy(number: int) -> None:
        into[number] = await make_temp(desk, folder, number)

    await together(copy, sorted(numbers))


async def copy_to_parts(desk: Desk, staged: Staged, files: dict[int, PartFile]) -> None:
    """Step 2 of those that have not been through it; from step 1 again where a temp file is not what it was.

    Raises:
        S3Error, Stopped, CredentialsLost: as copy_to_temp.
    """
    folder = folder_of(desk, *staged)

    async def copy(file: PartFile) -> None:
        files[file.number] = await make(desk, folder, file.number, file)

    await together(copy, [file for file in files.values() if not file.etag])


async def assemble_from_files(
    desk: Desk, staged: Staged, files: Iterable[PartFile], reused: Iterable[int], error: S3Error | None
) -> Outcome:
    """Step 3: the final object; what lacks is made on the way.

    Args:
        reused: numbers of parts that an earlier run had copied.
        error: of a part that could not be copied.

    Raises:
        OtherWay: the source has another version now, which has to be copied whole.
        Stopped, CredentialsLost: the run ends.
    """
    planned = staged.planned
    if error is not None and error.code != "PreconditionFailed":  # that one: the source changed, opening tells to what
        return await outcome_of_error(desk, planned, error)
    opened = await open_upload(desk, planned)
    if isinstance(opened, Outcome):
        return opened
    if opened.upload.planned == planned and opened.upload.layout == staged.layout:
        opened = opened._replace(upload=opened.upload._replace(files=tuple(files)))
    else:
        reused = ()
    return await copy_opened(desk, opened, reused)
