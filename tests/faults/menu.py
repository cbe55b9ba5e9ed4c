"""All faults that a store, or what stands before it, can make: each a rule of the proxy, for any operation."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from tests.support.faults import Exchange, Rule, When
from tests.support.proxy import Proxy
from tests.support.wire import Answer, Request, s3_error

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from typing_extensions import Unpack

OPERATIONS = (
    "ListObjectsV2", "HeadObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy",
    "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts", "ListMultipartUploads", "GetObjectTagging",
    "GetObjectAttributes",
)
"""What the tool asks of a store."""
HTML = Answer(200, [("Content-Type", "text/html")], b"<html><body>Please log in to this network</body></html>")
_PAGES = ("ListObjectsV2", "ListParts", "ListMultipartUploads")
_LATE = ("CopyObject", "UploadPartCopy", "CompleteMultipartUpload")
Maker = Callable[..., Rule]


def _lost_page(body: bytes) -> bytes:
    return body[:len(body) // 2]


def _wrong_etag(answer: Answer) -> Answer:
    """Another ETag of the same kind: the first one in the body, or the header's."""
    wrong = "0123456789abcdef0123456789abcdef"
    body = re.sub(rb"(<ETag>(?:&quot;|&#34;|\")?)[0-9a-f]{32}", rb"\g<1>" + wrong.encode(), answer.body, count=1)
    headers = [(name, re.sub("[0-9a-f]{32}", wrong, value) if name.lower() == "etag" else value)
               for name, value in answer.headers]
    return replace(answer, body=body, headers=headers)


def _date() -> list[tuple[str, str]]:
    return [("Date", formatdate(time.time(), usegmt=True))]


def wrong_part(proxy: Proxy, s3: S3Client, told: bool, **when: Unpack[When]) -> Rule:
    """A part of the upload gets other bytes than it should, of the right size; `told`: its ETag says so.

    Not of an object that was uploaded whole: nothing that a store tells of it proves its parts.
    """
    when.setdefault("key", "large/(?!whole)")

    def put(request: Request) -> str:
        first, last = re.findall(r"\d+", request.header("x-amz-copy-source-range") or "0-6")
        query = request.query
        wrong = s3.upload_part(Bucket=request.bucket, Key=request.key, UploadId=query["uploadId"],
                               PartNumber=int(query["partNumber"]), Body=b"?" * (int(last) - int(first) + 1))
        return wrong["ETag"].strip('"')

    async def fault(exchange: Exchange) -> Answer:
        answer = await exchange.forward()
        if answer.status != 200:
            return answer
        etag = await asyncio.to_thread(put, exchange.request)
        return replace(answer, body=re.sub(rb"[0-9a-f]{32}", etag.encode(), answer.body)) if told else answer

    return proxy.on("UploadPartCopy", fault, **when)


def menu(s3: S3Client) -> dict[str, tuple[Maker, tuple[str, ...]]]:
    """Faults by name: what makes one, given the proxy, an operation and `When`; and the operations it makes sense for.

    Args:
        s3: a client of the server behind the proxy.
    """
    everything = OPERATIONS
    bodies = tuple(name for name in OPERATIONS if name not in ("HeadObject", "UploadPart", "AbortMultipartUpload"))
    return {
        "500": (lambda p, o, **w: p.fail(o, "InternalError", 500, **w), everything),
        "500 after the work": (lambda p, o, **w: p.fail(o, "InternalError", 500, after=True, **w), everything),
        "SlowDown": (lambda p, o, **w: p.fail(o, "SlowDown", 503, **w), everything),
        "SlowDown after the work": (lambda p, o, **w: p.fail(o, "SlowDown", 503, after=True, **w), everything),
        "429": (lambda p, o, **w: p.fail(o, "TooManyRequests", 429, **w), everything),
        "reset": (lambda p, o, **w: p.drop(o, **w), everything),
        "reset after the work": (lambda p, o, **w: p.drop(o, after=True, **w), everything),
        "stalled before the work": (lambda p, o, **w: p.delay(o, 600, **w), everything),
        "stalled in its answer": (lambda p, o, **w: p.stall(o, **w), bodies),
        "cut": (lambda p, o, **w: p.cut(o, **w), bodies),
        "error in a 200": (lambda p, o, **w: p.answer(o, s3_error(200, "InternalError"), **w), bodies),
        "error in a 200 after the work": (
            lambda p, o, **w: p.answer(o, s3_error(200, "InternalError"), after=True, **w), bodies),
        "a page cut, its length told rightly": (lambda p, o, **w: p.change_body(o, _lost_page, **w), _PAGES),
        "empty": (lambda p, o, **w: p.answer(o, Answer(200, [], b""), **w), everything),
        "empty after the work": (lambda p, o, **w: p.change_body(o, lambda _: b"", **w), bodies),
        "foreign": (lambda p, o, **w: p.answer(o, HTML, **w), everything),
        "foreign after the work": (lambda p, o, **w: p.answer(o, HTML, after=True, **w), everything),
        "wrong ETag": (lambda p, o, **w: p.change(o, _wrong_etag, **w), everything),
        "wrong part, told": (lambda p, o, **w: wrong_part(p, s3, True, **w), ("UploadPartCopy",)),
        "wrong part, not told": (lambda p, o, **w: wrong_part(p, s3, False, **w), ("UploadPartCopy",)),
        "white space": (lambda p, o, **w: p.drip(o, 0.5, **w), _LATE),
        "expired token": (lambda p, o, **w: p.fail(o, "ExpiredToken", 400, **w), everything),
        "clock": (lambda p, o, **w: p.fail(o, "RequestTimeTooSkewed", 403, headers=_date(), **w), everything),
        "another port": (lambda p, o, **w: p.redirect(o, p.url, p.other_url, **w), everything),
    }
