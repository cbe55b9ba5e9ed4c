"""Slots that adapt, rates that follow refusals: simulated, in a time of the tests' own."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable

import pytest

from s3copy_beam.s3.errors import Stopped
from s3copy_beam.s3.flights import Flights
from s3copy_beam.s3.lanes import Lanes, Rate, _start
from s3copy_beam.s3.pacing import PART, SMALL, START, Gate, Limits, Pacer, Tuner
from s3copy_beam.s3.retry import Budget, backoff
from s3copy_beam.s3.tap import Tap


class Slots:
    """A gate without a loop."""

    def __init__(self) -> None:
        self.limit = START
        self.crowded = True

    def admit(self) -> None:
        pass


def crowd(latency: Callable[[int], float], seconds: float, most: int = 512) -> list[tuple[float, int]]:
    """Always more to do than slots. `latency(running)` is what a request begun then takes; returns (time, running)."""
    now = 0.0
    slots = Slots()
    tuner = Tuner(slots, most, lambda: now)  # type: ignore[arg-type]
    flying: list[tuple[float, float]] = []
    course = []
    while now < seconds:
        while len(flying) < slots.limit:
            slots.crowded = True
            heapq.heappush(flying, (now + latency(len(flying) + 1), now))
        now, sent = heapq.heappop(flying)
        tuner.done(now - sent, 1)
        course.append((now, len(flying) + 1))
    return course


def test_slots_grow_while_more_comes_of_it() -> None:
    dice = random.Random(1)
    course = crowd(lambda running: 0.1 if dice.random() > 0.02 else 2.0, 3.0)
    assert max(running for _, running in course) >= 256
    assert next(running for _, running in course) == START


def test_slots_stay_where_a_server_is_full() -> None:
    """A server that does 2,000 a second: more at a time only makes each slower."""
    free = 0.0
    course: list[tuple[float, int]] = []

    def served(running: int) -> float:
        return max(0.004, running / 2000)

    course = crowd(served, 20.0)
    assert free == 0.0
    assert max(running for _, running in course) <= 2 * START  # tried once
    late = [running for when, running in course if when > 10]
    assert sum(late) / len(late) < 50


def test_time_outs_close_slots() -> None:
    now = 10.0
    slots = Slots()
    tuner = Tuner(slots, 512, lambda: now)  # type: ignore[arg-type]
    tuner.congested()
    tuner.congested()
    assert slots.limit == int(START * 0.7)


def throttled(limit: float, seconds: float, rtt: float, rise: tuple[float, float] | None = None) -> tuple[float, float]:
    """A store that serves `limit` a second (from rise[0] on rise[1]): share of that used, share refused."""
    rate, tokens, turns, now, step = Rate(0.0), limit, 1.0, 0.0, 0.001
    flying: list[tuple[float, float, bool]] = []
    served = refused = could = 0.0
    while now < seconds:
        most = limit if rise is None or now < rise[0] else rise[1]
        could += most * step
        tokens = min(tokens + most * step, most)
        allowed = rate.at(now)
        turns = min(turns + allowed * step, 1 + allowed / 10)
        while len(flying) < 200 and (not allowed or turns >= 1):
            turns -= 1
            heapq.heappush(flying, (now + rtt, now, tokens >= 1))
            tokens -= tokens >= 1
        while flying and flying[0][0] <= now:
            _, sent, good = heapq.heappop(flying)
            served += good
            refused += not good
            if good:
                rate.passed(now)
            elif rate.refused(now, sent):
                turns = 0
        now += step
    return served / could, refused / (served + refused)


@pytest.mark.parametrize("limit", [300, 1000])
@pytest.mark.parametrize("rtt", [0.005, 0.03, 0.1])
def test_a_throttled_store_is_used_and_hardly_refuses(limit: float, rtt: float) -> None:
    used, refused = throttled(limit, 40, rtt)
    assert used >= 0.9
    assert refused <= 0.05


def test_a_limit_that_rises_is_found() -> None:
    used, refused = throttled(500, 80, 0.03, rise=(40, 1000))
    assert used >= 0.9
    assert refused <= 0.05


def test_refusals_that_do_not_follow_the_rate_bring_nothing_to_a_halt() -> None:
    rate = Rate(0.0)
    for n in range(1000):
        rate.refused(n / 10, n / 10)
    assert rate.at(100.0) >= 20


def test_a_rate_far_above_use_is_forgotten() -> None:
    rate = Rate(0.0)
    rate.refused(1.0, 0.9)
    for n in range(100):
        rate.passed(2.0 + n)
    assert rate.at(200.0) == 0


@pytest.mark.parametrize(
    ("key", "depth", "lane"),
    [
        ("a/b/c/d", 2, "a/b/"),
        ("a/b/c/d", 1, "a/"),
        ("a/b/c/d", 0, ""),
        ("a/b", 2, "a/"),
        ("a", 2, ""),
        ("", 2, ""),
        ("/a", 1, "/"),
        ("//", 2, "//"),
    ],
)
def test_lanes_are_prefixes(key: str, depth: int, lane: str) -> None:
    assert _start(key, depth) == lane


def test_lanes_of_many_prefixes_are_few() -> None:
    async def look() -> None:
        lanes = Lanes(Flights(asyncio.get_running_loop()))
        assert lanes.lane(SMALL, "a/b/c") is lanes.lane(SMALL, "a/b/d")
        assert lanes.lane(SMALL, "a/b/c") is not lanes.lane(SMALL, "a/c/c")
        assert lanes.lane(SMALL, "a/b/c") is not lanes.lane(PART, "a/b/c")
        for n in range(100):
            lanes.lane(SMALL, f"a/{n}/x")
        assert lanes.lane(SMALL, "a/1/x") is lanes.lane(SMALL, "a/2/x")
        assert lanes.lane(SMALL, "a/1/x") is not lanes.lane(SMALL, "b/2/x")
        for n in range(1000):
            lanes.lane(SMALL, f"{n}/x/y")
        assert lanes.lane(SMALL, "a/1/x") is lanes.lane(SMALL, "b/2/x")

    asyncio.run(look())


def test_a_gate_hands_slots_over() -> None:
    async def pass_through() -> None:
        flights = Flights(asyncio.get_running_loop())
        gate, order, running = Gate(flights, 2), [], 0

        async def one(number: int) -> None:
            nonlocal running
            await gate.enter()
            running += 1
            assert running <= gate.limit
            order.append(number)
            await asyncio.sleep(0)
            running -= 1
            gate.leave()

        tasks = [asyncio.ensure_future(one(number)) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks[10:12]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [number for number in range(20) if number not in (10, 11)]
        assert (gate.running, gate.peak) == (0, 2)

    asyncio.run(pass_through())


def test_a_slot_that_comes_together_with_the_end_is_not_lost() -> None:
    async def both() -> None:
        flights = Flights(asyncio.get_running_loop())
        gate = Gate(flights, 1)
        await gate.enter()
        waiting = asyncio.ensure_future(gate.enter())
        await asyncio.sleep(0)
        gate.leave()  # the slot is handed over
        waiting.cancel()  # before the task runs again
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert gate.running == 0
        await asyncio.wait_for(gate.enter(), 1)

    asyncio.run(both())


def test_stop_wakes_those_who_wait() -> None:
    async def wait() -> None:
        flights = Flights(asyncio.get_running_loop())
        gate, tap = Gate(flights, 1), Tap(flights, lambda now: 0.1)
        await gate.enter()
        waits = [asyncio.ensure_future(coro) for coro in (gate.enter(), tap.turn(), tap.turn(), flights.pause(100))]
        await asyncio.sleep(0.01)
        flights.stop(3)
        found = await asyncio.wait_for(asyncio.gather(*waits, return_exceptions=True), 2)
        assert [type(one) for one in found] == [Stopped, type(None), Stopped, Stopped]
        with pytest.raises(Stopped):
            await flights.pause(1)

    asyncio.run(wait())


def test_who_waits_at_a_tap_feels_a_rate_that_rises() -> None:
    async def wait() -> None:
        rate = 0.01
        tap = Tap(Flights(asyncio.get_running_loop()), lambda now: rate)
        await tap.turn()
        waiting = asyncio.ensure_future(tap.turn())
        await asyncio.sleep(0.01)
        rate = 1000.0
        await asyncio.wait_for(waiting, 1)

    asyncio.run(wait())


def test_time_is_bounded_for_each_request() -> None:
    async def hang() -> None:
        flights = Flights(asyncio.get_running_loop())
        with pytest.raises(TimeoutError), flights.flight(0.1):
            await asyncio.sleep(10)
        with flights.flight(10):
            await asyncio.sleep(0)
        assert len(flights) == 0

        async def held() -> None:
            with flights.flight(10):
                await asyncio.sleep(10)

        task = asyncio.ensure_future(held())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(hang())


def test_one_pacer_for_each_kind_and_store() -> None:
    async def look() -> None:
        flights = Flights(asyncio.get_running_loop())
        free, fixed = Pacer(Limits(), flights), Pacer(Limits(concurrency=3), flights)
        assert free.gate("a", SMALL) is not free.gate("a", PART)
        assert free.gate("a", SMALL)[0] is free.gate("a", SMALL)[0]
        assert fixed.gate("a", SMALL)[0] is fixed.gate("b", PART)[0]
        assert fixed.gate("a", SMALL)[1] is None
        assert fixed.settled() == {"all": 3}
        assert free.settled() == {"small a": START, "part a": START}

    asyncio.run(look())


def test_backoff_is_random_and_bounded() -> None:
    for failures in range(1, 100):
        assert 0 <= backoff(failures) <= min(20, 0.2 * 2 ** (failures - 1))


def test_the_budget_of_retries() -> None:
    now = 0.0
    budget = Budget(lambda: now)
    assert [budget.spend() for _ in range(100)] == [(True, 0.0)] * 100
    assert not budget.spent
    waits = [budget.spend() for _ in range(1000)]  # ten a second, and none beyond the end
    assert waits == [(True, pytest.approx(min(n / 10, 30))) for n in range(1, 1001)]
    now = 30.0
    assert budget.spent
    assert budget.spend() == (False, 0.0)
    budget.succeeded(retried=True)
    assert not budget.spent
    assert budget.spend() == (True, 0.0)


def test_turns_that_were_taken_before_a_cut_are_void() -> None:
    async def wait() -> None:
        flights = Flights(asyncio.get_running_loop())
        pacer = Pacer(Limits(concurrency=1), flights)
        gate, lane = pacer.gate("s", SMALL)[0], pacer.lane("s", "b", SMALL, "k")
        await pacer.enter(gate, lane)
        waiting = [asyncio.ensure_future(pacer.enter(gate, lane)) for _ in range(3)]  # for a slot, with a turn each
        await asyncio.sleep(0)
        now = asyncio.get_running_loop().time()
        lane.refused(now, now)
        gate.leave()
        for _ in range(12):
            await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)  # the rate is 20 a second now
        assert gate.running == 0
        await asyncio.wait_for(waiting[0], 5)
        for task in waiting[1:]:
            task.cancel()
        gate.leave()

    asyncio.run(wait())
