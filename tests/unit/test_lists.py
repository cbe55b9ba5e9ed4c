"""Reading lists of names: lines, NULs, reports; what is no list ends in one line."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from s3copy_beam.listing import lists
from s3copy_beam.options import Access, Identity, Names
from tests.support.buckets import Bucket
from tests.support.marks import on
from tests.support.servers import ACCESS_KEY, SECRET_KEY, Server

ACCESS = Access("b")


def read(path: Path | str, null: bool = False, access: Access = ACCESS) -> list[str]:
    return list(lists.names(Names(url=str(path), null=null), "-F", access))


@pytest.mark.parametrize(("data", "expected"), [
    (b"", []), (b"\n\n", []), (b"# none\n", []), (b"a", ["a"]), (b"a\n", ["a"]), (b"a\nb", ["a", "b"]),
    (b"a\r\nb\r\n\r\n", ["a", "b"]), (b"\xef\xbb\xbfa\nb", ["a", "b"]), (b"\xef\xbb\xbf# no\nb", ["b"]),
    (b" a \n\ta\t\n", [" a ", "\ta\t"]), (b"a*\na#b\n #c\n", ["a*", "a#b", " #c"]), (b"a\rb\n", ["a\rb"]),
    ("é\u2028x\x85y\x0bz\x0c\x1c\n".encode(), ["é\u2028x\x85y\x0bz\x0c\x1c"]), (b"a\n\xef\xbb\xbfb", ["a", "\ufeffb"]),
    (b" ", [" "]), (b"x" * 70_000 + b"\n", ["x" * 70_000]),
])
def test_lines(tmp_path: Path, data: bytes, expected: list[str]) -> None:
    (tmp_path / "list").write_bytes(data)
    assert read(tmp_path / "list") == expected


@pytest.mark.parametrize(("data", "expected"), [
    (b"", []), (b"a\0b\0", ["a", "b"]), (b"a\0\0b", ["a", "b"]), (b"#a\nb\r\n\0 c\r\0", ["#a\nb\r\n", " c\r"]),
])
def test_null(tmp_path: Path, data: bytes, expected: list[str]) -> None:
    (tmp_path / "list").write_bytes(data)
    assert read(tmp_path / "list", null=True) == expected


@pytest.mark.parametrize(("name", "packed"), [
    ("list.gz", gzip.compress(b"a\nb\n", mtime=0)), ("list.bz2", bz2.compress(b"a\nb\n")), ("a list?x=1#y", b"a\nb\n"),
])
def test_files(tmp_path: Path, name: str, packed: bytes) -> None:
    (tmp_path / name).write_bytes(packed)
    assert read(tmp_path / name) == ["a", "b"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\nb")))
    assert read("-") == ["a", "b"]


def test_given() -> None:
    assert list(lists.names(Names(given=("#a", "", "b\n")), "-f", ACCESS)) == ["#a", "", "b\n"]


@pytest.mark.parametrize(("name", "data", "says"), [
    ("list", b"a\nb\xff\n", "line 2 is not UTF-8"), ("list", "a\n".encode("utf-16"), "line 1"),
    ("list", b"a\0b\0", "--null"), ("list", b"x" * 300_000, "longer than any name"),
    ("list", bytes(range(256)) * 100, "line"), ("list.gz", b"not gzip at all", "gzip"),
    ("list.gz", gzip.compress(b"a\n" * 9, mtime=0)[:-9], "end"),
    ("absent", None, "No such file"), (".", None, "irectory"),
    ("nobody://x/y", None, "nobody"),
])
def test_what_is_no_list(tmp_path: Path, name: str, data: bytes | None, says: str) -> None:
    path = tmp_path / name if "://" not in name else name
    if data is not None:
        Path(path).write_bytes(data)
    with pytest.raises(lists.ListError) as error:
        read(path)
    line = str(error.value)
    assert line.startswith(f"-F {str(path)!r}: ")
    assert says in line
    assert line.isprintable()


def test_a_long_list_needs_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "list").open("w") as out:
        for number in range(300_000):
            out.write(f"some/folder/{number:09}\n")
    next(lists.names(Names(url=str(tmp_path / "list")), "-F", ACCESS))  # imports
    tracemalloc.start()
    assert sum(1 for _ in lists.names(Names(url=str(tmp_path / "list")), "-F", ACCESS)) == 300_000
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


@pytest.fixture
def web() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = "list" in self.path
            self.send_response(200 if found else 403)
            self.send_header("Content-Length", "4" if found else "0")
            self.end_headers()
            if found:
                self.wfile.write(b"a\nb\n")

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_web(web: str) -> None:
    assert read(f"http://{web}/list") == ["a", "b"]
    for url in (f"http://user:hunter2@{web}/other?X-Amz-Signature=hunter2", "http://u:hunter2@127.0.0.1:1/x?s=hunter2"):
        with pytest.raises(lists.ListError) as error:
            read(url)
        assert "hunter2" not in str(error.value)
        assert "-F 'http://127.0.0.1/" in str(error.value)


@on("moto")
def test_buckets(server: Server, source: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    access = Access("another", server.url, "us-east-1", Identity())
    source.put("lists/a b.gz", gzip.compress(b"a\nb", mtime=0))
    assert read(f"{source}/lists/a b.gz", access=access) == ["a", "b"]
    with pytest.raises(lists.ListError, match="NoSuchKey"):
        read(f"{source}/lists/absent", access=access)


# ------------------------------------------------------------------ reports

def line(outcome: str = "failed", source: str = "s3://b/k\n", destination: str = "s3://d/x/k") -> bytes:
    told = {"source": source, "destination": destination, "outcome": outcome, "reason": "", "size": 1}
    return json.dumps(told).encode()


def failed(path: Path) -> list[tuple[str, str]]:
    return list(lists.failed_of(Names(url=str(path), report=True), "-F", ACCESS, ("b", "d")))


@pytest.mark.parametrize(("lines", "expected"), [
    ([], []), ([line()], [("k\n", "x/k")]), ([line(), line("copied"), line("archived"), line(source="s3://b//é")],
                                             [("k\n", "x/k"), ("/é", "x/k")]),
    ([line("copied"), b'{"source": "s3://b/cut'], []), ([line(), b""], [("k\n", "x/k")]),
])
def test_reports(tmp_path: Path, lines: list[bytes], expected: list[tuple[str, str]]) -> None:
    (tmp_path / "r.jsonl").write_bytes(b"\n".join(lines))
    assert failed(tmp_path / "r.jsonl") == expected


@pytest.mark.parametrize(("lines", "says"), [
    ([line(source="s3://other/k")], "line 1: its source is in s3://other, not in s3://b"),
    ([line("copied"), line(destination="s3://other/k")], "line 2: its destination is in s3://other"),
    ([b"a/key", line()], "line 1 is no line of a report"), ([b"[]", line()], "no line of a report"),
    ([b"a/key"], "line 1 is no line of a report"), ([line(), b'{"key": "a"}'], "line 2 is no line of a report"),
    ([b'"x"', line()], "no line of a report"), ([line(source="\\\\server"), line()], "line 1: "),
    ([b"[" * 100_000, line()], "no line of a report"), ([line(source="s3://b/\ud800")], "not valid UTF-8"),
    ([b'{"outcome": "failed", "source": 7, "destination": []}', line()], "line 1: "),
])
def test_what_is_no_report(tmp_path: Path, lines: list[bytes], says: str) -> None:
    (tmp_path / "r.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(lists.ListError) as error:
        failed(tmp_path / "r.jsonl")
    assert says in str(error.value)
    assert str(error.value).isprintable()
