"""Which headers a copy is asked with. Pure.

CopyObject takes over metadata, headers and tags by itself; a multipart upload takes over nothing, so Create names it
all (S3 documentation, CopyObject and CreateMultipartUpload). Neither takes over ACL, storage class or encryption.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from s3copy_beam.model import Planned
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.answers import Head

Headers = dict[str, str]

_GRANTS = {
    "FULL_CONTROL": "x-amz-grant-full-control",
    "READ": "x-amz-grant-read",
    "READ_ACP": "x-amz-grant-read-acp",
    "WRITE_ACP": "x-amz-grant-write-acp",
}
_CONTENT = ("Content-Type", "Content-Language", "Content-Disposition", "Cache-Control", "Expires")


def destination_headers(options: CopyOptions, storage_class: str) -> Headers:
    """What every new destination object gets: storage class, encryption, ACL, grants.

    Args:
        storage_class: the source's, taken over where ``--storage-class KEEP`` asks for it.
    """
    wanted = storage_class if options.storage_class == "KEEP" else options.storage_class
    headers = {"x-amz-storage-class": wanted or "STANDARD"} | encryption_headers(options)
    if options.acl:
        headers["x-amz-acl"] = options.acl
    headers |= grant_headers(options.grants)
    return headers


def grant_headers(grants: Iterable[tuple[str, str]]) -> Headers:
    """Headers of these grants: (PERMISSION, grantee as the header has it)."""
    grantees: dict[str, list[str]] = {}
    for permission, grantee in grants:
        if permission in _GRANTS:
            grantees.setdefault(_GRANTS[permission], []).append(grantee)
    return {name: ", ".join(who) for name, who in grantees.items()}


def encryption_headers(options: CopyOptions) -> Headers:
    """The encryption that is asked for."""
    headers: Headers = {}
    if options.sse:
        headers["x-amz-server-side-encryption"] = options.sse
    if options.sse_kms_key_id:
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = options.sse_kms_key_id
    if options.sse_bucket_key:
        headers["x-amz-server-side-encryption-bucket-key-enabled"] = "true"
    return headers


def work_headers(options: CopyOptions) -> Headers:
    """What part files of ``--staged`` get: the encryption asked for; a storage class that can be read at once.

    No grants: those are for the objects. But a bucket of somebody else's may refuse whatever its owner can't read.
    """
    owner = {"x-amz-acl": options.acl} if options.acl.startswith("bucket-owner-") else {}
    return {"x-amz-storage-class": "STANDARD"} | encryption_headers(options) | owner


def copy_headers(options: CopyOptions, planned: Planned) -> Headers:
    """Headers of CopyObject for one object, besides its source and guard."""
    headers = destination_headers(options, planned.storage_class)
    if not options.tags:
        headers["x-amz-tagging-directive"] = "REPLACE"
    return headers | payer_headers(options)


def payer_headers(options: CopyOptions) -> Headers:
    """Who pays for reading the source: copies are sent to the destination, and name it too."""
    return {"x-amz-request-payer": "requester"} if options.source.request_payer else {}


def create_headers(
    options: CopyOptions, planned: Planned, head: Head, tags: Mapping[str, str], algorithm: str, kind: str
) -> Headers:
    """Headers of CreateMultipartUpload: all that the finished object is to have.

    Args:
        head: of the source.
        algorithm: checksum algorithm of the upload (``CRC64NVME``...), "" for none.
        kind: ``FULL_OBJECT`` or ``COMPOSITE``.
    """
    headers = destination_headers(options, planned.storage_class)
    headers |= {name.lower(): head.headers[name] for name in _CONTENT if head.headers.get(name)}
    # `aws-chunked` is about the upload's transport; some stores keep it by mistake
    encodings = [token.strip() for token in head.headers.get("Content-Encoding", "").split(",")]
    if kept := ", ".join(token for token in encodings if token and token.lower() != "aws-chunked"):
        headers["content-encoding"] = kept
    headers |= {f"x-amz-meta-{name}": _one_line(value) for name, value in head.metadata.items()}
    if tags:
        headers["x-amz-tagging"] = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in tags.items())
    if algorithm:
        headers["x-amz-checksum-algorithm"] = algorithm
        headers["x-amz-checksum-type"] = kind
    return headers


def _one_line(value: str) -> str:
    """A value as a header can carry it: what has control characters came as words of RFC 2047, and goes as such."""
    if not any(ord(c) < 32 or ord(c) == 127 for c in value):
        return value
    # a word has at most 75 characters (RFC 2047, 2): 45 bytes in base64
    pieces, piece = list[str](), ""
    for c in value:
        if len((piece + c).encode()) > 45:
            pieces, piece = [*pieces, piece], ""
        piece += c
    return " ".join(f"=?UTF-8?B?{b64encode(piece.encode()).decode()}?=" for piece in [*pieces, piece])
