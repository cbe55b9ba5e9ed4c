"""Copying the parts of one upload."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.headers import payer_headers
from s3copy_beam.moving.partfiles import copy_from, folder_of
from s3copy_beam.moving.uploads import Upload
from s3copy_beam.s3.answers import Part
from s3copy_beam.s3.errors import CredentialsLost, S3Error, Stopped

T = TypeVar("T")

WINDOW = 256
"""Parts of one object that may be asked for at the same time; the client's pacing decides how many really are."""


async def copy_part(desk: Desk, upload: Upload, number: int, again: bool = False) -> Part:
    """Copies one part of the version that was planned; with ``--staged``, from its part file.

    Args:
        again: the part is suspected to be wrong, and so is its part file.

    Raises:
        S3Error: PreconditionFailed where the source has another version, NoSuchUpload where the upload is gone.
    """
    planned = upload.planned
    if desk.options.staged:
        file = next((file for file in upload.files if file.number == number and not again), None)
        return await copy_from(
            desk, folder_of(desk, planned, upload.layout), number, file, (planned.destination, upload.upload_id),
            payer_headers(desk.options), not upload.opaque)
    first, size = upload.layout.part(number)
    whole = upload.layout.number_of_parts == 1  # S3 takes no range for sources of 5 MiB and less
    copied = await desk.destination.copy_part(
        planned.destination, upload.upload_id, number, (desk.options.source.bucket, planned.source),
        None if whole else (first, first + size - 1), planned.etag, payer_headers(desk.options),
    )
    desk.observer.part(size)
    return Part(number, size, copied.etag, copied.checksums)


async def copy_parts(
    desk: Desk, upload: Upload, numbers: Iterable[int], into: dict[int, Part], again: bool = False
) -> None:
    """Copies these parts as `together` does.

    Args:
        into: the copied ones are added here.
        again: as copy_part's.
    """
    async def copy(number: int) -> None:
        part = await copy_part(desk, upload, number, again)
        desk.tally.parts_copied += number not in into and not desk.options.staged  # each part counts once
        into[number] = part

    await together(copy, sorted(set(numbers)))


async def together(work: Callable[[T], Awaitable[None]], things: Sequence[T]) -> None:
    """Does some work for each of the parts of one object, many at the same time; after an error no more is begun.

    Raises:
        S3Error, Stopped, CredentialsLost: the first that happened, when those in flight have ended.
    """
    waiting, errors = iter(things), list[Exception]()

    async def go_on() -> None:
        for thing in waiting:
            if errors:
                return
            try:
                await work(thing)
            except (S3Error, Stopped, CredentialsLost) as error:
                errors.append(error)

    await asyncio.gather(*(go_on() for _ in range(min(WINDOW, len(things)))))
    if errors:
        raise next((error for error in errors if not isinstance(error, S3Error)), errors[0])
