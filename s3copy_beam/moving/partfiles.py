"""Part files of ``--staged``: what they are called, how one is made, which of an earlier run may be used.

They are those of 2013. Below ``temp/<source key>/<first 7 of the source's ETag>/parts/`` in the work bucket lies, for
each part, ``temp-NNNNN`` (step 1), a multipart object of one part, and ``part-NNNNN`` (step 2), the same bytes as a
simple object. The ETag of a multipart object of one part is ``md5(md5 of the part)-1`` (S3 documentation, ETag): so
temp-NNNNN records the MD5 that step 1 saw, durably, and proves part-NNNNN, whose ETag is that MD5.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

from s3copy_beam.layout import Layout, expected_etag, is_md5, may_be_computed, parts_of_etag
from s3copy_beam.model import Planned
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.headers import Headers, payer_headers, work_headers
from s3copy_beam.moving.learn import KMS
from s3copy_beam.moving.source import DENIED_CODES, MISSING_CODES
from s3copy_beam.options import MAX_COPY
from s3copy_beam.s3.answers import Created, Part
from s3copy_beam.s3.errors import CredentialsLost, S3Error, Stopped

MAX_KEY = 1024
"""Bytes of a key in UTF-8 (S3 documentation, object key names)."""
TRIES = 3
_ALGORITHM = "CRC64NVME"
_VERSION = "s3copy-part"
"""User metadata of part files: which bytes of which version of which source this is."""
_REFUSED = frozenset({"InvalidArgument", "InvalidRequest", "NotImplemented"})
_GONE = MISSING_CODES | {"PreconditionFailed", "WrongPart", "NotFound"}
"""What says that a file of the work area is not what it was (NotFound: a 404 without a body)."""


class PartFile(NamedTuple):
    """One part of an object as files: temp-NNNNN, and part-NNNNN once step 2 is done."""

    number: int
    size: int
    """Bytes."""
    temp: str
    """ETag of temp-NNNNN."""
    proves: bool
    """`temp` is made of the part's MD5; else nothing follows from it (KMS, stores with ETags of their own kind)."""
    etag: str = ""
    """ETag of part-NNNNN; empty: not made yet."""


class Folder(NamedTuple):
    """The part files of one version of one source object, and what they are parts of."""

    planned: Planned
    layout: Layout
    prefix: str

    def temp(self, number: int) -> str:
        """Key of step 1's file."""
        return f"{self.prefix}temp-{number:05}"

    def part(self, number: int) -> str:
        """Key of step 2's file."""
        return f"{self.prefix}part-{number:05}"

    def keys(self) -> list[str]:
        """Keys of all its files."""
        return [name(number) for number, _, _ in self.layout.parts() for name in (self.temp, self.part)]

    def version(self, number: int) -> str:
        """What tells these bytes of this version from all others."""
        planned, (first, size) = self.planned, self.layout.part(number)
        value = [planned.source, planned.etag, planned.size, first, size]
        return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def folder_of(desk: Desk, planned: Planned, layout: Layout) -> Folder:
    """The folder of the planned version.

    Raises:
        S3Error: names would be too long, or a part too large for step 2: this object can't be copied so.
    """
    folder = Folder(planned, layout, f"{desk.options.work_prefix}{planned.source}/{planned.etag[:7]}/parts/")
    if (length := len(folder.part(1).encode())) > MAX_KEY:
        raise S3Error("KeyTooLongError", f"the names of its part files would have {length} bytes, S3 takes {MAX_KEY}: "
                      "copy it without --staged, or with a shorter --work-prefix")
    if (largest := max(layout.sizes or (layout.part(1)[1],))) > MAX_COPY:
        raise S3Error("EntityTooLarge", f"a part has {largest} bytes, a part file is made by CopyObject, which takes "
                      f"{MAX_COPY}: copy it without --staged")
    return folder


def fits(etag: str, temp: str) -> bool:
    """Whether an ETag is that of the part that a temp-NNNNN with this ETag holds. Some stores keep the ETag in a copy.

    >>> fits("d41d8cd98f00b204e9800998ecf8427e", "59adb24ef3cdbe0297f05b395827453f-1")
    True
    """
    return etag == temp or expected_etag([etag]) == temp


