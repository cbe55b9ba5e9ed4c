"""One parser for our options and Beam's: each word is an option, the value of one, or a path.

Beam's own parser drops what it does not know, and two parsers, one after the other, take the value of an option for a
path (``--temp_location s3://tmp s3://a s3://b``). So words are told apart here, by one table of all options. Beam is
imported only where a word may be one of its options; argparse checks the values of these.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from s3copy_beam.command.table import OPTIONS, PEERS, Option, Takes

ENDS = {"help", "version"}
"""Options that end the reading of a command line: what stands behind does not matter."""


_OURS_FIRST = 0.15
"""By how much an option of Beam must be more like an unknown one than ours to be named."""


class UsageError(ValueError):
    """A wrong call: one line for people, exit status 2."""


@dataclass
class Arguments:
    """A command line, understood.

    Attributes:
        paths: SOURCE and DESTINATION, as far as given.
        values: what our options were given, by `Option.dest`; only those that were given.
        texts: the same as they were typed; not of credentials.
        given: the spelling that each was given by, for messages.
        beam: Beam's options, as ``--option=value``.
        server: what stood after ``--``: for a job server.
    """

    paths: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    beam: list[str] = field(default_factory=list)
    server: list[str] = field(default_factory=list)

    def get(self, dest: str, default: Any = None) -> Any:
        """The value of an option of ours, or the default."""
        return self.values.get(dest, default)


BeamOptions = Callable[[], Mapping[str, argparse.Action]]
"""Gives Beam's options by their spelling; called only where one may be meant: it imports Beam."""


def parse(argv: Sequence[str], beam_options: BeamOptions, options: Sequence[Option] = OPTIONS,
          paths: bool = True) -> Arguments:
    """Understands a command line.

    Args:
        argv: the words after the program's name.
        beam_options: see BeamOptions.
        options: ours.
        paths: words that are no options are SOURCE and DESTINATION; else they are errors, and options that take no
            value may have one of ``true`` and ``false`` (launchers and templates).

    Raises:
        UsageError: the call is wrong.
    """
    return _Reader(argv, beam_options, options, paths).read()


