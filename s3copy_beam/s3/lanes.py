"""Rates of requests, by what a store's partitions refuse: one lane for each kind of request and prefix of keys.

A lane is open until the store says SlowDown in it. Then its rate is set below what went through, and grows again along
a cubic curve, slowly where it was last refused and faster beyond, as the SDKs' adaptive retry mode does: most of a
limit is used, few requests are refused, and a limit that rises is found.
"""

from __future__ import annotations

from collections.abc import Callable

_MOST = 16
"""Lanes of a kind; with more prefixes than that, one level less of them is told apart."""
_KEEP = 0.85
"""Of the rate that was refused, this much is left."""
_RISE = 4.0
"""Seconds until a rate is again where it was refused."""


class Lane:
    """The rate of requests to one partition, as far as we can tell partitions."""

    __slots__ = ("_at", "_ceiling", "_count", "_cut", "_free", "_last", "_rate", "_searching", "_since")

    def __init__(self, now: float) -> None:
        self._since = now
        self._count = 0
        self._last = 0.0
        """Requests per second that went through in the window before this one."""
        self._rate = 0.0
        """Requests per second; 0: open."""
        self._at = self._cut = self._free = 0.0
        self._ceiling = 0.0
        self._searching = False

    @property
    def rate(self) -> float:
        """Requests per second that are let through; 0: all."""
        return self._rate

    def turn(self, now: float) -> float:
        """Takes the next turn; how many seconds to wait for it."""
        if not self._rate:
            return 0.0
        self._grow(now)
        start = max(self._free, now)
        self._free = start + 1 / self._rate
        return start - now

    def passed(self, now: float) -> None:
        """A request was not refused."""
        self._count += 1
        elapsed = now - self._since
        if elapsed >= 0.5:
            self._last = self._count / elapsed
            self._since, self._count = now, 0
            if self._rate > 4 * self._last and now - self._cut > 60:
                self._rate = 0.0  # long since no limit of ours

    def refused(self, now: float, sent: float) -> None:
        """A request that was sent at `sent` was throttled; those sent before the last cut are no news."""
        if sent < self._cut:
            return
        elapsed = now - self._since
        through = self._count / max(elapsed, 0.05)
        if self._last and elapsed < 0.25:
            through = max(through, self._last)
        first = not self._rate
        self._ceiling = max(1.0, through if first else min(self._rate, max(through, self._rate / 2)))
        self._rate = max(0.5, _KEEP * self._ceiling)
        self._searching = first
        self._at = self._cut = now
        self._free = now

    def _grow(self, now: float) -> None:
        passed = now - self._at
        if self._searching:  # the first estimate is a guess: find the limit fast, then stay near it
            self._rate *= 2 ** min(passed, 1.0)
            self._at = now
        else:
            self._rate = self._ceiling * (1 + (1 - _KEEP) * ((passed - _RISE) / _RISE) ** 3)


class Lanes:
    """The lanes of one bucket."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._depth: dict[str, int] = {}
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
            lane = lanes[name] = Lane(self._now())
        return lane


def _start(key: str, depth: int) -> str:
    """The key's first `depth` path components, without the last one (the object's own name)."""
    if not depth:
        return ""
    place = -1
    for _ in range(depth):
        following = key.find("/", place + 1)
        if following < 0:
            break
        place = following
    return key[:place + 1]
