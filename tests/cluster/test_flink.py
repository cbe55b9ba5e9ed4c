"""The command on a real Flink cluster: the same copy, the same words, by both of its workers, whatever is killed."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Maker
from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Ran, Tool, find_leak
from tests.support.flink import Flink, until
from tests.support.marks import on
from tests.support.proxy import Proxy

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.timeout(900)]

SMALL = 600
GIANT, GIANT_PARTS = "large/giant", 12
LARGE = [GIANT, "large/one", "large/two", "large/three"]
ALL = SMALL + len(LARGE)
SPREAD = "--spread-parts=4"
TIMEOUT = 600.0


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    """Small objects, objects in a few parts, and one whose parts are spread over workers."""
    source.fill({f"small/{n:04}": b"%d" % n for n in range(SMALL)})
    for key in LARGE[1:]:
        source.put_parts(key, [content(5 * MIB, n) for n in range(2)] + [key.encode()], ContentType="text/x-large")
    source.put_parts(GIANT, [content(5 * MIB, n) for n in range(GIANT_PARTS - 1)] + [b"end"])
    return source


@pytest.fixture
def reports(new_bucket: Maker) -> Bucket:
    return new_bucket("reports")


def report_of(reports: Bucket) -> list[dict[str, Any]]:
    return [json.loads(line) for line in reports.read("run.jsonl").decode().splitlines()]


def start(tool: Tool, flink: Flink, source: Bucket, destination: Bucket, *more: object) -> Any:
    return tool.start("--json", SPREAD, source, destination, *flink.options(), *more)


def check(ran: Ran, source: Bucket, destination: Bucket, reports: Bucket, flink: Flink) -> None:
    """All is there and right, reported once, nothing is left over, and no log has a secret."""
    ran.expect(0).counted(copied=ALL, up_to_date=0, failed=0, uploads_left=0)
    assert_same(source, destination)
    assert {key: destination.etag(key) for key in LARGE} == {key: source.etag(key) for key in LARGE}
    assert destination.uploads(["", *LARGE]) == []
    lines = report_of(reports)
    assert sorted(line["source"] for line in lines) == [f"{source}/{key}" for key in sorted(source.listed())]
    assert {line["outcome"] for line in lines} == {"copied"}
    assert find_leak(flink.text()) is None


@on("moto")
def test_as_on_one_machine(tool: Tool, flink: Flink, filled: Bucket, new_bucket: Maker, reports: Bucket) -> None:
    """Summary and report are the DirectRunner's; both workers copy objects, and parts of the one giant."""
    here, there = new_bucket("here"), new_bucket("there")
    local = tool.copy(SPREAD, "--runner=DirectRunner", "--report=local.jsonl", filled, here)
    ran = start(tool, flink, filled, there, f"--report={reports}/run.jsonl").wait(TIMEOUT)
    check(ran, filled, there, reports, flink)
    same = local.summary.keys() - {"seconds", "requests"}
    assert {name: ran.summary[name] for name in same} == {name: local.summary[name] for name in same}
    lines = [json.loads(line) for line in (Path(tool.home) / "local.jsonl").read_text("utf-8").splitlines()]
    for line in lines:
        line["destination"] = line["destination"].replace(str(here), str(there))
    assert sorted(map(str, lines)) == sorted(map(str, report_of(reports)))

    work = flink.work()
    assert len(work) == 2
    for name, mine in work.items():
        assert mine["objects"] >= SMALL / 4, (name, work)
        assert mine["parts"] >= 2, (name, work)
    sent = [mine for mine in work.values() if mine["CopyPartsOf"]]
    assert sum(mine["parts"] for mine in sent) == GIANT_PARTS + 3 * (len(LARGE) - 1)

    # the same by way of a job server of the command's own; nothing is left to do
    again = tool.start("--json", filled, there, *flink.options("flink_options")).wait(TIMEOUT)
    again.expect(0).counted(copied=0, up_to_date=ALL, failed=0)


@on("moto")
def test_the_package_is_sent_to_the_workers(tool: Tool, flink: Flink, source: Bucket, destination: Bucket,
                                            tmp_path: Path) -> None:
    source.put("a", b"a")
    tool.start("--json", source, destination, *flink.options()).wait(TIMEOUT).expect(0).counted(copied=1)
    asked = [("import s3copy_beam; print(s3copy_beam.__file__)")]
    workers = list(flink.folder.glob("workers/*/venv/bin/python"))
    found = [subprocess.run([python, "-c", *asked], capture_output=True, text=True, check=False, cwd=tmp_path).stdout
             for python in workers]
    assert workers
    assert all(place.startswith(str(flink.folder)) for place in found), found

    bare = tmp_path / "bare"  # what a worker has before the job's packages are installed
    subprocess.run([flink.state["python"], "-m", "venv", "--without-pip", bare], check=True)
    packages, = bare.glob("lib/python*/site-packages")
    (packages / "beam.pth").write_text((flink.folder / "conf" / "worker.pth").read_text("utf-8"), "utf-8")
    ran = subprocess.run([bare / "bin" / "python", "-c", *asked], capture_output=True, text=True, check=False,
                         cwd=tmp_path)
    assert "No module named 's3copy_beam'" in ran.stderr, ran


