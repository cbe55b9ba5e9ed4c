"""One S3 request until it is answered: signed, paced, sent, understood, and sent again where that helps."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from s3copy_beam.options import Access
from s3copy_beam.s3.call import Call
from s3copy_beam.s3.endpoint import Resolved, resolve
from s3copy_beam.s3.errors import ConfigError, Kind, S3Error, Stopped, kind_of
from s3copy_beam.s3.flights import Flights
from s3copy_beam.s3.identity import credentials_of
from s3copy_beam.s3.network import CONNECT_TIMEOUT, Reply, Route, Session, send
from s3copy_beam.s3.pacing import LIST, Limits, Pacer
from s3copy_beam.s3.refusal import error_of
from s3copy_beam.s3.retry import Budget, backoff
from s3copy_beam.s3.seal import Seal
from s3copy_beam.s3.sign import Keys

log = logging.getLogger("s3copy_beam.s3")
T = TypeVar("T")
_AGENT = "s3copy_beam"
_MAX_MOVES = 4
_MAX_MENDS = 3
"""Times that one request is sent again for its clock, or for its credentials."""
_FEW = {"NotImplemented": 1, "NameResolutionError": 4}
"""Retries at the most, where more would hardly help."""


@dataclass
class Tally:
    """Requests so far: every one sent, those sent again for a failure, those answered by throttling."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0


@dataclass
class Desk:
    """What all clients of a process share; lives on its event loop."""

    session: Session
    flights: Flights
    tally: Tally = field(default_factory=Tally)
    clocks: dict[str, float] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    pacers: dict[Limits, Pacer] = field(default_factory=dict)

    def pacer(self, limits: Limits) -> Pacer:
        """The pacer of these limits."""
        pacer = self.pacers.get(limits)
        if pacer is None:
            pacer = self.pacers[limits] = Pacer(limits, self.flights)
        return pacer

    def budget(self, host: str) -> Budget:
        """The retries left for a host."""
        budget = self.budgets.get(host)
        if budget is None:
            budget = self.budgets[host] = Budget(time.monotonic)
        return budget


class _Trial:
    """What one request went through, and with what it was sent last."""

    __slots__ = ("began", "failures", "keys", "lacks", "mends", "moves", "repeats", "route", "throttled_since",
                 "throttles")

    def __init__(self) -> None:
        self.began = 0.0
        self.throttled_since = 0.0
        self.failures = self.throttles = self.moves = self.mends = self.lacks = 0
        self.repeats = False
        """It is sent again for a failure."""
        self.keys: Keys | None = None
        self.route: Route | None = None


