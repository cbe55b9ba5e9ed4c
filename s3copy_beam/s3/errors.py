"""What can go wrong between us and a store, and what each failure calls for."""

from __future__ import annotations

import enum
import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MAX_MESSAGE = 300


class S3Error(Exception):
    """A request that failed: the store said so, answered nonsense, or did not answer.

    Attributes:
        code: S3's error code ("NoSuchKey"); one of ours where the store named none ("ConnectionError", "TimeoutError",
            "BadAnswer", "TLSError").
        message: the store's words, on one line.
        status: HTTP status; 0: no answer came. An `<Error>` in a 200 keeps its 200.
        operation: S3's name of the operation ("CopyObject").
        request_id: the store's id of the request; may be empty.
        region: the bucket's region where the store told it (redirects).
        location: where a redirect points, may be empty.
        server_time: the store's clock, seconds since 1970; 0: not told.
    """

    def __init__(self, code: str, message: str = "", status: int = 0, operation: str = "", request_id: str = "",
                 region: str = "", location: str = "", server_time: float = 0) -> None:
        self.code = _one_line(code)
        self.message = _one_line(message)
        self.status = status
        self.operation = operation
        self.request_id = _one_line(request_id)
        self.region = region
        self.location = location
        self.server_time = server_time
        super().__init__(code, message, status, operation, request_id)

    @property
    def outline(self) -> str:
        """What all failures of this kind have in common, to be said once: not the id, nor words that name a key."""
        facts = ", ".join(fact for fact in (self.operation, str(self.status) if self.status else "") if fact)
        return f"{self.code} ({facts})" if facts else self.code

    def __str__(self) -> str:
        facts = [self.operation, str(self.status) if self.status else "", self.request_id]
        if self.request_id:
            facts[2] = f"request id {self.request_id}"
        said = f"{self.code}: {self.message}" if self.message else self.code
        told = ", ".join(fact for fact in facts if fact)
        return f"{said} ({told})" if told else said


class BadAnswer(S3Error):
    """An answer that is cut, not S3's, or says something that cannot be. Never read as "nothing there"."""

    def __init__(self, message: str, status: int = 200, operation: str = "", request_id: str = "") -> None:
        super().__init__("BadAnswer", message, status, operation, request_id)


class Stopped(Exception):
    """The run is being stopped: this request was not sent, or was given up."""


class CredentialsLost(Exception):
    """Credentials expired and cannot be refreshed: the run ends, with this one line."""


class ConfigError(Exception):
    """Something the user set cannot work; one line for people."""


class Kind(enum.Enum):
    """What a failure calls for."""

    THROTTLE = "lower the rate, try again; uses up no retries"
    TRANSIENT = "try again, a limited number of times"
    LACKING = "the store most likely cannot do this: one more try"
    CLOCK = "correct our clock by the answer's date"
    CREDENTIALS = "refresh the credentials"
    REDIRECT = "go where the answer points"
    FINAL = "trying again would not help"


_BY_CODE: dict[str, Kind] = {}
for _kind, _codes in {
    Kind.THROTTLE: "SlowDown SlowDownRead SlowDownWrite ServiceUnavailable Throttling ThrottlingException"
                   " ThrottledException RequestThrottled RequestThrottledException TooManyRequests"
                   " TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded LimitExceededException"
                   " PriorRequestNotComplete ProvisionedThroughputExceededException KMS.ThrottlingException",
    Kind.TRANSIENT: "InternalError InternalServerError InternalFailure RequestTimeout RequestTimeoutException"
                    " IncompleteBody OperationAborted ConnectionError TimeoutError BadAnswer BadGateway GatewayTimeout",
    Kind.LACKING: "NotImplemented NameResolutionError",
    Kind.CLOCK: "RequestTimeTooSkewed RequestExpired",
    Kind.CREDENTIALS: "ExpiredToken ExpiredTokenException TokenRefreshRequired RequestExpiredToken",
    Kind.REDIRECT: "PermanentRedirect TemporaryRedirect Redirect IllegalLocationConstraintException",
    Kind.FINAL: "TLSError ConditionalRequestConflict",
}.items():
    _BY_CODE.update(dict.fromkeys(_codes.split(), _kind))

_BY_STATUS = {301: Kind.REDIRECT, 307: Kind.REDIRECT, 308: Kind.REDIRECT, 408: Kind.TRANSIENT, 429: Kind.THROTTLE,
              501: Kind.LACKING, 503: Kind.THROTTLE}

def kind_of(error: S3Error) -> Kind:
    """What the failure calls for.

    | code or status                                              | kind |
    |-------------------------------------------------------------|------|
    | status 429, 503; SlowDown and its kin                       | THROTTLE |
    | a region or a place is told and code or status redirects    | REDIRECT |
    | AuthorizationHeaderMalformed that tells a region            | REDIRECT |
    | RequestTimeTooSkewed                                        | CLOCK |
    | ExpiredToken                                                | CREDENTIALS |
    | NotImplemented, 501; a host that has no address             | LACKING |
    | no answer, bad answer, InternalError, RequestTimeout, 408, 5xx | TRANSIENT |
    | the rest                                                    | FINAL |

    Source: S3 documentation, error responses; botocore's standard retry mode.
    """
    if error.status in (429, 503):
        return Kind.THROTTLE
    if error.code == "AuthorizationHeaderMalformed":
        return Kind.REDIRECT if error.region else Kind.FINAL
    if error.status == 400 and error.code == "BadRequest" and error.region:
        return Kind.REDIRECT
    known = _BY_CODE.get(error.code) or _BY_STATUS.get(error.status)
    if known is Kind.REDIRECT and not (error.region or error.location):
        return Kind.FINAL
    if known:
        return known
    return Kind.TRANSIENT if error.status >= 500 else Kind.FINAL


def _one_line(text: str) -> str:
    """A store's words may hold anything: one line of printable text is left, of bounded length."""
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + "..."
