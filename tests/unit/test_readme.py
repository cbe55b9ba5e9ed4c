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


def test_its_rows_about_2013_name_tests_that_are_there() -> None:
    """A folder holds for the files that follow it, a file for the tests."""
    folder, text = "", ""
    table = README.partition("| shown by |")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        for place, name in re.findall(r"(\w+(?=/))?/?\b(test_\w+)", row.split("|")[-2]):
            folder = place or folder
            file = ROOT / "tests" / folder / f"{name}.py"
            if file.exists():
                text = file.read_text("utf-8")
            else:
                assert f"def {name}(" in text, row


def test_pages_that_are_named_are_there() -> None:
    """In docs/ and wherever programs, images and manifests point to it."""
    places = [*ROOT.glob("docs/*.md"), *(path for folder in ("deploy", "s3copy_beam", "scripts", "pipelines")
                                         for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".yaml"))]
    named = {name for place in places for name in re.findall(r"docs/\w+\.md", place.read_text("utf-8"))}
    named |= {f"docs/{link}" for page in ROOT.glob("docs/*.md")
              for link in re.findall(r"\]\((\w+\.md)\)", page.read_text("utf-8"))}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
