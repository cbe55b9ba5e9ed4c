"""The long fault run: `python -m tests.faults.long [--faults 1000] [--servers minio,seaweed,moto] [--seed 1]`.

Rounds of random faults until so many were met, the servers in turn. Ends with one line of counts; a round that goes
wrong is told, with its seed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults.inprocess import Here
from tests.faults.rounds import READ_TIMEOUT, random_faults, run_round
from tests.faults.scene import Scene
from tests.support.buckets import Bucket
from tests.support.proxy import Proxy
from tests.support.servers import Servers


def scene_on(servers: Servers, name: str, folder: Path) -> Scene:
    """Buckets on a server, filled."""
    server = servers.get(name)
    buckets = [Bucket(server.client, f"{side}-long") for side in ("source", "destination")]
    for bucket in buckets:
        server.client.create_bucket(Bucket=bucket.name)
    scene = Scene(server, buckets[0], buckets[1], folder / f"{name}.jsonl")
    scene.fill()
    return scene


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--servers", default="minio,seaweed,moto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1 << 30)
    given = parser.parse_args()
    met, statuses, wrong, began = Counter[str](), Counter[int](), list[str](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Servers()) as servers:
        scenes = [scene_on(servers, name, Path(folder)) for name in given.servers.split(",")]
        for seed in itertools.count(given.seed):
            scene = scenes[seed % len(scenes)]
            if met.total() >= given.faults or seed - given.seed >= given.rounds:
                break
            scene.empty_destination()
            with Proxy(scene.server.url) as proxy:
                here = Here(proxy.url, Path(folder), read_timeout=READ_TIMEOUT)
                try:
                    ran, here_met = run_round(scene, proxy, here, random_faults(proxy, scene, seed))
                except AssertionError as error:
                    wrong.append(f"seed {seed} on {scene.server.name}: {error}")
                    print(f"WRONG {wrong[-1]}", flush=True)
                    continue
            met += here_met
            statuses[ran.status] += 1
            print(f"seed {seed} on {scene.server.name}: {here_met.total()} faults, exit {ran.status}, "
                  f"{ran.seconds:.0f} s; {met.total()} faults so far", flush=True)
    for name, count in sorted(met.items()):
        print(f"{count:5} {name}")
    print(f"{met.total()} faults of {len(met)} kinds in {statuses.total()} rounds ({time.monotonic() - began:.0f} s): "
          + ", ".join(f"exit {status} {count} times" for status, count in sorted(statuses.items()))
          + f"; {len(wrong)} rounds went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
