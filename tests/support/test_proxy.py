"""The proxy itself: what it is told to do to a request happens, and nothing else."""

from __future__ import annotations

import threading

import botocore.exceptions
import pytest

from tests.support.buckets import Bucket, content
from tests.support.marks import on
from tests.support.proxy import Proxy
from tests.support.servers import Server, client_of

both = on("moto", "minio")


@pytest.fixture
def through(proxy: Proxy, source: Bucket) -> Bucket:
    """The source bucket as seen through the proxy, by a client that tries only once."""
    client = client_of(proxy.url)
    client.meta.events.register("needs-retry.*", lambda **_: False)  # type: ignore[arg-type]
    return Bucket(client, source.name)


@both
def test_passes_on_what_it_is_not_asked_to_change(through: Bucket, source: Bucket, proxy: Proxy) -> None:
    names = through.holds(["a", "a b+c%20", "ä/ö", "x?y=1&z", "#", "~!*'()", "e" * 200])
    assert len(names) >= 6
    through.put_parts("parts", [content(5 << 20), b"end"])
    assert through.read("parts") == source.read("parts")
    assert {key: source.read(key) for key in names} == {key: key.encode() for key in names}
    counts = proxy.counts()
    assert counts["UploadPart"] == 2
    assert counts["CreateMultipartUpload"] == counts["CompleteMultipartUpload"] == 1
    assert proxy.faults == 0


@both
def test_tells_operations_apart(through: Bucket, source: Bucket, proxy: Proxy) -> None:
    through.put("a", b"1")
    copy = f"{source.name}/a"
    through.client.copy_object(Bucket=source.name, Key="b", CopySource=copy)
    upload = through.begin("c")
    through.client.upload_part_copy(Bucket=source.name, Key="c", UploadId=upload, PartNumber=1, CopySource=copy)
    through.client.list_parts(Bucket=source.name, Key="c", UploadId=upload)
    through.client.abort_multipart_upload(Bucket=source.name, Key="c", UploadId=upload)
    through.look("a")
    through.listed()
    through.uploads()
    assert proxy.counts() == {
        "PutObject": 1, "CopyObject": 1, "CreateMultipartUpload": 1, "UploadPartCopy": 1, "ListParts": 1,
        "AbortMultipartUpload": 1, "HeadObject": 1, "GetObjectTagging": 1, "ListObjectsV2": 1,
        "ListMultipartUploads": 1,
    }


@both
def test_answers_instead_of_the_server(through: Bucket, source: Bucket, proxy: Proxy) -> None:
    rule = proxy.fail("PutObject", "SlowDown", 503, first=2, key="^k")
    through.put("other")
    through.put("k1")
    with pytest.raises(botocore.exceptions.ClientError, match="SlowDown"):
        through.put("k2")
    through.put("k3")
    assert source.keys() == ["k1", "k3", "other"]
    assert (rule.met, proxy.faults) == (1, 1)


@both
@pytest.mark.parametrize("after", [False, True])
def test_drops_before_or_after_the_work(through: Bucket, source: Bucket, proxy: Proxy, after: bool) -> None:
    proxy.drop("PutObject", after=after)
    with pytest.raises(botocore.exceptions.BotoCoreError):
        through.put("a")
    assert source.has("a") is after


@both
def test_cuts_and_changes_answers(through: Bucket, proxy: Proxy) -> None:
    through.put("a", b"12345678")
    proxy.cut("GetObject")
    proxy.change_body("GetObject", lambda body: body[::-1])
    with pytest.raises(botocore.exceptions.BotoCoreError):
        through.read("a")
    assert through.read("a") == b"87654321"
    assert through.read("a") == b"12345678"


@both
def test_drips_white_space(through: Bucket, proxy: Proxy) -> None:
    upload = through.begin("a", [b"1"])
    part = through.client.list_parts(Bucket=through.name, Key="a", UploadId=upload)["Parts"][0]
    proxy.drip("CompleteMultipartUpload", 0.3)
    through.client.complete_multipart_upload(
        Bucket=through.name, Key="a", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert through.read("a") == b"1"


@both
@pytest.mark.parametrize("forward", [False, True])
def test_holds_until_released(through: Bucket, source: Bucket, proxy: Proxy, forward: bool) -> None:
    held = proxy.hold("PutObject", passing=1)
    through.put("first")

    def put() -> None:
        try:
            through.put("second")
        except botocore.exceptions.BotoCoreError:
            assert not forward

    thread = threading.Thread(target=put)
    thread.start()
    held.wait()
    assert not source.has("second")
    held.release(forward=forward)
    thread.join()
    assert source.has("second") is forward


@both
def test_something_happens_meanwhile(through: Bucket, source: Bucket, proxy: Proxy) -> None:
    through.put("a", b"old")
    proxy.meanwhile("GetObject", lambda request: source.put(request.key, b"new"))
    assert through.read("a") == b"new"


@both
def test_chance_is_the_same_for_the_same_seed(through: Bucket, server: Server, proxy: Proxy) -> None:
    def failures() -> list[int]:
        proxy.forget()
        proxy.fail("PutObject", "InternalError", 500, times=None, chance=0.5, seed=7)
        failed = []
        for number in range(20):
            try:
                through.put("a")
            except botocore.exceptions.ClientError:
                failed.append(number)
        return failed

    assert 0 < len(failures()) < 20
    assert failures() == failures()


@both
def test_throttles(through: Bucket, source: Bucket, proxy: Proxy) -> None:
    proxy.throttle("HeadObject", rate=0.001, burst=3)
    source.put("a")
    for _ in range(3):
        assert through.has("a")
    with pytest.raises(botocore.exceptions.ClientError, match="503"):
        through.has("a")


@on("moto")
def test_shortens_pages(through: Bucket, proxy: Proxy) -> None:
    through.fill({f"{n}": b"" for n in range(7)})
    proxy.shorten_pages(3)
    assert len(through.keys()) == 7
    assert proxy.count("ListObjectsV2") == 3
