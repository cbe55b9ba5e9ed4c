"""So many per second, first come, first served; the rate may change while some wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from s3copy_beam.s3.flights import Flights

_SLACK = 0.05
"""Seconds' worth of turns that may be made up for."""
_DEBT = 50.0
"""Turns that parts may take beyond what their whole has."""
_SHORTEST, _LONGEST = 0.002, 0.25
"""Seconds between looks: timers are not finer; a rate that changed is felt."""


class Tap:
    """Lets through what a rate allows. Used on the event loop only."""

    __slots__ = ("_filled", "_flights", "_loop", "_queue", "_rate", "_timer", "_turns", "_whole")

    def __init__(self, flights: Flights, rate: Callable[[float], float], whole: Tap | None = None) -> None:
        """Args:
        flights: what waits is registered there.
        rate: per second, at a time of the loop's clock; 0: all may pass.
        whole: the tap of all of which this is a part: what the others leave of its rate may pass here, too.
        """
        self._flights = flights
        self._whole = whole
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
        if not self._queue and self._one(rate):
            return
        future = self._loop.create_future()
        self._queue.append(future)
        if self._timer is None:
            self._timer = self._loop.call_later(_SHORTEST, self._pour)
        await self._flights.wait(future)

    def empty(self) -> None:
        """Takes back turns that were saved up."""
        self._turns, self._filled = 0.0, self._loop.time()

    def _one(self, rate: float) -> bool:
        """Takes a turn, if there is one; it counts in the whole, too, whose turns may so fall below none."""
        whole = self._whole
        if not rate or self._turns >= 1:
            self._turns -= 1
            if whole is not None:
                whole._fill()
                whole._turns = max(whole._turns - 1, -_DEBT)
            return True
        return whole is not None and bool(whole._fill()) and whole._one(1.0)

    def _fill(self) -> float:
        now = self._loop.time()
        rate = self._rate(now)
        self._turns = min(self._turns + (now - self._filled) * rate, 1 + rate * _SLACK)
        self._filled = now
        return rate

    def _pour(self) -> None:
        rate = self._fill()
        while self._queue:
            if self._queue[0].done():
                self._queue.popleft()
            elif self._one(rate):
                self._queue.popleft().set_result(None)
            else:
                break
        wait = (1 - self._turns) / rate if rate else 0.0
        if self._whole is not None and (of_whole := self._whole._rate(self._filled)):
            wait = min(wait, (1 - self._whole._turns) / of_whole)
        self._timer = self._loop.call_later(min(max(_SHORTEST, wait), _LONGEST), self._pour) if self._queue else None
