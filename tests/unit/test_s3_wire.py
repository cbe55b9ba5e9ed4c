"""Connections by themselves: what is an answer, where it ends, and when a connection is used again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from s3copy_beam.s3 import wire
from s3copy_beam.s3.wire import Headers, Lines, Malformed, request_bytes

GET = request_bytes("GET", "/a", {"host": "h"}, b"")


def talk(
    replies: list[bytes], asks: Callable[[Lines, int], Awaitable[object]], close: bool = True
) -> tuple[object, int]:
    """What `asks` gives against a server that says `replies`, one for each request; and the connections it took."""

    async def run() -> tuple[object, int]:
        connections = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            try:
                while replies:
                    await reader.readuntil(b"\r\n\r\n")
                    reply = replies.pop(0)
                    writer.write(reply)
                    await writer.drain()
                    if close and (b"lose" in reply or not replies):
                        return
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        lines = Lines()
        try:
            return await asks(lines, server.sockets[0].getsockname()[1]), connections
        finally:
            lines.close()
            server.close()

    return asyncio.run(run())


def one(reply: bytes, head: bool = False) -> tuple[int, Headers, bytes]:
    async def asks(lines: Lines, port: int) -> tuple[int, Headers, bytes]:
        return await lines.ask("127.0.0.1", port, None, GET, head)

    answer, _ = talk([reply], asks)
    assert isinstance(answer, tuple)
    return answer


@pytest.mark.parametrize(("reply", "body"), [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", b"ab"),
    (b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nab", b"ab"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n", b"ab"),
    (b"HTTP/1.1 200 OK\r\n\r\nab", b"ab"),  # ends with the connection
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", b"ab"),
])
def test_where_an_answer_ends(reply: bytes, body: bytes) -> None:
    assert one(reply)[2] == body


def test_the_answer_of_head_has_no_body() -> None:
    status, headers, body = one(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: x\r\n\r\n", head=True)
    assert (status, headers["etag"], headers["Content-Length"], body) == (200, "x", "7", b"")


@pytest.mark.parametrize("reply", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
])
def test_what_is_no_answer(reply: bytes) -> None:
    with pytest.raises(Malformed):
        one(reply)


def test_an_endless_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGEST", 1000)
    with pytest.raises(Malformed, match="absurd"):
        one(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 2000)


def test_no_answer() -> None:
    with pytest.raises(ConnectionError):
        one(b"")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"


@pytest.mark.parametrize(("first", "connections"), [
    (OK, 1),
    (OK.replace(b"Content", b"Connection: close\r\nContent"), 2),
    (OK.replace(b"HTTP/1.1", b"HTTP/1.0"), 2),
    (OK.replace(b"200 OK", b"503 Slow"), 2),  # perhaps another server is better
    (OK.replace(b"200 OK", b"404 Not"), 1),
    (OK + b"HTTP/1.1 200 more than was asked for", 2),
])
def test_when_a_connection_is_used_again(first: bytes, connections: int) -> None:
    async def asks(lines: Lines, port: int) -> list[int]:
        return [(await lines.ask("127.0.0.1", port, None, GET, False))[0] for _ in range(3)]

    statuses, count = talk([first, OK, OK], asks, close=False)
    assert statuses == [int(first[9:12]), 200, 200]
    assert count == connections


def test_a_connection_is_used_again_after_head() -> None:
    async def asks(lines: Lines, port: int) -> list[bytes]:
        return [(await lines.ask("127.0.0.1", port, None, GET, head))[2] for head in (True, False, True, False)]

    bodies, count = talk([OK[:-1], OK, OK[:-1], OK], asks, close=False)
    assert (bodies, count) == ([b"", b"a", b"", b"a"], 1)


def test_a_request_is_one_request() -> None:
    assert request_bytes("PUT", "/a?b=c", {"host": "h", "x": "é"}, b"body") == (
        "PUT /a?b=c HTTP/1.1\r\nhost: h\r\nx: é\r\ncontent-length: 4\r\n\r\nbody".encode())
    assert b"content-length: 0" in request_bytes("POST", "/a", {}, b"")
    for target, value in (("/a", "a\r\nb: c"), ("/a", "a\nb"), ("/a", "a\rb"), ("/a b", "c"), ("/a\r\n", "c")):
        with pytest.raises(ValueError, match="line end"):
            request_bytes("GET", target, {"x": value}, b"")
