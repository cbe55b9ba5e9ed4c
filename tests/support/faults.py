"""Faults that the proxy makes on demand, and the rules that say when.

Methods that make rules take the operation ("*": any) and, by name:

    key, target: regular expressions that must be found in the key, in the raw request target
    first, times: from the first-th request that matches on, for so many (None: all); the first one, if not given
    chance, seed: with this probability, drawn from that seed (with times=None)
    after: the server has done the work before the fault happens (its answer is lost, or changed)

Of several rules that match a request, the one made first acts.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict

from tests.support.wire import Answer, Headers, Request, s3_error

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dropped(Exception):
    """The connection to the client is to be reset."""


@dataclass
class Exchange:
    """One request under a rule: what a fault can do with it.

    Attributes:
        cut: so many bytes of the answer's body are sent, then the connection ends.
        drip: seconds of white space after the XML declaration of the answer.
        stall: seconds for which nothing follows the part that was sent, before the connection ends.
    """

    request: Request
    forward: Callable[[], Awaitable[Answer]]
    cut: int | None = None
    drip: float = 0.0
    stall: float = 0.0


Fault = Callable[[Exchange], Awaitable[Answer]]


class When(TypedDict, total=False):
    """To which requests a rule applies; see the module's text."""

    key: str
    target: str
    first: int
    times: int | None
    chance: float
    seed: int


@dataclass
class Rule:
    """A fault and the requests that meet it; `met` counts those."""

    operation: str
    fault: Fault
    key: re.Pattern[str]
    target: re.Pattern[str]
    first: int = 1
    times: int | None = 1
    chance: float = 1.0
    dice: random.Random = field(default_factory=random.Random)
    matched: int = 0
    met: int = 0

    def meets(self, request: Request) -> bool:
        """Whether this request gets the fault; counts."""
        if self.operation not in ("*", request.operation):
            return False
        if not self.key.search(request.key) or not self.target.search(request.target):
            return False
        self.matched += 1
        if self.matched < self.first or (self.times is not None and self.met >= self.times):
            return False
        if self.chance < 1 and self.dice.random() >= self.chance:
            return False
        self.met += 1
        return True


