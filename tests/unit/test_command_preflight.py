"""What is found out before anything is written, against a server that answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from s3copy_beam.command.build import build
from s3copy_beam.command.parser import UsageError, parse
from s3copy_beam.command.preflight import Facts, look
from s3copy_beam.s3.errors import ConfigError
from s3copy_beam.s3.worker import worker

EMPTY = (200, '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
ONE = (200, '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>'
            "<Contents><Key>a/1</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
            "<Size>1</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>")
Answers = dict[str, tuple[int, str]]


def error(status: int, code: str) -> tuple[int, str]:
    return status, f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>said so</Message></Error>'


class Store(ThreadingHTTPServer):
    """Answers by bucket; keeps the targets that it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: Answers = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Store

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, body = self.server.answers.get(self.path.split("/")[1].split("?")[0], EMPTY)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    thread = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def look_at(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Facts]:
    for name in ("PROFILE", "CONFIG_FILE", "SHARED_CREDENTIALS_FILE", "ENDPOINT_URL", "SESSION_TOKEN"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def call(*words: str) -> Facts:
        if "--endpoint-url" not in words:
            words = (*words, "--endpoint-url", store.url)
        given = parse(["s3://source/a", "s3://dest/x", *words], dict)
        worker().reset()
        return look(build(given, "run").options, given)

    return call


def test_one_request_a_side(store, look_at):
    store.answers = {"source": ONE}
    facts = look_at()
    assert facts.example == ("a/1", "x/a/1")
    assert facts.started > 1_700_000_000
    assert sorted(target.split("?")[0] for target in store.asked) == ["/dest", "/source"]
    assert all("prefix=" in target and "max-keys=1" in target for target in store.asked)
    assert any("prefix=x%2Fa%2F" in target for target in store.asked)
    assert worker().counts().requests == 2


@pytest.mark.parametrize(("answers", "named"), [
    ({"source": error(404, "NoSuchBucket")}, ["SOURCE s3://source", "NoSuchBucket: said so"]),
    ({"dest": error(404, "NoSuchBucket")}, ["DESTINATION s3://dest", "NoSuchBucket"]),
    ({"source": error(403, "AccessDenied")}, ["failed listing s3://source/a/: ", "AccessDenied", "chain (env)"]),
    ({"dest": error(403, "InvalidAccessKeyId")}, ["DESTINATION s3://dest", "InvalidAccessKeyId", "chain (env)"]),
    ({"source": error(403, "SignatureDoesNotMatch")}, ["SOURCE s3://source", "SignatureDoesNotMatch"]),
    ({"source": (200, "<html>a proxy's page</html>")}, ["failed listing s3://source/a/: BadAnswer"]),
])
def test_what_cannot_work(store, look_at, answers, named):
    store.answers = answers
    with pytest.raises(UsageError) as caught:
        look_at("--retries", "0")
    assert all(word in str(caught.value) for word in named), caught.value
    assert "hunter2" not in str(caught.value)


def test_a_destination_that_may_not_be_listed_is_no_obstacle(store, look_at):
    store.answers = {"dest": error(403, "AccessDenied")}
    assert look_at().started > 0


def test_the_source_is_not_listed_for_named_keys(store, look_at):
    store.answers = {"source": error(403, "AccessDenied")}
    assert look_at("-f", "b").example == ("a/b", "x/b")
    assert "/source?location=" in store.asked
    store.answers = {"source": error(404, "NoSuchBucket")}
    with pytest.raises(UsageError, match="NoSuchBucket"):
        look_at("-f", "b")


def test_nobody_answers(look_at):
    with pytest.raises(UsageError, match="http://127.0.0.1:9"):
        look_at("--endpoint-url", "http://127.0.0.1:9")


def test_two_endpoints_are_two_stores(store, look_at):
    with pytest.raises(UsageError, match="--dest-endpoint-url http://127.0.0.1:9: .*--same-store"):
        look_at("--dest-endpoint-url", "http://127.0.0.1:9")
    assert store.asked == []
    look_at("--dest-endpoint-url", f"{store.url}/")
    look_at("--dest-endpoint-url", store.url.replace("127.0.0.1", "localhost"), "--same-store")


def test_the_work_bucket_is_asked_too(store, look_at):
    store.answers = {"work": error(404, "NoSuchBucket")}
    with pytest.raises(UsageError, match="--work-bucket s3://work: NoSuchBucket"):
        look_at("--staged", "-w", "work")


@pytest.mark.parametrize(("words", "line"), [
    (["-c", "/no/such.s3cfg"], "-c: .*/no/such.s3cfg"),
    (["--dest-config", "/no/such.s3cfg"], "--dest-config: .*/no/such.s3cfg"),
    (["--profile", "nobody-here"], "--profile: .*nobody-here"),
    (["-F", "/no/such.list"], "-F /no/such.list: No such file"),
    (["-P", "/"], "-P /: it is a folder"),
    (["--report", "/no/such/report"], "--report /no/such/report: no such folder: /no/such"),
])
def test_files_and_profiles(store, look_at, words, line):
    with pytest.raises(UsageError, match=line):
        look_at(*words)
    assert store.asked == []


def test_a_report_in_the_place_of_the_list_that_is_read(store, look_at, tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text("{}\n")
    with pytest.raises(UsageError, match=f"^--report {path}: it would replace what -F {path} reads"):
        look_at("-F", str(path), "--report", str(path))
    assert path.read_text() == "{}\n"
    assert store.asked == []


def test_no_credentials(look_at, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(ConfigError, match="no credentials found"):
        look_at()


def test_a_file_of_s3cmd_that_is_not_used_is_told(look_at, tmp_path, monkeypatch):
    (tmp_path / ".s3cfg").write_text("[default]\naccess_key = AK\nsecret_key = hunter3\n")
    [note] = look_at().notes
    assert "~/.s3cfg is not used" in note
    monkeypatch.chdir(tmp_path)
    for words in (["-c", str(tmp_path / ".s3cfg")], ["-c", ".s3cfg"], ["-d", "~/.s3cfg"]):
        assert look_at(*words).notes == ()
