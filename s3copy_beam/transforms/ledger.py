"""What a bundle came to: its totals, its lines of the report, its metrics. One for each bundle, never shared."""

from __future__ import annotations

from collections.abc import Iterator

from apache_beam.metrics import Metrics

from s3copy_beam import text
from s3copy_beam.model import Outcome, Result, Totals, say
from s3copy_beam.observe import observer_of
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.errors import CredentialsLost
from s3copy_beam.s3.worker import worker
from s3copy_beam.transforms.desks import take_tally

TOTALS = "totals"
LINES = "lines"
"""Tags of the outputs that every branch has."""

NAMESPACE = "s3copy"
_METRICS = {
    "objects_copied": "copied",
    "objects_up_to_date": "up_to_date",
    "objects_failed": "failed",
    "bytes_copied": "copied_bytes",
    "parts_copied": "parts_copied",
    "parts_reused": "parts_reused",
    "requests": "requests",
    "retries": "retries",
}


class Ledger:
    """Counts outcomes, and keeps their lines until they are taken."""

    def __init__(self, options: CopyOptions) -> None:
        self.totals = Totals()
        self._options = options
        self.observer = observer_of(options.run_id)
        self._lines: list[str] = []
        self._told = dict.fromkeys(_METRICS, 0)

    def enter(self, outcome: Outcome) -> None:
        """Counts one object that ended in this step."""
        totals, bucket = self.totals, self._options.source.bucket
        totals.count(outcome)
        if outcome.result is Result.COPIED:
            totals.parts_reused += outcome.parts_reused
        elif outcome.result is Result.FAILED:
            say(totals.failures, text.failure_line(bucket, outcome))
        elif outcome.result is Result.ARCHIVED:
            say(totals.archives, text.archived_line(bucket, outcome))
        self.report(outcome)

    def report(self, outcome: Outcome) -> None:
        """Keeps the line of the report of one object, where the pipeline writes the report."""
        options = self._options
        if options.report and not options.live and (options.report_all or outcome.result is not Result.UP_TO_DATE):
            self._lines.append(text.report_line(outcome, options.source.bucket, options.destination.bucket))

    def take_lines(self) -> Iterator[str]:
        """Lines that were not taken yet; updates the metrics, too."""
        lines, self._lines = self._lines, []
        for name, field in _METRICS.items():
            now = getattr(self.totals, field)
            if now != self._told[name]:
                Metrics.counter(NAMESPACE, name).inc(now - self._told[name])
                self._told[name] = now
        return iter(lines)

    def stopped(self, error: BaseException) -> None:
        """The end of the run left something undone: by a signal, or for credentials that ran out."""
        self.totals.stopped += 1
        if isinstance(error, CredentialsLost):
            say(self.totals.failures, str(error))
            worker().stop()

    def close(self) -> None:
        """Adds what this process counted since somebody asked last."""
        counts = worker().take_counts()
        self.totals.requests += counts.requests
        self.totals.retries += counts.retries
        self.totals.throttled += counts.throttled
        tally = take_tally(self._options)
        self.totals.parts_copied += tally.parts_copied
        self.totals.uploads_left += tally.uploads_left
        self.totals.uploads_left_bytes += tally.uploads_left_bytes
        for warning in tally.warnings:
            say(self.totals.warnings, warning)
        self.take_lines()
