"""Lists and reports, wherever they are: local files, and every URL that smart_open knows.

`s3://` ones are read and written with the first identity, at the source's endpoint.
"""

from __future__ import annotations

import tempfile
from typing import IO, Any

import botocore
import botocore.exceptions
from botocore.config import Config

from s3copy_beam.options import Access
from s3copy_beam.s3.errors import ConfigError
from s3copy_beam.s3.identity import credentials_of, falls_back_to_home, session_of
from s3copy_beam.s3.s3cfg import read_s3cfg


def open_url(url: str, mode: str, access: Access) -> IO[Any]:
    """Opens a list or a report; names that end in `.gz` are compressed.

    Args:
        url: a local path, or a URL.
        mode: "r", "rb", "w" or "wb"; text is UTF-8.
        access: whose identity and endpoint are used for `s3://`; its bucket does not matter.

    Raises:
        ConfigError: it cannot be opened; one line that names it.
    """
    import smart_open

    params: dict[str, Any] = {}
    if url.startswith("s3://"):
        params["client"] = boto_client(access)
        if "w" in mode:  # appears whole, at its end: no unfinished upload stays behind a run that was killed
            params |= {"multipart_upload": False, "writebuffer": tempfile.TemporaryFile()}  # noqa: SIM115
    encoding = None if "b" in mode else "utf-8"
    try:
        return smart_open.open(url, mode, encoding=encoding, transport_params=params)
    except OSError as error:
        raise ConfigError(f"{url}: {error.strerror or error}") from None
    except Exception as error:  # each of smart_open's transports has errors of its own
        raise ConfigError(f"{url}: {' '.join(str(error).split())}") from None


def boto_client(access: Access) -> Any:
    """A boto client of this identity, at this endpoint, for what is rare.

    Raises:
        ConfigError: no credentials, or an endpoint or region that cannot be.
    """
    identity = access.identity
    keys = credentials_of(identity).frozen()
    path = identity.s3cfg or falls_back_to_home(identity)
    cfg = read_s3cfg(path) if path else None
    unsigned = {"signature_version": botocore.UNSIGNED} if keys is None else {}
    try:
        return session_of(identity.profile).create_client(
            "s3", region_name=access.region or (cfg.region if cfg else "") or None,
            endpoint_url=access.endpoint_url or (cfg.endpoint_url if cfg else "") or None,
            aws_access_key_id=keys.access_key if keys else None,
            aws_secret_access_key=keys.secret_key if keys else None,
            aws_session_token=keys.token or None if keys else None,
            config=Config(request_checksum_calculation="when_required",
                          response_checksum_validation="when_required", **unsigned))
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise ConfigError(" ".join(str(error).split())) from None
