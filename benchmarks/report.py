"""The table and the plot, made of results.json: rows that were not measured this time stay."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.rows import Result

RESULTS = Path(__file__).parent / "results"


def keep(name: str, results: list[Result], notes: list[str], load: float) -> None:
    """Puts one row's results beside the others."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "results.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    known[name] = {"results": [asdict(result) for result in results], "notes": sorted(set(notes)),
                   "load": round(load, 1), "date": time.strftime("%Y-%m-%d")}
    file.write_text(json.dumps(known, indent=1) + "\n")


def write(order: list[str]) -> None:
    """Writes table.md and plot.png."""
    known = json.loads((RESULTS / "results.json").read_text())
    names = [name for name in order if name in known]
    lines = [f"Measured by `python -m benchmarks.run` on {platform.machine()}, 2 cores that servers and tools share; "
             f"Python {platform.python_version()}. Load is that of the machine when the row began.", "",
             "| | measure | goal | measured | server | figures | load |", "|---|---|---|---|---|---|---|"]
    notes: list[str] = []
    for name in names:
        for one in known[name]["results"]:
            mark = {True: "yes", False: "**no**", None: ""}[one["met"]]
            lines.append(f"| {mark} | {one['measure']} | {one['goal']} | **{one['value']}** | {one['server']} | "
                         f"{one['detail']} | {known[name]['load']} |")
        notes += known[name]["notes"]
    lines += ["", *(f"- {note}" for note in sorted(set(notes))), ""]
    (RESULTS / "table.md").write_text("\n".join(lines))
    _plot([one for name in names for one in known[name]["results"] if one["ratio"]])


def _plot(results: list[dict[str, Any]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    results = results[::-1]
    figure, axes = pyplot.subplots(figsize=(11, 0.42 * len(results) + 1.2))
    places = range(len(results))
    axes.barh(places, [min(one["ratio"], 10) for one in results],
              color=["#2a7f62" if one["met"] else "#b5482f" for one in results])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(places, [one["measure"] for one in results], fontsize=8)
    for place, one in zip(places, results, strict=True):
        axes.text(min(one["ratio"], 10), place, f" {one['value']} ({one['goal']})", va="center", fontsize=8)
    axes.set_xlim(0, 12)
    axes.set_xlabel("how far beyond the goal (1: just reached; cut at 10)")
    figure.tight_layout()
    figure.savefig(RESULTS / "plot.png", dpi=110)
