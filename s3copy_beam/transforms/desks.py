"""Clients and memory of a run in this process: made on first use by whichever step comes first, shared by all."""

from __future__ import annotations

import threading
from typing import NamedTuple

from s3copy_beam.listing.desk import Desk as ListingDesk
from s3copy_beam.listing.judge import Judge
from s3copy_beam.moving.desk import Desk as MovingDesk
from s3copy_beam.moving.desk import Tally
from s3copy_beam.observe import observer_of
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.pacing import Limits
from s3copy_beam.s3.worker import worker

_lock = threading.Lock()
_desks: dict[CopyOptions, Desks] = {}


class Desks(NamedTuple):
    """What listing and moving have at hand."""

    listing: ListingDesk
    moving: MovingDesk


def desks_of(options: CopyOptions) -> Desks:
    """The desks of a run in this process."""
    with _lock:
        if options not in _desks:
            _desks[options] = _make(options)
        return _desks[options]


def forget(options: CopyOptions) -> None:
    """Lets go of a run's desks, when it is over."""
    with _lock:
        _desks.pop(options, None)


def take_tally(options: CopyOptions) -> Tally:
    """What was counted beside the outcomes since somebody asked last."""
    with _lock:
        desks = _desks.get(options)
    if desks is None:  # none could be made: nothing was done
        return Tally()
    mine = desks.moving.tally
    taken = Tally(mine.parts_copied, mine.uploads_left, mine.uploads_left_bytes, list(mine.warnings))
    mine.parts_copied -= taken.parts_copied
    mine.uploads_left -= taken.uploads_left
    mine.uploads_left_bytes -= taken.uploads_left_bytes
    return taken


def _make(options: CopyOptions) -> Desks:
    limits = Limits(options.concurrency, options.retries, options.max_requests_per_second)
    client = worker().client
    source, lister = client(options.source, limits), client(options.lister, limits)
    judge = Judge(source, lister, options.compare, no_overwrite=options.no_overwrite, verify=options.verify)
    destination, work = client(options.destination, limits), client(options.work or options.destination, limits)
    moving = MovingDesk(options, source, destination, lister, work, observer_of(options.run_id),
                        judge.learn_plain_etags)
    return Desks(ListingDesk(options, source, lister, judge), moving)
