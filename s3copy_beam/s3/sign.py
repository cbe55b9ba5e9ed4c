"""AWS Signature Version 4 for S3: only what our requests need, at a tenth of the general signer's cost.

Held to botocore's S3SigV4Auth by tests. Source: "Authenticating Requests (AWS Signature Version 4)", S3 API reference.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from urllib.parse import quote

EMPTY_SHA256 = sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_UNSIGNED_HEADERS = frozenset(("authorization", "connection", "content-length", "expect", "keep-alive",
                               "transfer-encoding", "user-agent"))
"""Those that proxies and the HTTP library may change; as botocore leaves them out."""
_CHECKSUM_HEADERS = ("content-md5", "x-amz-checksum-")


class Keys:
    """Credentials as they are at one moment. Immutable; shows only that it is there."""

    __slots__ = ("access_key", "secret_key", "token")

    def __init__(self, access_key: str, secret_key: str, token: str = "") -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and (self.access_key, self.secret_key, self.token) == (
            other.access_key, other.secret_key, other.token)

    def __hash__(self) -> int:
        return hash((self.access_key, self.secret_key, self.token))

    def __repr__(self) -> str:
        return "Keys(...)"

    def __reduce__(self) -> str:
        raise TypeError("credentials are never pickled")


def encode_key(key: str) -> str:
    """An object key as it stands in a URL's path: every byte but unreserved ones and `/` as %XX, nothing normalised."""
    return quote(key, safe="/-_.~")


def encode_query(items: Iterable[tuple[str, str]]) -> str:
    """A canonical query string: encoded, then sorted by name and value. Sent just as it is signed."""
    return "&".join(f"{name}={value}" for name, value in sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in items))


def payload_hash(body: bytes, https: bool = False, headers: Mapping[str, str] | None = None,
                 streaming: bool = False) -> str:
    """The value of x-amz-content-sha256.

    As botocore has it: a body that TLS protects and a checksum header proves need not be hashed once more, in the
    operations that upload data (`streaming`); no body has the hash of nothing.

    Args:
        body: the request's body, may be empty.
        https: whether the connection is TLS.
        headers: the request's, in lower case.
        streaming: the operation is PutObject or UploadPart.
    """
    if https and streaming and any(name.startswith(_CHECKSUM_HEADERS) for name in headers or ()):
        return UNSIGNED_PAYLOAD
    return sha256(body).hexdigest() if body else EMPTY_SHA256


class Signer:
    """Signs the requests of one set of keys to one region. The signing key is derived once a day."""

    __slots__ = ("_day", "_head", "_key", "_keys", "_region", "_scope", "_second", "_service", "_stamp")

    def __init__(self, keys: Keys, region: str, service: str = "s3") -> None:
        self._keys = keys
        self._region = region
        self._service = service
        self._second = -1
        self._day = self._stamp = self._scope = self._head = ""
        self._key = b""

    def sign(self, method: str, path: str, query: str, headers: dict[str, str], content_sha256: str,
             now: float) -> None:
        """Adds x-amz-date, x-amz-content-sha256, x-amz-security-token and authorization to `headers`.

        Args:
            method: "GET", ...
            path: as sent, encoded.
            query: as sent: encode_query's.
            headers: lower-case names, `host` among them; changed in place.
            content_sha256: payload_hash of the body.
            now: the store's clock, seconds since 1970.
        """
        second = int(now)
        if second != self._second:
            self._tick(second)
        headers["x-amz-content-sha256"] = content_sha256
        headers["x-amz-date"] = self._stamp
        if self._keys.token:
            headers["x-amz-security-token"] = self._keys.token
        names = sorted(headers.keys() - _UNSIGNED_HEADERS)
        lines = "".join([f"{name}:{_trim(headers[name])}\n" for name in names])
        signed = ";".join(names)
        request = f"{method}\n{path}\n{query}\n{lines}\n{signed}\n{content_sha256}"
        digest = sha256(request.encode()).hexdigest()
        signature = hmac.digest(self._key, f"{self._head}{digest}".encode(), "sha256").hex()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self._keys.access_key}/{self._scope}, "
                                    f"SignedHeaders={signed}, Signature={signature}")

    def _tick(self, second: int) -> None:
        self._second = second
        self._stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        day = self._stamp[:8]
        if day != self._day:
            self._day = day
            self._scope = f"{day}/{self._region}/{self._service}/aws4_request"
            key = f"AWS4{self._keys.secret_key}".encode()
            for word in self._scope.split("/"):
                key = hmac.digest(key, word.encode(), "sha256")
            self._key = key
        self._head = f"AWS4-HMAC-SHA256\n{self._stamp}\n{self._scope}\n"


def _trim(value: str) -> str:
    """Trimall of the specification: no white space around, single spaces within."""
    return " ".join(value.split()) if " " in value or not value.isprintable() else value
