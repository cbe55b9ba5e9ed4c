"""What becomes of a request when the store, or the way to it, fails: over real sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from s3copy_beam.s3 import exchange, retry
from s3copy_beam.s3.errors import CredentialsLost, S3Error, Stopped
from s3copy_beam.s3.identity import vault_put
from s3copy_beam.s3.worker import Worker
from tests.unit.fakes_s3 import COPIED, Seen, answer, client_of, credential_scope, error, fake_store, working

OK = answer(200, COPIED)
HEAD_OK = answer(200, headers={"ETag": '"abc"', "Content-Length": "0"})
SLOW_DOWN = error(503, "SlowDown")
PAGE = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(retry, "_FIRST", 0.01)
    with working() as it:
        yield it


def copy(worker: Worker, client: object) -> str:
    return worker.run(client.copy_object("key", ("source", "k"), "abc")).etag  # type: ignore[attr-defined]


async def hang(_: Seen) -> bytes:
    await asyncio.sleep(60)
    return OK


@pytest.mark.parametrize(
    "failure",
    [
        error(500, "InternalError"),
        error(400, "RequestTimeout"),
        error(408, "Whatever"),
        answer(502, b"<html>bad gateway</html>"),
        answer(504),
        error(200, "InternalError"),
        answer(200),
        answer(200, b"<html>log in</html>"),
        answer(404, b"<html></html>"),
        answer(403, b"no access from here"),
        answer(200, COPIED[:-9]),
        answer(200, COPIED, length=len(COPIED) + 5),
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-close: 1\r\n\r\n",
        b"SSH-2.0-OpenSSH x-close\r\n",
        answer(200, b"<CopyObjectResult></CopyObjectResult>"),
        answer(200, PAGE),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-close: 1\r\n\r\n5\r\n<Copy\r\n",
    ],
)
def test_passing_failures_are_tried_again(worker: Worker, failure: bytes) -> None:
    with fake_store(failure, failure, OK) as fake:
        assert copy(worker, client_of(worker, fake)) == "abc"
        assert len(fake.seen) == 3
    assert worker.counts() == (3, 2, 0)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDenied"),
        (404, "NoSuchKey"),
        (404, "NoSuchBucket"),
        (404, "NoSuchUpload"),
        (412, "PreconditionFailed"),
        (403, "InvalidObjectState"),
        (400, "InvalidArgument"),
        (405, "MethodNotAllowed"),
        (403, "SignatureDoesNotMatch"),
        (409, "ConditionalRequestConflict"),
        (200, "NoSuchKey"),
        (400, "AuthorizationHeaderMalformed"),
    ],
)
def test_a_no_is_a_no(worker: Worker, status: int, code: str) -> None:
    with fake_store(error(status, code, "because\n\u009b31m"), OK) as fake:
        with pytest.raises(S3Error) as raised:
            copy(worker, client_of(worker, fake))
        assert len(fake.seen) == 1
    assert (raised.value.code, raised.value.status) == (code, status)
    assert str(raised.value).startswith(f"{code}: because")
    assert str(raised.value).endswith(f"(CopyObject, {status}, request id REQ1)")
    assert "\n" not in str(raised.value)
    assert "\u009b" not in str(raised.value)


def test_retries_are_bounded(worker: Worker) -> None:
    with fake_store(error(500, "InternalError")) as fake:
        with pytest.raises(S3Error, match="InternalError"):
            copy(worker, client_of(worker, fake, retries=3))
        assert len(fake.seen) == 4


def test_what_a_store_lacks_is_asked_once_more(worker: Worker) -> None:
    with fake_store(error(501, "NotImplemented")) as fake:
        with pytest.raises(S3Error, match="NotImplemented"):
            copy(worker, client_of(worker, fake))
        assert len(fake.seen) == 2


def test_a_store_without_part_numbers(worker: Worker) -> None:
    async def by_part(seen: Seen) -> bytes:
        return answer(500) if "partNumber" in seen.target else HEAD_OK

    with fake_store(by_part) as fake:
        client = client_of(worker, fake)
        assert worker.run(client.head("k", part_number=1)).part_size is None
        assert worker.run(client.head("l", part_number=1)).parts_count is None
        assert worker.run(client.head("m", part_number=1)).etag == "abc"
        asked = ["partNumber" in seen.target for seen in fake.seen]
        assert asked == [True, True, False, True, True, False, False]


def test_a_store_with_part_numbers_that_fails_is_tried_again(worker: Worker) -> None:
    part = answer(
        206, headers={"ETag": "e", "Content-Length": "5", "Content-Range": "bytes 0-4/9", "x-amz-mp-parts-count": "2"}
    )
    with fake_store(part, answer(500), answer(500), answer(500), part) as fake:
        client = client_of(worker, fake)
        for _ in range(2):
            head = worker.run(client.head("k", part_number=1))
            assert (head.size, head.part_size, head.parts_count) == (9, 5, 2)
        assert len(fake.seen) == 5


@pytest.mark.parametrize(
    "refusal",
    [
        SLOW_DOWN,
        answer(429),
        answer(503, b"<html></html>"),
        error(503, "ServiceUnavailable"),
        error(400, "ThrottlingException"),
        error(200, "SlowDown"),
    ],
)
def test_throttling_uses_up_no_retries(worker: Worker, refusal: bytes) -> None:
    with fake_store(refusal, refusal, refusal, OK) as fake:
        assert copy(worker, client_of(worker, fake, retries=0)) == "abc"
        assert len(fake.seen) == 4
    assert worker.counts() == (4, 0, 3)


def test_throttled_for_too_long(worker: Worker) -> None:
    with fake_store(SLOW_DOWN) as fake, pytest.raises(S3Error, match="SlowDown"):
        copy(worker, client_of(worker, fake, give_up=0.5))


def test_a_stalled_answer_is_tried_again_on_a_new_connection(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "CONNECT_TIMEOUT", 0.0)
    with fake_store(hang, OK) as fake:
        began = time.monotonic()
        assert copy(worker, client_of(worker, fake, read_timeout=0.5)) == "abc"
        assert time.monotonic() - began < 10
        assert [seen.connection for seen in fake.seen] == [1, 2]


def test_a_wrong_clock_is_corrected(worker: Worker) -> None:
    with fake_store(error(403, "RequestTimeTooSkewed"), OK, OK) as fake:
        client = client_of(worker, fake)
        copy(worker, client)
        copy(worker, client)
        assert [credential_scope(seen)[:8] == "20231114" for seen in fake.seen] == [False, True, True]
        assert fake.seen[1].headers["x-amz-date"] == "20231114T221320Z"


def test_a_wrong_clock_that_head_meets(worker: Worker) -> None:
    with fake_store(answer(403), HEAD_OK) as fake:
        assert worker.run(client_of(worker, fake).head("k")).etag == "abc"
        assert credential_scope(fake.seen[1]).startswith("20231114")


def test_expired_credentials_without_others_end_the_run(worker: Worker) -> None:
    with fake_store(error(400, "ExpiredToken")) as fake:
        with pytest.raises(CredentialsLost, match="-a/-k expired"):
            copy(worker, client_of(worker, fake, token="old"))
        assert len(fake.seen) == 3


def test_expired_credentials_that_head_meets_end_the_run(worker: Worker) -> None:
    """A bare 400 has no words: a refused listing has."""
    with fake_store(answer(400), error(400, "ExpiredToken")) as fake:
        with pytest.raises(CredentialsLost, match="-a/-k expired"):
            worker.run(client_of(worker, fake, token="old").head("k"))
        assert [seen.method for seen in fake.seen] == ["HEAD", "GET", "GET", "GET"]


def test_a_bare_400_that_is_about_the_object(worker: Worker) -> None:
    with fake_store(answer(400), answer(200, b"")) as fake:
        with pytest.raises(S3Error) as caught:
            worker.run(client_of(worker, fake, token="good").head("k"))
        assert (caught.value.status, caught.value.operation) == (400, "HeadObject")
        assert len(fake.seen) == 2


def test_a_store_that_errs_about_expiry_once(worker: Worker) -> None:
    with fake_store(error(400, "ExpiredToken"), OK) as fake:
        assert copy(worker, client_of(worker, fake)) == "abc"


@pytest.mark.parametrize("head", [False, True])
def test_credentials_that_were_renewed(
    worker: Worker, tmp_path: object, monkeypatch: pytest.MonkeyPatch, head: bool
) -> None:
    from s3copy_beam.options import Access
    from s3copy_beam.s3.identity import forget_sessions

    for name, value in (("ACCESS_KEY_ID", "AKIDOLD"), ("SECRET_ACCESS_KEY", "s"), ("SESSION_TOKEN", "old")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    forget_sessions()

    async def by_token(seen: Seen) -> bytes:
        if seen.headers["x-amz-security-token"] == "old":
            return answer(400) if head else error(400, "ExpiredToken")
        return HEAD_OK if head else OK

    with fake_store(by_token) as fake:
        client = worker.client(Access("bucket", fake.url))
        monkeypatch.setenv("AWS_SESSION_TOKEN", "new")
        if head:
            worker.run(client.head("k"))
        else:
            assert copy(worker, client) == "abc"
        assert [seen.headers["x-amz-security-token"] for seen in fake.seen] == ["old", "new"]


@pytest.mark.parametrize(
    "redirect",
    [
        error(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-1"}),
        error(400, "AuthorizationHeaderMalformed", extra="<Region>eu-west-1</Region>"),
        error(400, "IllegalLocationConstraintException", headers={"x-amz-bucket-region": "eu-west-1"}),
    ],
)
def test_another_region_is_followed_and_remembered(worker: Worker, redirect: bytes) -> None:
    with fake_store(redirect, OK, OK) as fake:
        client = client_of(worker, fake, region="us-east-1")
        copy(worker, client)
        copy(worker, client)
        assert [credential_scope(seen).split("/")[1] for seen in fake.seen] == ["us-east-1", "eu-west-1", "eu-west-1"]
        assert client.place.region == "eu-west-1"


@pytest.mark.parametrize("status", [301, 400])
def test_another_region_that_head_meets(worker: Worker, status: int) -> None:
    with fake_store(answer(status, headers={"x-amz-bucket-region": "eu-west-1"}), HEAD_OK) as fake:
        worker.run(client_of(worker, fake, region="us-east-1").head("k"))
        assert credential_scope(fake.seen[1]).split("/")[1] == "eu-west-1"


def test_a_redirect_in_a_circle_ends(worker: Worker) -> None:
    with fake_store(error(301, "PermanentRedirect", headers={"x-amz-bucket-region": "us-east-1"})) as fake:
        with pytest.raises(S3Error, match="PermanentRedirect"):
            copy(worker, client_of(worker, fake, region="us-east-1"))
        assert len(fake.seen) == 1


def test_another_place_is_followed_and_remembered(worker: Worker) -> None:
    with (
        fake_store(OK) as there,
        fake_store(error(307, "TemporaryRedirect", headers={"Location": f"{there.url}/bucket/key?x"})) as here,
    ):
        client = client_of(worker, here)
        copy(worker, client)
        copy(worker, client)
        assert (len(here.seen), len(there.seen)) == (1, 2)
        assert there.seen[0].target == "/bucket/key"
        assert there.seen[0].headers["host"] == f"127.0.0.1:{there.port}"


def test_a_place_that_is_gone_is_left_again(worker: Worker) -> None:
    with fake_store(OK) as here:
        with fake_store(OK) as there:
            here.answers.insert(0, error(307, "TemporaryRedirect", headers={"Location": there.url + "/bucket/key"}))
            client = client_of(worker, here)
            copy(worker, client)
        copy(worker, client)
        assert (len(here.seen), len(there.seen)) == (2, 1)


def test_a_redirect_to_nowhere_in_particular(worker: Worker) -> None:
    for location in ("", "/bucket/other", "ftp://127.0.0.1/x", "http://user@127.0.0.1/x"):
        with fake_store(error(307, "TemporaryRedirect", headers={"Location": location})) as fake:
            with pytest.raises(S3Error, match="TemporaryRedirect"):
                copy(worker, client_of(worker, fake))
            assert len(fake.seen) == 1


def test_nobody_listens(worker: Worker) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(S3Error) as raised:
            copy(worker, client_of(worker, url, retries=2))
    assert (raised.value.code, raised.value.status) == ("ConnectionError", 0)
    assert worker.counts().requests == 3


def test_a_dead_store_is_not_hammered(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_PATIENCE", 0.0)
    with fake_store(error(500, "InternalError")) as fake:
        client = client_of(worker, fake)

        async def many() -> list[object]:
            return await asyncio.gather(
                *(client.copy_object(f"k{n}", ("s", "k")) for n in range(300)), return_exceptions=True
            )

        assert all(isinstance(found, S3Error) for found in worker.run(many()))
        assert len(fake.seen) == 300 + 100  # the budget: 500 tokens of which a retry costs 5


@pytest.mark.parametrize("ceiling", [1, 7])
def test_a_fixed_ceiling_holds_for_all_kinds_of_requests(worker: Worker, ceiling: int) -> None:
    async def slowly(seen: Seen) -> bytes:
        await asyncio.sleep(0.01)
        return HEAD_OK if seen.method == "HEAD" else answer(200, PAGE) if seen.method == "GET" else OK

    with fake_store(slowly) as fake:
        client = client_of(worker, fake, concurrency=ceiling)

        async def many() -> None:
            await asyncio.gather(
                *(
                    one
                    for n in range(20)
                    for one in (
                        client.copy_object(f"k{n}", ("s", "k")),
                        client.head(f"k{n}"),
                        client.list_page("p"),
                        client.copy_part("k", "u", n + 1, ("s", "k"), (0, 9)),
                    )
                )
            )

        worker.run(many())
        assert fake.peak == ceiling
        assert fake.connections <= ceiling
        assert len(fake.seen) == 80


def test_a_rate_for_the_process(worker: Worker) -> None:
    with fake_store(OK) as fake:
        client = client_of(worker, fake, requests_per_second=50)

        async def many() -> float:
            began = asyncio.get_running_loop().time()
            await asyncio.gather(*(client.copy_object(f"k{n}", ("s", "k")) for n in range(31)))
            return asyncio.get_running_loop().time() - began

        assert worker.run(many()) >= 0.45
        assert len(fake.seen) == 31


def test_connections_are_kept(worker: Worker) -> None:
    with fake_store(OK) as fake:
        client = client_of(worker, fake)
        for _ in range(5):
            copy(worker, client)
        assert fake.connections == 1


def test_a_connection_that_the_server_closed_costs_one_retry(worker: Worker) -> None:
    with fake_store(answer(200, COPIED, {"x-close": "1"}), OK) as fake:
        client = client_of(worker, fake)
        copy(worker, client)
        copy(worker, client)
        assert len(fake.seen) == 2


def test_a_lost_answer_is_counted(worker: Worker) -> None:
    with fake_store(OK, b"", OK) as fake:
        client = client_of(worker, fake)
        copy(worker, client)
        copy(worker, client)
        assert len(fake.seen) == 3
    assert worker.counts() == (3, 1, 0)


def test_stop_lets_requests_finish_and_begins_none(worker: Worker) -> None:
    reached, release = threading.Event(), threading.Event()

    async def held(_: Seen) -> bytes:
        reached.set()
        while not release.is_set():  # noqa: ASYNC110  of another thread
            await asyncio.sleep(0.01)
        return OK

    with fake_store(held) as fake:
        client = client_of(worker, fake, concurrency=1)
        under_way = worker.submit(client.copy_object("k", ("s", "k")))
        assert reached.wait(5)
        waiting = worker.submit(client.copy_object("l", ("s", "k")))
        time.sleep(0.1)
        worker.stop()
        assert worker.stopping
        with pytest.raises(Stopped):
            waiting.result(5)
        release.set()
        assert under_way.result(5).etag == "abc"
        with pytest.raises(Stopped):
            copy(worker, client)
        assert len(fake.seen) == 1
        worker.reset()
        assert not worker.stopping
        assert copy(worker, client_of(worker, fake)) == "abc"


def test_stop_ends_what_hangs_after_its_grace(worker: Worker) -> None:
    with fake_store(hang) as fake:
        client = client_of(worker, fake)
        future = worker.submit(client.copy_object("k", ("s", "k")))
        while not fake.seen:
            time.sleep(0.01)
        worker.stop(grace=0.2)
        with pytest.raises(Stopped):
            future.result(5)


def test_stop_ends_waiting_for_the_next_try(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST", 1000.0)
    monkeypatch.setattr(retry, "_LONGEST", 1000.0)
    monkeypatch.setattr(retry.random, "uniform", lambda low, high: high)
    with fake_store(error(500, "InternalError")) as fake:
        future = worker.submit(client_of(worker, fake).copy_object("k", ("s", "k")))
        while not fake.seen:
            time.sleep(0.01)
        time.sleep(0.1)
        worker.stop()
        with pytest.raises(Stopped):
            future.result(5)


def test_a_cancelled_request_frees_its_slot(worker: Worker) -> None:
    with fake_store(hang, OK) as fake:
        client = client_of(worker, fake, concurrency=1)

        async def cancel() -> None:
            tasks = [asyncio.ensure_future(client.copy_object(f"k{n}", ("s", "k"))) for n in range(3)]
            while not fake.seen:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            for task in tasks:
                with pytest.raises(asyncio.CancelledError):
                    await task

        worker.run(cancel())
        assert copy(worker, client) == "abc"


def test_no_secret_in_the_log(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), fake_store(error(403, "AccessDenied")) as fake:
        with pytest.raises(S3Error):
            copy(worker, client_of(worker, fake, token="verytoken"))
        text = caplog.text
        assert "CopyObject PUT" in text
        for secret in ("verysecret", "verytoken", fake.seen[0].headers["authorization"]):
            assert secret not in text
        vault_put("test", "", "")


KEYS = [
    "a//b",
    "/lead",
    "trail/",
    "./x/../y",
    "a+b",
    "a b",
    "a%20b",
    "q?x#y&z=1",
    "\U0001f600\u0301",
    "\x01\n\x7f",
    "'\"<>\\^`{|}~",
    "x" * 1024,
    ".",
    "..",
    "a/./b/..",
    ":80",
    "%2e%2e%2f",
]


@pytest.mark.parametrize("key", KEYS)
def test_targets_go_out_as_they_are(worker: Worker, key: str) -> None:
    from urllib.parse import unquote

    with fake_store(OK) as fake:
        worker.run(client_of(worker, fake).copy_object(key, ("source", key), "abc"))
        seen = fake.seen[0]
        assert unquote(seen.target) == f"/bucket/{key}"
        assert unquote(seen.headers["x-amz-copy-source"]) == f"source/{key}"
        assert "+" not in seen.target + seen.headers["x-amz-copy-source"]
        assert seen.headers["x-amz-copy-source-if-match"] == '"abc"'
