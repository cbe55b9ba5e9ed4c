"""Copies S3 buckets as an Apache Beam pipeline: many objects at a time, checked, resumable, run again to sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3copy_beam.options import CopyOptions
    from s3copy_beam.pipeline import CopyBucket

__all__ = ["CopyBucket", "CopyOptions"]


def __getattr__(name: str) -> Any:
    """Imports what is asked for: Beam takes over a second to import, which wrong usage need not wait for."""
    if name == "CopyBucket":
        from s3copy_beam.pipeline import CopyBucket

        return CopyBucket
    if name == "CopyOptions":
        from s3copy_beam.options import CopyOptions

        return CopyOptions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
