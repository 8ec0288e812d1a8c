"""Which scheme is fetched how: each becomes something that can be opened, once for each attempt."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from provision.apply import log
from provision.apply.fetch import gs, s3
from provision.apply.fetch.clock import Clock
from provision.apply.fetch.faults import NotFound
from provision.apply.fetch.http import Client, check_status, named
from provision.apply.fetch.intake import Intake, take
from provision.apply.fetch.retrying import persist
from provision.apply.fetch.settings import Answer, Credentials, Endpoints, Request
from provision.apply.fetch.urls import scheme_of
from provision.apply.sources import shown_url
from provision.diagnostics import ProvisionError
from provision.ignition import Resource
from provision.typed import NamedTuple


class Body(NamedTuple):
    """The packed bytes of a resource, and how many there are, where that is known."""

    pieces: Iterator[bytes]
    length: int | None


Opening = Callable[[], AbstractContextManager[Body]]


class Sources:
    """All that is needed to open a resource of any scheme but data. `regions` remembers where buckets are."""

    def __init__(self, client: Client, credentials: Credentials, endpoints: Endpoints, regions: dict[str, str]) -> None:
        self.client, self.credentials, self.endpoints, self.regions = client, credentials, endpoints, regions
        self.schemes: dict[str, Callable[[Resource, str, Clock], Opening]] = {
            "http": self.from_http,
            "https": self.from_http,
            "tftp": self.from_tftp,
            "s3": self.from_s3,
            "arn": self.from_s3,
            "gs": self.from_gs,
        }

    def opening(self, resource: Resource, clock: Clock) -> Opening:
        """What opens a resource. Raises ProvisionError where nothing fetches from its URL."""
        url = resource.source or ""
        scheme = self.schemes.get(scheme_of(url))
        if scheme is None:
            raise ProvisionError(f"{shown_url(url)}: nothing fetches from {scheme_of(url) or 'URLs without a scheme'}")
        return scheme(resource, url, clock)

    def from_http(self, resource: Resource, url: str, clock: Clock) -> Opening:
        """A plain request, with the headers of the resource."""
        headers = tuple((header.name, header.value) for header in resource.http_headers if header.value is not None)
        return self.by_http(lambda: Request(url, headers=headers), clock)

    def from_gs(self, resource: Resource, url: str, clock: Clock) -> Opening:
        """A request of whoever this machine may act as; tokens run out, so each attempt asks for one."""
        return self.by_http(lambda: gs.object_request(url, self.endpoints, self.credentials.gcs_token()), clock)

    def from_s3(self, resource: Resource, url: str, clock: Clock) -> Opening:
        """A request to where the bucket is; signatures hold for some minutes, so each attempt has its own."""
        if resource.compression:
            raise ProvisionError(f"{shown_url(url)}: content of S3 cannot be compressed; take `compression` away")
        wanted = s3.parse(url)
        region = wanted.region or self.region_of(wanted, clock)
        return self.by_http(
            lambda: s3.object_request(wanted, self.endpoints, region, self.credentials.aws_keys(), time.time()), clock
        )

    def from_tftp(self, resource: Resource, url: str, clock: Clock) -> Opening:
        """A transfer of its own protocol."""
        from provision.apply.fetch import tftp

        @contextmanager
        def opened() -> Iterator[Body]:
            with closing(tftp.blocks(url, clock)) as pieces:
                yield Body(pieces, None)

        return opened

    def by_http(self, prepare: Callable[[], Request], clock: Clock) -> Opening:
        """What opens the body of an HTTP answer, if it is one that is accepted."""

        @contextmanager
        def opened() -> Iterator[Body]:
            request = prepare()
            with self.client.ask(request, clock) as response:
                check_status(request, response.status)
                yield Body(response.pieces(), response.length)

        return opened

    def region_of(self, wanted: s3.S3Object, clock: Clock) -> str:
        """Where a bucket is. Raises ProvisionError where nobody knows."""
        if known := self.regions.get(wanted.bucket):
            return known
        asked, request = s3.lookup(wanted, self.endpoints, self.credentials.aws_region)
        try:
            answer = ask(self.client, request, clock, limit=1 << 20)
        except NotFound:
            raise NotFound(f"there is no bucket {wanted.bucket} in S3 (asked in {asked})") from None
        region = answer.headers.get(s3.REGION_HEADER, asked if answer.status == 200 else "")
        if not region:
            raise ProvisionError(f"the region of the bucket {wanted.bucket} is unknown: S3 said {named(answer.status)}")
        log.debug(f"the bucket {wanted.bucket} is in {region}")
        self.regions[wanted.bucket] = region
        return region


def ask(client: Client, request: Request, clock: Clock, limit: int) -> Answer:
    """The answer of an HTTP server, in memory, after as many attempts as it takes."""
    name = shown_url(request.url)

    def attempt() -> Answer:
        content = io.BytesIO()
        with client.ask(request, clock) as response:
            check_status(request, response.status)
            take(response.pieces(), Intake(name, Resource(), content, limit), response.length)
            return Answer(response.status, response.headers, content.getvalue())

    return persist(name, request.method, clock, attempt)
