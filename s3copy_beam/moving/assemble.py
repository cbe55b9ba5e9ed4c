"""Finishing a multipart copy: nothing wrong becomes visible.

The ETag that the parts make is computed before Complete and must be the source's, where it can be. Where part ETags
are no MD5s, the sizes of the parts are asked, and the finished object is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

from s3copy_beam.layout import expected_etag, parts_of_etag
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.headers import Headers
from s3copy_beam.moving.learn import exact_layout
from s3copy_beam.moving.parts import copy_parts
from s3copy_beam.moving.source import DENIED_CODES, MISSING_CODES, changed, look_again, look_at_copy
from s3copy_beam.moving.uploads import Upload
from s3copy_beam.s3.answers import Head, Part
from s3copy_beam.s3.errors import S3Error

UNSEEN = "*"
"""In place of the ETag of a destination object that may not be looked at."""
CONDITION_CODES = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


class Occupied(Exception):
    """Somebody else wrote the destination meanwhile, and ``--no-overwrite`` leaves what is there."""


async def finish(desk: Desk, upload: Upload, parts: dict[int, Part], reused: set[int]) -> None:
    """Checks the parts, completes the upload, checks the object.

    Args:
        parts: all of them, by number; mended in place where one proves wrong.
        reused: numbers of those that an earlier run copied; emptied where they had to be copied again.

    Raises:
        SourceChanged: the source has another version now.
        Occupied: another object is there now, and must not be overwritten.
        S3Error: `WrongParts` where the parts make another ETag than the source's whatever is done; others as they came.
    """
    upload = await _mend(desk, upload, parts, reused)
    ordered = [parts[number] for number in sorted(parts)]
    computed = expected_etag(part.etag for part in ordered)
    if not computed:
        await _check_sizes(desk, upload, ordered)
    proof = await _full_checksum(desk, upload) if upload.opaque and upload.algorithm else {}
    answered = await _complete(desk, upload, ordered, computed, proof)
    if answered is None or answered and answered == computed:
        return
    there = await look_at_copy(desk, upload.planned.destination, checksums=True)
    if there is None:
        return  # Complete was told the size, and the parts' sizes were asked, where their ETags prove nothing
    if there.size != upload.planned.size:
        raise S3Error("WrongSize", f"the copy has {there.size} bytes, the source {upload.planned.size}", 0,
                      "CompleteMultipartUpload")
    if not upload.planned.in_place:  # there the source is gone: this is it
        await _compare_checksums(desk, upload, there)


async def _full_checksum(desk: Desk, upload: Upload) -> Headers:
    """The source's checksum as Complete takes it: where ETags prove nothing, the store itself then refuses a wrong
    object before it is visible."""
    source = await desk.source.head(upload.planned.source, checksums=True)
    if source.etag != upload.planned.etag:
        raise changed(source)
    value = source.checksums.get(upload.algorithm)
    if not value or source.checksum_type != "FULL_OBJECT":
        return {}
    return {f"x-amz-checksum-{upload.algorithm.lower()}": value, "x-amz-checksum-type": "FULL_OBJECT"}


async def landed(desk: Desk, upload: Upload, computed: str = "") -> bool:
    """Whether the destination already is what this upload would have made: by a Complete whose answer was lost, or by
    another run of the same copy."""
    planned = upload.planned
    if planned.in_place:
        return False  # what is there has the same bytes, rewritten or not
    try:
        there = await desk.lister.head(planned.destination)
    except S3Error as error:
        if error.code in MISSING_CODES or error.status in (403, 404):
            return False
        raise
    if there.size != planned.size:
        return False
    if there.etag in (planned.etag, computed):
        return True
    if upload.exact or computed or there.etag == planned.replaces:
        return False
    return parts_of_etag(there.etag) == upload.layout.number_of_parts


async def _mend(desk: Desk, upload: Upload, parts: dict[int, Part], reused: set[int]) -> Upload:
    """Makes sure that the parts make the source's ETag: copies again what may be wrong, cheapest suspicion first."""
    planned = upload.planned

    def right() -> bool:
        computed = expected_etag(parts[number].etag for number in sorted(parts))
        return not computed or computed == planned.etag

    if not (upload.exact or upload.guess) or right():
        return upload
    now = await look_again(desk, planned)
    if now is None or now.etag != planned.etag:
        raise changed(now)
    if reused:  # of an earlier run: known by mark and size only
        again = set(reused)
        reused.clear()
        for number in again:
            del parts[number]
        await copy_parts(desk, upload, again, parts, again=True)
        if right():
            return upload
    if upload.guess:
        return upload
    if upload.layout.part_size:  # parts of 8, 5 and 8 MiB look uniform by the first
        layout = await exact_layout(desk, planned)
        if layout is not None and layout != upload.layout:
            before = {number: (first, size) for number, first, size in upload.layout.parts()}
            upload = upload._replace(layout=layout)
            differ = [n for n, first, size in layout.parts() if before.get(n) != (first, size)]
            await copy_parts(desk, upload, differ, parts, again=True)
            if right():
                return upload
    await copy_parts(desk, upload, list(parts), parts, again=True)
    if not right():
        raise S3Error("WrongParts", "the parts do not make the source's ETag; not completed", 0, "UploadPartCopy")
    return upload


