"""A DoFn that hands its work to the process's event loop and emits results as they come.

Concurrency lives in the process, not in Beam: never a thread for an object, never one request at a time in process().
State held in a bundle is bounded by what is in flight: a runner's bundle may be a whole partition.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import queue
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from s3copy_beam.model import Totals
from s3copy_beam.options import CopyOptions
from s3copy_beam.s3.errors import ConfigError, CredentialsLost, Stopped
from s3copy_beam.s3.worker import worker
from s3copy_beam.transforms.ledger import LINES, TOTALS, Ledger

_log = logging.getLogger(__name__)

STREAM_DEPTH = 8
"""Results of one stream that may wait to be taken."""

Where = tuple[Any, tuple[Any, ...]]
"""Timestamp and windows of the element that some work came from."""
GLOBAL: Where = (MIN_TIMESTAMP, (GlobalWindow(),))


def tagged(do_fn: LoopDoFn, **outputs: Any) -> Any:
    """A ParDo whose outputs are all tagged: `totals` and `lines`, and those named here with their types."""
    types = {TOTALS: Totals, LINES: str} | outputs
    # the main output stays empty; typed, so that nothing in the graph has a coder that would pickle
    return beam.ParDo(do_fn).with_output_types(str, **types).with_outputs(*types)


class LoopDoFn(beam.DoFn):
    """Subclasses give `work` (a coroutine for one element) and `results` (what its answer becomes).

    Attributes:
        capacity: weight of the work that may be in flight before process() waits; one element is always taken.
    """

    capacity = 64

    def __init__(self, options: CopyOptions) -> None:
        self.options = options

    def start_bundle(self) -> None:
        self._done: queue.SimpleQueue[tuple[Where, Future[Any] | None, Any, Callable[[], Any]]] = queue.SimpleQueue()
        self._flying: dict[Future[Any], int] = {}
        self._load = 0
        self.ledger = Ledger(self.options)

    def hand(self, task: Coroutine[Any, Any, Any], weight: int = 1, where: Where = GLOBAL) -> None:
        """Starts work on the event loop. What it returns comes out of `take`."""
        done = self._done

        def ended(future: Future[Any]) -> None:
            done.put((where, future, None, _nothing))

        future = worker().submit(task)
        self._flying[future] = weight
        self._load += weight
        future.add_done_callback(ended)

    def take(self, until: Callable[[], bool]) -> Iterator[Any]:
        """Emits what is done; waits for more until `until` says that this is enough."""
        while not self._done.empty() or not until():
            where, future, value, taken = self._done.get()
            if future is not None:
                self._load -= self._flying.pop(future)
                value = self._answer(future)
            if value is not None:
                for output in self.results(value):
                    yield _windowed(output, where)
            taken()
            for line in self.ledger.take_lines():
                yield _windowed(beam.pvalue.TaggedOutput(LINES, line), where)

    def _answer(self, future: Future[Any]) -> Any:
        """What some work returned; None where the end of the run ended it."""
        try:
            return future.result()
        except (Stopped, CredentialsLost, CancelledError) as error:
            self.ledger.stopped(error)
        except ConfigError as error:  # what was right for the command is not for this worker: no credentials, no bundle
            self.ledger.totals.fatal = f"{error} (on the worker {platform.node()})"
        return None

    def results(self, value: Any) -> Iterator[Any]:
        """What one result becomes: outputs, tagged or not. Counts go into `self.ledger`."""
        raise NotImplementedError

    def room(self) -> bool:
        """Whether another element may be taken."""
        return self._load < self.capacity

    def finish_bundle(self) -> Iterator[Any]:
        yield from self.take(lambda: not self._flying)
        self.ledger.close()
        totals = self.ledger.totals
        # who did how much: a cluster's logs are by worker
        _log.info("%s, process %d: %d objects, %d bytes, %d parts, %d requests", type(self).__name__, os.getpid(),
                  totals.copied, totals.copied_bytes, totals.parts_copied, totals.requests)
        yield _windowed(beam.pvalue.TaggedOutput(TOTALS, totals), GLOBAL)

    def teardown(self) -> None:
        # after a bundle that failed: its work must not go on. The loop and the pool are others' too.
        for future in list(getattr(self, "_flying", ())):
            future.cancel()

    def stream(self) -> Callable[[Any, Where], Coroutine[Any, Any, None]]:
        """Gives an `emit(value, where)` for coroutines with many results; it waits while too many are untaken."""
        room = asyncio.Semaphore(STREAM_DEPTH)
        done = self._done

        async def emit(value: Any, where: Where) -> None:
            loop = asyncio.get_running_loop()
            await room.acquire()
            done.put((where, None, value, lambda: loop.call_soon_threadsafe(room.release)))

        return emit


def _windowed(output: Any, where: Where) -> Any:
    if isinstance(output, beam.pvalue.TaggedOutput):
        return beam.pvalue.TaggedOutput(output.tag, WindowedValue(output.value, where[0], where[1]))
    return WindowedValue(output, where[0], where[1])


def _nothing() -> None:
    pass
