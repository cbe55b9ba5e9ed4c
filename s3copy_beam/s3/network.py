"""One request over the wire, and its answer: no retries, no redirects, no cookies; one call is one request sent.

Targets go out as they are. Straight to the store requests take a way of our own (wire.py); through a proxy they take
aiohttp's, which knows proxies (proxied.py).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from s3copy_beam.s3.endpoint import Proxy, Resolved, ca_bundle, proxy_of, tls_context
from s3copy_beam.s3.errors import BadAnswer, S3Error
from s3copy_beam.s3.wire import CONNECT_TIMEOUT, Lines, Malformed, request_bytes

if TYPE_CHECKING:
    from s3copy_beam.s3.proxied import Proxied

__all__ = ["CONNECT_TIMEOUT", "Reply", "Route", "Session", "send"]


class Reply(NamedTuple):
    """An answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Route:
    """How requests reach a resolved place: made once, not for each request."""

    __slots__ = ("context", "host", "place", "port", "proxy")

    def __init__(self, place: Resolved, profile: str) -> None:
        self.place = place
        self.context: ssl.SSLContext | None = tls_context(ca_bundle(profile)) if place.scheme == "https" else None
        there = urlsplit(place.url)
        self.host, self.port = there.hostname or "", there.port or (443 if self.context else 80)
        self.proxy: Proxy | None = proxy_of(place.url)


class Session:
    """All connections of one event loop: opened when needed, as many as there are requests at a time."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._proxied: Proxied | None = None

    async def send(self, route: Route, method: str, path: str, query: str, headers: Mapping[str, str],
                   body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Sends a request; raises what its connection raises."""
        target = f"{path}?{query}" if query else path
        if route.proxy is None:
            request = request_bytes(method, target, headers, body)
            return await self._lines.ask(route.host, route.port, route.context, request, method == "HEAD")
        if self._proxied is None:
            from s3copy_beam.s3.proxied import Proxied  # costs a start a tenth of a second, and is rarely needed

            self._proxied = Proxied()
        return await self._proxied.send(route.proxy, route.place.url, target, route.context, method, headers, body)

    async def close(self) -> None:
        """Closes all connections."""
        self._lines.close()
        if self._proxied is not None:
            await self._proxied.close()


async def send(session: Session, route: Route, method: str, path: str, query: str, headers: Mapping[str, str],
               body: bytes, operation: str) -> Reply:
    """Sends one request and reads its answer to the end.

    Args:
        session: of this event loop.
        route: where to.
        method: "GET", ...
        path: encoded; sent as it is.
        query: likewise.
        headers: all of them, `host` among them.
        body: may be empty.
        operation: S3's name, for errors.

    Raises:
        S3Error: no answer: ConnectionError, TimeoutError (no connection in time), TLSError, NameResolutionError; or
            BadAnswer (cut, or far too large).
    """
    try:
        return Reply(*await session.send(route, method, path, query, headers, body))
    except (OSError, asyncio.TimeoutError, Malformed, ValueError) as error:
        raise _no_answer(error, operation) from None


def _no_answer(error: BaseException, operation: str) -> S3Error:
    """The failure of a connection, in the words of this project."""
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, Malformed):
        return BadAnswer(f"the answer is cut or not HTTP ({words})", 0, operation)
    code = "ConnectionError"
    if isinstance(error, ssl.SSLError):
        code = "TLSError"
    elif isinstance(error, socket.gaierror):
        code = "NameResolutionError"
    elif isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        code, words = "TimeoutError", "no answer in time"
    return S3Error(code, words, 0, operation)
