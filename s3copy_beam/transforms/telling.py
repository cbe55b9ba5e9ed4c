"""The edge between what happens to one object and the run: nothing of one object ends the others."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TypeVar

from s3copy_beam.model import Outcome, Planned, Result, outcome_of
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.either import either_way
from s3copy_beam.s3.errors import CredentialsLost, Stopped

T = TypeVar("T")

_log = logging.getLogger(__name__)


async def told(desk: Desk, planned: Planned, work: Awaitable[T]) -> T | Outcome:
    """Does what is to be done for one object; tells the observer if that ended it.

    An error that nobody foresaw is this object's failure, with its kind as the reason.

    Raises:
        Stopped, CredentialsLost: the run ends, and left this object undone.
    """
    result: T | Outcome
    try:
        result = await either_way(desk, work)
    except (Stopped, CredentialsLost):
        raise
    except Exception as error:
        _log.debug("internal error", exc_info=True)
        result = outcome_of(planned, Result.FAILED, f"internal error: {error!r}")
    if isinstance(result, Outcome):
        desk.observer.outcome(result)
    return result
