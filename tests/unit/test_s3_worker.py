"""One loop for each process; TLS and proxies as boto3 has them."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from s3copy_beam.options import Access, Identity
from s3copy_beam.s3 import identity
from s3copy_beam.s3.errors import ConfigError, S3Error
from s3copy_beam.s3.pacing import Limits
from s3copy_beam.s3.worker import Counts, Worker, worker
from tests.unit.fakes_s3 import COPIED, Seen, answer, client_of, fake_store, working

OK = answer(200, COPIED)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.delenv(name)
    identity.forget_sessions()
    with working() as it:
        yield it
    identity.forget_sessions()


def test_one_worker_for_each_process() -> None:
    assert worker() is worker()
    code = worker().run(asyncio.sleep(0, 7))
    assert code == 7
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            mine = worker()
            os.write(writer, b"ok" if mine.run(asyncio.sleep(0, 8)) == 8 else b"wrong")
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"ok"
    os.close(reader)
    assert worker().run(asyncio.sleep(0, 9)) == 9


def test_one_client_for_each_access_and_limits(own: Worker) -> None:
    with fake_store(OK) as fake:
        first = client_of(own, fake)
        assert client_of(own, fake) is first
        assert client_of(own, fake, retries=1) is not first
        assert client_of(own, fake, bucket="other") is not first
        own.reset()
        assert client_of(own, fake) is not first


def test_every_request_is_told_once(own: Worker) -> None:
    with fake_store(OK) as fake:
        client = client_of(own, fake)
        for _ in range(3):
            own.run(client.copy_object("k", ("s", "k")))
        assert own.take_counts() == Counts(3, 0, 0)
        assert own.take_counts() == Counts()
        own.run(client.copy_object("k", ("s", "k")))
        assert own.counts() == Counts(4, 0, 0)
        assert own.take_counts() == Counts(1, 0, 0)
        own.reset()
        assert own.counts() == own.take_counts() == Counts()


def test_connections_are_few_while_slots_grow(own: Worker) -> None:
    async def slowly(_: Seen) -> bytes:
        await asyncio.sleep(0.05)
        return OK

    with fake_store(slowly) as fake:
        client = client_of(own, fake)

        async def many() -> None:
            rest = iter(range(1500))

            async def lane() -> None:
                for number in rest:
                    await client.copy_object(f"k{number}", ("s", "k"))

            await asyncio.gather(*(lane() for _ in range(150)))

        own.run(many())
        assert fake.peak >= 40
        assert fake.connections <= 1.5 * fake.peak
        assert set(own.concurrency()) == {f"small 127.0.0.1:{fake.port}"}


def test_a_process_ends_silently_with_connections_open() -> None:
    script = (
        "from tests.unit.fakes_s3 import *\nfrom s3copy_beam.s3.worker import worker\n"
        "with fake_store(answer(200, COPIED)) as fake:\n"
        "    worker().run(client_of(worker(), fake).copy_object('k', ('s', 'k')))\nprint('end')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "end\n")
    assert "nclosed" not in done.stderr


def authority(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS and the bundle that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test store")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    bundle, private = folder / "bundle.pem", folder / "key.pem"
    bundle.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, private)
    return context, bundle


def test_tls_is_verified(own: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, bundle = authority(tmp_path)
    with fake_store(OK, tls=context) as fake:
        with pytest.raises(S3Error) as raised:
            own.run(client_of(own, fake).copy_object("k", ("s", "k")))
        assert raised.value.code == "TLSError"
        assert own.counts().requests == 1  # once is enough
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        own.reset()
        assert own.run(client_of(own, fake).copy_object("k", ("s", "k"))).etag == "abc"
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
        own.reset()
        with pytest.raises(ConfigError, match=r"none\.pem"):
            client_of(own, fake)


def test_requests_go_through_a_proxy(own: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_store(OK) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:p%40ss@127.0.0.1:{proxy.port}")
        own.reset()
        client = client_of(own, "http://store.example:9000")
        assert own.run(client.copy_object("a//b/../c +%", ("s", "k"))).etag == "abc"
        seen = proxy.seen[0]
        assert seen.target == "http://store.example:9000/bucket/a//b/../c%20%2B%25"
        assert seen.headers["host"] == "store.example:9000"
        assert seen.headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
        monkeypatch.setenv("NO_PROXY", "store.example")
        own.reset()
        assert client_of(own, "http://store.example:9000")._route.proxy is None


def test_tls_goes_through_a_proxys_tunnel(own: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_store(answer(403, headers={"x-close": "1"})) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        own.reset()
        with pytest.raises(S3Error):
            own.run(client_of(own, "https://store.example", retries=0).copy_object("k", ("s", "k")))
        assert (proxy.seen[0].method, proxy.seen[0].target) == ("CONNECT", "store.example:443")
        assert "authorization" not in proxy.seen[0].headers


def test_unsigned_and_requester_pays(own: Worker) -> None:
    with fake_store(OK) as fake:
        client = own.client(Access("bucket", fake.url, identity=Identity(anonymous=True), request_payer=True), Limits())
        own.run(client.copy_object("k", ("s", "k")))
        headers = fake.seen[0].headers
        assert headers["x-amz-request-payer"] == "requester"
        assert not {"authorization", "x-amz-date", "x-amz-security-token", "accept-encoding"} & set(headers)
        assert headers["content-length"] == "0"


def test_stop_may_be_called_by_a_signal_at_any_time(own: Worker) -> None:
    async def hang(_: Seen) -> bytes:
        await asyncio.sleep(60)
        return OK

    with fake_store(hang) as fake:
        futures = [own.submit(client_of(own, fake).copy_object(f"k{n}", ("s", "k"))) for n in range(100)]
        while not fake.seen:
            time.sleep(0.01)
        own.stop(0.1)
        own.stop(0.1)
        began = time.monotonic()
        assert {type(future.exception(5)).__name__ for future in futures} == {"Stopped"}
        assert time.monotonic() - began < 3
