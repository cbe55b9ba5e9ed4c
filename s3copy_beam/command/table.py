"""The options of the command, each once: the parser, ``--help`` and the launcher's pipeline options are made from here.

To add one: a row here, its field in options.CopyOptions, and its line in build.py.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from s3copy_beam.command import values


class Takes(enum.Enum):
    """How many values an option takes."""

    NOTHING = enum.auto()
    ONE = enum.auto()
    MAYBE = enum.auto()
    """One of its choices, or none: the first of them is meant then."""
    MANY = enum.auto()
    """One or more: up to the next option, or to a word that begins with ``s3://``. May be repeated, as REPEATED."""
    REPEATED = enum.auto()
    """One; the values of several add up."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        flags: its spellings.
        help: what it means, for ``--help``.
        convert: makes the value of the text, or raises argparse.ArgumentTypeError.
        literal: a credential itself: no pipeline option, and never shown, not even in an error.
    """

    flags: tuple[str, ...]
    help: str
    takes: Takes = Takes.NOTHING
    metavar: str = ""
    convert: Callable[[str], Any] = values.word
    choices: tuple[str, ...] = ()
    literal: bool = False

    @property
    def long(self) -> str:
        """Its first long spelling, if it has one."""
        return next((flag for flag in self.flags if flag.startswith("--")), self.flags[0])

    @property
    def dest(self) -> str:
        """Its name among the parsed values."""
        return self.long.lstrip("-").replace("-", "_")


def _flag(flags: str, help: str) -> Option:
    return Option(tuple(flags.split()), help)


def _value(flags: str, metavar: str, help: str, convert: Callable[[str], Any] = values.word,
           takes: Takes = Takes.ONE) -> Option:
    return Option(tuple(flags.split()), help, takes, metavar, convert)


def _choice(flags: str, metavar: str, choices: str, help: str, takes: Takes = Takes.ONE) -> Option:
    words = tuple(choices.split("|"))
    return Option(tuple(flags.split()), help, takes, metavar, values.one_of(words), words)


def _literal(flags: str, metavar: str, help: str) -> Option:
    return Option(tuple(flags.split()), help, Takes.ONE, metavar, literal=True)


