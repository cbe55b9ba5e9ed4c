"""What is under way on the event loop, and how it is brought to an end: time-outs, and the stop of a run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from s3copy_beam.s3.errors import Stopped

_TICK = 0.25
"""Seconds between looks at what is over time: one timer for all requests, instead of one for each."""


class _Flight:
    __slots__ = ("deadline", "reason", "task")

    def __init__(self, task: asyncio.Task[Any], deadline: float) -> None:
        self.task = task
        self.deadline = deadline
        self.reason: type[BaseException] | None = None


class Flights:
    """All requests and waits of one event loop. Used on that loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stopping = False
        self._loop = loop
        self._flights: set[_Flight] = set()
        self._waits: set[asyncio.Future[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._flights)

    @contextlib.contextmanager
    def flight(self, seconds: float) -> Iterator[None]:
        """Bounds the time of what the current task awaits inside.

        Raises:
            TimeoutError: it took longer.
            Stopped: the run was stopped, and its grace is over.
        """
        task = asyncio.current_task()
        assert task is not None
        flight = _Flight(task, self._loop.time() + seconds)
        self._flights.add(flight)
        if self._timer is None:
            self._timer = self._loop.call_later(_TICK, self._tick)
        try:
            yield
        except asyncio.CancelledError:
            if flight.reason is None:
                raise
            uncancel = getattr(task, "uncancel", None)  # Python 3.11 and later count
            if uncancel is not None and uncancel() > 0:
                raise
            raise flight.reason from None
        finally:
            self._flights.discard(flight)

    async def wait(self, future: asyncio.Future[Any]) -> None:
        """Awaits something that is no request; ends with Stopped when the run is stopped."""
        if self.stopping:
            raise Stopped
        self._waits.add(future)
        try:
            await future
        finally:
            self._waits.discard(future)

    async def pause(self, seconds: float) -> None:
        """Sleeps; ends with Stopped when the run is stopped."""
        future = self._loop.create_future()
        handle = self._loop.call_later(seconds, _resolve, future)
        try:
            await self.wait(future)
        finally:
            handle.cancel()

    def stop(self, grace: float) -> None:
        """Ends all waits now, and after `grace` seconds the requests that are still under way."""
        if not self.stopping:
            self.stopping = True
            self._loop.call_later(grace, self._abandon)
        for future in tuple(self._waits):
            if not future.done():
                future.set_exception(Stopped())

    def _abandon(self) -> None:
        if self.stopping:  # no new run began meanwhile
            for flight in tuple(self._flights):
                self._end(flight, Stopped)

    def _tick(self) -> None:
        now = self._loop.time()
        for flight in tuple(self._flights):
            if flight.deadline <= now:
                self._end(flight, TimeoutError)
        self._timer = self._loop.call_later(_TICK, self._tick) if self._flights else None

    def _end(self, flight: _Flight, reason: type[BaseException]) -> None:
        if flight.reason is None:
            flight.reason = reason
            flight.task.cancel()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
