"""The pipeline of a run, handed to its runner and watched until it ends."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Any

from s3copy_beam.command import collector, flink
from s3copy_beam.command.engine import Engine
from s3copy_beam.command.signals import Signals
from s3copy_beam.command.staging import packed, sent_by
from s3copy_beam.model import Totals
from s3copy_beam.options import CopyOptions
from s3copy_beam.text import escape

_log = logging.getLogger("s3copy_beam.command")
_LONGEST = 500


class JobFailed(Exception):
    """The runner refuses the job, or gave it up; one line for people."""


class Job:
    """One run of the pipeline.

    Attributes:
        result: Beam's, once the job is submitted; of a run in this process: once it has ended.
    """

    def __init__(self, options: CopyOptions, engine: Engine, words: Sequence[str], not_before: float = 0) -> None:
        """Makes it; nothing runs yet.

        Args:
            options: of the copy.
            engine: where it will run.
            words: Beam's options.
            not_before: when it may begin, by time.monotonic().
        """
        self.options, self.engine, self.words, self.not_before = options, engine, list(words), not_before
        self.result: Any = None

    def submit(self) -> None:
        """Hands the pipeline to its runner.

        Raises:
            JobFailed: it was refused, or failed.
        """
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions

        from s3copy_beam.pipeline import CopyBucket

        with contextlib.ExitStack() as sent:
            words = list(self.words)
            if self.engine.elsewhere and not sent_by(words):
                words.append(f"--extra_package={sent.enter_context(packed())}")
            try:
                pipeline = beam.Pipeline(options=PipelineOptions(words))
                pipeline | "CopyBucket" >> CopyBucket(self.options)
                collector.release()
                time.sleep(max(0.0, self.not_before - time.monotonic()))
                self.result = pipeline.run()
            except Exception as error:
                raise _failed(error) from None

    def wait(self, signals: Signals) -> Totals | None:
        """Waits for its end; a signal cancels it where it is not in this process.

        Returns:
            What it came to; None: it did not report.

        Raises:
            JobFailed: it failed, or was cancelled.
        """
        from s3copy_beam.pipeline import totals_of

        if not self.engine.in_process:
            signals.take()
            signals.stop_with(self._cancel)
        if self.engine.may_go_on:
            signals.go_on += f" (look at {self.engine.runner}'s page whether job {self._id} is cancelled)"
        try:
            self.result.wait_until_finish()
            totals: Totals | None = totals_of(self.result)
        except Exception as error:
            raise _failed(error) from None
        finally:
            signals.settle()
        return totals

    def _cancel(self) -> None:
        if self.engine.flink:
            flink.cancel(self.engine.flink, self._id)
        self.result.cancel()

    @property
    def _id(self) -> str:
        """The job's name for its runner; empty: a template was written, there is no job yet."""
        try:
            return str(getattr(self.result, "_job_id", "") or self.result.job_id())
        except AttributeError:
            return ""

    def progress(self) -> str:
        """How a job elsewhere is."""
        try:
            return f"{self.engine.runner}: {self.result.state}" if self.result else f"{self.engine.runner}: at work"
        except Exception:
            return f"{self.engine.runner}: not reachable for now"

    def how_to_watch(self) -> str:
        """Said when the command returns and the job goes on."""
        return (f"submitted to {self.engine.runner} as {self._id or 'a job'}: its metrics s3copy/objects_copied, "
                "s3copy/objects_failed and s3copy/summary and its --report say how it is; cancel it there")


def _failed(error: Exception) -> JobFailed:
    _log.debug("the job failed", exc_info=error)
    if type(error).__name__ == "FutureTimeoutError":  # grpc's, without a word
        return JobFailed("the job server does not answer: see --job_endpoint")
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = next((line for line in reversed(lines) if line.strip()), lines[0]).strip()
    return JobFailed(escape(line[:_LONGEST]))
