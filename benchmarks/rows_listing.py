"""What is measured of listings and comparisons, of memory, and of the start."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from benchmarks import peers
from benchmarks.measure import Ran, alternate, cpu, memory, seconds
from benchmarks.rows import Bench, Result, at_least, at_most, installed, row, summary, told
from benchmarks.synthetic import Synthetic, objects, synthetic


def _rerun(bench: Bench, store: Synthetic, count: int, rounds: int, delay: float, s3sync: bool) -> dict[str, list[Ran]]:
    def before(tool: str) -> None:
        store.setup({"source": objects(count), "to": objects(count, newer=True)}, delay={"list": delay})

    def after(tool: str, ran: Ran) -> None:
        requests = store.stats()["requests"]
        assert not requests["copy"], tool
        if tool == "s3copy":
            assert summary(ran)["up_to_date"] == count
            bench.notes.append(f"{count:,} keys a side, {delay:g} ms a page: s3copy sent {requests['list']} listings")

    tools: dict[str, list[str]] = {"s3copy": peers.s3copy("source", "to"),
                                   "s5cmd sync": peers.s5cmd_sync("source", "to", "--size-only")}
    if s3sync:
        tools["s3sync"] = peers.s3sync("source", "to", store.url)
    return alternate(installed(tools, bench), peers.environment(store.url, store.folder), rounds, before, after)


def _rerun_row(bench: Bench, count: int, rounds: int, goal: float) -> Iterable[Result]:
    with synthetic() as store:
        runs = _rerun(bench, store, count, rounds, 0, True)
    ours = runs["s3copy"]
    name = f"rerun, nothing changed, {count:,} keys"
    yield at_least(f"{name}, against s5cmd sync", seconds(runs["s5cmd sync"]) / seconds(ours), goal, "synthetic",
                   told(runs))
    if "s3sync" in runs:
        theirs = runs["s3sync"]
        yield at_least(f"{name}, against s3sync", seconds(theirs) / seconds(ours), 1.0, "synthetic", told(runs))
        yield at_most(f"{name}, memory, of s3sync's", memory(ours) / memory(theirs), 0.34, "synthetic", told(runs), "x")
    yield at_most(f"peak memory, {count:,} keys compared", memory(ours), 300, "synthetic", told({"s3copy": ours}),
                  " MiB")


@row
def rerun_200k(bench: Bench) -> Iterable[Result]:
    """Both listings of 200,000 keys."""
    return _rerun_row(bench, bench.some(200_000), bench.rounds, 3)


@row
def rerun_1m(bench: Bench) -> Iterable[Result]:
    """Both listings of 1,000,000 keys."""
    return _rerun_row(bench, bench.some(1_000_000), max(1, bench.rounds - 1), 5)


@row
def rerun_1m_slow(bench: Bench) -> Iterable[Result]:
    """The same with 100 ms for each page: pages are fetched ahead, in ranges."""
    count = bench.some(1_000_000)
    with synthetic() as store:
        runs = _rerun(bench, store, count, max(1, bench.rounds - 2), 100, False)
    yield at_least(f"rerun of {count:,} keys, 100 ms a page, against s5cmd sync",
                   seconds(runs["s5cmd sync"]) / seconds(runs["s3copy"]), 5, "synthetic", told(runs))


@row
def sparse(bench: Bench) -> Iterable[Result]:
    """Ten source keys over a destination of a million."""
    with synthetic() as store:
        requests: dict[str, Any] = {}

        def after(tool: str, ran: Ran) -> None:
            requests.update(store.stats()["requests"])

        runs = alternate(
            {"s3copy": peers.s3copy("source", "to")}, peers.environment(store.url, store.folder), 1,
            lambda _: store.setup({"source": objects(10, folders=10), "to": objects(1_000_000, newer=True)}), after)
        done = summary(runs["s3copy"][0])
    yield at_most("ten source keys into 1,000,000 destination keys: requests", done["requests"], 50, "synthetic",
                  f"{done['copied']} copied, {done['up_to_date']} up to date; {requests}")


@row
def memory_cold(bench: Bench) -> Iterable[Result]:
    """Peak memory of copying, as a function of keys; and of several processes."""
    with synthetic() as store:
        env = peers.environment(store.url, store.folder)
        peaks, figures = [], []
        for count in (bench.some(50_000), bench.some(200_000)):
            ran = alternate({"s3copy": peers.s3copy("source", "to")}, env, 1,
                            lambda _, count=count: store.setup({"source": objects(count), "to": {}}))["s3copy"]  # type: ignore[misc]
            assert summary(ran[0])["copied"] == count
            peaks.append(memory(ran))
            figures.append(f"{count:,}: {peaks[-1]:.0f} MiB, {seconds(ran):.1f} s, CPU {cpu(ran):.1f} s")
    yield at_most("peak memory, 200,000 keys copied", peaks[-1], 300, "synthetic", "; ".join(figures), " MiB")


@row
def processes(bench: Bench) -> Iterable[Result]:
    """Several processes on one machine."""
    count = bench.some(100_000)
    several = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    with synthetic() as store:
        def after(tool: str, ran: Ran) -> None:
            done, stats = summary(ran), store.stats()
            assert (done["copied"], stats["objects"]) == (count, count), (tool, done)

        runs = alternate({"one process": peers.s3copy("source", "to"),
                          "two processes": peers.s3copy("source", "to", *several)},
                         peers.environment(store.url, store.folder), max(1, bench.rounds - 1),
                         lambda _: store.setup({"source": objects(count), "to": {}}), after)
    gain = seconds(runs["one process"]) / seconds(runs["two processes"])
    yield Result(f"two processes (multi_processing) against one, {count:,} copies", "same results", f"{gain:.2f}x",
                 True, "synthetic", told(runs))


@row
def start(bench: Bench) -> Iterable[Result]:
    """From the command to its first copy."""
    with synthetic() as store:
        firsts: list[float] = []
        alternating = {"s3copy": peers.s3copy("source", "to"),
                       "import apache_beam": [sys.executable, "-c", "import apache_beam"]}

        def after(tool: str, ran: Ran) -> None:
            if tool == "s3copy":
                firsts.append(store.stats()["first"] - ran.began)

        runs = alternate(alternating, peers.environment(store.url, store.folder), 3 * bench.rounds,
                         lambda _: store.setup({"source": objects(1), "to": {}}), after)
    first = sorted(firsts)[len(firsts) // 2]
    beyond = cpu(runs["s3copy"]) - cpu(runs["import apache_beam"])
    yield at_most("start to first copy, one object", first, 2.5, "synthetic", told(runs), " s")
    yield at_most("CPU of one object, beyond Python and Beam's import", beyond, 1.0, "synthetic", told(runs), " s")