async def _check_sizes(desk: Desk, upload: Upload, parts: list[Part]) -> None:
    """Asks the store for the parts it holds, where their ETags prove nothing."""
    if number := await _differs(desk, upload, parts):
        raise S3Error("WrongParts", f"part {number} is not what was copied; not completed", 0, "ListParts")


async def holds(desk: Desk, upload: Upload, parts: Iterable[Part]) -> bool:
    """Whether the store holds just these parts; False where the upload is gone."""
    try:
        return not await _differs(desk, upload, parts)
    except S3Error as error:
        if error.code == "NoSuchUpload":
            return False
        raise


async def _differs(desk: Desk, upload: Upload, parts: Iterable[Part]) -> int:
    """The number of a part that the store holds otherwise; 0: there is none."""
    try:
        held = await desk.destination.parts(upload.planned.destination, upload.upload_id)
    except S3Error as error:
        if error.code not in DENIED_CODES:
            raise
        return 0  # the size of the whole tells, afterwards
    facts = {part.number: (part.size, part.etag) for part in held}
    return next((part.number for part in parts if facts.get(part.number) != (part.size, part.etag)), 0)


async def _complete(desk: Desk, upload: Upload, parts: list[Part], computed: str, proof: Headers) -> str | None:
    """Completes; gives the ETag that was answered ("" for none), or None where the object was there already."""
    planned = upload.planned
    replaces = planned.replaces
    for _ in range(3):
        headers: Headers = {"x-amz-mp-object-size": str(planned.size), **proof}
        if desk.store.takes_conditions and replaces != UNSEEN:
            headers |= {"if-match": f'"{replaces}"'} if replaces else {"if-none-match": "*"}
        try:
            return await desk.destination.complete(planned.destination, upload.upload_id, parts, headers)
        except S3Error as error:
            if error.code in CONDITION_CODES or error.code in MISSING_CODES:
                if await landed(desk, upload, computed):
                    await desk.destination.abort(planned.destination, upload.upload_id)
                    return None
                if desk.options.no_overwrite and not planned.in_place and error.code in CONDITION_CODES:
                    raise Occupied from error
                # another object was written meanwhile: ours goes over it only if it still is what the source is
                now = await look_again(desk, planned)
                if now is None or now.etag != planned.etag:
                    raise changed(now) from error
                replaces = await _etag_there(desk, planned.destination)
                last = error
            elif error.code == "NotImplemented" and desk.store.takes_conditions:
                desk.store.takes_conditions = False
                last = error
            else:
                raise
    raise last


async def _etag_there(desk: Desk, key: str) -> str:
    try:
        return (await desk.lister.head(key)).etag
    except S3Error as error:
        if error.status == 404:
            return ""
        if error.status == 403:
            return UNSEEN
        raise


async def _compare_checksums(desk: Desk, upload: Upload, there: Head) -> None:
    """Compares full-object checksums of source and copy, where both are known: the proof where ETags are none."""
    if there.checksum_type != "FULL_OBJECT":
        return
    source = await desk.source.head(upload.planned.source, checksums=True)
    if source.etag != upload.planned.etag:
        raise changed(source)
    if source.checksum_type == "FULL_OBJECT":
        for name in source.checksums.keys() & there.checksums.keys():
            if source.checksums[name] != there.checksums[name]:
                raise S3Error("WrongChecksum", f"the copy's {name} is not the source's", 0, "CompleteMultipartUpload")
