"""Little permission: what each combination can do, with real policies (MinIO) and with a proxy that refuses."""

from __future__ import annotations

import re

import pytest

from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Ran, Tool
from tests.support.marks import on
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.users import User, may

READ = ("GetObject", "GetObjectTagging", "GetObjectAttributes")
WRITE = ("PutObject", "PutObjectTagging", "AbortMultipartUpload")
RESUME = ("ListBucketMultipartUploads", "ListMultipartUploadParts")
Rights = tuple[tuple[str, ...], tuple[str, ...]]
"""What may be done with the source, and with the destination."""


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    """A small object and one in parts, with tags."""
    source.put("a/small", b"small", Tagging="a=1")
    source.put_parts("a/large", [content(5 * MIB, 1), b"end"], Tagging="b=2", Metadata={"note": "large"})
    return source


def user(server: Server, source: Bucket, destination: Bucket, rights: Rights) -> User:
    """Somebody who may do this with the two buckets."""
    return may(server, *((actions, [bucket.name, f"{bucket.name}/*"])
                         for actions, bucket in zip(rights, (source, destination), strict=True) if actions))


@pytest.fixture
def many(filled: Bucket) -> Bucket:
    """More objects in parts: what is denied is denied for each of them, at the same time."""
    for number in range(5):
        filled.put_parts(f"a/more{number}", [content(5 * MIB, number), b"end"])
    return filled


def warnings(ran: Ran, about: str) -> int:
    """How many warnings there are about something."""
    return sum(line.startswith("warning:") and about in line for line in ran.err.splitlines())


# ------------------------------------------------------------------ real policies

@on("minio")
def test_source_not_listable(server: Server, tool: Tool, filled: Bucket, destination: Bucket) -> None:
    env = user(server, filled, destination, (READ, (*WRITE, *RESUME, "ListBucket", "GetObject"))).env
    ran = tool.start(filled, destination, env=env).wait().expect(2)
    assert ran.err.startswith(f"failed listing {filled}: AccessDenied"), ran
    ran = tool.start("--json", filled, destination, "-f", "a/small", "a/large", "a/none", env=env).wait().expect(1)
    ran.counted(copied=2, failed=1)
    assert "a/none" in ran.err
    assert_same(filled, destination)
    tool.start("--json", filled, destination, "-f", "a/small", "a/large", env=env).wait().expect(0).counted(
        copied=0, up_to_date=2)


@on("minio")
def test_destination_listed_by_the_other(server: Server, tool: Tool, filled: Bucket, destination: Bucket) -> None:
    env = user(server, filled, destination, ((*READ, "ListBucket"), (*WRITE, *RESUME))).env
    other = user(server, filled, destination, ((), ("ListBucket", "GetObject")))
    path = other.s3cfg(tool.home / "other", server.url)
    for copied in (2, 0):
        ran = tool.start("--json", "-d", path, filled, destination, env=env).wait().expect(0)
        ran.counted(copied=copied, up_to_date=2 - copied, failed=0)
        assert "warning" not in ran.err, ran
    assert_same(filled, destination)


@on("minio")
def test_destination_not_listable_is_looked_up(server: Server, tool: Tool, filled: Bucket, destination: Bucket) -> None:
    env = user(server, filled, destination, ((*READ, "ListBucket"), (*WRITE, *RESUME, "GetObject"))).env
    for copied in (2, 0):
        ran = tool.start("--json", filled, destination, env=env).wait().expect(0)
        ran.counted(copied=copied, up_to_date=2 - copied, failed=0)
    assert_same(filled, destination)


@on("minio")
def test_destination_not_even_looked_at(server: Server, tool: Tool, filled: Bucket, destination: Bucket) -> None:
    """403 is "unknown", not "missing": everything is copied, with one warning."""
    env = user(server, filled, destination, ((*READ, "ListBucket"), (*WRITE, *RESUME))).env
    for _ in range(2):
        ran = tool.start("--json", filled, destination, env=env).wait().expect(0)
        ran.counted(copied=2, up_to_date=0, failed=0, uploads_left=0)
        assert sum(line.startswith("warning:") for line in ran.err.splitlines()) == 1, ran
    assert_same(filled, destination)


@on("minio")
def test_copies_of_another_etag_not_even_looked_at(server: Server, tool: Tool, filled: Bucket,
                                                   destination: Bucket) -> None:
    """Where an ETag proves nothing a copy is looked at, if that is allowed; it is no failure that it is not."""
    env = user(server, filled, destination, ((*READ, "ListBucket"), (*WRITE, *RESUME))).env
    ran = tool.start("--json", "--multipart", "simple", filled, destination, env=env).wait().expect(0)
    ran.counted(copied=2, failed=0)
    assert warnings(ran, "") == 1, ran
    assert destination.read("a/large") == filled.read("a/large")


@on("moto")
def test_parts_of_another_etag_not_even_looked_at(proxied: Tool, proxy: Proxy, filled: Bucket,
                                                  destination: Bucket) -> None:
    proxy.fail("ListObjectsV2", "AccessDenied", 403, target=f"^/{destination.name}", times=None)
    proxy.fail("HeadObject", "AccessDenied", 403, target=f"^/{destination.name}", times=None)
    proxy.change_body("CompleteMultipartUpload", lambda body: re.sub(
        rb"<ETag>.*?</ETag>", b"<ETag>" + b"0" * 32 + b"-2</ETag>", body), times=None)
    ran = proxied.copy(filled, destination, copied=2, failed=0, uploads_left=0)
    assert warnings(ran, "") == 1, ran
    assert_same(filled, destination)


