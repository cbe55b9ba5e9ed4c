"""What is said at the end, and the exit status."""

from __future__ import annotations

import json

from s3copy_beam import text
from s3copy_beam.command.observer import LiveObserver
from s3copy_beam.command.parser import Arguments
from s3copy_beam.command.screen import Screen
from s3copy_beam.model import Totals
from s3copy_beam.options import CopyOptions


def say(totals: Totals, observer: LiveObserver, given: Arguments, seconds: float, stopped: str) -> None:
    """Failures and warnings first; the summary is stderr's last line, ``--json`` stdout's.

    Args:
        totals: of the run.
        observer: has said some of it already.
        given: the command line.
        seconds: how long it took.
        stopped: said where it ended early; empty: it did not.
    """
    options, screen = observer.options, observer.screen
    observer.failures.end(totals.failures, totals.failed)
    observer.archives.end(totals.archives, totals.archived)
    for label in totals.nothing:
        screen.err(text.nothing_line(label))
    if totals.nothings > len(totals.nothing):
        screen.err(f"... and {totals.nothings - len(totals.nothing)} more that name nothing")
    for warning in totals.warnings:
        screen.err(f"warning: {warning}")
    if left := text.uploads_left_line(totals):
        screen.err(left)
    if stopped:
        screen.err(stopped)
    how = {"dry_run": options.dry_run, "verify": options.verify, "abort_uploads": options.abort_uploads}
    if not given.get("quiet"):
        screen.err(text.summary_line(totals, seconds, **how, cost=text.request_cost(totals.would_request)))
    if given.get("json"):
        screen.out(json.dumps(text.json_summary(totals, seconds, **how)))


def status_of(totals: Totals, options: CopyOptions, given: Arguments) -> int:
    """The exit status of a run that was not interrupted by a signal.

    | what happened                                                           | status |
    |-------------------------------------------------------------------------|--------|
    | it could not work at all                                                | 2      |
    | something failed; it ended early                                        | 1      |
    | archived objects could not be read, without ``--ignore-archived``       | 1      |
    | a path names nothing, without ``--allow-empty``                         | 1      |
    | ``--verify``: something is missing or different                         | 1      |
    | ``--verify``: something is unproven, without ``--compare size``         | 1      |
    | none of these                                                           | 0      |
    """
    wrong = (
        totals.failed, totals.stopped,
        totals.archived and not given.get("ignore_archived"),
        totals.nothings and not given.get("allow_empty") and not options.abort_uploads,
        totals.missing, totals.different,
        totals.unproven and options.verify and options.compare != "size",
    )
    return 2 if totals.fatal else int(any(wrong))


def fatal(screen: Screen, line: str) -> int:
    """The one line of a call that cannot work; its exit status."""
    screen.err(text.escape(line if line.startswith("failed ") else f"s3copy: {line}"))
    return 2
