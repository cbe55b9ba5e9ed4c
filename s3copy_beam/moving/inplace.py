"""Objects that are rewritten in place: what a copy onto itself would lose is named, so that it stays.

CopyObject onto the same key wants something to change, and a new ACL is nothing that S3 takes for that: so all is named
anew (metadata directive REPLACE; S3 documentation, CopyObject). Neither CopyObject nor a multipart upload takes over
encryption and ACL.
"""

from __future__ import annotations

from s3copy_beam.model import Planned
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.headers import Headers, create_headers, grant_headers, payer_headers
from s3copy_beam.moving.source import DENIED_CODES, changed
from s3copy_beam.s3.answers import Head
from s3copy_beam.s3.errors import S3Error

REDIRECT = "x-amz-website-redirect-location"
_LACKING = frozenset({"NotImplemented", "MethodNotAllowed", "XNotImplemented"})


async def rewrite_headers(desk: Desk, planned: Planned) -> Headers:
    """Headers of CopyObject of an object onto itself; the settings that are asked for, all else as it is.

    Raises:
        SourceChanged: it has another version now.
        S3Error: something of it cannot be kept.
    """
    head = await desk.source.head(planned.source)
    if head.etag != planned.etag:
        raise changed(head)
    if head.missing_meta:
        raise S3Error("MissingMetadata", f"{head.missing_meta} metadata entries cannot be read through headers",
                      0, "HeadObject")
    headers = create_headers(desk.options, planned, head, {}, "", "") | await kept_headers(desk, planned, head)
    headers["x-amz-metadata-directive"] = "REPLACE"
    if not desk.options.tags:
        headers["x-amz-tagging-directive"] = "REPLACE"
    return headers | payer_headers(desk.options)


async def kept_headers(desk: Desk, planned: Planned, head: Head) -> Headers:
    """Encryption, ACL and website redirect as they are, where no others are asked for.

    Raises:
        S3Error: the object is encrypted with a key of the customer's.
    """
    options = desk.options
    headers: Headers = {}
    if redirect := head.headers.get(REDIRECT):
        headers[REDIRECT] = redirect
    if head.encryption == "SSE-C":
        raise S3Error("SSE-C", "encrypted with a key of the customer's, which is not known here", 0, "HeadObject")
    if head.encryption and not options.sse:
        headers["x-amz-server-side-encryption"] = head.encryption
        if head.kms_key:
            headers["x-amz-server-side-encryption-aws-kms-key-id"] = head.kms_key
    if not options.acl and not options.grants:
        headers |= await _acl(desk, planned)
    return headers


async def _acl(desk: Desk, planned: Planned) -> Headers:
    """The grants of an object; none where only its owner has one, which is what every new object gets."""
    try:
        acl = await desk.source.acl(planned.source)
    except S3Error as error:
        if error.code in _LACKING or error.status == 501:
            return {}
        if error.code in DENIED_CODES or error.status == 500:
            desk.warn("ACLs cannot be read, so rewritten objects get none", error)
            return {}
        raise
    if all(grant.kind == "id" and grant.grantee == acl.owner for grant in acl.grants):
        return {}
    return grant_headers((grant.permission, f'{grant.kind}="{grant.grantee}"') for grant in acl.grants)
