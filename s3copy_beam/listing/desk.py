"""What comparing needs at hand, and what it makes: plans for copies, and the outcomes of what needs none."""

from __future__ import annotations

from dataclasses import dataclass, field

from s3copy_beam.listing.judge import Judge
from s3copy_beam.model import Outcome, Planned, Totals
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.client import S3Client


@dataclass(frozen=True)
class Desk:
    """Made once for each run and process.

    Attributes:
        source: lists and looks at source objects.
        lister: lists and looks at destination objects; maybe another identity than the one that writes them.
        judge: decides which destination objects are up to date, and remembers what it learned of the store.
    """

    options: CopyOptions
    source: S3Client
    lister: S3Client
    judge: Judge


@dataclass
class Compared:
    """What one page of keys came to.

    Attributes:
        planned: to be copied.
        outcomes: objects that ended here and are reported one by one: failed, archived, vanished, the words of
            `--verify`; with `--report-all` the up-to-date ones too.
        totals: counts and messages of all objects that ended here (those of `outcomes` included, planned ones not).
    """

    planned: list[Planned] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
