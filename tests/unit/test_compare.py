"""cli.md's table 'When is a destination object up to date?', row by row and mode by mode."""

from __future__ import annotations

import itertools

import pytest

from s3copy_beam.compare import UNSEEN, Ask, Facts, Seen, Verdict, archived, as_asked, judge
from s3copy_beam.model import Listed
from s3copy_beam.options import Access, CopyOptions

COPY, SAME, UNPROVEN = Verdict.COPY, Verdict.UP_TO_DATE, Verdict.UNPROVEN
A, B = "a" * 32, "b" * 32
PLAIN = Seen(encryption="")
KMS, SSE_C, UNKNOWN, SSE_S3 = (Seen(encryption=kind) for kind in ("aws:kms", "SSE-C", None, "AES256"))
LAYOUT, OTHER, NONE = (8, 2), (9, 2), (0, 0)


def obj(etag: str = A, size: int = 9, modified: int = 100) -> Listed:
    return Listed("k", size, etag, modified)


def sums(
        value: str, kind: str = "FULL_OBJECT", name: str = "CRC64NVME", encryption: str = "",
        etag: str = "") -> Seen:
    return Seen(etag, encryption, {name: value}, kind)


def heads(one: Seen, other: Seen, *layouts: tuple[int, int], md5: bool = True) -> Facts:
    return Facts(one, other, (layouts[0], layouts[1]) if layouts else None, md5)


AFTER, SAME_SECOND = 101, 100
# row, source, destination's etag, facts; answers where the destination is newer and where it is of the same second
ROWS = [
    ("4 not asked yet", A, B, Facts(), Ask.CHECKSUMS, Ask.CHECKSUMS),
    ("4 one asked", A, B, Facts(PLAIN), Ask.CHECKSUMS, Ask.CHECKSUMS),
    ("4 equal", A, B, heads(sums("x"), sums("x")), SAME, SAME),
    ("4 differs", A, B, heads(sums("x"), sums("y")), COPY, COPY),
    ("4 under KMS too", A, B, heads(sums("x", encryption="aws:kms"), sums("x")), SAME, SAME),
    ("4 other algorithm", A, B, heads(sums("x", name="SHA1"), sums("x"), md5=False), UNPROVEN, COPY),
    ("4 type not said, plain", A, B, heads(sums("x", "", "CRC32"), sums("x", "", "CRC32")), SAME, SAME),
    ("4 type not said, multipart", A + "-2", B, heads(sums("x", "", "CRC32", etag=A + "-2"), sums("y", "", "CRC32")),
     UNPROVEN, COPY),
    ("4 full against composite", A, B + "-2", heads(sums("x", name="CRC32"), sums("y-2", "COMPOSITE", "CRC32")),
     UNPROVEN, COPY),
    ("5 equal", A + "-2", B + "-2", heads(sums("x-2", "COMPOSITE", "SHA256"), sums("x-2", "COMPOSITE", "SHA256")),
     SAME, SAME),
    ("5 other part count", A + "-2", B + "-3", heads(sums("x-2", "COMPOSITE"), sums("x-3", "COMPOSITE")),
     UNPROVEN, COPY),
    ("5 other algorithm", A + "-2", B + "-2", heads(
        sums("x-2", "COMPOSITE", "SHA1"), sums("x-2", "COMPOSITE", "SHA256"), LAYOUT, OTHER), UNPROVEN, COPY),
    ("5 differs: goes on", A + "-2", B + "-2", heads(sums("x-2", "COMPOSITE"), sums("y-2", "COMPOSITE")),
     Ask.LAYOUTS, Ask.LAYOUTS),
    ("6 both plain", A, B, heads(PLAIN, PLAIN), COPY, COPY),
    ("6 SSE-S3", A, B, heads(SSE_S3, PLAIN), COPY, COPY),
    ("6 KMS source", A, B, heads(KMS, PLAIN), UNPROVEN, COPY),
    ("6 SSE-C destination", A, B, heads(PLAIN, SSE_C), UNPROVEN, COPY),
    ("6 not to be looked at", A, B, heads(PLAIN, UNKNOWN), UNPROVEN, COPY),
    ("6 no MD5s", A, B, heads(PLAIN, PLAIN, md5=False), UNPROVEN, COPY),
    ("6 a strange ETag", A, "xyz", heads(PLAIN, PLAIN), UNPROVEN, COPY),
    ("6 no ETags at all", "", "", heads(PLAIN, PLAIN), UNPROVEN, COPY),
    ("7 not asked yet", A + "-2", B + "-2", heads(PLAIN, PLAIN), Ask.LAYOUTS, Ask.LAYOUTS),
    ("7 same layout", A + "-2", B + "-2", heads(PLAIN, PLAIN, LAYOUT, LAYOUT), COPY, COPY),
    ("7 other layout", A + "-2", B + "-2", heads(PLAIN, PLAIN, LAYOUT, OTHER), UNPROVEN, COPY),
    ("7 not known", A + "-2", B + "-2", heads(PLAIN, PLAIN, NONE, NONE), UNPROVEN, COPY),
    ("7 KMS", A + "-2", B + "-2", heads(KMS, PLAIN, LAYOUT, LAYOUT), UNPROVEN, COPY),
    ("7 no MD5s", A + "-2", B + "-2", heads(PLAIN, PLAIN, LAYOUT, LAYOUT, md5=False), UNPROVEN, COPY),
    ("7 other part count: not asked", A + "-2", B + "-3", heads(PLAIN, PLAIN), UNPROVEN, COPY),
    ("8 plain and multipart", A, B + "-2", heads(PLAIN, PLAIN), UNPROVEN, COPY),
    ("8 blind: not asked", A, B, Facts(blind=True), UNPROVEN, COPY),
]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_rows_4_to_9(row: tuple[str, str, str, Facts, Verdict | Ask, Verdict | Ask]) -> None:
    _, source, etag, facts, newer, same_second = row
    one = obj(source)
    assert judge(one, obj(etag, modified=AFTER), facts) is newer
    assert judge(one, obj(etag, modified=SAME_SECOND), facts) is same_second
    assert judge(one, obj(etag, modified=99), facts) is COPY  # row 3, before anything is asked
    # checksum wants proof: what is unproven is copied
    assert judge(one, obj(etag, modified=AFTER), facts, "checksum") is (COPY if newer is UNPROVEN else newer)
    assert judge(one, obj(etag, modified=AFTER), facts, "etag") is COPY
    assert judge(one, obj(etag, modified=AFTER), facts, "size") is SAME
    # --verify: row 3 is not asked, rows 8 and 9 are unproven
    for mode, modified in itertools.product(("auto", "checksum"), (99, SAME_SECOND, AFTER)):
        assert judge(one, obj(etag, modified=modified), facts, mode, verify=True) is newer
    assert judge(one, obj(etag, modified=AFTER), facts, "etag", verify=True) is COPY
    assert judge(one, obj(etag, modified=99), facts, "size", verify=True) is UNPROVEN
    assert judge(one, obj(etag, modified=99), facts, no_overwrite=True) is SAME


