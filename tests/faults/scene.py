"""Two buckets of all kinds of objects, and what must hold of the destination at any time."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.buckets import MIB, Bucket, content
from tests.support.command import Ran
from tests.support.keys import HOSTILE
from tests.support.servers import Server

PLAIN = 30
IN_PARTS = {"large/uniform": [5 * MIB] * 4 + [1], "large/growing": [5 * MIB, 6 * MIB, 7], "large/one": [6 * MIB]}
BIG = "large/whole"
"""Uploaded whole, copied in parts."""
SETTINGS = ("--large-file", "10M", "--part-size", "5M")
LARGE = (*IN_PARTS, BIG)


class Face(NamedTuple):
    """All that a copy must keep."""

    digest: str
    about: dict[str, Any]


@dataclass
class Scene:
    """A source, a destination, and uploads of somebody else's at the destination."""

    server: Server
    source: Bucket
    destination: Bucket
    report: Path
    faces: dict[str, Face] = field(default_factory=dict)
    theirs: set[tuple[str, str]] = field(default_factory=set)

    def fill(self, seed: int = 0) -> None:
        """Fills the source, and begins the uploads of somebody else."""
        source = self.source
        hostile = [key for key in source.holds(HOSTILE[seed % 3::3]) if not key.endswith("/")]
        for number, key in enumerate(hostile[::4]):
            source.put(key, key.encode(), Metadata={"n": str(number)}, Tagging=f"number={number}&t%20=%2B",
                       ContentType="text/x-odd", CacheControl="max-age=7", ContentLanguage="en")
        source.fill({f"small/{n:02}": b"%d" % n * n for n in range(PLAIN)})
        for number, (key, sizes) in enumerate(IN_PARTS.items()):
            source.put_parts(key, [content(size, seed + 10 * number + n) for n, size in enumerate(sizes)],
                             Metadata={"key": key}, ContentType="text/x-large", Tagging="a=1&b=%2F")
        source.put(BIG, content(11 * MIB + 3, seed), Metadata={"big": "1"}, Tagging="c=3", ContentType="text/x-big")
        self.faces = {key: face(source, key) for key in source.listed()}
        for key in ("large/uniform", BIG, "small/00"):
            self.theirs.add((key, self.destination.begin(key, [content(5 * MIB, 99)])))

    def empty_destination(self) -> None:
        """Removes all objects of the destination, and uploads of ours that other rounds left; not those of others."""
        for key in self.destination.listed():
            self.destination.client.delete_object(Bucket=self.destination.name, Key=key)
        for key, upload in self.uploads() - self.theirs:
            self.destination.client.abort_multipart_upload(Bucket=self.destination.name, Key=key, UploadId=upload)

    def uploads(self) -> set[tuple[str, str]]:
        """Unfinished uploads at the destination."""
        return set(self.destination.uploads((*LARGE, "small/00")))

    def marked(self) -> set[tuple[str, str]]:
        """Those of ours: a part 10,000 of the mark's length tells."""
        return {(key, upload) for key, upload in self.uploads() if has_mark(self.destination, key, upload)}

    def check(self) -> set[str]:
        """Every object at the destination is identical; the keys that are absent."""
        there = self.destination.listed()
        assert there.keys() <= self.faces.keys(), there.keys() - self.faces.keys()
        for key in there:
            assert face(self.destination, key) == self.faces[key], f"{key!r} is wrong"
            if self.keeps_etag(key):
                assert there[key][1] == self.source.etag(key), key
        return set(self.faces) - set(there)

    def keeps_etag(self, key: str) -> bool:
        """Whether a copy has its source's ETag."""
        return key != BIG and (self.server.name != "seaweed" or key not in IN_PARTS)

    def check_words(self, ran: Ran, absent: set[str]) -> None:
        """What a run said fits what is absent: 0 only where nothing is, 1 names every object."""
        assert ran.status in (0, 1, 2), ran
        ran.expect(ran.status)
        if ran.status == 0:
            assert not absent, f"{absent} absent after exit 0\n{ran}"
        elif ran.status == 2:
            assert ran.err.count("\n") == 1, ran
        else:
            lines = [json.loads(line) for line in self.report.read_text().splitlines()]
            named = {line["source"] for line in lines if line["outcome"] in ("failed", "vanished", "archived")}
            missing = {key for key in absent if f"{self.source}/{key}" not in named}
            assert not missing or "failed listing" in ran.err or "run the same command" in ran.err, (missing, ran)

    def check_done(self) -> None:
        """All is there, and of uploads only those of others, and those that cannot be told from them."""
        assert self.check() == set()
        left = self.uploads()
        assert left >= self.theirs, "an upload of somebody else is gone"
        assert self.marked() == set(), "uploads of ours are left"


def face(bucket: Bucket, key: str) -> Face:
    """What is compared of an object."""
    about = bucket.look(key)
    about.pop("ContentEncoding", None) if about.get("ContentEncoding") == "aws-chunked" else None
    return Face(hashlib.md5(bucket.read(key)).hexdigest(), about)


def has_mark(bucket: Bucket, key: str, upload: str) -> bool:
    """Whether an upload holds a part 10,000 of our mark's length."""
    from s3copy_beam.moving.mark import MARK_BYTES

    try:
        pages = bucket.client.get_paginator("list_parts").paginate(Bucket=bucket.name, Key=key, UploadId=upload)
        parts = [part for page in pages for part in page.get("Parts", [])]
    except bucket.client.exceptions.NoSuchUpload:
        return False
    return any(part["PartNumber"] == 10_000 and part["Size"] == MARK_BYTES for part in parts)
