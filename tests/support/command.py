"""The command as its users run it: a process of its own, in a clean environment."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, quote_plus

from tests.support.forked import Forked
from tests.support.servers import ACCESS_KEY, REGION, SECRET_KEY

TIMEOUT = 120.0
S3COPY = str(Path(sys.executable).parent / "s3copy")


def spellings(secret: str) -> set[str]:
    """How a secret may stand in a text: as it is, in a URL, in JSON, in base64 (three ways: by where it begins)."""
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        forms.add(whole[4 if shift else 0:-4])
    return forms


def find_leak(text: str, secret: str = SECRET_KEY) -> str | None:
    """The line of the text that holds the secret in any spelling."""
    return next((line for form in spellings(secret) for line in text.splitlines() if form in line), None)


def environment(url: str, home: Path) -> dict[str, str]:
    """A clean one, for an endpoint."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": url, "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True)
class Ran:
    """A run that has ended. `status` is negative where a signal ended it, as in subprocess."""

    args: tuple[str, ...]
    status: int
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        return (f"$ s3copy {shlex.join(self.args)}\nexit status {self.status} after {self.seconds:.1f} s\n"
                f"--- stdout\n{self.out[-5000:]}\n--- stderr\n{self.err[-5000:]}---")

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON object of --json, the last line of stdout."""
        lines = self.out.splitlines()
        assert lines, f"no --json line\n{self}"
        found = json.loads(lines[-1])
        assert isinstance(found, dict)
        return found

    @property
    def last(self) -> str:
        """The last line of stderr: the summary for people."""
        return self.err.splitlines()[-1] if self.err else ""

    def expect(self, status: int) -> Ran:
        """Itself, if it ended so; and never with a traceback or a secret on the screen."""
        assert "Traceback (most recent call last)" not in self.out + self.err, f"a traceback\n{self}"
        assert find_leak(self.out + self.err) is None, f"a secret is shown\n{self}"
        assert self.status == status, f"expected exit status {status}\n{self}"
        return self

    def counted(self, **numbers: int) -> Ran:
        """Itself, if the --json line has these numbers."""
        found = {name: self.summary[name] for name in numbers}
        assert found == numbers, f"{found} instead of {numbers}\n{self}"
        return self


class Running:
    """A run that goes on."""

    def __init__(self, args: tuple[str, ...], child: subprocess.Popen[str] | Forked) -> None:
        self.args = args
        self.child = child
        self.began = time.monotonic()
        self._texts: dict[str, list[str]] = {"out": [], "err": []}
        assert child.stdout is not None
        assert child.stderr is not None
        self._readers = [self._reader("out", child.stdout), self._reader("err", child.stderr)]

    def _reader(self, name: str, stream: IO[str]) -> threading.Thread:
        def read() -> None:
            for line in stream:
                self._texts[name].append(line)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    @property
    def err(self) -> str:
        """What it has said on stderr so far."""
        return "".join(self._texts["err"])

    def signal(self, number: int) -> None:
        """Sends a signal to the process alone."""
        self.child.send_signal(number)

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to the whole group, as a terminal does."""
        os.killpg(self.child.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill -9, to it and to all that it started."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def wait(self, timeout: float = TIMEOUT) -> Ran:
        """Its end; killed, and an AssertionError, when it takes longer."""
        try:
            self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {timeout:.0f} s\n{self._ran()}") from None
        finally:
            for reader in self._readers:
                reader.join(5)
        return self._ran()

    def _ran(self) -> Ran:
        seconds = time.monotonic() - self.began
        status = self.child.returncode
        assert status is not None
        return Ran(self.args, status, "".join(self._texts["out"]), self.err, seconds)


@dataclass
class Tool:
    """`s3copy` for one server.

    Attributes:
        url: the endpoint, handed over in the environment.
        home: HOME and working directory of each run.
        env: more environment.
        program: the installed program is started, not a process that has imported it already (forked.py).
    """

    url: str
    home: Path
    env: Mapping[str, str] = field(default_factory=dict)
    program: bool = bool(os.environ.get("S3COPY_TEST_PROGRAM"))
    began: list[Running] = field(default_factory=list)

    def start(self, *args: object, stdin: str | None = None, env: Mapping[str, str] | None = None) -> Running:
        """Starts it and returns at once."""
        words = tuple(str(arg) for arg in args)
        clean = {**environment(self.url, self.home), **self.env, **(env or {})}
        child: subprocess.Popen[str] | Forked
        if self.program:
            child = self._program(words, clean, stdin)
        else:
            child = Forked(words, clean, self.home, stdin is not None)
        if stdin is not None:
            assert child.stdin is not None
            child.stdin.write(stdin)
            child.stdin.close()
        running = Running(words, child)
        self.began.append(running)
        return running

    def _program(self, words: tuple[str, ...], env: Mapping[str, str], stdin: str | None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [S3COPY, *words], env=env, cwd=self.home, text=True, encoding="utf-8", errors="backslashreplace",
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )

    def run(self, *args: object, status: int = 0, timeout: float = TIMEOUT, stdin: str | None = None,
            env: Mapping[str, str] | None = None) -> Ran:
        """Runs it to its end, which must be this exit status."""
        return self.start(*args, stdin=stdin, env=env).wait(timeout).expect(status)

    def copy(self, *args: object, status: int = 0, stdin: str | None = None, **numbers: int) -> Ran:
        """Runs it with --json; the numbers are what the summary must say."""
        return self.run("--json", *args, status=status, stdin=stdin).counted(**numbers)

    def close(self) -> None:
        """Kills what still runs."""
        for running in self.began:
            if running.child.poll() is None:
                running.kill()


SUMMARY = re.compile(
    r"copied (?P<copied>\d+) objects? \((?P<bytes>[\d.]+ (?:B|bytes?|KiB|MiB|GiB|TiB))\), "
    r"(?P<up_to_date>\d+) up to date, (?P<failed>\d+) failed"
    r"(?P<more>(?:, [1-9]\d* (?:archived|vanished|excluded|unproven))*), in .+"
)
"""The summary line, as promised to people who script against it."""
