"""Rates of requests, by what a store's partitions refuse: one lane for each kind of request and prefix of keys.

A lane is open until the store says SlowDown in it. Then its rate is set below what went through, and grows again along
a cubic curve, slowly where it was last refused and faster beyond, as the SDKs' adaptive retry mode does: most of a
limit is used, few requests are refused, and a limit that rises is found.

A limit may be one prefix's, or hold for many of them together. So each lane has its own rate, and besides what others
leave of the rate of the whole bucket (a hierarchical token bucket). Where the limit is a prefix's, its own rate is what
it gets; where it is the bucket's, lanes that have work now use what those that are done no longer need.
"""

from __future__ import annotations

import asyncio

from s3copy_beam.s3.flights import Flights
from s3copy_beam.s3.tap import Tap

_MOST = 16
"""Lanes of a kind; with more prefixes than that, one level less of them is told apart."""
_KEEP = 0.85
"""Of the rate that was refused, this much is left."""
_RISE = 4.0
"""Seconds until a rate is again where it was refused."""
_FLOOR = 20.0
"""Requests per second that no lane goes below: refusals that do not follow the rate would else bring it to a halt; the
backoff of each request does the rest."""
_WINDOW = 0.5
"""Seconds over which what goes through is counted."""
_FORGET = 60.0
"""Seconds after which a rate that is far above what goes through is no limit any more."""


class Rate:
    """How many requests per second a partition takes, as far as it showed."""

    __slots__ = ("_at", "_ceiling", "_count", "_cut", "_last", "_searching", "_since", "_value")

    def __init__(self, now: float) -> None:
        self._since = now
        self._count = 0
        self._last = 0.0
        """Requests per second that went through in the window before this one."""
        self._value = 0.0
        self._at = self._cut = 0.0
        self._ceiling = 0.0
        self._searching = False

    def begin(self, now: float) -> None:
        """The bucket is known to have a limit, this part of it is not: on from what goes through, or up from little."""
        if not self._value:
            self._searching = self._last < _FLOOR
            self._value = self._ceiling = max(_FLOOR, self._last)
            self._at = now if self._searching else now - _RISE

    @property
    def known(self) -> bool:
        """Whether there is a limit."""
        return self._value > 0

    def at(self, now: float) -> float:
        """Requests per second that may be sent; 0: all."""
        if not self._value:
            return 0.0
        passed = now - self._at
        if self._searching:  # the first estimate is a guess: find the limit fast, then stay near it
            return self._value * 2 ** min(passed, 10.0)
        return max(_FLOOR, self._ceiling * (1 + (1 - _KEEP) * ((passed - _RISE) / _RISE) ** 3))

    def passed(self, now: float) -> None:
        """A request was not refused."""
        self._count += 1
        elapsed = now - self._since
        if elapsed >= _WINDOW:
            self._last = self._count / elapsed
            self._since, self._count = now, 0
            rate = self.at(now)
            if rate and now - self._cut > _FORGET and rate > 4 * self._last:
                self._value = 0.0
            elif rate and self._last > rate:  # of a whole: its parts take their own rates
                self._ceiling, self._at, self._searching = self._last, now - _RISE, False

    def refused(self, now: float, sent: float, whole: bool = False) -> bool:
        """A request that was sent at `sent` was throttled. Whether that is news: not if sent before the last cut.

        A whole is cut once in a while, to what went through: its parts are refused one after another.
        """
        elapsed = max(now - self._since, 0.05)
        if sent < self._cut or whole and now - self._cut < _WINDOW and self.at(now) < 1.2 * self._count / elapsed:
            return False
        through = self._last  # the better of two windows: a process that had to wait for a processor sends in bursts
        if now - self._since >= _WINDOW / 2 or not through:
            through = max(through, self._count / elapsed)
        before = 0.0 if whole else self.at(now)
        self._searching = not self._value and not whole
        self._ceiling = max(_FLOOR, min(before, max(through, before / 2)) if before else through)
        self._value = _KEEP * self._ceiling
        self._at = self._cut = now
        return True


class Lane:
    """The way of requests to one partition, as far as we can tell partitions.

    Args:
        flights: what waits is registered there.
        whole: the lane of all requests of this kind to the bucket; None: this is it.
    """

    __slots__ = ("_rate", "_tap", "_whole", "cuts", "known")

    def __init__(self, flights: Flights, whole: Lane | None = None) -> None:
        now = asyncio.get_running_loop().time()
        self._rate, self._whole = Rate(now), whole
        self._tap: Tap = Tap(flights, self._rate.at, whole._tap if whole else None)
        self.cuts = 0
        """Times that the rate was cut: turns taken before the last one are void."""
        self.known = False
        """The store has refused requests."""

    async def turn(self) -> None:
        """Waits until the rates allow one more request.

        Raises:
            Stopped: the run is being stopped.
        """
        if self._whole and self._whole.known:
            if not self._rate.known:
                self._rate.begin(asyncio.get_running_loop().time())
            await self._tap.turn()

    def passed(self, now: float) -> None:
        """A request was not refused."""
        self._rate.passed(now)
        if self._whole:
            self._whole.passed(now)

    def refused(self, now: float, sent: float) -> None:
        """A request was throttled."""
        self.known = True
        if self._rate.refused(now, sent, whole=self._whole is None):
            self.cuts += 1
            self._tap.empty()
        if self._whole:
            self._whole.refused(now, sent)


class Lanes:
    """The lanes of one bucket."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights
        self._depth: dict[str, int] = {}
        self._whole: dict[str, Lane] = {}
        self._lanes: dict[str, dict[str, Lane]] = {}

    def lane(self, kind: str, key: str) -> Lane:
        """The lane of a request for a key: of the key's first two path components, or less."""
        depth = self._depth.setdefault(kind, 2)
        lanes = self._lanes.setdefault(kind, {})
        name = _start(key, depth)
        lane = lanes.get(name)
        if lane is None:
            if len(lanes) >= _MOST and depth:
                self._depth[kind] = depth - 1
                lanes.clear()
                return self.lane(kind, key)
            whole = self._whole.setdefault(kind, Lane(self._flights))
            lane = lanes[name] = Lane(self._flights, whole)
        return lane


def _start(key: str, depth: int) -> str:
    """The key's first `depth` path components, without the last one (the object's own name)."""
    place = -1
    for _ in range(depth):
        following = key.find("/", place + 1)
        if following < 0:
            break
        place = following
    return key[:place + 1]
