"""What is copied, and what it is called: the table of paths, run by the command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import Maker
from tests.support.buckets import Bucket
from tests.support.command import SUMMARY, Tool
from tests.support.marks import on

KEYS = ["a/b", "a/b/", "a/b/c", "a/b/d/e", "a/bc", "a/bc/x", "z", "/x", "/x/y", "//x"]
ALL = {key: key for key in KEYS}
BELOW = {"a/b/c": "b/c", "a/b/d/e": "b/d/e"}
GLOB = {"a/b": "b", "a/b/": "b/", **BELOW, "a/bc": "bc", "a/bc/x": "bc/x"}


def below(folder: str, names: dict[str, str]) -> dict[str, str]:
    return {key: folder + name for key, name in names.items()}


@on("moto")
@pytest.mark.parametrize(("path", "to", "options", "expected"), [
    ("", "", [], ALL),
    ("/*", "/foo/", [], below("foo/", ALL)),
    ("/a/b", "", [], {"a/b": "b", "a/b/": "b/", **BELOW}),
    ("/a/b/", "/foo", [], below("foo/", {"a/b/": "b/", **BELOW})),
    ("/a/b/*", "", [], {"a/b/c": "c", "a/b/d/e": "d/e"}),
    ("/a/b*", "", [], GLOB),
    ("//x", "", [], {"/x": "x", "/x/y": "x/y"}),
    ("//", "", [], {"/x": "/x", "/x/y": "/x/y", "//x": "//x"}),
    ("/a/b*", "/foo", ["--s3-prefixes"], below("foo", GLOB)),
    ("/a/b/*", "/foo", ["--dest-prefix", "bar/"], below("foobar/", {"a/b/c": "c", "a/b/d/e": "d/e"})),
    ("/a", "/foo", ["-f", "b", "bc/x"], {"a/b": "foo/b", "a/bc/x": "foo/bc/x"}),
    ("/a", "", ["-p", "b/", "bc"], {"a/b/": "b/", **BELOW, "a/bc": "bc", "a/bc/x": "bc/x"}),
])
def test_names(tool: Tool, source: Bucket, destination: Bucket, path: str, to: str, options: Sequence[str],
               expected: dict[str, str]) -> None:
    source.fill({key: key.encode() for key in KEYS})
    tool.copy(f"{source}{path}", f"{destination}{to}", *options, copied=len(expected), failed=0)
    assert destination.contents() == {name: key.encode() for key, name in expected.items()}
    tool.copy(f"{source}{path}", f"{destination}{to}", *options, copied=0, up_to_date=len(expected))


def test_the_folders_of_the_old_page(tool: Tool, new_bucket: Maker, source: Bucket) -> None:
    source.fill({"folder-001/test-001": b"1", "folder-001/test-002": b"2", "folder-0010/x": b"no"})
    for path, to, names in [
        ("/folder-001", "", ["folder-001/test-001", "folder-001/test-002"]),
        ("/folder-001/*", "", ["test-001", "test-002"]),
        ("/folder-001/*", "/foo", ["foo/test-001", "foo/test-002"]),
    ]:
        destination = new_bucket("destination")
        ran = tool.copy(f"{source}{path}", f"{destination}{to}", copied=2)
        assert SUMMARY.fullmatch(ran.last), ran
        assert destination.keys() == names


def test_lists_of_keys(tool: Tool, source: Bucket, destination: Bucket, tmp_path: Path) -> None:
    source.fill({"p/one": b"1", "p/two": b"2", "p/three": b"3", "one": b"no"})
    (tmp_path / "keys").write_bytes("\ufeff# a comment\r\n\r\none\r\ntwo\none\n".encode())
    tool.copy("-F", "keys", f"{source}/p", destination, copied=2)
    assert destination.contents() == {"one": b"1", "two": b"2"}
    tool.copy("-f", "three", "absent", "-F", "keys", f"{source}/p", destination, status=1, copied=1, up_to_date=2,
              failed=1)
    tool.run("--null", "-F", "-", f"{source}/p", destination, stdin="one\0two\0")
