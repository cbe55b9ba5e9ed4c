"""One round of faults: a run that meets them, a clean one that completes, a third that copies nothing."""

from __future__ import annotations

import random
from collections import Counter

from tests.faults.inprocess import Here
from tests.faults.menu import menu
from tests.faults.scene import SETTINGS, Scene
from tests.support.command import Ran
from tests.support.faults import Rule
from tests.support.proxy import Proxy

READ_TIMEOUT = 2.0
"""Seconds until a stalled answer is given up, here."""
FORGIVING = 0.12
"""Share of requests that meet a fault in a random round."""


def random_faults(proxy: Proxy, scene: Scene, seed: int) -> dict[str, Rule]:
    """Rules for a round: some kinds of faults, anywhere; the names by rule."""
    dice = random.Random(seed)
    kinds = menu(scene.server.client)
    chosen = dice.sample(sorted(kinds), dice.randint(3, len(kinds)))
    made: dict[str, Rule] = {}
    for number, name in enumerate(chosen):
        make, operations = kinds[name]
        rare = 0.1 if name.startswith("stalled") else 1.0  # each takes a time-out
        for operation in operations:
            # operations that are rare get faults more often, so that each gets some
            chance = rare * FORGIVING / len(chosen) * (1 if operation == "CopyObject" else 3)
            made[f"{name}: {operation}"] = make(proxy, operation, chance=chance, times=None,
                                                seed=1000 * seed + 37 * number + operations.index(operation))
    if dice.random() < 0.3:
        proxy.throttle("CopyObject", 30)
    return made


def nth_of_each(proxy: Proxy, scene: Scene, name: str, number: int) -> dict[str, Rule]:
    """One kind of fault, on the so-many-th request of each operation."""
    make, operations = menu(scene.server.client)[name]
    return {f"{name}: {operation}": make(proxy, operation, first=number) for operation in operations}


def run_round(scene: Scene, proxy: Proxy, here: Here, rules: dict[str, Rule]) -> tuple[Ran, Counter[str]]:
    """Runs under faults, checks, runs clean, checks, runs again, checks.

    Returns:
        The run under faults, and how often each fault happened.

    Raises:
        AssertionError: something is wrong.
    """
    both = (*SETTINGS, "--json", "--report", scene.report, scene.source, scene.destination)
    ran = here.start(*both)
    met = Counter({name: count for name, rule in rules.items() if (count := rule.met)})
    proxy.forget()
    try:
        scene.check_words(ran, scene.check())
        here.run(*both).counted(failed=0, uploads_left=0)
        scene.check_done()
        third = here.run(*both).counted(copied=0, failed=0, up_to_date=len(scene.faces))
        assert third.summary["parts_copied"] == 0
    except AssertionError as error:
        raise AssertionError(f"{error}\nafter\n{ran}\nand {dict(met)}") from error
    return ran, met

