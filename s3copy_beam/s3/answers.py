"""What stores answer, as values; and the parsers that make them. Pure: bytes and headers in, values out.

Every parser raises BadAnswer on what is cut, foreign or impossible, and S3Error on an `<Error>`, in a 200 too.
Sizes are bytes, times whole seconds since 1970, ETags without quotes. Listings of objects: page.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from s3copy_beam.s3 import xmltree
from s3copy_beam.s3.errors import BadAnswer
from s3copy_beam.s3.page import decoded, timestamp, unquoted
from s3copy_beam.s3.refusal import http_date

CHECKSUMS = ("CRC64NVME", "CRC32", "CRC32C", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128")
COPIED_HEADERS = ("Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition", "Cache-Control",
                  "Expires", "x-amz-website-redirect-location")


@dataclass(frozen=True)
class Head:
    """An object as HEAD shows it."""

    size: int
    """Of the whole object, also where one part was asked for; -1: the store tells that part's size only."""
    etag: str
    modified: int
    storage_class: str = "STANDARD"
    part_size: int | None = None
    """Of the part asked for; None: none was, or the store does not heed partNumber."""
    parts_count: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Of COPIED_HEADERS those that the object has, raw."""
    metadata: dict[str, str] = field(default_factory=dict)
    """User metadata, names in lower case without `x-amz-meta-`, RFC 2047 words decoded."""
    missing_meta: int = 0
    """How many entries of metadata headers can't carry."""
    tag_count: int | None = None
    """None: not told, which is not "none"."""
    encryption: str = ""
    """"", "AES256", "aws:kms", "aws:kms:dsse" or "SSE-C"."""
    kms_key: str = ""
    checksums: dict[str, str] = field(default_factory=dict)
    """Algorithm ("CRC64NVME") to base64 value."""
    checksum_type: str = ""
    """"", "FULL_OBJECT" or "COMPOSITE"."""
    restored: bool = False
    archived: bool = False
    """In an archive class or tier; readable only where `restored`."""
    rgw: bool = False
    """The store is Ceph's gateway."""
    version_id: str = ""
    date: int = 0
    """The store's clock; 0: not told."""


class Copied(NamedTuple):
    """What a copy, or an uploaded part, came to."""

    etag: str
    checksums: dict[str, str]
    modified: int = 0


class Created(NamedTuple):
    """A multipart upload that was begun."""

    upload_id: str
    encryption: str
    """Of the object to be; empty where the store tells none."""


class Part(NamedTuple):
    """One part of an upload or of an object."""

    number: int
    size: int
    etag: str = ""
    checksums: dict[str, str] = {}  # noqa: RUF012  never changed


class Upload(NamedTuple):
    """An upload in progress."""

    key: str
    upload_id: str
    initiated: int


class Grant(NamedTuple):
    """One line of an access control list."""

    permission: str
    kind: str
    """"id", "uri" or "emailAddress", as grant headers have it."""
    grantee: str


class Acl(NamedTuple):
    """Who owns an object and who may do what with it."""

    owner: str
    grants: tuple[Grant, ...]


_SIMPLE_COPY = re.compile(
    rb'\s*(?:<\?xml [^>]*\?>\s*)?<(CopyObjectResult|CopyPartResult)(?: xmlns="[^"<>]*")?>'
    rb'((?:<(\w+)>[^<]*</\3>)*)</\1>\s*')
_LEAF = re.compile(rb"<(\w+)>([^<]*)</")


def parse_copied(body: bytes) -> Copied:
    """The result of CopyObject or UploadPartCopy: must have an ETag."""
    simple = _SIMPLE_COPY.fullmatch(body)
    if simple:  # the usual shape, at a tenth of the XML parser's cost: once for each object
        leaves = {name.decode(): value.decode("utf-8", "replace").replace("&quot;", '"').replace("&#34;", '"')
                  for name, value in _LEAF.findall(simple[2])}
    else:
        root = xmltree.rooted(body, "CopyObjectResult", "CopyPartResult")
        leaves = {child.tag: child.text or "" for child in root}
    etag = unquoted(leaves.get("ETag", ""))
    if not etag:
        raise BadAnswer("a copy's answer without an ETag")
    modified = leaves.get("LastModified", "")
    return Copied(etag, _checksums(leaves), timestamp(modified) if modified else 0)


