"""One request over the wire, and its answer: aiohttp, with everything off that S3 does not need.

No retries, no redirects, no cookies, no decompression: one call is one request sent. Targets go out as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import aiohttp
from yarl import URL

from s3copy_beam.s3.endpoint import Proxy, Resolved, ca_bundle, proxy_of, tls_context
from s3copy_beam.s3.errors import BadAnswer, S3Error

CONNECT_TIMEOUT = 10.0
_KEEP_ALIVE = 20.0
"""Seconds an idle connection is kept: S3 and its likes close theirs after some tens."""
_LARGEST = 64 << 20
"""Bytes of an answer that are read: a page of a listing is far below 2 MiB."""
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)  # the rest is bounded by Flights


class Reply(NamedTuple):
    """An answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Route:
    """How requests reach a resolved place: made once, not for each request."""

    __slots__ = ("context", "place", "plain_proxy_headers", "proxy", "proxy_headers")

    def __init__(self, place: Resolved, profile: str) -> None:
        self.place = place
        self.context: ssl.SSLContext | bool = tls_context(ca_bundle(profile)) if place.scheme == "https" else True
        proxy: Proxy | None = proxy_of(place.url)
        self.proxy = URL(proxy.url) if proxy else None
        self.proxy_headers = dict(proxy.headers) if proxy else None
        self.plain_proxy_headers = self.proxy_headers if place.scheme == "http" else None
        """Without TLS there is no tunnel: the proxy reads the request itself."""

    def url(self, path: str, query: str) -> URL:
        """The address of an encoded path and query, of which nothing is changed."""
        return URL.build(scheme=self.place.scheme, authority=self.place.host, path=path, query_string=query,
                         encoded=True)


def open_session() -> aiohttp.ClientSession:
    """The process's session: its connections are opened when needed, as many as there are requests at a time."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=30)
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=_TIMEOUT, auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"), middlewares=(_once,),
        trust_env=False, max_line_size=16_384, max_field_size=65_536)


async def send(session: aiohttp.ClientSession, route: Route, method: str, path: str, query: str,
               headers: Mapping[str, str], body: bytes, operation: str) -> Reply:
    """Sends one request and reads its answer to the end.

    Args:
        session: open_session's.
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
    if route.plain_proxy_headers:
        headers = {**headers, **route.plain_proxy_headers}
    try:
        response = await session.request(
            method, route.url(path, query), data=body or None, headers=headers, allow_redirects=False,
            ssl=route.context, proxy=route.proxy, proxy_headers=route.proxy_headers)
        try:
            if (response.content_length or 0) > _LARGEST and method != "HEAD":
                raise BadAnswer("an answer of absurd size", response.status, operation)
            chunks = await response.read() if response.content_length is not None else await _read(response, operation)
        except BaseException:
            response.close()
            raise
        if response.status >= 500:
            response.close()  # next time on another connection, perhaps to another server
        else:
            response.release()
        return Reply(response.status, response.headers, chunks)
    except (aiohttp.ClientError, asyncio.TimeoutError, TimeoutError, OSError, _Lost, ValueError) as error:
        raise _no_answer(error, operation) from None


class _Lost(Exception):
    """The connection broke; not of aiohttp's kinds, so that aiohttp does not send the request again by itself."""


_Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]


async def _once(request: aiohttp.ClientRequest, handler: _Handler) -> aiohttp.ClientResponse:
    """Middleware: aiohttp would repeat idempotent requests on a lost connection, uncounted."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Lost(str(error) or type(error).__name__) from None


async def _read(response: aiohttp.ClientResponse, operation: str) -> bytes:
    """A body of unknown length, within bounds."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > _LARGEST:
            raise BadAnswer("an answer of absurd size", response.status, operation)
    return b"".join(chunks)


def _no_answer(error: BaseException, operation: str) -> S3Error:
    """The failure of a connection, in the words of this project."""
    words = " ".join(str(error).split()) or type(error).__name__
    code = "ConnectionError"
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError, ssl.SSLError)):
        code = "TLSError"
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        code = "NameResolutionError"
    elif isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        code, words = "TimeoutError", words if isinstance(error, aiohttp.ClientError) else "no answer in time"
    elif isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
        return BadAnswer(f"the answer is cut or not HTTP ({words})", 0, operation)
    return S3Error(code, words, 0, operation)


async def close(session: aiohttp.ClientSession) -> None:
    """Closes all connections."""
    with contextlib.suppress(OSError):
        await session.close()
