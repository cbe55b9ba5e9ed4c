"""Cancelling a job on Flink itself: Beam's job server, asked to cancel a batch job, lets it go on (seen with 2.62)."""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import Any

_log = logging.getLogger("s3copy_beam.command")
_PATIENCE = 2.0
"""Seconds for each of two requests: somebody waits for the end."""
_OVER = ("FINISHED", "FAILED", "CANCELED", "CANCELLING")


def cancel(master: str, beam_id: str) -> None:
    """Cancels the Flink job of a Beam job; what hinders it is logged.

    Args:
        master: ``--flink_master``, HOST:PORT of Flink's REST API.
        beam_id: as Beam's job server calls the job: the name it has on Flink, ``_``, and an id.
    """
    name = beam_id.rpartition("_")[0]
    url = master if "://" in master else f"http://{master}"
    try:
        for job in _ask(f"{url}/jobs/overview", "GET")["jobs"]:
            if job["name"] == name and job["state"] not in _OVER:
                _ask(f"{url}/jobs/{job['jid']}?mode=cancel", "PATCH")
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("the job %s could not be cancelled on Flink: %s", name, error)


def _ask(url: str, method: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=_PATIENCE) as answer:
        return json.loads(answer.read() or b"null")