def parse_created(headers: Mapping[str, str], body: bytes) -> Created:
    """CreateMultipartUpload's answer."""
    upload_id = xmltree.text(xmltree.rooted(body, "InitiateMultipartUploadResult"), "UploadId")
    if not upload_id:
        raise BadAnswer("an upload was begun without an id")
    return Created(upload_id, headers.get("x-amz-server-side-encryption", ""))


def parse_completed(body: bytes) -> str:
    """The ETag of CompleteMultipartUpload's answer; empty where the store tells none."""
    return unquoted(xmltree.text(xmltree.rooted(body, "CompleteMultipartUploadResult"), "ETag"))


def complete_body(parts: Sequence[Part]) -> bytes:
    """The list of parts that CompleteMultipartUpload takes: with each part's checksum where it has one."""
    rows = []
    for part in parts:
        checksums = "".join(f"<Checksum{name}>{escape(value)}</Checksum{name}>"
                            for name, value in part.checksums.items())
        rows.append(f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{escape(part.etag)}&quot;</ETag>"
                    f"{checksums}</Part>")
    return ('<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' + "".join(rows)
            + "</CompleteMultipartUpload>").encode()


def parse_parts(body: bytes) -> tuple[list[Part], int]:
    """A page of ListParts, and the number after which the next page begins (0: this was the last)."""
    root = xmltree.rooted(body, "ListPartsResult", "ListPartsResponse")
    parts = [_part(item) for item in root.iter("Part")]
    if not _truncated(root):
        return parts, 0
    after = xmltree.whole(xmltree.text(root, "NextPartNumberMarker"), "NextPartNumberMarker")
    if not parts or after < parts[-1].number:
        raise BadAnswer("a list of parts that does not go on")
    return parts, after


def parse_uploads(body: bytes) -> tuple[list[Upload], str, str]:
    """A page of ListMultipartUploads, with the key and id after which the next begins ("", "": this was the last)."""
    root = xmltree.rooted(body, "ListMultipartUploadsResult")
    encoded = xmltree.text(root, "EncodingType") == "url"
    uploads = [Upload(decoded(xmltree.text(item, "Key"), encoded), xmltree.text(item, "UploadId"),
                      timestamp(xmltree.text(item, "Initiated"))) for item in root.iter("Upload")]
    if not _truncated(root):
        return uploads, "", ""
    key = decoded(xmltree.text(root, "NextKeyMarker"), encoded)
    if not key:
        raise BadAnswer("a list of uploads that goes on but does not say where")
    return uploads, key, xmltree.text(root, "NextUploadIdMarker")


def parse_tags(body: bytes) -> dict[str, str]:
    """An object's tags."""
    return {xmltree.text(tag, "Key"): xmltree.text(tag, "Value")
            for tag in xmltree.rooted(body, "Tagging").iter("Tag")}


def parse_attributes(body: bytes) -> tuple[list[Part], int]:
    """A page of GetObjectAttributes' parts, and the number after which the next begins (0: this was the last)."""
    root = xmltree.rooted(body, "GetObjectAttributesResponse", "GetObjectAttributesOutput",
                          "getObjectAttributesResponse")
    holder = root.find("ObjectParts")
    if holder is None:
        return [], 0
    parts = [_part(item) for item in (*holder.iter("Part"), *holder.iter("Parts"))]
    if not _truncated(holder):
        return parts, 0
    after = xmltree.whole(xmltree.text(holder, "NextPartNumberMarker"), "NextPartNumberMarker")
    if not parts or after < parts[-1].number:
        raise BadAnswer("a list of parts that does not go on")
    return parts, after


def parse_acl(body: bytes) -> Acl:
    """An object's access control list."""
    root = xmltree.rooted(body, "AccessControlPolicy")
    grants = []
    for item in root.iter("Grant"):
        grantee = item.find("Grantee")
        for tag, kind in (("ID", "id"), ("URI", "uri"), ("EmailAddress", "emailAddress")):
            value = xmltree.text(grantee, tag) if grantee is not None else ""
            if value:
                grants.append(Grant(xmltree.text(item, "Permission"), kind, value))
                break
    return Acl(root.findtext("Owner/ID") or "", tuple(grants))


