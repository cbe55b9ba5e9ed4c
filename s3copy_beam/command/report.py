"""The report of a run in one process: JSON lines, a local file line by line, or an object that appears at the end."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from typing import IO

from s3copy_beam.command.engine import is_local
from s3copy_beam.model import Outcome
from s3copy_beam.text import report_line

SHARD = "report-00000-of-00001.jsonl"
"""The only one, of one process, of ``--report URL/``."""


class Report:
    """Lines to one place.

    Attributes:
        error: why lines could not be written, for people; empty: they were.
    """

    def __init__(self, url: str, source: str, destination: str, open_url: Callable[[str], IO[str]]) -> None:
        """Opens it: what an earlier run left there is replaced.

        Args:
            url: ``--report``; one that ends in ``/`` is a folder.
            source: bucket.
            destination: bucket.
            open_url: opens what is no local file, for writing.

        Raises:
            OSError, and what open_url raises.
        """
        self.error = ""
        self._buckets = source, destination
        if is_local(url):
            if url.endswith("/"):
                os.makedirs(url, exist_ok=True)
                for old in glob.glob(os.path.join(glob.escape(url), "report-*-of-*.jsonl")):
                    os.remove(old)
                url += SHARD
            self._file: IO[str] = open(url, "w", buffering=1, encoding="ascii")  # noqa: SIM115  close() is ours
        else:
            self._file = open_url(url + SHARD if url.endswith("/") else url)

    def write(self, outcome: Outcome) -> None:
        """Adds a line; never raises."""
        if self.error:
            return
        try:
            self._file.write(report_line(outcome, *self._buckets) + "\n")
        except Exception as error:
            self.error = str(error)

    def close(self) -> None:
        """Ends it; never raises."""
        try:
            self._file.close()
        except Exception as error:
            self.error = self.error or str(error)

