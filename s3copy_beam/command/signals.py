"""SIGINT and SIGTERM: the first stops the run cleanly, the second at once; the first decides the exit status.

Imports next to nothing: the command's handlers are there before anything else of it is.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, NoReturn

GRACE = 4.5
"""Seconds that a clean stop may take: then the process ends as it would by the second signal."""
GO_ON = "run the same command again to go on"
STOPPED = f"stopped before all was done; {GO_ON}"


class Signals:
    """While this context is open, a signal stops the run.

    Attributes:
        received: number of the first signal; 0: none yet.
        go_on: a line for people, said by whoever ends the run: here, where there is no clean stop or it takes too long.
    """

    def __init__(self, go_on: str = f"s3copy: {STOPPED}") -> None:
        self.received = 0
        self.go_on = go_on
        self._stop: Callable[[], object] = lambda: None
        self._ended = threading.Event()
        self._before: dict[int, Any] = {}
        self._stderr = 2
        self._stopping: threading.Thread | None = None

    @property
    def status(self) -> int:
        """Exit status after a signal (128 and its number, as shells have it); 0: there was none."""
        return 128 + self.received if self.received else 0

    def take(self) -> None:
        """Catches signals, where they are not caught yet or somebody else does by now: Beam's job servers do."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.signal(number, self._received)
                self._before.setdefault(number, before)

    def settle(self) -> None:
        """Waits until what a signal called has done its work, if there was one."""
        if self._stopping:
            self._stopping.join()

    def stop_with(self, stop: Callable[[], object]) -> None:
        """Sets what a signal calls, once, in a thread of its own: it may take locks, or ask a cluster."""
        self._stop = stop
        if self.received:
            stop()

    def __enter__(self) -> Signals:
        self._stderr = os.dup(2)  # as it is now: later it may lead elsewhere (apart.py)
        self.take()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ended.set()
        os.close(self._stderr)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            self._end()
        self.received = number
        self._stopping = threading.Thread(target=self._stop, name="stop", daemon=True)
        self._stopping.start()
        threading.Thread(target=self._watch, name="stop-watch", daemon=True).start()

    def _watch(self) -> None:
        if not self._ended.wait(GRACE):
            self._end()

    def _end(self) -> NoReturn:
        """Ends the process. Not through `sys.stderr`: a signal may come while somebody writes to it."""
        try:
            os.write(self._stderr, f"{self.go_on}\n".encode())
        finally:
            os._exit(self.status)
