"""This package, made ready to travel with a job: workers elsewhere install it, and need not have it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import s3copy_beam
from s3copy_beam.s3.errors import ConfigError

_NAME = "s3copy_beam"
_SENDS = ("--setup_file=", "--extra_package=", "--extra_packages=")
_KINDS = (".py", ".typed")


def sent_by(words: Sequence[str]) -> bool:
    """Whether Beam's options already send this package: as a source tree, or as a package by its name."""
    return any(word.startswith(_SENDS[0]) or word.startswith(_SENDS[1:]) and
               Path(word.partition("=")[2]).name.startswith(_NAME) for word in words)


@contextlib.contextmanager
def packed() -> Iterator[Path]:
    """A wheel of the package as it is installed here, or stands in a checkout; removed afterwards.

    Raises:
        ConfigError: it is not installed, so nothing tells what it needs.
    """
    with tempfile.TemporaryDirectory(prefix="s3copy-") as folder:
        yield write_wheel(Path(folder))


def write_wheel(folder: Path) -> Path:
    """Writes the wheel (PyPA binary distribution format): the modules, and what `pip install` noted about them."""
    try:
        found = distribution(_NAME)
    except PackageNotFoundError:
        raise ConfigError("s3copy_beam cannot be sent to workers, because it is not installed here: pip install .") \
            from None
    root = Path(s3copy_beam.__file__).parent
    files = {f"{_NAME}/{path.relative_to(root).as_posix()}": path.read_bytes()
             for path in sorted(root.rglob("*")) if path.suffix in _KINDS}
    info = f"{_NAME}-{found.version}.dist-info"
    noted = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""  # the latter: beside a checkout
    files[f"{info}/METADATA"] = noted.encode()
    files[f"{info}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: {_NAME}\nRoot-Is-Purelib: true\n"
                              "Tag: py3-none-any\n").encode()
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = folder / f"{_NAME}-{found.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
