"""The synthetic S3 endpoint in server/: built with Go, set up for each row, asked what it saw."""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OLD = 1_700_000_000
"""LastModified of the sources."""


@dataclass
class Synthetic:
    """A running endpoint."""

    url: str
    folder: Path

    def setup(self, buckets: dict[str, dict[str, Any]], **more: Any) -> None:
        """Begins anew with these buckets; see server/store.go for the words."""
        self._ask("setup", json.dumps({"buckets": buckets, **more}).encode())

    def stats(self) -> dict[str, Any]:
        """What was counted since."""
        found: dict[str, Any] = json.loads(self._ask("stats"))
        found["samples"] = found["samples"] or []
        return found

    def _ask(self, what: str, body: bytes | None = None) -> bytes:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem")) if self.url[4] == "s" else None
        request = urllib.request.Request(f"{self.url}/-/{what}", body, method="PUT" if body else "GET")
        with urllib.request.urlopen(request, context=context) as answer:
            read: bytes = answer.read()
        return read


def objects(keys: int, newer: bool = False, prefix: str = "", folders: int = 0) -> dict[str, Any]:
    """A bucket of so many objects of 1 KiB, 1,000 in each folder or spread over so many folders."""
    return {"keys": keys, "size": 1024, "modified": OLD + newer, "prefix": prefix, "folders": folders}


@contextlib.contextmanager
def synthetic(tls: bool = False) -> Iterator[Synthetic]:
    """Runs the endpoint on a port of its own.

    Raises:
        FileNotFoundError: there is no Go to build it.
    """
    go = shutil.which("go")
    if not go:
        raise FileNotFoundError("the synthetic endpoint is built with Go: `go` is not there")
    with tempfile.TemporaryDirectory(prefix="s3copy-bench-") as name:
        folder = Path(name)
        subprocess.run([go, "build", "-o", str(folder / "server"), "."], cwd=HERE / "server", check=True)
        words = [str(folder / "server"), *(["-tls", str(folder)] if tls else [])]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
            try:
                assert child.stdout is not None
                yield Synthetic(child.stdout.readline().strip(), folder)
            finally:
                child.kill()