@pytest.mark.parametrize("mode", ["auto", "etag", "checksum", "size"])
@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("modified", [99, 100, 101])
def test_rows_1_and_2(mode: str, verify: bool, modified: int) -> None:
    def answer(source: Listed, destination: Listed | None, no_overwrite: bool = False) -> Verdict | Ask:
        return judge(source, destination, mode=mode, no_overwrite=no_overwrite, verify=verify)

    assert answer(obj(), None) is COPY
    assert answer(obj(), None, no_overwrite=True) is COPY
    assert answer(obj(), obj(size=8, modified=modified)) is COPY
    assert answer(obj(), obj(size=8, modified=modified), no_overwrite=True) is SAME
    assert answer(obj(), obj(modified=modified)) is SAME
    assert answer(obj(A, 0), obj(B, 0, modified)) is SAME
    assert answer(obj(), UNSEEN) is COPY
    assert answer(obj(), UNSEEN, no_overwrite=True) is COPY
    assert answer(obj("", 0), UNSEEN) is COPY


@pytest.mark.parametrize(("storage_class", "restored", "expected"), [
    ("STANDARD", False, False), ("GLACIER", False, True), ("GLACIER", True, False), ("DEEP_ARCHIVE", False, True),
    ("GLACIER_IR", False, False), ("INTELLIGENT_TIERING", False, False),
])
def test_archived(storage_class: str, restored: bool, expected: bool) -> None:
    assert archived(Listed("k", 1, A, 1, storage_class, restored)) is expected


ARN = "arn:aws:kms:us-east-1:1:key/abc"


@pytest.mark.parametrize(("asked", "storage_class", "encryption", "key", "expected"), [
    ({}, "STANDARD", None, "", True),
    ({"storage_class": "GLACIER_IR"}, "STANDARD", None, "", False),
    ({"storage_class": "KEEP"}, "STANDARD_IA", None, "", True),
    ({"acl": "private"}, "STANDARD", None, "", False),
    ({"grants": (("READ", 'id="x"'),)}, "STANDARD", None, "", False),
    ({"sse": "AES256"}, "STANDARD", None, "", None),
    ({"sse": "AES256"}, "STANDARD", "AES256", "", True),
    ({"sse": "AES256"}, "STANDARD", "", "", False),
    ({"sse": "AES256"}, "STANDARD_IA", None, "", False),
    ({"sse": "aws:kms"}, "STANDARD", "aws:kms", ARN, True),
    ({"sse": "aws:kms", "sse_kms_key_id": "abc"}, "STANDARD", "aws:kms", ARN, True),
    ({"sse": "aws:kms", "sse_kms_key_id": ARN}, "STANDARD", "aws:kms", ARN, True),
    ({"sse": "aws:kms", "sse_kms_key_id": "bc"}, "STANDARD", "aws:kms", ARN, False),
])
def test_as_asked(
    asked: dict[str, str], storage_class: str, encryption: str | None, key: str, expected: bool | None
) -> None:
    access = Access("b")
    options = CopyOptions(access, access, access, **asked)  # type: ignore[arg-type]
    assert as_asked(options, storage_class, encryption, key) is expected
