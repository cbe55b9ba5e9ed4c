"""The kill run: `python -m tests.faults.kills [--kills 100] [--server minio] [--seed 1]`.

Runs are killed (kill -9) at random times, one after another on the same destination, until one comes to its end; then
a third run must find nothing to do. At each kill, all that is visible must be right; no part may be copied twice
unless it was in flight.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.faults.nursery import Nursery
from tests.faults.scene import LARGE, SETTINGS, Scene
from tests.support.buckets import Bucket
from tests.support.proxy import Proxy
from tests.support.servers import Servers

PART_SECONDS = 0.25
"""Each part takes so long, so that some are in flight when a kill comes."""


class Kills:
    """Counts of a kill run.

    Attributes:
        kills: runs that were killed; `flying` of them with parts in flight.
        twice: parts that were copied again although an earlier run had copied them; at most `in_flight` may be.
    """

    def __init__(self, scene: Scene, folder: Path, seed: int) -> None:
        self.scene, self.folder, self.dice = scene, folder, random.Random(seed)
        self.kills = self.flying = self.twice = self.in_flight = self.rounds = self.finished = 0

    def round(self, nursery: Nursery, most: int) -> None:
        """Kills up to `most` runs of one copy, then lets it end.

        Raises:
            AssertionError: something is wrong.
        """
        scene = self.scene
        scene.empty_destination()
        self.rounds += 1
        with Proxy(scene.server.url) as proxy:
            proxy.delay("UploadPartCopy", PART_SECONDS, times=None)
            proxy.delay("CopyObject", 0.05, times=None)
            words = (*SETTINGS, "--json", "-t", "6", scene.source, scene.destination)
            copied = Counter[tuple[str, str]]()
            for _ in range(most):
                running = nursery.start(proxy.url, self.folder, *words)
                self._sleep_until_random(proxy, running.ended.is_set)
                flying = proxy.in_flight["UploadPartCopy"]
                if running.ended.is_set():
                    self.finished += 1
                    break
                running.kill()
                self.kills += 1
                self.flying += flying > 0
                self.in_flight += flying
                time.sleep(PART_SECONDS)  # what the server was at is done now
                copied += self._parts(proxy)
                scene.check()
            end = nursery.start(proxy.url, self.folder, *words).wait().expect(0).counted(failed=0, uploads_left=0)
            copied += self._parts(proxy)
            scene.check_done()
            nursery.start(proxy.url, self.folder, *words).wait().expect(0).counted(copied=0, failed=0)
            # a version whose upload was unmarked when it was killed is begun anew: its parts are none yet
            self.twice += sum(count - 1 for count in copied.values())
            assert end.summary["parts_reused"] <= sum(copied.values())

    def _sleep_until_random(self, proxy: Proxy, ended: Callable[[], bool]) -> None:
        """Until some requests have come by, and a random while more."""
        wanted = self.dice.randint(1, 60)
        deadline = time.monotonic() + 60
        while proxy.count() < wanted and time.monotonic() < deadline and not ended():
            time.sleep(0.01)
        time.sleep(self.dice.uniform(0, PART_SECONDS))

    def _parts(self, proxy: Proxy) -> Counter[tuple[str, str]]:
        """Parts that the server copied since the last call."""
        done = Counter((seen.request.key, seen.request.query["partNumber"]) for seen in proxy.seen
                       if seen.request.operation == "UploadPartCopy" and seen.status == 200)
        proxy.seen = []
        return done

    def __str__(self) -> str:
        return (f"{self.kills} kills in {self.rounds} copies, {self.flying} with parts in flight; parts copied twice: "
                f"{self.twice}, in flight at a kill: {self.in_flight}; nothing wrong was visible, each copy was "
                "completed by running it again, and the next run copied nothing")


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--server", default="minio")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.closing(Servers()) as servers:
        folder = Path(name)
        server = servers.get(given.server)
        buckets = [Bucket(server.client, f"{side}-kills") for side in ("source", "destination")]
        for bucket in buckets:
            server.client.create_bucket(Bucket=bucket.name)
        scene = Scene(server, buckets[0], buckets[1], folder / "report.jsonl")
        scene.fill()
        kills = Kills(scene, folder, given.seed)
        with Nursery(folder) as nursery:
            while kills.kills < given.kills:
                kills.round(nursery, min(7, given.kills - kills.kills))
                print(f"{kills.kills} kills, {kills.flying} with parts in flight, {kills.twice} parts copied twice of "
                      f"{kills.in_flight} in flight", flush=True)
        print(kills)
        assert kills.twice <= kills.in_flight, "more parts were copied twice than were in flight"
        assert len(LARGE) == 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
