"""A client that only saturates a server: requests made and signed beforehand, sent as fast as answers come.

It looks at nothing but the status. What it reaches is taken as the server's limit on this machine; it also fills
buckets. `python -m benchmarks.bare` is a process of its own, as the tools are.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.measure import ENVIRONMENT
from s3copy_beam.s3.sign import Keys, Signer, payload_hash
from s3copy_beam.s3.wire import request_bytes


def key(number: int) -> str:
    """The key of an object of the source."""
    return f"{number // 1000:05d}/{number:08d}"


def requests(host: str, what: str, bucket: str, count: int, size: int) -> Iterator[bytes]:
    """Signed requests: `put` objects into a bucket, or `copy` them from `source` into it."""
    signer = Signer(Keys(ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]), "us-east-1")
    body = b"x" * size if what == "put" else b""
    digest, now = payload_hash(body), time.time()
    for number in range(count):
        headers = {"host": host}
        if what == "copy":
            headers["x-amz-copy-source"] = f"source/{key(number)}"
        path = f"/{bucket}/{key(number)}"
        unique = body[:-8] + number.to_bytes(8, "big") if body else b""
        signer.sign("PUT", path, "", headers, payload_hash(unique) if body else digest, now)
        yield request_bytes("PUT", path, headers, unique)


class Line(asyncio.Protocol):
    """One connection that sends the next request when an answer is whole."""

    def __init__(self, waiting: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._waiting, self._done = waiting, done
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        """Waits for the end of the answer."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        place = lower.find(b"content-length:")
        if place >= 0:
            whole = len(rest) >= int(lower[place + 15:].split(b"\r\n", 1)[0])
        else:
            whole = rest.endswith(b"0\r\n\r\n") or b"chunked" not in lower
        if whole:
            if head[9:12] != b"200" and not self._done.done():
                self._done.set_exception(RuntimeError(self._buffer[:300].decode(errors="replace")))
            self._buffer = b""
            self._next()

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._waiting, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
        else:
            self._transport.write(request)


async def saturate(url: str, what: str, bucket: str, count: int, size: int, connections: int = 64) -> float:
    """Sends all requests; requests per second."""
    there = urlsplit(url)
    ready = iter(list(requests(there.netloc, what, bucket, count, size)))
    loop = asyncio.get_running_loop()
    ended = [loop.create_future() for _ in range(connections)]
    began = time.monotonic()
    for done in ended:
        await loop.create_connection(lambda done=done: Line(ready, done), there.hostname or "",  # type: ignore[misc]
                                     there.port or 80)
    await asyncio.gather(*ended)
    return count / (time.monotonic() - began)


if __name__ == "__main__":
    _url, _what, _bucket, _count, _size = sys.argv[1:]
    print(asyncio.run(saturate(_url, _what, _bucket, int(_count), int(_size))))
