"""Two runs of one command at once: `python -m tests.faults.pairs [--pairs 50] [--server minio] [--seed 1]`.

The second begins 0 to 5 s after the first. Both must end with 0, every object must be right, no upload may be left.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.nursery import Nursery
from tests.faults.scene import SETTINGS, Scene
from tests.support.buckets import Bucket
from tests.support.proxy import Proxy
from tests.support.servers import Servers


def run_pair(scene: Scene, nursery: Nursery, folder: Path, gap: float) -> str:
    """One pair; what both said.

    Raises:
        AssertionError: something is wrong.
    """
    scene.empty_destination()
    with Proxy(scene.server.url) as proxy:
        proxy.delay("UploadPartCopy", 0.15, times=None)  # so that the runs meet
        proxy.delay("CopyObject", 0.05, times=None)
        words = (*SETTINGS, "--json", "-t", "4", scene.source, scene.destination)
        one = nursery.start(proxy.url, folder, *words)
        time.sleep(gap)
        met = not one.ended.is_set()
        two = nursery.start(proxy.url, folder, *words)
        rans = [child.wait().expect(0).counted(failed=0, vanished=0) for child in (one, two)]
        scene.check_done()
        nursery.start(proxy.url, folder, *words).wait().expect(0).counted(copied=0, failed=0)
    said: Sequence[int] = [ran.summary["copied"] for ran in rans]
    return f"{gap:.1f} s apart{'' if met else ' (the first had ended)'}: copied {said[0]} and {said[1]}"


def main() -> int:
    """Runs them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--server", default="minio")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    dice = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name, contextlib.closing(Servers()) as servers:
        folder = Path(name)
        server = servers.get(given.server)
        made = [Bucket(server.client, f"{side}-pairs") for side in ("source", "destination")]
        for bucket in made:
            server.client.create_bucket(Bucket=bucket.name)
        scene = Scene(server, made[0], made[1], folder / "report.jsonl")
        scene.fill()
        with Nursery(folder) as nursery:
            for number in range(given.pairs):
                print(number + 1, run_pair(scene, nursery, folder, dice.uniform(0, 5)), flush=True)
    print(f"{given.pairs} pairs: both ended with 0, every object was right, no upload of ours was left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
