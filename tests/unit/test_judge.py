"""Which HEADs are sent, what they decide, and what is remembered of a store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from s3copy_beam.compare import Verdict
from s3copy_beam.listing.judge import Decision, Judge, Vanished
from s3copy_beam.model import Listed
from s3copy_beam.s3.answers import Head
from s3copy_beam.s3.errors import S3Error

COPY, SAME, UNPROVEN = Verdict.COPY, Verdict.UP_TO_DATE, Verdict.UNPROVEN
A, B = "a" * 32, "b" * 32
CRC = {"checksums": {"CRC64NVME": "x"}, "checksum_type": "FULL_OBJECT"}


class Bucket:
    """Answers HEADs; counts them, and how many are under way at a time."""

    def __init__(self, head: Head | int | None = None, part: Head | int | None = None) -> None:
        self.head_answer, self.part_answer = head, part
        self.heads = self.parts = self.now = self.most = 0

    async def head(self, key: str, part_number: int = 0, checksums: bool = False) -> Head:
        answer = self.part_answer if part_number else self.head_answer
        if part_number:
            self.parts += 1
        else:
            assert checksums
            self.heads += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        if answer is None or isinstance(answer, int):
            raise S3Error("AccessDenied", "", answer or 404, "HeadObject")
        return answer


def obj(etag: str = A, modified: int = 100) -> Listed:
    return Listed("k", 9, etag, modified)


def head(etag: str = A, **more: object) -> Head:
    return Head(9, etag, 100, **more)  # type: ignore[arg-type]


def decide(judge: Judge, source: Listed, destination: Listed, times: int = 1) -> list[Decision]:
    async def all_of_them() -> list[Decision]:
        return list(await asyncio.gather(*(judge.decide(source, destination) for _ in range(times))))

    return asyncio.run(all_of_them())


def test_no_heads_where_none_are_needed() -> None:
    source, lister = Bucket(), Bucket()
    judge = Judge(source, lister)
    for destination in (None, obj(), obj(B, 99), Listed("k", 8, B, 101)):
        assert judge.at_once(obj(), destination) is not None
        assert asyncio.run(judge.decide(obj(), destination)).verdict in (COPY, SAME)
    assert source.heads + lister.heads == 0
    assert judge.at_once(obj(), obj(B, 101)) is None


@pytest.mark.parametrize(("ours", "theirs", "verdict"), [
    (head(A, **CRC), head(B, **CRC), SAME),
    (head(A, **CRC), head(B, checksums={"CRC64NVME": "y"}, checksum_type="FULL_OBJECT"), COPY),
    (head(A), head(B), COPY),
    (head(A, encryption="aws:kms"), head(B), UNPROVEN),
    (403, head(B), UNPROVEN),
    (400, head(B), UNPROVEN),
    (head(A), 501, UNPROVEN),
    (head(A), 404, COPY),
    (head(A), head(A), SAME),  # the destination was written again meanwhile: it is the source's version now
])
def test_what_heads_decide(ours: Head | int, theirs: Head | int, verdict: Verdict) -> None:
    source, lister = Bucket(ours), Bucket(theirs)
    [decision] = decide(Judge(source, lister), obj(A), obj(B, 101))
    assert decision.verdict is verdict
    assert (source.heads, lister.heads) == (1, 1)


def test_the_versions_that_were_seen() -> None:
    newer = replace(head("c" * 32), size=10, modified=200)
    [decision] = decide(Judge(Bucket(newer), Bucket(head(B))), obj(A), obj(B, 101))
    assert decision == (COPY, Listed("k", 10, "c" * 32, 200), obj(B, 101))
    [decision] = decide(Judge(Bucket(head(A)), Bucket(404)), obj(A), obj(B, 101))
    assert decision == (COPY, obj(A), None)


def test_a_source_that_vanished() -> None:
    with pytest.raises(Vanished):
        decide(Judge(Bucket(404), Bucket(head(B))), obj(A), obj(B, 101))


@pytest.mark.parametrize("status", [500, 503, 0])
def test_other_failures_are_the_callers(status: int) -> None:
    class Broken(Bucket):
        async def head(self, key: str, part_number: int = 0, checksums: bool = False) -> Head:
            raise S3Error("InternalError", "", status, "HeadObject")

    with pytest.raises(S3Error):
        decide(Judge(Broken(), Bucket(head(B))), obj(A), obj(B, 101))


@pytest.mark.parametrize(("one", "other", "verdict"), [
    (head(part_size=5, parts_count=2), head(part_size=5, parts_count=2), COPY),
    (head(part_size=5, parts_count=2), head(part_size=6, parts_count=2), UNPROVEN),
    (head(), head(), UNPROVEN),
    (500, head(part_size=5, parts_count=2), UNPROVEN),
    (416, 416, UNPROVEN),
])
def test_layouts(one: Head | int, other: Head | int, verdict: Verdict) -> None:
    source, lister = Bucket(head(A + "-2"), one), Bucket(head(B + "-2"), other)
    [decision] = decide(Judge(source, lister), obj(A + "-2"), obj(B + "-2", 101))
    assert decision.verdict is verdict
    assert (source.heads, lister.heads, source.parts, lister.parts) == (1, 1, 1, 1)


def test_a_store_without_layouts_is_not_asked_again() -> None:
    source, lister = Bucket(head(A + "-2"), 501), Bucket(head(B + "-2"), 501)
    judge = Judge(source, lister)
    decide(judge, obj(A + "-2"), obj(B + "-2", 101), times=3)
    assert source.parts == 1


def test_encryption_is_asked_for_once() -> None:
    source, lister = Bucket(head(A)), Bucket(head(B, encryption="aws:kms"))
    judge = Judge(source, lister)
    decisions = decide(judge, obj(A), obj(B, 101), times=50)
    assert {decision.verdict for decision in decisions} == {UNPROVEN}
    assert (source.heads, lister.heads) == (1, 1)
    assert asyncio.run(judge.decide(obj(A), obj(B))).verdict is COPY  # row 9
    # pairs of another kind are another matter
    decide(judge, obj(A + "-2"), obj(B, 101))
    assert source.heads == 2


def test_a_destination_that_was_removed_tells_nothing_of_others() -> None:
    lister = Bucket(404)
    judge = Judge(Bucket(head(A)), lister)
    assert decide(judge, obj(A), obj(B, 101))[0] == (COPY, obj(A), None)
    lister.head_answer = head(B)
    assert decide(judge, obj(A), obj(B, 101))[0].verdict is COPY  # row 6


def test_one_encrypted_object_among_others_does_not_speak_for_all() -> None:
    lister = Bucket(head(B))
    judge = Judge(Bucket(head(A)), lister)
    assert decide(judge, obj(A), obj(B, 101))[0].verdict is COPY
    lister.head_answer = head(B, encryption="aws:kms")
    assert decide(judge, obj(A), obj(B, 101))[0].verdict is UNPROVEN
    lister.head_answer = head(B)
    assert decide(judge, obj(A), obj(B, 101))[0].verdict is COPY
    lister.head_answer = head(B, encryption="aws:kms")
    for _ in range(50):
        decide(judge, obj(A), obj(B, 101))
    assert lister.heads == 3 + 4  # and not again and again


def test_other_layouts_are_asked_a_few_times() -> None:
    source, lister = Bucket(head(A + "-2")), Bucket(head(B))
    decide(Judge(source, lister), obj(A + "-2"), obj(B, 101), times=50)
    assert (source.heads, lister.heads) == (4, 4)


@pytest.mark.parametrize("how", [{"mode": "checksum"}, {"verify": True}])
def test_who_wants_proof_is_more_patient(how: dict[str, object]) -> None:
    source, lister = Bucket(head(A)), Bucket(head(B, encryption="aws:kms"))
    decide(Judge(source, lister, **how), obj(A), obj(B, 101), times=50)  # type: ignore[arg-type]
    assert source.heads == 32


def test_checksums_are_asked_for_each_and_together() -> None:
    source, lister = Bucket(head(A, **CRC)), Bucket(head(B, encryption="aws:kms", **CRC))
    assert {d.verdict for d in decide(Judge(source, lister), obj(A), obj(B, 101), times=50)} == {SAME}
    assert (source.heads, lister.heads) == (50, 50)
    assert source.most > 10


def test_etags_that_a_copy_showed_to_be_no_md5s() -> None:
    source, lister = Bucket(head(A)), Bucket(head(B))
    judge = Judge(source, lister)
    judge.learn_plain_etags(True)
    assert decide(judge, obj(A), obj(B, 101))[0].verdict is COPY
    judge.learn_plain_etags(False)
    judge.learn_plain_etags(True)
    assert {d.verdict for d in decide(judge, obj(A), obj(B, 101), times=9)} == {UNPROVEN}
    assert source.heads <= 11
    assert decide(judge, obj(A), obj(B, 101), times=9)
    assert source.heads <= 11


@pytest.mark.parametrize("make", [lambda s, d: Judge(s, d, "size"), lambda s, d: Judge(s, d, "etag"),
                                  lambda s, d: Judge(s, d, no_overwrite=True)])
def test_modes_that_ask_nothing(make: Callable[[Bucket, Bucket], Judge]) -> None:
    source, lister = Bucket(), Bucket()
    judge = make(source, lister)
    assert judge.at_once(obj(A), obj(B, 101)) is not None
