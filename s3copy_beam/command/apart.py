"""stderr for people alone, where the work is not in this process.

Worker processes that Beam starts on this machine would share it. Interrupted, or left behind by the command, they end
in tracebacks there. So do Beam's threads that watch a worker or a job server which ends before them. What they have to
tell comes through Beam's logging all the same.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from s3copy_beam.command.engine import Engine

_log = logging.getLogger("s3copy_beam.command")


@contextlib.contextmanager
def stderr_apart(engine: Engine, log_file: str) -> Iterator[None]:
    """While this is open, what processes begun here write to stderr goes to the log file, or nowhere.

    Args:
        engine: nothing is done where all its work is in this process.
        log_file: path; empty: there is none.
    """
    if engine.in_process:
        yield
        return
    hook, threading.excepthook = threading.excepthook, _noted
    try:
        with _moved(log_file) if engine.own_processes else contextlib.nullcontext():
            yield
    finally:
        threading.excepthook = hook


@contextlib.contextmanager
def _moved(log_file: str) -> Iterator[None]:
    before = sys.stderr
    before.flush()
    with open(os.dup(2), "w", 1, before.encoding, before.errors) as ours, open(log_file or os.devnull, "ab") as theirs:
        os.dup2(theirs.fileno(), 2)
        _speak_through(before, ours)
        try:
            yield
        finally:
            ours.flush()
            _speak_through(ours, before)
            os.dup2(ours.fileno(), 2)


def _speak_through(before: TextIO, now: TextIO) -> None:
    sys.stderr = now
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is before:
            handler.setStream(now)


def _noted(ended: threading.ExceptHookArgs) -> None:
    """A thread of Beam's ended with what it watches; the run's own end says what there is to say."""
    assert ended.exc_value is not None
    _log.debug("a thread ended", exc_info=ended.exc_value)
