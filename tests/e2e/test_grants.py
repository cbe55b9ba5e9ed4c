"""Grants and canned ACLs: in force on small, multipart and staged objects, and what stores say that have none."""

from __future__ import annotations

import pytest

from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Tool
from tests.support.faults import When
from tests.support.marks import on
from tests.support.proxy import Proxy

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
SOMEBODY = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
KEYS = ("large", "small")


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    """A small object and one in parts."""
    source.put("small", b"small")
    source.put_parts("large", [content(5 * MIB, 1), b"end"])
    return source


def grants(bucket: Bucket, key: str) -> set[tuple[str, str]]:
    """(permission, grantee) of an object."""
    found = bucket.client.get_object_acl(Bucket=bucket.name, Key=key)["Grants"]
    return {(grant["Permission"], grantee.get("URI") or grantee.get("EmailAddress") or grantee.get("ID", ""))
            for grant in found for grantee in [grant["Grantee"]]}


@on("moto")
@pytest.mark.parametrize("extra", [[], ["--staged"]])
def test_grants_are_in_force(tool: Tool, filled: Bucket, destination: Bucket, extra: list[str]) -> None:
    tool.copy(*extra, "--acl-grant", f"READ:uri={ALL_USERS}", "--acl-grant", f"FULL_CONTROL:id={SOMEBODY}",
              filled, destination, copied=2)
    for key in KEYS:
        assert {("READ", ALL_USERS), ("FULL_CONTROL", SOMEBODY)} <= grants(destination, key)


@on("moto")
@pytest.mark.parametrize("extra", [[], ["--staged"]])
def test_canned_acls_are_in_force(tool: Tool, filled: Bucket, destination: Bucket, extra: list[str]) -> None:
    tool.copy(*extra, "--acl", "public-read", filled, destination, copied=2)
    for key in KEYS:
        assert ("READ", ALL_USERS) in grants(destination, key)
    if extra:  # part files are nobody else's
        part = next(key for key in destination.listed() if key.endswith("part-00001"))
        assert ("READ", ALL_USERS) not in grants(destination, part)


@on("moto")
def test_grants_as_headers(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    """By e-mail as in 2013, and several for one permission in one header (S3 documentation, x-amz-grant-*)."""
    proxied.copy("--acl-grant", "READ:joe@example.com", "--acl-grant", f"READ:id={SOMEBODY}",
                 "--acl-grant", "WRITE_ACP:joe@example.com", filled, destination, copied=2)
    for operation in ("CopyObject", "CreateMultipartUpload"):
        request, = [seen.request for seen in proxy.seen if seen.request.operation == operation]
        assert request.header("x-amz-grant-read") == f'emailAddress="joe@example.com", id="{SOMEBODY}"'
        assert request.header("x-amz-grant-write-acp") == 'emailAddress="joe@example.com"'


@on("moto")
@pytest.mark.parametrize("grant", ["READ", "READ:", "read:joe@example.com", "WRITE:joe@example.com", "READ:joe",
                                   "READ:id=", 'READ:id=a"b', "READ:uri=a b", "READ:joe@example.com,x@y"])
def test_grants_that_cannot_be(tool: Tool, filled: Bucket, destination: Bucket, grant: str) -> None:
    ran = tool.run("--acl-grant", grant, filled, destination, status=2)
    assert "--acl-grant" in ran.err
    assert len(ran.err.splitlines()) == 1, ran
    assert destination.keys() == []


@on("moto")
def test_grants_and_canned_acls_exclude_each_other(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    ran = tool.run("--acl", "private", "--acl-grant", "READ:joe@example.com", filled, destination, status=2)
    assert "--acl-grant" in ran.err
    assert "--acl " in ran.err


@on("moto")
def test_a_bucket_without_acls_is_known_beforehand(tool: Tool, filled: Bucket, destination: Bucket) -> None:
    destination.client.put_bucket_ownership_controls(
        Bucket=destination.name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    ran = tool.run("--acl-grant", f"READ:id={SOMEBODY}", filled, destination, status=2)
    assert "--acl-grant" in ran.err
    assert "BucketOwnerEnforced" in ran.err
    assert len(ran.err.splitlines()) == 1, ran
    assert destination.keys() == []
    tool.copy("--acl", "bucket-owner-full-control", filled, destination, copied=2)  # says what is so anyway
    assert_same(filled, destination)


@on("moto")
@pytest.mark.parametrize(("code", "status", "says"), [
    ("MethodNotAllowed", 405, "e-mail"), ("AccessControlListNotSupported", 400, "ACL"),
])
def test_refused_grants_say_why(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket, code: str,
                                status: int, says: str) -> None:
    """Where it shows only when an object is copied: each fails with a reason that says what to do."""
    always: When = {"times": None}
    proxy.fail("CopyObject", code, status, **always)
    proxy.fail("CreateMultipartUpload", code, status, **always)
    ran = proxied.copy("--acl-grant", "READ:joe@example.com", filled, destination, status=1, failed=2)
    lines = [line for line in ran.err.splitlines() if line.startswith("failed s3://")]
    assert len(lines) == 2, ran
    assert all(code in line and says in line and "--acl-grant" in line for line in lines), ran
    assert destination.keys() == []
