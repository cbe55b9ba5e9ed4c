"""The command run within this process: no start-up, and limits that a test can shorten."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import time
from pathlib import Path
from typing import Any
from unittest import mock

from s3copy_beam.command import preflight
from s3copy_beam.command.run import run
from s3copy_beam.s3 import client, exchange
from s3copy_beam.s3.pacing import Limits
from s3copy_beam.transforms import desks
from tests.support.command import Ran, environment


class Here:
    """`s3copy` for one server, as command.Tool, without processes; one run at a time.

    Attributes:
        limits: fields of pacing.Limits that replace those of the command.
    """

    def __init__(self, url: str, home: Path, **limits: float) -> None:
        self.url, self.home, self.limits = url, home, limits

    def start(self, *args: object) -> Ran:
        """Runs it to its end, whatever the status."""
        words = tuple(str(arg) for arg in args)
        out, err = io.StringIO(), io.StringIO()
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, environment(self.url, self.home), clear=True))
            if self.limits:
                for module in (desks, preflight):
                    stack.enter_context(mock.patch.object(module, "Limits", self._limits))
                stack.enter_context(mock.patch.object(exchange, "CONNECT_TIMEOUT", 0.5))
                stack.enter_context(mock.patch.object(client, "_COMPLETE", 3.0))
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            status = run(words)
        return Ran(words, status, out.getvalue(), err.getvalue(), time.monotonic() - began)

    def run(self, *args: object, status: int = 0) -> Ran:
        """Runs it to its end, which must be this exit status."""
        return self.start(*args).expect(status)

    def copy(self, *args: object, status: int = 0, **numbers: int) -> Ran:
        """Runs it with --json; the numbers are what the summary must say."""
        return self.run("--json", *args, status=status).counted(**numbers)

    def _limits(self, *args: Any, **kwargs: Any) -> Limits:
        return dataclasses.replace(Limits(*args, **kwargs), **self.limits)  # type: ignore[arg-type]
