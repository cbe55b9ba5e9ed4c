"""Whose requests are whose, where credentials come from, and that they show nowhere."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from s3copy_beam import CopyBucket
from s3copy_beam.options import Access, CopyOptions, Identity
from s3copy_beam.paths import area_of
from s3copy_beam.s3.identity import vault_put
from tests.support.buckets import MIB, Bucket, assert_same, content
from tests.support.command import Tool, find_leak, spellings
from tests.support.marks import on
from tests.support.proxy import Proxy
from tests.support.servers import ACCESS_KEY, SECRET_KEY, Server
from tests.support.users import ADMIN, User, may

NOBODY = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL": ""}
"""No credentials in the environment, and no endpoint."""
READS_AND_LISTS = ("GetObject", "ListBucket", "GetBucketLocation", "GetObjectTagging", "GetObjectAttributes")
WRITES = ("PutObject", "PutObjectTagging", "AbortMultipartUpload", "ListMultipartUploadParts",
          "ListBucketMultipartUploads")


@pytest.fixture
def filled(source: Bucket) -> Bucket:
    """A small object and one in parts."""
    source.put("small", b"small", Tagging="a=1")
    source.put_parts("large", [content(5 * MIB, 1), b"end"], Tagging="b=2")
    return source


def user_of(proxy: Proxy, *operations: str) -> set[str]:
    """Access keys that signed these operations."""
    return {seen.request.header("authorization").partition("Credential=")[2].partition("/")[0]
            for seen in proxy.seen if not operations or seen.request.operation in operations}


# ------------------------------------------------------------------ where they come from

@on("moto", "minio")
@pytest.mark.parametrize("how", ["flags", "s3cfg", "profile", "home"])
def test_where_credentials_come_from(tool: Tool, server: Server, filled: Bucket, destination: Bucket, how: str) -> None:
    env = dict(NOBODY)
    args: list[object] = []
    if how == "flags":
        args = ["-a", ACCESS_KEY, "-k", SECRET_KEY, "--endpoint-url", server.url]
    elif how == "s3cfg":
        args = ["-c", ADMIN.s3cfg(tool.home / "keys", server.url)]
    elif how == "profile":
        (tool.home / ".aws").mkdir()
        (tool.home / ".aws" / "credentials").write_text(
            f"[other]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        (tool.home / ".aws" / "config").write_text(f"[profile other]\nendpoint_url = {server.url}\n")
        args = ["--profile", "other"]
    else:
        ADMIN.s3cfg(tool.home / ".s3cfg", server.url)
    ran = tool.start("--json", *args, filled, destination, env=env).wait().expect(0)
    ran.counted(copied=2, failed=0)
    assert_same(filled, destination)


@on("minio")
@pytest.mark.parametrize(("args", "says"), [
    (["-a", "WRONG", "-k", "never-told"], "-a/-k"), (["-a", ACCESS_KEY, "-k", "never-told"], "-a/-k"),
])
def test_wrong_credentials_say_where_they_come_from(tool: Tool, filled: Bucket, destination: Bucket,
                                                    args: list[str], says: str) -> None:
    ran = tool.run(*args, filled, destination, status=2)
    assert says in ran.err
    assert "never-told" not in ran.err
    assert len(ran.err.splitlines()) == 1, ran
    assert destination.keys() == []


@on("moto")
@pytest.mark.parametrize(("text", "says"), [
    ("access_key = A\nsecret_key = B\nsignature_v2 = True\n", "signature_v2"),
    ("access_key = A\n", "secret_key"),
    ("not such a file never-told", "can be understood"),
    (None, "no such s3cmd file"),
])
@pytest.mark.parametrize("flag", ["-c", "-d"])
def test_s3cmd_files_that_cannot_be_used(tool: Tool, filled: Bucket, destination: Bucket, flag: str, text: str | None,
                                         says: str) -> None:
    path = tool.home / "keys"
    if text is not None:
        path.write_text(f"[default]\n{text}")
    ran = tool.run(flag, path, filled, destination, status=2)
    assert flag in ran.err
    assert "never-told" not in ran.err
    assert len(ran.err.splitlines()) == 1, ran


# ------------------------------------------------------------------ two of them

@on("minio")
def test_copies_by_the_first_listing_by_the_second(server: Server, proxied: Tool, proxy: Proxy, filled: Bucket,
                                                   destination: Bucket) -> None:
    first = may(server, (READS_AND_LISTS, [filled.name, f"{filled.name}/*"]), (WRITES, [destination.name,
                                                                                        f"{destination.name}/*"]))
    second = may(server, (READS_AND_LISTS, [destination.name, f"{destination.name}/*"]))
    args = ["-c", first.s3cfg(proxied.home / "first", proxy.url), "-d",
            second.s3cfg(proxied.home / "second", proxy.url)]
    ran = proxied.start("--json", *args, filled, destination, env=NOBODY).wait().expect(0)
    ran.counted(copied=2, failed=0)
    assert_same(filled, destination)
    assert destination.look("large") == filled.look("large")
    of = {user: {(seen.request.operation, seen.request.bucket) for seen in proxy.seen
                 if user.access_key in seen.request.header("authorization")} for user in (first, second)}
    assert {bucket for _, bucket in of[second]} == {destination.name}
    assert {operation for operation, _ in of[second]} <= {"ListObjectsV2", "HeadObject"}
    assert ("CopyObject", destination.name) in of[first]
    assert ("ListObjectsV2", destination.name) not in of[first]
    proxy.forget()
    proxied.start("--json", *args, filled, destination, env=NOBODY).wait().expect(0).counted(copied=0, up_to_date=2)


@on("minio")
def test_part_files_are_found_by_the_second(server: Server, tool: Tool, filled: Bucket, destination: Bucket) -> None:
    """With --staged the first identity need not list the destination either: a restart uses what is there."""
    first = may(server, (READS_AND_LISTS, [filled.name, f"{filled.name}/*"]),
                ((*WRITES, "GetObject"), [destination.name, f"{destination.name}/*"]))
    second = may(server, (READS_AND_LISTS, [destination.name, f"{destination.name}/*"]))
    args = ["--staged", "-c", first.s3cfg(tool.home / "first", server.url), "-d",
            second.s3cfg(tool.home / "second", server.url), filled, destination]
    ran = tool.start("--json", *args, env=NOBODY).wait().expect(0).counted(copied=2, parts_copied=2, parts_reused=0)
    assert "warning" not in ran.err, ran
    destination.client.delete_object(Bucket=destination.name, Key="large")
    tool.start("--json", *args, env=NOBODY).wait().expect(0).counted(copied=1, parts_copied=0, parts_reused=2)


@on("moto")
def test_dest_profile(proxied: Tool, proxy: Proxy, filled: Bucket, destination: Bucket) -> None:
    (proxied.home / ".aws").mkdir()
    (proxied.home / ".aws" / "credentials").write_text(
        f"[second]\naws_access_key_id = SECOND\naws_secret_access_key = {SECRET_KEY}\n")
    proxied.copy("--dest-profile", "second", filled, destination, copied=2)
    assert user_of(proxy, "CopyObject", "UploadPartCopy", "CreateMultipartUpload", "CompleteMultipartUpload",
                   "ListMultipartUploads", "UploadPart") == {ACCESS_KEY}
    assert {seen.request.bucket for seen in proxy.seen if "SECOND" in seen.request.header("authorization")} == {
        destination.name}


@on("moto")
def test_another_endpoint_is_another_store(tool: Tool, server: Server, filled: Bucket, destination: Bucket) -> None:
    elsewhere = ADMIN.s3cfg(tool.home / "second", "http://127.0.0.1:1")
    ran = tool.run("-d", elsewhere, filled, destination, status=2)
    assert "--same-store" in ran.err
    door = server.url.replace("127.0.0.1", "localhost")
    assert "--same-store" in tool.run("--dest-endpoint-url", door, filled, destination, status=2).err
    tool.copy("--dest-endpoint-url", door, "--same-store", filled, destination, copied=2)


# ------------------------------------------------------------------ secrets

@pytest.mark.parametrize("extra", [[], ["--staged"]])
@on("moto", "minio")
def test_a_secret_shows_nowhere(proxied: Tool, proxy: Proxy, server: Server, filled: Bucket, destination: Bucket,
                                extra: list[str]) -> None:
    """Everything that a run at DEBUG wrote, the screen, and the process's command line."""
    proxy.fail("CopyObject", "AccessDenied", 403, key="small", times=None)  # with a failure, too
    held = proxy.hold("CopyObject", key="small", times=1)
    proxy.rules.reverse()
    keys = ["-a", ACCESS_KEY, "-k", SECRET_KEY] if not extra else [f"-a{ACCESS_KEY}", f"-k{SECRET_KEY}"]
    running = proxied.start(*keys, "--endpoint-url", proxy.url, "-l", "DEBUG", "-L", "log", "--report",
                            "report.jsonl", "-v", "--json", "--temp_location", str(proxied.home / "tmp"), *extra,
                            filled, destination, env=NOBODY)
    held.wait()
    shown = Path(f"/proc/{running.child.pid}/cmdline").read_bytes().decode()
    held.release(forward=False)
    ran = running.wait()
    ran.expect(1)
    assert "s3copy" in shown
    assert SECRET_KEY not in shown
    written = {str(path): path.read_text(errors="replace") for path in proxied.home.rglob("*") if path.is_file()}
    assert any(path.endswith("log") for path in written)
    for name, text in {**written, "stdout": ran.out, "stderr": ran.err, "cmdline": shown}.items():
        assert find_leak(text) is None, name


