"""The report of a run in one process: JSON lines, a local file line by line, or an object that appears at the end."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from typing import IO

from s3copy_beam.command.engine import is_local
from s3copy_beam.model import Outcome
from s3copy_beam.options import Access
from s3copy_beam.paths import parse_url
from s3copy_beam.s3.errors import ConfigError
from s3copy_beam.text import report_line

SHARD = "report-00000-of-00001.jsonl"
"""The only one, of one process, of ``--report URL/``."""
_COMPRESSED = (".gz", ".bz2", ".xz")
_SHARDS = re.compile(r"report-\d{5}-of-\d{5}\.jsonl")


def replaces(report: str, listed: str) -> bool:
    """Whether writing a report takes away the list that is read in the same run: a report of an earlier one, often.

    Args:
        report: ``--report``.
        listed: local path or URL of a list.
    """
    if report.endswith("/"):
        name = listed.rpartition("/")[2]
        if not _SHARDS.fullmatch(name):
            return False
        report += name
    if not (is_local(report) and is_local(listed)):
        return report == listed
    with contextlib.suppress(OSError):  # there is no report yet
        return os.path.isfile(listed) and os.path.samefile(report, listed)
    return False


def clear(url: str, access: Access) -> None:
    """Makes the place ready: its bucket is there; shards of earlier runs, of however many workers, are removed.

    Args:
        url: ``--report``; nothing is done where it is a local file, or a URL that only smart_open can write to.
        access: whose identity and endpoint are used for `s3://`.

    Raises:
        OSError, ConfigError: it cannot be done.
    """
    if url.startswith("s3://"):
        bucket, path = parse_url(url, "--report")
        if url.endswith("/"):
            _clear_bucket(bucket, path, access)
        elif not path:
            raise ConfigError(f"{url} names no object: s3://BUCKET/KEY or s3://BUCKET/FOLDER/ is wanted")
        else:  # it is written when the run ends, too late for such news
            _see_bucket(bucket, path, access)
    elif url.endswith("/") and is_local(url):
        os.makedirs(url, exist_ok=True)
        for name in filter(_SHARDS.fullmatch, os.listdir(url)):
            os.remove(os.path.join(url, name))


def _clear_bucket(bucket: str, folder: str, access: Access) -> None:
    from s3copy_beam.s3.urls import boto_client

    client = boto_client(access)
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}report-"):
            for found in page.get("Contents", ()):
                if _SHARDS.fullmatch(found["Key"].removeprefix(folder)):
                    client.delete_object(Bucket=bucket, Key=found["Key"])
    except Exception as error:  # boto's errors have no class in common with OSError
        raise ConfigError(f"s3://{bucket}/{folder}: {' '.join(str(error).split())}") from None


def _see_bucket(bucket: str, path: str, access: Access) -> None:
    """Raises ConfigError where the bucket is not there; one that may not be looked at may still be written to."""
    from botocore.exceptions import BotoCoreError, ClientError

    from s3copy_beam.s3.urls import boto_client

    try:
        boto_client(access).head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            raise ConfigError(f"s3://{bucket}/{path}: there is no such bucket") from None
    except BotoCoreError as error:
        raise ConfigError(f"s3://{bucket}/{path}: {' '.join(str(error).split())}") from None


class Report:
    """Lines to one place.

    Attributes:
        error: why lines could not be written, for people; empty: they were.
    """

    def __init__(self, url: str, source: str, destination: str, open_url: Callable[[str], IO[str]]) -> None:
        """Opens it: what an earlier run left there is replaced.

        Args:
            url: ``--report``; one that ends in ``/`` is a folder.
            source: bucket.
            destination: bucket.
            open_url: opens what is no local file, for writing.

        Raises:
            OSError, and what open_url raises.
        """
        self.error = ""
        self._buckets = source, destination
        if url.endswith("/"):
            url += SHARD
        if is_local(url) and not url.endswith(_COMPRESSED):  # grows line by line
            self._file: IO[str] = open(url, "w", buffering=1, encoding="ascii")  # noqa: SIM115  close() is ours
        else:
            self._file = open_url(url)

    def write(self, outcome: Outcome) -> None:
        """Adds a line; never raises."""
        if self.error:
            return
        try:
            self._file.write(report_line(outcome, *self._buckets) + "\n")
        except Exception as error:
            self.error = str(error)

    def close(self) -> None:
        """Ends it; never raises."""
        try:
            self._file.close()
        except Exception as error:
            self.error = self.error or str(error)

