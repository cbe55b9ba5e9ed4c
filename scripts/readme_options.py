"""Writes the README's table of options from the one table that the parser and --help are made from.

    python scripts/readme_options.py           writes it
    python scripts/readme_options.py --check   exits with 1 where it is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path

from s3copy_beam.command.table import GROUPS, Option

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- options: made by scripts/readme_options.py -->", "<!-- end of options -->"


def table() -> str:
    """All options as a Markdown table, in their groups."""
    lines = ["| option | meaning |", "|---|---|"]
    for title, options in GROUPS.items():
        lines.append(f"| **{title}** | |")
        lines += map(_row, options)
    return "\n".join(lines)


def _row(option: Option) -> str:
    value = f" {option.metavar}" if option.metavar else ""
    flags = ", ".join(f"`{flag}`" for flag in option.flags)
    choices = f": {', '.join(f'`{choice}`' for choice in option.choices)}" if len(option.choices) > 1 else ""
    return f"| {flags}{value} | {option.help}{choices} |"


def updated(text: str) -> str:
    """The README with its table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    """Writes or checks."""
    text = README.read_text("utf-8")
    new = updated(text)
    if "--check" in sys.argv[1:]:
        return int(new != text)
    README.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
