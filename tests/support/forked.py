"""The command as a process of its own that need not import Beam again: forked from one that has imported it all.

Half of a short run is imports, the same each time. What is forked here is otherwise a run like others: a process in a
session of its own, with its own environment, working directory, files and signals; `kill -9` kills it. Tests of the
start itself use the program (`Tool.program`), and S3COPY_TEST_PROGRAM=1 has all tests do so.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

PRELOADED = ("apache_beam.options.pipeline_options", "apache_beam.runners.portability.fn_api_runner.fn_runner",
             "boto3", "s3copy_beam.pipeline", "s3copy_beam.command.run", "s3copy_beam.command.preflight",
             "s3copy_beam.s3.proxied", "smart_open", "tests.support.forked")

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(PRELOADED))


class Forked:
    """A running command; the parts of subprocess.Popen that tests use."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str], cwd: Path, stdin: bool) -> None:
        """Starts it; returns when it is in its own session."""
        pipes = [os.pipe() for _ in range(3)]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
        ours, ready = _context.Pipe()
        self._process = _context.Process(
            target=_run, args=(list(words), dict(env), str(cwd), [DupFd(fd) for fd in theirs], ready), daemon=True)
        self._process.start()
        for fd in theirs:
            os.close(fd)
        ready.close()
        with contextlib.suppress(EOFError):
            ours.recv()
        ours.close()
        self.stdin: IO[str] | None = os.fdopen(pipes[0][1], "w", encoding="utf-8")
        if not stdin:
            self.stdin.close()
            self.stdin = None
        self.stdout: IO[str] = os.fdopen(pipes[1][0], encoding="utf-8", errors="backslashreplace")
        self.stderr: IO[str] = os.fdopen(pipes[2][0], encoding="utf-8", errors="backslashreplace")

    @property
    def pid(self) -> int:
        """Process id, and that of its session."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status; negative: the signal that ended it; None: it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends a signal to the process alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("s3copy", timeout or 0)
        return self.returncode


def _run(words: list[str], env: dict[str, str], cwd: str, files: list[Any], ready: Connection) -> None:
    """In the child: becomes what a shell would have started, and runs the command."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    for place, file in enumerate(files):
        fd = file.detach()
        os.dup2(fd, place)
        os.close(fd)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.argv = ["s3copy", *words]
    ready.send(None)
    ready.close()
    status: Any = 1
    try:
        status = importlib.import_module("s3copy_beam.cli").main()
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()  # as at any end of a process: what was started for it (Prism) is stopped
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status if isinstance(status, int) else 0 if status is None else 1)
