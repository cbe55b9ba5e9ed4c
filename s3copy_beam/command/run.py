"""One call of the command, from its words to its exit status."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from importlib.metadata import version

from s3copy_beam import text
from s3copy_beam.command import beam_flags, ending, log
from s3copy_beam.command.apart import stderr_apart
from s3copy_beam.command.build import Call, accesses, build
from s3copy_beam.command.echo import echo, missing, with_report
from s3copy_beam.command.engine import Engine, check_engine, engine_of, settled, warnings_of, words_for
from s3copy_beam.command.help import help_text
from s3copy_beam.command.job import Job, JobFailed
from s3copy_beam.command.observer import LiveObserver
from s3copy_beam.command.parser import Arguments, UsageError, parse
from s3copy_beam.command.report import Report, clear
from s3copy_beam.command.screen import Progress, Screen
from s3copy_beam.command.signals import GO_ON, Signals
from s3copy_beam.command.stdin import with_stdin
from s3copy_beam.model import Totals
from s3copy_beam.observe import observers
from s3copy_beam.options import CopyOptions
from s3copy_beam.paths import PathError
from s3copy_beam.s3.errors import ConfigError, CredentialsLost, Stopped

_log = logging.getLogger("s3copy_beam.command")


def run(argv: Sequence[str], signals: Signals | None = None) -> int:
    """Runs the command.

    Args:
        argv: the words after its name.
        signals: that are caught already.

    Returns:
        The exit status (ending.status_of; 130 and 143 after a signal).
    """
    return guarded(lambda screen, signals: _command(argv, screen, signals), signals)


def guarded(work: Callable[[Screen, Signals], int], caught: Signals | None = None) -> int:
    """Does the work of one call: what users cause, and what nobody foresaw, becomes one line and an exit status."""
    log.set_up(None, "")
    screen = Screen()
    with contextlib.nullcontext(caught) if caught else Signals() as signals:
        try:
            return work(screen, signals)
        except (UsageError, PathError, ConfigError, CredentialsLost) as error:
            return ending.fatal(screen, str(error))
        except Stopped:
            screen.err(signals.go_on)
            return signals.status or 1
        except Exception as error:
            _log.debug("internal error", exc_info=True)
            screen.err(f"s3copy: internal error: {text.escape(repr(error))} (-l DEBUG -L FILE logs where)")
            return 1


def _command(argv: Sequence[str], screen: Screen, signals: Signals) -> int:
    given = parse(argv, beam_flags.beam_options)
    if given.get("help"):
        screen.out(help_text())
        return 0
    if given.get("version"):
        screen.out(versions())
        return 0
    return carry_out(given, screen, signals)


def versions() -> str:
    """What ``--version`` says."""
    return f"s3copy_beam {version('s3copy_beam')}, apache-beam {version('apache-beam')}"


def carry_out(given: Arguments, screen: Screen, signals: Signals, shown: Sequence[str] = ()) -> int:
    """Does what a command line says.

    Args:
        given: the command line.
        screen: for people.
        signals: that may stop it.
        shown: further words for the pipeline's options.

    Returns:
        The exit status.
    """
    began = time.monotonic()
    _set_up_log(given)
    beam = beam_flags.check(given.beam) if given.beam else None
    engine = Engine() if given.get("dry_run") else engine_of(beam)  # a dry run writes nothing: no cluster is needed
    call = _built(given)
    check_engine(engine, given, call.options)

    from s3copy_beam.command.preflight import look
    from s3copy_beam.s3.identity import vault_put
    from s3copy_beam.s3.worker import worker

    worker().reset()
    signals.stop_with(lambda: worker().stop())
    if call.options.source.identity.vault:
        vault_put(call.options.source.identity.vault, given.get("a"), given.get("k"))
    try:
        facts = look(call.options, given)
    except Stopped:
        return _finish(Totals(stopped=1, **worker().take_counts()._asdict()), LiveObserver(call.options, screen), given,
                       signals, time.monotonic() - began)
    looked = time.monotonic()
    before = worker().take_counts()
    with contextlib.ExitStack() as files:
        options = files.enter_context(with_report(settled(facts.settle(call.options), engine), engine))
        options = files.enter_context(with_stdin(options, engine))
        files.enter_context(stderr_apart(engine, given.get("log_file", "")))
        observer = LiveObserver(options, screen, _open_report(options))
        if not given.get("quiet"):
            _introduce(call, facts.notes, facts.example, screen)
        for warning in filter(None, (*warnings_of(given.beam, options, engine), missing(options, engine))):
            screen.err(f"warning: {warning}")
        # What is written in the very second of `started` is not this run's, where that is how its own copies are known.
        job = Job(options, engine, [*words_for(engine, given.beam, given.server), *shown],
                  looked + 1 if options.retried_bundles else 0)
        try:
            totals = _watched(job, observer, given, signals)
        except JobFailed as error:
            if not signals.received:
                screen.err(f"s3copy: the job failed: {error}")
                return 1
            totals = None
        if given.get("detach"):
            screen.err(job.how_to_watch())
            return 0
        if totals is not None:
            echo(observer)
    if totals is not None:
        totals.add(Totals(**before._asdict()))
    return _finish(totals, observer, given, signals, time.monotonic() - began)


def _built(given: Arguments) -> Call:
    """The settings; buckets of one name in two stores are told as that, not as a copy of a bucket to itself."""
    run_id = uuid.uuid4().hex
    try:
        return build(given, run_id)
    except PathError:
        from s3copy_beam.command.preflight import check_one_store

        with contextlib.suppress(ConfigError):
            check_one_store(*accesses(given, run_id), given)
        raise


def _set_up_log(given: Arguments) -> None:
    file = given.get("log_file", "")
    try:
        log.set_up(given.get("log_level"), file)
    except OSError as error:
        raise UsageError(f"{given.given['log_file']} {file}: {error.strerror}") from None


def _open_report(options: CopyOptions) -> Report | None:
    if not options.report:
        return None
    from s3copy_beam.s3.urls import open_url

    try:
        clear(options.report, options.source)
        return None if not options.live else Report(options.report, options.source.bucket, options.destination.bucket,
                      lambda url: open_url(url, "w", options.source))
    except OSError as error:
        raise UsageError(f"--report {options.report}: {error.strerror}") from None
    except ConfigError as error:
        raise UsageError(f"--report {error}") from None


def _introduce(call: Call, notes: Sequence[str], example: tuple[str, str] | None, screen: Screen) -> None:
    if call.first:
        screen.err(call.first)
    if example and sys.stderr.isatty():
        source, destination = call.options.source.bucket, call.options.destination.bucket
        screen.err(text.naming_line(source, example[0], destination, example[1]))
    for note in (*call.notes, *notes):
        screen.err(f"note: {note}")


def _watched(job: Job, observer: LiveObserver, given: Arguments, signals: Signals) -> Totals | None:
    """Runs the job while people are told how far it is."""
    options = job.options
    progress = Progress(observer.screen, observer.progress if options.live else job.progress)
    if options.live:
        observers[options.run_id] = observer
    if not given.get("quiet") and not given.get("no_progress"):
        progress.start()
    try:
        job.submit()
        return None if given.get("detach") else job.wait(signals)
    finally:
        progress.stop()
        observers.pop(options.run_id, None)
        if observer.report:
            observer.report.close()


def _tell_concurrency(screen: Screen, given: Arguments) -> None:
    """How many requests at a time this process came to allow: in the log, and before the summary with ``-v``."""
    from s3copy_beam.s3.worker import worker

    settled = ", ".join(f"{number} {name}" for name, number in sorted(worker().concurrency().items()))
    if settled:
        _log.info("requests at a time: %s", settled)
    if settled and given.get("verbose") and not given.get("quiet"):
        screen.err(f"requests at a time: {settled}")


def _finish(totals: Totals | None, observer: LiveObserver, given: Arguments, signals: Signals, seconds: float) -> int:
    """Says what is to be said at the end."""
    screen = observer.screen
    if totals is None:
        screen.err(signals.go_on if signals.received else "s3copy: the job did not report: what it did is not known; "
                                                          f"{GO_ON}")
        return signals.status or 1
    if totals.fatal:
        return ending.fatal(screen, totals.fatal)
    if observer.report and observer.report.error:
        totals.failed += 1
        totals.failures.insert(0, f"failed writing {text.escape(observer.options.report)}: "
                                  f"{text.escape(observer.report.error)}")
    _tell_concurrency(screen, given)
    stopped = signals.go_on if signals.received or totals.stopped else ""
    ending.say(totals, observer, given, seconds, stopped)
    return signals.status or ending.status_of(totals, observer.options, given)
