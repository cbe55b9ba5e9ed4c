"""CopyBucket in somebody's own pipeline: in one process, as a cluster's graph, and with everything grouped by key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that

from s3copy_beam import CopyBucket, CopyOptions
from s3copy_beam.options import Access, Identity
from s3copy_beam.paths import area_of
from s3copy_beam.pipeline import totals_of
from s3copy_beam.s3.identity import vault_put
from s3copy_beam.s3.worker import worker
from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.servers import ACCESS_KEY, REGION, SECRET_KEY, Server


@pytest.fixture
def options(server: Server, source: Bucket, destination: Bucket) -> Iterator[CopyOptions]:
    """A copy of all of `source`; small and multipart objects are there."""
    source.put("a", b"a")
    source.put("b/c", b"")
    source.put_parts("m/uniform", [content(5 * MIB, n) for n in range(4)])
    source.put_parts("m/uneven", [content(5 * MIB, 7), content(6 * MIB, 8), content(100, 9)])
    worker().reset()
    vault_put("library", ACCESS_KEY, SECRET_KEY)

    def access(bucket: Bucket) -> Access:
        return Access(bucket.name, server.url, REGION, Identity(vault="library"))

    to = access(destination)
    yield CopyOptions(access(source), to, to, areas=(area_of(source.name, ""),))
    worker().reset()


def run(options: CopyOptions, *words: str) -> Any:
    with beam.Pipeline(runner="FnApiRunner", options=PipelineOptions(list(words))) as pipeline:
        pipeline | CopyBucket(options)
    totals = totals_of(pipeline.result)
    assert totals is not None
    return totals


LAYOUTS = {
    "local": {},
    "local, all grouped by key": {"spread_local": True, "spread_parts": 0},
    "cluster": {"layout": "cluster", "spread_parts": 3, "ranges": 4},
    "cluster, all grouped by key": {"layout": "cluster", "spread_parts": 0, "batch_objects": 1},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_graph_copies_alike(options: CopyOptions, source: Bucket, destination: Bucket, layout: str) -> None:
    graph = replace(options, **LAYOUTS[layout])  # type: ignore[arg-type]
    first = run(graph)
    assert (first.copied, first.failed, first.parts_copied, first.uploads_left) == (4, 0, 7, 0), first
    assert_same(source, destination)
    second = run(graph)
    assert (second.copied, second.up_to_date, second.failed) == (0, 4, 0), second


def test_its_output_is_the_summary(options: CopyOptions) -> None:
    def says(found: list[str]) -> None:
        [summary] = [json.loads(text) for text in found]
        assert (summary["copied"], summary["failed"]) == (4, 0)

    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        assert_that(pipeline | CopyBucket(options), says)


def test_importing_it_defines_no_pipeline_options() -> None:
    import subprocess
    import sys

    code = ("from apache_beam.options.pipeline_options import PipelineOptions as P; before = len(P.__subclasses__());"
            "from s3copy_beam import CopyBucket, CopyOptions; assert len(P.__subclasses__()) == before")
    subprocess.run([sys.executable, "-c", code], check=True)
