"""The operations of S3 that copying needs, on one bucket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from s3copy_beam.s3 import answers
from s3copy_beam.s3.answers import Acl, Copied, Created, Head, Part, Upload
from s3copy_beam.s3.call import Call
from s3copy_beam.s3.errors import BadAnswer, S3Error
from s3copy_beam.s3.exchange import Exchange
from s3copy_beam.s3.network import Reply
from s3copy_beam.s3.pacing import LIST, PART
from s3copy_beam.s3.page import Page, parse_page
from s3copy_beam.s3.sign import encode_key, encode_query

_SLOW_COPY = 8 << 20
"""Bytes per second that a server copies at the very least; a copy's time-out follows."""
_COMPLETE = 1200.0
"""Seconds: S3 may take minutes to put an object's parts together."""
_NONE: Mapping[str, str] = {}


class S3Client(Exchange):
    """One bucket, as one identity sees it. Made by a Worker; its coroutines run on the worker's loop.

    Keys are raw text everywhere; ETags come and go without quotes; `headers` of writes are ready S3 headers with
    lower-case names. Every coroutine raises S3Error, Stopped and CredentialsLost as Exchange.call does.
    """

    partless = False
    """The store refuses HEAD ?partNumber for objects that it shows without: it is asked without."""
    _part_heads = 0

    async def list_page(self, prefix: str, start_after: str = "", token: str = "", max_keys: int = 1000) -> Page:
        """One page of ListObjectsV2, in the store's order.

        Args:
            prefix: keys begin with this.
            start_after: keys are greater than this (in the store's order).
            token: of the page before; start_after is then not sent.
            max_keys: at most 1000.
        """
        query = [("encoding-type", "url"), ("list-type", "2"), ("max-keys", str(max_keys)), ("prefix", prefix)]
        if token:
            query.append(("continuation-token", token))
        elif start_after:
            query.append(("start-after", start_after))
        call = Call("ListObjectsV2", "GET", query=encode_query(query), kind=LIST,
                    headers={"x-amz-optional-object-attributes": "RestoreStatus"})
        return await self.call(call, lambda reply: parse_page(reply.body))

    async def head(self, key: str, part_number: int = 0, checksums: bool = False) -> Head:
        """HeadObject. Without a body errors go by the status: 404 is NoSuchKey, 403 AccessDenied, 412 ...

        Args:
            key: of the object.
            part_number: this part of it (0: the whole); a store that fails at that is asked for the whole. The size of
                the whole is -1 where a store does not tell it then, and the ETag may be the part's own.
            checksums: checksum mode.
        """
        headers = {"x-amz-checksum-mode": "ENABLED"} if checksums else _NONE
        if part_number and not self.partless:
            try:
                return await self._head_part(key, part_number, headers)
            except S3Error as error:
                if self._part_heads or not _may_lack(error):
                    raise
            whole = await self._head(key, headers)  # raises where it is not the part number that is refused
            try:
                return await self._head_part(key, part_number, headers)  # the first time may have been a bad moment
            except S3Error as error:
                if self._part_heads or not _may_lack(error):
                    raise
            self.partless = True
            return whole
        return await self._head(key, headers)

    async def _head(self, key: str, headers: Mapping[str, str]) -> Head:
        call = Call("HeadObject", "HEAD", key, _path(key), headers=headers)
        return await self.call(call, lambda reply: answers.parse_head(reply.status, reply.headers))

    async def _head_part(self, key: str, number: int, headers: Mapping[str, str]) -> Head:
        call = Call("HeadObject", "HEAD", key, _path(key), f"partNumber={number}", headers,
                    dubious=not self._part_heads)
        found = await self.call(call, lambda reply: answers.parse_head(reply.status, reply.headers, True))
        self._part_heads += 1
        return found

    async def copy_object(self, key: str, source: tuple[str, str], if_match: str = "",
                          headers: Mapping[str, str] = _NONE, size: int = 0) -> Copied:
        """CopyObject.

        Args:
            key: to.
            source: bucket and key.
            if_match: the source's ETag (empty: whatever it is).
            headers: storage class, ACL, encryption, ...
            size: bytes, for the time-out.
        """
        path = _path(key)
        sent = {"x-amz-copy-source": _copy_source(source), **headers}
        if if_match:
            sent["x-amz-copy-source-if-match"] = f'"{if_match}"'
        call = Call("CopyObject", "PUT", key, path, headers=sent, seconds=self._seconds(size))
        return await self.call(call, _copied)

    async def create_upload(self, key: str, headers: Mapping[str, str] = _NONE) -> Created:
        """CreateMultipartUpload."""
        call = Call("CreateMultipartUpload", "POST", key, _path(key), "uploads=", headers)
        return await self.call(call, lambda reply: answers.parse_created(reply.headers, reply.body))

    async def copy_part(self, key: str, upload_id: str, number: int, source: tuple[str, str],
                        span: tuple[int, int] | None = None, if_match: str = "", headers: Mapping[str, str] = _NONE,
                        size: int = 0) -> Copied:
        """UploadPartCopy.

        Args:
            key: of the upload.
            upload_id: of the upload.
            number: of the part, 1 to 10,000.
            source: bucket and key.
            span: first and last byte of the source, both included; None: all of it.
            if_match: the source's ETag (empty: whatever it is).
            headers: further ones.
            size: bytes, for the time-out, where there is no span.
        """
        sent = {"x-amz-copy-source": _copy_source(source), **headers}
        if if_match:
            sent["x-amz-copy-source-if-match"] = f'"{if_match}"'
        if span:
            size = span[1] - span[0] + 1
            sent["x-amz-copy-source-range"] = f"bytes={span[0]}-{span[1]}"
        call = Call("UploadPartCopy", "PUT", key, _path(key), _part_query(number, upload_id), sent, kind=PART,
                    seconds=self._seconds(size), weight=max(1, size))
        return await self.call(call, _copied)

    async def upload_part(self, key: str, upload_id: str, number: int, body: bytes,
                          headers: Mapping[str, str] = _NONE) -> Copied:
        """UploadPart: its ETag and checksums.

        Only marks are uploaded: a run that is being stopped still sends them, so that no upload is left that can't be
        told from those of others.
        """
        call = Call("UploadPart", "PUT", key, _path(key), _part_query(number, upload_id), headers, body,
                    seconds=self._seconds(len(body)), streaming=True, tidy=True)
        return await self.call(call, _uploaded)

    async def complete(self, key: str, upload_id: str, parts: Sequence[Part],
                       headers: Mapping[str, str] = _NONE) -> str:
        """CompleteMultipartUpload: the object's ETag, empty where the store tells none.

        Args:
            key: of the upload.
            upload_id: of the upload.
            parts: by ascending number; with checksums where Create named an algorithm.
            headers: if-match, if-none-match, x-amz-mp-object-size, checksums of the whole, ...
        """
        call = Call("CompleteMultipartUpload", "POST", key, _path(key), encode_query([("uploadId", upload_id)]),
                    headers, answers.complete_body(parts), seconds=_COMPLETE)
        return await self.call(call, lambda reply: answers.parse_completed(reply.body))

    async def abort(self, key: str, upload_id: str) -> None:
        """AbortMultipartUpload; one that is gone is fine."""
        call = Call("AbortMultipartUpload", "DELETE", key, _path(key), encode_query([("uploadId", upload_id)]),
                    tidy=True)
        try:
            await self.call(call, _nothing)
        except S3Error as error:
            if error.code != "NoSuchUpload":
                raise

    async def parts(self, key: str, upload_id: str, after: int = 0) -> list[Part]:
        """ListParts, all pages: the parts of an upload with numbers above `after`."""
        found: list[Part] = []
        while True:
            query = encode_query([("max-parts", "1000"), ("part-number-marker", str(after)), ("uploadId", upload_id)])
            page, after = await self.call(Call("ListParts", "GET", key, _path(key), query, kind=LIST),
                                          lambda reply: answers.parse_parts(reply.body))
            found += page
            if not after:
                return found

    async def uploads(self, prefix: str = "") -> AsyncIterator[Upload]:
        """ListMultipartUploads, all pages: uploads in progress of keys that begin with `prefix`."""
        key = upload_id = ""
        while True:
            query = [("encoding-type", "url"), ("max-uploads", "1000"), ("prefix", prefix), ("uploads", "")]
            if key:
                query += [("key-marker", key), ("upload-id-marker", upload_id)]
            page, *place = await self.call(Call("ListMultipartUploads", "GET", query=encode_query(query), kind=LIST),
                                           lambda reply: answers.parse_uploads(reply.body))
            for upload in page:
                yield upload
            if not place[0]:
                return
            if place == [key, upload_id]:
                raise BadAnswer("a list of uploads that does not go on", operation="ListMultipartUploads")
            key, upload_id = place

    async def tags(self, key: str) -> dict[str, str]:
        """GetObjectTagging."""
        return await self.call(Call("GetObjectTagging", "GET", key, _path(key), "tagging="),
                               lambda reply: answers.parse_tags(reply.body))

    async def attributes(self, key: str) -> list[Part]:
        """GetObjectAttributes: the parts of a finished object; none where the store tells, or knows, none."""
        found: list[Part] = []
        after = 0
        while True:
            headers = {"x-amz-object-attributes": "ObjectParts", "x-amz-max-parts": "1000",
                       "x-amz-part-number-marker": str(after)}
            call = Call("GetObjectAttributes", "GET", key, _path(key), "attributes=", headers, kind=LIST, dubious=True)
            try:
                page, after = await self.call(call, lambda reply: answers.parse_attributes(reply.body))
            except S3Error as error:
                if error.status in (400, 403, 405, 500, 501) or error.code == "BadAnswer":
                    return []
                raise
            found += page
            if not after:
                return found

    async def acl(self, key: str) -> Acl:
        """GetObjectAcl."""
        return await self.call(Call("GetObjectAcl", "GET", key, _path(key), "acl=", dubious=True),
                               lambda reply: answers.parse_acl(reply.body))

    async def delete(self, key: str) -> None:
        """DeleteObject; one that is not there is fine."""
        await self.call(Call("DeleteObject", "DELETE", key, _path(key)), _nothing)

    def _seconds(self, size: int) -> float:
        return self.limits.read_timeout + size / _SLOW_COPY


def _may_lack(error: S3Error) -> bool:
    """Whether a HEAD with a part number fails as it does on stores that do not know part numbers."""
    return error.status in (400, 405, 416, 500, 501) or error.code == "BadAnswer"


def _path(key: str) -> str:
    return "/" + encode_key(key)


def _copy_source(source: tuple[str, str]) -> str:
    return f"{source[0]}/{encode_key(source[1])}"


def _part_query(number: int, upload_id: str) -> str:
    return f"partNumber={number}&" + encode_query([("uploadId", upload_id)])


def _copied(reply: Reply) -> Copied:
    return answers.parse_copied(reply.body)


def _uploaded(reply: Reply) -> Copied:
    return answers.parse_uploaded(reply.headers, reply.body)


def _nothing(reply: Reply) -> None:
    answers.parse_nothing(reply.status, reply.body)
