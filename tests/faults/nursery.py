"""Real processes without their start-up: one parent has imported everything, each run is a fork of it.

A child is as any process: it can be killed with kill -9, gets signals, and shares nothing with its siblings.

    with Nursery(folder) as nursery:
        running = nursery.start(url, home, "--json", source, destination)
        running.kill()
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.support.command import TIMEOUT, Ran, environment


@dataclass
class Child:
    """A run that goes on, or has ended. `status` as subprocess has it: negative where a signal ended it."""

    args: tuple[str, ...]
    out: Path
    err: Path
    pid: int = 0
    status: int = 0
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)
    born: threading.Event = field(default_factory=threading.Event)

    def signal(self, number: int) -> None:
        """Sends a signal; nothing happens where it has ended."""
        assert self.born.wait(30)
        if not self.ended.is_set():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def kill(self) -> None:
        """Kill -9."""
        self.signal(signal.SIGKILL)
        assert self.ended.wait(30)

    def wait(self, timeout: float = TIMEOUT) -> Ran:
        """Its end; killed, and an AssertionError, when it takes longer."""
        if not self.ended.wait(timeout):
            self.kill()
            raise AssertionError(f"still running after {timeout:.0f} s\n{self.ran}")
        return self.ran

    @property
    def ran(self) -> Ran:
        """What it has said."""
        out, err = (path.read_text(encoding="utf-8", errors="backslashreplace") for path in (self.out, self.err))
        return Ran(self.args, self.status, out, err, self.seconds)


class Nursery:
    """The parent of all runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []

    def __enter__(self) -> Nursery:
        """Starts it."""
        self._parent = subprocess.Popen([sys.executable, "-m", "tests.faults.nursery"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends it and all that still run."""
        for child in self._children:
            if not child.ended.is_set():
                child.signal(signal.SIGKILL)
        self._parent.kill()
        self._parent.wait(10)

    def start(self, url: str, home: Path, *args: object) -> Child:
        """Starts a run."""
        number = len(self._children)
        words = tuple(str(arg) for arg in args)
        child = Child(words, self._folder / f"{number}.out", self._folder / f"{number}.err")
        for path in (child.out, child.err):
            path.touch()
        self._children.append(child)
        order = {"args": words, "env": environment(url, home), "out": str(child.out), "err": str(child.err)}
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        return child

    def _read(self) -> None:
        assert self._parent.stdout is not None
        by_pid: dict[int, Child] = {}
        births = iter(self._children)
        for line in self._parent.stdout:
            word, pid, status = line.split()
            if word == "born":
                child = by_pid[int(pid)] = next(births)
                child.pid = int(pid)
                child.born.set()
            else:
                child = by_pid.pop(int(pid))
                child.status, child.seconds = int(status), time.monotonic() - child.began
                child.ended.set()


def _main(orders: IO[str]) -> None:
    """The parent: forks for each order, tells births and deaths."""
    import boto3  # noqa: F401

    import s3copy_beam.cli
    import s3copy_beam.command.preflight
    import s3copy_beam.pipeline  # noqa: F401

    def tell(word: str, pid: int, status: int) -> None:
        os.write(1, f"{word} {pid} {status}\n".encode())  # no lock that a fork could inherit

    for line in orders:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(order)
        tell("born", pid, 0)

        def reap(pid: int = pid) -> None:
            _, status = os.waitpid(pid, 0)
            tell("dead", pid, os.waitstatus_to_exitcode(status))

        threading.Thread(target=reap, daemon=True).start()


def _child(order: dict[str, Any]) -> None:
    from s3copy_beam.cli import main

    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600), number)
    os.environ.clear()
    os.environ.update(order["env"])
    status = 1
    try:
        sys.argv = ["s3copy", *order["args"]]
        status = int(main(order["args"]) or 0)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _main(sys.stdin)