@on("moto")
@pytest.mark.parametrize(("operation", "workers"), [
    ("CopyObject", True), ("CopyObject", False), ("UploadPartCopy", True), ("UploadPartCopy", False)])
def test_a_taskmanager_is_killed(proxied: Tool, proxy: Proxy, flink: Flink, filled: Bucket, destination: Bucket,
                                 reports: Bucket, operation: str, workers: bool) -> None:
    """Kill -9 with requests of both workers in flight; another one takes its place."""
    if operation == "CopyObject":
        held = proxy.hold(operation, first=20)
    else:  # the giant's first part goes alone; the others come when it is there, and are spread over the workers
        held = proxy.hold(operation, first=2, key=GIANT)
    running = start(proxied, flink, filled, destination, f"--report={reports}/run.jsonl")
    # more at a time than one process begins with (40), or than one subtask has parts of
    enough = 60 if operation == "CopyObject" else 6
    until(lambda: proxy.in_flight[operation] >= enough or running.child.poll() is not None, "requests in flight", 300)
    flink.kill("taskmanager-1", workers=workers)
    held.release()
    flink.start()
    check(running.wait(TIMEOUT), filled, destination, reports, flink)
    assert "taskmanager-1" in flink.text()


@on("moto")
@pytest.mark.parametrize("way", ["flink_options", "options"])
def test_cancelled_and_run_again(proxied: Tool, tool: Tool, proxy: Proxy, flink: Flink, filled: Bucket,
                                 destination: Bucket, way: str) -> None:
    """Ctrl-C cancels the job where Flink is known; else it names the job, which is cancelled on Flink's page. The same
    command completes it, and copies no part twice that is there."""
    held = proxy.hold("UploadPartCopy", first=6, key=GIANT)
    running = proxied.start("--json", SPREAD, "--retries=1", filled, destination, *flink.options(way))
    held.wait(300)
    proxy.wait_answered("UploadPartCopy", 5)
    job, = flink.jobs("RUNNING")
    running.signal(signal.SIGINT)
    ran = running.wait(60).expect(130)
    if way == "options":
        assert flink.name(job) in ran.err, ran
        flink.ask(f"jobs/{job}?mode=cancel", "PATCH")
    held.release(forward=False)  # Flink lets a bundle in Python go on to its end
    until(lambda: job in flink.jobs("CANCELED"), "the job is cancelled", 300)
    assert_right(filled, destination)
    ran = start(tool, flink, filled, destination).wait(TIMEOUT)
    ran.expect(0).counted(failed=0, uploads_left=0)
    assert ran.summary["parts_reused"] >= 5, ran
    assert_same(filled, destination)
    assert destination.uploads(["", *LARGE]) == []


@on("moto")
def test_what_cannot_be_read_is_reported(proxied: Tool, proxy: Proxy, flink: Flink, filled: Bucket,
                                         destination: Bucket, reports: Bucket) -> None:
    proxy.fail("CopyObject", "AccessDenied", 403, key="small/0007", times=None)
    proxy.fail("UploadPartCopy", "AccessDenied", 403, key=GIANT, times=None)
    running = start(proxied, flink, filled, destination, f"--report={reports}/run.jsonl")
    ran = running.wait(TIMEOUT).expect(1).counted(copied=ALL - 2, failed=2)
    failed = {line["source"]: line["reason"] for line in report_of(reports) if line["outcome"] == "failed"}
    assert failed.keys() == {f"{filled}/small/0007", f"{filled}/{GIANT}"}
    for source, reason in failed.items():
        assert "AccessDenied" in reason
        assert f"failed {source}: AccessDenied" in ran.err, ran
    assert not destination.has(GIANT)


@on("moto")
def test_detached(tool: Tool, flink: Flink, source: Bucket, destination: Bucket, reports: Bucket) -> None:
    source.fill({f"{n}": b"%d" % n for n in range(10)})
    before = len(flink.jobs("FINISHED"))
    ran = tool.start("--detach", source, destination, *flink.options(), f"--report={reports}/run.jsonl")
    said = ran.wait(60).expect(0).err
    assert "submitted" in said
    until(lambda: len(flink.jobs("FINISHED")) > before, "the job ends", 300)
    assert_same(source, destination)
    assert len(report_of(reports)) == 10


def assert_right(source: Bucket, destination: Bucket) -> None:
    """What is visible is whole and right."""
    for key, body in destination.contents().items():
        assert body == source.read(key), key
