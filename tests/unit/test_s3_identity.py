"""Whose requests these are, and where the bucket is: as boto3 and s3cmd find it."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
from botocore.credentials import RefreshableCredentials

from s3copy_beam.options import Access, Identity
from s3copy_beam.s3 import endpoint, identity
from s3copy_beam.s3.endpoint import Proxy, Resolved, ca_bundle, proxy_of, resolve, tls_context
from s3copy_beam.s3.errors import ConfigError, CredentialsLost, S3Error
from s3copy_beam.s3.identity import Provider, credentials_of, explained, falls_back_to_home, vault_clear, vault_put
from s3copy_beam.s3.s3cfg import read_s3cfg
from s3copy_beam.s3.sign import Keys


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with nothing in it, an environment that says nothing."""
    for name in list(os.environ):
        if name.upper().startswith("AWS_") or name.upper().endswith("_PROXY") or name == "REQUESTS_CA_BUNDLE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    identity.forget_sessions()
    yield tmp_path
    identity.forget_sessions()
    vault_clear()


def s3cfg(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def aws(home: Path, credentials: str = "", config: str = "") -> None:
    (home / ".aws").mkdir(exist_ok=True)
    (home / ".aws" / "credentials").write_text(credentials)
    (home / ".aws" / "config").write_text(config)
    identity.forget_sessions()


FILE = "[default]\naccess_key = FILEKEY\nsecret_key = file%secret\naccess_token = tok\nhost_base = store.example:9000\n"


def test_the_order_of_places(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = s3cfg(home / "named", FILE)
    s3cfg(home / ".s3cfg", FILE.replace("FILEKEY", "HOMEKEY"))
    assert credentials_of(Identity()).frozen() == Keys("HOMEKEY", "file%secret", "tok")
    assert falls_back_to_home(Identity()) == str(home / ".s3cfg")
    aws(home, "[x]\naws_access_key_id = XKEY\naws_secret_access_key = s\n")
    assert credentials_of(Identity(profile="x")).frozen() == Keys("XKEY", "s")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENVKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    identity.forget_sessions()
    vault_put("v", "VAULTKEY", "s", "t")
    for given, key, origin in (
        (Identity(), "ENVKEY", "the AWS chain (env)"),
        (Identity(profile="x"), "XKEY", "profile x"),
        (Identity(s3cfg=named), "FILEKEY", f"s3cmd file {named}"),
        (Identity(s3cfg=named, profile="x"), "FILEKEY", f"s3cmd file {named}"),
        (Identity(vault="v", s3cfg=named, profile="x"), "VAULTKEY", "-a/-k"),
    ):
        provider = credentials_of(given)
        keys = provider.frozen()
        assert keys is not None
        assert (keys.access_key, provider.origin) == (key, origin)
        assert falls_back_to_home(given) == ""
    assert credentials_of(Identity(anonymous=True)).frozen() is None


def test_an_s3cmd_file_without_keys_leaves_them_to_the_chain(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENVKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    identity.forget_sessions()
    named = s3cfg(home / "named", "[default]\nhost_base = h\n")
    keys = credentials_of(Identity(s3cfg=named)).frozen()
    assert keys is not None
    assert keys.access_key == "ENVKEY"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Identity(), "no credentials found"),
        (Identity(profile="nope"), "no such profile: nope"),
        (Identity(s3cfg="/no/such/file"), "no such s3cmd file: /no/such/file"),
        (Identity(profile="empty"), "profile empty has no"),
        (Identity(vault="elsewhere"), "known only to the process"),
    ],
)
def test_what_is_not_there(home: Path, given: Identity, words: str) -> None:
    aws(home, config="[profile empty]\nregion = eu-west-1\n")
    with pytest.raises(ConfigError, match=words) as raised:
        credentials_of(given)
    assert "\n" not in str(raised.value)


def test_a_profile_of_the_environment_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    with pytest.raises(ConfigError, match="no such profile: gone"):
        credentials_of(Identity())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FILE + "signature_v2 = True\n", "signature_v2 = True is not supported"),
        ("[default]\naccess_key = A\n", "secret_key is missing"),
        ("[default]\nsecret_key = verysecret\n", "access_key is missing"),
        ("[default]\n = verysecret\n", "cannot be understood"),
    ],
)
def test_s3cmd_files_that_cannot_be(home: Path, text: str, words: str) -> None:
    path = s3cfg(home / "f", text)
    with pytest.raises(ConfigError, match=words) as raised:
        read_s3cfg(path)
    assert path in str(raised.value)
    assert "verysecret" not in str(raised.value)


