"""Standard streams that the caller closed."""

from __future__ import annotations

import os
import sys


def open_streams() -> None:
    """Where stdin, stdout or stderr was closed before the start (``2>&-``), nothing is read and nobody hears.

    No file or connection of this process must get their number. sys.stdin stays None, so that reading it is refused.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))
