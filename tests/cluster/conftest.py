"""The Flink cluster of a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.support.flink import Flink
from tests.support.servers import Missing


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    """JobManager, two TaskManagers and job server: some 3 GiB and minutes, so only where it is asked for."""
    if "flink" not in os.environ.get("S3COPY_REQUIRE", "").split(","):
        pytest.skip("a Flink cluster is started only with S3COPY_REQUIRE=flink (Java, Maven and Go are needed)")
    # where this package is found by no luck: Beam's workers run in the folder that the cluster was started in
    flink = Flink(Path(tmp_path_factory.mktemp("flink")))
    try:
        flink.start()
    except Missing as reason:
        missing("flink", reason)
        raise
    yield flink
    flink.stop()


@pytest.fixture
def flink(cluster: Flink) -> Iterator[Flink]:
    """The cluster, whole, without jobs, its logs as if empty."""
    cluster.start()
    cluster.forget()
    yield cluster
    for job in cluster.jobs("RUNNING", "RESTARTING", "CREATED"):
        cluster.ask(f"jobs/{job}?mode=cancel", "PATCH")
