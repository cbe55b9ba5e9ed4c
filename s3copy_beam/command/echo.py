"""Lines of ``-v`` and ``--verify`` where nobody watches the workers: they are taken from the report, after the run."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from s3copy_beam.command.engine import Engine
from s3copy_beam.command.observer import LiveObserver
from s3copy_beam.model import Outcome, Result
from s3copy_beam.options import CopyOptions
from s3copy_beam.paths import parse_url


@contextlib.contextmanager
def with_report(options: CopyOptions, engine: Engine) -> Iterator[CopyOptions]:
    """The options with a place for a report, where one is needed and none was asked for; it goes with this context."""
    if options.live or options.report or not engine.same_machine or not (options.verbose or options.verify):
        yield options
        return
    with tempfile.TemporaryDirectory(prefix="s3copy-") as folder:
        yield replace(options, report=str(Path(folder, "report.jsonl")))


def missing(options: CopyOptions, engine: Engine) -> str:
    """A warning, where lines are wanted and cannot be had."""
    if options.live or options.report or not (options.verbose or options.verify):
        return ""
    return f"what became of each object is told by --report on {engine.runner}, not by -v or --verify alone"


def echo(observer: LiveObserver) -> None:
    """Says the lines of a report that is written."""
    options = observer.options
    if options.live or not options.report or not (options.verbose or options.verify):
        return
    from s3copy_beam.s3.urls import open_url
    from s3copy_beam.transforms.report import SHARDS

    shards = [f"{options.report}report-{shard:05d}-of-{SHARDS:05d}.jsonl" for shard in range(SHARDS)]
    for url in shards if options.report.endswith("/") else [options.report]:
        with open_url(url, "r", options.source) as lines:
            for line in lines:
                observer.line(_outcome(json.loads(line)))


def _outcome(fields: dict[str, object]) -> Outcome:
    """The outcome of a report's line."""
    def key(name: str) -> str:
        return parse_url(str(fields[name]), name)[1]

    return Outcome(key("source"), key("destination"), Result(fields["outcome"]), str(fields["reason"]),
                   *(fields[name] for name in ("size", "etag", "parts", "parts_reused")))  # type: ignore[arg-type]
