"""A launcher: the same copy, started with pipeline options alone."""

from __future__ import annotations

from collections.abc import Sequence

from s3copy_beam.command import beam_flags
from s3copy_beam.command.help import help_text
from s3copy_beam.command.hide import hide
from s3copy_beam.command.parser import ENDS, UsageError, parse
from s3copy_beam.command.run import carry_out, guarded, versions
from s3copy_beam.command.screen import Screen
from s3copy_beam.command.signals import Signals
from s3copy_beam.command.streams import open_streams
from s3copy_beam.command.table import OPTIONS

USAGE = "copy_bucket.py --source s3://BUCKET[/PATH] [--destination s3://BUCKET[/PATH]] [options by their long names]"


def launch(argv: Sequence[str]) -> int:
    """Runs the pipeline that the words describe.

    Args:
        argv: pipeline options, ours (``--source``, ``--destination``, all of the command's long ones) and Beam's.

    Returns:
        The exit status, as the command's.
    """
    open_streams()
    return guarded(lambda screen, signals: _launch(argv, screen, signals))


def _launch(argv: Sequence[str], screen: Screen, signals: Signals) -> int:
    from s3copy_beam.command.beam_options import SETTINGS

    hide(argv)
    # Those that are no setting are known too, so that an error does not take a typed key for an option's name.
    given = parse(argv, beam_flags.beam_options, (*SETTINGS[:2], *OPTIONS), paths=False)
    if ENDS & given.values.keys():
        screen.out(help_text(USAGE) if given.get("help") else versions())
        return 0
    for option in OPTIONS:
        if option.literal and option.dest in given.values:
            raise UsageError(f"{option.long}: no pipeline option, because others may see those: use --config-file, "
                             "--profile, the environment or a role")
    for option in SETTINGS[:2]:
        if option.dest in given.values:
            given.paths.append(given.values[option.dest])
    if "source" not in given.values:
        raise UsageError("--source is missing: s3://BUCKET[/PATH]")
    if any(word.startswith("--template_location=") for word in given.beam):
        given.values["detach"] = True  # Dataflow's launcher: a template is written, or a job begun, and nobody waits
    shown = [f"{option.long}={text}" for option in SETTINGS for text in given.texts.get(option.dest, ())]
    return carry_out(given, screen, signals, shown)
