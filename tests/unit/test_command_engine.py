"""Which runner is meant, and what it means for a run."""

from __future__ import annotations

import os

import pytest

from s3copy_beam.command.beam_flags import check
from s3copy_beam.command.build import build
from s3copy_beam.command.engine import Engine, check_engine, engine_of, settled, warnings_of, words_for
from s3copy_beam.command.parser import UsageError, parse
from s3copy_beam.options import CopyOptions


def engine(*words: str) -> Engine:
    return engine_of(check(words))


def options(*words: str) -> CopyOptions:
    return build(parse(["s3://a", "s3://b", *words], dict), "run").options


@pytest.mark.parametrize("words", [
    (), ("--runner=DirectRunner",), ("--runner=direct",), ("--runner=FnApiRunner",),
    ("--runner=apache_beam.runners.direct.direct_runner.DirectRunner",),
])
def test_the_runner_is_pinned(words):
    found = engine(*words)
    assert found == Engine()
    assert words_for(found, words, []) == ["--runner=FnApiRunner"]
    assert (settled(options(), found).layout, settled(options(), found).live) == ("local", True)


def test_bundles_that_run_again_are_not_told_live():
    found = settled(options(), engine("--direct_runner_bundle_repeat=1"))
    assert (found.layout, found.live, found.retried_bundles) == ("local", False, True)


def test_several_processes_are_a_cluster():
    found = engine("--direct_running_mode=multi_processing", "--direct_num_workers=3")
    assert (found.runner, found.processes, found.same_machine, found.here) == ("FnApiRunner", 3, True, False)
    made = settled(options("--max-requests-per-second", "30"), found)
    assert (made.layout, made.live, made.retried_bundles) == ("cluster", False, True)
    assert made.max_requests_per_second == 10
    assert made.ranges >= 3
    assert engine("--direct_running_mode=multi_processing", "--direct_num_workers=0").processes == os.cpu_count()


@pytest.mark.parametrize(("words", "here"), [
    (["--runner=PrismRunner"], True),
    (["--runner=FlinkRunner"], False),
    (["--runner=FlinkRunner", "--environment_type=LOOPBACK"], True),
    (["--runner=PortableRunner", "--job_endpoint=localhost:1"], False),
    (["--runner=DataflowRunner", "--num_workers=4"], False),
])
def test_clusters(words, here):
    found = engine(*words)
    assert (found.in_process, found.here, found.repeats) == (False, here, True)
    assert words_for(found, words, ["--fancy"])[0] == words[0]
    assert words_for(found, words, ["--fancy"])[-1] == "--fancy"


@pytest.mark.parametrize(("words", "named"), [
    (["-a", "AK", "-k", "hunter2"], "-a and -k"),
    (["-F", "-"], "-F -"),
    (["-P", "list"], "-P list"),
    (["--report", "report.jsonl"], "--report report.jsonl"),
])
def test_what_cannot_reach_a_cluster(words, named):
    made = options(*words)
    given = parse(["s3://a", "s3://b", *words], dict)
    check_engine(engine(), given, made)
    with pytest.raises(UsageError) as caught:
        check_engine(engine("--runner=FlinkRunner"), given, made)
    assert named in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_detach_is_for_clusters():
    given = parse(["s3://a", "s3://b", "--detach"], dict)
    check_engine(engine("--runner=FlinkRunner"), given, options())
    for words in ([], ["--runner=PrismRunner"]):
        with pytest.raises(UsageError, match="--detach"):
            check_engine(engine(*words), given, options())


def test_keys_of_beams_file_access_do_not_travel():
    words = ["--s3_access_key_id=AK", "--s3_secret_access_key=hunter2", "--s3_session_token=t", "--s3_verify=x"]
    assert words_for(Engine(), words, []) == ["--runner=FnApiRunner", "--s3_verify=x"]
    [warning] = warnings_of(words, options(), engine())
    assert "--s3_secret_access_key" in warning
    assert "hunter2" not in warning
    assert warnings_of(["--job_name=x"], options(), engine()) == []


@pytest.mark.parametrize(("words", "divided"), [
    ([], True), (["--direct_running_mode=multi_processing", "--direct_num_workers=2"], True),
    (["--runner=PrismRunner"], True), (["--runner=FlinkRunner"], False), (["--runner=DataflowRunner"], False),
    (["--runner=FlinkRunner", "--sdk_worker_parallelism=2"], False),
    (["--runner=FlinkRunner", "--parallelism=4"], True),
    (["--runner=PortableRunner", "--job_endpoint=localhost:1", "--num_workers=2"], True),
])
def test_a_rate_that_cannot_be_divided_is_said(words, divided):
    found = warnings_of([], options("--max-requests-per-second", "9"), engine(*words))
    assert [warning.partition(" ")[0] for warning in found] == ([] if divided else ["--max-requests-per-second"])
    assert warnings_of([], options(), engine(*words)) == []