async def found(desk: Desk, folder: Folder, exact: bool) -> tuple[PartFile, ...]:
    """Part files of an earlier run that verify.

    They have the right size, and are

    - temp-NNNNN a multipart object of one part, and part-NNNNN with the MD5 that it records; or
    - without temp files: all of part-NNNNN, which together make the source's ETag.

    Where the ETag of the whole proves nothing afterwards, temp-NNNNN must also say that it is of this version.

    Args:
        exact: the parts' MD5s make the source's ETag.
    """
    files = await _listed(desk, folder)
    verified = []
    for number, _, size in folder.layout.parts():
        temp, part = files.get(folder.temp(number), (-1, "")), files.get(folder.part(number), (-1, ""))
        if temp[0] == size and may_be_computed(temp[1]) and parts_of_etag(temp[1]) == 1:
            good = part[0] == size and fits(part[1], temp[1])
            if exact or await _says_version(desk, folder, number):
                verified.append(PartFile(number, size, temp[1], True, part[1] if good else ""))
    if exact and len(verified) < folder.layout.number_of_parts:
        parts = [(size, files.get(folder.part(number), (-1, ""))) for number, _, size in folder.layout.parts()]
        if (all(size == there[0] for size, there in parts)
                and expected_etag(etag for _, (_, etag) in parts) == folder.planned.etag):
            return tuple(PartFile(number, size, expected_etag([etag]), True, etag)
                         for number, (size, (_, etag)) in enumerate(parts, 1))
    return tuple(verified)


async def _listed(desk: Desk, folder: Folder) -> dict[str, tuple[int, str]]:
    """Size and ETag of all that is in a folder, by key; nothing where nobody may list it.

    In the destination bucket it is listed by whoever lists that (``-d``), else by who writes it.
    """
    clients = [desk.work] if desk.lister.bucket != desk.work.bucket else [desk.lister, desk.work]
    denied: S3Error | None = None
    for client in dict.fromkeys(clients):
        files: dict[str, tuple[int, str]] = {}
        token, more = "", True
        try:
            while more:
                page = await client.list_page(folder.prefix, token=token)
                files |= {listed.key: (listed.size, listed.etag) for listed in page.objects}
                token, more = page.token, page.more
            return files
        except S3Error as error:
            if error.code not in DENIED_CODES:
                raise
            denied = error
    desk.warn("the work area cannot be listed, so no part file of an earlier run is used", denied)
    return {}


async def _says_version(desk: Desk, folder: Folder, number: int) -> bool:
    try:
        head = await desk.work.head(folder.temp(number))
    except S3Error:
        return False
    return head.metadata.get(_VERSION) == folder.version(number)


async def make_temp(desk: Desk, folder: Folder, number: int) -> PartFile:
    """Step 1: copies one part of the source to temp-NNNNN. Only this step crosses from bucket to bucket.

    Raises:
        S3Error: PreconditionFailed where the source has another version; NoSuchKey where it is gone.
    """
    error = None
    for _ in range(TRIES):
        algorithm = _ALGORITHM if desk.store.takes_checksums else ""
        try:
            return await _try_temp(desk, folder, number, algorithm)
        except S3Error as failure:
            if failure.code in _REFUSED and algorithm:
                desk.store.takes_checksums = False
            elif failure.code not in ("NoSuchUpload", "InvalidPart"):  # another run of this copy ended the upload
                raise
            error = failure
    raise S3Error("WorkAreaChanged", f"{folder.temp(number)} cannot be made: {error}")


