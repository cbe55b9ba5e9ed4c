"""Fixtures: a server of each kind, two fresh buckets on it, the tool, and a proxy between tool and server."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.buckets import Bucket
from tests.support.command import Tool
from tests.support.proxy import Proxy
from tests.support.servers import Missing, Server, Servers, need_program

_numbers = itertools.count(1)
Maker = Callable[[str], Bucket]


def missing(name: str, reason: Missing) -> None:
    """Skips the test, visibly; fails it where S3COPY_REQUIRE (names with commas) says that it must be here."""
    if name in os.environ.get("S3COPY_REQUIRE", "").split(","):
        pytest.fail(f"{name} is required here (S3COPY_REQUIRE): {reason}")
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of this process."""
    running = Servers()
    yield running
    running.close()


@pytest.fixture(
    params=["moto", pytest.param("seaweed", marks=pytest.mark.seaweed), pytest.param("minio", marks=pytest.mark.minio)]
)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    """Each server in turn; `@on("moto")` (support/marks.py) runs a test on some of them only."""
    try:
        return servers.get(request.param)
    except Missing as reason:
        missing(request.param, reason)
        raise


@pytest.fixture
def new_bucket(server: Server) -> Iterator[Maker]:
    """Makes empty buckets; they are removed after the test."""
    made: list[Bucket] = []

    def make(what: str) -> Bucket:
        bucket = Bucket(server.client, f"{what}-{os.getpid()}-{next(_numbers)}")
        server.client.create_bucket(Bucket=bucket.name)
        made.append(bucket)
        return bucket

    yield make
    for bucket in made:
        bucket.remove()


@pytest.fixture
def source(new_bucket: Maker) -> Bucket:
    """An empty bucket to copy from."""
    return new_bucket("source")


@pytest.fixture
def destination(new_bucket: Maker) -> Bucket:
    """An empty bucket to copy to."""
    return new_bucket("destination")


@pytest.fixture
def tool(server: Server, tmp_path: Path) -> Iterator[Tool]:
    """`s3copy`, for this server."""
    made = Tool(server.url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A proxy in front of this server."""
    with Proxy(server.url) as made:
        yield made


@pytest.fixture
def proxied(proxy: Proxy, tmp_path: Path) -> Iterator[Tool]:
    """`s3copy`, for the proxy."""
    made = Tool(proxy.url, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def prism() -> str:
    """The path of Beam's Prism runner."""
    try:
        return need_program("prism", "go install github.com/apache/beam/sdks/v2/go/cmd/prism@<Beam's version>")
    except Missing as reason:
        missing("prism", reason)
        raise
