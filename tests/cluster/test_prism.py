"""End-to-end tests again, each run of the command on Prism, Beam's own portable runner: bundles split, and are retried.

DirectRunner is pinned to the runner in this process: Beam's own choice there is Prism where it can download it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.test_equal import test_headers_metadata_and_tags, test_hostile_keys  # noqa: F401
from tests.e2e.test_multipart import (  # noqa: F401
    test_every_layout_is_kept,
    test_large_single_objects_are_copied_in_parts,
    test_part_numbers_may_have_gaps,
)
from tests.e2e.test_names import test_lists_of_keys  # noqa: F401
from tests.e2e.test_sync import *  # noqa: F403
from tests.support.buckets import Bucket, assert_same
from tests.support.command import Running, Tool
from tests.support.proxy import Proxy
from tests.support.servers import Server, Servers

pytestmark = [pytest.mark.prism, pytest.mark.slow]


@dataclass
class PrismTool(Tool):
    """`s3copy` on Prism."""

    prism: str = ""

    def start(self, *args: object, stdin: str | None = None, env: Mapping[str, str] | None = None) -> Running:
        options = () if "--runner=DirectRunner" in args else ("--runner=PrismRunner", f"--prism_location={self.prism}")
        return super().start(*args, *options, stdin=stdin, env=env)


@pytest.fixture
def server(servers: Servers) -> Server:
    """One is enough: what servers do was tested without Prism."""
    return servers.get("moto")


@pytest.fixture
def tool(server: Server, tmp_path: Path, prism: str) -> Iterator[Tool]:
    made = PrismTool(server.url, tmp_path, prism=prism)
    yield made
    made.close()


@pytest.fixture
def proxied(proxy: Proxy, tmp_path: Path, prism: str) -> Iterator[Tool]:
    made = PrismTool(proxy.url, tmp_path, prism=prism)
    yield made
    made.close()


def test_directrunner_is_the_one_in_this_process(tool: PrismTool, source: Bucket, destination: Bucket) -> None:
    """With Prism on the PATH and without: the same words, nothing downloaded, nothing started."""
    source.fill({f"{n}": b"%d" % n for n in range(5)})
    with_prism = {"PATH": f"{Path(tool.prism).parent}:/usr/bin:/bin"}
    for env, numbers in ((with_prism, {"copied": 5}), ({}, {"copied": 0, "up_to_date": 5})):
        ran = tool.run("--json", "-l", "INFO", "--runner=DirectRunner", source, destination, env=env).counted(**numbers)
        assert "rism" not in ran.err, ran
        assert not (tool.home / ".apache_beam").exists()
    assert_same(source, destination)
