"""Copying one object in parts, from the first request to the finished object.

The pieces are the pipeline's: `open_upload` (ExpandIntoParts), `parts.copy_part` (CopyParts), `assemble` (Assemble).
`copy_opened` does it all for one object whose parts are at hand; what has to be begun anew goes that way, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

from s3copy_beam.model import Outcome, Planned, Result, outcome_of
from s3copy_beam.moving.assemble import Occupied, finish, holds, landed
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
        except S3Error as failure:
            error = failure
            try:
                planned = await _begin_anew(desk, opened.upload, parts, error)
            except S3Error as another:  # what to make of the failure could not be found out
                planned, error = None, another
            if planned is None:
                await end(desk, opened.upload)
                return await outcome_of_error(desk, opened.upload.planned, error)
            again = await open_upload(desk, planned)
            if isinstance(again, Outcome) or again.kept:
                return again
            opened = again
        else:
            desk.store.took_checksums |= bool(opened.upload.algorithm)
            return opened._replace(copied=(parts[1],))
    await end(desk, opened.upload)
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
            planned = await _attempt(desk, upload, parts, reused, error)
        except (Stopped, CredentialsLost):
            _leave(desk, parts)
            raise
        if isinstance(planned, Outcome):
            return planned
        opened = await open_upload(desk, planned)
        if isinstance(opened, Outcome):
            return opened
        kept = {part.number: part for part in opened.kept}
        if upload.files and opened.upload.planned == upload.planned:  # part files outlast the upload
            opened, reused = opened._replace(upload=opened.upload._replace(files=upload.files)), reused | kept.keys()
        else:
            reused = set(kept)
        upload, parts, error = opened.upload, kept, None
    await end(desk, upload)
    return outcome_of(upload.planned, Result.FAILED, _ENDLESS)


async def _attempt(
    desk: Desk, upload: Upload, parts: dict[int, Part], reused: set[int], error: S3Error | None
) -> Outcome | Planned:
    """Copies what is missing and finishes; what to begin anew with, where the upload is of no use any more."""
    try:
        if error is not None:
            raise error
        await copy_parts(desk, upload, set(range(1, upload.layout.number_of_parts + 1)) - parts.keys(), parts)
        await finish(desk, upload, parts, reused)
        await _clean(desk, upload)
        return outcome_of(upload.planned, Result.COPIED, "", len(parts), len(reused))
    except SourceChanged as change:
        await end(desk, upload)
        return renewed(desk, upload.planned, change)
    except Occupied:
        await end(desk, upload)
        return outcome_of(upload.planned, Result.UP_TO_DATE)
    except S3Error as failure:
        error = failure
    try:
        if error.code == "NoSuchUpload" and await landed(desk, upload):
            await _clean(desk, upload)
            return outcome_of(upload.planned, Result.COPIED, "", upload.layout.number_of_parts, len(reused))
        planned = await _begin_anew(desk, upload, parts, error)
        if planned is not None:
            return planned
    except S3Error as another:  # what to make of the failure could not be found out
        error = another
    if parts and error.code not in MISSING_CODES | {"WrongParts", "WrongSize", "WrongChecksum"}:
        _leave(desk, parts)
    else:
        await end(desk, upload)
    return await outcome_of_error(desk, upload.planned, error)


async def _begin_anew(desk: Desk, upload: Upload, parts: Mapping[int, Part], error: S3Error) -> Planned | None:
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
        if await holds(desk, upload, parts.values()):  # nothing is wrong but that it holds the mark, too
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
            return await failed(desk, planned, another)
    return await failed(desk, planned, error)


async def _clean(desk: Desk, upload: Upload) -> None:
    """Removes what an object that is there needs no more: uploads with the same mark, left by runs that were killed (a
    run that is at work on one of them finds the object), and part files, if that is asked. What stays is said, and no
    failure."""
    with contextlib.suppress(Stopped, CredentialsLost):
        for upload_id in upload.twins:
            await end(desk, upload._replace(upload_id=upload_id))
    if not desk.options.clean_parts:
        return
    try:
        await together(desk.work.delete, folder_of(desk, upload.planned, upload.layout).keys())
    except (S3Error, Stopped, CredentialsLost) as error:
        desk.warn("part files of finished objects could not be removed", error)


def _leave(desk: Desk, parts: dict[int, Part]) -> None:
    """Counts an upload that stays, to be resumed by the same command."""
    desk.tally.uploads_left += 1
    desk.tally.uploads_left_bytes += sum(part.size for part in parts.values())
