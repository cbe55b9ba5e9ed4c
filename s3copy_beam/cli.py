"""The command `s3copy`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from s3copy_beam.command.signals import Signals
from s3copy_beam.command.streams import open_streams


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: its words; None: those of this process.

    Returns:
        The exit status (command/ending.py).
    """
    words = sys.argv[1:] if argv is None else argv
    open_streams()
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


if __name__ == "__main__":
    sys.exit(main())
