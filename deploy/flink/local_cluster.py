#!/usr/bin/env python3
"""A Flink cluster on this machine, to try s3copy on, and for its tests.

    deploy/flink/local_cluster.py start     JobManager, two TaskManagers, Beam's job server, all on 127.0.0.1
    deploy/flink/local_cluster.py status    what runs, and the options that send a copy there
    deploy/flink/local_cluster.py stop

`start` again starts whatever is missing: a TaskManager that was killed is replaced. Workers get the environment that
`start` was called in: credentials and endpoints for them stand there, not in the job.

Parts are fetched by Maven and Go into a cache on first use (S3COPY_FLINK_CACHE, else ~/.cache/s3copy_beam/flink). Each
cluster has a folder of its own (--dir) with its process ids, logs and ports; several can live side by side.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from parts import OPENS, MissingTool, Parts, cache_folder, fetch

PATIENCE = 90.0
"""Seconds that a part of the cluster may take to start."""
GRACE = 5.0
"""Seconds that it has to end before it is killed."""
HERE = "127.0.0.1"
PORTS = ("rest", "rpc", "job", "artifact", "expansion")

# A killed process is noticed by its connections; heartbeats would only end slow ones on a busy machine.
CONFIG = """\
jobmanager.rpc.address: {here}
jobmanager.rpc.port: {rpc}
jobmanager.bind-host: {here}
rest.address: {here}
rest.bind-address: {here}
rest.port: {rest}
taskmanager.host: {here}
taskmanager.bind-host: {here}
taskmanager.numberOfTaskSlots: {slots}
parallelism.default: {parallelism}
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 10
restart-strategy.fixed-delay.delay: 2 s
heartbeat.interval: 5000
heartbeat.timeout: 120000
classloader.resolve-order: parent-first
task.cancellation.timeout: 600000
io.tmp.dirs: {tmp}
"""
MEMORY = {
    "taskmanager.cpu.cores": "2.0",
    "taskmanager.memory.task.heap.size": "256m",
    "taskmanager.memory.task.off-heap.size": "0",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.network.min": "256m",
    "taskmanager.memory.network.max": "256m",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "512m",
    "taskmanager.memory.jvm-overhead.min": "128m",
    "taskmanager.memory.jvm-overhead.max": "128m",
}
"""Of a TaskManager. 64 MB of network memory are too few for batch shuffles; each job leaves classes behind."""

WORKER = """\
#!/bin/sh
# Starts a Python worker in a fresh environment: Beam and all else from that of {python}, and the job's own packages.
place=$(mktemp -d {workers}/XXXXXX) || exit 1
echo $$ >"$place/pid"
{python} -m venv --without-pip "$place/venv" || exit 1
cp {paths} "$("$place/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beam.pth"
export PATH="$place/venv/bin:/usr/bin:/bin" RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
exec {boot} --semi_persist_dir="$place" "$@"
"""


class Failed(Exception):
    """One line for people."""


class Cluster:
    """A cluster and its folder.

    Attributes:
        state: what `cluster.json` holds: ports, settings, the process id of each part by its name, and the options that
            send a copy here (`options`; `flink_options`: by way of a job server of the command's own).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "cluster.json"
        self.state: dict[str, Any] = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}

    # ------------------------------------------------------------------ what it is made of

    def prepare(self, args: argparse.Namespace) -> None:
        """Makes the folder of a new cluster: ports, configuration, the program that starts workers."""
        for name in ("log", "tmp", "artifacts", "workers", "conf"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        given = {"rest": args.rest_port, "job": args.job_port}
        free = _free_ports(len(PORTS))
        ports = {name: given.get(name) or port for name, port in zip(PORTS, free, strict=True)}
        self.state = {"ports": ports, "python": args.python, "taskmanagers": args.taskmanagers, "slots": args.slots,
                      "processes": {}}
        (self.folder / "conf" / "config.yaml").write_text(CONFIG.format(
            here=HERE, slots=args.slots, parallelism=args.slots * args.taskmanagers, tmp=self.folder / "tmp",
            **ports), "utf-8")
        self._save()

    def options(self) -> list[str]:
        """Options that send a copy to this cluster, its workers started by Beam's boot program."""
        return ["--runner=PortableRunner", f"--job_endpoint={HERE}:{self.state['ports']['job']}",
                "--environment_type=PROCESS", f"--environment_config={self._environment()}", *self._spread()]

    def flink_options(self, job_server: Path) -> list[str]:
        """The same by way of a job server of the command's own."""
        return ["--runner=FlinkRunner", f"--flink_master={HERE}:{self.state['ports']['rest']}",
                f"--flink_job_server_jar={job_server}", "--environment_type=PROCESS",
                f"--environment_config={self._environment()}", *self._spread()]

    def _environment(self) -> str:
        return json.dumps({"command": str(self.folder / "worker.sh")})

    def _spread(self) -> list[str]:
        machines = self.state["taskmanagers"]
        return [f"--parallelism={self.state['slots'] * machines}", f"--num_workers={machines}"]

    # ------------------------------------------------------------------ start, stop, status

    def start(self, parts: Parts) -> None:
        """Starts what does not run.

        Raises:
            Failed: a part does not start.
        """
        self.state["options"], self.state["flink_options"] = self.options(), self.flink_options(parts.job_server)
        self._write_worker(parts)
        ports, rest = self.state["ports"], f"http://{HERE}:{self.state['ports']['rest']}"
        conf = ["--configDir", str(self.folder / "conf")]
        self._launch("jobmanager", parts, ["-Xmx512m", "-cp", f"{parts.flink}/*",
                     "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", *conf])
        self._wait("jobmanager", lambda: _get(f"{rest}/overview") is not None)
        names = [f"taskmanager-{number + 1}" for number in range(self.state["taskmanagers"])]
        for name in names:
            settings = {"taskmanager.resource-id": name, **MEMORY}
            self._launch(name, parts, ["-Xmx384m", "-XX:MaxDirectMemorySize=768m", "-cp", parts.taskmanager_classes,
                         "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", *conf,
                         *(word for key, value in settings.items() for word in ("-D", f"{key}={value}"))])
        self._launch("job-server", parts, [
            "-Xmx512m", "-jar", str(parts.job_server), f"--flink-master={HERE}:{ports['rest']}",
            f"--flink-conf-dir={self.folder / 'conf'}", f"--job-host={HERE}", f"--job-port={ports['job']}",
            f"--artifact-port={ports['artifact']}", f"--expansion-port={ports['expansion']}",
            f"--artifacts-dir={self.folder / 'artifacts'}"])
        for name in names:
            self._wait(name, lambda name=name: name in _registered(rest))  # type: ignore[misc]
        self._wait("job-server", lambda: _answers(ports["job"]))

    def stop(self) -> None:
        """Ends its processes, each by its id, and what its workers left behind."""
        processes = self.state.get("processes", {})
        pids = [pid for pid in processes.values() if self._is_ours(pid)]
        _end(pids, self._is_ours)
        workers = [int(file.read_text() or 0) for file in self.folder.glob("workers/*/pid")]
        _end([pid for pid in workers if self._is_ours(pid)], self._is_ours)
        for name in ("workers", "tmp", "artifacts"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self._file.unlink(missing_ok=True)
        self.state = {}

    def running(self) -> dict[str, int]:
        """Process ids of what runs, by name."""
        return {name: pid for name, pid in self.state.get("processes", {}).items() if self._is_ours(pid)}

    def complete(self) -> bool:
        """Whether all of it runs."""
        return bool(self.state) and len(self.running()) == self.state["taskmanagers"] + 2

    # ------------------------------------------------------------------ processes

    def _write_worker(self, parts: Parts) -> None:
        python, paths = self.state["python"], self.folder / "conf" / "worker.pth"
        ran = subprocess.run([python, "-c", "import sys, apache_beam; print(*filter(None, sys.path), sep='\\n')"],
                             capture_output=True, text=True, check=False, cwd=self.folder)
        if ran.returncode:
            raise Failed(f"--python {python}: it has no apache_beam: {ran.stderr.strip().splitlines()[-1:]}")
        paths.write_text(ran.stdout, "utf-8")
        script = self.folder / "worker.sh"
        script.write_text(WORKER.format(python=shlex.quote(python), paths=shlex.quote(str(paths)),
                                        workers=shlex.quote(str(self.folder / "workers")),
                                        boot=shlex.quote(str(parts.boot))), "utf-8")
        script.chmod(0o755)

    def _launch(self, name: str, parts: Parts, words: Sequence[str]) -> None:
        if name in self.running():
            return
        opens = [word for place in OPENS for word in ("--add-opens", f"{place}=ALL-UNNAMED")]
        quiet = ["-Dorg.slf4j.simpleLogger.showDateTime=true",
                 "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"]
        # the cluster's folder among the words: a process is known by it, whoever has its id later
        with (self.folder / "log" / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [parts.java, f"-Ds3copy.cluster={self.folder}", *opens, *quiet, *words], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.state["processes"][name] = child.pid
        self._save()

    def _is_ours(self, pid: int) -> bool:
        """Whether a process runs, and is of this cluster."""
        if not pid:
            return False
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        ran = subprocess.run(["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True,
                             check=False)
        return not ran.stdout.startswith("Z") and str(self.folder) in ran.stdout

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not ready():
            if name not in self.running() or time.monotonic() > end:
                log = self.folder / "log" / f"{name}.log"
                tail = log.read_text("utf-8", "replace").splitlines()[-15:]
                raise Failed(f"{name} does not start; the end of {log}:\n" + "\n".join(tail))
            time.sleep(0.3)

    def _save(self) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self.state, indent=1), "utf-8")
        os.replace(new, self._file)


def _end(pids: Sequence[int], is_ours: Callable[[int], bool]) -> None:
    """Ends processes: asked at first, killed when they take too long."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + GRACE
    left = list(pids)
    while (left := [pid for pid in left if is_ours(pid)]) and time.monotonic() < end:
        time.sleep(0.1)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind((HERE, 0))
        return [one.getsockname()[1] for one in sockets]


def _get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def _registered(rest: str) -> list[str]:
    """TaskManagers that the JobManager knows."""
    return [one["id"] for one in (_get(f"{rest}/taskmanagers") or {}).get("taskmanagers", [])]


def _answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((HERE, port)) == 0


# ---------------------------------------------------------------------- the command

def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    text = __doc__ or ""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("what", choices=("start", "stop", "status"))
    made.add_argument("--dir", type=Path, help="the cluster's folder (default: `cluster` in the cache)")
    made.add_argument("--rest-port", type=int, default=0, help="of Flink's web page and API; default: a free one")
    made.add_argument("--job-port", type=int, default=0, help="of Beam's job server; default: a free one")
    made.add_argument("--python", default=sys.executable, help="has Beam for the workers; default: this one")
    made.add_argument("--taskmanagers", type=int, default=2)
    made.add_argument("--slots", type=int, default=2, help="of each TaskManager")
    return made


def main(argv: Sequence[str]) -> int:
    """Runs the command; gives its exit status (status: 3 where not all runs)."""
    args = parser().parse_args(argv)
    cache = cache_folder()
    cluster = Cluster((args.dir or cache / "cluster").expanduser().absolute())
    try:
        if args.what == "start":
            parts = fetch(cache, _beam_of(args.python))
            if not cluster.state:
                cluster.prepare(args)
            cluster.start(parts)
        elif args.what == "stop":
            cluster.stop()
            return 0
        for name, pid in cluster.running().items():
            print(f"{name}: process {pid}, log {cluster.folder / 'log' / name}.log")
        if not cluster.complete():
            print("not all of it runs" if cluster.state else "no cluster runs")
            return 3
        print(f"web page: http://{HERE}:{cluster.state['ports']['rest']}\n"
              f"\n    s3copy s3://SOURCE s3://DESTINATION {shlex.join(cluster.options())}")
        return 0
    except (Failed, MissingTool, RuntimeError) as error:
        print(f"local_cluster: {error}", file=sys.stderr)
        return 1


def _beam_of(python: str) -> str:
    """Version of Beam in an environment."""
    try:
        ran = subprocess.run([python, "-c", "import importlib.metadata as m; print(m.version('apache-beam'))"],
                             capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"--python {python}: {error.strerror}") from None
    if ran.returncode:
        raise Failed(f"--python {python}: it has no apache-beam; name one that has (pip install 'apache-beam')")
    return ran.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
