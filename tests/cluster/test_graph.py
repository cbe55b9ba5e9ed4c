"""The graph as it goes to Dataflow, built without a network: stable labels, no secrets, our coders, all picklable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders.coders import deserialize_coder
from apache_beam.internal import pickler
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from apache_beam.portability.api import beam_runner_api_pb2
from google.protobuf import wrappers_pb2

from s3copy_beam.options import Access, CopyOptions, Identity
from s3copy_beam.paths import Area
from s3copy_beam.pipeline import CopyBucket
from tests.support.command import find_leak, spellings
from tests.support.servers import SECRET_KEY

PICKLED = "beam:coder:pickled_python:v1"
OPTIONS = CopyOptions(
    source=Access("source", identity=Identity(profile="reader")), destination=Access("destination"),
    lister=Access("destination"), areas=(Area("logs/", strip="logs/"),), layout="cluster", ranges=16,
    report="s3://reports/run.jsonl", run_id="run")
SHAPES = {
    "copy": OPTIONS,
    "staged": replace(OPTIONS, staged=True, work=Access("work")),
    "dry run": replace(OPTIONS, dry_run=True),
    "verify": replace(OPTIONS, verify=True),
    "abort": replace(OPTIONS, abort_uploads=True),
    "local": replace(OPTIONS, layout="local", report=""),
}
LABELS = [  # jobs that are updated or compared are told apart by these: a change is to be noticed
    "CopyBucket/Assemble/Complete", "CopyBucket/Assemble/GroupByFileKey", "CopyBucket/CopyParts/UploadPartCopy",
    "CopyBucket/CopySmallObjects/CopyObject", "CopyBucket/CopySmallObjects/SpreadBatches",
    "CopyBucket/CopySpreadParts/SpreadParts", "CopyBucket/CopySpreadParts/UploadPartCopy",
    "CopyBucket/ExpandIntoParts/OneByOne", "CopyBucket/ExpandIntoParts/Open",
    "CopyBucket/ExpandIntoParts/SpreadObjects", "CopyBucket/KeyRanges/Areas", "CopyBucket/KeyRanges/CutIntoRanges",
    "CopyBucket/KeyRanges/SpreadRanges", "CopyBucket/ListAndCompare/Compare", "CopyBucket/Summarise/Add",
    "CopyBucket/Summarise/AllTotals", "CopyBucket/Summarise/HandBack", "CopyBucket/WriteReport/AllLines",
    "CopyBucket/WriteReport/ByShard", "CopyBucket/WriteReport/EveryShard", "CopyBucket/WriteReport/GroupByShard",
    "CopyBucket/WriteReport/LinesOfShards", "CopyBucket/WriteReport/Write",
]


def pipeline_of(options: CopyOptions) -> beam.Pipeline:
    pipeline = beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([]))
    pipeline | CopyBucket(options)
    return pipeline


def graph_of(options: CopyOptions) -> Any:
    return pipeline_of(options).to_runner_api(use_fake_coders=False)


def python_coders(graph: Any, coder: str) -> Iterator[Any]:
    """Coders that are no standard ones, wherever they stand in this one."""
    found = graph.components.coders[coder]
    if found.spec.urn == PICKLED:
        yield deserialize_coder(wrappers_pb2.BytesValue.FromString(found.spec.payload).value)
    for part in found.component_coder_ids:
        yield from python_coders(graph, part)


def fns_of(graph: Any) -> Iterator[Any]:
    """The DoFns, unpickled."""
    for transform in graph.components.transforms.values():
        if transform.spec.urn == "beam:transform:pardo:v1":
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            if payload.do_fn.urn == "beam:dofn:pickled_python_info:v1":
                yield pickler.loads(payload.do_fn.payload)[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_elements_have_coders_of_ours(shape: str) -> None:
    graph = graph_of(SHAPES[shape])
    wrong = {
        collection.unique_name for collection in graph.components.pcollections.values()
        for coder in python_coders(graph, collection.coder_id)
        if type(coder).__name__ == "FastPrimitivesCoder"  # what Beam takes where it knows no type: it pickles
        and "/Reshuffle/" not in collection.unique_name  # Beam's own: timestamps beside our element
        and "/DoOnce/" not in collection.unique_name  # Beam's own: one None
    }
    assert not wrong


@pytest.mark.parametrize("shape", SHAPES)
def test_all_of_it_travels(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Beam's default pickler and without the main session; no credential, client, lock or loop is in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNEVERSHOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    assert not PipelineOptions([]).view_as(SetupOptions).save_main_session
    pipeline = pipeline_of(SHAPES[shape])
    graph = pipeline.to_runner_api()
    raw = graph.SerializeToString()
    assert not any(form.encode() in raw for form in {*spellings(SECRET_KEY), "AKIDNEVERSHOWN"})
    ours = [fn for fn in fns_of(graph) if type(fn).__module__.startswith("s3copy_beam.")]
    assert ours
    for fn in ours:
        for name, value in vars(fn).items():
            assert name == "_type_hints" or type(value).__module__ in ("builtins", "s3copy_beam.options"), (fn, name)


def test_labels_are_stable() -> None:
    names = {transform.unique_name for transform in graph_of(OPTIONS).components.transforms.values()}
    assert sorted("/".join(name.split("/")[:3]) for name in names if name.count("/") == 2) == LABELS


def test_the_dataflow_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Translated by the DataflowRunner itself, with nothing submitted and nobody asked."""
    pytest.importorskip("apitools", reason="needs the extra `dataflow`")
    from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    runner = DataflowRunner()
    runner.run_pipeline(pipeline_of(OPTIONS), PipelineOptions([
        "--dry_run=True", "--no_auth", "--sdk_location=container", "--project=project", "--region=us-central1",
        "--temp_location=gs://bucket/temp", "--staging_location=gs://bucket/staging", "--job_name=copy",
        "--s3copy_source=s3://source/logs", "--max_num_workers=4"]))
    graph, job = runner.proto_pipeline, runner.job
    for text in (str(graph), str(job.proto), os.linesep.join(map(str, graph.components.transforms.values()))):
        assert find_leak(text) is None
    # steps that Dataflow itself must know, and that it replaces
    urns = {transform.spec.urn for transform in graph.components.transforms.values()}
    assert {"beam:transform:reshuffle:v1", "beam:transform:group_by_key:v1", "beam:transform:pardo:v1",
            "beam:transform:flatten:v1"} <= urns
    environments = list(graph.components.environments.values())
    assert environments
    assert all(environment.urn == "beam:env:docker:v1" for environment in environments)
