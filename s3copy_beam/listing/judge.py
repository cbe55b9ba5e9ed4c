"""Decides which destination objects are up to date, and sends HEADs only where the rule asks for them (compare.py).

One Judge serves a whole process: what one pair shows of a bucket is not asked again for the others.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from s3copy_beam.compare import Ask, Facts, Seen, Verdict, judge, parts_of
from s3copy_beam.model import Listed
from s3copy_beam.s3.answers import Head
from s3copy_beam.s3.errors import S3Error

_UNKNOWABLE = frozenset({400, 403, 405, 416, 500, 501})
"""Statuses of a HEAD that end in "not known" instead of a failure (500: some stores' answer to ?partNumber)."""
_LACKING = _UNKNOWABLE - {403}
"""Those that tell of the store, not of one object."""


class Heads(Protocol):
    """What is needed of a client."""

    async def head(self, key: str, part_number: int = 0, checksums: bool = False) -> Head:
        """HEAD; raises S3Error."""


class Vanished(Exception):
    """The source object is gone."""


class Decision(NamedTuple):
    """A verdict, on the objects as they were last seen: a HEAD may have shown another version than the listing."""

    verdict: Verdict
    source: Listed
    destination: Listed | None


def listed_of(key: str, head: Head) -> Listed:
    """A HEAD's answer as a listing would show the object."""
    return Listed(key, head.size, head.etag, head.modified, head.storage_class or "STANDARD", head.restored)


def is_folder(head: Head) -> bool:
    """Whether a HEAD shows no object but a folder: SeaweedFS answers for those, with an ETag of no parts."""
    return head.etag.endswith("-0")


@dataclass
class _Shape:
    """What was seen of pairs of one kind."""

    fruitless: int = 0
    """Pairs in a row for which HEADs proved nothing."""
    fruitful: bool = False
    proved: bool = False
    """HEADs of some pair proved something: no encryption is the whole bucket's."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Judge:
    """Verdicts on pairs of objects.

    Args:
        source: looks at source objects.
        lister: looks at destination objects.
        mode: ``auto``, ``etag``, ``checksum`` or ``size``.
        no_overwrite: what is there is up to date.
        verify: nothing will be copied.
    """

    def __init__(self, source: Heads, lister: Heads, mode: str = "auto", *, no_overwrite: bool = False,
                 verify: bool = False) -> None:
        self.mode, self.no_overwrite, self.verify = mode, no_overwrite, verify
        self.etags_are_md5 = True
        self._source, self._lister = source, lister
        self._tells_layouts = True
        self._patience = 32 if verify or mode == "checksum" else 4
        self._shapes: defaultdict[tuple[bool, bool], _Shape] = defaultdict(_Shape)

    def learn_plain_etags(self, are_md5: bool) -> None:
        """Told by copies whether plain ETags were seen to be MD5s. Once they were not, they are not taken for such."""
        self.etags_are_md5 = self.etags_are_md5 and are_md5

    def at_once(self, source: Listed, destination: Listed | None) -> Verdict | None:
        """The verdict where it needs no request (rows 1-3); None: `decide` it."""
        answer = judge(source, destination, mode=self.mode, no_overwrite=self.no_overwrite, verify=self.verify)
        return answer if isinstance(answer, Verdict) else None

    async def decide(self, source: Listed, destination: Listed | None) -> Decision:
        """The verdict on one pair; sends HEADs where it needs them.

        Raises:
            Vanished: the source object is gone.
            S3Error: a HEAD failed for good, in another way than by being refused.
        """
        verdict = self.at_once(source, destination)
        if verdict is not None or destination is None:
            return Decision(verdict or Verdict.COPY, source, destination)
        shape = self._shapes[bool(parts_of(source.etag)), bool(parts_of(destination.etag))]
        async with shape.lock:  # one by one, until one has shown whether asking is worth while
            if not shape.fruitful and not self._is_blind(shape):
                return await self._ask(source, destination, shape)
        return await self._ask(source, destination, shape)

    def _is_blind(self, shape: _Shape) -> bool:
        return shape.fruitless >= self._patience

    async def _ask(self, source: Listed, destination: Listed, shape: _Shape) -> Decision:
        there: Listed | None = destination
        facts = Facts(blind=self._is_blind(shape))
        while True:
            facts = replace(facts, etags_are_md5=self.etags_are_md5)
            answer = judge(source, there, facts, self.mode, no_overwrite=self.no_overwrite, verify=self.verify)
            if answer is Ask.CHECKSUMS:
                (source, ours), (there, theirs) = await asyncio.gather(
                    self._seen_source(source), self._seen_destination(destination))
                facts = replace(facts, source=ours, destination=theirs)
            elif answer is Ask.LAYOUTS:
                facts = replace(facts, layouts=await self._layouts(source.key, destination.key))
            else:
                assert isinstance(answer, Verdict)
                if there is not None:  # else it was removed meanwhile, which tells nothing of the others
                    self._remember(shape, facts)
                return Decision(answer, source, there)

    def _remember(self, shape: _Shape, facts: Facts) -> None:
        """Keeps in mind whether HEADs proved anything for this kind of pairs."""
        if facts.blind or facts.source is None or facts.destination is None:
            return
        comparable = {*facts.source.full, *facts.source.composite} & {*facts.destination.full,
                                                                     *facts.destination.composite}
        encrypted = facts.source.opaque or facts.destination.opaque
        opaque = encrypted or not self.etags_are_md5
        plain = not parts_of(facts.source.etag) and not parts_of(facts.destination.etag)
        same_layout = facts.layouts is not None and facts.layouts[0] == facts.layouts[1] and facts.layouts[0][0] > 0
        if comparable or (not opaque and (plain or same_layout)):
            shape.fruitful = shape.proved = True
            shape.fruitless = 0
        else:
            # Encryption is a bucket's setting: one such pair speaks for all, where no other has spoken against it.
            # Layouts differ from object to object.
            shape.fruitful = False
            all_alike = opaque and not (encrypted and shape.proved) and self.mode != "checksum" and not self.verify
            shape.fruitless += self._patience if all_alike else 1

    async def _seen_source(self, listed: Listed) -> tuple[Listed, Seen]:
        try:
            return _seen(listed, await self._source.head(listed.key, checksums=True))
        except S3Error as error:
            if error.status == 404:
                raise Vanished(listed.key) from error
            return listed, _not_seen(listed, error)

    async def _seen_destination(self, listed: Listed) -> tuple[Listed | None, Seen]:
        try:
            return _seen(listed, await self._lister.head(listed.key, checksums=True))
        except S3Error as error:
            if error.status == 404:
                return None, Seen()
            return listed, _not_seen(listed, error)

    async def _layouts(self, source: str, destination: str) -> tuple[tuple[int, int], tuple[int, int]]:
        if not self._tells_layouts:
            return (0, 0), (0, 0)
        one, other = await asyncio.gather(self._layout(self._source, source), self._layout(self._lister, destination))
        return one, other

    async def _layout(self, client: Heads, key: str) -> tuple[int, int]:
        """(part size, part count) of one object; (0, 0): not known."""
        try:
            head = await client.head(key, part_number=1)
        except S3Error as error:
            if error.status not in _UNKNOWABLE | {404}:
                raise
            if error.status in _LACKING:
                self._tells_layouts = False
            return 0, 0
        return head.part_size or 0, head.parts_count or 0


def _seen(listed: Listed, head: Head) -> tuple[Listed, Seen]:
    """What HEAD showed; the object as it is now, where that is no longer what was listed."""
    now = listed if head.etag == listed.etag and head.size == listed.size else listed_of(listed.key, head)
    return now, Seen(head.etag, head.encryption, head.checksums, head.checksum_type)


def _not_seen(listed: Listed, error: S3Error) -> Seen:
    """HEAD was refused: nothing is known (400: SSE-C, whose key we have not)."""
    if error.status not in _UNKNOWABLE - {500}:
        raise error
    return Seen(listed.etag, "SSE-C" if error.status == 400 else None)
