"""The launcher's pipeline options, in a process of their own: defining them changes what Beam's parser knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import json, sys
from apache_beam.options.pipeline_options import PipelineOptions
from s3copy_beam.command.beam_flags import beam_options
before, dests = set(beam_options()), {a.dest for a in beam_options().values()}
import s3copy_beam.command.launcher
unchanged = len(PipelineOptions.__subclasses__())
from s3copy_beam.command.beam_options import CopyBucketOptions, SETTINGS
mine = {f"s3copy_{s.dest}" for s in SETTINGS}
options = PipelineOptions(["--source=s3://a", "--dry-run", "--acl-grant=READ:id=x", "--acl-grant=READ:id=y",
                           "--region=here", "--dry_run=True", "--request-payer"])
view = options.view_as(CopyBucketOptions)
print(json.dumps({
    "collisions": sorted(mine & dests) + sorted({s.long for s in SETTINGS} & before),
    "seen": [view.s3copy_source, view.s3copy_dry_run, view.s3copy_acl_grant, view.s3copy_request_payer],
    "literal": [s.long for s in SETTINGS if not s.long.startswith("--")],
    "defined_by_import_of_launcher": unchanged - int(sys.argv[1]),
    "unset": view.s3copy_json,
    "all": "s3copy_source" in options.get_all_options(),
}))
"""
COUNT = ("from apache_beam.options.pipeline_options import PipelineOptions; import s3copy_beam, s3copy_beam.pipeline; "
         "print(len(PipelineOptions.__subclasses__()), "
         "sum(c.__module__.startswith('s3copy_beam') for c in PipelineOptions.__subclasses__()))")


def python(code: str, *args: str) -> str:
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True).stdout


def test_settings_are_pipeline_options_that_collide_with_none_of_beam():
    total, ours = python(COUNT).split()
    assert ours == "0", "importing the library defines options"
    assert json.loads(python(CODE, total)) == {
        "collisions": [], "seen": ["s3://a", "true", ["READ:id=x", "READ:id=y"], "requester"], "literal": [],
        "defined_by_import_of_launcher": 0, "unset": None, "all": True,
    }


@pytest.mark.parametrize(("words", "status", "said"), [
    (["-khunter2/x"], 2, "-k: no pipeline option"),
    (["-k", "hunter2"], 2, "-k: no pipeline option"),
    (["-a=hunter2"], 2, "-a: no pipeline option"),
    (["--help"], 0, "usage: copy_bucket.py --source"),
    (["--version"], 0, "apache-beam"),
])
def test_what_is_no_setting_of_the_launcher(words, status, said):
    launcher = str(Path(__file__).parents[2] / "pipelines" / "copy_bucket.py")
    words = [sys.executable, launcher, "--source=s3://a", "--destination=s3://b", *words]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == status
    text = ran.stderr if status else ran.stdout
    assert said in text
    assert "hunter2" not in ran.stdout + ran.stderr
    assert not status or text.count("\n") == 1