@on("moto")
def test_a_session_token_shows_nowhere(tool: Tool, server: Server, filled: Bucket, destination: Bucket) -> None:
    token = "to/ken+with=%41signs" * 3
    path = User(ACCESS_KEY, SECRET_KEY, token).s3cfg(tool.home / "keys", server.url)
    ran = tool.start("-c", path, "-l", "DEBUG", "-L", "log", "--report", "report.jsonl", "-v", filled, destination,
                     env=NOBODY).wait().expect(0)
    for text in ((tool.home / "log").read_text(), (tool.home / "report.jsonl").read_text(), ran.out, ran.err):
        assert find_leak(text, token) is None
        assert find_leak(text) is None


def test_a_secret_is_in_no_graph(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """What travels with a job: the pipeline as it is sent to runners, pickled steps, display data, options, names."""
    vault_put("run", ACCESS_KEY, SECRET_KEY, "the/token+here=")
    here = Access("source", server.url, identity=Identity(vault="run"))
    for staged in (False, True):
        options = CopyOptions(here, replace(here, bucket="there"), replace(here, bucket="there"),
                              (area_of("source", ""),), staged=staged, run_id="run", report="x/")
        with caplog.at_level(logging.DEBUG):
            pipeline = beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([]))
            pipeline | CopyBucket(options)
            graph = pipeline.to_runner_api(return_context=False)
        texts = [str(graph), repr(options), json.dumps(pipeline.options.get_all_options(), default=str), caplog.text]
        sent = graph.SerializeToString() + b"".join(_unpacked(graph))
        for form in spellings(SECRET_KEY) | spellings("the/token+here="):
            assert form.encode() not in sent
            assert not any(form in text for text in texts)


