"""Copying one object in parts, from the first request to the finished object.

The pieces are the pipeline's: `open_upload` (ExpandIntoParts), `parts.copy_part` (CopyParts), `assemble` (Assemble).
`copy_opened` does it all for one object whose parts are at hand; what has to be begun anew goes that way, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from s3copy_beam.model import Outcome, Planned, Result, outcome_of
from s3copy_beam.moving.assemble import finish, landed
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.partfiles import folder_of
from s3copy_beam.moving.parts import copy_parts, together
from s3copy_beam.moving.source import ARCHIVED_CODES, MISSING_CODES, SourceChanged, failed, look_again, renewed
from s3copy_beam.moving.uploads import Opened, Upload, end, open_version
from s3copy_beam.s3.answers import Part
from s3copy_beam.s3.errors import CredentialsLost, S3Error, Stopped

TRIES = 5
"""Times that one object is begun: anew for a changed source, a vanished upload, what a store turned out to lack."""

_ENDLESS = "begun anew too often: the source or its upload changes all the time"


async def open_upload(desk: Desk, planned: Planned) -> Opened | Outcome:
    """Finds or begins the upload of one object; an outcome where that already ends it.

    Raises:
        OtherWay: the source has another version now, which has to be copied whole.
        Stopped, CredentialsLost: the run ends.
    """
    for _ in range(TRIES):
        try:
            return await open_version(desk, planned)
        except SourceChanged as change:
            planned = renewed(desk, planned, change)
        except S3Error as error:
            return await outcome_of_error(desk, planned, error)
    return outcome_of(planned, Result.FAILED, _ENDLESS)


async def copy_first(desk: Desk, opened: Opened) -> Opened | Outcome:
    """Copies the first part of an upload, beginning anew if the store refuses what Create named.

    Raises:
        OtherWay: the source has another version now, which has to be copied whole.
        Stopped, CredentialsLost: the run ends; the upload stays, to be resumed.
    """
    for _ in range(TRIES):
        parts: dict[int, Part] = {}
        try:
            await copy_parts(desk, opened.upload, [1], parts)
        except (Stopped, CredentialsLost):
            _leave(desk, parts)
            raise
        except S3Error as error:
            planned = await _begin_anew(desk, opened.upload, error)
            if planned is None:
                await end(desk, opened.upload)
                return await outcome_of_error(desk, opened.upload.planned, error)
            again = await open_upload(desk, planned)
            if isinstance(again, Outcome) or again.kept:
                return again
            opened = again
        else:
            return opened._replace(copied=(parts[1],))
    return outcome_of(opened.upload.planned, Result.FAILED, _ENDLESS)


async def copy_opened(desk: Desk, opened: Opened, reused: Iterable[int] = ()) -> Outcome:
    """Copies the missing parts of an upload and finishes it.

    Args:
        reused: numbers of further parts that an earlier run had copied: into part files.

    Raises:
        OtherWay: the source has another version now, which has to be copied whole.
        Stopped, CredentialsLost: the run ends; the upload stays, to be resumed.
    """
    parts = {part.number: part for part in (*opened.kept, *opened.copied)}
    return await _carry_through(desk, opened.upload, parts, {part.number for part in opened.kept} | set(reused), None)


async def assemble(
    desk: Desk, upload: Upload, parts: Iterable[Part], reused: Iterable[int], error: S3Error | None
) -> Outcome:
    """Finishes an object whose parts were copied elsewhere.

    Args:
        reused: numbers of the parts that an earlier run had copied.
        error: of a part that could not be copied.

    Raises:
        OtherWay: the source has another version now, which has to be copied whole.
        Stopped, CredentialsLost: the run ends; the upload stays, to be resumed.
    """
    return await _carry_through(desk, upload, {part.number: part for part in parts}, set(reused), error)


async def _carry_through(
    desk: Desk, upload: Upload, parts: dict[int, Part], reused: set[int], error: S3Error | None
) -> Outcome:
    """From an upload with some parts to an outcome, beginning anew as often as it takes, within TRIES."""
    for _ in range(TRIES):
        try:
            if error is not None:
                raise error
            await copy_parts(desk, upload, set(range(1, upload.layout.number_of_parts + 1)) - parts.keys(), parts)
            await finish(desk, upload, parts, reused)
            await _clean(desk, upload)
            return outcome_of(upload.planned, Result.COPIED, "", len(parts), len(reused))
        except (Stopped, CredentialsLost):
            _leave(desk, parts)
            raise
        except SourceChanged as change:
            await end(desk, upload)
            planned = renewed(desk, upload.planned, change)
        except S3Error as failure:
            if failure.code == "NoSuchUpload" and await landed(desk, upload):
                await _clean(desk, upload)
                return outcome_of(upload.planned, Result.COPIED, "", upload.layout.number_of_parts, len(reused))
            anew = await _begin_anew(desk, upload, failure)
            if anew is None:
                if parts and failure.code not in MISSING_CODES | {"WrongParts", "WrongSize", "WrongChecksum"}:
                    _leave(desk, parts)
                else:
                    await end(desk, upload)
                return await outcome_of_error(desk, upload.planned, failure)
            planned = anew
        opened = await open_upload(desk, planned)
        if isinstance(opened, Outcome):
            return opened
        if opened.upload.planned == upload.planned:
            opened = opened._replace(upload=opened.upload._replace(files=upload.files))
        upload, parts, error = opened.upload, {part.number: part for part in opened.kept}, None
        reused = set(parts)
    await end(desk, upload)
    return outcome_of(upload.planned, Result.FAILED, _ENDLESS)


async def _begin_anew(desk: Desk, upload: Upload, error: S3Error) -> Planned | None:
    """Whether an error asks for a new upload: then the old one is ended. None: the error stands."""
    code, planned = error.code, upload.planned
    if code == "PreconditionFailed":  # the guard of a part: which version is there now?
        now = await look_again(desk, planned)
        if now is None or now.etag == planned.etag:
            return None
        await end(desk, upload)
        return renewed(desk, planned, SourceChanged(now))
    elif code in ("InvalidArgument", "InvalidRequest") and upload.algorithm and desk.store.takes_checksums:
        desk.store.takes_checksums = False
    elif code in ("InvalidArgument", "InvalidRequest") and upload.algorithm:
        pass  # begun before another object had shown what the store refuses
    elif code == "InvalidPart" and upload.marked:
        desk.store.takes_marks = False
    elif code not in ("NoSuchUpload", "InvalidPart", "BadDigest"):
        return None
    await end(desk, upload)
    return planned


async def outcome_of_error(desk: Desk, planned: Planned, error: S3Error) -> Outcome:
    """What an error means for an object that ends with it."""
    if error.code in ARCHIVED_CODES:
        return outcome_of(planned, Result.ARCHIVED, str(error))
    if error.code in MISSING_CODES:
        try:
            if await look_again(desk, planned) is None:
                return outcome_of(planned, Result.VANISHED, "gone since it was listed")
        except S3Error as another:
            return failed(desk, planned, another)
    return failed(desk, planned, error)


async def _clean(desk: Desk, upload: Upload) -> None:
    """Removes the part files of an object that is there, if that is asked; what stays is said, and no failure."""
    if not desk.options.clean_parts:
        return
    try:
        await together(desk.work.delete, folder_of(desk, upload.planned, upload.layout).keys())
    except (S3Error, Stopped, CredentialsLost) as error:
        desk.warn(f"part files of finished objects could not be removed: {error}")


def _leave(desk: Desk, parts: dict[int, Part]) -> None:
    """Counts an upload that stays, to be resumed by the same command."""
    desk.tally.uploads_left += 1
    desk.tally.uploads_left_bytes += sum(part.size for part in parts.values())