def test_s3cmd_files_that_cannot_be_read(home: Path) -> None:
    (home / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("binary", "."):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_s3cfg(str(home / name))


def test_s3cmd_files_as_they_are(home: Path) -> None:
    found = read_s3cfg(s3cfg(home / "a", "\ufeff# made by hand\n" + FILE + "use_https = no\nbucket_location = EU\n"))
    assert (found.endpoint_url, found.host_bucket, found.region) == ("http://store.example:9000", "", "eu-west-1")
    assert found.keys == Keys("FILEKEY", "file%secret", "tok")
    assert "file%secret" not in repr(found)
    found = read_s3cfg(
        s3cfg(
            home / "b",
            'access_key = "A"\nsecret_key = b=c#d\nhost_base = s3.amazonaws.com\n'
            "host_bucket = %(bucket)s.s3.amazonaws.com\nbucket_location = US\nno_value\n",
        )
    )
    assert (found.keys, found.endpoint_url, found.host_bucket, found.region) == (
        Keys("A", "b=c#d"),
        "",
        "",
        "us-east-1",
    )


def test_nothing_shows_a_secret() -> None:
    vault_put("v", "AKID", "verysecret", "verytoken")
    provider = credentials_of(Identity(vault="v"))
    assert "very" not in f"{provider!r} {provider} {provider.frozen()!r} {Identity(vault='v')}"


def test_errors_about_credentials_say_where_these_come_from() -> None:
    assert "[credentials: profile x]" in explained(S3Error("InvalidAccessKeyId", "", 403), "profile x")
    assert "profile" not in explained(S3Error("NoSuchBucket", "", 404), "profile x")


def refreshable(expires: int, fetched: list[int]) -> RefreshableCredentials:
    def fetch() -> dict[str, str]:
        fetched.append(1)
        if len(fetched) > 1:
            raise OSError("the role is gone")
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return {"access_key": "NEW", "secret_key": "s", "token": "t", "expiry_time": later.isoformat()}

    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=expires)
    return RefreshableCredentials("OLD", "s", "t", when, fetch, "test")


def test_credentials_are_refreshed_in_time() -> None:
    fetched: list[int] = []
    provider = Provider("role", lambda: None, refreshable(30, fetched))
    assert provider.stale()
    assert provider.frozen() == Keys("NEW", "s", "t")
    assert not provider.stale()


def test_credentials_that_cannot_be_refreshed() -> None:
    provider = Provider("role", lambda: None, refreshable(-30, [1]))
    with pytest.raises(CredentialsLost, match="credentials of role cannot be refreshed: the role is gone"):
        provider.frozen()


def test_renewing() -> None:
    old, new = Keys("A", "s", "old"), Keys("A", "s", "new")
    provider = Provider("x", lambda: new, old)
    assert provider.renew(old) == new
    assert provider.renew(old) == new  # others that were refused meanwhile
    assert provider.renew(new) is None
    with pytest.raises(CredentialsLost, match="there are none there now"):
        Provider("x", lambda: None, old).renew(old)


@pytest.mark.parametrize(
    ("access", "found"),
    [
        (
            Access("bucket", region="eu-west-1"),
            Resolved("https", "bucket.s3.eu-west-1.amazonaws.com", "", "eu-west-1", True),
        ),
        (
            Access("bucket.dots", region="eu-west-1"),
            Resolved("https", "s3.eu-west-1.amazonaws.com", "/bucket.dots", "eu-west-1", True),
        ),
        (Access("bucket", "http://127.0.0.1:9000"), Resolved("http", "127.0.0.1:9000", "/bucket", "us-east-1")),
        (Access("bucket", "http://localhost:80"), Resolved("http", "localhost", "/bucket", "us-east-1")),
        (
            Access("bucket", "https://Store.example:443/s3/"),
            Resolved("https", "store.example", "/s3/bucket", "us-east-1"),
        ),
        (Access("bucket", "https://store.example", "x-1"), Resolved("https", "store.example", "/bucket", "x-1")),
    ],
)
def test_where_a_bucket_is(access: Access, found: Resolved) -> None:
    assert resolve(access) == found
    assert resolve(access, "eu-north-1").region == "eu-north-1"


def test_where_a_bucket_is_without_any_region() -> None:
    found = resolve(Access("bucket"))
    assert (found.region, found.aws) == ("us-east-1", True)