class Exchange:
    """Requests to one bucket by one identity."""

    def __init__(self, access: Access, limits: Limits, desk: Desk) -> None:
        """Finds credentials and the bucket's place; may take a while, not for the loop.

        Raises:
            ConfigError: one of them cannot be had.
        """
        self.access = access
        self.limits = limits
        self._desk = desk
        self._seal = Seal(credentials_of(access.identity), desk.clocks)
        self._home = Route(resolve(access), access.identity.profile)
        self._route = self._home
        self._pacer: Pacer | None = None
        self._fixed = {"user-agent": _AGENT}
        if access.request_payer:
            self._fixed["x-amz-request-payer"] = "requester"

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.access.bucket

    @property
    def origin(self) -> str:
        """Where the credentials come from, for messages."""
        return self._seal.provider.origin

    @property
    def place(self) -> Resolved:
        """Where the bucket is, redirects followed."""
        return self._route.place

    async def call(self, call: Call, understand: Callable[[Reply], T]) -> T:
        """Sends a request until it succeeds or must be given up.

        Args:
            call: the request.
            understand: makes the result of an answer with status 2xx; may raise BadAnswer or S3Error, which count as
                the store's failure.

        Raises:
            S3Error: it failed for good.
            Stopped: the run is being stopped.
            CredentialsLost: the credentials ran out.
        """
        trial = _Trial()
        while True:
            try:
                result = await self._once(call, understand, trial)
            except S3Error as error:
                error.operation = error.operation or call.operation
                await self._mend(error, call, trial)
            else:
                self._desk.budget(self._route.place.host).succeeded(trial.failures > 0)
                return result

    async def _once(self, call: Call, understand: Callable[[Reply], T], trial: _Trial) -> T:
        """One try: waits for its turn, sends, understands."""
        desk, clock = self._desk, time.monotonic
        await self._seal.look()
        pacer = self._pacer
        if pacer is None:
            pacer = self._pacer = desk.pacer(self.limits)
        store = self._route.place.host
        budget = desk.budget(store)
        lane = pacer.lane(store, self.bucket, call.kind, call.key)
        gate, tuner = pacer.gate(store, call.kind)
        _check(budget, store)
        # what a stopping run still sends takes no turns: those who wait for one are sent away
        await (gate.enter() if call.tidy and desk.flights.stopping else pacer.enter(gate, lane))
        try:
            if not desk.flights.may_begin(call.tidy):
                raise Stopped
            _check(budget, store)
            budget.probe()
            sent = clock()
            reply = await self._send(call, trial)
            budget.answered()
        except S3Error as error:
            if tuner and error.code == "TimeoutError":
                tuner.congested()
            raise
        finally:
            gate.leave()
        now = clock()
        try:
            if not 200 <= reply.status < 300:
                raise error_of(reply.status, reply.headers, reply.body, call.operation)
            result = understand(reply)
        except S3Error as error:
            error.request_id = error.request_id or reply.headers.get("x-amz-request-id", "")
            error.status = error.status or reply.status
            if kind_of(error) is Kind.THROTTLE:
                desk.tally.throttled += 1
                lane.refused(now, sent)
            else:
                lane.passed(now)
            raise
        lane.passed(now)
        if tuner:
            tuner.done(now - sent, call.weight)
        return result

    async def _send(self, call: Call, trial: _Trial) -> Reply:
        """Signs and sends, once, within the call's time."""
        desk, route = self._desk, self._route
        place = route.place
        path = place.path + call.path or "/"
        headers = {"host": place.host, **self._fixed, **call.headers}
        self._seal.sign(call.method, place, path, call.query, headers, call.body, call.streaming)
        trial.keys, trial.route = self._seal.keys, route
        seconds = call.seconds or self.limits.read_timeout
        desk.tally.requests += 1
        desk.tally.retries += trial.repeats
        began = time.monotonic()
        try:
            with desk.flights.flight(seconds + CONNECT_TIMEOUT):
                reply = await send(desk.session, route, call.method, path, call.query, headers, call.body,
                                   call.operation)
        except TimeoutError:
            desk.budget(place.host).unanswered()
            raise S3Error("TimeoutError", f"no answer within {seconds:.0f} s", 0, call.operation) from None
        except S3Error as error:
            if error.status == 0 and error.code != "BadAnswer":
                desk.budget(place.host).unanswered()
            raise
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s %s%s?%s: %d in %.0f ms", call.operation, call.method, place.url, path, call.query,
                      reply.status, (time.monotonic() - began) * 1000)
        return reply

    async def _mend(self, error: S3Error, call: Call, trial: _Trial) -> None:
        """Does what a failure calls for; returns where the request is to be sent again.

        Raises:
            S3Error: the failure itself, where it is not.
        """
        now = time.monotonic()
        trial.began = trial.began or now
        kind, place = kind_of(error), trial.route.place if trial.route else self.place
        log.debug("%s failed: %s (%s)", call.operation, error, kind.name)
        if call.method == "HEAD" and kind is Kind.FINAL:
            kind = self._of_head(error, trial)
        trial.repeats = kind is not Kind.THROTTLE
        if kind is Kind.THROTTLE:
            trial.throttles += 1
            trial.throttled_since = trial.throttled_since or now
            closed = self._desk.budget(place.host).throttled(self.limits.give_up)
            if closed or now - trial.throttled_since > self.limits.give_up:
                raise error
            await self._desk.flights.pause(backoff(trial.throttles))
            return
        trial.failures += 1
        if kind is Kind.REDIRECT:
            trial.moves += 1
            if trial.moves > _MAX_MOVES or not await self._move(error, trial.route):
                raise error
        elif kind is Kind.CLOCK:
            trial.mends += 1
            if trial.mends > _MAX_MENDS or not self._seal.correct(error, place.host):
                raise error
        elif kind is Kind.CREDENTIALS:
            trial.mends += 1
            if not await self._seal.renew(trial.keys):
                if call.method == "HEAD":
                    await self._ask_in_words()
                    raise error
                if trial.mends >= _MAX_MENDS:
                    raise self._seal.lost()
                await self._desk.flights.pause(backoff(trial.mends))
        elif kind in (Kind.TRANSIENT, Kind.LACKING):
            await self._again(error, call, trial, now, place)
        else:
            if error.status:
                self._desk.budget(place.host).succeeded(False)  # a plain no is a good answer
            raise error

    async def _again(self, error: S3Error, call: Call, trial: _Trial, now: float, place: Resolved) -> None:
        """Waits until a failure that may pass is worth another try; raises it where it is not."""
        lacking = call.dubious and (error.status == 500 or error.code == "BadAnswer")
        trial.lacks += lacking
        most = min(self.limits.retries, _FEW.get(error.code, 1 << 30))
        if trial.lacks > 1 or trial.failures > most or now - trial.began > self.limits.total_timeout + 2 * call.seconds:
            raise error
        granted, wait = self._desk.budget(place.host).spend()
        if not granted:
            raise error
        if error.status == 0 and trial.route is not self._home and self._route is trial.route:
            self._route = self._home  # where a redirect led is gone
        await self._desk.flights.pause(wait + backoff(trial.failures))
        if wait and self._desk.budget(place.host).spent:  # it only had a turn: nothing was paid for it
            raise error

    def _of_head(self, error: S3Error, trial: _Trial) -> Kind:
        """HEAD has no body that names the failure: a bare 403 may be the clock's, a bare 400 the token's."""
        if self._seal.skewed(error, trial.route.place.host if trial.route else ""):
            return Kind.CLOCK
        if error.status == 400 and trial.keys and trial.keys.token and not trial.mends:
            return Kind.CREDENTIALS
        return Kind.FINAL

    async def _ask_in_words(self) -> None:
        """Has a request answered whose refusal says why; raises CredentialsLost where they expired."""
        with contextlib.suppress(S3Error):
            await self.call(Call("ListObjectsV2", "GET", query="list-type=2&max-keys=1", kind=LIST), lambda _: None)

    async def _move(self, error: S3Error, used: Route | None) -> bool:
        """Follows a redirect, for this and all later requests; whether there was somewhere to go."""
        if used is not self._route:
            return True  # another request has followed it
        profile, place = self.access.identity.profile, self._route.place
        loop = asyncio.get_running_loop()
        try:
            if error.region and error.region != place.region:
                found = await loop.run_in_executor(None, resolve, self.access, error.region)
                self._home = self._route = await loop.run_in_executor(None, Route, found, profile)
                log.info("bucket %s is in region %s", self.bucket, error.region)
                return True
            moved = place.moved(error.location) if error.location else None
            if moved:
                self._route = await loop.run_in_executor(None, Route, moved, profile)
                log.info("bucket %s is at %s for now", self.bucket, moved.url)
            return bool(moved)
        except ConfigError:
            return False


def _check(budget: Budget, store: str) -> None:
    """Raises what is to be said of a request that is not worth sending."""
    if why := budget.why:
        raise S3Error("SlowDown" if budget.closed else "ConnectionError", f"{store} {why}")
