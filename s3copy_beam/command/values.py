"""What an option's text must look like. Each raises argparse.ArgumentTypeError with a line for people."""

from __future__ import annotations

import logging
import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from urllib.parse import urlsplit

from s3copy_beam.options import MAX_PART, MIN_PART
from s3copy_beam.text import parse_size

PERMISSIONS = ("FULL_CONTROL", "READ", "READ_ACP", "WRITE_ACP")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def text(value: str) -> str:
    """Any text that is valid Unicode."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError(f"{value!r} is not valid UTF-8") from None
    return value


def word(value: str) -> str:
    """Any text but none."""
    if not value:
        raise ArgumentTypeError("the value is empty")
    return text(value)


def one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    """One of some words."""
    def convert(value: str) -> str:
        if value not in words:
            raise ArgumentTypeError(f"{value!r} is none of {', '.join(words)}")
        return value
    return convert


def count_from(least: int) -> Callable[[str], int]:
    """A whole number that is not below `least`."""
    def convert(value: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,9}", value, re.ASCII) or int(value) < least:
            raise ArgumentTypeError(f"{value!r} is no whole number from {least} on")
        return int(value)
    return convert


def rate(value: str) -> float:
    """Requests a second."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise ArgumentTypeError(f"{value!r} is no number above 0")
    return number


def part_size(value: str) -> int:
    """Bytes, within the limits of a part (S3 documentation, multipart upload limits)."""
    try:
        size = parse_size(value)
    except ValueError:
        raise ArgumentTypeError(f"{value!r} is no size like 67108864, 64M or 64MiB") from None
    if not MIN_PART <= size <= MAX_PART:
        raise ArgumentTypeError(f"{value!r} is outside 5MiB..5GiB")
    return size


def endpoint(value: str) -> str:
    """``http://host[:port]`` or ``https://...``."""
    if "@" in value:
        raise ArgumentTypeError("a URL with a user name or password in it; use -c or a profile")
    try:
        parts = urlsplit(value)
        fine = (parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
                and not re.search(r"[\s\x00-\x1f]", value) and not parts.query and not parts.fragment)
    except ValueError:
        fine = False
    if not fine:
        raise ArgumentTypeError(f"{value!r} is no URL like https://host:port")
    return value


def region(value: str) -> str:
    """A region: it becomes a part of a host's name."""
    if not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", value):
        raise ArgumentTypeError(f"{value!r} is no region like eu-west-1")
    return value


def storage_class(value: str) -> str:
    """A storage class as stores name them; KEEP: the source's. Which ones a store has, it says itself."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", value):
        raise ArgumentTypeError(f"{value!r} is no storage class like STANDARD_IA, nor KEEP")
    return value


def grant(value: str) -> tuple[str, str]:
    """``PERMISSION:GRANTEE``; the grantee as the header has it (S3 documentation, x-amz-grant-*)."""
    permission, _, grantee = value.partition(":")
    kind, equals, name = grantee.partition("=")
    if permission not in PERMISSIONS:
        raise ArgumentTypeError(f"{value!r}: {permission!r} is none of {', '.join(PERMISSIONS)}")
    if not equals or kind not in ("id", "uri"):
        kind, name = "emailAddress", grantee
    if kind == "emailAddress" and not re.fullmatch(r"[^@\s\"=,]+@[^@\s\",]+", name):
        raise ArgumentTypeError(f"{value!r}: the grantee is an e-mail address, id=... or uri=...")
    if not re.fullmatch(r"[!-~]+", name) or '"' in name:
        raise ArgumentTypeError(f"{value!r}: the grantee is empty, or no plain text")
    return permission, f'{kind}="{name}"'


def log_level(value: str) -> int:
    """A level of the logging module, by its name."""
    if value.upper() not in LEVELS:
        raise ArgumentTypeError(f"{value!r} is none of {', '.join(LEVELS)}")
    return int(getattr(logging, value.upper()))
