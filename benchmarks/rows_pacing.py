"""What is measured of pacing: delays, slow tails, limits of the store, connections."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from benchmarks import peers
from benchmarks.measure import Ran, alternate, seconds
from benchmarks.rows import Bench, Result, at_least, at_most, row, told
from benchmarks.synthetic import objects, synthetic

Stats = dict[str, Any]


def _delayed(bench: Bench, tls: bool) -> tuple[dict[str, list[Ran]], list[Stats]]:
    """20,000 objects, 30 ms for each answer, all tools at their defaults."""
    stats: list[Stats] = []
    count = bench.some(20_000)
    with synthetic(tls) as store:
        def after(tool: str, ran: Ran) -> None:
            seen = store.stats()
            assert seen["objects"] == count, tool
            if tool == "s3copy":
                stats.append(seen)
            else:
                print(f"    {tool}: {seen['connections']} connections, peak {seen['peak']}")

        delay = {"copy": 30, "list": 30, "other": 30}
        runs = alternate({"s3copy": peers.s3copy("source", "to"), "s5cmd cp": peers.s5cmd_cp("source", "to")},
                         peers.environment(store.url, store.folder), bench.rounds,
                         lambda _: store.setup({"source": objects(count), "to": {}}, delay=delay), after)
    return runs, stats


@row
def delayed(bench: Bench) -> Iterable[Result]:
    """Latency: what matters is how many requests are in flight."""
    runs, _ = _delayed(bench, tls=False)
    yield at_least("20,000 objects, 30 ms for each answer, defaults, against s5cmd cp",
                   seconds(runs["s5cmd cp"]) / seconds(runs["s3copy"]), 1.0, "synthetic", told(runs))


@row
def delayed_tls(bench: Bench) -> Iterable[Result]:
    """The same over TLS; handshakes are dear."""
    runs, stats = _delayed(bench, tls=True)
    yield at_least("the same over TLS", seconds(runs["s5cmd cp"]) / seconds(runs["s3copy"]), 1.0, "synthetic",
                   told(runs))
    shares = [seen["connections"] / seen["peak"] for seen in stats]
    yield at_most("TLS connections opened, of the peak in flight", median(shares), 1.5, "synthetic",
                  "; ".join(f"{seen['connections']} opened, peak {seen['peak']}" for seen in stats), "x")


@row
def in_flight(bench: Bench) -> Iterable[Result]:
    """How fast concurrency grows: 100 ms a copy, 2 % of them take 10 times as long."""
    reached: list[float] = []
    peaks: list[int] = []
    with synthetic() as store:
        def after(tool: str, ran: Ran) -> None:
            samples = store.stats()["samples"]
            reached.append(next((sample["seconds"] for sample in samples if sample["in_flight"] >= 256), 99.0))
            peaks.append(max(sample["in_flight"] for sample in samples))

        alternate({"s3copy": peers.s3copy("source", "to")}, peers.environment(store.url, store.folder), bench.rounds,
                  lambda _: store.setup({"source": objects(bench.some(20_000)), "to": {}}, delay={"copy": 100},
                                        tail={"share": 0.02, "times": 10}), after)
    yield at_most("100 ms a copy with a slow tail: 256 in flight after", median(reached), 3, "synthetic",
                  f"peak {median(peaks):.0f} in flight; {', '.join(f'{one:.1f}' for one in reached)} s", " s")


def used(samples: list[dict[str, Any]], rates: list[tuple[float, float, float]]) -> float:
    """The share that was used of what a store allowed.

    Args:
        samples: of the endpoint.
        rates: from, until (seconds since the first copy), and copies per second allowed then.
    """
    done = allowed = 0.0
    for begin, end, rate in rates:
        within = [sample for sample in samples if begin <= sample["seconds"] <= end]
        if len(within) > 1:
            done += within[-1]["copied"] - within[0]["copied"]
            allowed += (within[-1]["seconds"] - within[0]["seconds"]) * rate
    return done / allowed if allowed else 0.0


def _ended(samples: list[dict[str, Any]], copies: int) -> float:
    """When the last copy was made, less what the end of a run brings: some are always left over."""
    return next((sample["seconds"] for sample in samples if sample["copied"] >= 0.97 * copies), 0.0)


@row
def throttled(bench: Bench) -> Iterable[Result]:
    """A bucket that takes 1,000 copies a second, and says SlowDown above."""
    count, shares, refused = bench.some(30_000), list[float](), list[float]()
    with synthetic() as store:
        def after(tool: str, ran: Ran) -> None:
            seen = store.stats()
            shares.append(used(seen["samples"], [(0, _ended(seen["samples"], count), 1000)]))
            refused.append(seen["refused"] / seen["requests"]["copy"])

        alternate({"s3copy": peers.s3copy("source", "to")}, peers.environment(store.url, store.folder), bench.rounds,
                  lambda _: store.setup({"source": objects(count), "to": {}}, limit={"rate": 1000},
                                        delay={"copy": 20}), after)
    yield at_least("throttled to 1,000 requests/s: share of it used", median(shares), 0.9, "synthetic",
                   f"{count:,} copies")
    yield at_most("throttled: requests refused", 100 * median(refused), 5, "synthetic", f"{count:,} copies", " %")


@row
def rising(bench: Bench) -> Iterable[Result]:
    """A limit for each of four prefixes that is doubled after a minute."""
    folders, rate, rise = 4, 150.0, 60.0
    count = int(folders * (rate * rise + 2 * rate * 40))
    shares, refused = list[float](), list[float]()
    with synthetic() as store:
        def after(tool: str, ran: Ran) -> None:
            seen = store.stats()
            end = _ended(seen["samples"], count)
            shares.append(used(seen["samples"], [(0, rise, folders * rate), (rise, end, 2 * folders * rate)]))
            refused.append(seen["refused"] / seen["requests"]["copy"])

        alternate({"s3copy": peers.s3copy("source", "to")}, peers.environment(store.url, store.folder), 1,
                  lambda _: store.setup(
                      {"source": objects(count, folders=folders), "to": {}}, delay={"copy": 20},
                      limit={"rate": rate, "folder": True, "rise_to": 2 * rate, "rise_time": rise}), after)
    yield at_least("a limit for each prefix that rises after a minute: share of it used", median(shares), 0.9,
                   "synthetic", f"{count:,} copies in {folders} prefixes, {rate:g}/s each, then twice that; "
                   f"{100 * median(refused):.1f} % refused")
