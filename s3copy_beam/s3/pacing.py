"""How many requests at a time, and how fast: slots that adapt, rates that follow what a store refuses.

Concurrency is a matter of the process and of the kind of request (Gate, Tuner): a part's latency follows its size and
says nothing about congestion. Rates are a matter of the store's partitions (Lanes): they exist only where a store said
SlowDown. All of this is used on the event loop only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from s3copy_beam.s3.flights import Flights
from s3copy_beam.s3.lanes import Lane, Lanes
from s3copy_beam.s3.tap import Tap

START = 40
"""Requests at a time that a process begins with; the fixed number of threads of the tool's predecessor."""
SMALL, PART, LIST = "small", "part", "list"
_MOST = {SMALL: 512, PART: 256, LIST: 128}


@dataclass(frozen=True)
class Limits:
    """What requests are bounded by.

    Attributes:
        concurrency: requests at a time, of all kinds together; 0: adapts, starting at 40 of each kind.
        retries: of one request, beyond the first try; throttled tries don't count.
        requests_per_second: of this process; 0: no limit.
        give_up: seconds for which one request may be throttled.
        read_timeout: seconds that the answer to a small request may take; larger ones get more.
        total_timeout: seconds after which a request that fails is not tried again.
    """

    concurrency: int = 0
    retries: int = 10
    requests_per_second: float = 0
    give_up: float = 900
    read_timeout: float = 60
    total_timeout: float = 300


class Gate:
    """Slots for requests: first come, first served."""

    __slots__ = ("_flights", "_loop", "_queue", "crowded", "limit", "peak", "running")

    def __init__(self, flights: Flights, limit: int) -> None:
        self._flights = flights
        self._loop = asyncio.get_running_loop()
        self._queue: deque[asyncio.Future[None]] = deque()
        self.limit = limit
        self.running = 0
        self.peak = 0
        self.crowded = False
        """Some request had to wait since this was last set to False."""

    async def enter(self) -> None:
        """Waits for a slot; leave() must follow.

        Raises:
            Stopped: the run is being stopped.
        """
        if self.running < self.limit and not self._queue:
            self.running += 1
        else:
            self.crowded = True
            future = self._loop.create_future()
            self._queue.append(future)
            try:
                await self._flights.wait(future)  # whoever leaves hands its slot over
            except BaseException:
                if future.done() and not future.cancelled() and future.exception() is None:
                    self.leave()  # the slot came together with the end
                else:
                    future.cancel()
                raise
        self.peak = max(self.peak, self.running)

    def leave(self) -> None:
        """Gives the slot back."""
        self.running -= 1
        self.admit()

    def admit(self) -> None:
        """Lets in as many as fit."""
        while self._queue and self.running < self.limit:
            future = self._queue.popleft()
            if not future.done():
                self.running += 1
                future.set_result(None)


