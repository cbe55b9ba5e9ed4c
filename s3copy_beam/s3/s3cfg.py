"""The configuration files of s3cmd: keys, and the way to a store."""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass

from s3copy_beam.s3.errors import ConfigError
from s3copy_beam.s3.sign import Keys

_NAMES = frozenset(("access_key", "secret_key", "access_token", "host_base", "host_bucket", "use_https",
                    "bucket_location", "signature_v2"))
_TRUE = frozenset(("1", "true", "yes", "on"))
_AWS_HOST = "s3.amazonaws.com"
_REGIONS = {"US": "us-east-1", "EU": "eu-west-1"}
"""What s3cmd's bucket_location calls by other names."""


@dataclass(frozen=True)
class S3cfg:
    """What an s3cmd file says.

    Attributes:
        path: the file, as given.
        keys: None where the file has none.
        endpoint_url: empty: AWS itself.
        host_bucket: pattern with `%(bucket)s`; empty: path style.
        region: of bucket_location, empty where it is not told.
    """

    path: str
    keys: Keys | None
    endpoint_url: str = ""
    host_bucket: str = ""
    region: str = ""


def read_s3cfg(path: str) -> S3cfg:
    """Reads an s3cmd file.

    Raises:
        ConfigError: no such file, not readable, not such a file, half of a pair of keys, or signature_v2 = True.
    """
    values = _values(path)
    if not values.keys() & _NAMES:
        raise ConfigError(f"s3cmd file {path} is no such file: nothing that it says can be understood")

    def flag(name: str, default: bool) -> bool:
        return values[name].lower() in _TRUE if values.get(name) else default

    if flag("signature_v2", False):
        raise ConfigError(f"s3cmd file {path}: signature_v2 = True is not supported, only signature version 4")
    access_key, secret_key = values.get("access_key", ""), values.get("secret_key", "")
    if bool(access_key) != bool(secret_key):
        missing = "secret_key" if access_key else "access_key"
        raise ConfigError(f"s3cmd file {path}: {missing} is missing")
    keys = Keys(access_key, secret_key, values.get("access_token", "")) if access_key else None
    host, pattern = values.get("host_base", ""), values.get("host_bucket", "")
    region = values.get("bucket_location", "")
    endpoint = ""
    if host and host.lower() != _AWS_HOST:
        bare = host.split("://", 1)[-1].rstrip("/")
        endpoint = f"{'https' if flag('use_https', True) else 'http'}://{bare}"
    pattern = pattern.split("://", 1)[-1].rstrip("/")
    in_host = endpoint and "%(bucket)s" in pattern and "/" not in pattern  # behind a / it is path style
    return S3cfg(path, keys, endpoint, pattern if in_host else "",
                 _REGIONS.get(region.upper(), region))


def home_s3cfg() -> str:
    """Path of `~/.s3cfg` where that file is there, else empty."""
    path = os.path.expanduser("~/.s3cfg")
    return path if os.path.isfile(path) else ""


def _values(path: str) -> dict[str, str]:
    try:
        with open(os.path.expanduser(path), encoding="utf-8-sig") as file:
            text = file.read()
    except FileNotFoundError:
        raise ConfigError(f"no such s3cmd file: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"s3cmd file {path} cannot be read: {reason}") from None
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), allow_no_value=True)
    try:
        try:
            parser.read_string(text)
        except configparser.MissingSectionHeaderError:
            parser.read_string("[default]\n" + text)
    except configparser.Error:  # its message may quote a line, with a key in it
        raise ConfigError(f"s3cmd file {path} is no such file: a line cannot be understood") from None
    for section in ("default", *parser.sections()):
        if parser.has_section(section):
            return {name: (value or "").strip().strip('"') for name, value in parser.items(section)}
    return {}