@dataclass
class Held:
    """Requests that are being held."""

    loop: asyncio.AbstractEventLoop
    arrived: threading.Event = field(default_factory=threading.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    forward: bool = False

    def wait(self, timeout: float = 60) -> None:
        """Until the first one is here.

        Raises:
            AssertionError: none came.
        """
        assert self.arrived.wait(timeout), "the request to be held did not come"

    def release(self, *, forward: bool = True) -> None:
        """Lets them go on; or ends their connections, so that the server never sees them."""
        self.forward = forward
        self.loop.call_soon_threadsafe(self.go.set)


class Rules:
    """The rules of one proxy, whose event loop this is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.rules: list[Rule] = []

    def on(self, operation: str, fault: Fault, **when: Unpack[When]) -> Rule:
        """Any fault: a coroutine function that gets the Exchange and returns the answer, or raises Dropped."""
        rule = Rule(
            operation, fault, re.compile(when.get("key", "")), re.compile(when.get("target", "")),
            when.get("first", 1), when.get("times", 1), when.get("chance", 1.0), random.Random(when.get("seed", 0)),
        )
        self.rules.append(rule)
        return rule

    def rule_for(self, request: Request) -> Rule | None:
        """The rule that acts on a request, if any; counts."""
        return next((rule for rule in list(self.rules) if rule.meets(request)), None)

    def answer(self, operation: str, answer: Answer, *, after: bool = False, **when: Unpack[When]) -> Rule:
        """Answers with this."""
        async def fault(exchange: Exchange) -> Answer:
            if after:
                await exchange.forward()
            return answer

        return self.on(operation, fault, **when)

    def fail(self, operation: str, code: str, status: int, *, after: bool = False, headers: Headers | None = None,
             **when: Unpack[When]) -> Rule:
        """Answers with an S3 error (status 200: an error in a success)."""
        return self.answer(operation, s3_error(status, code, headers=headers), after=after, **when)

    def drop(self, operation: str, *, after: bool = False, **when: Unpack[When]) -> Rule:
        """Resets the connection."""
        async def fault(exchange: Exchange) -> Answer:
            if after:
                await exchange.forward()
            raise Dropped

        return self.on(operation, fault, **when)

    def delay(self, operation: str, seconds: float, *, after: bool = False, **when: Unpack[When]) -> Rule:
        """Takes longer: before the server gets the request, or (`after`) before the client gets the answer."""
        async def fault(exchange: Exchange) -> Answer:
            if not after:
                await asyncio.sleep(seconds)
            answer = await exchange.forward()
            if after:
                await asyncio.sleep(seconds)
            return answer

        return self.on(operation, fault, **when)

    def hold(self, operation: str, *, passing: int = 0, after: bool = False, **when: Unpack[When]) -> Held:
        """Holds requests (all that match, unless told otherwise) until they are released.

        Args:
            passing: so many are let through first, and answered; those that the server refuses do not count.
            after: the server has done the work of those that are held.
        """
        held = Held(self.loop)
        under_way = passed = 0

        async def fault(exchange: Exchange) -> Answer:
            nonlocal under_way, passed
            while passed < passing:
                if passed + under_way < passing:
                    under_way += 1
                    try:
                        answer = await exchange.forward()
                    finally:
                        under_way -= 1
                    passed += answer.status == 200
                    return answer
                await asyncio.sleep(0.01)
            done = await exchange.forward() if after else None
            held.arrived.set()
            await held.go.wait()
            if done is None and not held.forward:
                raise Dropped
            return done or await exchange.forward()

        when.setdefault("times", None)
        self.on(operation, fault, **when)
        return held

    def cut(self, operation: str, share: float = 0.5, **when: Unpack[When]) -> Rule:
        """Sends a share of the answer's body, then ends the connection: content-length promised more."""
        async def fault(exchange: Exchange) -> Answer:
            answer = await exchange.forward()
            exchange.cut = int(len(answer.body) * share)
            return answer

        return self.on(operation, fault, **when)

    def stall(self, operation: str, seconds: float = 600, share: float = 0.5, **when: Unpack[When]) -> Rule:
        """Sends the head and a share of the body of the answer, and then nothing."""
        async def fault(exchange: Exchange) -> Answer:
            answer = await exchange.forward()
            exchange.cut, exchange.stall = int(len(answer.body) * share), seconds
            return answer

        return self.on(operation, fault, **when)

    def change(self, operation: str, change: Callable[[Answer], Answer], **when: Unpack[When]) -> Rule:
        """Changes the server's answer."""
        async def fault(exchange: Exchange) -> Answer:
            return change(await exchange.forward())

        return self.on(operation, fault, **when)

    def change_body(self, operation: str, change: Callable[[bytes], bytes], **when: Unpack[When]) -> Rule:
        """Changes the body of the server's answer; its length is told rightly."""
        return self.change(operation, lambda answer: replace(answer, body=change(answer.body)), **when)

    def drip(self, operation: str, seconds: float, **when: Unpack[When]) -> Rule:
        """White space within the body, while the server is at work: as Complete answers on AWS."""
        async def fault(exchange: Exchange) -> Answer:
            exchange.drip = seconds
            return await exchange.forward()

        return self.on(operation, fault, **when)

    def meanwhile(self, operation: str, act: Callable[[Request], object], *, after: bool = False,
                  **when: Unpack[When]) -> Rule:
        """Runs `act` (in a thread) before the request is passed on, or between the work and its answer."""
        async def fault(exchange: Exchange) -> Answer:
            answer = await exchange.forward() if after else None
            await asyncio.to_thread(act, exchange.request)
            return answer or await exchange.forward()

        return self.on(operation, fault, **when)

    def redirect(self, operation: str, *urls: str, status: int = 307, **when: Unpack[When]) -> Rule:
        """Sends the client to another endpoint: of several to one where it is not."""
        async def fault(exchange: Exchange) -> Answer:
            url = next((url for url in urls if not url.endswith(f"/{exchange.request.header('host')}")), urls[0])
            location = [("Location", url + exchange.request.target)]
            return s3_error(status, "TemporaryRedirect", headers=location)

        return self.on(operation, fault, **when)

    def throttle(self, operation: str, rate: float, burst: float = 10) -> Rule:
        """SlowDown above `rate` requests a second (a token bucket that holds `burst`)."""
        level, at = burst, time.monotonic()

        async def fault(exchange: Exchange) -> Answer:
            nonlocal level, at
            now = time.monotonic()
            level, at = min(burst, level + (now - at) * rate), now
            if level < 1:
                return s3_error(503, "SlowDown")
            level -= 1
            return await exchange.forward()

        return self.on(operation, fault, times=None)
