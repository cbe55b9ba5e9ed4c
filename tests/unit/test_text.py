"""The words of the command."""

from __future__ import annotations

import doctest
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3copy_beam import text
from s3copy_beam.model import Outcome, Result, Totals


def test_doctests() -> None:
    assert doctest.testmod(text).failed == 0


@pytest.mark.parametrize(("typed", "size"), [
    ("67108864", 67108864), ("64M", 64 << 20), ("64MiB", 64 << 20), ("64mib", 64 << 20), ("64MB", 64 << 20),
    ("5G", 5 << 30), ("5GiB", 5 << 30), ("1K", 1024), ("0", 0), ("1TiB", 1 << 40),
])
def test_sizes(typed: str, size: int) -> None:
    assert text.parse_size(typed) == size


@pytest.mark.parametrize("typed", ["", "M", "-1", "1.5G", "64X", "64 M B", "1e9", "٣M", "64B", "9" * 30])
def test_no_sizes(typed: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        text.parse_size(typed)


@pytest.mark.parametrize(("size", "said"), [
    (0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1048575, "1 MiB"),
    (1048524, "1023.9 KiB"), (5 << 30, "5 GiB"), (50 << 40, "50 TiB"), (3 << 60, "3072 PiB"),
])
def test_human_size(size: int, said: str) -> None:
    assert text.human_size(size) == said


@pytest.mark.parametrize(("seconds", "said"), [
    (0.04, "0 s"), (1.96, "2 s"), (9.94, "9.9 s"), (9.97, "10 s"), (119.4, "119 s"), (119.6, "2 min 0 s"),
    (7199.7, "2 h 0 min"),
])
def test_human_duration(seconds: float, said: str) -> None:
    assert text.human_duration(seconds) == said


@pytest.mark.parametrize(("key", "said"), [
    ("a b/é/\U0001f600", "a b/é/\U0001f600"), ("a\nb", r"a\nb"), ("a\r\x1b[2Jb\x07", r"a\r\x1b[2Jb\x07"),
    ("a\x85b\u2028c", r"a\x85b\u2028c"), ("\u202etxt.exe", r"\u202etxt.exe"), ("a\udcffb", r"a\udcffb"),
    ("\u200b\ufeff", r"\u200b\ufeff"), ("\x00\x7f", r"\x00\x7f"), ("\U000e0001", r"\U000e0001"),
])
def test_escape(key: str, said: str) -> None:
    assert text.escape(key) == said


@given(st.text(st.characters()))
def test_nothing_of_a_key_forges_a_line(key: str) -> None:
    outcome = Outcome(key, key, Result.FAILED, key, 1, "e")
    for line in (text.failure_line("b", outcome), text.archived_line("b", outcome), text.verify_line("b", outcome),
                 text.dry_run_line("b", "d", outcome), text.outcome_line("b", "d", outcome), text.nothing_line(key),
                 text.listing_failure_line("b", key, key), text.naming_line("b", key, "d", key)):
        assert line.isprintable()
        assert len(line.splitlines()) == 1
    line = text.report_line(outcome, "b", "d")
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["source"] == (f"s3://b/{key}" if key else "s3://b")


def test_report_line() -> None:
    outcome = Outcome("k\n", "x/k", Result.COPIED, "", 9, "abc-2", 2, 1)
    assert json.loads(text.report_line(outcome, "b", "d")) == {
        "source": "s3://b/k\n", "destination": "s3://d/x/k", "outcome": "copied", "reason": "", "size": 9,
        "etag": "abc-2", "parts": 2, "parts_reused": 1}


def test_lines_about_one_object() -> None:
    outcome = Outcome("k", "x/k", Result.WOULD_COPY, "", 1234, "e")
    assert text.dry_run_line("b", "d", outcome) == "(dry run) copy s3://b/k to s3://d/x/k (1234 bytes, new)"
    big = outcome._replace(parts=16, new=False)
    assert text.outcome_line("b", "d", big) == "(dry run) copy s3://b/k to s3://d/x/k (1234 bytes, changed, 16 parts)"
    failed = outcome._replace(result=Result.FAILED, reason="AccessDenied: no (CopyObject, 403, request id X)")
    assert text.outcome_line("b", "d", failed) == "failed s3://b/k: AccessDenied: no (CopyObject, 403, request id X)"
    assert text.outcome_line("b", "d", outcome._replace(result=Result.ARCHIVED)) == "archived s3://b/k"
    assert text.outcome_line("b", "d", outcome._replace(result=Result.MISSING)) == "missing s3://d/x/k"
    assert text.outcome_line("b", "d", outcome._replace(result=Result.UP_TO_DATE)) == "up to date s3://b/k"
    copied = outcome._replace(result=Result.COPIED, parts=3, parts_reused=1)
    assert text.outcome_line("b", "d", copied) == "copied s3://b/k to s3://d/x/k (1.2 KiB, 3 parts, 1 reused)"


def test_summary_lines() -> None:
    totals = Totals(copied=120, copied_bytes=1503238553, up_to_date=880)
    assert text.summary_line(totals, 12.1) == "copied 120 objects (1.4 GiB), 880 up to date, 0 failed, in 12 s"
    totals = Totals(copied=1, archived=3, vanished=2, excluded=5, unproven=1, failed=4, up_to_date=1)
    assert text.summary_line(totals, 2) == ("copied 1 object (0 bytes), 1 up to date, 4 failed, 3 archived, "
                                            "2 vanished, 5 excluded, 1 unproven, in 2 s")
    totals = Totals(up_to_date=880, would_copy=120, would_copy_bytes=1503238553, would_request=124)
    assert text.summary_line(totals, 2.04, dry_run=True, cost=text.request_cost(124)) == (
        "would copy 120 objects (1.4 GiB), 880 up to date, 0 failed, 124 requests, about $0.01, in 2 s")
    totals = Totals(up_to_date=2, would_copy=1, unproven=1)
    assert text.summary_line(totals, 2, dry_run=True).endswith("0 failed, 0 requests, about $0.00, 1 unproven, in 2 s")
    totals = Totals(up_to_date=7, missing=2, different=1, unproven=3)
    assert text.summary_line(totals, 1, verify=True) == (
        "7 up to date, 2 missing, 1 different, 0 failed, 3 unproven, in 1 s")
    totals = Totals(uploads_ended=3, uploads_ended_bytes=1288490189)
    assert text.summary_line(totals, 1, abort_uploads=True) == "ended 3 uploads (1.2 GiB)"


def test_uploads_left() -> None:
    assert text.uploads_left_line(Totals()) == ""
    assert text.uploads_left_line(Totals(uploads_left=3, uploads_left_bytes=1288490189)) == (
        "3 uploads (1.2 GiB) left unfinished, to be resumed by the same command, billed until then; "
        "end them with --abort-uploads")


def test_cost() -> None:
    assert text.request_cost(2000, 1000) == pytest.approx(0.0054)
    assert text.human_cost(text.request_cost(2000)) == "$0.01"


def test_json_summary() -> None:
    plain = text.json_summary(Totals(copied=2, unproven=1), 12.104)
    assert list(plain) == ["copied", "copied_bytes", "up_to_date", "failed", "archived", "vanished", "excluded",
                           "unproven", "parts_copied", "parts_reused", "requests", "retries", "throttled",
                           "uploads_left", "seconds", "dry_run"]
    assert (plain["copied"], plain["seconds"], plain["dry_run"]) == (2, 12.1, False)
    dry = text.json_summary(Totals(would_copy=1), 1, dry_run=True)
    assert dry.keys() - plain.keys() == {"would_copy", "would_copy_bytes", "would_request"}
    assert text.json_summary(Totals(), 1, verify=True).keys() - plain.keys() == {"missing", "different"}
