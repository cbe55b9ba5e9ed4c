"""Watches a run in this process: counts for the progress, lines as things happen, the report line by line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from s3copy_beam import text
from s3copy_beam.command.report import Report
from s3copy_beam.command.screen import Screen
from s3copy_beam.model import MAX_MESSAGES, Outcome, Result, Totals
from s3copy_beam.options import CopyOptions

_VERIFIED = (Result.MISSING, Result.DIFFERENT, Result.UNPROVEN)


class Messages:
    """Lines of one kind on stderr: each once, at most MAX_MESSAGES, then how many more there are."""

    def __init__(self, say: Callable[[str], None], noun: str) -> None:
        self._say, self._noun = say, noun
        self._said: set[str] = set()

    def add(self, line: str) -> None:
        """Says a line, unless it was said, or there are too many."""
        if line not in self._said and len(self._said) < MAX_MESSAGES:
            self._said.add(line)
            self._say(line)

    def end(self, lines: Iterable[str], total: int) -> None:
        """Says those that were not said yet, of all the run's, and how many of `total` are left."""
        for line in lines:
            self.add(line)
        if total > len(self._said):
            self._say(f"... and {total - len(self._said)} more {self._noun}")


class LiveObserver:
    """An observe.Observer for people and the report."""

    def __init__(self, options: CopyOptions, screen: Screen, report: Report | None = None) -> None:
        self.options, self.screen, self.report = options, screen, report
        self.failures = Messages(screen.err, "failed")
        self.archives = Messages(screen.err, "archived")
        self._lock = threading.Lock()
        self._source, self._destination = options.source.bucket, options.destination.bucket
        self._counts = Totals()
        self._part_bytes = 0

    def outcome(self, outcome: Outcome) -> None:
        """An object ended."""
        result, up_to_date = outcome.result, outcome.result is Result.UP_TO_DATE
        with self._lock:
            if not up_to_date and result is not Result.UNPROVEN:
                self._counts.count(outcome)
                if outcome.parts:
                    self._part_bytes = max(0, self._part_bytes - outcome.size)
            if self.report and (not up_to_date or self.options.report_all):
                self.report.write(outcome)
            self.line(outcome)
            if result is Result.FAILED:
                self.failures.add(text.failure_line(self._source, outcome))
            elif result is Result.ARCHIVED:
                self.archives.add(text.archived_line(self._source, outcome))

    def line(self, outcome: Outcome) -> None:
        """Says the line of an object on stdout, if it has one."""
        if self._has_line(outcome.result):
            self.screen.out(text.outcome_line(self._source, self._destination, outcome))

    def listed(self, totals: Totals) -> None:
        """A page was compared: what is up to date counts here, the rest as it ends."""
        with self._lock:
            self._counts.up_to_date += totals.up_to_date

    def part(self, size: int) -> None:
        """A part was copied."""
        with self._lock:
            self._part_bytes += size

    def progress(self) -> str:
        """How far the run is."""
        with self._lock:
            counts, parts = self._counts, self._part_bytes
            if self.options.dry_run:
                done = f"would copy {text.count(counts.would_copy, 'object')} so far"
            elif self.options.verify:
                done = f"{counts.missing} missing, {counts.different} different so far"
            else:
                size = text.human_size(counts.copied_bytes + parts)
                done = f"copied {text.count(counts.copied, 'object')} ({size}) so far"
            return f"{done}, {counts.up_to_date} up to date, {counts.failed} failed"

    def _has_line(self, result: Result) -> bool:
        if self.options.dry_run and result is Result.WOULD_COPY or self.options.verify and result in _VERIFIED:
            return True
        return self.options.verbose and result not in (Result.UP_TO_DATE, Result.UNPROVEN)
