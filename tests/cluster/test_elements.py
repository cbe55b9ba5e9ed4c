"""Coders of what travels between machines: the same element comes out, and it is small."""

from __future__ import annotations

import pytest
from apache_beam import coders

from s3copy_beam.keyspace import Cut, KeyRange
from s3copy_beam.layout import Layout
from s3copy_beam.model import Planned, Totals
from s3copy_beam.moving.uploads import Upload
from s3copy_beam.paths import Area
from s3copy_beam.s3.answers import Part
from s3copy_beam.transforms.elements import AreaRange, CopiedParts, PackedCoder, PartsToCopy, PlannedBatch

MIB = 1 << 20
KEY = "logs/2024/01/part-00000-of-04096.parquet"
ETAG = "0123456789abcdef0123456789abcdef"
PLANNED = Planned(KEY, f"backup/{KEY}", 5 << 40, f"{ETAG}-9999", 1_700_000_000)
UPLOAD = Upload(PLANNED, "b" * 60, Layout(5 << 40, 500 * MIB), "CRC64NVME", exact=True, marked=True)
PART = Part(7, 500 * MIB, ETAG, {"CRC64NVME": "AAAAAAAAAAA="})
ELEMENTS = [
    AreaRange(None),
    AreaRange(Area("logs/", strip="logs/", label="s3://a/logs"), KeyRange(Cut("logs/a", "logs/b"), None)),
    PlannedBatch(()),
    PlannedBatch((PLANNED, PLANNED._replace(source="\U0010ffff\n", replaces=ETAG, in_place=True))),
    PartsToCopy(),
    PartsToCopy(UPLOAD, (1, 2), (PART,), (PART._replace(number=8),), whole=True),
    CopiedParts(UPLOAD, (PART,), (7,), None),
    CopiedParts(UPLOAD, (), (), ("SlowDown", "slow", 503, "UploadPartCopy", "id")),
    Totals(copied=3, failures=["failed s3://a/b: x"], fatal="no"),
]


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda element: type(element).__name__)
def test_there_and_back(element: object) -> None:
    coder = coders.registry.get_coder(type(element))
    assert isinstance(coder, PackedCoder)
    assert coder.is_deterministic()
    found = coder.decode(coder.encode(element))
    assert found == element
    assert type(found) is type(element)


def test_nothing_is_pickled() -> None:
    with pytest.raises(TypeError, match="no plain value"):
        PackedCoder(PlannedBatch).encode(PlannedBatch(((object(),),)))  # type: ignore[arg-type]


def test_sizes() -> None:
    """Bytes an element, beside its names: what a bucket of a billion objects, or 10,000 parts, send around."""
    names = 2 * len(KEY) + len("backup/")
    batch = PlannedBatch(tuple(PLANNED._replace(source=f"{n:03}{KEY[3:]}") for n in range(256)))
    assert len(PackedCoder(PlannedBatch).encode(batch)) / 256 <= names + 75
    assert len(PackedCoder(PartsToCopy).encode(PartsToCopy(UPLOAD, (7,)))) <= names + 190
    assert len(PackedCoder(CopiedParts).encode(CopiedParts(UPLOAD, (PART,), (), None))) <= names + 260
    assert len(PackedCoder(Totals).encode(Totals())) <= 500
