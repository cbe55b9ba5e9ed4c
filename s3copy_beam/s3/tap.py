"""So many per second, first come, first served; the rate may change while some wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from s3copy_beam.s3.flights import Flights

_SLACK = 0.1
"""Seconds' worth of turns that may be made up for."""
_SHORTEST, _LONGEST = 0.002, 0.25
"""Seconds between looks: timers are not finer; a rate that changed is felt."""


class Tap:
    """Lets through what a rate allows. Used on the event loop only."""

    __slots__ = ("_filled", "_flights", "_loop", "_queue", "_rate", "_timer", "_turns")

    def __init__(self, flights: Flights, rate: Callable[[float], float]) -> None:
        """Args:
        flights: what waits is registered there.
        rate: per second, at a time of the loop's clock; 0: all may pass.
        """
        self._flights = flights
        self._loop = asyncio.get_running_loop()
        self._rate = rate
        self._queue: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._turns = 1.0
        self._filled = self._loop.time()

    async def turn(self) -> None:
        """Waits until one more may pass.

        Raises:
            Stopped: the run is being stopped.
        """
        rate = self._fill()
        if not self._queue and (not rate or self._turns >= 1):
            self._turns -= 1
            return
        future = self._loop.create_future()
        self._queue.append(future)
        if self._timer is None:
            self._timer = self._loop.call_later(_SHORTEST, self._pour)
        await self._flights.wait(future)

    def empty(self) -> None:
        """Takes back turns that were saved up."""
        self._turns, self._filled = 0.0, self._loop.time()

    def _fill(self) -> float:
        now = self._loop.time()
        rate = self._rate(now)
        self._turns = min(self._turns + (now - self._filled) * rate, 1 + rate * _SLACK)
        self._filled = now
        return rate

    def _pour(self) -> None:
        rate = self._fill()
        while self._queue and (not rate or self._turns >= 1):
            future = self._queue.popleft()
            if not future.done():
                self._turns -= 1
                future.set_result(None)
        wait = (1 - self._turns) / rate if rate else 0.0
        self._timer = self._loop.call_later(min(max(_SHORTEST, wait), _LONGEST), self._pour) if self._queue else None
