"""The first signal stops cleanly, the second at once; a clean stop that takes too long is ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import environment

CODE = """
import os, sys, threading, time
from s3copy_beam.command import signals
signals.GRACE = 1.0
with signals.Signals("go on") as caught:
    stopped = threading.Event()
    caught.stop_with(stopped.set)
    print("ready", flush=True)
    stopped.wait()
    print("stopping", flush=True)
    time.sleep(float(sys.argv[1]))
sys.exit(caught.status)
"""


@pytest.mark.parametrize(("seconds", "numbers", "status", "err"), [
    (0.1, [signal.SIGINT], 130, ""),
    (0.1, [signal.SIGTERM], 143, ""),
    (60, [signal.SIGINT], 130, "go on\n"),
    (60, [signal.SIGTERM, signal.SIGINT], 143, "go on\n"),
])
def test_signals(seconds, numbers, status, err):
    child = subprocess.Popen([sys.executable, "-c", CODE, str(seconds)], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(numbers[0])
    assert child.stdout.readline() == "stopping\n"
    for number in numbers[1:]:
        child.send_signal(number)
    assert child.communicate(timeout=30)[1] == err
    assert child.returncode == status


EARLY = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "s3copy_beam.command.%s":
            os.kill(os.getpid(), signal.%s)
sys.meta_path.insert(0, Finder())
from s3copy_beam.cli import main
sys.exit(main(["--json", "s3://source", "s3://destination"]))
"""


@pytest.mark.parametrize("imported", ["hide", "run", "preflight"])
@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_signals_while_the_command_begins(tmp_path: Path, imported: str, number: str, status: int):
    """Importing it takes as long as many a run: a signal then is as one later. Nothing listens at the endpoint."""
    ran = subprocess.run([sys.executable, "-c", EARLY % (imported, number)], text=True, capture_output=True,
                         timeout=60, env=environment("http://127.0.0.1:9", tmp_path), check=False)
    assert ran.returncode == status, ran
    assert "run the same command again to go on" in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("copied 0 objects (0 bytes), 0 up to date, 0 failed, in ")
    assert json.loads(ran.stdout)["uploads_left"] == 0
