"""Looking at an object again: did the source change, did it vanish, what is to be said of it; what is the copy."""

from __future__ import annotations

import re
from typing import Any

from s3copy_beam.layout import in_parts
from s3copy_beam.model import Outcome, Planned, Result, outcome_of
from s3copy_beam.moving.desk import Desk
from s3copy_beam.s3.answers import Head
from s3copy_beam.s3.errors import S3Error

MISSING_CODES = frozenset({"NoSuchKey", "NoSuchVersion", "NotFound"})
"""The source may be gone: look at it. NotFound: a 404 that names no code, moto's for the source of a part."""
ARCHIVED_CODES = frozenset({"InvalidObjectState"})
_WITH_TAGS = ("CopyObject", "CreateMultipartUpload")
"""Requests that need the right to read or write tags, where there are any."""
DENIED_CODES = frozenset({"AccessDenied", "Forbidden"})
_OF_TAGS = re.compile(r"\btags?\b|tagging", re.IGNORECASE)
"""A message about tags; not about an ETag."""


class SourceChanged(Exception):
    """The source has another version than the one planned; `version` replaces the planned fields."""

    def __init__(self, head: Head) -> None:
        super().__init__("the source changed")
        self.version: dict[str, Any] = {
            "size": head.size,
            "etag": head.etag,
            "modified": head.modified,
            "storage_class": head.storage_class,
        }


class OtherWay(Exception):
    """The version that is there now has to be copied in another way: whole instead of in parts, or in parts."""

    def __init__(self, planned: Planned) -> None:
        super().__init__("the source is of another kind now")
        self.planned = planned


def renewed(desk: Desk, planned: Planned, change: SourceChanged) -> Planned:
    """The plan for the version that is there now.

    Raises:
        OtherWay: it has to be copied in another way.
    """
    now = planned._replace(**change.version)
    if in_parts(now, desk.options) != in_parts(planned, desk.options):
        raise OtherWay(now)
    return now


def changed(now: Head | None) -> SourceChanged | S3Error:
    """What to raise when the source is no longer the planned version: there is another one, or none."""
    return S3Error("NoSuchKey", "gone since it was listed", 404, "HeadObject") if now is None else SourceChanged(now)


async def look_again(desk: Desk, planned: Planned, checksums: bool = False) -> Head | None:
    """The source object as it is now; None: it is not there."""
    try:
        return await desk.source.head(planned.source, checksums=checksums)
    except S3Error as error:
        if error.code in MISSING_CODES or error.status == 404 and error.code != "NoSuchBucket":
            return None
        raise


async def look_at_copy(desk: Desk, key: str, checksums: bool = False) -> Head | None:
    """A destination object as it is now; None: it may not be looked at, by somebody who may write it all the same."""
    try:
        return await desk.lister.head(key, checksums=checksums)
    except S3Error as error:
        if error.code in DENIED_CODES:
            return None
        raise


async def failed(desk: Desk, planned: Planned, error: S3Error) -> Outcome:
    """The outcome of an object that an error ended, with what may help."""
    reason = str(error) + _about_grants(desk, error)
    if desk.options.tags and "--no-tags" not in reason:
        if _OF_TAGS.search(error.message):
            reason += "; --no-tags copies without tags"
        elif error.code in DENIED_CODES and error.operation in _WITH_TAGS and await _has_tags(desk, planned):
            reason += "; the object has tags: if these are what is denied, --no-tags copies without them"
    if await _wants_key(desk, planned, error):
        reason += "; it may be encrypted with a key of the customer's (SSE-C), which is not known here"
    return outcome_of(planned, Result.FAILED, reason)


async def _wants_key(desk: Desk, planned: Planned, error: S3Error) -> bool:
    """Whether HEAD is refused as it is for objects under SSE-C: 400, without a word (S3 documentation, SSE-C)."""
    if error.status == 400 and error.operation == "CopyObject":
        try:
            await look_again(desk, planned)
        except S3Error as another:
            error = another
    return error.status == 400 and error.operation == "HeadObject"


async def _has_tags(desk: Desk, planned: Planned) -> bool:
    """Whether an object is known to have tags."""
    try:
        return bool((await desk.source.head(planned.source)).tag_count)
    except S3Error:
        return False


def _about_grants(desk: Desk, error: S3Error) -> str:
    """What helps where a store refuses grants (S3 documentation, ACL overview)."""
    options = desk.options
    if error.code == "AccessControlListNotSupported":
        return "; the bucket has no ACLs: leave --acl and --acl-grant out"
    by_mail = any(grantee.startswith("emailAddress=") for _, grantee in options.grants)
    if by_mail and (error.status == 405 or error.code == "UnresolvableGrantByEmailAddress"):
        return "; the store takes no grants to e-mail addresses: --acl-grant PERMISSION:id=CANONICAL-ID"
    return ""
