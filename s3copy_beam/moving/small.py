"""Objects copied whole: one CopyObject, guarded by the source's ETag, its answer checked."""

from __future__ import annotations

from s3copy_beam.compare import Seen
from s3copy_beam.layout import is_md5
from s3copy_beam.model import Outcome, Planned, Result, outcome_of
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.headers import copy_headers
from s3copy_beam.moving.inplace import rewrite_headers
from s3copy_beam.moving.learn import KMS
from s3copy_beam.moving.source import (
    ARCHIVED_CODES,
    MISSING_CODES,
    SourceChanged,
    changed,
    failed,
    look_again,
    look_at_copy,
    renewed,
)
from s3copy_beam.s3.answers import Head
from s3copy_beam.s3.errors import S3Error

TRIES = 3
"""Versions of a source that are tried, where it changes while it is copied."""
_WRONG = "WrongCopy"


async def copy_small(desk: Desk, planned: Planned) -> Outcome:
    """Copies one object with CopyObject.

    Never raises for what can go wrong with one object: that is its outcome.

    Raises:
        OtherWay: the source has another version now, which has to be copied in parts.
        Stopped, CredentialsLost: the run ends; nothing is known of this object.
    """
    odd = False  # a source that is said to be missing and is not, a copy that is wrong: one more try
    try:
        for last in (False,) * (TRIES - 1) + (True,):
            try:
                return await _copy_version(desk, planned, odd)
            except SourceChanged as change:
                if last:
                    return outcome_of(planned, Result.FAILED, "the source changes faster than it can be copied")
                planned = renewed(desk, planned, change)
            except S3Error as error:
                if error.code in MISSING_CODES and await look_again(desk, planned) is None:
                    return outcome_of(planned, Result.VANISHED, "gone since it was listed")
                if odd or last or error.code not in MISSING_CODES | {_WRONG}:
                    raise
                odd = True
        raise AssertionError("unreachable")
    except S3Error as error:
        if error.code in ARCHIVED_CODES:
            return outcome_of(planned, Result.ARCHIVED, str(error))
        return await failed(desk, planned, error)


async def _copy_version(desk: Desk, planned: Planned, again: bool) -> Outcome:
    """Copies the version that was planned.

    Args:
        again: a copy of it was wrong, or seemed so.

    Raises:
        SourceChanged: there is another version now; nothing wrong is left behind that the next try does not replace.
        S3Error: anything else.
    """
    options = desk.options
    try:
        copied = await desk.destination.copy_object(
            planned.destination,
            (options.source.bucket, planned.source),
            planned.etag,
            await rewrite_headers(desk, planned) if planned.in_place else copy_headers(options, planned),
            planned.size,
        )
    except S3Error as error:
        if error.code != "PreconditionFailed":
            raise
        now = await look_again(desk, planned)
        if now is not None and now.etag == planned.etag:
            raise
        raise changed(now) from error
    if planned.in_place:
        await _look_at(desk, planned, copied.etag)
    elif copied.etag != planned.etag:
        await _explain(desk, planned, copied.etag, again)
    elif not planned.multipart and not options.sse.startswith("aws:kms"):
        desk.store.keeps_etags = True
        desk.learned(True)
    return outcome_of(planned, Result.COPIED)


async def _look_at(desk: Desk, planned: Planned, etag: str) -> None:
    """Looks at an object that was rewritten in place, where its ETag became another (KMS, or it was in parts).

    Raises:
        S3Error: it is not what it was.
    """
    if etag == planned.etag:
        return
    there = await desk.lister.head(planned.destination)
    if there.size != planned.size:
        raise S3Error("WrongSize", f"it has {there.size} bytes now, and had {planned.size}", 0, "HeadObject")


async def _explain(desk: Desk, planned: Planned, etag: str, again: bool) -> None:
    """Looks at a copy whose ETag is not the source's: right all the same, wrong, or of another version?

    A copy of a multipart object, under KMS, or on a store of its own kind has another ETag. A store that ignores the
    guard may have copied another version: then the source's ETag is no longer the one that was planned.

    Raises:
        SourceChanged: another version was copied.
        S3Error: the copy is not what it should be.
    """
    now = await look_again(desk, planned, checksums=True)
    if now is None or now.etag != planned.etag:
        raise changed(now)
    there = await look_at_copy(desk, planned.destination, checksums=True)
    if there is None:
        return  # the store's word, under its guard, is all there is
    if there.size != planned.size:
        raise S3Error("WrongSize", f"the copy has {there.size} bytes, the source {planned.size}", 0, "HeadObject")
    if etag and there.etag != etag:
        return  # somebody else wrote it meanwhile: the last full object wins
    plain = is_md5(planned.etag) and "-" not in there.etag and not {now.encryption, there.encryption} & KMS
    same, store = _same_checksums(now, there), desk.store
    # while nothing is known of the store, the copy is wrong until a second one has the same flaw
    doubtful = plain and is_md5(there.etag) and (store.keeps_etags or not again and not store.has_own_etags)
    if same is False or same is None and doubtful:
        raise S3Error(_WRONG, f"the copy is not what the source is: its ETag is {there.etag}", 0, "CopyObject")
    if plain:
        store.has_own_etags = True
        desk.learned(False)


def _same_checksums(one: Head, other: Head) -> bool | None:
    """Whether two objects have the same full-object checksums; None: they have none of one algorithm."""
    ours, theirs = (Seen(head.etag, head.encryption, head.checksums, head.checksum_type).full for head in (one, other))
    common = ours.keys() & theirs.keys()
    return all(ours[name] == theirs[name] for name in common) if common else None
