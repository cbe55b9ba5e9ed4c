"""What is asked of S3: one request, before it is signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from s3copy_beam.s3.pacing import SMALL


class Call(NamedTuple):
    """One request, before it is signed.

    Attributes:
        operation: S3's name.
        key: raw; empty for requests about the bucket. Tells which lane the request takes.
        path: the key's, encoded, with a leading `/`; empty for the bucket.
        query: encoded and sorted.
        headers: beyond those of every request, lower-case names.
        kind: of slot.
        seconds: the answer may take this long; 0: as small requests do.
        weight: what an answer brings, for the tuner: 1, or bytes.
        dubious: a 500, or another answer than S3's, most likely means that the store lacks this: one more try.
        streaming: uploads data (payload_hash).
        tidy: keeps order at the destination, so a run that is being stopped still sends it.
    """

    operation: str
    method: str
    key: str = ""
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    kind: str = SMALL
    seconds: float = 0
    weight: float = 1
    dubious: bool = False
    streaming: bool = False
    tidy: bool = False
