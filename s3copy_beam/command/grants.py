"""Whether grants and canned ACLs can be in force at all, as far as that can be known before anything is copied."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from s3copy_beam.command.parser import Arguments, UsageError
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3 import xmltree
from s3copy_beam.s3.call import Call
from s3copy_beam.s3.client import S3Client
from s3copy_beam.s3.errors import BadAnswer, S3Error

_HARMLESS = ("", "private", "bucket-owner-full-control")
"""Canned ACLs that buckets without ACLs take, too (S3 documentation, Object Ownership)."""


async def check_grants(client: S3Client, options: CopyOptions, given: Arguments) -> None:
    """Asks the destination bucket whether it has ACLs, where some are asked for.

    Args:
        client: of the destination, of the identity that makes the copies.

    Raises:
        UsageError: they cannot be in force.
    """
    if options.verify or options.abort_uploads or not options.grants and options.acl in _HARMLESS:
        return
    flag = given.given.get("acl_grant") or given.given["acl"]
    if client.place.aws:
        for permission, grantee in options.grants:
            if grantee.startswith("emailAddress="):
                name = grantee.partition("=")[2].strip('"')
                raise UsageError(f"{flag} {permission}:{name}: AWS takes no grants to e-mail addresses since October "
                                 "2025: name the account by id=CANONICAL-ID")
    call = Call("GetBucketOwnershipControls", "GET", query="ownershipControls=", dubious=True)
    try:
        root: Element = await client.call(call, lambda reply: xmltree.parse(reply.body))
    except (S3Error, BadAnswer):
        return  # not known, or not allowed to be: each copy tells
    if any((item.text or "").strip() == "BucketOwnerEnforced" for item in root.iter("ObjectOwnership")):
        raise UsageError(f"{flag}: bucket {client.bucket} has no ACLs (Object Ownership is BucketOwnerEnforced): "
                         f"give access by a bucket policy, and leave {flag} out")
