"""The short set of faults; the long one: `python -m tests.faults.long`."""

from __future__ import annotations

import pytest

from tests.faults.inprocess import Here
from tests.faults.menu import OPERATIONS, menu
from tests.faults.rounds import random_faults, run_round
from tests.faults.scene import Scene
from tests.support.faults import Rule
from tests.support.proxy import Proxy
from tests.support.servers import Server

pytestmark = pytest.mark.slow
ROUNDS = 4


def diagonal(proxy: Proxy, server: Server, turn: int) -> dict[str, Rule]:
    """Another fault for each operation, on its first request or a later one."""
    kinds, made = menu(server.client), dict[str, Rule]()
    for place, operation in enumerate(OPERATIONS):
        fitting = [name for name, (_, operations) in kinds.items() if operation in operations]
        name = fitting[(place + turn * 5) % len(fitting)]
        make, _ = kinds[name]
        made[f"{name}: {operation}"] = make(proxy, operation, first=1 + (place + turn) % 3)
    return made


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_fault_in_each_operation(scene: Scene, proxy: Proxy, here: Here, turn: int) -> None:
    _, met = run_round(scene, proxy, here, diagonal(proxy, scene.server, turn + ROUNDS * len(scene.server.name)))
    assert met.total() >= 4


def test_faults_anywhere(scene: Scene, proxy: Proxy, here: Here) -> None:
    run_round(scene, proxy, here, random_faults(proxy, scene, 7))
