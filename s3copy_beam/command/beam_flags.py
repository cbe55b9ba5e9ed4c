"""Beam's own options: which there are, and whether their values are right. Importing Beam takes a second: lazily."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from s3copy_beam.command.parser import UsageError


class _Parser(argparse.ArgumentParser):
    """What Beam's option classes add their arguments to; keeps them by their spelling."""

    def __init__(self) -> None:
        super().__init__(add_help=False, allow_abbrev=False, conflict_handler="resolve")
        self.known: dict[str, argparse.Action] = {}

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        action = super().add_argument(*names, **settings)
        self.known.update(dict.fromkeys(action.option_strings, action))
        return action

    def add_value_provider_argument(self, *names: Any, **settings: Any) -> None:
        """Beam's own extension of argparse: the value may be given later."""
        self.add_argument(*names, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "))


@functools.cache
def _parser() -> _Parser:
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = _Parser()
    for cls in _subclasses(PipelineOptions):
        if "_add_argparse_args" in cls.__dict__ and not cls.__module__.startswith("s3copy_beam."):
            cls._add_argparse_args(parser)
    return parser


def _subclasses(cls: Any) -> Iterator[Any]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def beam_options() -> dict[str, argparse.Action]:
    """Beam's options by their spelling."""
    return _parser().known


def _check_runner(name: str | None) -> None:
    """Beam says so only when the pipeline is made. A name with dots is somebody's own class."""
    from apache_beam.options.pipeline_options import StandardOptions

    known = StandardOptions.KNOWN_RUNNER_NAMES
    if name and "." not in name and not {name.lower(), f"{name.lower()}runner"} & {each.lower() for each in known}:
        raise UsageError(f"--runner {name}: no such runner; there are {', '.join(sorted(known))}")


def check(words: Sequence[str]) -> argparse.Namespace:
    """The values of Beam's options, given as ``--option=value``; UsageError names one that is wrong."""
    try:
        values = _parser().parse_args(list(words))
        _check_runner(values.runner)
        return values
    except UsageError:
        raise
    except argparse.ArgumentError as error:  # some actions of Beam raise it by themselves
        raise UsageError(str(error)) from None
    except (ValueError, TypeError, AssertionError) as error:
        raise UsageError(f"an option of Beam: {error}") from None
