"""Whose requests these are: credentials, from wherever an Identity says they are.

boto's own machinery finds and refreshes those of environment, profiles, roles; nothing of a secret is ever shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache

import botocore.credentials
import botocore.exceptions
import botocore.session

from s3copy_beam.options import Identity
from s3copy_beam.s3.errors import ConfigError, CredentialsLost, S3Error
from s3copy_beam.s3.s3cfg import home_s3cfg, read_s3cfg
from s3copy_beam.s3.sign import Keys

_vault: dict[str, Keys] = {}
_lock = threading.Lock()
Source = Callable[[], "Keys | botocore.credentials.Credentials | None"]


def vault_put(name: str, access_key: str, secret_key: str, token: str = "") -> None:
    """Hands keys that were typed to this process, under a name that may travel (Identity.vault)."""
    _vault[name] = Keys(access_key, secret_key, token)


def vault_clear() -> None:
    """Forgets all keys that were handed over."""
    _vault.clear()


class Provider:
    """The credentials of one identity, for as long as the process lives. Thread-safe; may block: not for a loop.

    Attributes:
        origin: where they come from, for messages ("profile x").
    """

    def __init__(self, origin: str, source: Source, found: Keys | botocore.credentials.Credentials | None) -> None:
        self.origin = origin
        self._source = source
        self._found = found

    @property
    def anonymous(self) -> bool:
        """Requests are not signed."""
        return self._found is None

    def stale(self) -> bool:
        """Whether frozen() would fetch new ones (it then takes a while); cheap."""
        found = self._found
        return isinstance(found, botocore.credentials.RefreshableCredentials) and found.refresh_needed()

    def frozen(self) -> Keys | None:
        """The credentials as they are now, refreshed where that is due; None: anonymous.

        Raises:
            CredentialsLost: they ran out and cannot be refreshed.
        """
        found = self._found
        if found is None or isinstance(found, Keys):
            return found
        try:
            now = found.get_frozen_credentials()
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError) as error:
            raise CredentialsLost(f"credentials of {self.origin} cannot be refreshed: {_line(error)}") from None
        return Keys(now.access_key or "", now.secret_key or "", now.token or "")

    def renew(self, refused: Keys) -> Keys | None:
        """Others than those just refused as expired: looks where they come from once more.

        Returns:
            New ones; None where the place still has the same.

        Raises:
            CredentialsLost: the place has none any more.
        """
        with _lock:
            now = self.frozen()
            if now is not None and now != refused:
                return now  # another request renewed them
            try:
                found = self._source()
            except (ConfigError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError) as error:
                raise CredentialsLost(f"credentials of {self.origin} expired: {_line(error)}") from None
            if found is None:
                raise CredentialsLost(f"credentials of {self.origin} expired, and there are none there now")
            self._found = found
        now = self.frozen()
        return None if now == refused else now

    def __repr__(self) -> str:
        return f"Provider({self.origin})"


def credentials_of(identity: Identity) -> Provider:
    """Finds the credentials of an identity: the first of vault, s3cmd file, profile, AWS chain, `~/.s3cfg`.

    Raises:
        ConfigError: there are none, or what names them is wrong (no such profile, no such file).
    """
    if identity.anonymous:
        return Provider("--no-sign-request", lambda: None, None)
    if identity.vault:
        keys = _vault.get(identity.vault)
        if keys is None:
            raise ConfigError("keys given by hand (-a, -k) are known only to the process they were given to")
        return Provider("-a/-k", lambda: keys, keys)
    if identity.s3cfg:
        path = identity.s3cfg
        found = read_s3cfg(path).keys
        if found:
            return Provider(f"s3cmd file {path}", lambda: read_s3cfg(path).keys, found)
    return _from_chain(identity)


def falls_back_to_home(identity: Identity) -> str:
    """Path of `~/.s3cfg` where that is what an identity's credentials come from, else empty.

    Raises:
        ConfigError: as credentials_of.
    """
    home = home_s3cfg()
    if not home or identity.anonymous or identity.vault or identity.profile:
        return ""
    if identity.s3cfg and read_s3cfg(identity.s3cfg).keys:
        return ""
    return "" if _chain_has_any(identity.profile) else home


@lru_cache(maxsize=16)
def session_of(profile: str) -> botocore.session.Session:
    """The botocore session of a profile (empty: the default one), kept: it is dear to make.

    Raises:
        ConfigError: no such profile, or a configuration file that cannot be read.
    """
    return _new_session(profile)


@lru_cache(maxsize=16)
def _chain_has_any(profile: str) -> bool:
    return session_of(profile).get_credentials() is not None


def forget_sessions() -> None:
    """Environment and configuration files are read again by the next call."""
    session_of.cache_clear()
    _chain_has_any.cache_clear()


def explained(error: S3Error, origin: str) -> str:
    """An error for people; one that is about credentials says where these come from."""
    about = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "AccessDenied",
             "InvalidSecurity", "NotSignedUp", "AccountProblem")
    return f"{error} [credentials: {origin}]" if error.code in about else str(error)


def _from_chain(identity: Identity) -> Provider:
    profile = identity.profile
    try:
        found = session_of(profile).get_credentials()
        if found is not None:
            found.get_frozen_credentials()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError) as error:
        raise ConfigError(f"credentials of {_chain(profile)} cannot be had: {_line(error)}") from None
    if found is not None:
        origin = _chain(profile) if profile else f"{_chain(profile)} ({found.method})"
        return Provider(origin, lambda: _new_session(profile).get_credentials(), found)
    if profile:
        raise ConfigError(f"profile {profile} has no credentials")
    home = home_s3cfg()
    keys = read_s3cfg(home).keys if home else None
    if keys:
        return Provider(f"s3cmd file {home}", lambda: read_s3cfg(home).keys, keys)
    raise ConfigError("no credentials found: neither -a/-k, -c, nor in environment, profile or role, nor ~/.s3cfg; "
                      "--no-sign-request goes without")


def _chain(profile: str) -> str:
    return f"profile {profile}" if profile else "the AWS chain"


def _new_session(profile: str) -> botocore.session.Session:
    try:
        session = botocore.session.Session(profile=profile or None)
        session.get_scoped_config()
    except botocore.exceptions.ProfileNotFound as error:
        raise ConfigError(f"no such profile: {error.kwargs.get('profile', profile)}") from None
    except botocore.exceptions.BotoCoreError as error:
        raise ConfigError(_line(error)) from None
    return session


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
