"""Copying the parts of one upload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.headers import payer_headers
from s3copy_beam.moving.uploads import Upload
from s3copy_beam.s3.answers import Part
from s3copy_beam.s3.errors import CredentialsLost, S3Error, Stopped

WINDOW = 256
"""Parts of one object that may be asked for at the same time; the client's pacing decides how many really are."""


async def copy_part(desk: Desk, upload: Upload, number: int) -> Part:
    """Copies one part of the version that was planned.

    Raises:
        S3Error: PreconditionFailed where the source has another version, NoSuchUpload where the upload is gone.
    """
    planned = upload.planned
    first, size = upload.layout.part(number)
    whole = upload.layout.number_of_parts == 1  # S3 takes no range for sources of 5 MiB and less
    copied = await desk.destination.copy_part(
        planned.destination, upload.upload_id, number, (desk.options.source.bucket, planned.source),
        None if whole else (first, first + size - 1), planned.etag, payer_headers(desk.options),
    )
    desk.tally.parts_copied += 1
    desk.observer.part(size)
    return Part(number, size, copied.etag, copied.checksums)


async def copy_parts(desk: Desk, upload: Upload, numbers: Iterable[int], into: dict[int, Part]) -> None:
    """Copies these parts, many at the same time; after an error no more are begun.

    Raises:
        S3Error, Stopped, CredentialsLost: the first that happened, when those in flight have ended.
    """
    todo = sorted(set(numbers))
    waiting, errors = iter(todo), list[Exception]()

    async def work() -> None:
        for number in waiting:
            if errors:
                return
            try:
                into[number] = await copy_part(desk, upload, number)
            except (S3Error, Stopped, CredentialsLost) as error:
                errors.append(error)

    await asyncio.gather(*(work() for _ in range(min(WINDOW, len(todo)))))
    if errors:
        raise next((error for error in errors if not isinstance(error, S3Error)), errors[0])
