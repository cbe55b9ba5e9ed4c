"""What moving an object needs at hand: options, clients, and what was learned about the store so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from s3copy_beam.observe import Observer
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.client import S3Client
from s3copy_beam.s3.errors import S3Error


@dataclass
class Store:
    """What a destination was seen to do in this process. Starts with what S3 documents."""

    takes_checksums: bool = True
    """UploadPartCopy into an upload whose Create named a checksum algorithm."""
    took_checksums: bool = False
    """It was seen to do so."""
    takes_marks: bool = True
    """Complete need not list every part that was uploaded."""
    takes_conditions: bool = True
    """If-Match and If-None-Match on Complete."""
    lists_uploads: bool = True
    finds_by_prefix: bool | None = None
    """ListMultipartUploads with a prefix; None: not known yet."""
    learning: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one that finds something out for all."""
    keeps_etags: bool = False
    """A plain ETag was seen to be the same on a copy: where another is not, the copy is wrong."""
    has_own_etags: bool = False
    """A plain ETag was seen to be another on a copy, and on its repetition."""


@dataclass
class Tally:
    """What is counted beside the outcomes of objects; taken by whoever reports next."""

    parts_copied: int = 0
    uploads_left: int = 0
    uploads_left_bytes: int = 0
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Desk:
    """Made once for each run and process.

    Attributes:
        source: reads source objects (HEAD, tags).
        destination: writes, and lists uploads; the first identity.
        lister: looks at destination objects; maybe another identity.
        work: reads and writes the part files of ``--staged``; the first identity. `lister` lists them, where it can.
        learned: told whether a plain ETag was seen to be an MD5 (cli.md, row 6).
    """

    options: CopyOptions
    source: S3Client
    destination: S3Client
    lister: S3Client
    work: S3Client
    observer: Observer
    learned: Callable[[bool], None]
    store: Store = field(default_factory=Store)
    tally: Tally = field(default_factory=Tally)

    def warn(self, text: str, error: Exception | None = None) -> None:
        """Has something said once, at the end of the run, however many objects it happens to."""
        if error is not None:
            text += f": {error.outline if isinstance(error, S3Error) else error}"
        if text not in self.tally.warnings:
            self.tally.warnings.append(text)

    def cannot_resume(self, error: S3Error) -> None:
        """Unfinished uploads may not be listed: nobody asks again."""
        self.store.lists_uploads = False
        self.warn("unfinished uploads cannot be listed, so none is resumed", error)
