"""Measures, and writes benchmarks/results: ``python -m benchmarks.run [--rows start,sparse] [--rounds 3]``."""

from __future__ import annotations

import argparse
import os
import subprocess

from benchmarks import report
from benchmarks import rows_listing as _rows_listing  # noqa: F401  its rows
from benchmarks import rows_pacing as _rows_pacing  # noqa: F401  its rows
from benchmarks.measure import Failed
from benchmarks.rows import ROWS, Bench


def main() -> None:
    """Measures the rows that are asked for, one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help="names, with commas between; all: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="how often each tool runs")
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of objects; below 1: results not kept")
    given = parser.parse_args()
    for name in given.rows.split(","):
        bench, load = Bench(given.rounds, given.scale), os.getloadavg()[0]
        print(f"{name} (load {load:.1f})", flush=True)
        try:
            results = list(ROWS[name](bench))
        except (Failed, AssertionError, OSError, subprocess.CalledProcessError) as error:
            print(f"  failed: {error}", flush=True)
            continue
        for one in results:
            print(f"  {'ok' if one.met else 'NO'} {one.measure}: {one.value} ({one.goal}) [{one.detail}]", flush=True)
        for note in bench.notes:
            print(f"  {note}")
        if given.scale >= 1:
            report.keep(name, results, bench.notes, load)
            report.write(list(ROWS))


if __name__ == "__main__":
    main()
