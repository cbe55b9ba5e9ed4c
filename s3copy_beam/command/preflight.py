"""What is found out before anything is written: whether files, credentials, endpoints and buckets can work at all.

One request a side, through the same client as all others: the first key of what will be listed. Its answer tells a
missing bucket, an unknown key, a wrong signature, a host that does not answer; a HEAD has no body to tell them apart.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from s3copy_beam.command.engine import is_local
from s3copy_beam.command.grants import check_grants
from s3copy_beam.command.parser import Arguments, UsageError
from s3copy_beam.command.report import replaces
from s3copy_beam.options import Access, CopyOptions
from s3copy_beam.paths import destination_prefix, url
from s3copy_beam.s3.call import Call
from s3copy_beam.s3.client import S3Client
from s3copy_beam.s3.endpoint import resolve
from s3copy_beam.s3.errors import BadAnswer, ConfigError, S3Error
from s3copy_beam.s3.identity import credentials_of, explained, falls_back_to_home, session_of
from s3copy_beam.s3.network import Reply
from s3copy_beam.s3.pacing import LIST, Limits
from s3copy_beam.s3.page import parse_page
from s3copy_beam.s3.s3cfg import home_s3cfg, read_s3cfg
from s3copy_beam.s3.sign import encode_query
from s3copy_beam.s3.urls import open_url
from s3copy_beam.s3.worker import worker
from s3copy_beam.text import listing_failure_line

RETRIES = 2
"""Of a first request: somebody waits for its answer, and nothing is lost by giving up."""
PATIENCE = 30.0
"""Seconds for all tries of a first request."""
_DENIED = ("AccessDenied", "AllAccessDisabled", "Forbidden")
_CANNOT_BE = ("NoSuchBucket", "InvalidBucketName", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken")
"""What is wrong with a path or a credential, and not with one listing."""
_NOT_HAD = (400, 405, 500, 501)
"""Stores without GetBucketLocation."""


@dataclass(frozen=True)
class Facts:
    """What the world said.

    Attributes:
        started: the destination server's clock, seconds since 1970; 0: not told.
        example: one object and its destination key; None: none was seen.
        notes: lines for people.
        regions: of buckets on AWS, where redirects led.
        endpoints: that this machine's environment gave: workers have another.
    """

    started: int = 0
    example: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
    regions: Mapping[Access, str] = field(default_factory=dict)
    endpoints: Mapping[Access, str] = field(default_factory=dict)

    def settle(self, options: CopyOptions) -> CopyOptions:
        """The options, with what was found."""
        def found(access: Access) -> Access:
            return replace(access, region=self.regions.get(access, access.region),
                           endpoint_url=access.endpoint_url or self.endpoints.get(access, ""))

        source, lister = found(options.source), found(options.lister)
        first = source.endpoint_url or lister.endpoint_url  # of the first identity, which makes the copies
        destination = replace(options.destination, region=lister.region,
                              endpoint_url=options.destination.endpoint_url or first)
        regions = {source.bucket: source.region, lister.bucket: lister.region}
        work = options.work and replace(
            options.work, endpoint_url=destination.endpoint_url,
            region=regions.get(options.work.bucket) or self.regions.get(options.work, options.work.region))
        return replace(options, started=self.started, source=source, lister=lister, destination=destination, work=work)


def look(options: CopyOptions, given: Arguments) -> Facts:
    """Looks at everything that can be known beforehand.

    Raises:
        UsageError, ConfigError: it cannot work; one line for people that names the flag and the value.
        errors.Stopped: a signal came.
    """
    _files(options, given)
    _identities(options, given)
    check_one_store(options.source, options.destination, options.lister, given)
    limits = Limits(options.concurrency, min(options.retries, RETRIES), options.max_requests_per_second,
                    give_up=PATIENCE, total_timeout=PATIENCE)
    asked = [(side, worker().client(side.access, limits)) for side in sides_of(options)]
    answers = dict(zip((side.name for side, _ in asked), worker().run(_ask_all(asked)), strict=True))
    worker().run(check_grants(worker().client(options.destination, limits), options, given))
    destination, source = answers["DESTINATION"], answers.get("SOURCE")
    return Facts(destination.clock if destination else source.clock if source else 0, _example(options, source),
                 _notes(options), {side.access: client.place.region for side, client in asked if client.place.aws},
                 {side.access: client.place.told_here for side, client in asked})


# ------------------------------------------------------------------ this machine

def _files(options: CopyOptions, given: Arguments) -> None:
    """Lists can be read, and the report's place is there; a local one is not opened here: it may be a pipe."""
    for flag, names in (("-F", options.names), ("-P", options.prefix_lists)):
        for name in names:
            if name.url == "-" and sys.stdin is None:
                raise UsageError(f"{flag} -: standard input is closed")
            if name.url and name.url != "-":
                _readable(flag, name.url, options.source)
                if options.report and replaces(options.report, name.url):
                    raise UsageError(f"--report {options.report}: it would replace what {flag} {name.url} reads")
    if options.report and is_local(options.report):
        folder = os.path.dirname(options.report.rstrip("/")) or "."
        if not os.path.isdir(folder) and not options.report.endswith("/"):
            raise UsageError(f"--report {options.report}: no such folder: {folder}")


def _readable(flag: str, name: str, access: Access) -> None:
    try:
        if not is_local(name):
            open_url(name, "rb", access).close()
        elif stat.S_ISDIR(os.stat(name).st_mode):
            raise UsageError(f"{flag} {name}: it is a folder")
        elif not os.access(name, os.R_OK):
            raise UsageError(f"{flag} {name}: it may not be read")
    except OSError as error:
        raise UsageError(f"{flag} {name}: {error.strerror}") from None
    except ConfigError as error:
        raise UsageError(f"{flag} {error}") from None


