"""Fixtures: a scene on a server, a proxy before it, the command in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.inprocess import Here
from tests.faults.nursery import Nursery
from tests.faults.rounds import READ_TIMEOUT
from tests.faults.scene import Scene
from tests.support.buckets import Bucket
from tests.support.proxy import Proxy
from tests.support.servers import Server

_scenes: dict[str, Scene] = {}


@pytest.fixture
def scene(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """One of each server for all tests; its destination is empty when a test begins."""
    if server.name not in _scenes:
        made = [Bucket(server.client, f"{side}-scene-{os.getpid()}") for side in ("source", "destination")]
        for bucket in made:
            server.client.create_bucket(Bucket=bucket.name)
        folder = tmp_path_factory.mktemp("scene")
        _scenes[server.name] = Scene(server, made[0], made[1], folder / "report.jsonl")
        _scenes[server.name].fill()
    found = _scenes[server.name]
    found.empty_destination()
    return found


@pytest.fixture
def here(proxy: Proxy, tmp_path: Path) -> Here:
    """The command in this process, with short time-outs, for the proxy."""
    return Here(proxy.url, tmp_path, read_timeout=READ_TIMEOUT)


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """The command as processes without start-up."""
    with Nursery(tmp_path_factory.mktemp("nursery")) as made:
        yield made
