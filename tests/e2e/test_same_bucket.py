"""One bucket for both sides: copies below it, and objects rewritten in place."""

from __future__ import annotations

import pytest

from tests.support.buckets import MIB, Bucket, content
from tests.support.command import Tool
from tests.support.marks import on
from tests.support.proxy import Proxy

PARTS = [content(5 * MIB, 1), content(5 * MIB, 2), b"end"]
SETTINGS = {"ContentType": "text/x-test", "CacheControl": "max-age=7", "Metadata": {"note": "kept"}, "Tagging": "a=1"}
OTHER = "REDUCED_REDUNDANCY"
"""A storage class that all servers of the tests take."""


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    """A small object and one in parts, with all that is to be kept."""
    source.put("a/small", b"small", **SETTINGS)
    source.put_parts("a/large", PARTS, **SETTINGS)
    return source


def test_destination_left_out(tool: Tool, filled: Bucket) -> None:
    ran = tool.copy(filled, copied=2)
    assert ran.err.splitlines()[0].endswith(f"{filled}/temp/dest/"), ran
    assert filled.keys() == ["a/large", "a/small", "temp/dest/a/large", "temp/dest/a/small"]
    assert filled.etag("temp/dest/a/large") == filled.etag("a/large")
    tool.copy(filled, copied=0, up_to_date=2, excluded=2)


def test_destination_inside_the_source(tool: Tool, filled: Bucket) -> None:
    tool.copy(filled, f"{filled}/backup", copied=2)
    tool.copy(filled, f"{filled}/backup", copied=0, up_to_date=2, excluded=2)


@on("moto")
def test_a_source_is_never_overwritten(tool: Tool, source: Bucket) -> None:
    source.fill({"a/x": b"one", "a/a/x": b"two"})
    ran = tool.copy(f"{source}/a/*", source, status=1, failed=1, copied=1)
    assert "would overwrite a source" in ran.err
    assert source.contents() == {"a/x": b"one", "a/a/x": b"two", "x": b"one"}


@on("moto")
@pytest.mark.parametrize(("source_path", "destination_path"), [
    ("", ""), ("a", ""), ("a/*", "a"), ("a/b", "a"), ("a", "a"), ("a/", "a/"),
])
def test_equal_paths_are_refused(tool: Tool, filled: Bucket, source_path: str, destination_path: str) -> None:
    ran = tool.run(f"{filled}/{source_path}", f"{filled}/{destination_path}", status=2)
    assert "same" in ran.err
    assert len(ran.err.splitlines()) == 1, ran
    assert filled.keys() == ["a/large", "a/small"]


def test_rewritten_in_place(tool: Tool, filled: Bucket) -> None:
    before = {key: (filled.read(key), filled.etag(key), filled.look(key)) for key in filled.keys()}  # noqa: SIM118
    ran = tool.copy("--storage-class", OTHER, filled, filled, copied=2, failed=0, uploads_left=0)
    assert ran.summary["parts_copied"] == 3
    assert {key: (filled.read(key), filled.etag(key), filled.look(key)) for key in before} == before
    assert {filled.storage_class(key) for key in before} == {OTHER}
    tool.copy("--storage-class", OTHER, filled, filled, copied=0, up_to_date=2)


@on("moto")
def test_a_bucket_of_the_same_name_in_another_store(tool: Tool, filled: Bucket) -> None:
    words = [filled, filled, "--dest-endpoint-url"]
    assert "--dest-endpoint-url http://127.0.0.1:9: another" in tool.run(*words, "http://127.0.0.1:9", status=2).err
    assert "are the same" in tool.run(*words, "http://127.0.0.1:9", "--same-store", status=2).err
    assert "are the same" in tool.run(*words, f"{tool.url}/", status=2).err


