"""The log: of this package on stderr, of all libraries in the file that ``-L`` names or where ``-l`` asks for more.

stderr is for people: it shows our warnings, and nothing that Beam or another library says by the way. Set up before
Beam is imported, because Beam logs while it is.
"""

from __future__ import annotations

import logging
import sys
import time

OURS = "s3copy_beam"
_TOLD_SECRETS = ("boto3", "botocore", "s3transfer", "urllib3", "aiohttp", "smart_open")
"""Their DEBUG shows what they sign and send, session tokens too."""


def set_up(level: int | None, file: str) -> None:
    """Sets up the logging of this process.

    Args:
        level: None: not asked for, WARNING.
        file: path, appended to; empty: stderr.

    Raises:
        OSError: the file cannot be opened.
    """
    root = logging.getLogger()
    threshold = logging.WARNING if level is None else level
    if file:
        handler: logging.Handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    else:
        handler = logging.StreamHandler(sys.stderr)
        if threshold >= logging.WARNING:
            handler.addFilter(lambda record: record.name.split(".")[0] == OURS)
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(threshold)
    logging.captureWarnings(True)
    for name in _TOLD_SECRETS:
        logging.getLogger(name).setLevel(max(threshold, logging.INFO))


class _Line(logging.Formatter):
    """Times in UTC; control characters escaped, so that no key can forge a line."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in record.message)
        return super().formatMessage(record)
