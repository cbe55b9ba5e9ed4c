"""The command lines that are compared: each tool with the flags that are fastest for it.

| tool | flags, and why |
|---|---|
| s3copy | none: its defaults |
| s5cmd cp | `--log error` (no line an object); 256 workers are its default, and more were not faster here |
| s5cmd sync | the same; `--size-only` where only listings are compared: fewer comparisons |
| rclone | `--fast-list` (one listing instead of one a folder), `--checkers`/`--transfers` 64, `--size-only` and
  `--s3-no-check-bucket`; "defaults": none of them |
| aws | `s3 sync --only-show-errors`, 64 requests at a time (`s3.max_concurrent_requests`) |
| s3sync | its defaults |
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.support.servers import ACCESS_KEY, SECRET_KEY

_BIN = Path(sys.executable).parent
_MORE = (Path.home() / ".cargo" / "bin", Path.home() / "go" / "bin")


def program(name: str) -> str:
    """The path of a program; empty: it is not installed."""
    for place in (_BIN, *_MORE):
        if (place / name).is_file():
            return str(place / name)
    return shutil.which(name) or ""


def s3copy(source: str, destination: str, *more: str) -> list[str]:
    """Ours."""
    return [program("s3copy"), "--json", "--no-progress", *more, f"s3://{source}", f"s3://{destination}"]


def s5cmd_cp(source: str, destination: str, *more: str) -> list[str]:
    """The fastest way of s5cmd to copy: it compares nothing."""
    return [program("s5cmd"), "--log", "error", "cp", *more, f"s3://{source}/*", f"s3://{destination}/"]


def s5cmd_sync(source: str, destination: str, *more: str) -> list[str]:
    """The way of s5cmd that compares."""
    return [program("s5cmd"), "--log", "error", "sync", *more, f"s3://{source}/*", f"s3://{destination}/"]


def rclone(source: str, destination: str, *more: str) -> list[str]:
    """With its best flags."""
    return [program("rclone"), "copy", "--fast-list", "--checkers", "64", "--transfers", "64", "--size-only",
            "--s3-no-check-bucket", *more, f"B:{source}", f"B:{destination}"]


def rclone_defaults(source: str, destination: str) -> list[str]:
    """As people type it."""
    return [program("rclone"), "copy", f"B:{source}", f"B:{destination}"]


def aws(source: str, destination: str) -> list[str]:
    """Of the AWS CLI."""
    return [program("aws"), "s3", "sync", "--only-show-errors", f"s3://{source}", f"s3://{destination}"]


def s3sync(source: str, destination: str, url: str) -> list[str]:
    """In Rust."""
    return [program("s3sync"), "--source-endpoint-url", url, "--target-endpoint-url", url,
            "--source-force-path-style", "--target-force-path-style", "--source-region", "us-east-1",
            "--target-region", "us-east-1", "--source-access-key", ACCESS_KEY, "--source-secret-access-key", SECRET_KEY,
            "--target-access-key", ACCESS_KEY, "--target-secret-access-key", SECRET_KEY,
            f"s3://{source}", f"s3://{destination}"]


def environment(url: str, folder: Path) -> dict[str, str]:
    """The endpoint, told to each of the tools in its own words."""
    config = folder / "aws-config"
    config.write_text("[default]\ns3 =\n  max_concurrent_requests = 64\n  max_queue_size = 10000\n")
    certificate = {"AWS_CA_BUNDLE": str(folder / "ca.pem"), "SSL_CERT_FILE": str(folder / "ca.pem")}
    return {
        "AWS_ENDPOINT_URL": url, "S3_ENDPOINT_URL": url, "AWS_CONFIG_FILE": str(config),
        "RCLONE_CONFIG": str(folder / "rclone.conf"), "RCLONE_CONFIG_B_TYPE": "s3", "RCLONE_CONFIG_B_PROVIDER": "Other",
        "RCLONE_CONFIG_B_ENV_AUTH": "true", "RCLONE_CONFIG_B_ENDPOINT": url,
        "RCLONE_CONFIG_B_FORCE_PATH_STYLE": "true", "RCLONE_CONFIG_B_LIST_VERSION": "2",
        **(certificate if url.startswith("https") else {}),
    }
