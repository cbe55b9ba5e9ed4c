"""Lists of names in files of any kind and length: lines, NUL-ended names, reports of earlier runs. Read as streams."""

from __future__ import annotations

import codecs
import contextlib
import json
import sys
import zlib
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import urlsplit

from s3copy_beam.model import Result
from s3copy_beam.options import Access, Names
from s3copy_beam.paths import PathError, check_text, parse_url
from s3copy_beam.s3.errors import ConfigError, Stopped
from s3copy_beam.s3.urls import open_url
from s3copy_beam.s3.worker import worker
from s3copy_beam.text import escape

_CHUNK = 1 << 16
_LONGEST_NAME = 1 << 16
_LONGEST_LINE = 1 << 20
"""Of a report: keys and reasons, with JSON's escapes."""


class ListError(ConfigError):
    """A list that cannot be read, or that holds no names; one line for people that names the flag and the list."""


def names(names: Names, flag: str, access: Access) -> Iterator[str]:
    """The names of a list, one by one; those given by hand as they are.

    Blank lines and lines that start with ``#`` are skipped, CR/LF is stripped and nothing else, a BOM is dropped. NUL-
    ended names are taken as they are.

    Args:
        names: the list; not a report.
        flag: ``-F`` or ``-P``, for messages.
        access: the identity and endpoint that ``s3://`` lists are read with.

    Raises:
        ListError: it cannot be read; is not UTF-8; or holds what cannot be names.
    """
    yield from names.given
    if not names.url:
        return
    for number, line in _pieces(names, flag, access, b"\0" if names.null else b"\n", _LONGEST_NAME):
        if not names.null:
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            line = line.removesuffix(b"\r")
            if line.startswith(b"#"):
                continue
            if b"\0" in line:
                raise _error(names, flag, f"line {number} holds NUL bytes: --null is for names that end in NUL")
        if line:
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise _error(names, flag, f"line {number} is not UTF-8") from None


def failed_of(names: Names, flag: str, access: Access, buckets: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """(source key, destination key) of the objects of a report that failed.

    Args:
        names: the report: JSON lines. A last line that is cut (the run was killed) is no error.
        flag: as above.
        access: as above.
        buckets: source and destination of the command.

    Raises:
        ListError: it cannot be read; is no report; or is one of other buckets.
    """
    cut = 0
    for number, line in _pieces(names, flag, access, b"\n", _LONGEST_LINE):
        if cut:
            break
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            outcome, urls = entry["outcome"], (entry["source"], entry["destination"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            cut = number
            if isinstance(error, ValueError) and line.startswith(b"{"):
                continue  # the last line of a run that was killed may be cut
            break
        if outcome == Result.FAILED.value:
            yield _keys(names, flag, number, urls, buckets)
    else:
        return
    raise _error(names, flag, f"line {cut} is no line of a report")


def _keys(names: Names, flag: str, number: int, urls: tuple[Any, Any], buckets: tuple[str, str]) -> tuple[str, str]:
    """The keys of one line of a report."""
    keys = []
    for url, bucket, side in zip(urls, buckets, ("source", "destination"), strict=True):
        try:
            found, key = parse_url(str(url), f"its {side}")
            check_text(key, f"its {side}")
        except PathError as error:
            raise _error(names, flag, f"line {number}: {error}") from None
        if found != bucket:
            raise _error(names, flag, f"line {number}: its {side} is in s3://{found}, not in s3://{bucket}")
        keys.append(key)
    return keys[0], keys[1]


def _pieces(names: Names, flag: str, access: Access, end: bytes, longest: int) -> Iterator[tuple[int, bytes]]:
    """Numbered pieces of a file, without their ends."""
    number, rest = 0, b""
    try:
        with _opened(names.url, access) as stream:
            while chunk := stream.read(_CHUNK):
                if worker().stopping:  # a list may be read for minutes
                    raise Stopped
                *whole, rest = (rest + chunk).split(end)
                yield from enumerate(whole, number + 1)
                number += len(whole)
                if len(rest) > longest:
                    raise _error(names, flag, f"line {number + 1} is longer than any name: is it a list?")
        if rest:
            yield number + 1, rest
    except ListError:
        raise
    except ConfigError as error:  # it could not be opened; what was behind that is told without the URL
        raise _error(names, flag, _reason(error.__context__ or error)) from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise _error(names, flag, _reason(error)) from None
    except Exception as error:
        # Clients behind smart-open have exceptions of their own, with no common base.
        if type(error).__module__.partition(".")[0] not in ("botocore", "requests", "urllib3", "lzma", "compression"):
            raise
        raise _error(names, flag, _reason(error)) from None


@contextlib.contextmanager
def _opened(url: str, access: Access) -> Iterator[IO[bytes]]:
    if url == "-":
        yield sys.stdin.buffer
        return
    with open_url(url, "rb", access) as stream:
        yield stream


def _error(names: Names, flag: str, reason: str) -> ListError:
    """Names the list without what may be secret in a URL: user, password, query."""
    url = names.url
    if "://" in url and not url.startswith("s3://"):
        parts = urlsplit(url)
        url = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    return ListError(f"{flag} {escape(url)!r}: {escape(reason)}")


def _reason(error: BaseException) -> str:
    """What to say of an exception, without the URLs that those of HTTP libraries hold."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status:
        return f"HTTP status {status}"
    if type(error).__module__.startswith(("requests", "urllib3")):
        return f"cannot be reached ({type(error).__name__})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