def test_endpoints_of_environment_and_profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws(
        home,
        config="[profile x]\nregion = eu-west-3\nendpoint_url = http://x.example:1\n"
        "s3 =\n  addressing_style = virtual\n",
    )
    assert resolve(Access("bucket", identity=Identity(profile="x"))) == Resolved(
        "http", "bucket.x.example:1", "", "eu-west-3", told_here="http://x.example:1"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://env.example:2")
    identity.forget_sessions()
    assert resolve(Access("bucket")).host == "env.example:2"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.example:3")
    identity.forget_sessions()
    assert resolve(Access("bucket")).host == "s3.example:3"
    assert resolve(Access("bucket", "http://flag.example:4")).host == "flag.example:4"
    named = s3cfg(home / "named", FILE + "bucket_location = r-1\n")
    found = resolve(Access("bucket", identity=Identity(s3cfg=named)))
    assert (found.url, found.path, found.region) == ("https://store.example:9000", "/bucket", "r-1")
    found = resolve(Access("bucket", "http://flag.example:4", identity=Identity(s3cfg=named)))
    assert found.url == "http://flag.example:4"


def test_the_host_of_a_bucket_in_an_s3cmd_file(home: Path) -> None:
    named = s3cfg(home / "named", FILE + "host_bucket = %(bucket)s.store.example:9000\n")
    place = Identity(s3cfg=named)
    assert resolve(Access("bucket", identity=place)) == Resolved("https", "bucket.store.example:9000", "", "us-east-1")
    assert resolve(Access("bucket.dots", identity=place)).path == "/bucket.dots"
    for name, pattern in (("a", "https://%(bucket)s.store.example:9000/"), ("b", "store.example:9000/%(bucket)s")):
        named = s3cfg(home / name, f"{FILE}host_bucket = {pattern}\n")
        found = resolve(Access("bucket", identity=Identity(s3cfg=named)))
        assert found.host + found.path in ("bucket.store.example:9000", "store.example:9000/bucket")


@pytest.mark.parametrize("line", ["host_base = a b", "host_base = h:99999", "bucket_location = a b"])
def test_places_that_a_file_names_wrongly(home: Path, line: str) -> None:
    named = s3cfg(home / "named", f"{FILE}{line}\n")
    with pytest.raises(ConfigError, match=f"^s3cmd file {named}: "):
        resolve(Access("bucket", identity=Identity(s3cfg=named)))


@pytest.mark.parametrize(
    "access", [Access("bucket", "nonsense"), Access("bucket", region="not a region"), Access("in valid")]
)
def test_places_that_cannot_be(access: Access) -> None:
    with pytest.raises(ConfigError) as raised:
        resolve(access)
    assert "\n" not in str(raised.value)


def test_redirects_never_give_up_tls() -> None:
    place = Resolved("https", "a.example", "", "r")
    assert place.moved("http://b.example/x") is None
    assert place.moved("https://user@b.example/x") is None
    assert place.moved("/x") is None
    assert place.moved("https://a.example/x") is None
    assert place.moved("https://b.example:444/x") == Resolved("https", "b.example:444", "", "r")
    assert Resolved("http", "a", "", "r").moved("https://b:443/x") == Resolved("https", "b", "", "r")


def test_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_of("https://s3.example") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://user:p%40ss@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example,127.0.0.1")
    found = proxy_of("https://s3.example")
    assert found == Proxy("http://proxy.example:3128", (("Proxy-Authorization", "Basic dXNlcjpwQHNz"),))
    assert "dXNl" not in repr(found)
    assert proxy_of("https://s3.inside.example") is None
    assert proxy_of("http://s3.example") is None
    monkeypatch.setenv("HTTP_PROXY", "plain.example:1")
    assert proxy_of("http://s3.example") == Proxy("http://plain.example:1")
    assert proxy_of("http://127.0.0.1:9000") is None


def test_bundles_of_authorities(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tls_context(ca_bundle("")).check_hostname
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/requests.pem")
    assert ca_bundle("") == "/requests.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", str(home / "aws.pem"))
    identity.forget_sessions()
    assert ca_bundle("") == str(home / "aws.pem")
    for text in (None, "no certificates"):
        if text:
            (home / "aws.pem").write_text(text)
        endpoint.tls_context.cache_clear()
        with pytest.raises(ConfigError, match=r"CA bundle .*aws.pem cannot be used"):
            tls_context(ca_bundle(""))
    assert tls_context(str(home)).verify_mode
