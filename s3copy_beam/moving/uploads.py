"""Beginning a multipart copy: the source as it is, and an unfinished upload of ours to go on with, or a new one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from s3copy_beam.layout import Layout, is_md5, parts_of_etag
from s3copy_beam.model import Planned
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.headers import Headers, create_headers
from s3copy_beam.moving.inplace import kept_headers
from s3copy_beam.moving.learn import KMS, learn_layout
from s3copy_beam.moving.mark import can_be_marked, mark_among, mark_of
from s3copy_beam.moving.partfiles import PartFile
from s3copy_beam.moving.source import DENIED_CODES
from s3copy_beam.options import MARK_PART
from s3copy_beam.s3.answers import Head, Part
from s3copy_beam.s3.answers import Upload as Found
from s3copy_beam.s3.checksums import ALGORITHMS, checksum_of
from s3copy_beam.s3.errors import S3Error

OLD_UPLOAD = 24 * 3600
"""Seconds after which an unfinished upload of ours for another version or other options is ended: a younger one may
belong to a run that goes on at the same time."""

_UNABLE = DENIED_CODES | {"NotImplemented", "MethodNotAllowed", "XNotImplemented"}


class Upload(NamedTuple):
    """A multipart upload in progress at the destination: all that copying a part or finishing it needs."""

    planned: Planned
    upload_id: str
    layout: Layout
    algorithm: str = ""
    """Checksum algorithm that Create named."""
    exact: bool = False
    """The parts are the source's, and its ETag is made of their MD5s: the copy must come out with the same ETag."""
    guess: bool = False
    """The parts are only likely to be the source's."""
    marked: bool = False
    opaque: bool = False
    """ETags of its parts are no MD5s."""
    files: tuple[PartFile, ...] = ()
    """With ``--staged``: the part files that its parts are copied from; those that lack are made."""
    twins: tuple[str, ...] = ()
    """Further unfinished uploads with the same mark, of runs that were killed: ended when the object is there."""


class Opened(NamedTuple):
    """An upload, and the parts that it holds already."""

    upload: Upload
    kept: tuple[Part, ...] = ()
    """Copied by an earlier run."""
    copied: tuple[Part, ...] = ()
    """Copied by this run."""


async def open_version(desk: Desk, planned: Planned) -> Opened:
    """Finds or begins the upload for the planned version of one object.

    Raises:
        SourceChanged: the source has another version now.
        S3Error: anything else.
    """
    learned, found = await asyncio.gather(learn_layout(desk, planned), _uploads_of(desk, planned.destination))
    head, layout, exact, guess = learned
    tags = await _tags(desk, planned, head)
    algorithm, kind = _algorithm(head)
    kept = await kept_headers(desk, planned, head) if planned.in_place else {}
    plain = create_headers(desk.options, planned, head, tags, "", "") | kept
    named = create_headers(desk.options, planned, head, tags, algorithm, kind) | kept
    upload = Upload(planned, "", layout, "", exact, guess)
    adopted, same = await _adopt(desk, upload, {"": plain, algorithm: named}, found)
    if adopted is not None:
        return adopted
    upload = upload._replace(twins=same)
    if desk.store.takes_checksums:
        try:
            return Opened(await _create(desk, upload._replace(algorithm=algorithm), named, plain, head))
        except S3Error as error:
            if error.code not in ("InvalidArgument", "InvalidRequest", "NotImplemented"):
                raise
            desk.store.takes_checksums = False
    return Opened(await _create(desk, upload, plain, plain, head))


async def _create(desk: Desk, upload: Upload, headers: Headers, plain: Headers, head: Head) -> Upload:
    """Begins an upload and marks it at once; ends it again where that fails."""
    planned, key = upload.planned, upload.planned.destination
    created = await desk.destination.create_upload(key, headers)
    # under KMS a part's ETag is no MD5, and so is the whole's: nothing can be computed from them
    opaque = created.encryption in KMS
    upload = upload._replace(upload_id=created.upload_id, exact=upload.exact and not opaque, opaque=opaque)
    if not can_be_marked(upload.layout) or not desk.store.takes_marks or head.rgw:
        return upload
    mark = mark_of(desk.options.source, planned, upload.layout, plain)
    # a bucket with Object Lock takes no data without a checksum
    name = f"x-amz-checksum-{upload.algorithm.lower()}" if upload.algorithm else "content-md5"
    try:
        await desk.destination.upload_part(key, upload.upload_id, MARK_PART, mark,
                                           {name: checksum_of(upload.algorithm or "MD5", mark)})
    except BaseException:
        await end(desk, upload)
        raise
    return upload._replace(marked=True)


