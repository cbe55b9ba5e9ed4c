"""What is said, in which words: sizes, times, keys in lines for people, the summary, the report's lines. Pure.

The words are the command's contract with people and scripts; they are written here once.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from s3copy_beam.model import Outcome, Result, Totals
from s3copy_beam.paths import url

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_SIZE = re.compile(r"([0-9]{1,20})(?:([KMGTP])(?:I?B)?)?", re.IGNORECASE)

WRITE_PRICE, READ_PRICE = 0.005 / 1000, 0.0004 / 1000
"""US dollars for one request: PUT, COPY, POST, LIST; GET, HEAD (AWS list prices, S3 Standard, us-east-1, 2026)."""


def parse_size(text: str) -> int:
    """Bytes of a size as typed: ``67108864``, ``64M``, ``64MB``, ``64MiB``; units are powers of 1024.

    Raises:
        ValueError: it is none; the message is for people.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no size: 67108864, 64M or 64MiB is wanted")
    return int(found[1]) << 10 * ("KMGTP".index(found[2].upper()) + 1 if found[2] else 0)


def human_size(size: int) -> str:
    """A number of bytes for people.

    >>> human_size(9), human_size(64 << 20), human_size(1503238553)
    ('9 bytes', '64 MiB', '1.4 GiB')
    """
    if size < 1024:
        return count(size, "byte")
    value, unit = float(size), 0
    while value >= 1023.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{_short(value)} {_UNITS[unit]}"


def human_duration(seconds: float) -> str:
    """A span of time for people.

    >>> human_duration(0.42), human_duration(12.3), human_duration(754), human_duration(7500)
    ('0.4 s', '12 s', '12 min 34 s', '2 h 5 min')
    """
    if seconds < 9.95:
        return f"{_short(seconds)} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def count(number: int, noun: str) -> str:
    """``1 object``, ``2 objects``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


# ------------------------------------------------------------------ keys

def escape(text: str) -> str:
    r"""Text with all that is not printable written as Python writes it: for every line for people.

    Control characters, line and paragraph separators, what turns the direction of text, invisible and private
    characters, lone surrogates: nothing of a key can forge a line or hide.

    >>> escape("a\nfailed s3://b"), escape("caf\u00e9 \u202ex")
    ('a\\nfailed s3://b', 'café \\u202ex')
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(bucket: str, key: str) -> str:
    """``s3://bucket/key`` for people: escaped."""
    return escape(url(bucket, key))


# ------------------------------------------------------------------ lines about one object

def failure_line(bucket: str, outcome: Outcome) -> str:
    """``failed s3://b/key: AccessDenied: ... (UploadPartCopy, 403, request id ...)``; `bucket` is the source's."""
    return f"failed {shown(bucket, outcome.source)}: {escape(outcome.reason)}"


def listing_failure_line(bucket: str, prefix: str, reason: str) -> str:
    """``failed listing s3://b/prefix: ...``."""
    return f"failed listing {shown(bucket, prefix)}: {escape(reason)}"


def archived_line(bucket: str, outcome: Outcome) -> str:
    """``archived s3://b/key``."""
    return f"archived {shown(bucket, outcome.source)}"


def dry_run_line(source_bucket: str, destination_bucket: str, outcome: Outcome) -> str:
    """``(dry run) copy s3://b/key to s3://d/key (1234 bytes, new, 16 parts)``."""
    about = [count(outcome.size, "byte"), "new" if outcome.new else "changed"]
    if outcome.parts:
        about.append(count(outcome.parts, "part"))
    return (f"(dry run) copy {shown(source_bucket, outcome.source)} to "
            f"{shown(destination_bucket, outcome.destination)} ({', '.join(about)})")


def verify_line(destination_bucket: str, outcome: Outcome) -> str:
    """``missing s3://d/key``; also ``different`` and ``unproven``."""
    return f"{outcome.result.value} {shown(destination_bucket, outcome.destination)}"


def outcome_line(source_bucket: str, destination_bucket: str, outcome: Outcome) -> str:
    """The line of ``-v`` for one object, in the words of its kind."""
    result = outcome.result
    if result is Result.WOULD_COPY:
        return dry_run_line(source_bucket, destination_bucket, outcome)
    if result in (Result.MISSING, Result.DIFFERENT, Result.UNPROVEN):
        return verify_line(destination_bucket, outcome)
    if result is Result.FAILED:
        return failure_line(source_bucket, outcome)
    if result is Result.COPIED:
        about = [human_size(outcome.size)]
        if outcome.parts:
            about.append(count(outcome.parts, "part"))
        if outcome.parts_reused:
            about.append(f"{outcome.parts_reused} reused")
        return (f"copied {shown(source_bucket, outcome.source)} to "
                f"{shown(destination_bucket, outcome.destination)} ({', '.join(about)})")
    return f"{result.value.replace('_', ' ')} {shown(source_bucket, outcome.source)}"


