"""Keys that were typed are taken out of what others may see of this process: its command line, as `ps` shows it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

_KEYS = ("-a", "-k")
_BEAMS = ("--s3_access_key_id", "--s3_secret_access_key", "--s3_session_token")


def secrets_in(words: Sequence[str]) -> list[str]:
    """The words that are, or hold, credentials.

    >>> secrets_in(["-a", "AK", "-ksecret", "s3://a", "--s3_secret_access_key=x"])
    ['AK', '-ksecret', '--s3_secret_access_key=x']
    """
    found = []
    for before, word in zip(("", *words), words, strict=False):
        if before in _KEYS or before in _BEAMS or word.startswith(tuple(f"{flag}=" for flag in _BEAMS)) or (
                word[:2] in _KEYS and len(word) > 2):
            found.append(word)
    return found


def hide(words: Sequence[str]) -> None:
    """Overwrites the credentials in this process's command line, where the system lets it (Linux: its own memory)."""
    secrets = {word.encode(errors="surrogateescape") for word in secrets_in(words)}
    if not secrets:
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/self/stat", "rb") as stat:  # fields from the third on; proc(5): arg_start is the 48th
            fields = stat.read().rpartition(b")")[2].split()
        start = int(fields[45])
        with open("/proc/self/cmdline", "rb") as line:
            parts = line.read().split(b"\0")
        hidden = b"\0".join(b"x" * len(part) if part in secrets else part for part in parts)
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(hidden)
