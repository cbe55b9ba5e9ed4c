"""Connections to a store: one request at a time on each, kept for the next one, parsed by httptools (llhttp).

A request is one piece of bytes and one future. A general HTTP client takes three times as much of the processor, and
that is most of what copying a small object costs. What it does beyond this (proxies) is left to it, in network.py.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import socket
import ssl
from collections.abc import Iterator, Mapping

import httptools

CONNECT_TIMEOUT = 10.0
"""Seconds until a connection must be there, its TLS handshake included."""
KEEP_ALIVE = 20.0
"""Seconds an idle connection is kept: S3 and its likes close theirs after some tens."""
LARGEST = 64 << 20
"""Bytes of an answer that are read: a page of a listing is far below 2 MiB."""
_TLS_BUFFER = 64 << 10
"""Bytes that asyncio keeps for each TLS connection: its own 256 KiB are for bulk data, and 500 connections of it are
more than all else that a process needs. Several times the largest TLS record."""

if getattr(asyncio.sslproto.SSLProtocol, "max_size", 0) > _TLS_BUFFER:  # Python 3.11 and later
    asyncio.sslproto.SSLProtocol.max_size = _TLS_BUFFER


class Malformed(Exception):
    """What came is no HTTP answer, is cut, or is absurdly large."""


class Headers(Mapping[str, str]):
    """An answer's headers, found by names in any case. Made sense of when first asked for: most never are."""

    __slots__ = ("_found", "_raw")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw
        self._found: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        found = self._found
        if found is None:
            found = self._found = {}
            for name, value in self._raw:
                found.setdefault(name.decode("latin-1").lower(), value.decode("utf-8", "surrogateescape").strip())
        return found

    def __getitem__(self, name: str) -> str:
        return self._all()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class Line(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_answer", "_body", "_chunked", "_done", "_head", "_headers", "_length", "_parser", "_size", "_status",
                 "_transport", "idle_since", "open")

    def __init__(self) -> None:
        self.open = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, Headers, bytes]] | None = None
        self._head = False
        self._new_parser()

    async def ask(self, request: bytes, head: bool) -> tuple[int, Headers, bytes]:
        """Sends a request, as it is, and gives its answer: status, headers, body.

        Args:
            request: all its bytes.
            head: it is a HEAD: the answer has no body.

        Raises:
            OSError: the connection broke before an answer.
            Malformed: the answer is cut, or none.
        """
        assert self._transport is not None
        if not self.open:
            raise ConnectionResetError("the server closed the connection")
        self._head = head
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(request)
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        """Closes at once."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------ asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self.open = transport, True
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Some bytes of an answer."""
        answer = self._answer
        if answer is None or answer.done():  # nothing was asked: this connection is of no use any more
            self.close()
            return
        self._size += len(data)
        try:
            if self._size > LARGEST:
                raise Malformed("an answer of absurd size")
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, Malformed) as error:
            cause = error.__context__ or error  # httptools wraps what its callbacks raise
            self._fail(Malformed(" ".join(str(cause).split()) or type(cause).__name__))

    def eof_received(self) -> None:
        """The server sends no more: the end of a body, or of a connection that was idle."""
        self.open = False
        if self._status and self._length < 0 and not self._chunked:
            self._finish()  # a body that ends with the connection
        elif self._status:
            self._fail(Malformed("it ends too early"))

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self.open = False
        if self._status and error is None:
            self.eof_received()
        self._fail(error if isinstance(error, OSError) else ConnectionResetError("the server closed the connection"))

    # ------------------------------------------------------------ httptools' side

    def on_message_begin(self) -> None:
        """An answer begins."""
        if self._answer is None or self._answer.done():
            raise Malformed("more than was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            self._length = int(value)
        elif size == 17 and name.lower() == b"transfer-encoding":
            self._chunked = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """All headers are here."""
        self._status = self._parser.get_status_code()
        if self._head and self._status >= 200:
            self.open = self.open and self._parser.should_keep_alive()
            self._finish()
            self._new_parser()  # this one waits for the body that HEAD's headers speak of
        elif self._length > LARGEST:
            raise Malformed("an answer of absurd size")

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._status < 200:  # 100 Continue and its likes
            self._begin()
        elif self._answer is not None and not self._answer.done():
            self.open = self.open and self._parser.should_keep_alive()
            self._finish()

    # ------------------------------------------------------------

    def _new_parser(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._begin()

    def _begin(self) -> None:
        self._status, self._length, self._size = 0, -1, 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._chunked = False

    def _finish(self) -> None:
        answer = self._answer
        if answer is not None and not answer.done():
            body = self._body
            answer.set_result((self._status, Headers(self._headers), body[0] if len(body) == 1 else b"".join(body)))
        self._begin()

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()


class Lines:
    """The connections of one event loop: the one used last is used next, so that only as many stay as are needed."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int, ssl.SSLContext | None], list[Line]] = {}

    async def ask(self, host: str, port: int, context: ssl.SSLContext | None, request: bytes,
                  head: bool) -> tuple[int, Headers, bytes]:
        """Sends a request over a connection that is idle, or a new one.

        Args:
            host: name or address.
            port: number.
            context: of TLS; None: plain.
            request: all its bytes.
            head: it is a HEAD.

        Raises:
            TimeoutError: no connection in time.
            OSError: no connection (ssl.SSLError, socket.gaierror among them), or it broke before an answer.
            Malformed: the answer is cut, or none.
        """
        key = host, port, context
        idle = self._idle.get(key)
        if idle is None:
            idle = self._idle[key] = []
        line = self._take(idle) or await self._connect(host, port, context)
        answer = await line.ask(request, head)
        if answer[0] >= 500:
            line.close()  # next time on another connection, perhaps to another server
        elif line.open:
            line.idle_since = asyncio.get_running_loop().time()
            idle.append(line)
        else:
            line.close()
        return answer

    def close(self) -> None:
        """Closes all that are idle."""
        for idle in self._idle.values():
            for line in idle:
                line.close()
            idle.clear()

    def _take(self, idle: list[Line]) -> Line | None:
        while idle:
            line = idle.pop()
            if not line.open:
                continue
            if asyncio.get_running_loop().time() - line.idle_since < KEEP_ALIVE:
                return line
            line.close()
        return None

    async def _connect(self, host: str, port: int, context: ssl.SSLContext | None) -> Line:
        _, line = await asyncio.wait_for(asyncio.get_running_loop().create_connection(
            Line, host, port, ssl=context, server_hostname=host if context else None, happy_eyeballs_delay=0.25,
        ), CONNECT_TIMEOUT)
        return line


def request_bytes(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request as it goes over the wire.

    Raises:
        ValueError: a line end in one of its parts, which would make it another request.
    """
    text = "\r\n".join([f"{method} {target} HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()], ""])
    if text.count("\n") != len(headers) + 1 or text.count("\r") != len(headers) + 1 or target.find(" ") >= 0:
        raise ValueError("a line end in a header")
    size = f"content-length: {len(body)}\r\n\r\n" if body or method in ("PUT", "POST") else "\r\n"
    return (text + size).encode("utf-8", "surrogateescape") + body
