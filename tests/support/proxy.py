"""A proxy between the tool and a server that sees every request and makes faults on demand.

    with Proxy(server.url) as proxy:
        proxy.fail("CopyObject", "SlowDown", 503, times=3)
        held = proxy.hold("UploadPartCopy", passing=3)
        running = tool.start(...)
        held.wait(); running.kill(); held.release()
        assert proxy.count("CopyObject") == 12

Requests are passed on byte for byte (raw targets, Host), so signatures stay valid. What faults there are, and when they
happen: faults.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from urllib.parse import urlsplit

from tests.support.faults import Dropped, Exchange, Rule, Rules
from tests.support.wire import Answer, Request, read_answer, read_request


@dataclass
class Seen:
    """A request that came by, and its answer's status (0: none was sent)."""

    request: Request
    status: int = 0
    rule: Rule | None = None

    @property
    def fault(self) -> bool:
        """Whether it met a fault."""
        return self.rule is not None


class Proxy(Rules):
    """See the module's text. `url` is what the tool is given as its endpoint; `other_url` is another door.

    `rewrite` changes the head of each request on its way; signatures then only hold where nobody checks them (moto).
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        assert parts.hostname is not None
        self._upstream = (parts.hostname, parts.port or 80)
        self.url = self.other_url = ""
        self.rewrite: Callable[[bytes], bytes] = bytes
        self.seen: list[Seen] = []
        self.in_flight: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()
        super().__init__(asyncio.new_event_loop())
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> Proxy:
        """Listens."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    # what came by

    def count(self, *operations: str, bucket: str = "") -> int:
        """How many requests of these operations (none: of any) came, faults included."""
        return sum(1 for seen in list(self.seen) if (not operations or seen.request.operation in operations)
                   and bucket in ("", seen.request.bucket))

    def wait_answered(self, operation: str, number: int, timeout: float = 30) -> None:
        """Until so many requests of this operation have been answered with success.

        Raises:
            AssertionError: they have not.
        """
        end = time.monotonic() + timeout
        while sum(s.request.operation == operation and s.status == 200 for s in list(self.seen)) < number:
            assert time.monotonic() < end, f"fewer than {number} of {operation} were answered"
            time.sleep(0.02)

    def counts(self) -> dict[str, int]:
        """How many of each operation."""
        return dict(Counter(seen.request.operation for seen in list(self.seen)))

    def shorten_pages(self, keys: int) -> None:
        """Listings come in pages of so few keys (moto only: this changes requests)."""
        def shorten(head: bytes) -> bytes:
            head = re.sub(rb"&max-keys=\d+|(?<=\?)max-keys=\d+&", b"", head, count=1)
            return re.sub(rb"list-type=2", b"list-type=2&max-keys=%d" % keys, head, count=1)

        self.rewrite = shorten

    @property
    def faults(self) -> int:
        """How many requests met a fault."""
        return sum(seen.fault for seen in list(self.seen))

    def forget(self) -> None:
        """Drops rules and counts, between two runs."""
        self.rules, self.seen = [], []
        self._numbers.clear()
        self.peak.clear()

    # the wire

    async def _listen(self) -> None:
        self._doors = [await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 26) for _ in range(2)]
        self.url, self.other_url = (f"http://127.0.0.1:{door.sockets[0].getsockname()[1]}" for door in self._doors)

    async def _end(self) -> None:
        for door in self._doors:
            door.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        upstream = Upstream(self._upstream)
        try:
            while (request := await read_request(reader, writer)) is not None:
                if not await self._exchange(request, writer, upstream):
                    break
        except Dropped:
            _reset(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            upstream.close()
            writer.close()

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter, upstream: Upstream) -> bool:
        """Answers one request; whether the connection goes on."""
        operation = request.operation
        self._numbers[operation] += 1
        request = replace(request, number=len(self.seen) + 1, nth=self._numbers[operation])
        seen = Seen(request)
        self.seen.append(seen)
        rule = self.rule_for(request)
        seen.rule = rule
        passed = replace(request, head=self.rewrite(request.head))
        exchange = Exchange(request, lambda: upstream.ask(passed))
        with self._counted(operation):
            if rule is None:
                answer = await exchange.forward()
            else:
                answer = await rule.fault(exchange)
        seen.status = answer.status
        if exchange.drip:
            await _drip(writer, answer, exchange.drip)
        elif exchange.cut is not None:
            whole = answer.encode(request)
            writer.write(whole[:len(whole) - len(answer.body) + exchange.cut])
        else:
            writer.write(answer.encode(request))
        await writer.drain()
        await asyncio.sleep(exchange.stall)
        return exchange.cut is None

    @contextlib.contextmanager
    def _counted(self, operation: str) -> Iterator[None]:
        for name in (operation, "*"):
            self.in_flight[name] += 1
            self.peak[name] = max(self.peak[name], self.in_flight[name])
        try:
            yield
        finally:
            for name in (operation, "*"):
                self.in_flight[name] -= 1


class Upstream:
    """The connection to the server that belongs to one of the client's."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: Request) -> Answer:
        """Passes a request on and reads the answer; a kept connection that the server closed is opened again."""
        kept = self._streams is not None
        try:
            return await self._ask(request)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            if not kept:
                raise
        return await self._ask(request)

    async def _ask(self, request: Request) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address, limit=1 << 26)
        reader, writer = self._streams
        writer.write(request.head + request.body)
        await writer.drain()
        answer, keep = await read_answer(reader, request)
        if not keep:
            self.close()
        return answer

    def close(self) -> None:
        """Ends it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with a reset instead of a close."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _drip(writer: asyncio.StreamWriter, answer: Answer, seconds: float) -> None:
    """A chunked answer: the XML declaration, then white space, a little every 0.1 s, then the rest, as AWS does."""
    head = [f"HTTP/1.1 {answer.status} Answer", "Content-Type: application/xml", "Transfer-Encoding: chunked"]
    declaration, end, rest = answer.body.rpartition(b"?>")
    pieces = [declaration + end, *[b" "] * int(seconds * 10), rest]
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n")
    for piece in filter(None, pieces):
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
        await asyncio.sleep(0.1)
    writer.write(b"0\r\n\r\n")
