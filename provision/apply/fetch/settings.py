"""How to fetch and what to ask: plain values, which nothing here acts upon."""

from collections.abc import Callable

from provision.typed import NamedTuple


class Settings(NamedTuple):
    """How to fetch. Times in seconds; a `total_s` or `response_headers_s` of 0 has no end.

    `authorities` are PEM bundles, beside the system's. `idle_s` is how long a body may stand still. Source for the
    defaults: Ignition, `internal/resource/http.go`; `idle_s` is our own.
    """

    response_headers_s: float = 10
    total_s: float = 0
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: tuple[str, ...] = ()
    authorities: tuple[bytes, ...] = ()
    idle_s: float = 300


class Request(NamedTuple):
    """A request as providers make them. `retry` are statuses that are tried again, beside those from 500 on."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    retry: frozenset[int] = frozenset()
    local_ports: range | None = None
    accept: frozenset[int] = frozenset((200, 204))


class Answer(NamedTuple):
    """What a server said; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class AwsKeys(NamedTuple):
    """What requests to S3 are signed with; the token comes with keys that are lent for some hours."""

    access_key: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return "AwsKeys(…)"


def no_keys() -> AwsKeys | None:
    """Anonymous requests to S3."""
    return None


def no_token() -> str:
    """Anonymous requests to Google Cloud Storage."""
    return ""


class Credentials:
    """Who asks for objects of S3 and Google Cloud Storage. Platforms set what they know, whenever they know it.

    `aws_keys` and `gcs_token` are called before each attempt, since both run out; `aws_region` is where this machine is.
    """

    def __init__(
        self,
        aws_keys: Callable[[], AwsKeys | None] = no_keys,
        gcs_token: Callable[[], str] = no_token,
        aws_region: str = "",
    ) -> None:
        self.aws_keys, self.gcs_token, self.aws_region = aws_keys, gcs_token, aws_region


class Endpoints(NamedTuple):
    """Where objects are kept, as patterns: {bucket}, {region}, {domain}, {name}, {account}.

    The `path_` rows are for buckets whose names no certificate covers. Source: AWS, `s3` endpoint rules; Ignition,
    `internal/resource/url.go`.
    """

    lookup: str = "https://{bucket}.s3.{region}.{domain}/"
    path_lookup: str = "https://s3.{region}.{domain}/{bucket}"
    bucket: str = "https://{bucket}.s3.dualstack.{region}.{domain}"
    path_bucket: str = "https://s3.dualstack.{region}.{domain}/{bucket}"
    access_point: str = "https://{name}-{account}.s3-accesspoint.dualstack.{region}.{domain}"
    storage: str = "https://storage.googleapis.com"
