"""HTTP/1.1 as bytes: requests and answers read whole, passed on as they came, and told apart as S3 operations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

Headers = list[tuple[str, str]]
NO_BODY = (204, 304)


def header_of(headers: Headers, name: str) -> str:
    """The first header of that name, or an empty text."""
    return next((value for key, value in headers if key.lower() == name), "")


@dataclass(frozen=True)
class Request:
    """A request as the client sent it: `head` and `body` are its bytes, untouched.

    Attributes:
        target: the request target, raw.
        number: how many requests came before it, plus one.
        nth: the same, of its operation alone.
    """

    head: bytes
    body: bytes
    method: str
    target: str
    headers: Headers = field(repr=False)
    number: int = 0
    nth: int = 0

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def bucket(self) -> str:
        """The bucket of a path-style request."""
        return unquote(self.target.partition("?")[0][1:].partition("/")[0])

    @property
    def key(self) -> str:
        """The key, decoded; empty for requests of a bucket."""
        return unquote(self.target.partition("?")[0][1:].partition("/")[2])

    def header(self, name: str) -> str:
        """A header, by its name in lower case."""
        return header_of(self.headers, name)

    @property
    def operation(self) -> str:
        """The S3 operation's name (S3 API reference: method, query and copy source tell it)."""
        return _operation(self.method, self.query, bool(self.key), bool(self.header("x-amz-copy-source")))


_BY_QUERY = {
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "uploadId"): "ListParts",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "versioning"): "GetBucketVersioning",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "acl"): "GetObjectAcl",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_OF_KEYS = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_OF_BUCKETS = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}


def _operation(method: str, query: dict[str, str], of_key: bool, copies: bool) -> str:
    for name in query:
        if found := _BY_QUERY.get((method, name)):
            return found
    if method == "PUT" and "partNumber" in query:
        return "UploadPartCopy" if copies else "UploadPart"
    if method == "PUT" and copies:
        return "CopyObject"
    return (_OF_KEYS if of_key else _OF_BUCKETS).get(method, method)


@dataclass(frozen=True)
class Answer:
    """An answer, its body whole (chunks joined)."""

    status: int
    headers: Headers
    body: bytes

    def encode(self, to: Request, declared: int | None = None) -> bytes:
        """Its bytes. `declared`: a content-length that is not the body's, for a body that is cut."""
        headers = [(k, v) for k, v in self.headers if k.lower() not in ("transfer-encoding", "connection")]
        if to.method != "HEAD" and self.status not in NO_BODY:
            headers = [(k, v) for k, v in headers if k.lower() != "content-length"]
            headers.append(("Content-Length", str(len(self.body) if declared is None else declared)))
        lines = [f"HTTP/1.1 {self.status} Answer", *(f"{k}: {v}" for k, v in headers)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if to.method == "HEAD" else self.body)


def s3_error(status: int, code: str, message: str = "as the test asked", headers: Headers | None = None) -> Answer:
    """An error as S3 says it. With status 200 too: copies answer so when they fail late."""
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>' \
          "<RequestId>PROXY</RequestId></Error>"
    return Answer(status, [("Content-Type", "application/xml"), *(headers or [])], xml.encode())


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    """The head with its empty line; nothing at the connection's end.

    Raises:
        ConnectionError: it ended within a head.
    """
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConnectionResetError("cut head") from None
        return b""


def _parse_head(head: bytes) -> tuple[str, Headers]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return first, [(name.strip(), value.strip()) for name, _, value in pairs]


async def _read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """A chunked body as (raw, joined)."""
    raw: list[bytes] = []
    joined: list[bytes] = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        data = await reader.readexactly(size + 2)
        raw += [line, data]
        if size == 0:
            return b"".join(raw), b"".join(joined)
        joined.append(data[:-2])


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request of a connection; None at its end."""
    head = await _read_head(reader)
    if not head:
        return None
    first, headers = _parse_head(head)
    method, target, _ = first.split(" ", 2)
    if header_of(headers, "expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if header_of(headers, "transfer-encoding").lower() == "chunked":
        body, _ = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(header_of(headers, "content-length") or 0))
    return Request(head, body, method, target, headers)


async def read_answer(reader: asyncio.StreamReader, to: Request) -> tuple[Answer, bool]:
    """The answer to a request, and whether the connection can be used again.

    Raises:
        ConnectionError, asyncio.IncompleteReadError: the server ended the connection.
    """
    while True:
        head = await _read_head(reader)
        if not head:
            raise ConnectionResetError("no answer")
        first, headers = _parse_head(head)
        version, status, *_ = first.split(" ", 2)
        if not status.startswith("1"):
            break
    length = header_of(headers, "content-length")
    keep = version == "HTTP/1.1" and header_of(headers, "connection").lower() != "close"
    if to.method == "HEAD" or int(status) in NO_BODY:
        body = b""
    elif header_of(headers, "transfer-encoding").lower() == "chunked":
        _, body = await _read_chunks(reader)
    elif length:
        body = await reader.readexactly(int(length))
    else:
        body, keep = await reader.read(), False
    return Answer(int(status), headers, body), keep
