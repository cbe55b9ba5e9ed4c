"""Ending unfinished uploads of ours (``--abort-uploads``): those that bear a mark, whatever it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.mark import mark_among
from s3copy_beam.options import MARK_PART, CopyOptions
from s3copy_beam.s3.answers import Upload
from s3copy_beam.s3.errors import S3Error


class Ended(NamedTuple):
    """Uploads that were ended, and the bytes of their parts."""

    uploads: int
    size: int


def below_destination(options: CopyOptions) -> tuple[str, Callable[[str], bool]]:
    """The prefix to list uploads by, and which keys are below the destination path."""
    path = options.destination_path
    if options.s3_prefixes or not path:
        return path, lambda key: key.startswith(path)
    stem = path.removesuffix("/")
    return stem, lambda key: key == stem or key.startswith(f"{stem}/")


async def end_unfinished(desk: Desk, prefix: str, takes: Callable[[str], bool]) -> Ended:
    """Ends uploads of ours whose keys start with `prefix` and are taken; those of others are not touched.

    Raises:
        S3Error: uploads cannot be listed, or one cannot be ended.
    """
    uploads = size = 0
    async for upload in desk.destination.uploads(prefix):
        if not takes(upload.key):
            continue
        parts = await _ours(desk, upload)
        if parts is not None:
            await desk.destination.abort(upload.key, upload.upload_id)
            uploads, size = uploads + 1, size + parts
    return Ended(uploads, size)


async def _ours(desk: Desk, upload: Upload) -> int | None:
    """Bytes of an upload of ours, without its mark; None: it is not ours, or gone."""
    try:
        parts = await desk.destination.parts(upload.key, upload.upload_id)
        if mark_among(parts) is None:
            return None
        return sum(part.size for part in parts if part.number != MARK_PART)
    except S3Error as error:
        if error.code == "NoSuchUpload":
            return None
        raise
