"""Commands run and measured: time, CPU time, peak memory. Ratios are taken within one run, tools alternating."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.support.servers import ACCESS_KEY, SECRET_KEY

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "LANG": "C.UTF-8",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}
LONGEST = 1800.0


@dataclass(frozen=True)
class Ran:
    """One run of a command.

    Attributes:
        seconds: by the clock, from its start to its end.
        cpu: seconds of user and system time, of its children too.
        memory: peak resident memory in MiB, of the largest of its processes.
        began: seconds since 1970.
    """

    seconds: float
    cpu: float
    memory: float
    began: float
    out: str


class Failed(Exception):
    """A command that did not do what it was run for."""


def run(command: Sequence[str], env: Mapping[str, str]) -> Ran:
    """Runs a command to its end.

    Raises:
        Failed: with another exit status than 0, or not ended after LONGEST seconds.
    """
    home = os.environ.get("HOME", "/")
    with tempfile.TemporaryFile() as out:
        began, clock = time.time(), time.monotonic()
        child = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": home, **ENVIRONMENT, **env})
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - clock > LONGEST:
                child.kill()
            time.sleep(0.005)
        seconds = time.monotonic() - clock
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode(errors="replace")
    if child.returncode:
        raise Failed(f"{' '.join(command)}: exit status {child.returncode}: {said[-500:]}")
    return Ran(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, began, said)


Tools = Mapping[str, Sequence[str]]


def alternate(tools: Tools, env: Mapping[str, str], rounds: int, before: Callable[[str], Mapping[str, str] | None],
              after: Callable[[str, Ran], None] = lambda tool, ran: None) -> dict[str, list[Ran]]:
    """Runs all tools, one after another, some times; each round begins with another one.

    Args:
        tools: command lines; `{name}` in a word is replaced by what `before` gives for it.
        env: besides ENVIRONMENT.
        rounds: how often.
        before: called before each run.
        after: called after each, e.g. to look at what became of it.
    """
    runs: dict[str, list[Ran]] = {name: [] for name in tools}
    names = list(tools)
    for number in range(rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            words = before(name) or {}
            ran = run([word.format_map(words) if words else word for word in tools[name]], env)
            after(name, ran)
            runs[name].append(ran)
            print(f"    {name}: {ran.seconds:.2f} s, CPU {ran.cpu:.2f} s, {ran.memory:.0f} MiB", flush=True)
    return runs


def seconds(runs: Sequence[Ran]) -> float:
    """The median time."""
    return median(ran.seconds for ran in runs)


def cpu(runs: Sequence[Ran]) -> float:
    """The median CPU time."""
    return median(ran.cpu for ran in runs)


def memory(runs: Sequence[Ran]) -> float:
    """The largest peak."""
    return max(ran.memory for ran in runs)
