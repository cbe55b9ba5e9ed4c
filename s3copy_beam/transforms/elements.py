"""What travels between the steps, and how it is written when it travels between machines.

Elements are named tuples of plain values. Their coder writes the values without their names and classes, which is a
third of what pickling takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Generic, NamedTuple, TypeVar

from apache_beam import coders

from s3copy_beam.keyspace import Cut, KeyRange
from s3copy_beam.layout import Layout
from s3copy_beam.model import Planned, Totals
from s3copy_beam.moving.partfiles import PartFile
from s3copy_beam.moving.staged import Staged
from s3copy_beam.moving.uploads import Upload
from s3copy_beam.paths import Area
from s3copy_beam.s3.answers import Part
from s3copy_beam.s3.errors import S3Error

T = TypeVar("T")


class AreaRange(NamedTuple):
    """Keys of one area that one listing goes through."""

    area: Area | None
    """None: the lists of names (and prefixes)."""
    keys: KeyRange | None = None
    """None: all of the area."""


class PlannedBatch(NamedTuple):
    """Objects that are copied together. An empty batch lets a step hand on what it has done meanwhile."""

    objects: tuple[Planned, ...]


class PartsToCopy(NamedTuple):
    """Parts of one upload that are copied together. Without an upload: as with an empty batch."""

    upload: Upload | None = None
    numbers: tuple[int, ...] = ()
    """To be copied."""
    kept: tuple[Part, ...] = ()
    """Held by the upload already, since an earlier run."""
    copied: tuple[Part, ...] = ()
    """Held by the upload already, copied by this run."""
    whole: bool = False
    """These are all parts of the object: it is assembled where they are copied."""


class CopiedParts(NamedTuple):
    """Parts of one upload that were copied, or the error of one that could not be."""

    upload: Upload
    parts: tuple[Part, ...]
    reused: tuple[int, ...]
    error: tuple[str, str, int, str, str] | None


class PartFiles(NamedTuple):
    """Parts of one object between the steps of ``--staged``. Without an object: as with an empty batch."""

    staged: Staged | None = None
    numbers: tuple[int, ...] = ()
    """To go through step 1."""
    files: tuple[PartFile, ...] = ()
    """Been through it, and through step 2 where they say so."""
    reused: tuple[int, ...] = ()
    """Numbers of those that an earlier run copied."""
    error: tuple[str, str, int, str, str] | None = None
    """Of one that could not be copied."""


def _plain_upload(upload: Upload) -> tuple[Any, ...]:
    return (*upload._replace(planned=tuple(upload.planned), layout=tuple(upload.layout)),)  # type: ignore[arg-type]


def _upload(values: tuple[Any, ...]) -> Upload:
    made = Upload(*values)
    return made._replace(planned=Planned(*made.planned), layout=Layout(*made.layout))


def _plain_parts(parts: tuple[Part, ...]) -> tuple[Any, ...]:
    return tuple((part.number, part.size, part.etag, tuple(part.checksums.items())) for part in parts)


def _parts(values: tuple[Any, ...]) -> tuple[Part, ...]:
    return tuple(Part(number, size, etag, dict(checksums)) for number, size, etag, checksums in values)


def _plain_range(element: AreaRange) -> tuple[Any, ...]:
    area, keys = element
    cuts = None if keys is None else tuple(None if cut is None else tuple(cut) for cut in keys)
    return (None if area is None else tuple(asdict(area).values()), cuts)


def _range(values: tuple[Any, ...]) -> AreaRange:
    area, cuts = values
    keys = None if cuts is None else KeyRange(*(None if cut is None else Cut(*cut) for cut in cuts))
    return AreaRange(None if area is None else Area(*area), keys)


def _staged(values: tuple[Any, ...]) -> Staged:
    return Staged(Planned(*values[0]), Layout(*values[1]))


def error_of(values: tuple[str, str, int, str, str]) -> S3Error:
    """The error that travelled as a tuple."""
    return S3Error(*values)


def plain_error(error: S3Error) -> tuple[str, str, int, str, str]:
    """An error as values that travel."""
    return error.code, error.message, error.status, error.operation, error.request_id


class _NothingElse(coders.Coder):
    """Takes the place of pickling for what is no plain value: it is an error."""

    def encode(self, value: object) -> bytes:
        raise TypeError(f"{type(value).__name__} is no plain value")

    def is_deterministic(self) -> bool:
        return True


class PackedCoder(coders.Coder, Generic[T]):
    """Writes an element as plain values, by two functions of its type; never pickles.

    In a graph it stands as Beam writes every coder of one's own, pickled by reference (a class and a type). A URN of
    its own would have to be known to a worker before that has imported this module.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._pack, self._unpack = _PACKERS[kind]
        self._plain = coders.FastPrimitivesCoder(fallback_coder=_NothingElse())

    def encode(self, value: T) -> bytes:
        return bytes(self._plain.encode(self._pack(value)))

    def decode(self, encoded: bytes) -> T:
        made: T = self._unpack(self._plain.decode(encoded))
        return made

    def is_deterministic(self) -> bool:
        return True

    @classmethod
    def from_type_hint(cls, typehint: type[T], registry: object) -> PackedCoder[T]:
        return cls(typehint)

    def to_type_hint(self) -> type[T]:
        return self._kind

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedCoder, (self._kind,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackedCoder) and other._kind is self._kind

    def __hash__(self) -> int:
        return hash(self._kind)


_PACKERS: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    AreaRange: (_plain_range, _range),
    PlannedBatch: (
        lambda batch: tuple(map(tuple, batch.objects)),
        lambda values: PlannedBatch(tuple(Planned(*value) for value in values)),
    ),
    PartsToCopy: (
        lambda v: (v.upload and _plain_upload(v.upload), v.numbers, *map(_plain_parts, (v.kept, v.copied)), v.whole),
        lambda v: PartsToCopy(v[0] and _upload(v[0]), v[1], _parts(v[2]), _parts(v[3]), v[4]),
    ),
    CopiedParts: (
        lambda done: (_plain_upload(done.upload), _plain_parts(done.parts), done.reused, done.error),
        lambda v: CopiedParts(_upload(v[0]), _parts(v[1]), v[2], v[3]),
    ),
    PartFiles: (
        lambda v: (v.staged and tuple(map(tuple, v.staged)), v.numbers, tuple(map(tuple, v.files)), v.reused, v.error),
        lambda v: PartFiles(v[0] and _staged(v[0]), v[1], tuple(PartFile(*file) for file in v[2]), v[3], v[4]),
    ),
    Totals: (lambda totals: json.dumps(asdict(totals)), lambda text: Totals(**json.loads(text))),
}


for _kind in _PACKERS:
    coders.registry.register_coder(_kind, PackedCoder)