@on("minio")
@pytest.mark.parametrize("extra", [[], ["--staged", "--clean-parts"]])
def test_uploads_not_listable(server: Server, tool: Tool, many: Bucket, destination: Bucket, extra: list[str]) -> None:
    write = (*WRITE, "ListBucket", "GetObject", "DeleteObject")
    env = user(server, many, destination, ((*READ, "ListBucket"), write)).env
    ran = tool.start("--json", *extra, many, destination, env=env).wait().expect(0).counted(copied=7, failed=0)
    assert warnings(ran, "none is resumed") == warnings(ran, "") == 1, ran
    assert_same(many, destination)


@on("minio")
def test_tags_not_readable(server: Server, tool: Tool, filled: Bucket, destination: Bucket) -> None:
    write = (*WRITE, *RESUME, "ListBucket", "GetObject")
    env = user(server, filled, destination, (("GetObject", "ListBucket"), write)).env
    ran = tool.start("--json", filled, destination, env=env).wait().expect(1)
    assert ran.err.count("--no-tags") == ran.summary["failed"] > 0, ran
    ran = tool.start("--json", "--no-tags", filled, destination, env=env).wait().expect(0)
    assert ran.summary["failed"] == 0
    assert_same(filled, destination)
    assert destination.look("a/large")["Tags"] == {}


@on("minio")
def test_tags_not_writable(server: Server, tool: Tool, filled: Bucket, destination: Bucket) -> None:
    write = ("PutObject", "AbortMultipartUpload", *RESUME, "ListBucket", "GetObject")
    env = user(server, filled, destination, ((*READ, "ListBucket"), write)).env
    ran = tool.start("--json", filled, destination, env=env).wait()
    assert ran.err.count("--no-tags") == ran.summary["failed"], ran
    ran = tool.start("--json", "--no-tags", filled, destination, env=env).wait().expect(0)
    assert ran.summary["failed"] == 0
    assert_same(filled, destination)


@on("minio")
def test_staged_without_listing_the_work_area(server: Server, tool: Tool, many: Bucket, destination: Bucket) -> None:
    env = user(server, many, destination, ((*READ, "ListBucket"), (*WRITE, "GetObject"))).env
    ran = tool.start("--json", "--staged", many, destination, env=env).wait().expect(0).counted(copied=7, failed=0)
    assert warnings(ran, "work area cannot be listed") == 1, ran
    assert warnings(ran, "") == 2, ran
    assert destination.etag("a/large") == many.etag("a/large")


# ------------------------------------------------------------------ a proxy that refuses

@on("moto", "seaweed")
def test_source_not_listable_behind_a_proxy(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    proxy.fail("ListObjectsV2", "AccessDenied", 403, target=f"^/{filled.name}", times=None)
    ran = proxied.run(filled, destination, status=2)
    assert ran.err.startswith(f"failed listing {filled}: AccessDenied"), ran
    proxied.copy(filled, destination, "-f", "a/small", "a/large", copied=2, failed=0)
    assert_same(filled, destination)


@on("moto", "seaweed")
@pytest.mark.parametrize("blind", [False, True])
def test_destination_not_listable_behind_a_proxy(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket,
                                                 blind: bool) -> None:
    proxy.fail("ListObjectsV2", "AccessDenied", 403, target=f"^/{destination.name}", times=None)
    if blind:
        proxy.fail("HeadObject", "AccessDenied", 403, target=f"^/{destination.name}", times=None)
    proxied.copy(filled, destination, copied=2, failed=0)
    assert_same(filled, destination)
    ran = proxied.copy(filled, destination, failed=0)
    assert ran.summary["copied"] == (2 if blind else 0), ran
    assert sum(line.startswith("warning:") for line in ran.err.splitlines()) == int(blind), ran


@on("moto", "seaweed")
@pytest.mark.parametrize("operation", ["ListMultipartUploads", "ListParts"])
def test_uploads_not_listable_behind_a_proxy(proxied: Tool, proxy: Proxy, many: Bucket, destination: Bucket,
                                             operation: str) -> None:
    for key in sorted(many.listed()):
        if key != "a/small":
            destination.begin(key, [b"somebody's"])
    proxy.fail(operation, "AccessDenied", 403, times=None)
    ran = proxied.copy(many, destination, copied=7, failed=0)
    assert warnings(ran, "none is resumed") == warnings(ran, "") == 1, ran
    assert_same(many, destination)


@on("moto", "seaweed")
def test_tags_not_readable_behind_a_proxy(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    proxy.fail("GetObjectTagging", "AccessDenied", 403, times=None)
    ran = proxied.copy(filled, destination, status=1, failed=1, copied=1)
    assert ran.err.count("--no-tags") == 1, ran
    proxied.copy("--no-tags", filled, destination, copied=1, failed=0)
    assert destination.look("a/large")["Tags"] == {}


@on("moto")
def test_a_copy_denied_for_its_tags(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    """AWS answers AccessDenied to CopyObject where the tags may not be read or written."""
    proxy.fail("CopyObject", "AccessDenied", 403, times=None)
    proxy.fail("CreateMultipartUpload", "AccessDenied", 403, times=None)
    ran = proxied.copy(filled, destination, status=1, failed=2)
    assert ran.err.count("--no-tags") == 2, ran
