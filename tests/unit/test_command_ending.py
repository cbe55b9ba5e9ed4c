"""The exit status, what is said at the end, and what is said while a run goes on."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from s3copy_beam.command import ending
from s3copy_beam.command.observer import LiveObserver
from s3copy_beam.command.parser import Arguments
from s3copy_beam.command.report import SHARD, Report, clear, replaces
from s3copy_beam.command.screen import Screen
from s3copy_beam.model import Outcome, Result, Totals
from s3copy_beam.options import Access, CopyOptions
from tests.support.command import S3COPY

OPTIONS = CopyOptions(Access("s"), Access("d"), Access("d"))


@pytest.mark.parametrize(("totals", "words", "options", "status"), [
    (Totals(), {}, {}, 0),
    (Totals(copied=3, up_to_date=2, vanished=1, excluded=1, unproven=1), {}, {}, 0),
    (Totals(failed=1), {}, {}, 1),
    (Totals(stopped=1), {}, {}, 1),
    (Totals(archived=1), {}, {}, 1),
    (Totals(archived=1), {"ignore_archived": True}, {}, 0),
    (Totals(archived=1, failed=1), {"ignore_archived": True}, {}, 1),
    (Totals(nothings=1), {}, {}, 1),
    (Totals(nothings=1), {"allow_empty": True}, {}, 0),
    (Totals(missing=1), {}, {"verify": True}, 1),
    (Totals(different=1), {}, {"verify": True}, 1),
    (Totals(unproven=1), {}, {"verify": True}, 1),
    (Totals(unproven=1), {}, {"verify": True, "compare": "size"}, 0),
    (Totals(fatal="no"), {}, {}, 2),
])
def test_exit_status(totals, words, options, status):
    assert ending.status_of(totals, replace(OPTIONS, **options), Arguments(values=words)) == status


def outcome(key: str, result: Result = Result.COPIED, **more: object) -> Outcome:
    return Outcome(key, key, result, size=9, **more)  # type: ignore[arg-type]


def test_failures_are_said_once_and_at_most_a_hundred(capsys):
    observer = LiveObserver(OPTIONS, Screen())
    for number in range(137):
        observer.outcome(outcome(f"k{number}", Result.FAILED, reason="AccessDenied"))
    totals = Totals(failed=138, failures=["failed s3://s/k0: AccessDenied", "failed listing s3://s/p: no"])
    ending.say(totals, observer, Arguments(values={"json": True}), 2.0, "")
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert [line for line in lines if line.startswith("failed ")] == [
        f"failed s3://s/k{n}: AccessDenied" for n in range(100)]
    assert lines[-2:] == ["... and 38 more failed", "copied 0 objects (0 bytes), 0 up to date, 138 failed, in 2 s"]
    assert json.loads(out)["failed"] == 138


def test_failures_of_elsewhere_are_said_at_the_end(capsys):
    ending.say(Totals(failed=2, failures=["failed listing s3://s/p: no"]), LiveObserver(OPTIONS, Screen()),
               Arguments(values={"quiet": True}), 2.0, "stopped")
    assert capsys.readouterr().err.splitlines() == ["failed listing s3://s/p: no", "... and 1 more failed", "stopped"]


ALL = [outcome("c"), outcome("u", Result.UP_TO_DATE), outcome("p", Result.UNPROVEN), outcome("v", Result.VANISHED),
       outcome("a", Result.ARCHIVED), outcome("m", Result.MISSING), outcome("w", Result.WOULD_COPY)]


@pytest.mark.parametrize(("options", "out", "err"), [
    ({}, "", "a"),
    ({"verbose": True}, "cvamw", "a"),
    ({"verify": True}, "pm", "a"),
    ({"dry_run": True}, "w", "a"),
])
def test_which_objects_have_a_line(options, out, err, capsys):
    observer = LiveObserver(replace(OPTIONS, **options), Screen())
    for one in ALL:
        observer.outcome(one)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == len(out)
    assert all(f"s3://{bucket}" in said.out for bucket in ("s/a", "s/c") if bucket[2] in out)
    assert said.err == "".join(f"archived s3://s/{key}\n" for key in err)


def test_progress_counts_parts_before_their_object():
    observer = LiveObserver(OPTIONS, Screen())
    observer.listed(Totals(up_to_date=7))
    observer.outcome(outcome("small"))
    observer.part(5)
    assert observer.progress() == "copied 1 object (14 bytes) so far, 7 up to date, 0 failed"
    observer.outcome(outcome("large", parts=2))
    assert observer.progress() == "copied 2 objects (18 bytes) so far, 7 up to date, 0 failed"


def test_a_local_report_grows_line_by_line(tmp_path: Path):
    path = tmp_path / "report"
    path.write_text("of an earlier run\n")
    report = Report(str(path), "s", "d", open)
    observer = LiveObserver(OPTIONS, Screen(), report)
    observer.outcome(outcome("a\n\u00e9"))
    observer.outcome(outcome("same", Result.UP_TO_DATE))
    [line] = path.read_text().splitlines()
    assert json.loads(line)["source"] == "s3://s/a\n\u00e9"
    report.close()


def test_a_folder_of_reports_is_cleared(tmp_path: Path):
    for name in ("report-00003-of-00004.jsonl", "other.jsonl"):
        (tmp_path / name).write_text("old")
    clear(f"{tmp_path}/", OPTIONS.source)
    Report(f"{tmp_path}/", "s", "d", open).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.jsonl", SHARD]


def test_a_report_that_cannot_be_written_ends_no_run():
    report = Report("/dev/full", "s", "d", open)
    report.write(outcome("a"))
    report.write(outcome("b"))
    report.close()
    assert "No space left" in report.error


def test_a_closed_pipe_ends_no_run(monkeypatch):
    class Closed:
        def write(self, text: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    screen = Screen()
    screen.out("one")
    screen.out("two")


@pytest.mark.parametrize(("words", "status", "err"), [
    ("--version >&-", 0, ""),
    ("--version 2>&-", 0, ""),
    ("s3://a s3://b -F - <&-", 2, "s3copy: -F -: standard input is closed\n"),
    ("s3://a s3://b -F - <&- 2>&-", 2, ""),
])
def test_what_is_closed_from_the_start(words, status, err):
    env = {"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "hunter2",
           "AWS_EC2_METADATA_DISABLED": "true"}
    ran = subprocess.run(["sh", "-c", f"exec '{S3COPY}' {words}"], check=False, env=env, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (status, err)


@pytest.mark.parametrize(("report", "listed", "answer"), [
    ("run.jsonl", "run.jsonl", True),
    ("./link", "run.jsonl", True),
    ("run.jsonl", "keys", False),
    ("new.jsonl", "keys", False),
    ("out/", "out/report-00000-of-00004.jsonl", True),
    ("out/", "out/keys", False),
    ("/dev/null", "/dev/null", False),
    ("s3://b/run.jsonl", "s3://b/run.jsonl", True),
    ("s3://b/", "s3://b/report-00000-of-00001.jsonl", True),
    ("s3://b/", "s3://b/run.jsonl", False),
    ("s3://b/run.jsonl", "run.jsonl", False),
])
def test_which_reports_replace_a_list(report, listed, answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    for name in ("run.jsonl", "keys", "out/report-00000-of-00004.jsonl", "out/keys"):
        Path(name).touch()
    Path("link").symlink_to("run.jsonl")
    assert replaces(report, listed) is answer
