"""The process's event loop: one thread, one connection pool, one pacing, for all who copy in this process."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from s3copy_beam.options import Access
from s3copy_beam.s3.client import S3Client
from s3copy_beam.s3.exchange import Desk
from s3copy_beam.s3.flights import Flights
from s3copy_beam.s3.identity import forget_sessions
from s3copy_beam.s3.network import Session
from s3copy_beam.s3.pacing import Limits

T = TypeVar("T")
GRACE = 3.0
"""Seconds that requests under way have left when the run is stopped."""


class Counts(NamedTuple):
    """Requests: every one sent, those sent again for a failure, those answered SlowDown, 429 or 503."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0


class Worker:
    """Runs coroutines on a thread of its own. All methods are for other threads, unless they say otherwise."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._loop = asyncio.new_event_loop()
        self._clients: dict[tuple[Access, Limits], S3Client] = {}
        self._taken = Counts()
        self._stopping = False
        ready: concurrent.futures.Future[Desk] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="s3copy", daemon=True)
        self._thread.start()
        self._desk = ready.result()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that everything runs on."""
        return self._loop

    def submit(self, coro: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Starts a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(coro, self._loop)

    def run(self, coro: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the loop and waits for its result."""
        return self.submit(coro).result()

    def client(self, access: Access, limits: Limits = Limits()) -> S3Client:  # noqa: B008  immutable
        """The client for a bucket, made when first asked for; may take a while then.

        Raises:
            ConfigError: credentials or the bucket's place cannot be had.
        """
        with self._lock:
            client = self._clients.get((access, limits))
            if client is None:
                client = self._clients[access, limits] = S3Client(access, limits, self._desk)
            return client

    def counts(self) -> Counts:
        """Requests since the worker began, or was reset."""
        tally = self._desk.tally
        return Counts(tally.requests, tally.retries, tally.throttled)

    def take_counts(self) -> Counts:
        """Requests since this was last called: each is told exactly once."""
        with self._lock:
            now, before = self.counts(), self._taken
            self._taken = now
            return Counts(now.requests - before.requests, now.retries - before.retries,
                          now.throttled - before.throttled)

    def concurrency(self) -> dict[str, int]:
        """How many requests at a time are allowed just now, by kind and store."""
        return {name: limit for pacer in tuple(self._desk.pacers.values()) for name, limit in pacer.settled().items()}

    @property
    def stopping(self) -> bool:
        """Whether stop() was called; from any thread."""
        return self._stopping

    def stop(self, grace: float = GRACE) -> None:
        """No request begins from now on, those under way have `grace` seconds; all others raise Stopped.

        Returns at once; may be called from a signal handler.
        """
        self._stopping = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            self._loop.call_soon_threadsafe(self._desk.flights.stop, grace)

    def reset(self) -> None:
        """For a new run in this process: not stopped, counts at zero, credentials and configuration read anew."""

        async def begin() -> None:
            self._desk.flights.stopping = False
            tally = self._desk.tally
            tally.requests = tally.retries = tally.throttled = 0
            self._desk.budgets.clear()
            self._desk.pacers.clear()
            self._desk.clocks.clear()

        with self._lock:
            self._clients.clear()
            forget_sessions()
            self._taken = Counts()
            self._stopping = False
            self.run(begin())

    def close(self) -> None:
        """Closes connections and ends the thread; for the process's end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(2)

    def _run(self, ready: concurrent.futures.Future[Desk]) -> None:
        asyncio.set_event_loop(self._loop)

        async def open_desk() -> Desk:
            return Desk(Session(), Flights(self._loop))

        desk = self._loop.run_until_complete(open_desk())
        ready.set_result(desk)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(desk.session.close())
        self._loop.close()


_worker: Worker | None = None
_start = threading.Lock()
_parents: list[Worker] = []
"""In a forked child: the parent's, whose connections are not the child's to close."""


def worker() -> Worker:
    """The worker of this process, begun when first asked for."""
    global _worker  # noqa: PLW0603  one for each process
    if _worker is None:
        with _start:
            if _worker is None:
                _worker = Worker()
    return _worker


def _forget() -> None:
    """A forked child has no threads: it begins its own loop when it needs one."""
    global _worker, _start
    if _worker is not None:
        _parents.append(_worker)
    _worker, _start = None, threading.Lock()


def _close() -> None:
    if _worker is not None:
        _worker.close()


os.register_at_fork(after_in_child=_forget)
atexit.register(_close)
