"""Learning how a source object was cut into parts, with as few requests as it takes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple

from s3copy_beam.layout import Layout, chosen, exact, guessed, is_md5, may_be_computed, parts_of_etag, uniform
from s3copy_beam.model import Planned
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.source import changed
from s3copy_beam.options import MAX_COPY, MAX_PART, MAX_PARTS
from s3copy_beam.s3.answers import Head
from s3copy_beam.s3.errors import S3Error

KMS = frozenset({"aws:kms", "aws:kms:dsse", "SSE-C"})
"""Encryptions under which an ETag is no MD5 (S3 documentation, ETag)."""


class Learned(NamedTuple):
    """The source as it is, and the layout of its copy."""

    head: Head
    layout: Layout
    exact: bool
    """The copy must come out with the source's ETag."""
    guess: bool
    """The layout is only likely: the ETag may come out equal, and need not."""


async def learn_layout(desk: Desk, planned: Planned) -> Learned:
    """The layout for a copy: one HEAD for a uniform one.

    Raises:
        SourceChanged: the source is another version than the one planned.
        S3Error: it cannot be looked at; or it has metadata that headers cannot carry.
    """
    head = await _head(desk, planned)
    if head.etag != planned.etag:  # some stores tell of a part as of an object: its own ETag, and no metadata
        whole = await desk.source.head(planned.source, checksums=True)
        if whole.etag != planned.etag:
            raise changed(whole)
        head = replace(whole, part_size=head.part_size, parts_count=head.parts_count)
    if head.missing_meta:
        raise S3Error("MissingMetadata", f"{head.missing_meta} metadata entries cannot be read through headers",
                      0, "HeadObject")
    if planned.size > MAX_PART * MAX_PARTS:
        raise S3Error("EntityTooLarge", f"{planned.size} bytes are more than an object can have", 0, "HeadObject")
    count = parts_of_etag(planned.etag)
    if not count or desk.options.multipart == "simple" and planned.size <= MAX_COPY:
        return Learned(head, chosen(planned.size, desk.options.part_size), False, False)
    comparable = may_be_computed(planned.etag) and head.encryption not in KMS
    if planned.size == 0:
        return Learned(head, Layout(0, 1), comparable, False)
    if head.parts_count == count and head.part_size:
        layout = uniform(planned.size, count, head.part_size) or await exact_layout(desk, planned)
        if layout is not None:
            return Learned(head, layout, comparable, False)
    else:
        layout = await _told_by_attributes(desk, planned, count)
        if layout is not None:
            return Learned(head, layout, comparable, False)
    likely = guessed(planned.size, count)
    return Learned(head, likely or chosen(planned.size, desk.options.part_size), False, likely is not None)


async def exact_layout(desk: Desk, planned: Planned) -> Layout | None:
    """The layout part by part; None where the store does not tell it."""
    count = parts_of_etag(planned.etag)
    told = await _told_by_attributes(desk, planned, count)
    if told is not None:
        return told
    try:
        heads = await asyncio.gather(*(desk.source.head(planned.source, part_number=n) for n in range(1, count + 1)))
    except S3Error as error:
        if error.status not in (400, 405, 416, 501):
            raise
        return None  # gaps in the numbering (416), or a store that cannot tell
    if not all(_is_of(head, planned) for head in heads):
        raise changed(await desk.source.head(planned.source))
    sizes = [head.part_size or 0 for head in heads]
    return exact(sizes) if sum(sizes) == planned.size and all(sizes) else None


def _is_of(head: Head, planned: Planned) -> bool:
    """Whether a HEAD, maybe of one part, shows the planned version.

    Some stores tell a part's own MD5 as its ETag. Then only the number of parts speaks for the version here; the ETag
    that the parts make, checked before Complete, decides.
    """
    if head.etag == planned.etag:
        return True
    own = head.part_size is not None and is_md5(head.etag) and may_be_computed(planned.etag)
    return own and head.parts_count == parts_of_etag(planned.etag) and head.encryption not in KMS


async def _head(desk: Desk, planned: Planned) -> Head:
    """HEAD of part 1, which tells the layout too, where the source was uploaded in parts, and has any byte."""
    part_number = int(planned.multipart and planned.size > 0)  # SeaweedFS answers 500 for a part of no bytes
    return await desk.source.head(planned.source, part_number=part_number, checksums=True)


async def _told_by_attributes(desk: Desk, planned: Planned, count: int) -> Layout | None:
    """The layout as GetObjectAttributes tells it (on AWS only for objects with an additional checksum)."""
    try:
        parts = await desk.source.attributes(planned.source)
    except S3Error:
        return None  # an optional question: HEADs answer it too
    sizes = [part.size for part in parts]
    return exact(sizes) if len(sizes) == count and sum(sizes) == planned.size else None
