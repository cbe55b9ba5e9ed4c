"""Requests through a forward proxy: aiohttp, with everything off that S3 does not need."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping

import aiohttp
from yarl import URL

from s3copy_beam.s3.endpoint import Proxy
from s3copy_beam.s3.wire import CONNECT_TIMEOUT, KEEP_ALIVE, LARGEST, Malformed

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)  # the rest is bounded by Flights


class Proxied:
    """The connections of one event loop that go through proxies."""

    def __init__(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, ttl_dns_cache=30)
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=_TIMEOUT, auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"), middlewares=(_once,),
            trust_env=False, max_line_size=16_384, max_field_size=65_536)

    async def send(self, proxy: Proxy, origin: str, target: str, context: ssl.SSLContext | None, method: str,
                   headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Sends one request and reads its answer to the end.

        Args:
            proxy: the way.
            origin: the store: scheme and host.
            target: encoded path and query, of which nothing is changed.
            context: of TLS with the store; None: plain.
            method: "GET", ...
            headers: all of them.
            body: may be empty.

        Raises:
            TimeoutError, OSError, wire.Malformed: as wire.Lines.ask.
        """
        login = dict(proxy.headers)
        try:
            async with self._session.request(
                    method, URL(origin + target, encoded=True), data=body or None,
                    headers=headers if context else {**headers, **login}, allow_redirects=False, ssl=context or True,
                    proxy=URL(proxy.url), proxy_headers=login) as response:
                if (response.content_length or 0) > LARGEST and method != "HEAD":
                    raise Malformed("an answer of absurd size")
                answer = await _read(response)
                if response.status >= 500:
                    response.close()  # next time on another connection, perhaps to another server
                return response.status, response.headers, answer
        except aiohttp.ClientError as error:
            raise _plain(error) from None

    async def close(self) -> None:
        """Closes them all."""
        await self._session.close()


class _Lost(ConnectionError):
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


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """A body, within bounds."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            raise Malformed("an answer of absurd size")
    return b"".join(chunks)


def _plain(error: aiohttp.ClientError) -> Exception:
    """An error of aiohttp's as the error of a connection that it stands for."""
    words = str(error) or type(error).__name__
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)):
        return ssl.SSLError(words)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return socket.gaierror(words)
    if isinstance(error, asyncio.TimeoutError):
        return TimeoutError(words)
    if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
        return Malformed(words)
    return ConnectionError(words)
