"""Where a bucket is: host, style, region, proxy, certificates; as boto finds them."""

from __future__ import annotations

import base64
import os
import ssl
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.exceptions
import botocore.httpsession
from botocore.config import Config
from botocore.session import Session
from botocore.utils import get_environ_proxies

from s3copy_beam.options import Access
from s3copy_beam.s3.errors import ConfigError
from s3copy_beam.s3.identity import falls_back_to_home, session_of
from s3copy_beam.s3.s3cfg import S3cfg, read_s3cfg

_KEY = "k"


@dataclass(frozen=True)
class Resolved:
    """The way to a bucket.

    Attributes:
        scheme: "https" or "http".
        host: with the port where it is not the scheme's own; what the Host header says.
        path: goes before `/key`: "/bucket" in path style, "" in virtual style.
        region: that requests are signed for.
        aws: AWS itself: another region has another host.
        told_here: the endpoint that this machine's environment or configuration gives; other machines have another.
    """

    scheme: str
    host: str
    path: str
    region: str
    aws: bool = False
    told_here: str = ""

    @property
    def url(self) -> str:
        """Scheme and host."""
        return f"{self.scheme}://{self.host}"

    def moved(self, location: str) -> Resolved | None:
        """The same bucket where a redirect points; None where that is no place to go (TLS is not given up)."""
        there = urlsplit(location)
        if not there.netloc or "@" in there.netloc or there.scheme not in ("https", self.scheme):
            return None
        moved = replace(self, scheme=there.scheme, host=_host(there.scheme, there.netloc))
        return None if moved == self else moved


def resolve(access: Access, region: str = "") -> Resolved:
    """Finds a bucket's place through botocore: what its own client would use, read from a presigned URL.

    Args:
        access: the bucket.
        region: overrides the access's (a redirect told it).

    Raises:
        ConfigError: an endpoint, region, bucket name or profile that cannot be.
    """
    return _resolve(session_of(access.identity.profile), access, region)


@lru_cache(maxsize=64)
def _resolve(session: Session, access: Access, region: str) -> Resolved:
    """As resolve, once for each session: botocore's clients are dear to make, and a run asks some ten times."""
    cfg = _s3cfg(access)
    endpoint = access.endpoint_url or (cfg.endpoint_url if cfg else "")
    region = region or access.region or (cfg.region if cfg else "")
    pattern = cfg.host_bucket if cfg and not access.endpoint_url else ""
    try:
        client, presigned = _presigned(session, access.bucket, endpoint, region, {})
        if urlsplit(presigned).netloc.endswith(".s3.amazonaws.com"):
            # presigning prefers the global host, which redirects for new buckets; not where virtual style is asked for
            client, presigned = _presigned(session, access.bucket, endpoint, region, {
                **(client.meta.config.s3 or {}), "addressing_style": "virtual"})
        is_aws = (client.meta.endpoint_url or "").split(":")[1].endswith((".amazonaws.com", ".amazonaws.com.cn"))
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        told = f"s3cmd file {cfg.path}: " if cfg and (endpoint, region) != (access.endpoint_url, access.region) else ""
        raise ConfigError(told + " ".join(str(error).split())) from None
    url = urlsplit(presigned)
    host, path = _host(url.scheme, url.netloc), url.path[:-len(_KEY) - 1]
    if pattern and _fits_host(access.bucket, url.scheme):
        host, path = pattern.replace("%(bucket)s", access.bucket), ""
    scope = dict(item.split("=", 1) for item in url.query.split("&"))["X-Amz-Credential"]
    told_here = "" if endpoint or is_aws else client.meta.endpoint_url
    return Resolved(url.scheme, host, path, unquote(scope).split("/")[2], is_aws, told_here)


def _presigned(session: Session, bucket: str, endpoint: str, region: str, s3: dict[str, str]) -> tuple[Any, str]:
    config = Config(signature_version="s3v4", **({"s3": s3} if s3 else {}))  # type: ignore[arg-type]
    client: Any = session.create_client(
        "s3", region_name=region or None, endpoint_url=endpoint or None, aws_access_key_id="nobody",
        aws_secret_access_key="nothing", config=config)
    return client, client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": _KEY})


@dataclass(frozen=True)
class Proxy:
    """A forward proxy; its password shows nowhere."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Proxy({self.url!r})"


def proxy_of(url: str) -> Proxy | None:
    """The proxy that environment variables (HTTPS_PROXY, HTTP_PROXY, NO_PROXY) name for a URL, as boto3 reads them."""
    proxies = get_environ_proxies(url)
    found = botocore.httpsession.ProxyConfiguration(proxies).proxy_url_for(url)
    if not found:
        return None
    parts = urlsplit(found)
    if parts.username is None:
        return Proxy(found)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return Proxy(bare, (("Proxy-Authorization", "Basic " + base64.b64encode(login).decode()),))


@lru_cache(maxsize=16)
def tls_context(bundle: str) -> ssl.SSLContext:
    """A verifying context with these certificates of authorities (file or directory).

    Raises:
        ConfigError: the bundle cannot be read.
    """
    folder = os.path.isdir(bundle)
    try:
        context = ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"CA bundle {bundle} cannot be used: {error.strerror or 'no certificates in it'}") from None
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)  # as boto3: certificates it takes, we take
    context.set_alpn_protocols(["http/1.1"])
    return context


def ca_bundle(profile: str) -> str:
    """The bundle that boto3 would use: AWS_CA_BUNDLE or the profile's ca_bundle, REQUESTS_CA_BUNDLE, its own."""
    chosen = session_of(profile).get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    return str(chosen or botocore.httpsession.get_cert_path(True))


def _s3cfg(access: Access) -> S3cfg | None:
    path = access.identity.s3cfg or falls_back_to_home(access.identity)
    return read_s3cfg(path) if path else None


def _host(scheme: str, netloc: str) -> str:
    netloc = netloc.lower()
    return netloc.removesuffix(":443" if scheme == "https" else ":80")


def _fits_host(bucket: str, scheme: str) -> bool:
    """Whether a bucket's name can be part of a host's (certificates cover one label only)."""
    labels = bucket.split(".")
    plain = all(label and label.replace("-", "").isalnum() and label == label.lower() for label in labels)
    return plain and not (scheme == "https" and len(labels) > 1)
