"""The first signal stops cleanly, the second at once; a clean stop that takes too long is ended."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

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
    (60, [signal.SIGTERM, signal.SIGINT], 143, ""),
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
