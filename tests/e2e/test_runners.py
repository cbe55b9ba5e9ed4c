"""The same copy on other runners, and with Beam doing what it may always do: run a bundle again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import S3COPY, Tool, environment
from tests.support.marks import on
from tests.support.proxy import Proxy

SMALL = 30


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    source.fill({f"small/{n:02}": b"%d" % n for n in range(SMALL)})
    source.put_parts("large/one", [content(5 * MIB, n) for n in range(5)] + [b"end"])
    source.put_parts("large/two", [content(5 * MIB, 9), b"end"])
    return source


def copy_twice(tool: Tool, source: Bucket, destination: Bucket, options: list[str]) -> None:
    tool.copy(*options, "--report", "report.jsonl", source, destination, copied=SMALL + 2, up_to_date=0, failed=0,
              uploads_left=0)
    assert_same(source, destination)
    for key in ("large/one", "large/two"):
        assert destination.etag(key) == source.etag(key)
    assert destination.uploads(["large/one", "large/two"]) == []
    lines = [json.loads(line) for line in (Path(tool.home) / "report.jsonl").read_text("utf-8").splitlines()]
    copied = [line["source"] for line in lines if line["outcome"] == "copied"]
    assert sorted(copied) == [f"{source}/{key}" for key in sorted(source.listed())]
    tool.copy(*options, source, destination, copied=0, up_to_date=SMALL + 2, failed=0)


@on("moto", "minio")
def test_bundles_run_again(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    """The first outputs are dropped: what this run copied counts as copied all the same, and once."""
    copy_twice(tool, filled, destination, ["--runner=FnApiRunner", "--direct_runner_bundle_repeat=1"])


@on("moto")
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_list_that_can_be_read_but_once(tool: Tool, filled: Bucket, destination: Bucket, name: str) -> None:
    tool.copy("--direct_runner_bundle_repeat=1", "-F", name, filled, destination, stdin="small/01\nsmall/02\n",
              copied=2, failed=0)
    assert destination.keys() == ["small/01", "small/02"]


@pytest.mark.slow
@on("moto", "minio")
def test_several_processes(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    """The graph of a cluster: work is redistributed, giants' parts go through a group by key."""
    copy_twice(tool, filled, destination, ["--direct_running_mode=multi_processing", "--direct_num_workers=2",
                                           "--spread-parts=3"])


@pytest.mark.slow
@on("moto")
@pytest.mark.parametrize("whom", ["group", "command"])
def test_several_processes_interrupted(proxied: Tool, proxy: Proxy, tool: Tool, filled: Bucket, destination: Bucket,
                                       whom: str) -> None:
    """Ctrl-C reaches Beam's worker processes, too; SIGTERM leaves them behind. Neither shows their tracebacks."""
    held = proxy.hold("CopyObject", times=None)
    several = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    running = proxied.start(*several, filled, destination)
    held.wait()
    if whom == "group":
        running.interrupt()
    else:
        running.signal(signal.SIGTERM)
    ran = running.wait().expect(130 if whom == "group" else 143)
    held.release(forward=False)
    assert "run the same command again" in ran.err, ran
    assert "Traceback" not in ran.err, ran
    assert "grpc" not in ran.err, ran
    tool.copy(filled, destination, failed=0, uploads_left=0)
    assert_same(filled, destination)


@pytest.mark.slow
@pytest.mark.prism
@on("moto")
def test_prism(tool: Tool, filled: Bucket, destination: Bucket, prism: str) -> None:
    copy_twice(tool, filled, destination, ["--runner=PrismRunner", f"--prism_location={prism}"])


@on("moto")
def test_a_job_server_that_does_not_answer(tool: Tool, source: Bucket, destination: Bucket) -> None:
    ran = tool.run("--runner=PortableRunner", "--job_endpoint=127.0.0.1:9", "--job_server_timeout=1", source,
                   destination, status=1)
    assert ran.err == "s3copy: the job failed: the job server does not answer: see --job_endpoint\n", ran


@on("moto")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(tool: Tool, source: Bucket, destination: Bucket, closed: str) -> None:
    """As some that start jobs leave them: the work is done all the same."""
    source.put("a", b"a")
    ran = subprocess.run(f'"{S3COPY}" --json -v {source} {destination} {closed}', shell=True, capture_output=True,
                         env=environment(tool.url, tool.home), cwd=tool.home, check=False)
    assert ran.returncode == 0, ran
    assert_same(source, destination)


@on("moto")
def test_the_launcher(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    """pipelines/copy_bucket.py, every setting a pipeline option; the module is the command."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tool.home), "AWS_ENDPOINT_URL": tool.url, "AWS_ACCESS_KEY_ID": "key",
           "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    launcher = Path(__file__).parents[2] / "pipelines" / "copy_bucket.py"
    for words in ([str(launcher), f"--source={filled}/small", f"--destination={destination}"],
                  ["-m", "s3copy_beam", f"{filled}", f"{destination}"]):
        ran = subprocess.run([sys.executable, *words], env=env, cwd=launcher.parents[1], capture_output=True, text=True,
                             check=False)
        assert ran.returncode == 0, ran.stderr
    assert_same(filled, destination)
    for words in (["-a", "AKID", "-k", "never-shown"], ["-knever-shown"]):  # no pipeline options
        ran = subprocess.run([sys.executable, str(launcher), f"--source={filled}", f"--destination={destination}",
                              *words], env=env, cwd=launcher.parents[1], capture_output=True, text=True, check=False)
        assert ran.returncode == 2
        assert len(ran.stderr.splitlines()) == 1, ran.stderr
        assert words[0][:2] in ran.stderr
        assert "never-shown" not in ran.stderr