def parse_head(status: int, headers: Mapping[str, str], part_asked: bool = False) -> Head:
    """The answer of HeadObject, of a whole object or of one part.

    Args:
        status: 200, or 206 for a part.
        headers: of the answer, found by names in any case.
        part_asked: whether ?partNumber was sent.

    Raises:
        BadAnswer: no ETag, no length, or a range that is none: this was no object store's answer.
    """
    etag = unquoted(headers.get("ETag", ""))
    if not etag:
        raise BadAnswer("a HEAD's answer without an ETag", status)
    length = xmltree.whole(headers.get("Content-Length", ""), "Content-Length")
    size, part_size, parts_count = length, None, None
    if part_asked:
        span = headers.get("Content-Range", "")
        if span:
            size, part_size = xmltree.whole(span.rpartition("/")[2], "Content-Range"), length
        if "x-amz-mp-parts-count" in headers:
            parts_count = xmltree.whole(headers["x-amz-mp-parts-count"], "x-amz-mp-parts-count")
            part_size = length
            if not span and parts_count > 1:
                size = -1
    storage_class = headers.get("x-amz-storage-class", "STANDARD")
    restore = headers.get("x-amz-restore", "")
    tags = headers.get("x-amz-tagging-count", "")
    customer = "x-amz-server-side-encryption-customer-algorithm" in headers
    return Head(
        size=size, etag=etag, modified=http_date(headers.get("Last-Modified", "")), storage_class=storage_class,
        part_size=part_size, parts_count=parts_count,
        headers={name: _text(headers[name]) for name in COPIED_HEADERS if name in headers},
        metadata={name.lower()[11:]: _metadata(value) for name, value in headers.items()
                  if name.lower().startswith("x-amz-meta-")},
        missing_meta=xmltree.whole(headers.get("x-amz-missing-meta", "") or "0", "x-amz-missing-meta"),
        tag_count=int(tags) if tags.isascii() and tags.isdigit() else None,
        encryption="SSE-C" if customer else headers.get("x-amz-server-side-encryption", ""),
        kms_key=headers.get("x-amz-server-side-encryption-aws-kms-key-id", ""),
        checksums=_header_checksums(headers),
        checksum_type=headers.get("x-amz-checksum-type", ""),
        restored="expiry-date" in restore and 'ongoing-request="true"' not in restore,
        archived=storage_class in ("GLACIER", "DEEP_ARCHIVE") or "x-amz-archive-status" in headers,
        rgw="x-rgw-object-type" in headers, version_id=headers.get("x-amz-version-id", ""),
        date=http_date(headers.get("Date", "")))


def _part(item: Element) -> Part:
    leaves = {child.tag: child.text or "" for child in item}
    return Part(xmltree.whole(leaves.get("PartNumber", ""), "PartNumber"),
                xmltree.whole(leaves.get("Size", ""), "a part's size"), unquoted(leaves.get("ETag", "")),
                _checksums(leaves))


def _checksums(leaves: Mapping[str, str]) -> dict[str, str]:
    return {name: leaves[f"Checksum{name}"] for name in CHECKSUMS if leaves.get(f"Checksum{name}")}


def _header_checksums(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[f"x-amz-checksum-{name}"] for name in CHECKSUMS if f"x-amz-checksum-{name}" in headers}


def _truncated(root: Element) -> bool:
    return xmltree.text(root, "IsTruncated").strip().lower() == "true"


def _text(value: str) -> str:
    """A header's value: UTF-8 (as the HTTP library reads it), or Latin-1 where it is not that."""
    try:
        value.encode()
        return value
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")


def _metadata(value: str) -> str:
    value = _text(value)
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, MessageError):
        return value


def parse_uploaded(headers: Mapping[str, str], body: bytes) -> Copied:
    """The answer of UploadPart: all in the headers."""
    parse_nothing(200, body)
    etag = unquoted(headers.get("ETag", ""))
    if not etag:
        raise BadAnswer("a part was uploaded, but the answer has no ETag")
    return Copied(etag, _header_checksums(headers))


def parse_nothing(status: int, body: bytes) -> None:
    """An answer without content: anything in it is an error, or not S3's."""
    if body.strip():
        root = xmltree.parse(body)
        if root.tag == "Error":
            raise xmltree.error_of(root, "", status, "")
        raise BadAnswer(f"an answer with an unexpected <{root.tag[:40]}>", status)
