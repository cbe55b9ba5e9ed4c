"""The step that all ways of listing share: one source object, what is at the destination, and what follows.

`Planner.quick` does all that needs no request, by the million; the few others go through `Planner.settle`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from s3copy_beam import text
from s3copy_beam.compare import UNSEEN, Verdict, archived, as_asked, parts_of
from s3copy_beam.listing.desk import Compared, Desk
from s3copy_beam.listing.judge import Vanished
from s3copy_beam.model import Listed, Outcome, Planned, Result, Totals, say
from s3copy_beam.paths import Area
from s3copy_beam.s3.errors import S3Error

UNPROVEN_WARNING = ("some objects have other ETags than their sources, but are newer and cannot be compared: they are "
                    "taken as up to date (unproven); --compare checksum copies them again")
AT_A_TIME = 256
"""Objects looked at together; the client paces the requests themselves."""


class Planner:
    """Plans the objects of one area. Made for each range; cheap."""

    def __init__(self, desk: Desk, area: Area) -> None:
        options = desk.options
        self._desk, self._options, self._area = desk, options, area
        self._strip, self._to = len(area.strip), area.destination
        self._excluded = options.excluded
        self._protected = options.protected
        self._in_place = options.in_place
        # Up-to-date objects that are only counted: else each has an outcome.
        self._only_count = not options.report_all and not options.retried_bundles

    def quick(self, source: Listed, destination: Listed | None, into: Compared) -> bool:
        """Plans one object if that needs no request.

        Args:
            source: an object of this area.
            destination: the object at its destination key; None: there is none; UNSEEN: it may not be looked at.
            into: what becomes of it is added here.

        Returns:
            False: nothing was done; hand it to `settle`.
        """
        key = source.key
        if self._excluded and key.startswith(self._excluded):
            into.totals.excluded += 1
            return True
        to = self._to + key[self._strip:]
        if self._protected and to != key and any(area.takes(to) for area in self._protected):
            self._end(source, to, Result.FAILED, into, reason="would overwrite a source")
            return True
        if self._in_place and to == key:
            return self._quick_in_place(source, into)
        if destination is not None and source.etag == destination.etag != "" and source.size == destination.size:
            self._up_to_date(source, destination, Verdict.UP_TO_DATE, into)
            return True
        if destination is UNSEEN and self._options.verify:
            self._end(source, to, Result.FAILED, into, reason="AccessDenied: the destination may not be looked at")
            return True
        verdict = self._desk.judge.at_once(source, destination)
        if verdict is None:
            return False
        self._apply(verdict, source, destination, into)
        return True

    async def settle(self, pairs: Iterable[tuple[Listed, Listed | None]], into: Compared) -> None:
        """Plans the objects that `quick` left, some hundreds at a time."""
        left = list(pairs)
        for first in range(0, len(left), AT_A_TIME):
            ended = await asyncio.gather(
                *(self.plan(*pair, into) for pair in left[first:first + AT_A_TIME]), return_exceptions=True)
            for error in ended:
                if error is not None:
                    raise error

    async def plan(self, source: Listed, destination: Listed | None, into: Compared) -> None:
        """Plans one object, with the requests that this needs. A failure is an outcome of this object."""
        if self.quick(source, destination, into):
            return
        to = self._to + source.key[self._strip:]
        try:
            if self._in_place and to == source.key:
                head = await self._desk.lister.head(to)
                if as_asked(self._options, source.storage_class, head.encryption, head.kms_key):
                    self._up_to_date(source, source, Verdict.UP_TO_DATE, into)
                else:
                    self._copy(source, source, into)
                return
            decision = await self._desk.judge.decide(source, destination)
        except Vanished:
            self._end(source, to, Result.VANISHED, into)
        except S3Error as error:
            self._end(source, to, Result.FAILED, into, reason=str(error))
        else:
            self._apply(*decision, into)

    def _quick_in_place(self, source: Listed, into: Compared) -> bool:
        """Source and destination are one object: only settings can differ."""
        done = self._options.no_overwrite or as_asked(self._options, source.storage_class)
        if done is None:
            return False
        if done:
            self._up_to_date(source, source, Verdict.UP_TO_DATE, into)
        else:
            self._copy(source, source, into)
        return True

    def _apply(self, verdict: Verdict, source: Listed, destination: Listed | None, into: Compared) -> None:
        if verdict is Verdict.COPY or destination is None:
            self._copy(source, destination, into)
        else:
            self._up_to_date(source, destination, verdict, into)

    def _copy(self, source: Listed, destination: Listed | None, into: Compared) -> None:
        to = self._to + source.key[self._strip:]
        if self._options.verify:
            self._end(source, to, Result.MISSING if destination is None else Result.DIFFERENT, into)
        elif archived(source):
            self._end(source, to, Result.ARCHIVED, into, reason=f"{source.storage_class}, not restored")
        else:
            into.planned.append(Planned(source.key, to, source.size, source.etag, source.modified,
                                        source.storage_class, destination.etag if destination else "",
                                        self._in_place and to == source.key))

    def _up_to_date(self, source: Listed, destination: Listed, verdict: Verdict, into: Compared) -> None:
        if verdict is Verdict.UNPROVEN:
            if not self._options.verify:
                say(into.totals.warnings, UNPROVEN_WARNING)
            if self._options.verify or self._options.report_all:
                self._end(source, self._to + source.key[self._strip:], Result.UNPROVEN, into)
                return
            if self._only_count:
                into.totals.unproven += 1
                into.totals.up_to_date += 1
                return
        elif self._only_count:
            into.totals.up_to_date += 1
            return
        options, to = self._options, self._to + source.key[self._strip:]
        if options.retried_bundles and 0 < options.started < destination.modified:
            # This run wrote it: an earlier try of this bundle, whose outcomes are lost.
            parts = parts_of(source.etag)
            into.totals.parts_copied += parts
            self._end(source, to, Result.COPIED, into, parts=parts)
        elif options.report_all:
            self._end(source, to, Result.UP_TO_DATE, into)
        elif verdict is Verdict.UNPROVEN:
            into.totals.unproven += 1
            into.totals.up_to_date += 1
        else:
            into.totals.up_to_date += 1

    def _end(self, source: Listed, to: str, result: Result, into: Compared, *, reason: str = "",
             parts: int = 0) -> None:
        """An object that is not copied by what follows, reported by itself."""
        outcome = Outcome(source.key, to, result, reason, source.size, source.etag, parts)
        into.outcomes.append(outcome)
        add(outcome, self._options.source.bucket, into.totals)


def add(outcome: Outcome, source_bucket: str, totals: Totals) -> None:
    """Counts an outcome, and says what is said of each failed or archived object."""
    totals.count(outcome)
    if outcome.result is Result.FAILED:
        say(totals.failures, text.failure_line(source_bucket, outcome))
    elif outcome.result is Result.ARCHIVED:
        say(totals.archives, text.archived_line(source_bucket, outcome))
