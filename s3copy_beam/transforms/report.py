"""The report where the work is on many machines: lines are grouped, and each shard is written at once.

Only committed lines get here, so an object is reported once however often its bundle ran.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import apache_beam as beam

from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.urls import open_url

SHARDS = 4
"""Files of ``--report URL/``; each is written by one worker."""


class WriteReport(beam.PTransform):
    """Lines of all steps to the report: one file, or a folder of shards."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, lines: tuple[beam.PCollection[str], ...]) -> beam.PCollection[str]:
        shards = SHARDS if self.options.report.endswith("/") else 1
        keyed = (
            lines
            | "AllLines" >> beam.Flatten()
            | "ByShard" >> beam.Map(_keyed, shards).with_output_types(tuple[int, str])
        )
        # a shard without a line is written, too: what an earlier run left there is replaced
        every = lines[0].pipeline | "EveryShard" >> beam.Create([(shard, "") for shard in range(shards)])
        return (
            (keyed, every)
            | "LinesOfShards" >> beam.Flatten()
            | "GroupByShard" >> beam.GroupByKey()
            | "Write" >> beam.ParDo(WriteShard(self.options, shards)).with_output_types(str)  # none, really
        )


def _keyed(line: str, shards: int) -> tuple[int, str]:
    return zlib.crc32(line.encode()) % shards, line


class WriteShard(beam.DoFn):
    """Writes the lines of one shard; a bundle that runs again writes the same."""

    def __init__(self, options: CopyOptions, shards: int) -> None:
        self.options, self.shards = options, shards

    def process(self, element: tuple[int, Iterable[str]]) -> None:
        shard, lines = element
        url = self.options.report
        if url.endswith("/"):
            url += f"report-{shard:05d}-of-{self.shards:05d}.jsonl"
        with open_url(url, "w", self.options.source) as out:
            out.writelines(f"{line}\n" for line in lines if line)
