"""Lists on standard input where workers may read them more than once, or are other processes: kept in a file."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace

from s3copy_beam.command.engine import Engine
from s3copy_beam.options import CopyOptions, Names


@contextlib.contextmanager
def with_stdin(options: CopyOptions, engine: Engine) -> Iterator[CopyOptions]:
    """The options with a file in place of ``-``, where standard input does not do; it goes with this context."""
    if engine.live or not any(name.url == "-" for name in (*options.names, *options.prefix_lists)):
        yield options
        return
    with tempfile.NamedTemporaryFile(prefix="s3copy-") as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        kept.flush()

        def instead(names: tuple[Names, ...]) -> tuple[Names, ...]:
            return tuple(replace(name, url=kept.name) if name.url == "-" else name for name in names)

        yield replace(options, names=instead(options.names), prefix_lists=instead(options.prefix_lists))
