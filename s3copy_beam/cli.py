"""The command `s3copy`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from s3copy_beam.command.signals import Signals


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: its words; None: those of this process.

    Returns:
        The exit status (command/ending.py).
    """
    words = sys.argv[1:] if argv is None else argv
    _open_closed()
    try:
        with Signals() as signals:
            from s3copy_beam.command.hide import hide

            hide(words)
            from s3copy_beam.command import collector

            with collector.held():
                from s3copy_beam.command.run import run

                return run(words, signals)
    except KeyboardInterrupt:  # before there were handlers of our own
        return 130


def _open_closed() -> None:
    """Streams that the caller closed (``2>&-``): nobody hears what is said, and no connection must get their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
