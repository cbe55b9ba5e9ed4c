"""The text of ``--help``, from the table of options."""

from __future__ import annotations

import textwrap

from s3copy_beam.command.table import GROUPS, Option, Takes

USAGE = "s3copy [options] s3://SOURCE-BUCKET[/PATH] [s3://DESTINATION-BUCKET[/PATH]]"
_INTRO = """\
Copies what is below the source path, server-side, and only what is not there already: run it again to go on after an
interruption, or to bring over what is new."""
_PATHS = """\
  s3://b/a/b     the key a/b and all below a/b/, named b/...        s3://b       all keys
  s3://b/a/b/*   all below a/b/, named without a/b/                 s3://b/a/b*  all that start with a/b, named b...
  The destination left out: temp/dest/ of the same bucket. The paths may stand before, between and after options."""
_REST = """\
SIZE: 67108864, 64M or 64MiB. Beam's own options (--runner, --flink_master, --temp_location, ...) are taken too; what
only a job server knows goes after --. Exit status: 0 done, 1 something failed, 2 wrong usage, 130/143 interrupted."""
_COLUMN, _WIDTH = 30, 118


def help_text(usage: str = USAGE) -> str:
    """All options, in their groups."""
    parts = [f"usage: {usage}", _INTRO, _PATHS]
    for title, options in GROUPS.items():
        parts.append("\n".join([f"{title}:", *map(_lines, options)]))
    return "\n\n".join([*parts, _REST])


def _lines(option: Option) -> str:
    metavar = {Takes.NOTHING: "", Takes.MAYBE: f" [{option.metavar}]", Takes.MANY: f" {option.metavar} ..."}.get(
        option.takes, f" {option.metavar}")
    names = f"  {', '.join(option.flags)}{metavar}"
    text = f"{option.help}: {', '.join(option.choices)}" if len(option.choices) > 1 else option.help
    wrapped = textwrap.wrap(text, _WIDTH - _COLUMN, break_on_hyphens=False, break_long_words=False)
    if len(names) < _COLUMN - 1:
        names = names.ljust(_COLUMN) + wrapped.pop(0)
    return "\n".join([names, *(" " * _COLUMN + line for line in wrapped)])
