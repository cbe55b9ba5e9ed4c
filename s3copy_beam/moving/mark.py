"""The mark: what makes an unfinished upload known as ours, for one version of a source and one set of options. Pure.

Neither ListMultipartUploads nor ListParts shows what Create was given, nor who began an upload. So each upload of ours
gets a part 10,000 of a fixed, odd length right after Create. ListParts shows its ETag, the MD5 of its bytes; Complete
does not list it, so it vanishes with the upload.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from s3copy_beam.layout import Layout
from s3copy_beam.model import Planned
from s3copy_beam.options import MARK_PART, Access
from s3copy_beam.s3.answers import Part

MARK_BYTES = 211
"""Exact length of every mark: uploads of ours are known by a part 10,000 of this length."""


def mark_of(source: Access, planned: Planned, layout: Layout, create: Mapping[str, str]) -> bytes:
    """The mark of an upload: the same bytes for the same source version, layout and settings, and for no other.

    Args:
        source: the source bucket; by which of a store's doors it is reached makes no difference.
        create: the headers that CreateMultipartUpload is given.
    """
    version = [source.bucket, planned.source, planned.etag, planned.size]
    settings = [list(layout), planned.destination, sorted(create.items())]
    lines = ["s3copy_beam upload mark 1", _digest(version), _digest(settings)]
    return "\n".join(lines).ljust(MARK_BYTES - 1).encode() + b"\n"


def can_be_marked(layout: Layout) -> bool:
    """Whether part 10,000 is free."""
    return layout.number_of_parts < MARK_PART


def mark_among(parts: Sequence[Part]) -> Part | None:
    """The mark among all parts of an upload, whatever it says; None: the upload is not ours.

    All parts are to be listed: moto and MinIO list nothing behind a part-number-marker that is no part of the upload.
    """
    return next((part for part in parts if part.number == MARK_PART and part.size == MARK_BYTES), None)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()
