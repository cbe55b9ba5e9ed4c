"""A bucket in memory that lists as stores do: in either order, with tokens, latency, refusals; it counts requests."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import md5

from s3copy_beam.model import Listed
from s3copy_beam.s3.answers import Head
from s3copy_beam.s3.errors import S3Error
from s3copy_beam.s3.page import Page


@lru_cache
def etag(body: str) -> str:
    return md5(body.encode()).hexdigest()


def listed(key: str, body: str = "") -> Listed:
    """An object whose ETag follows from `body`."""
    return Listed(key, len(body), etag(body), 1_700_000_000)


def by_utf8(key: str) -> str:
    return key


def by_component(key: str) -> str:
    return key.replace("/", "\0")


class FakeBucket:
    """Stands in for an S3Client.

    Args:
        objects: what is in it.
        rank: what keys are ordered by. With `by_component`, a start-after that is a folder skips all below it, as
            SeaweedFS does.
        latency: seconds an answer takes.
        deny: names of methods that answer AccessDenied.
        on_list: called with the number of each list request (from 1); may raise.
    """

    def __init__(self, objects: Iterable[Listed] = (), bucket: str = "bucket", *, rank: Callable[[str], str] = by_utf8,
                 latency: float = 0, deny: frozenset[str] = frozenset(),
                 on_list: Callable[[int], None] | None = None) -> None:
        self.bucket, self.rank, self.latency, self.deny, self.on_list = bucket, rank, latency, deny, on_list
        self.lists = self.heads = 0
        self.keys_listed = 0
        self.asked: list[tuple[str, str, str, int]] = []
        self.put(objects)

    def put(self, objects: Iterable[Listed]) -> None:
        self.objects = sorted(objects, key=lambda one: self.rank(one.key))
        self._prefixes: dict[str, list[Listed]] = {}
        self._ranks: dict[str, list[str]] = {}
        self.by_key = {one.key: one for one in self.objects}
        assert len(self.by_key) == len(self.objects)

    def _check(self, method: str) -> None:
        if method in self.deny:
            raise S3Error("AccessDenied", "no", 403, method)

    async def list_page(self, prefix: str = "", start_after: str = "", token: str = "", max_keys: int = 1000) -> Page:
        self.lists += 1
        self.asked.append((prefix, start_after, token, max_keys))
        number = self.lists
        if self.latency:
            await asyncio.sleep(self.latency)
        else:
            await asyncio.sleep(0)
        self._check("list")
        if self.on_list:
            self.on_list(number)
        after = token[1:] if token else start_after
        after.encode()  # no lone surrogates
        assert len(after.encode()) <= 1024 and 1 <= max_keys <= 1000
        assert token or not after or after.startswith(prefix), "some stores then list nothing"
        below = self._below(prefix)
        ranks = self._ranks[prefix]
        i = bisect_right(ranks, self.rank(after)) if after else 0
        if not token and after and self.rank is by_component:
            while i < len(below) and below[i].key.startswith(after + "/"):
                i += 1
        found = below[i:i + max_keys]
        self.keys_listed += len(found)
        more = i + max_keys < len(below)
        return Page(found, more, "t" + found[-1].key if more else "")

    def _below(self, prefix: str) -> list[Listed]:
        if prefix not in self._prefixes:
            self._prefixes[prefix] = [one for one in self.objects if one.key.startswith(prefix)]
            self._ranks[prefix] = [self.rank(one.key) for one in self._prefixes[prefix]]
        return self._prefixes[prefix]

    async def head(self, key: str, part_number: int = 0, checksums: bool = False) -> Head:
        self.heads += 1
        await asyncio.sleep(self.latency)
        self._check("head")
        one = self.by_key.get(key)
        if one is None:
            raise S3Error("NoSuchKey", "", 404, "HeadObject")
        return Head(size=one.size, etag=one.etag, modified=one.modified)
