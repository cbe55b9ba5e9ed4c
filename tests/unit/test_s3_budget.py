"""A store that is dead or closed costs no time-out for each object that waits."""

from __future__ import annotations

from s3copy_beam.s3.retry import Budget


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_silent_store_is_dead_after_a_while() -> None:
    clock = Clock()
    budget = Budget(clock)
    clock.now += 500  # nothing was asked for long: no silence
    for _ in range(8):
        budget.unanswered()
    assert not budget.dead
    assert not budget.why
    clock.now += 121
    assert budget.dead
    assert budget.spend() == (False, 0.0)


def test_one_answer_is_life() -> None:
    clock = Clock()
    budget = Budget(clock)
    for _ in range(20):
        budget.unanswered()
    assert not budget.dead
    clock.now += 121
    assert budget.dead
    assert budget.silence == 121
    budget.answered()
    assert not budget.dead
    assert not budget.why


def test_a_dead_store_is_asked_now_and_then() -> None:
    clock = Clock()
    budget = Budget(clock)
    for _ in range(8):
        budget.unanswered()
    clock.now += 121
    for _ in range(3):
        assert not budget.why
        budget.probe()
        assert budget.why == f"has not answered for {budget.silence:.0f} s"
        clock.now += 5


def test_throttling_without_one_success_is_timed() -> None:
    clock = Clock()
    budget = Budget(clock)
    assert not budget.throttled(900)
    clock.now += 890
    assert not budget.throttled(900)
    assert not budget.why
    clock.now += 20
    assert budget.throttled(900)
    budget.probe()
    assert budget.why
    budget.succeeded(False)
    assert not budget.why
    clock.now += 1000
    assert not budget.throttled(900)