def _unpacked(graph: object) -> list[bytes]:
    """The steps' code and data behind their encodings (Beam compresses what it pickles, and writes it as base64)."""
    import base64
    import bz2
    import zlib

    found = []
    for transform in graph.components.transforms.values():  # type: ignore[attr-defined]
        payload = transform.spec.payload
        found.append(payload)
        for chunk in _base64_in(payload):
            raw = base64.b64decode(chunk, validate=False)
            found.append(raw)
            for inflate in (bz2.decompress, zlib.decompress):
                try:
                    found.append(inflate(raw))
                except (OSError, ValueError, zlib.error):
                    continue
    return found


def _base64_in(payload: bytes) -> list[bytes]:
    import re

    return [chunk + b"=" * (-len(chunk) % 4) for chunk in re.findall(rb"[A-Za-z0-9+/]{64,}", payload)]


@on("moto")
@pytest.mark.parametrize("runner", ["FlinkRunner", "DataflowRunner", "PortableRunner"])
def test_literal_keys_do_not_travel(tool: Tool, filled: Bucket, destination: Bucket, runner: str) -> None:
    began = time.monotonic()
    ran = tool.run("-a", ACCESS_KEY, "-k", SECRET_KEY, f"--runner={runner}", filled, destination, status=2)
    assert "-a and -k" in ran.err
    assert "-c" in ran.err
    assert len(ran.err.splitlines()) == 1, ran
    assert time.monotonic() - began < 60


@on("minio")
def test_wrong_credentials(tool: Tool, source: Bucket, destination: Bucket) -> None:
    source.put("a", b"a")
    for name, value in [("AWS_ACCESS_KEY_ID", "NOBODY"), ("AWS_SECRET_ACCESS_KEY", "wrong-secret")]:
        ran = tool.run(source, destination, status=2, env={name: value})
        assert ran.err.count("\n") == 1, ran
        assert "the AWS chain (env)" in ran.err, "an error about credentials says where they came from"
    assert destination.keys() == []
