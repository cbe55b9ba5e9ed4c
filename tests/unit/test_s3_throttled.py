"""How much of a store's limits is used, and how much it refuses: simulated, in virtual time, so always the same."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from s3copy_beam.s3.flights import Flights
from s3copy_beam.s3.pacing import SMALL, Limits, Pacer
from s3copy_beam.s3.retry import backoff

LATENCY, REFUSAL = 0.02, 0.001
BATCH, IN_HAND = 256, 8192
"""Objects of a batch, and those that are being copied or wait for their turn; as the pipeline has them."""


class VirtualTime(selectors.DefaultSelector):
    """Waits by moving its clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing will ever happen"
        self.now += timeout
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual."""

    def __init__(self) -> None:
        self._virtual = VirtualTime()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


@dataclass
class Store:
    """Takes `rate` copies a second, and a tenth of that at once; of each first path component, or in all."""

    rate: float
    by_folder: bool = False
    rises_at: float = 1e9
    copied: list[float] = field(default_factory=list)
    refused: int = 0
    taps: dict[str, tuple[float, float]] = field(default_factory=dict)

    def takes(self, key: str) -> bool:
        now = asyncio.get_running_loop().time()
        rate = self.rate * (2 if now > self.rises_at else 1)
        name = key.split("/", maxsplit=1)[0] if self.by_folder else ""
        filled, turns = self.taps.get(name, (now, rate / 10))
        turns = min(turns + (now - filled) * rate, rate / 10)
        self.taps[name] = now, turns - (turns >= 1)
        return turns >= 1

    @property
    def share_refused(self) -> float:
        return self.refused / (self.refused + len(self.copied))

    @property
    def until(self) -> float:
        """When hardly anything was left to do."""
        return self.copied[int(0.97 * len(self.copied))]


async def copy(pacer: Pacer, store: Store, key: str) -> None:
    """As Exchange.call."""
    loop, tries = asyncio.get_running_loop(), 0
    while True:
        lane = pacer.lane("store", "bucket", SMALL, key)
        gate, tuner = pacer.gate("store", SMALL)
        await pacer.enter(gate, lane)
        sent, taken = loop.time(), store.takes(key)
        await asyncio.sleep(LATENCY if taken else REFUSAL)
        gate.leave()
        now = loop.time()
        if taken:
            lane.passed(now)
            assert tuner is not None
            tuner.done(now - sent, 1)
            store.copied.append(now)
            return
        store.refused += 1
        lane.refused(now, sent)
        tries += 1
        await asyncio.sleep(backoff(tries))


async def copy_all(keys: Sequence[str], store: Store) -> Store:
    loop = asyncio.get_running_loop()
    pacer = Pacer(Limits(), Flights(loop))
    waiting: set[asyncio.Future[list[None]]] = set()
    for first in range(0, len(keys), BATCH):
        while len(waiting) >= IN_HAND // BATCH:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        waiting.add(asyncio.gather(*(copy(pacer, store, key) for key in keys[first:first + BATCH])))
    await asyncio.gather(*waiting)
    return store


def keys_of(count: int, folders: int, listers: int) -> list[str]:
    """Keys as so many listers find them: a page of each in turn."""
    def parts() -> Iterator[list[str]]:
        for lister in range(listers):
            numbers = range(lister * count // listers, (lister + 1) * count // listers)
            yield [f"{number * folders // count:03d}/{number:06d}" for number in numbers]

    found, all_parts = list[str](), list(parts())
    for page in range(0, count, 1000):
        for part in all_parts:
            found += part[page:page + 1000]
    return found


@pytest.fixture
def loop() -> Iterator[Loop]:
    random.seed(1)
    made = Loop()
    yield made
    made.close()


@pytest.mark.parametrize(("folders", "listers"), [(1, 1), (15, 1), (15, 12), (4, 4)])
def test_a_limit_of_the_bucket(loop: Loop, folders: int, listers: int) -> None:
    store = loop.run_until_complete(copy_all(keys_of(15_000, folders, listers), Store(1000)))
    assert 0.97 * 15_000 / store.until > 0.9 * 1000
    assert store.share_refused < 0.05


def test_a_limit_of_each_prefix_that_rises(loop: Loop) -> None:
    store = loop.run_until_complete(copy_all(keys_of(30_000, 4, 4), Store(150, by_folder=True, rises_at=20)))
    allowed = 600 * 20 + 1200 * (store.until - 20)
    assert 0.75 * allowed < 0.97 * 30_000  # the rise takes some ten seconds to be found
    assert store.share_refused < 0.05
