"""A launcher: the same copy, started with pipeline options alone."""

from __future__ import annotations

from collections.abc import Sequence

from s3copy_beam.command import beam_flags
from s3copy_beam.command.hide import hide
from s3copy_beam.command.parser import UsageError, parse
from s3copy_beam.command.run import carry_out, guarded
from s3copy_beam.command.screen import Screen
from s3copy_beam.command.signals import Signals


def launch(argv: Sequence[str]) -> int:
    """Runs the pipeline that the words describe.

    Args:
        argv: pipeline options, ours (``--source``, ``--destination``, all of the command's long ones) and Beam's.

    Returns:
        The exit status, as the command's.
    """
    hide(argv)
    return guarded(lambda screen, signals: _launch(argv, screen, signals))


def _launch(argv: Sequence[str], screen: Screen, signals: Signals) -> int:
    from s3copy_beam.command.beam_options import SETTINGS

    if key := next((word[:2] for word in argv if word.startswith(("-a", "-k"))), ""):
        raise UsageError(f"{key}: keys are no pipeline option, others could read them: have workers find credentials "
                         "(--config_file with a file there, --profile, a role)")
    given = parse(argv, beam_flags.beam_options, SETTINGS, paths=False)
    for option in SETTINGS[:2]:
        if option.dest in given.values:
            given.paths.append(given.values[option.dest])
    if "source" not in given.values:
        raise UsageError("--source is missing: s3://BUCKET[/PATH]")
    if any(word.startswith("--template_location=") for word in given.beam):
        given.values["detach"] = True  # Dataflow's launcher: a template is written, or a job begun, and nobody waits
    shown = [f"{option.long}={text}" for option in SETTINGS for text in given.texts.get(option.dest, ())]
    return carry_out(given, screen, signals, shown)
