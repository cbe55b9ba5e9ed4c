"""A listing that fails is never taken for its end, on either side: it is tried again, or the run fails."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.support.buckets import Bucket
from tests.support.command import Tool
from tests.support.faults import Rules
from tests.support.marks import on
from tests.support.proxy import Proxy
from tests.support.wire import Answer, s3_error

pytestmark = on("moto")
LATER_PAGE = "(start-after|continuation-token)="
KEYS = [f"{n:03}" for n in range(60)]


def out_of_order(body: bytes) -> bytes:
    """The first entry stands last."""
    first, *rest = re.findall(rb"<Contents>.*?</Contents>", body, re.DOTALL)
    begin, end = body.index(b"<Contents>"), body.rindex(b"</Contents>") + len(b"</Contents>")
    return body[:begin] + b"".join([*rest, first]) + body[end:]


HTML = Answer(200, [("Content-Type", "text/html")], b"<html><body>Please log in to this network</body></html>")
FAULTS: dict[str, Callable[[Rules, str, int | None], object]] = {
    "cut": lambda p, at, n: p.cut("ListObjectsV2", target=at, times=n),
    "cut, its length told rightly": lambda p, at, n: p.change_body(
        "ListObjectsV2", lambda body: body[:len(body) // 2], target=at, times=n),
    "empty": lambda p, at, n: p.change_body("ListObjectsV2", lambda _: b"", target=at, times=n),
    "foreign": lambda p, at, n: p.answer("ListObjectsV2", HTML, target=at, times=n),
    "error in a 200": lambda p, at, n: p.answer("ListObjectsV2", s3_error(200, "InternalError"), target=at, times=n),
    "500": lambda p, at, n: p.fail("ListObjectsV2", "InternalError", 500, target=at, times=n),
    "denied": lambda p, at, n: p.fail("ListObjectsV2", "AccessDenied", 403, target=at, times=n),
    "out of order": lambda p, at, n: p.change_body("ListObjectsV2", out_of_order, target=at, times=n),
}


@pytest.fixture
def many(proxy: Proxy, source: Bucket, destination: Bucket) -> tuple[Bucket, Bucket]:
    """Some pages on each side; half of the source is at the destination."""
    source.fill(dict.fromkeys(KEYS, b"1"))
    destination.fill(dict.fromkeys(KEYS[::2], b"1"))
    destination.fill(dict.fromkeys([f"{key}-other" for key in KEYS], b"2"))
    proxy.shorten_pages(10)
    return source, destination


def test_pages_are_read_to_the_end(proxied: Tool, proxy: Proxy, many: tuple[Bucket, Bucket]) -> None:
    source, destination = many
    proxied.copy(source, destination, copied=len(KEYS) // 2, up_to_date=len(KEYS) // 2, failed=0)
    assert proxy.count("ListObjectsV2", bucket=source.name) >= len(KEYS) / 10
    assert set(KEYS) <= set(destination.keys())


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in ("denied", "out of order")])
def test_a_bad_page_is_asked_for_again(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket,
                                       fault: str, side: str) -> None:
    source.fill({"a": b"1", "b": b"2", "c": b"3"})
    destination.put("c", b"3")
    FAULTS[fault](proxy, f"^/{side}", 1)
    proxied.copy(source, destination, copied=2, up_to_date=1, failed=0)
    assert proxy.faults == 1
    assert destination.contents() == source.contents()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_first_page_that_stays_bad_ends_the_run(proxied: Tool, proxy: Proxy, source: Bucket, destination: Bucket,
                                                  fault: str) -> None:
    source.fill({"a": b"1", "b": b"2", "c": b"3"})
    FAULTS[fault](proxy, "^/source", None)
    ran = proxied.start("--retries", "1", source, destination).wait()
    if fault == "out of order":  # an order of its own is no reason to lose anything
        assert ran.status in (0, 1, 2), ran
        assert ran.status != 0 or destination.contents() == source.contents()
        return
    ran.expect(2)
    assert ran.err.count("\n") == 1, ran
    assert f"failed listing {source}" in ran.err
    assert destination.keys() == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_later_page_that_stays_bad_fails_the_run(proxied: Tool, proxy: Proxy, many: tuple[Bucket, Bucket],
                                                   fault: str, side: str) -> None:
    """What was listed before may be copied; what was not is never taken for absent without a word."""
    source, destination = many
    FAULTS[fault](proxy, f"^/{side}.*{LATER_PAGE}", None)
    ran = proxied.start("--json", "--retries", "1", source, destination).wait()
    if ran.status == 0:
        assert fault == "out of order", ran
        assert set(source.keys()) <= set(destination.keys())
        return
    ran.expect(1)
    assert ran.summary["failed"] >= 1
    assert f"failed listing s3://{side}" in ran.err, ran
    proxy.forget()
    proxied.copy(source, destination, failed=0)
    assert set(source.keys()) <= set(destination.keys())
