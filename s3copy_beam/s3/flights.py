"""What is under way on the event loop, and how it is brought to an end: time-outs, and the stop of a run."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from s3copy_beam.s3.errors import Stopped

_TICK = 0.25
"""Seconds between looks at what is over time: one timer for all requests, instead of one for each."""


class _Flight:
    """Bounds the time of what the current task awaits inside `with`."""

    __slots__ = ("_all", "_task", "deadline", "reason")

    def __init__(self, flights: set[_Flight], deadline: float) -> None:
        self._all = flights
        self._task: asyncio.Task[Any] | None = None
        self.deadline = deadline
        self.reason: type[BaseException] | None = None

    def end(self, reason: type[BaseException]) -> None:
        """Interrupts the task, which then raises `reason`."""
        if self.reason is None and self._task:
            self.reason = reason
            self._task.cancel()

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._all.add(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._all.discard(self)
        if self.reason is not None and kind is asyncio.CancelledError:
            uncancel = getattr(self._task, "uncancel", None)  # Python 3.11 and later count
            if uncancel is None or uncancel() == 0:
                raise self.reason from None


class Flights:
    """All requests and waits of one event loop. Used on that loop only.

    Attributes:
        stopping: the run is being stopped: nothing begins but what keeps order (`may_begin`).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stopping = False
        self._over = False
        self._loop = loop
        self._flights: set[_Flight] = set()
        self._waits: set[asyncio.Future[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._flights)

    def flight(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """Bounds the time of what the current task awaits inside.

        Raises (where the context ends):
            TimeoutError: it took longer.
            Stopped: the run was stopped, and its grace is over.
        """
        if self._timer is None:
            self._timer = self._loop.call_later(_TICK, self._tick)
        return _Flight(self._flights, self._loop.time() + seconds)

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

    def may_begin(self, tidy: bool) -> bool:
        """Whether a request may be sent; `tidy`: it keeps order, and so may as long as others are under way."""
        return not self.stopping or tidy and not self._over

    def stop(self, grace: float) -> None:
        """Ends all waits now, and after `grace` seconds the requests that are still under way."""
        if not self.stopping:
            self.stopping, self._over = True, False
            self._loop.call_later(grace, self._abandon)
        for future in tuple(self._waits):
            if not future.done():
                future.set_exception(Stopped())

    def _abandon(self) -> None:
        if self.stopping:  # no new run began meanwhile
            self._over = True
            for flight in tuple(self._flights):
                flight.end(Stopped)

    def _tick(self) -> None:
        now = self._loop.time()
        for flight in tuple(self._flights):
            if flight.deadline <= now:
                flight.end(TimeoutError)
        self._timer = self._loop.call_later(_TICK, self._tick) if self._flights else None


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
