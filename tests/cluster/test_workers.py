"""What only a worker finds out, or only many of them make: said in the summary, or counted, without an engine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from s3copy_beam.command.engine import engine_of, settled
from s3copy_beam.layout import Layout
from s3copy_beam.model import Planned
from s3copy_beam.moving.uploads import Opened, Upload
from s3copy_beam.options import GIB, MIB, Access, CopyOptions, Identity
from s3copy_beam.paths import Area
from s3copy_beam.pipeline import CopyBucket, totals_of
from s3copy_beam.transforms.listing import batches
from s3copy_beam.transforms.multipart import SPREAD, OpenUploads

SIDE = Access("bucket", "http://127.0.0.1:9", "us-east-1")


@pytest.mark.parametrize("layout", ["local", "cluster"])
def test_a_worker_without_credentials_says_so(layout: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Found where the work is: it ends the run with one line (exit status 2), and no bundle is tried for ever."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    side = Access("bucket", "http://127.0.0.1:9", "us-east-1", Identity(profile="nobody-has-this"))
    pipeline = beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([]))
    pipeline | CopyBucket(CopyOptions(side, side, side, areas=(Area(""),), layout=layout, ranges=4, run_id=layout))
    result = pipeline.run()
    result.wait_until_finish()
    totals = totals_of(result)
    assert totals is not None
    assert "nobody-has-this" in totals.fatal
    assert "on the worker" in totals.fatal


def planned(number: int, size: int) -> Planned:
    return Planned(f"one/long/prefix/{number:07}", f"{number}", size, "e" * 32, 0)


def test_batches_are_bounded() -> None:
    options = CopyOptions(SIDE, SIDE, SIDE)
    many = [planned(n, 1) for n in range(10_000)]
    large = [planned(n, GIB) for n in range(100)]
    for objects, most in ((many, options.batch_objects), (large, 5)):
        made = list(batches(objects, options))
        assert [one for batch in made for one in batch.objects] == objects
        sizes = [len(batch.objects) for batch in made]
        assert len(sizes) == -(-len(objects) // most), "as few as can be"
        assert max(sizes) - min(sizes) <= len(sizes)
        assert max(sizes) <= most
        assert all(sum(one.size for one in batch.objects) <= options.batch_bytes for batch in made)


def test_a_giant_becomes_elements_of_one_part() -> None:
    """5 TiB in 10,000 parts: each part an element, so that they can be spread; an object of 64 stays together."""
    step = OpenUploads(CopyOptions(SIDE, SIDE, SIDE, layout="cluster"))
    step.start_bundle()
    giant = Upload(planned(0, 9_999 * 500 * MIB), "id", Layout(9_999 * 500 * MIB, 500 * MIB))
    found = [output for output in step.results(Opened(giant)) if output.tag == SPREAD]
    assert Counter(number for output in found for number in output.value.numbers) == Counter(range(1, 10_000))
    assert max(len(output.value.numbers) for output in found) == 1
    small = giant._replace(planned=planned(1, 64 * MIB), layout=Layout(64 * MIB, MIB))
    whole, = step.results(Opened(small))
    assert whole.tag != SPREAD
    assert whole.value.whole


def test_the_rate_is_divided_among_workers() -> None:
    from s3copy_beam.command.beam_flags import check

    options = CopyOptions(SIDE, SIDE, SIDE, max_requests_per_second=100)
    for words, processes in (
            ([], 1),
            (["--runner=FlinkRunner", "--flink_master=x:1", "--parallelism=8"], 8),
            (["--runner=FlinkRunner", "--flink_master=x:1", "--parallelism=8", "--num_workers=2"], 2),
            (["--runner=FlinkRunner", "--num_workers=2", "--sdk_worker_parallelism=3"], 6),
            (["--runner=PortableRunner", "--job_endpoint=x:1", "--environment_type=LOOPBACK", "--parallelism=8"], 1),
            (["--runner=DataflowRunner", "--num_workers=2", "--max_num_workers=20"], 20),
            (["--direct_running_mode=multi_processing", "--direct_num_workers=4"], 4)):
        engine = engine_of(check(words))
        assert settled(options, engine).max_requests_per_second == 100 / processes, words
