"""Buckets of tests: filled and looked at through boto3, never through the code under test."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

import botocore.exceptions

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MIB = 1 << 20
ATTRIBUTES = ("ContentType", "ContentEncoding", "ContentLanguage", "ContentDisposition", "CacheControl",
              "ExpiresString", "Metadata")
"""What HEAD tells of an object besides its bytes."""


def content(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from seed to seed and do not repeat."""
    return random.Random(seed).randbytes(size)


def later() -> None:
    """Until LastModified, in whole seconds, is another: copies with other ETags than their sources are newer then."""
    time.sleep(1.1)


def etag_of(parts: Sequence[bytes]) -> str:
    """The ETag of an object uploaded in these parts (S3 documentation: MD5 of the parts' MD5s, and their number)."""
    return f"{hashlib.md5(b''.join(hashlib.md5(p).digest() for p in parts)).hexdigest()}-{len(parts)}"


def decoded(value: str) -> str:
    """User metadata as text: stores give UTF-8 bytes as they are, or encoded words (RFC 2047) as AWS does."""
    with contextlib.suppress(UnicodeError):
        value = value.encode("latin-1").decode()
    return str(make_header(decode_header(value)))


@dataclass(frozen=True)
class Bucket:
    """One bucket on one server."""

    client: S3Client
    name: str

    def __str__(self) -> str:
        return f"s3://{self.name}"

    def put(self, key: str, body: bytes = b"", **settings: Any) -> None:
        """Writes an object whole."""
        self.client.put_object(Bucket=self.name, Key=key, Body=body, **settings)

    def fill(self, objects: Mapping[str, bytes]) -> None:
        """Writes many, some at a time."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.put, objects, objects.values()))

    def begin(self, key: str, parts: Iterable[bytes] = (), **settings: Any) -> str:
        """Begins an upload, writes parts from number 1 on, and leaves it unfinished; returns its id."""
        upload = self.client.create_multipart_upload(Bucket=self.name, Key=key, **settings)["UploadId"]
        for number, part in enumerate(parts, 1):
            self.client.upload_part(Bucket=self.name, Key=key, UploadId=upload, PartNumber=number, Body=part)
        return upload

    def put_parts(self, key: str, parts: Sequence[bytes], *, numbers: Sequence[int] = (), **settings: Any) -> None:
        """Writes an object in parts, numbered 1, 2, 3... or as given."""
        upload = self.begin(key, **settings)
        done: list[Any] = []
        for number, part in zip(numbers or range(1, len(parts) + 1), parts, strict=True):
            answer = self.client.upload_part(Bucket=self.name, Key=key, UploadId=upload, PartNumber=number, Body=part)
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
        self.client.complete_multipart_upload(Bucket=self.name, Key=key, UploadId=upload,
                                              MultipartUpload={"Parts": done})

    def listed(self) -> dict[str, tuple[int, str]]:
        """Size and ETag of each key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return {o["Key"]: (o["Size"], o["ETag"].strip('"')) for page in pages for o in page.get("Contents", [])}

    def keys(self) -> list[str]:
        """All keys, sorted."""
        return sorted(self.listed())

    def read(self, key: str) -> bytes:
        """The bytes of an object."""
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        try:
            self.client.head_object(Bucket=self.name, Key=key)
        except botocore.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def contents(self) -> dict[str, bytes]:
        """The bytes of every object."""
        keys = list(self.listed())
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(keys, pool.map(self.read, keys), strict=True))

    def etag(self, key: str) -> str:
        """The ETag, without quotes."""
        return self.client.head_object(Bucket=self.name, Key=key)["ETag"].strip('"')

    def look(self, key: str) -> dict[str, Any]:
        """What a copy must keep besides the bytes: headers, user metadata, tags."""
        head = self.client.head_object(Bucket=self.name, Key=key)
        tags = self.client.get_object_tagging(Bucket=self.name, Key=key)["TagSet"]
        found: dict[str, Any] = {name: head[name] for name in ATTRIBUTES if head.get(name)}  # type: ignore[literal-required]
        metadata = {name: decoded(value) for name, value in head["Metadata"].items()}
        return {**found, "Metadata": metadata, "Tags": {tag["Key"]: tag["Value"] for tag in tags}}

    def storage_class(self, key: str) -> str:
        """STANDARD where the server says none."""
        return self.client.head_object(Bucket=self.name, Key=key).get("StorageClass", "STANDARD")

    def uploads(self, keys: Iterable[str] = ("",)) -> list[tuple[str, str]]:
        """Unfinished uploads as (key, id). Some servers find them by exact key only: then name the `keys`."""
        found: set[tuple[str, str]] = set()
        for key in keys:
            pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name, Prefix=key)
            found |= {(u["Key"], u["UploadId"]) for page in pages for u in page.get("Uploads", [])}
        return sorted(found)

    def holds(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that this server takes, one by one and all together, and lists as they were given."""
        kept: list[str] = []
        for key in keys:
            try:
                self.put(key, key.encode())
            except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
                continue
            kept.append(key)
        listed = self.listed()
        good = [key for key in kept if key in listed and self._reads(key)]
        for key in listed.keys() - set(good):
            self.client.delete_object(Bucket=self.name, Key=key)
        return [key for key in good if self._reads(key)]

    def _reads(self, key: str) -> bool:
        try:
            return self.read(key) == key.encode()
        except botocore.exceptions.ClientError:
            return False

    def remove(self) -> None:
        """The bucket with all that is in it."""
        for key, upload in self.uploads():
            self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload)
        keys = self.listed()
        plain = [key for key in keys if re.fullmatch(r"[\w/.-]+", key)]  # what XML surely can carry
        for first in range(0, len(plain), 1000):
            batch: list[Any] = [{"Key": key} for key in plain[first:first + 1000]]
            self.client.delete_objects(Bucket=self.name, Delete={"Objects": batch, "Quiet": True})
        for key in keys.keys() - plain:
            self.client.delete_object(Bucket=self.name, Key=key)
        self.client.delete_bucket(Bucket=self.name)


def assert_same(source: Bucket, destination: Bucket, names: Mapping[str, str] | None = None) -> None:
    """Every object is there, byte for byte, and nothing else; `names`: destination key of each source key.

    ETags are compared too where the source's is the true one of its bytes or parts.
    """
    wanted = names if names is not None else {key: key for key in source.listed()}
    assert destination.keys() == sorted(wanted.values())
    for key, name in wanted.items():
        assert destination.read(name) == source.read(key), key
