"""The wheel that travels with a job can be installed, wherever its description was found."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest

from s3copy_beam.command import staging


def beside_a_checkout(folder: Path) -> Distribution:
    """As setuptools leaves it there; found before what is installed by a process that starts in that folder."""
    info = folder / "s3copy_beam.egg-info"
    info.mkdir()
    found = distribution("s3copy_beam")
    (info / "PKG-INFO").write_text(found.read_text("METADATA") or found.read_text("PKG-INFO") or "", "utf-8")
    return PathDistribution(info)


@pytest.mark.parametrize("checkout", [False, True])
def test_the_wheel_can_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: bool) -> None:
    if checkout:
        made = beside_a_checkout(tmp_path)
        monkeypatch.setattr(staging, "distribution", lambda name: made)
    wheel, place = staging.write_wheel(tmp_path), tmp_path / "place"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", place,
                    wheel], check=True, cwd=tmp_path)
    assert (place / "s3copy_beam" / "pipeline.py").is_file()
    installed = next(iter(Distribution.discover(name="s3copy_beam", path=[str(place)])))
    assert installed.version == distribution("s3copy_beam").version
    assert any(line.startswith("apache-beam") for line in installed.requires or ())