class _Reader:
    def __init__(self, argv: Sequence[str], beam_options: BeamOptions, options: Sequence[Option], paths: bool):
        self.words = list(argv)
        self.beam_options, self.paths = beam_options, paths
        self.ours = {flag: option for option in options for flag in option.flags}
        self.result = Arguments()

    def read(self) -> Arguments:
        result = self.result
        while self.words and not ENDS & result.values.keys():
            word = self.words.pop(0)
            if word == "--":
                result.server, self.words = self.words, []
            elif len(word) > 1 and word.startswith("-"):
                self.option(word)
            else:
                self.path(word)
        return result

    def path(self, word: str) -> None:
        if not self.paths:
            raise UsageError(f"{word!r} is no option; paths are given by --source and --destination")
        if len(self.result.paths) == 2:
            raise UsageError(f"{word!r} is a third path: SOURCE and DESTINATION are "
                             f"{self.result.paths[0]!r} and {self.result.paths[1]!r}")
        self.result.paths.append(word)

    def option(self, word: str) -> None:
        name, equals, inline = word.partition("=")
        value = inline if equals else None
        if option := self.find(name):
            self.ours_given(option, name, value)
        elif not word.startswith("--") and (option := self.find(word[:2])):
            rest = word[2:].removeprefix("=")
            if option.takes is Takes.NOTHING:  # -nv
                self.ours_given(option, word[:2], None)
                self.words.insert(0, "-" + rest)
            else:  # -t4
                self.ours_given(option, word[:2], rest)
        elif name in PEERS:
            raise UsageError(f"{name}: {PEERS[name]}")
        elif name.startswith("--") and (action := self.beam_options().get(name)):
            self.beams_given(action, name, value)
        else:
            raise UsageError(self.unknown(name))

    def find(self, name: str) -> Option | None:
        """Ours, also where only `_` and `-` differ: Beam's `--dry_run` must never copy."""
        return self.ours.get(name) or (self.ours.get(name.replace("_", "-")) if name.startswith("--") else None)

    def unknown(self, name: str) -> str:
        ours = [flag for flag in self.ours if flag.startswith("--")]
        stem, beams = name.replace("_", "-"), list(self.beam_options())
        spelled = [flag for flag in beams if flag.replace("_", "-") == stem]
        begun = [flag for known in (spelled, ours, beams) for flag in known
                 if len(stem) > 4 and flag.startswith((stem, name))]
        if near := begun[0] if begun else _nearest((name, stem), ours, beams):
            return f"{name}: no such option; the nearest is {near}"
        return f"{name}: no such option; see --help"

    # -- values

    def ours_given(self, option: Option, name: str, inline: str | None) -> None:
        result = self.result
        result.given[option.dest] = name
        if option.takes is Takes.NOTHING:
            result.values[option.dest] = on = self.switch(name, inline)
            texts = [str(on).lower()]
        else:
            texts = self.texts(option, name, inline)
            converted = [convert(option, name, text) for text in texts]
            if option.takes in (Takes.MANY, Takes.REPEATED):
                result.values.setdefault(option.dest, []).extend(converted)
                texts = result.texts.get(option.dest, []) + texts
            else:
                result.values[option.dest] = converted[0]
        if not option.literal:
            result.texts[option.dest] = texts

    def texts(self, option: Option, name: str, inline: str | None) -> list[str]:
        """The words that are values of an option."""
        if inline is not None:
            return [inline]
        if option.takes is Takes.MANY:
            return list(self.many(name))
        if option.takes is Takes.MAYBE:
            return [self.words.pop(0) if self.words and self.words[0] in option.choices else option.choices[0]]
        return [self.value(name, option.literal)]

    def beams_given(self, action: argparse.Action, name: str, inline: str | None) -> None:
        if action.nargs == 0 and inline is None:
            self.result.beam.append(name)
            return
        if inline is None and action.nargs == "?" and (not self.words or self.words[0].startswith(("-", "s3://"))):
            self.result.beam.append(name)
            return
        if inline is None:
            inline = self.value(name)
        self.result.beam.append(f"{name}={inline}")

    def switch(self, name: str, inline: str | None) -> bool:
        if inline is None:
            return True
        if self.paths or inline.lower() not in ("true", "false"):
            raise UsageError(f"{name}={inline}: {name} takes no value")
        return inline.lower() == "true"

    def value(self, name: str, literal: bool = False) -> str:
        if not self.words or not literal and self.ends_values(self.words[0]):
            raise UsageError(f"{name}: its value is missing" + (
                f" (one that begins with - is given as {name}=-...)" if self.words else ""))
        return self.words.pop(0)

    def many(self, name: str) -> Iterator[str]:
        yield self.value(name) if self.words and not self.words[0].startswith("s3://") else self.missing(name)
        while self.words and not self.words[0].startswith("s3://") and not self.ends_values(self.words[0]):
            yield self.words.pop(0)

    def missing(self, name: str) -> NoReturn:
        raise UsageError(f"{name}: its value is missing")

    @staticmethod
    def ends_values(word: str) -> bool:
        """Whether a word cannot be a value: it is an option. Negative numbers are values (and then wrong ones)."""
        return len(word) > 1 and word.startswith("-") and not re.match(r"-\.?\d", word)


def _nearest(spellings: Sequence[str], ours: Sequence[str], beams: Sequence[str]) -> str:
    """The option that is most like one of these spellings; ours, unless one of Beam's clearly is; empty: none is."""
    found = [(_likeness(spelling, flag) + extra, flag) for flags, extra in ((ours, _OURS_FIRST), (beams, 0.0))
             for spelling in spellings for flag in difflib.get_close_matches(spelling, flags, 1)]
    return max(found, default=(0.0, ""), key=lambda each: each[0])[1]


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, one).ratio()


def convert(option: Option, name: str, text: str) -> Any:
    """The value of an option; UsageError names the option as it was given, and the value unless it is a secret."""
    try:
        return option.convert(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{name}: {'the value cannot be used' if option.literal else error}") from None
