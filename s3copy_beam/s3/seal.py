"""Signs requests with credentials that may change while the process lives, by a clock that may be wrong."""

from __future__ import annotations

import asyncio
import time

from s3copy_beam.s3.endpoint import Resolved
from s3copy_beam.s3.errors import CredentialsLost, S3Error
from s3copy_beam.s3.identity import Provider
from s3copy_beam.s3.sign import Keys, Signer, payload_hash

_LOOK = 1.0
"""Seconds between looks at whether credentials are due to be refreshed."""
_UNLIKELY_SKEW = 240.0
"""Seconds: S3 refuses requests that are 15 minutes off, others 5; below this a 403 is about something else."""


class Seal:
    """One identity's signature. Used on the event loop, which never waits for credentials: a thread fetches them."""

    def __init__(self, provider: Provider, clocks: dict[str, float]) -> None:
        """May take a while (credentials are fetched).

        Args:
            provider: of the credentials.
            clocks: by host, seconds its clock is ahead of ours; shared by all seals of the process.
        """
        self.provider = provider
        self.keys: Keys | None = provider.frozen()
        self._clocks = clocks
        self._signers: dict[str, Signer] = {}
        self._looked = time.monotonic()
        self._renewing: asyncio.Lock | None = None

    def sign(self, method: str, place: Resolved, path: str, query: str, headers: dict[str, str], body: bytes,
             streaming: bool) -> None:
        """Adds what signs a request to its headers; nothing, where requests are anonymous."""
        if self.keys is None:
            return
        signer = self._signers.get(place.region)
        if signer is None:
            signer = self._signers[place.region] = Signer(self.keys, place.region)
        signer.sign(method, path, query, headers, payload_hash(body, place.scheme == "https", headers, streaming),
                    time.time() + self._clocks.get(place.host, 0.0))

    async def look(self) -> None:
        """Refreshes credentials that are about to run out; looks once a second.

        Raises:
            CredentialsLost: they ran out and cannot be refreshed.
        """
        now = time.monotonic()
        if now - self._looked > _LOOK:
            self._looked = now
            if self.provider.stale():
                self._take(await asyncio.get_running_loop().run_in_executor(None, self.provider.frozen))

    async def renew(self, refused: Keys | None) -> bool:
        """The store says that these keys expired: whether there are others now.

        Raises:
            CredentialsLost: there are none at all any more.
        """
        if refused is None:
            return False
        if self._renewing is None:
            self._renewing = asyncio.Lock()
        async with self._renewing:
            if self.keys == refused:
                self._take(await asyncio.get_running_loop().run_in_executor(None, self.provider.renew, refused)
                           or refused)
            return self.keys != refused

    def lost(self) -> CredentialsLost:
        """What to raise where renewing does not help."""
        return CredentialsLost(f"credentials of {self.provider.origin} expired and cannot be refreshed")

    def correct(self, error: S3Error, host: str) -> bool:
        """Sets our clock for a host by an answer's date; whether there was one."""
        if error.server_time:
            self._clocks[host] = error.server_time - time.time()
        return bool(error.server_time)

    def skewed(self, error: S3Error, host: str) -> bool:
        """Whether a refusal without a body (HEAD's) is likely about the clock."""
        ours = time.time() + self._clocks.get(host, 0.0)
        return error.status == 403 and bool(error.server_time) and abs(error.server_time - ours) > _UNLIKELY_SKEW

    def _take(self, keys: Keys | None) -> None:
        if keys != self.keys:
            self.keys = keys
            self._signers.clear()
