"""What an answer with a status beyond 2xx says. Pure: status, headers and body in, S3Error out."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from s3copy_beam.s3 import xmltree
from s3copy_beam.s3.errors import BadAnswer, S3Error

_CODE_OF_STATUS = {301: "PermanentRedirect", 304: "NotModified", 307: "TemporaryRedirect", 308: "PermanentRedirect",
                   400: "BadRequest", 401: "AccessDenied", 403: "AccessDenied", 404: "NoSuchKey",
                   405: "MethodNotAllowed", 409: "Conflict", 411: "MissingContentLength", 412: "PreconditionFailed",
                   413: "EntityTooLarge", 416: "InvalidRange", 429: "TooManyRequests", 500: "InternalError",
                   501: "NotImplemented", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout"}
"""What a status means where the answer has no body to tell: HEAD has none, ever."""


def error_of(status: int, headers: Mapping[str, str], body: bytes, operation: str) -> S3Error:
    """What an answer with a status beyond 2xx says.

    A body that is not S3's (a proxy's page) says nothing about the object, whatever its status: BadAnswer. An empty
    one, as HEAD's always is, leaves the status to go by.
    """
    request_id = headers.get("x-amz-request-id", "")
    error: S3Error
    if body.strip():
        error = _error_in(body, operation, status, request_id)
    else:
        words = {403: "Forbidden", 404: "Not Found", 412: "Precondition Failed"}.get(status, "")
        code = _CODE_OF_STATUS.get(status, f"Status{status}")
        if status == 404 and operation != "HeadObject":
            code = "NotFound"
        error = S3Error(code, words, status, operation, request_id)
    error.region = headers.get("x-amz-bucket-region", "") or error.region
    error.location = headers.get("Location", "")
    error.server_time = http_date(headers.get("Date", ""))
    return error


def _error_in(body: bytes, operation: str, status: int, request_id: str) -> S3Error:
    with contextlib.suppress(BadAnswer):
        root = xmltree.parse(body)
        if root.tag == "Error":
            return xmltree.error_of(root, operation, status, request_id)
    if status == 429 or status >= 500:  # of a proxy, or of a server in trouble: the status says enough
        code = _CODE_OF_STATUS.get(status, "InternalError")
        return S3Error(code, "with a body that is not S3's", status, operation, request_id)
    return BadAnswer("an answer that is not S3's", status, operation, request_id)


def http_date(value: str) -> int:
    """Seconds since 1970 of a date of HTTP; 0 where it is none."""
    try:
        return int(parsedate_to_datetime(value).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