async def _try_temp(desk: Desk, folder: Folder, number: int, algorithm: str) -> PartFile:
    planned, key = folder.planned, folder.temp(number)
    first, size = folder.layout.part(number)
    headers = work_headers(desk.options) | {f"x-amz-meta-{_VERSION}": folder.version(number)}
    if algorithm:
        headers |= {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": "FULL_OBJECT"}
    created = await desk.work.create_upload(key, headers)
    whole = folder.layout.number_of_parts == 1  # S3 takes no range for sources of 5 MiB and less
    try:
        copied = await desk.work.copy_part(
            key, created.upload_id, 1, (desk.options.source.bucket, planned.source),
            None if whole else (first, first + size - 1), planned.etag, payer_headers(desk.options), size)
        part = Part(1, size, copied.etag, copied.checksums)
        etag = await desk.work.complete(key, created.upload_id, [part], {"x-amz-mp-object-size": str(size)})
    except (Stopped, CredentialsLost):
        await _end_or_leave(desk, key, created)
        raise
    except S3Error:
        await _end(desk, key, created)
        raise
    if not etag:
        etag = (await desk.work.head(key)).etag
    desk.tally.parts_copied += 1
    desk.observer.part(size)
    proves = created.encryption not in KMS and expected_etag([copied.etag]) == etag
    return PartFile(number, size, etag, proves)


async def _end(desk: Desk, key: str, created: Created) -> None:
    try:
        await desk.work.abort(key, created.upload_id)
    except S3Error as error:
        desk.warn("an upload in the work area could not be ended", error)


async def _end_or_leave(desk: Desk, key: str, created: Created) -> None:
    """Ends an upload if the run, which is being stopped, may still send that; its part is not worth keeping."""
    try:
        await desk.work.abort(key, created.upload_id)
    except (S3Error, Stopped, CredentialsLost):
        desk.tally.uploads_left += 1
        desk.warn("unfinished uploads in the work area are ended by the next run with --staged, not by --abort-uploads")


async def make_part(desk: Desk, folder: Folder, temp: PartFile) -> PartFile:
    """Step 2: copies temp-NNNNN to the simple file part-NNNNN and compares its MD5 with step 1's.

    Raises:
        S3Error: NoSuchKey or PreconditionFailed where temp-NNNNN vanished or changed; WrongPart where the MD5s differ.
    """
    key = folder.part(temp.number)
    copied = await desk.work.copy_object(
        key, (desk.work.bucket, folder.temp(temp.number)), temp.temp,
        work_headers(desk.options) | {"x-amz-tagging-directive": "REPLACE"}, temp.size)
    if temp.proves:
        if not fits(copied.etag, temp.temp):
            raise S3Error("WrongPart", f"{key} has another MD5 than step 1 saw", 0, "CopyObject")
    elif (there := (await desk.work.head(key)).size) != temp.size:
        raise S3Error("WrongPart", f"{key} has {there} bytes instead of {temp.size}", 0, "CopyObject")
    return temp._replace(etag=copied.etag)


async def make(desk: Desk, folder: Folder, number: int, temp: PartFile | None = None) -> PartFile:
    """Steps 1 and 2 of one part, or step 2 alone; from step 1 again where temp-NNNNN is not what it was.

    Raises:
        S3Error: as make_temp; WorkAreaChanged where the part file can't be made for what happens in the work area.
    """
    error = None
    for _ in range(TRIES):
        temp = temp or await make_temp(desk, folder, number)
        try:
            return await make_part(desk, folder, temp)
        except S3Error as failure:
            if failure.code not in _GONE:
                raise
            temp, error = None, failure
    raise S3Error("WorkAreaChanged", f"{folder.part(number)} cannot be made: {error}")


async def copy_from(
    desk: Desk, folder: Folder, number: int, file: PartFile | None, to: tuple[str, str], headers: Headers, md5s: bool
) -> Part:
    """Step 3 of one part: copies part-NNNNN into the final object's upload, and compares the MD5 again.

    Where it vanished or changed meanwhile, it is made again.

    Args:
        file: as it was made; None: it is to be made.
        to: key and id of the upload.
        headers: of the request.
        md5s: the ETags of the upload's parts are MD5s.

    Raises:
        S3Error: as make.
    """
    error = None
    for _ in range(TRIES):
        if file is None or not file.etag:
            file = await make(desk, folder, number, file)
        try:
            copied = await desk.destination.copy_part(
                *to, number, (desk.work.bucket, folder.part(number)), None, file.etag, headers, file.size)
        except S3Error as failure:
            if failure.code not in _GONE:
                raise
            file, error = None, failure
            continue
        if not (file.proves and md5s and is_md5(copied.etag)) or fits(copied.etag, file.temp):
            return Part(number, file.size, copied.etag, copied.checksums)
        file, error = None, S3Error("WrongPart", "another MD5 than step 1 saw", 0, "UploadPartCopy")
    raise S3Error("WorkAreaChanged", f"{folder.part(number)} is not what it was: {error}")


async def end_leftovers(desk: Desk, folder: Folder, missing: Sequence[int]) -> None:
    """Ends unfinished uploads of temp files that an interrupted run left: their names tell whose they are.

    Some stores find uploads by the whole key only: there missing temp files are asked for one by one.

    A run that goes on at the same time begins its upload again.

    Args:
        missing: numbers whose temp files are to be made.
    """
    one_bucket = desk.work.bucket == desk.destination.bucket
    if one_bucket and not desk.store.lists_uploads:
        return
    try:
        if await _end_uploads(desk, folder, folder.prefix) or not missing:
            return
        if await _finds_by_prefix(desk, folder, missing[0]):
            return
        await asyncio.gather(*(_end_uploads(desk, folder, folder.temp(number)) for number in missing))
    except S3Error as error:
        if one_bucket and error.operation == "ListMultipartUploads" and error.code in DENIED_CODES:
            desk.cannot_resume(error)
        else:
            desk.warn("unfinished uploads in the work area could not be ended", error)


async def _finds_by_prefix(desk: Desk, folder: Folder, number: int) -> bool:
    """Whether the store finds uploads by a prefix of their keys; tried once in a process, with one that is ended."""
    async with desk.store.learning:
        if desk.store.finds_by_prefix is None:
            created = await desk.work.create_upload(folder.temp(number), work_headers(desk.options))
            desk.store.finds_by_prefix = await _end_uploads(desk, folder, folder.prefix) > 0
            if not desk.store.finds_by_prefix:
                await _end(desk, folder.temp(number), created)
        return desk.store.finds_by_prefix


async def _end_uploads(desk: Desk, folder: Folder, prefix: str) -> int:
    """Ends uploads of temp files of this folder whose keys begin with `prefix`; how many there were."""
    ended = 0
    async for upload in desk.work.uploads(prefix):
        if upload.key.startswith(folder.temp(0)[:-5]):
            await desk.work.abort(upload.key, upload.upload_id)
            ended += 1
    return ended
