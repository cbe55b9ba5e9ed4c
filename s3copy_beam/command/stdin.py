"""Lists on standard input, or in a pipe, where workers may read them more than once or are other processes: kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace

from s3copy_beam.command.engine import Engine, is_local
from s3copy_beam.options import CopyOptions, Names


@contextlib.contextmanager
def with_stdin(options: CopyOptions, engine: Engine) -> Iterator[CopyOptions]:
    """The options with files in place of ``-`` and of pipes, where these do not do; they go with this context."""
    if engine.live:
        yield options
        return
    with contextlib.ExitStack() as files:
        def instead(names: tuple[Names, ...]) -> tuple[Names, ...]:
            return tuple(replace(name, url=files.enter_context(_kept(name.url))) if _once(name.url) else name
                         for name in names)

        yield replace(options, names=instead(options.names), prefix_lists=instead(options.prefix_lists))


def _once(url: str) -> bool:
    """Whether a second reading would find nothing."""
    return url == "-" or is_local(url) and os.path.exists(url) and not os.path.isfile(url)


@contextlib.contextmanager
def _kept(url: str) -> Iterator[str]:
    """A file with what is read there, with the same ending: that tells what is compressed."""
    with tempfile.NamedTemporaryFile(prefix="s3copy-", suffix=os.path.splitext(url)[1]) as kept:
        with contextlib.ExitStack() as opened:
            shutil.copyfileobj(sys.stdin.buffer if url == "-" else opened.enter_context(open(url, "rb")), kept)
        kept.flush()
        yield kept.name
