"""A few kills and pairs with real processes; many: `python -m tests.faults.kills`, `python -m tests.faults.pairs`."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.faults.kills import Kills
from tests.faults.nursery import Nursery
from tests.faults.pairs import run_pair
from tests.faults.scene import SETTINGS, Scene
from tests.support.marks import on
from tests.support.proxy import Proxy

pytestmark = [pytest.mark.slow, on("minio")]


def test_some_kills(scene: Scene, nursery: Nursery, tmp_path: Path) -> None:
    kills = Kills(scene, tmp_path, 3)
    kills.round(nursery, 3)
    assert kills.twice <= kills.in_flight


@pytest.mark.parametrize("gap", [0.0, 1.5])
def test_a_pair(scene: Scene, nursery: Nursery, tmp_path: Path, gap: float) -> None:
    run_pair(scene, nursery, tmp_path, gap)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_ends_a_run_whose_requests_hang(scene: Scene, proxy: Proxy, nursery: Nursery, tmp_path: Path,
                                                   number: int, status: int) -> None:
    """Within 5 s, with the line that says how to go on, and how many uploads are left."""
    proxy.delay("UploadPartCopy", 600, target="partNumber=[3-5]&", times=None)
    running = nursery.start(proxy.url, tmp_path, *SETTINGS, scene.source, scene.destination)
    proxy.wait_answered("UploadPartCopy", 2)
    began = time.monotonic()
    running.signal(number)
    ran = running.wait().expect(status)
    assert time.monotonic() - began < 5.5
    assert "run the same command again" in ran.err
    assert "left unfinished, to be resumed by the same command" in ran.err
    scene.check()
    proxy.forget()
    nursery.start(proxy.url, tmp_path, *SETTINGS, scene.source, scene.destination).wait().expect(0)
    scene.check_done()
