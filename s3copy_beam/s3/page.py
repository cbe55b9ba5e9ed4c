"""A page of a listing (ListObjectsV2), from its bytes: the hot path of every comparison.

The objects of a page nearly always have one shape. It is learned from the page's first object and becomes one compiled
pattern, which must then account for every `<Contents>` of the page; what stands around them is parsed as XML. Any page
that is unusual in any way goes through the XML parser as a whole; both give the same answer, as tests show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element

from s3copy_beam.model import Listed
from s3copy_beam.s3 import xmltree
from s3copy_beam.s3.errors import BadAnswer

_FIELDS = ("Key", "LastModified", "ETag", "Size", "StorageClass")
_GROUPS = {
    "Key": r"<Key>([^<&]+)</Key>",
    "LastModified": r"<LastModified>(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?Z</LastModified>",
    "ETag": r'<ETag>(?:&quot;|&#34;|")?([^<&"]*)(?:&quot;|&#34;|")?</ETag>',
    "Size": r"<Size>(\d{1,19})</Size>",
    "StorageClass": r"<StorageClass>([A-Z_0-9]+)</StorageClass>",
}
_OTHER = r"(?:<(?!(?:Key|LastModified|ETag|Size|StorageClass|RestoreStatus|/?Contents)[\s>/]|[!?])[^<]*)*"
"""Tags that do not matter (Owner, ChecksumType, ...), with their text; neither comments nor CDATA."""
_AROUND = re.compile(
    rb'\s*(?:<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")?(?: standalone="(?:yes|no)")?\s*\?>)?'
    rb"(?:[^<]|<[^!?])*")
"""What stands around the objects: no comments, no document type, no other encoding."""
_TAGS = re.compile(r"<(Key|LastModified|ETag|Size|StorageClass)>")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


class Page(NamedTuple):
    """One page of a listing: its objects as the store orders them, and how it goes on."""

    objects: list[Listed]
    more: bool
    token: str
    """Continues the listing; empty where it ends."""


def parse_page(body: bytes) -> Page:
    """The page of an answer to ListObjectsV2 that was asked for with encoding-type=url.

    Raises:
        BadAnswer: the answer is cut, is not a listing, or says that it goes on but not how.
        S3Error: the answer is an `<Error>`.
    """
    return _fast(body) or parse_page_as_xml(body)


def parse_page_as_xml(body: bytes) -> Page:
    """The same, always through the XML parser."""
    root = xmltree.rooted(body, "ListBucketResult")
    encoded = xmltree.text(root, "EncodingType") == "url"
    return _page(root, [_listed(item, encoded) for item in root.iter("Contents")])


def _fast(body: bytes) -> Page | None:
    """The page, or None where its shape is not the usual one."""
    first, last = body.find(b"<Contents>"), body.rfind(b"</Contents>")
    if first < 0 or last < first:
        return None
    last += len("</Contents>")
    around = body[:first] + body[last:]
    if b"Contents" in around or not _AROUND.fullmatch(around):
        return None
    try:
        text = body[first:last].decode()
    except UnicodeDecodeError:
        return None
    count = text.count("<Contents")
    if text.count("</Contents><Contents>") != count - 1:
        return None
    order = tuple(_TAGS.findall(text, 0, text.find("</Contents>")))
    pattern = _pattern(order)
    if pattern is None:
        return None
    rows = pattern.findall(text)
    if len(rows) != count:
        return None
    root = xmltree.rooted(around, "ListBucketResult")
    if xmltree.text(root, "EncodingType") != "url":
        return None
    try:
        return _page(root, _objects(rows, order))
    except (ValueError, IndexError):  # a date or a key that is none: the XML parser finds the words for it
        return None


def _objects(rows: Iterable[tuple[str, ...]], order: tuple[str, ...]) -> list[Listed]:
    """Rows of the pattern's groups, as objects."""
    where: dict[str, int] = {}
    place = 0
    for name in order:
        where[name] = place
        place += 4 if name == "LastModified" else 1
    key, when, etag, size = where["Key"], where["LastModified"], where["ETag"], where["Size"]
    hours, minutes, seconds = when + 1, when + 2, when + 3
    storage = where.get("StorageClass", -1)
    new, day = tuple.__new__, _midnight
    objects = []
    for row in rows:
        name = row[key]
        if "%" in name or "+" in name:
            name = unquote_plus(name, errors="strict")
        objects.append(new(Listed, (
            name, int(row[size]), row[etag],
            day(row[when]) + int(row[hours]) * 3600 + int(row[minutes]) * 60 + int(row[seconds]),
            row[storage] if storage >= 0 else "STANDARD", False)))
    return objects


@lru_cache(maxsize=64)
def _pattern(order: tuple[str, ...]) -> re.Pattern[str] | None:
    """One object whose fields stand in this order; None where that is no order of an object."""
    needed = set(_FIELDS) - {"StorageClass"}
    if len(set(order)) != len(order) or not needed <= set(order):
        return None
    return re.compile("<Contents>" + _OTHER + _OTHER.join(_GROUPS[name] for name in order) + _OTHER + "</Contents>",
                      re.ASCII)


@lru_cache(maxsize=4096)
def _midnight(day: str) -> int:
    return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc).timestamp())


def timestamp(value: str) -> int:
    """Whole seconds since 1970 of a time as S3's XML has it.

    Raises:
        BadAnswer: it is no time.
    """
    found = _TIME.fullmatch(value)
    try:
        if not found:
            raise ValueError
        day, hours, minutes, seconds, zone = found.groups()
        offset = 0
        if zone and zone != "Z":
            offset = int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
        return _midnight(day) + int(hours) * 3600 + int(minutes) * 60 + int(seconds) - offset
    except ValueError:
        raise BadAnswer(f"a time that is none: {value[:40]!r}") from None


def decoded(key: str, encoded: bool) -> str:
    """A key of an answer as it is: space came as `+` or `%20` where the store heeded encoding-type=url.

    Raises:
        BadAnswer: it is not UTF-8.
    """
    try:
        return unquote_plus(key, errors="strict") if encoded else key
    except UnicodeDecodeError:
        raise BadAnswer("a key that is not UTF-8") from None


def unquoted(etag: str) -> str:
    """An ETag without the quotes that headers and bodies put around it, or not."""
    return etag.strip().strip('"')


def _page(root: Element, objects: list[Listed]) -> Page:
    said = xmltree.text(root, "IsTruncated").strip().lower()
    if said not in ("true", "false"):
        raise BadAnswer("a listing that does not say whether it goes on")
    token = xmltree.text(root, "NextContinuationToken")
    if said == "true" and not token:
        raise BadAnswer("a listing that goes on but does not say where")
    return Page(objects, said == "true", token if said == "true" else "")


def _listed(item: Element, encoded: bool) -> Listed:
    key = decoded(xmltree.text(item, "Key"), encoded)
    if not key:
        raise BadAnswer("a listing with an object that has no key")
    restore = item.find("RestoreStatus")
    restored = restore is not None and bool(xmltree.text(restore, "RestoreExpiryDate"))
    return Listed(key, xmltree.whole(xmltree.text(item, "Size"), "an object's size"),
                  unquoted(xmltree.text(item, "ETag")), timestamp(xmltree.text(item, "LastModified")),
                  xmltree.text(item, "StorageClass", "STANDARD"), restored)
