"""The README says what the command does: its table of options is the parser's, its files are there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_its_options_are_those_of_the_parser() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import readme_options
    finally:
        sys.path.pop(0)
    assert readme_options.updated(README) == README, "run scripts/readme_options.py"


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
