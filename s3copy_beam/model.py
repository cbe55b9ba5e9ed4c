"""The words of this project: what a listing shows, what is to be copied, what became of it.

No Beam, no network. Sizes are bytes, times are whole seconds since 1970 (UTC), ETags are without quotes.
Elements of the pipeline are named tuples: cheap to make by the million and to send between machines.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields
from typing import NamedTuple


class Listed(NamedTuple):
    """One object as a listing (or a HEAD) shows it."""

    key: str
    size: int
    etag: str
    modified: int
    storage_class: str = "STANDARD"
    restored: bool = False
    """Archived, and restored for now: it can be read."""


class Planned(NamedTuple):
    """One object that is to be copied: this version of the source, to this key."""

    source: str
    """Source key."""
    destination: str
    """Destination key."""
    size: int
    etag: str
    modified: int
    storage_class: str = "STANDARD"
    replaces: str = ""
    """ETag of the destination object that was seen when this was planned; empty: there was none."""
    in_place: bool = False
    """Source and destination are one object, rewritten with other settings."""

    @property
    def multipart(self) -> bool:
        """Whether the source was uploaded in parts: its ETag ends in ``-N`` (S3 documentation, ETag)."""
        return "-" in self.etag


Batch = tuple[Planned, ...]
"""Small objects copied together: bounded in objects and in bytes."""


class Result(str, enum.Enum):
    """How an object ended. Values are the words of the report."""

    COPIED = "copied"
    UP_TO_DATE = "up_to_date"
    FAILED = "failed"
    ARCHIVED = "archived"
    VANISHED = "vanished"
    EXCLUDED = "excluded"
    WOULD_COPY = "would_copy"
    MISSING = "missing"
    DIFFERENT = "different"
    UNPROVEN = "unproven"


class Outcome(NamedTuple):
    """How one object ended: one line of the report."""

    source: str
    destination: str
    result: Result
    reason: str = ""
    size: int = 0
    etag: str = ""
    """Of the source."""
    parts: int = 0
    """Parts of the copy; 0 for an object copied whole."""
    parts_reused: int = 0
    new: bool = True
    """Nothing was at the destination before (a dry run says ``new`` or ``changed``)."""


def outcome_of(planned: Planned, result: Result, reason: str = "", parts: int = 0, reused: int = 0) -> Outcome:
    """The outcome of a planned copy."""
    return Outcome(planned.source, planned.destination, result, reason, planned.size, planned.etag, parts, reused,
                   not planned.replaces)


MAX_MESSAGES = 100
MAX_MESSAGE_BYTES = 48_000
"""Together: Totals travel in one metric, which runners bound (Beam's string sets: 1,000,000 bytes)."""


@dataclass
class Totals:
    """What a bundle, or the run, came to. Sums; adding two is commutative and associative up to which messages stay."""

    copied: int = 0
    copied_bytes: int = 0
    up_to_date: int = 0
    failed: int = 0
    archived: int = 0
    vanished: int = 0
    excluded: int = 0
    unproven: int = 0
    missing: int = 0
    different: int = 0
    would_copy: int = 0
    would_copy_bytes: int = 0
    would_request: int = 0
    parts_copied: int = 0
    parts_reused: int = 0
    requests: int = 0
    retries: int = 0
    throttled: int = 0
    uploads_left: int = 0
    uploads_left_bytes: int = 0
    uploads_ended: int = 0
    uploads_ended_bytes: int = 0
    stopped: int = 0
    """Bundles that a signal (or credentials that ran out) ended early: the run is not complete."""
    failures: list[str] = field(default_factory=list)
    """Lines for people, escaped; at most MAX_MESSAGES and MAX_MESSAGE_BYTES."""
    archives: list[str] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)
    """Paths or prefixes that named nothing."""
    nothings: int = 0
    warnings: list[str] = field(default_factory=list)
    """Said once each."""
    fatal: str = ""
    """One line: the run could not work at all (exit status 2)."""

    def add(self, other: Totals) -> Totals:
        """Adds `other` to this one, in place, and returns it."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _MESSAGES:
            mine: list[str] = getattr(self, name)
            for line in getattr(other, name):
                say(mine, line)
        self.fatal = self.fatal or other.fatal
        return self

    def count(self, outcome: Outcome) -> None:
        """Counts one object. Its line for people is the caller's to add: it knows the buckets."""
        result = outcome.result
        if result is Result.COPIED:
            self.copied += 1
            self.copied_bytes += outcome.size
        elif result is Result.WOULD_COPY:
            self.would_copy += 1
            self.would_copy_bytes += outcome.size
        elif result is Result.UNPROVEN:
            self.unproven += 1
            self.up_to_date += 1
        else:
            setattr(self, result.value, getattr(self, result.value) + 1)


_COUNTS = tuple(f.name for f in fields(Totals) if f.type == "int")
_MESSAGES = tuple(f.name for f in fields(Totals) if f.type == "list[str]")


def say(lines: list[str], line: str) -> None:
    """Appends a line unless it is there, or the list is full."""
    if len(lines) < MAX_MESSAGES and line not in lines and sum(map(len, lines)) + len(line) <= MAX_MESSAGE_BYTES:
        lines.append(line)