async def end(desk: Desk, upload: Upload) -> None:
    """Ends an upload of ours. A failure to do so is said, not raised: it must not hide what led here."""
    try:
        await desk.destination.abort(upload.planned.destination, upload.upload_id)
    except S3Error as error:
        desk.warn("an upload could not be ended", error)


async def _tags(desk: Desk, planned: Planned, head: Head) -> Mapping[str, str]:
    """The source's tags. HEAD tells their number only to those who may read them: where it says nothing, ask."""
    if not desk.options.tags or head.tag_count == 0:
        return {}
    try:
        return await desk.source.tags(planned.source)
    except S3Error as error:
        if error.code in ("NoSuchTagSet", "NoSuchTagSetError") or error.status == 501 or error.code == "NotImplemented":
            return {}
        if error.code in DENIED_CODES:
            raise S3Error(error.code, f"the tags cannot be read ({error.message}); --no-tags copies without them",
                          error.status, error.operation, error.request_id) from error
        raise


def _algorithm(head: Head) -> tuple[str, str]:
    """(algorithm, type) of the upload's checksums: the source's, else what S3 itself takes by default."""
    for name in head.checksums:
        if name in ALGORITHMS:
            full = head.checksum_type == "FULL_OBJECT" and name in ("CRC32", "CRC32C", "CRC64NVME")
            return name, "FULL_OBJECT" if full or name == "CRC64NVME" else "COMPOSITE"
    return "CRC64NVME", "FULL_OBJECT"


async def _uploads_of(desk: Desk, key: str) -> list[Found]:
    """Unfinished uploads of exactly this key; none where they may not be listed."""
    if not desk.store.lists_uploads:
        return []
    try:
        return [upload async for upload in desk.destination.uploads(key) if upload.key == key]
    except S3Error as error:
        if error.code not in _UNABLE:
            raise
        desk.cannot_resume(error)
        return []


async def _adopt(
    desk: Desk, upload: Upload, headers: Mapping[str, Headers], found: list[Found]
) -> tuple[Opened | None, tuple[str, ...]]:
    """Goes on with an unfinished upload of ours: the one that holds most, of those that bear this mark, byte for byte.

    Ours for another version or other settings are ended once they are old. Those without a mark are never touched.

    Returns:
        The upload, where one can be resumed; else the ids of all that bear this mark.
    """
    if not found or not can_be_marked(upload.layout):
        return None, ()
    key = upload.planned.destination
    mark = mark_of(desk.options.source, upload.planned, upload.layout, headers[""])
    mine = hashlib.md5(mark, usedforsecurity=False).hexdigest()
    best: Opened | None = None
    same: list[str] = []
    for one in found:
        try:
            parts = await desk.destination.parts(key, one.upload_id)
            found_mark = mark_among(parts)
            if found_mark is None:
                continue
            if found_mark.etag == mine:
                same.append(one.upload_id)
            if found_mark.etag == mine and may_be_resumed(upload):
                kept = tuple(part for part in parts if _fits(upload.layout, part))
                # the algorithm that its Create named shows in its parts' checksums
                names = {name for part in parts for name in part.checksums if name in headers}
                algorithm = next(iter(names), "")
                opened = Opened(upload._replace(upload_id=one.upload_id, algorithm=algorithm, marked=True), kept)
                if best is None or len(kept) > len(best.kept):
                    best = opened
            elif desk.options.started and one.initiated < desk.options.started - OLD_UPLOAD:
                await desk.destination.abort(key, one.upload_id)
        except S3Error as error:
            if error.code in _UNABLE:
                desk.cannot_resume(error)
                return None, ()
            if error.code != "NoSuchUpload":
                raise
    if best is None:
        return None, tuple(same)
    taken = best.upload
    return best._replace(upload=taken._replace(twins=tuple(one for one in same if one != taken.upload_id))), ()


def may_be_resumed(upload: Upload) -> bool:
    """Whether kept parts can be told good from bad: by the ETag they make together, or, for a source that was not
    uploaded in parts, by mark, size and MD5-like ETag."""
    return upload.exact or upload.guess or not parts_of_etag(upload.planned.etag)


def _fits(layout: Layout, part: Part) -> bool:
    return part.number <= layout.number_of_parts and part.size == layout.part(part.number)[1] and is_md5(part.etag)