GROUPS: dict[str, tuple[Option, ...]] = {
    "what is copied": (
        _value("-f --file", "KEY", "keys below the source path, to the same name below the destination path; "
               "the source is not listed", takes=Takes.MANY),
        _value("-p --prefix", "PREFIX", "as if the source path were PATH/PREFIX, for each", takes=Takes.MANY),
        _value("-F --files", "FILE", "keys from a list, one a line: a local file, - (standard input), a URL, or a "
               "report (.jsonl): its failed objects", takes=Takes.REPEATED),
        _value("-P --prefixes", "FILE", "prefixes from a list, likewise", takes=Takes.REPEATED),
        _flag("--null", "names in lists end in NUL, not at a line's end"),
        _value("--dest-prefix", "TEXT", "put behind the destination path, as it is", values.text),
        _flag("--s3-prefixes", "the destination path is put before the names as it is, with no / between"),
        _choice("--compare", "HOW", "auto|etag|checksum|size", "how a destination object is found to be up to date"),
        _flag("--no-overwrite", "what is there is up to date, whatever it is"),
        _flag("--ignore-archived", "archived objects that cannot be read are no reason for exit status 1"),
        _flag("--allow-empty", "nor are paths that name nothing"),
    ),
    "what is done instead": (
        _flag("-n --dry-run", "copy nothing, say what would be copied"),
        _flag("--verify", "compare only; say what is missing, different or unproven"),
        _flag("--abort-uploads", "end unfinished uploads of ours below the destination, copy nothing"),
    ),
    "credentials and endpoints": (
        _literal("-a", "KEY", "access key id; else -c, else the AWS chain, else ~/.s3cfg"),
        _literal("-k", "SECRET", "its secret access key"),
        _value("-c --config-file --config_file", "S3CFG", "credentials and endpoint from a file as s3cmd writes it"),
        _value("-d --dest-config", "S3CFG", "another identity, to list and read the destination only"),
        _value("--profile", "NAME", "profile of the AWS configuration"),
        _value("--dest-profile", "NAME", "like -d, from a profile"),
        _value("--endpoint-url", "URL", "of the store", values.endpoint),
        _value("--dest-endpoint-url", "URL", "of the destination, if it is another", values.endpoint),
        _flag("--same-store", "two endpoints are two doors to one store"),
        _value("--source-region", "REGION", "of the source bucket", values.region),
        _value("--dest-region", "REGION", "of the destination bucket", values.region),
        _flag("--no-sign-request", "send requests without a signature"),
        _choice("--request-payer", "requester", "requester", "pay for the requests oneself", Takes.MAYBE),
    ),
    "what copies get": (
        _value("--storage-class", "CLASS", "default: STANDARD; KEEP: the source's", values.storage_class),
        _choice("--sse", "TYPE", "AES256|aws:kms|aws:kms:dsse", "encryption at the destination"),
        _value("--sse-kms-key-id", "KEY", "key of KMS for --sse aws:kms"),
        _flag("--sse-bucket-key", "use a bucket key for KMS"),
        _choice("--acl", "ACL", "private|public-read|public-read-write|authenticated-read|aws-exec-read|"
                "bucket-owner-read|bucket-owner-full-control", "canned ACL of copies"),
        _value("--acl-grant", "PERMISSION:GRANTEE", "FULL_CONTROL, READ, READ_ACP or WRITE_ACP to an e-mail address, "
               "id=... or uri=...; may be repeated", values.grant, Takes.REPEATED),
        _flag("--no-tags", "leave tags out"),
    ),
    "how it is copied": (
        _value("-t --concurrency", "N", "at most N requests at a time in each process; default: adapts, from 40 on",
               values.count_from(1)),
        _choice("--multipart", "HOW", "keep|simple", "keep the source's parts and ETag (default), or one CopyObject up "
                "to 5 GiB"),
        _value("--part-size", "SIZE", "of objects whose own layout is not kept; default: 64MiB", values.part_size),
        _value("--large-file", "SIZE", "objects above are copied in parts; default: 5GiB", values.part_size),
        _value("--retries", "N", "tries of a request beyond the first; default: 10", values.count_from(0)),
        _value("--max-requests-per-second", "N", "for the whole job", values.rate),
        _value("--spread-parts", "N", "on a cluster, objects of more parts are spread over workers; default: 64",
               values.count_from(1)),
        _flag("--staged", "multipart objects by way of durable part files, as in 2013"),
        _value("-w --work-bucket", "BUCKET", "where the part files are; default: the destination bucket"),
        _value("--work-prefix", "PREFIX", "and below what; default: temp/", values.text),
        _flag("--clean-parts", "remove an object's part files when it is done"),
        _flag("--detach", "submit the job to a cluster and return"),
    ),
    "what is said": (
        _value("--report", "URL", "JSON lines, one object a line; URL/ takes a file for each worker"),
        _flag("--report-all", "up-to-date objects too"),
        _flag("--json", "the summary as one JSON object, last line of stdout"),
        _flag("-v --verbose", "a line for each object that is copied or ends otherwise"),
        _flag("-q --quiet", "no progress, no notes, no summary"),
        _flag("--no-progress", "no progress"),
        _value("-l --log-level", "LEVEL", "DEBUG, INFO, WARNING (default), ERROR or CRITICAL", values.log_level),
        _value("-L --log-file", "FILE", "log to this file, appended"),
        _flag("-h --help", "this text"),
        _flag("--version", "the versions of this program and of Beam"),
    ),
}

OPTIONS: tuple[Option, ...] = tuple(option for group in GROUPS.values() for option in group)

PEERS = {
    **dict.fromkeys(("--recursive", "-r", "-R"), "not needed: what is below a path is always copied"),
    **dict.fromkeys(("--delete", "--exclude", "--include"), "not supported yet"),
    "--clean-mpcopies": "not supported: it ended every upload of a bucket; see --clean-parts for part files, and "
                        "--abort-uploads for uploads of ours",
}
"""What people type who know another tool, or the one of 2013."""