class Tuner:
    """Finds how many requests at a time bring the most: more as long as more comes of it.

    An epoch is a turn of all slots, and some time. While throughput follows, the limit doubles, later it grows by a
    quarter; where it does not, the last step is taken back and tried again later, ever more rarely. Where throughput
    falls and latency rises at an unchanged limit, or requests time out, the limit falls.
    """

    def __init__(self, gate: Gate, most: int, now: Callable[[], float]) -> None:
        self.gate = gate
        self._most = most
        self._now = now
        self._growth = 2.0
        self._before = 0
        """Limit before the step that is being tried; 0: none is."""
        self._best = 0.0
        """Throughput at the limit that is in force, or was before the step."""
        self._calm = 0.0
        """Seconds a request took then."""
        self._next_try = 0.0
        self._patience = 2.0
        self._backed_off = 0.0
        self._begin(now())

    def done(self, seconds: float, weight: float) -> None:
        """A request was answered.

        Args:
            seconds: it took.
            weight: what it brought: 1, or bytes.
        """
        self._count += 1
        self._weight += weight
        self._seconds += seconds
        if self._count >= self.gate.limit:
            now = self._now()
            if now - self._since >= max(0.2, 1.5 * self._seconds / self._count):
                self._decide(now)

    def congested(self) -> None:
        """A request timed out: at most once a second, the limit falls."""
        now = self._now()
        if now - self._backed_off >= 1:
            self._backed_off = now
            self._set(max(4, int(self.gate.limit * 0.7)))
            self._before, self._best, self._next_try = 0, 0.0, now + self._patience
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._since, self._count, self._weight, self._seconds = now, 0, 0.0, 0.0
        self.gate.crowded = False

    def _decide(self, now: float) -> None:
        throughput, latency = self._weight / (now - self._since), self._seconds / self._count
        crowded = self.gate.crowded
        self._begin(now)
        if not crowded:  # slots were not what held things back
            return
        if self._before:
            gained = throughput >= self._best * (1 + (self.gate.limit / self._before - 1) / 4)
            if not gained:
                self._set(self._before)
                self._before, self._next_try = 0, now + self._patience
                self._patience = min(60.0, self._patience * 2)
                self._growth = 1.25
                return
            self._patience = 2.0
        elif self._best and throughput < 0.7 * self._best and latency > 2 * self._calm:
            self._set(max(8, int(self.gate.limit * 0.8)))
            self._best, self._next_try = 0.0, now + self._patience
            return
        self._best = throughput if self._before or not self._best else 0.7 * self._best + 0.3 * throughput
        self._calm = latency if self._before or not self._calm else 0.7 * self._calm + 0.3 * latency
        self._before = 0
        if now >= self._next_try and self.gate.limit < self._most:
            self._before = self.gate.limit
            self._set(min(self._most, max(self.gate.limit + 1, int(self.gate.limit * self._growth))))

    def _set(self, limit: int) -> None:
        self.gate.limit = limit
        self.gate.admit()


class Pacer:
    """Gates and rates of one process, for all its clients of the same limits."""

    def __init__(self, limits: Limits, flights: Flights) -> None:
        self.flights = flights
        self._loop = asyncio.get_running_loop()
        self._tap = Tap(flights, lambda now: limits.requests_per_second) if limits.requests_per_second else None
        self._all = Gate(flights, limits.concurrency) if limits.concurrency else None
        self._lanes: dict[tuple[str, str], Lanes] = {}
        self._tuners: dict[tuple[str, str], Tuner] = {}

    def gate(self, store: str, kind: str) -> tuple[Gate, Tuner | None]:
        """The slots for this kind of request to this store; no tuner: their number is fixed."""
        if self._all:
            return self._all, None
        tuner = self._tuners.get((store, kind))
        if tuner is None:
            tuner = Tuner(Gate(self.flights, START), _MOST[kind], self._loop.time)
            self._tuners[store, kind] = tuner
        return tuner.gate, tuner

    def lane(self, store: str, bucket: str, kind: str, key: str) -> Lane:
        """The rate that holds for a request."""
        lanes = self._lanes.get((store, bucket))
        if lanes is None:
            lanes = self._lanes[store, bucket] = Lanes(self.flights)
        return lanes.lane(kind, key)

    async def enter(self, gate: Gate, lane: Lane) -> None:
        """Waits until the rates, the lane's and the process's, and the slots allow one more request.

        Those who took their turn before the lane's rate was cut, and wait for a slot, take another: there may be
        hundreds. Gate.leave() must follow.

        Raises:
            Stopped: the run is being stopped.
        """
        while True:
            await lane.turn()
            cuts = lane.cuts
            await gate.enter()
            if cuts == lane.cuts:
                break
            gate.leave()
        if self._tap:
            try:
                await self._tap.turn()
            except BaseException:
                gate.leave()
                raise

    def settled(self) -> dict[str, int]:
        """The numbers of requests at a time that are in force now, by kind (or "all")."""
        if self._all:
            return {"all": self._all.limit}
        return {f"{kind} {store}": tuner.gate.limit for (store, kind), tuner in self._tuners.items()}
