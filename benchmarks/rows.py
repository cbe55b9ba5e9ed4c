"""What is measured, row by row. Each row is a function; its docstring says what it shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import peers
from benchmarks.measure import Ran, Tools, alternate, cpu, memory, seconds
from benchmarks.synthetic import objects, synthetic
from tests.support.servers import Server, minio, seaweed


@dataclass
class Result:
    """A line of the table.

    Attributes:
        measure: what.
        goal: in words.
        value: what it came to, in words.
        met: whether the goal is reached; None: there is none.
        server: which was used.
        detail: the figures behind it.
        ratio: ours to the goal, 1 and above is good; for the plot. 0: none.
    """

    measure: str
    goal: str
    value: str
    met: bool | None
    server: str
    detail: str
    ratio: float = 0.0


@dataclass
class Bench:
    """How much is measured.

    Attributes:
        rounds: how often each tool runs.
        scale: of the numbers of objects; below 1 for a look.
    """

    rounds: int = 3
    scale: float = 1.0
    notes: list[str] = field(default_factory=list)

    def some(self, count: int) -> int:
        """A number of objects."""
        return max(1000, int(count * self.scale) // 1000 * 1000)


Row = Callable[[Bench], Iterable[Result]]
ROWS: dict[str, Row] = {}


def row(function: Row) -> Row:
    """Makes it a row of the table."""
    ROWS[function.__name__] = function
    return function


def at_least(measure: str, value: float, goal: float, server: str, detail: str) -> Result:
    """A ratio that must not be below a goal."""
    return Result(measure, f">= {goal:g}x", f"{value:.2f}x", value >= goal, server, detail, value / goal)


def at_most(measure: str, value: float, goal: float, server: str, detail: str, unit: str = "") -> Result:
    """A figure that must not be above a goal."""
    return Result(measure, f"<= {goal:g}{unit}", f"{value:.2f}{unit}".replace(".00", ""), value <= goal, server, detail,
                  goal / max(value, 1e-9))


def told(runs: Mapping[str, list[Ran]]) -> str:
    """Medians, in words."""
    return "; ".join(f"{name} {seconds(ran):.1f} s, CPU {cpu(ran):.1f} s, {memory(ran):.0f} MiB"
                     for name, ran in runs.items())


def summary(ran: Ran) -> dict[str, Any]:
    """Of s3copy --json."""
    found: dict[str, Any] = json.loads(next(line for line in reversed(ran.out.splitlines()) if line.startswith("{")))
    return found


def installed(tools: Tools, bench: Bench) -> Tools:
    """Those that are here; of the others a note says so."""
    for name in tools:
        if not tools[name][0]:
            bench.notes.append(f"{name} is not installed here")
    return {name: words for name, words in tools.items() if words[0]}


# ------------------------------------------------------------------ real servers

def _saturate(server: Server, what: str, bucket: str, count: int) -> float:
    """Requests per second of the bare client."""
    words = [sys.executable, "-m", "benchmarks.bare", server.url, what, bucket, str(count), "1024"]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def _cold(bench: Bench, count: int, rounds: int, goal: float, share: bool) -> Iterable[Result]:
    """Copies of many small objects into empty buckets."""
    with seaweed() as server, synthetic() as folder:
        server.client.create_bucket(Bucket="source")
        _saturate(server, "put", "source", count)
        made: list[str] = []
        limits: list[float] = []
        shares: list[float] = []

        def before(tool: str) -> Mapping[str, str]:
            made.append(f"to-{len(made)}")
            server.client.create_bucket(Bucket=made[-1])
            return {"to": made[-1]}

        def after(tool: str, ran: Ran) -> None:
            if tool == "s3copy":
                assert summary(ran)["copied"] == count
                if share:
                    limits.append(_saturate(server, "copy", before("bare")["to"], count // 2))
                    shares.append(count / ran.seconds / limits[-1])

        tools = {"s3copy": peers.s3copy("source", "{to}"), "s5cmd cp": peers.s5cmd_cp("source", "{to}")}
        runs = alternate(tools, peers.environment(server.url, folder.folder), rounds, before, after)
    ours, theirs = runs["s3copy"], runs["s5cmd cp"]
    name = f"cold copy of {count:,} x 1 KiB, against s5cmd cp"
    yield at_least(name, seconds(theirs) / seconds(ours), goal, "SeaweedFS", told(runs))
    yield at_most(f"client CPU an object, of s5cmd's ({count:,})", cpu(ours) / cpu(theirs), 0.7, "SeaweedFS",
                  f"s3copy {cpu(ours) / count * 1000:.3f} ms, its start included; "
                  f"s5cmd {cpu(theirs) / count * 1000:.3f} ms", "x")
    if share:
        start = _start_seconds()
        rates = [count / (ran.seconds - start) / limit for ran, limit in zip(ours, limits, strict=True)]
        yield at_least("share of the server's limit, while copying", sorted(rates)[len(rates) // 2], 0.9, "SeaweedFS",
                       f"bare client {sorted(limits)[len(limits) // 2]:.0f}/s; start of {start:.1f} s not counted; "
                       f"counted: {sorted(shares)[len(shares) // 2]:.2f}x")


def _start_seconds() -> float:
    """Of a run that finds nothing to do."""
    with synthetic() as store:
        store.setup({"source": objects(1), "to": objects(1, newer=True)})
        return seconds(alternate({"s3copy": peers.s3copy("source", "to")}, peers.environment(store.url, store.folder),
                                 3, lambda _: None)["s3copy"])


@row
def cold_50k(bench: Bench) -> Iterable[Result]:
    """50,000 small objects on SeaweedFS."""
    return _cold(bench, bench.some(50_000), bench.rounds, 1.0, True)


@row
def cold_200k(bench: Bench) -> Iterable[Result]:
    """200,000 of them: the start does not matter any more."""
    return _cold(bench, bench.some(200_000), max(1, bench.rounds - 2), 1.1, False)


def _sparse_parts(server: Server, count: int, part: int, parts: int) -> None:
    """Objects of equal parts of zeros, made quickly: the first uploaded, the others copied part by part from it."""
    client = server.client
    zeros = bytes(part)

    def make(key: str, first: bool) -> None:
        upload = client.create_multipart_upload(Bucket="source", Key=key)["UploadId"]
        done: list[Any] = []
        for number in range(1, parts + 1):
            if first:
                etag = client.upload_part(Bucket="source", Key=key, UploadId=upload, PartNumber=number,
                                          Body=zeros)["ETag"]
            else:
                span = f"bytes={(number - 1) * part}-{number * part - 1}"
                etag = client.upload_part_copy(Bucket="source", Key=key, UploadId=upload, PartNumber=number,
                                               CopySource="source/big-00", CopySourceRange=span
                                               )["CopyPartResult"]["ETag"]
            done.append({"PartNumber": number, "ETag": etag})
        client.complete_multipart_upload(Bucket="source", Key=key, UploadId=upload, MultipartUpload={"Parts": done})

    for number in range(count):
        make(f"big-{number:02d}", first=number == 0 or server.name != "minio")


def _large(bench: Bench, server: Server, count: int, size: int, rounds: int, more: bool) -> Iterable[Result]:
    with synthetic() as folder:
        server.client.create_bucket(Bucket="source")
        part = 16 << 20
        _sparse_parts(server, count, part, size // part)
        etags = {item["Key"]: item["ETag"] for item in server.client.list_objects_v2(Bucket="source")["Contents"]}
        kept: dict[str, str] = {}
        made: list[str] = []

        def clear(bucket: str) -> None:
            for item in server.client.list_objects_v2(Bucket=bucket).get("Contents", []):
                server.client.delete_object(Bucket=bucket, Key=item["Key"])

        def before(tool: str) -> Mapping[str, str]:
            if made:
                clear(made[-1])
            made.append(f"to-{len(made)}")
            server.client.create_bucket(Bucket=made[-1])
            return {"to": made[-1]}

        def after(tool: str, ran: Ran) -> None:
            found = {item["Key"]: item["ETag"] for item in server.client.list_objects_v2(Bucket=made[-1])["Contents"]}
            assert found.keys() == etags.keys(), tool
            kept[tool] = "keeps the ETags" if found == etags else "does not keep the ETags"

        tools = {"s3copy": peers.s3copy("source", "{to}"), "s5cmd cp": peers.s5cmd_cp("source", "{to}")}
        if more:
            tools |= {"rclone": peers.rclone("source", "{to}", "--multi-thread-streams", "16"),
                      "aws": peers.aws("source", "{to}")}
        runs = alternate(installed(tools, bench), peers.environment(server.url, folder.folder), rounds, before, after)
    best = min((name for name in runs if name != "s3copy"), key=lambda name: seconds(runs[name]))
    detail = "; ".join(f"{told({name: ran})}, {kept[name]}" for name, ran in runs.items())
    yield at_least(f"{count} x {size >> 20} MiB in parts of 16 MiB, against the best ({best})",
                   seconds(runs[best]) / seconds(runs["s3copy"]), 1.0, server.name, detail)


@row
def large_minio(bench: Bench) -> Iterable[Result]:
    """Multipart objects on MinIO; fewer than 64, for it keeps every byte."""
    with minio() as server:
        yield from _large(bench, server, 12 if bench.scale >= 1 else 2, 256 << 20, max(1, bench.rounds - 1), True)


@row
def large_seaweed(bench: Bench) -> Iterable[Result]:
    """The same on SeaweedFS."""
    with seaweed() as server:
        yield from _large(bench, server, 12 if bench.scale >= 1 else 2, 256 << 20, max(1, bench.rounds - 1), True)


@row
def one_gib_minio(bench: Bench) -> Iterable[Result]:
    """One object of 1 GiB: parts of one object at the same time."""
    with minio() as server:
        yield from _large(bench, server, 1, 1 << 30, bench.rounds, False)
