"""Where an object is cut into parts, and which ETag the parts make. Pure arithmetic.

Rules from the S3 documentation: part numbers 1..10,000, parts of 5 MiB..5 GiB, the last of any size; the ETag of a
multipart object of plain MD5 parts is ``md5(md5(part 1) + md5(part 2) + ...)-N``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from s3copy_beam.model import Planned
from s3copy_beam.options import MARK_PART, MAX_COPY, MAX_PART, MAX_PARTS, MIB, CopyOptions

_MD5 = re.compile(r"[0-9a-f]{32}")
_MULTIPART = re.compile(r"[0-9a-f]{32}-([0-9]{1,5})")


class Layout(NamedTuple):
    """Part boundaries of one object: uniform (`part_size`), or one by one (`sizes`). All in bytes."""

    size: int
    part_size: int = 0
    sizes: tuple[int, ...] = ()

    @property
    def number_of_parts(self) -> int:
        """Number of parts; an empty object has one empty part."""
        return len(self.sizes) or max(1, -(-self.size // self.part_size))

    def part(self, number: int) -> tuple[int, int]:
        """(first byte, size) of a part, numbered from 1."""
        if self.sizes:
            return sum(self.sizes[: number - 1]), self.sizes[number - 1]
        first = (number - 1) * self.part_size
        return first, min(self.part_size, self.size - first)

    def parts(self) -> Iterator[tuple[int, int, int]]:
        """(number, first byte, size) of each part, in order."""
        first = 0
        for number in range(1, self.number_of_parts + 1):
            size = self.sizes[number - 1] if self.sizes else min(self.part_size, self.size - first)
            yield number, first, size
            first += size


def parts_of_etag(etag: str) -> int:
    """Number of parts that an ETag tells (``...-N``); 0 for an object that was not uploaded in parts, or in more parts
    than there can be.

    >>> parts_of_etag("d41d8cd98f00b204e9800998ecf8427e-16"), parts_of_etag("d41d8cd98f00b204e9800998ecf8427e")
    (16, 0)
    """
    head, dash, count = etag.rpartition("-")
    if not (dash and head and count.isdecimal() and count.isascii() and len(count) <= 5):
        return 0
    return int(count) if int(count) <= MAX_PARTS else 0


def expected_etag(parts: Iterable[str]) -> str:
    """The ETag of a multipart object of parts with these ETags; "" where one of them is no MD5.

    >>> expected_etag(["d41d8cd98f00b204e9800998ecf8427e"])
    '59adb24ef3cdbe0297f05b395827453f-1'
    """
    total, count = hashlib.md5(usedforsecurity=False), 0
    for etag in parts:
        if not _MD5.fullmatch(etag):
            return ""
        total.update(bytes.fromhex(etag))
        count += 1
    return f"{total.hexdigest()}-{count}" if count else ""


def is_md5(etag: str) -> bool:
    """Whether an ETag looks like a plain MD5."""
    return bool(_MD5.fullmatch(etag))


def may_be_computed(etag: str) -> bool:
    """Whether an ETag looks like one that is made of its parts' MD5s."""
    return bool(_MULTIPART.fullmatch(etag))


def chosen(size: int, wanted: int) -> Layout:
    """The layout of an object whose own is not kept: parts of `wanted` bytes, grown so that they suffice.

    One part number stays free for the mark of the upload.
    """
    step = max(MIB, wanted // 2)
    least = -(-size // (MARK_PART - 1))
    steps = max(0, -(-(least - wanted) // step))
    return Layout(size, min(wanted + steps * step, MAX_PART))


def uniform(size: int, count: int, first_part: int) -> Layout | None:
    """The layout that the size of part 1 and the number of parts tell, if it is uniform; None: look at each part.

    >>> uniform(20, 3, 8)
    Layout(size=20, part_size=8, sizes=())
    >>> uniform(20, 3, 5) is None
    True
    """
    if first_part > 0 and max(1, -(-size // first_part)) == count:
        return Layout(size, first_part)
    return None


def guessed(size: int, count: int) -> Layout | None:
    """The most likely layout where only the size and the number of parts are known: whole MiB, as tools choose them.

    The computed ETag tells afterwards whether it was right.
    """
    if not 0 < count <= MAX_PARTS or size == 0:
        return Layout(size, MIB) if size == 0 and count == 1 else None
    least = -(-size // count)
    part_size = max(5 * MIB, -(-least // MIB) * MIB) if count > 1 else size
    for likely in (5 * MIB, 8 * MIB, 16 * MIB, 64 * MIB):
        if -(-size // likely) == count:
            part_size = likely
            break
    return uniform(size, count, part_size)


def exact(sizes: Sequence[int]) -> Layout:
    """A layout given part by part."""
    return Layout(sum(sizes), 0, tuple(sizes))


def in_parts(planned: Planned, options: CopyOptions) -> bool:
    """Whether an object is copied in parts: it was uploaded so and that is kept, or it is too large for one request."""
    if planned.size > MAX_COPY:
        return True
    if planned.multipart:
        return options.multipart == "keep"
    return planned.size > options.large_file


def planned_parts(planned: Planned, options: CopyOptions) -> int:
    """How many parts a copy will have, as far as the listing tells; 0: copied whole."""
    if not in_parts(planned, options):
        return 0
    return parts_of_etag(planned.etag) or chosen(planned.size, options.part_size).number_of_parts
