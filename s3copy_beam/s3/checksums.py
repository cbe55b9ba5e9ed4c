"""Checksums as S3's headers carry them: base64 of the big-endian digest.

Source: S3 documentation, "Checking object integrity".
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable


def _crc32c(body: bytes) -> bytes:
    from awscrt.checksums import crc32c  # a big library, needed for few bytes and few objects

    return int(crc32c(body)).to_bytes(4, "big")


def _crc64nvme(body: bytes) -> bytes:
    from awscrt.checksums import crc64nvme

    return int(crc64nvme(body)).to_bytes(8, "big")


def _md5(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC64NVME": _crc64nvme,
    "CRC32C": _crc32c,
    "CRC32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "SHA256": lambda body: hashlib.sha256(body).digest(),
    "SHA1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
}
"""Those that this project can name for an upload, and compute."""


def checksum_of(algorithm: str, body: bytes) -> str:
    """The value of ``x-amz-checksum-<algorithm>`` for a body; MD5: that of ``Content-MD5``.

    >>> checksum_of("CRC32", b"")
    'AAAAAA=='
    """
    digest = _md5(body) if algorithm == "MD5" else ALGORITHMS[algorithm](body)
    return base64.b64encode(digest).decode()
