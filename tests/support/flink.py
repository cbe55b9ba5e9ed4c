"""A Flink cluster for tests: deploy/flink/local_cluster.py, looked at and hurt from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.servers import ACCESS_KEY, REGION, SECRET_KEY, Missing

SCRIPT = Path(__file__).parents[2] / "deploy" / "flink" / "local_cluster.py"
WORK = re.compile(r"(\w+), process (\d+): (\d+) objects, (\d+) bytes, (\d+) parts, (\d+) requests")
"""What a worker logs at the end of each bundle (transforms/looping.py)."""
PATIENCE = 120.0


class Flink:
    """A running cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[str, int] = {}

    def start(self) -> None:
        """Starts what is missing of it.

        Raises:
            Missing: something is not on this machine.
        """
        env = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME", "S3COPY_FLINK_CACHE", "LANG")
               if name in os.environ}
        env |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true"}
        ran = subprocess.run([sys.executable, SCRIPT, "start", f"--dir={self.folder}"], env=env, capture_output=True,
                             text=True, check=False)
        if "is missing" in ran.stderr:
            raise Missing(ran.stderr.strip())
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def stop(self) -> None:
        """Stops it."""
        subprocess.run([sys.executable, SCRIPT, "stop", f"--dir={self.folder}"], check=True)

    @property
    def state(self) -> dict[str, Any]:
        """What it wrote down about itself."""
        found = json.loads((self.folder / "cluster.json").read_text("utf-8"))
        assert isinstance(found, dict)
        return found

    def options(self, name: str = "options") -> list[str]:
        """Options that send a copy there."""
        return [str(option) for option in self.state[name]]

    def kill(self, name: str, *, workers: bool) -> None:
        """Kill -9.

        Args:
            name: of a TaskManager.
            workers: its Python workers die with it, as with a machine; else they find out by themselves.
        """
        pid = self.state["processes"][name]
        victims = [pid, *(children_of(pid) if workers else [])]
        for victim in victims:
            os.kill(victim, signal.SIGKILL)

    def ask(self, path: str, method: str = "GET") -> Any:
        """Flink's API."""
        url = f"http://127.0.0.1:{self.state['ports']['rest']}/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def jobs(self, *states: str) -> list[str]:
        """Ids of its jobs in these states."""
        return [job["jid"] for job in self.ask("jobs/overview")["jobs"] if job["state"] in states]

    def name(self, job: str) -> str:
        """What Flink calls a job."""
        return str(self.ask(f"jobs/{job}")["name"])

    # -- logs

    def forget(self) -> None:
        """What is in the logs by now is not looked at."""
        self._seen = {log.name: log.stat().st_size for log in self._logs()}

    def work(self) -> dict[str, Counter[str]]:
        """What each TaskManager's workers did since: objects, parts, requests, and the steps that had any."""
        done: dict[str, Counter[str]] = {}
        for log in self._logs():
            mine = done[log.stem] = Counter()
            for step, _, objects, _, parts, requests in WORK.findall(self._text(log)):
                mine.update(objects=int(objects), parts=int(parts), requests=int(requests))
                mine[step] += 1
        return done

    def text(self) -> str:
        """All that its logs say since."""
        return "".join(self._text(log) for log in sorted((self.folder / "log").glob("*.log")))

    def _logs(self) -> list[Path]:
        return sorted((self.folder / "log").glob("taskmanager-*.log"))

    def _text(self, log: Path) -> str:
        with log.open("rb") as file:
            file.seek(self._seen.get(log.name, 0))
            return file.read().decode("utf-8", "replace")


def children_of(pid: int) -> list[int]:
    """Process ids of all descendants."""
    ran = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in ran.stdout.splitlines()]
    found = [child for child, parent in pairs if parent == pid]
    return [*found, *(grandchild for child in found for grandchild in children_of(child))]


def until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Waits until something is so."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"not within {patience:.0f} s: {what}"
        time.sleep(0.1)