@on("moto")
def test_a_list_of_prefixes_in_place(tool: Tool, filled: Bucket) -> None:
    assert tool.run(filled, filled, "-P", "-", stdin="a\n", status=2).err.startswith("s3copy: -P: ")
    tool.copy("--storage-class", OTHER, filled, filled, "-P", "-", stdin="a\n", copied=2, failed=0)
    assert {filled.storage_class(key) for key in filled.keys()} == {OTHER}  # noqa: SIM118


@on("moto")
def test_nothing_is_overwritten_in_place(tool: Tool, filled: Bucket) -> None:
    tool.copy("--no-overwrite", "--storage-class", OTHER, filled, filled, copied=0, up_to_date=2)
    tool.copy("--no-overwrite", "--acl", "public-read", filled, filled, copied=0, up_to_date=2)


@on("moto", "minio")
def test_only_those_that_are_not_as_asked(tool: Tool, filled: Bucket) -> None:
    filled.put("a/done", b"done", StorageClass=OTHER)
    tool.copy("--storage-class", OTHER, f"{filled}/a", filled, copied=2, up_to_date=1)


@on("moto")
def test_encryption_in_place(tool: Tool, filled: Bucket) -> None:
    filled.put("a/cold", b"cold", StorageClass="STANDARD_IA")
    etag = filled.etag("a/large")
    tool.copy("--sse", "AES256", filled, filled, copied=3, failed=0)
    assert filled.storage_class("a/cold") == "STANDARD_IA"
    assert filled.etag("a/large") == etag
    assert filled.client.head_object(Bucket=filled.name, Key="a/small")["ServerSideEncryption"] == "AES256"
    tool.copy("--sse", "AES256", filled, filled, copied=0, up_to_date=3)


@on("moto")
@pytest.mark.parametrize("key", ["a/small", "a/large"])
def test_grants_are_kept_in_place(tool: Tool, filled: Bucket, key: str) -> None:
    """(moto has no ACL of an object in parts until it is given one.)"""
    filled.client.put_object_acl(Bucket=filled.name, Key=key, ACL="public-read")
    before = filled.client.get_object_acl(Bucket=filled.name, Key=key)["Grants"]
    tool.copy("--storage-class", OTHER, filled, filled, copied=2)
    after = filled.client.get_object_acl(Bucket=filled.name, Key=key)["Grants"]
    assert sorted(map(str, after)) == sorted(map(str, before))


@on("moto")
def test_an_acl_in_place_is_always_written(tool: Tool, filled: Bucket) -> None:
    for _ in range(2):
        tool.copy("--acl", "public-read", filled, filled, copied=2, up_to_date=0)
    for key in filled.keys():  # noqa: SIM118
        grants = filled.client.get_object_acl(Bucket=filled.name, Key=key)["Grants"]
        assert any(grant["Grantee"].get("URI", "").endswith("AllUsers") for grant in grants), key
        assert filled.look(key)["Metadata"] == {"note": "kept"}


@on("moto")
def test_acls_that_cannot_be_read(proxied: Tool, proxy: Proxy, filled: Bucket) -> None:
    proxy.fail("GetObjectAcl", "AccessDenied", 403, times=None)
    ran = proxied.copy("--storage-class", OTHER, filled, filled, copied=2, failed=0)
    assert ran.err.count("ACLs cannot be read") == 1, ran


def test_dry_run_in_place(tool: Tool, filled: Bucket) -> None:
    ran = tool.copy("-n", "--storage-class", OTHER, filled, filled, would_copy=2)
    assert "changed" in ran.out
    assert filled.storage_class("a/small") == "STANDARD"


def test_staged_in_place(tool: Tool, filled: Bucket) -> None:
    before = {key: (filled.read(key), filled.etag(key), filled.look(key)) for key in filled.keys()}  # noqa: SIM118
    tool.copy("--staged", "--storage-class", OTHER, filled, filled, copied=2, failed=0, excluded=0)
    assert {key: (filled.read(key), filled.etag(key), filled.look(key)) for key in before} == before
    tool.copy("--staged", "--storage-class", OTHER, filled, filled, copied=0, up_to_date=2, excluded=6)
