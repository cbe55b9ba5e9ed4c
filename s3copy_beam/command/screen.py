"""What people see while the command runs: lines on stdout and stderr, and on a terminal a bar that lines don't tear."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from tqdm import tqdm

EVERY = 10.0
"""Seconds between two lines of progress where stderr is no terminal."""
_REDRAW = 0.25
"""Seconds between two looks of the bar."""
_ROWS, _COLUMNS = 20, 80


def _width() -> int:
    """Columns of the terminal; some don't tell, and say 0."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS


class Screen:
    """Lines for people. A broken pipe ends what is said there, not the run.

    Thread-safe: lines come from the event loop's thread, progress from one of its own.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.bar: tqdm[NoReturn] | None = None
        self._closed: set[bool] = set()

    def out(self, line: str) -> None:
        """A line on stdout."""
        self._say(line, True)

    def err(self, line: str) -> None:
        """A line on stderr."""
        self._say(line, False)

    def _say(self, line: str, to_stdout: bool) -> None:
        with self.lock:
            if to_stdout in self._closed:
                return
            stream = sys.stdout if to_stdout else sys.stderr
            try:
                if self.bar is None:
                    stream.write(line + "\n")
                else:
                    self.bar.write(line, file=stream)
                stream.flush()
            except UnicodeEncodeError:  # a terminal or file that is not UTF-8
                stream.write(line.encode("ascii", "backslashreplace").decode() + "\n")
            except (OSError, ValueError):
                self._closed.add(to_stdout)


class Progress:
    """Says how far the run is, from start() to stop(): a bar on a terminal, else a line every EVERY seconds."""

    def __init__(self, screen: Screen, text: Callable[[], str]) -> None:
        self.screen, self.text = screen, text
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._began = time.monotonic()

    def start(self) -> None:
        """Begins."""
        if sys.stderr.isatty():
            self.screen.bar = tqdm(bar_format="{desc}, {elapsed}", desc=self.text(), file=sys.stderr, leave=False,
                                   ncols=_width(), nrows=_ROWS)
        self._thread.start()

    def stop(self) -> None:
        """Ends, and takes the bar away; nothing happens where it never began."""
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join()
        with self.screen.lock:
            if self.screen.bar is not None:
                self.screen.bar.close()
                self.screen.bar = None

    def _run(self) -> None:
        while not self._done.wait(_REDRAW if self.screen.bar is not None else EVERY):
            with self.screen.lock:
                if self.screen.bar is not None:
                    self.screen.bar.ncols = _width()
                    self.screen.bar.set_description_str(self.text())
                else:
                    self.screen.err(f"{self.text()}, {time.monotonic() - self._began:.0f} s")