def _identities(options: CopyOptions, given: Arguments) -> None:
    """Credentials are there; an error names the flag that leads to them."""
    for dest, read in (("config_file", read_s3cfg), ("dest_config", read_s3cfg),
                       ("profile", session_of), ("dest_profile", session_of)):
        if dest in given.values:
            try:
                read(given.values[dest])
            except ConfigError as error:
                raise UsageError(f"{given.given[dest]}: {error}") from None
    for access in {options.source, options.lister}:
        credentials_of(access.identity)


def _notes(options: CopyOptions) -> tuple[str, ...]:
    """`~/.s3cfg` is used last: people who rely on it are told that it was not."""
    home, identity = home_s3cfg(), options.source.identity
    used = [os.path.realpath(os.path.expanduser(each.s3cfg)) for each in (identity, options.lister.identity)
            if each.s3cfg]
    if not home or falls_back_to_home(identity) or os.path.realpath(home) in used:
        return ()
    return (f"~/.s3cfg is not used: credentials are those of {credentials_of(identity).origin}",)


def check_one_store(source: Access, destination: Access, lister: Access, given: Arguments) -> None:
    """Copies are made by one store: two endpoints are two stores, unless they are said to be one.

    Raises:
        UsageError: they are two.
    """
    if given.get("same_store"):
        return
    here = _store(source)
    for access in (destination, lister):
        there = _store(access)
        if there != here:
            flag = given.given.get("dest_endpoint_url") or given.given.get("dest_config") or \
                given.given.get("dest_profile") or "DESTINATION"
            raise UsageError(f"{flag} {access.endpoint_url or there}: another endpoint than the source's ({here}); "
                             "copies are made by the server, so both sides must be one store: --same-store says so")


def _store(access: Access) -> str:
    """What tells a store from others. AWS is one, in all its regions."""
    found = resolve(access)
    return "AWS" if found.aws else f"{found.scheme}://{found.host.removeprefix(f'{access.bucket}.')}"


# ------------------------------------------------------------------ the store

class First(NamedTuple):
    """The first answer of one side."""

    keys: tuple[str, ...]
    clock: int


@dataclass(frozen=True)
class Side:
    """What is asked of one side.

    Attributes:
        name: SOURCE, DESTINATION or a flag, for messages.
        prefix: that will be listed: maybe no other one may be.
        must: it must be possible to list it.
        listed: else its listing is not even asked for, but something that names the bucket's troubles as well.
    """

    name: str
    access: Access
    prefix: str
    must: bool = False
    listed: bool = True

    async def ask(self, client: S3Client) -> First | None:
        """Its first answer; None: it may not be listed, and need not.

        Raises:
            UsageError: it cannot work.
        """
        query = [("encoding-type", "url"), ("list-type", "2"), ("max-keys", "1"), ("prefix", self.prefix)]
        try:
            if self.listed:
                return await client.call(Call("ListObjectsV2", "GET", query=encode_query(query), kind=LIST), _listed)
            return await client.call(Call("GetBucketLocation", "GET", query="location="), _answered)
        except S3Error as error:
            if not self.must and error.status == 403 and error.code in _DENIED:
                return None
            if not self.listed and error.status in _NOT_HAD:
                return None
            reason = explained(error, client.origin)
            answered = error.status or isinstance(error, BadAnswer)
            if answered and error.code not in _CANNOT_BE:
                raise UsageError(listing_failure_line(self.access.bucket, self.prefix, reason)) from None
            there = "" if error.status else f" at {client.place.url}"
            raise UsageError(f"{self.name} {url(self.access.bucket, '')}{there}: {reason}") from None


def sides_of(options: CopyOptions) -> list[Side]:
    """Whom to ask: the destination, the source, the work bucket; each once."""
    area = next(iter(options.areas), options.names_area)
    to = area.prefix_of_destination if area else destination_prefix(options.destination_path, options.s3_prefixes)
    sides = [Side("DESTINATION", options.lister, to)]
    if not options.abort_uploads:
        must = bool(options.areas or options.prefix_lists)
        sides.append(Side("SOURCE", options.source, area.prefix if area else options.source_path, must, must))
    if options.work and options.work.bucket not in (options.source.bucket, options.destination.bucket):
        sides.append(Side("--work-bucket", options.work, options.work_prefix))
    return sides


async def _ask_all(asked: list[tuple[Side, S3Client]]) -> list[First | None]:
    answers = await asyncio.gather(*(side.ask(client) for side, client in asked), return_exceptions=True)
    for answer in reversed(answers):  # the source's trouble before the destination's
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


def _listed(reply: Reply) -> First:
    return First(tuple(listed.key for listed in parse_page(reply.body).objects), _clock(reply))


def _answered(reply: Reply) -> First:
    return First((), _clock(reply))


def _clock(reply: Reply) -> int:
    try:
        return int(parsedate_to_datetime(reply.headers["Date"]).timestamp())
    except (KeyError, ValueError, TypeError):
        return 0


def _example(options: CopyOptions, source: First | None) -> tuple[str, str] | None:
    """An object as it will be named; None: none is known."""
    area = next(iter(options.areas), options.names_area)
    if area is None:
        return None
    keys = list(source.keys) if source else []
    keys += [area.exact] if area.exact else [area.strip + key for names in options.names for key in names.given]
    for key in keys:
        if area.takes(key) and not key.startswith(options.excluded or ("\0",)):
            return key, area.destination_of(key)
    return None
