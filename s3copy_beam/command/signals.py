"""SIGINT and SIGTERM: the first stops the run cleanly, the second at once; the first decides the exit status."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

GRACE = 4.5
"""Seconds that a clean stop may take: then the process ends as it would by the second signal."""


class Signals:
    """While this context is open, a signal stops the run.

    Attributes:
        received: number of the first signal; 0: none yet.
        go_on: a line for people, said where the clean stop takes too long.
    """

    def __init__(self, go_on: str) -> None:
        self.received = 0
        self.go_on = go_on
        self._stop: Callable[[], object] = lambda: None
        self._ended = threading.Event()
        self._before: dict[int, Any] = {}

    @property
    def status(self) -> int:
        """Exit status after a signal (128 and its number, as shells have it); 0: there was none."""
        return 128 + self.received if self.received else 0

    def stop_with(self, stop: Callable[[], object]) -> None:
        """Sets what a signal calls, once, in a thread of its own: it may take locks, or ask a cluster."""
        self._stop = stop
        if self.received:
            stop()

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._received)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ended.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            os._exit(self.status)
        self.received = number
        threading.Thread(target=self._stop, name="stop", daemon=True).start()
        threading.Thread(target=self._watch, name="stop-watch", daemon=True).start()

    def _watch(self) -> None:
        if not self._ended.wait(GRACE):
            try:
                print(self.go_on, file=sys.stderr, flush=True)
            finally:
                os._exit(self.status)
