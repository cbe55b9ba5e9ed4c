"""A store that answers what a test says, over real sockets: whole answers, cut ones, none."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from s3copy_beam.options import Access, Identity
from s3copy_beam.s3.client import S3Client
from s3copy_beam.s3.identity import vault_clear, vault_put
from s3copy_beam.s3.pacing import Limits
from s3copy_beam.s3.worker import Worker

DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
COPIED = b"<CopyObjectResult><ETag>&quot;abc&quot;</ETag></CopyObjectResult>"


@dataclass
class Seen:
    """A request, just as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Fake:
    """The store: `answers` are used up one by one, the last again and again; each is bytes or a coroutine function."""

    port: int = 0
    answers: list[bytes | Callable[[Seen], Awaitable[bytes]]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    running: int = 0
    peak: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def next(self) -> bytes | Callable[[Seen], Awaitable[bytes]]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.split("\r\n")
                method, target, _ = first.split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (ln.partition(":") for ln in lines if ln)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                seen = Seen(method, target, headers, body, number)
                self.seen.append(seen)
                self.running += 1
                self.peak = max(self.peak, self.running)
                try:
                    said = self.next()
                    reply = said if isinstance(said, bytes) else await said(seen)
                finally:
                    self.running -= 1
                writer.write(reply)
                await writer.drain()
                if not reply or b"x-close" in reply:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def answer(
    status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None, length: int | None = None
) -> bytes:
    """An answer's bytes; a `length` that is not the body's cuts it."""
    lines = {"Date": DATE, "x-amz-request-id": "REQ1", "Content-Length": str(len(body) if length is None else length)}
    lines.update(headers or {})
    if length is not None and length > len(body):
        lines["x-close"] = "yes"
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body


def error(
    status: int, code: str, message: str = "said", extra: str = "", headers: dict[str, str] | None = None
) -> bytes:
    """An error as S3 says it."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}</Error>"
    return answer(status, body.encode(), headers)


@contextmanager
def fake_store(
    *answers: bytes | Callable[[Seen], Awaitable[bytes]], tls: ssl.SSLContext | None = None
) -> Iterator[Fake]:
    """Runs a store on a thread of its own."""
    fake = Fake(answers=list(answers), scheme="https" if tls else "http")
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def start() -> asyncio.Server:
        server = await asyncio.start_server(fake.serve, "127.0.0.1", 0, ssl=tls)
        fake.port = server.sockets[0].getsockname()[1]
        ready.set()
        return server

    def run() -> None:
        server = loop.run_until_complete(start())
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield fake
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def working() -> Iterator[Worker]:
    """A worker of the test's own."""
    worker = Worker()
    try:
        yield worker
    finally:
        worker.close()
        vault_clear()


def client_of(
    worker: Worker, fake: Fake | str, bucket: str = "bucket", region: str = "", token: str = "", **limits: float
) -> S3Client:
    """A client of a fake store."""
    vault_put("test", "AKID", "verysecret", token)
    url = fake if isinstance(fake, str) else fake.url
    return worker.client(Access(bucket, url, region, Identity(vault="test")), Limits(**limits))  # type: ignore[arg-type]


def credential_scope(seen: Seen) -> str:
    """Day, region and service that a request was signed for."""
    found = re.search(r"Credential=AKID\w*/(\S+?),", seen.headers["authorization"])
    assert found
    return found[1]
