"""One side's listing, page by page, held to what a listing must be.

A page that is no page is the client's error; here a key outside the prefix, a listing that goes back, or that says
"more" for ever, is a `BrokenListing`. None of them is ever taken for the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import WeakSet

from s3copy_beam.keyspace import Order, ascending, by_component, order_shown
from s3copy_beam.listing.judge import is_folder, listed_of
from s3copy_beam.model import Listed
from s3copy_beam.s3.client import S3Client
from s3copy_beam.s3.errors import S3Error
from s3copy_beam.s3.page import Page

PAGE_SIZE = 1000
"""The most that ListObjectsV2 gives."""
_MOST_EMPTY = 100
"""Pages without keys in a row that say "more": beyond it the store is taken to be going in circles."""

listed_before: WeakSet[S3Client] = WeakSet()
"""Clients that have had a page in this process: a listing that fails at its first page could not work at all."""


class BrokenListing(Exception):
    """A store's listing contradicts itself. The message is for people."""


class Side:
    """All keys below a prefix of one bucket, and what has been seen of how the store lists them.

    Attributes:
        order: of the keys. "Out of order" is an error once it is known.
        page_size: keys asked for in one request.
    """

    def __init__(self, client: S3Client, prefix: str, page_size: int = PAGE_SIZE) -> None:
        self.client, self.prefix, self.page_size = client, prefix, page_size
        self.order = Order.UNKNOWN

    async def page(self, after: str = "", token: str = "", size: int = 0) -> Page:
        """One page: what is listed after `after` (a text that starts with the prefix), or goes on from `token`.

        Raises:
            S3Error: it could not be had.
            BrokenListing: keys that were not asked for.
        """
        page = await self.client.list_page(self.prefix, after if not token else "", token, size or self.page_size)
        listed_before.add(self.client)
        objects, prefix = page.objects, self.prefix
        if prefix and not all(listed.key.startswith(prefix) for listed in objects):
            raise BrokenListing(f"keys that do not start with {prefix!r} were listed")
        if page.more and not page.token:
            raise BrokenListing("a page says that there is more, but not how to get it")
        return page

    async def look(self, key: str, listable: bool = True) -> Listed | None:
        """One key, by itself; None: it is not there.

        Args:
            key: any key of the bucket.
            listable: where HEAD is refused (of SSE-C, it wants the customer's key) a listing tells as well.

        Raises:
            S3Error: it could not be told.
        """
        try:
            head = await self.client.head(key)
            return None if is_folder(head) else listed_of(key, head)
        except S3Error as error:
            if error.status == 404 and error.code != "NoSuchBucket":
                return None
            if not listable or error.status not in (400, 403, 405):
                raise
        objects = (await self.client.list_page(key, max_keys=1)).objects
        return objects[0] if objects and objects[0].key == key else None

    async def first_after(self, after: str) -> str:
        """The first key after a text; empty: there is none."""
        token = ""
        for _ in range(_MOST_EMPTY):
            page = await self.page(after, token, 1)
            if page.objects or not page.more:
                return page.objects[0].key if page.objects else ""
            token = page.token
        raise BrokenListing("pages without keys say that there is more")

    def follow(self, keys: Sequence[str], after: str = "") -> None:
        """Takes note of keys that were listed one after another.

        Args:
            keys: at least one.
            after: the text, no key, that they were listed after.

        Raises:
            BrokenListing: they are out of the order that this store was seen to keep.
        """
        order = self.order
        if order is Order.NEITHER:
            return
        if after and order is Order.UNKNOWN and keys[0] <= after:
            order = self.order = Order.COMPONENT
        if after and not (by_component(after) < by_component(keys[0]) if order is Order.COMPONENT else after < keys[0]):
            raise BrokenListing("keys are listed that should come before")
        if order is Order.UTF8:
            fits = ascending(keys)
        elif order is Order.COMPONENT:
            fits = ascending([by_component(key) for key in keys])
        else:
            self.order = order_shown(keys)
            fits = self.order is not Order.NEITHER or len(set(keys)) == len(keys)
        if not fits:
            raise BrokenListing("keys are listed out of order")


class Stream:
    """The pages of a side from one place on, each begun where the last one ended (by the store's own tokens).

    Attributes:
        after: what it started after; empty: at the beginning.
        last: the last key it gave; empty: none yet.
        ended: there is no more.
    """

    def __init__(self, side: Side, after: str = "", first: Page | None = None) -> None:
        self.side, self.after = side, after
        self.last = ""
        self.ended = False
        self._token = self._page_token = ""
        self._given = first
        self._coming: asyncio.Task[Page] | None = None

    async def next(self, size: int = 0) -> list[Listed]:
        """The next objects; none: the listing has ended.

        Raises:
            S3Error: a page could not be had.
            BrokenListing: the listing contradicts itself.
        """
        for _ in range(_MOST_EMPTY):
            if self.ended:
                return []
            page = await self._page(size)
            if page.more and page.token == self._token:
                raise BrokenListing("the listing goes in circles")
            self._page_token, self._token, self.ended = self._token, page.token, not page.more
            if page.objects:
                keys = [listed.key for listed in page.objects]
                if self.last:
                    self.side.follow([self.last, *keys])
                else:
                    self.side.follow(keys, self.after)
                self.last = keys[-1]
                return page.objects
        raise BrokenListing("pages without keys say that there is more")

    async def _page(self, size: int) -> Page:
        given, coming, self._given, self._coming = self._given, self._coming, None, None
        if given is not None:
            return given
        if coming is None:
            return await self.side.page(self.after, self._token, size)
        try:
            return await coming
        except asyncio.CancelledError:
            coming.cancel()
            raise

    async def again(self) -> list[str]:
        """The keys of the page that was given last, as they are listed now."""
        return [listed.key for listed in (await self.side.page(self.after, self._page_token)).objects]

    def fetch_ahead(self) -> None:
        """Begins to fetch the page that `next` will give."""
        if not self.ended and self._coming is None and self._given is None:
            self._coming = asyncio.ensure_future(self.side.page(self.after, self._token))

    def close(self) -> None:
        """Lets go of what is being fetched."""
        coming, self._coming = self._coming, None
        if coming is not None:
            let_go(coming)


def let_go(task: asyncio.Task[Page]) -> None:
    """Cancels the fetching of a page that nobody waits for; how it ends does not matter."""
    task.cancel()
    task.add_done_callback(lambda done: None if done.cancelled() else done.exception())