def naming_line(source_bucket: str, key: str, destination_bucket: str, destination_key: str) -> str:
    """The example of the naming: ``s3://s/a/b/x -> s3://d/b/x``."""
    return f"{shown(source_bucket, key)} -> {shown(destination_bucket, destination_key)}"


def report_line(outcome: Outcome, source_bucket: str, destination_bucket: str) -> str:
    """One object as a line of the report: JSON in ASCII, keys exact; no newline at its end."""
    return json.dumps({
        "source": url(source_bucket, outcome.source),
        "destination": url(destination_bucket, outcome.destination),
        "outcome": outcome.result.value,
        "reason": outcome.reason,
        "size": outcome.size,
        "etag": outcome.etag,
        "parts": outcome.parts,
        "parts_reused": outcome.parts_reused,
    })


# ------------------------------------------------------------------ lines about the run

def summary_line(totals: Totals, seconds: float, *, dry_run: bool = False, verify: bool = False,
                 abort_uploads: bool = False, cost: float = 0.0) -> str:
    """The last line: what the run came to.

    Args:
        totals: of the run.
        seconds: how long it took.
        dry_run: what would have been copied.
        verify: what is missing or different.
        abort_uploads: which uploads were ended.
        cost: of the requests that a dry run did not send, US dollars (`request_cost`).
    """
    if abort_uploads:
        ended = f"ended {count(totals.uploads_ended, 'upload')} ({human_size(totals.uploads_ended_bytes)})"
        return ended + (f", {totals.failed} failed" if totals.failed else "")
    told = [f"{totals.up_to_date} up to date"]
    if dry_run:
        told.insert(0, f"would copy {count(totals.would_copy, 'object')} ({human_size(totals.would_copy_bytes)})")
    elif verify:
        told += [f"{totals.missing} missing", f"{totals.different} different"]
    else:
        told.insert(0, f"copied {count(totals.copied, 'object')} ({human_size(totals.copied_bytes)})")
    told.append(f"{totals.failed} failed")
    if dry_run:
        told += [count(totals.would_request, "request"), f"about {human_cost(cost)}"]
    told += [f"{number} {word}" for word in ("archived", "vanished", "excluded", "unproven")
             if (number := getattr(totals, word))]
    return f"{', '.join(told)}, in {human_duration(seconds)}"


def request_cost(requests: int, reads: int = 0) -> float:
    """US dollars for requests, `reads` of them GET or HEAD."""
    return (requests - reads) * WRITE_PRICE + reads * READ_PRICE


def human_cost(dollars: float) -> str:
    """US dollars for people, in whole cents; less than one cent is said so.

    >>> human_cost(0.0), human_cost(0.0002), human_cost(0.0125), human_cost(1234.5)
    ('$0.00', '$0.01', '$0.02', '$1234.50')
    """
    cents = math.ceil(round(dollars * 100, 6))  # a bill should not be above what was said
    return f"${cents // 100}.{cents % 100:02d}"


def uploads_left_line(totals: Totals) -> str:
    """Which unfinished uploads an interruption or failure kept; empty: none."""
    if not totals.uploads_left:
        return ""
    return (f"{count(totals.uploads_left, 'upload')} ({human_size(totals.uploads_left_bytes)}) left unfinished, to be "
            "resumed by the same command, billed until then; end them with --abort-uploads")


def nothing_line(label: str) -> str:
    """``nothing at s3://b/path``; `label` as it was typed."""
    return f"nothing at {escape(label)}"


_JSON = ("copied", "copied_bytes", "up_to_date", "failed", "archived", "vanished", "excluded", "unproven",
         "parts_copied", "parts_reused", "requests", "retries", "throttled", "uploads_left")


def json_summary(totals: Totals, seconds: float, *, dry_run: bool = False, verify: bool = False,
                 abort_uploads: bool = False) -> dict[str, Any]:
    """The fields of ``--json``."""
    fields: dict[str, Any] = {name: getattr(totals, name) for name in _JSON}
    if verify:
        fields |= {"missing": totals.missing, "different": totals.different}
    if abort_uploads:
        fields |= {"uploads_ended": totals.uploads_ended, "uploads_ended_bytes": totals.uploads_ended_bytes}
    if dry_run:
        fields |= {"would_copy": totals.would_copy, "would_copy_bytes": totals.would_copy_bytes,
                   "would_request": totals.would_request}
    return fields | {"seconds": round(seconds, 2), "dry_run": dry_run}
