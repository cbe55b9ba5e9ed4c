"""Copying one object in whichever way the version that is there needs."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from s3copy_beam.layout import in_parts
from s3copy_beam.model import Outcome, Planned, Result, outcome_of
from s3copy_beam.moving.desk import Desk
from s3copy_beam.moving.multipart import copy_opened, open_upload
from s3copy_beam.moving.small import copy_small
from s3copy_beam.moving.source import OtherWay

T = TypeVar("T")
TRIES = 3


async def either_way(desk: Desk, work: Awaitable[T]) -> T | Outcome:
    """Does some work for one object; where its source has become of another kind, copies it in the other way.

    Raises:
        Stopped, CredentialsLost: the run ends.
    """
    try:
        return await work
    except OtherWay as other:
        planned = other.planned
    for _ in range(TRIES):
        try:
            return await _copy(desk, planned)
        except OtherWay as other:
            planned = other.planned
    return outcome_of(planned, Result.FAILED, "the source changes faster than it can be copied")


async def _copy(desk: Desk, planned: Planned) -> Outcome:
    if not in_parts(planned, desk.options):
        return await copy_small(desk, planned)
    opened = await open_upload(desk, planned)
    return opened if isinstance(opened, Outcome) else await copy_opened(desk, opened)
