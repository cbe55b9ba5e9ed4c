"""A sorted set of (destination, source) pairs, and one of areas, on disk: any length in little memory.

SQLite with an empty file name: a private temporary database below TMPDIR, unlinked as soon as it is made, so that
nothing of it is left whatever happens to the process. Keys are kept as UTF-8 bytes, whose order is that of S3.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import NamedTuple

from s3copy_beam.model import Listed
from s3copy_beam.paths import Area

_CACHE_KIB = 32 << 10
_NOT_LISTED = (None,) * 6


class Pair(NamedTuple):
    """One copy that is asked for."""

    destination: str
    source: str
    listed: Listed | None = None
    """The source object, where a listing showed it; None: it was named, and must be looked up."""


class Spool:
    """Pairs and areas, each once, in the order of their destinations. Used by one thread at a time."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._base.executescript(f"""
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;
            PRAGMA cache_size = -{_CACHE_KIB};
            CREATE TABLE pairs (destination BLOB, source BLOB, size INTEGER, etag TEXT, modified INTEGER,
                                storage_class TEXT, restored INTEGER);
            CREATE TABLE areas (destination BLOB, area TEXT, PRIMARY KEY (destination, area)) WITHOUT ROWID;
        """)

    def close(self) -> None:
        """Drops everything."""
        self._base.close()

    def add(self, pairs: Iterable[Pair]) -> None:
        """Adds pairs, in any order: they are sorted when they are read, which costs a tenth of keeping an index.

        Raises:
            UnicodeEncodeError: a key with lone surrogates: no key is so.
        """
        self._base.execute("BEGIN")
        try:
            self._base.executemany(
                "INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((to.encode(), source.encode(), *(listed or _NOT_LISTED)[1:]) for to, source, listed in pairs))
        finally:
            self._base.execute("COMMIT")

    def pairs(self) -> Iterator[Pair]:
        """All pairs, each once, by destination key and source key; with what a listing showed, where one did."""
        before = None
        for to, source, size, etag, modified, storage_class, restored in self._base.execute(
                "SELECT * FROM pairs ORDER BY destination, source, size IS NULL"):
            if (to, source) != before:
                before = to, source
                key = source.decode()
                listed = None if size is None else Listed(key, size, etag, modified, storage_class, bool(restored))
                yield Pair(to.decode(), key, listed)

    def few(self, limit: int) -> bool:
        """Whether at most `limit` pairs were added."""
        return len(self._base.execute("SELECT 1 FROM pairs LIMIT ?", (limit + 1,)).fetchall()) <= limit

    def ends(self) -> tuple[str, str]:
        """The first and the last destination key; both empty: there are no pairs."""
        first, last = self._base.execute("SELECT min(destination), max(destination) FROM pairs").fetchone()
        return (first or b"").decode(), (last or b"").decode()

    def add_area(self, area: Area) -> None:
        """Adds an area; one that is there stays one."""
        self._base.execute("INSERT OR IGNORE INTO areas VALUES (?, ?)",
                           (area.prefix_of_destination.encode(), json.dumps(astuple(area))))

    def areas(self) -> Iterator[Area]:
        """All areas, by what their destination keys start with."""
        for (area,) in self._base.execute("SELECT area FROM areas ORDER BY destination, area"):
            yield Area(*json.loads(area))
