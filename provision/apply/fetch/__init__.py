"""Getting content from elsewhere: data, http, https, tftp, s3, gs and arn URLs. Source: Ignition, `internal/resource`.

What is needed to speak over a network is imported when something is asked for over a network.
"""

import io
from contextlib import suppress
from threading import Lock

from provision.apply.fetch.clock import Clock
from provision.apply.fetch.faults import NeedsNetwork, NotFound, Refused, TooLate, Untrusted
from provision.apply.fetch.intake import Intake, Progress, Writable, rewind, take
from provision.apply.fetch.retrying import persist
from provision.apply.fetch.settings import Answer, AwsKeys, Credentials, Endpoints, Request, Settings
from provision.apply.fetch.urls import scheme_of
from provision.apply.sources import shown_url
from provision.contents import decode_data_url
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Resource
from provision.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.apply.fetch.sources import Sources

__all__ = [
    "Answer", "AwsKeys", "Credentials", "Endpoints", "Fetcher", "NeedsNetwork", "NotFound", "Progress", "Refused",
    "Request", "Settings", "TooLate", "Untrusted",
]  # fmt: skip

DEFAULT_SETTINGS, DEFAULT_ENDPOINTS = Settings(), Endpoints()
# What `read` and `request` hold in memory at most. Platforms limit configs to some dozen KiB; embedded files are larger.
MAX_READ_BYTES = 64 << 20
# A timeout of more than thirty years is none.
MAX_TIMEOUT_S = 10**9


class Fetcher:
    """Fetches by settings. Safe to use from several threads.

    The platform may change `credentials` at any time; fetchers made with `for_config` share them.
    """

    def __init__(
        self,
        settings: Settings = DEFAULT_SETTINGS,
        *,
        offline: bool = False,
        credentials: Credentials | None = None,
        endpoints: Endpoints = DEFAULT_ENDPOINTS,
    ) -> None:
        self.settings, self.offline, self.endpoints = settings, offline, endpoints
        self.credentials = credentials or Credentials()
        self.authorities: dict[str, bytes] = {}
        self.lock = Lock()
        self.opened: Sources | None = None

    def request(self, request: Request, *, limit: int = MAX_READ_BYTES) -> Answer:
        """Ask an HTTP server, with retries; raises NotFound, TooLate, NeedsNetwork or ProvisionError."""
        self.need_network(request.url)
        from provision.apply.fetch.sources import ask

        return ask(self.sources().client, request, Clock(self.settings.total_s), limit)

    def read(self, resource: Resource, limit: int = MAX_READ_BYTES) -> bytes:
        """The unpacked and verified bytes of a small resource; no source is no bytes. Raises as `save` does."""
        content = io.BytesIO()
        self.save(resource, content, limit)
        return content.getvalue()

    def save(
        self, resource: Resource, file: Writable, limit: int | None = None, progress: Progress | None = None
    ) -> None:
        """Write the unpacked and verified bytes to a file, from where it stands; no source is no bytes.

        A transfer that breaks off starts again by itself. Whatever is raised, the file then ends where it stood. It is
        best opened without a buffer: what comes is large, and a full disk then shows where it can be told.
        Raises NotFound, TooLate, NeedsNetwork or ProvisionError; the last one also for more than `limit` unpacked bytes.
        """
        start = file.tell()
        try:
            if scheme_of(resource.source or "") == "data":
                save_data(resource, file, limit)
            elif resource.source:
                self.need_network(resource.source)
                self.transfer(resource, file, start, limit, progress)
        except BaseException:
            # A full disk may refuse this, too; then the first error is the one to tell.
            with suppress(OSError):
                rewind(file, start)
            raise

    def transfer(
        self, resource: Resource, file: Writable, start: int, limit: int | None, progress: Progress | None
    ) -> None:
        """Save what comes over the network, in as many attempts as it takes."""
        name, clock = shown_url(resource.source or ""), Clock(self.settings.total_s)
        opening = self.sources().opening(resource, clock)

        def attempt() -> None:
            intake = Intake(name, resource, file, limit)
            intake.start_at(start)
            with opening() as body:
                take(body.pieces, intake, body.length, progress)

        persist(name, "GET", clock, attempt)

    def authority(self, resource: Resource) -> bytes:
        """The PEM bundle of a certificate authority, fetched once for all fetchers that came from this one."""
        source = resource.source or ""
        if not source:
            raise ProvisionError("a certificate authority has no source")
        if source not in self.authorities:
            self.authorities[source] = self.read(resource)
        return self.authorities[source]

    def for_config(self, config: Config) -> "Fetcher":
        """A fetcher with a config's timeouts, proxies and certificate authorities.

        The authorities are fetched with the new timeouts and proxies. A config without any keeps those that there were.
        Source: Ignition, `UpdateHttpTimeoutsAndCAs`.
        """
        fetcher = self.with_settings(settings_of(config, self.settings))
        resources = config.ignition.security.tls.certificate_authorities
        if not resources:
            return fetcher
        bundles = tuple(fetcher.authority(resource) for resource in resources)
        trusting = fetcher.with_settings(fetcher.settings._replace(authorities=bundles))
        check_authorities(resources, bundles)
        return trusting

    def with_settings(self, settings: Settings) -> "Fetcher":
        """A fetcher with other settings, and all else in common with this one."""
        fetcher = Fetcher(settings, offline=self.offline, credentials=self.credentials, endpoints=self.endpoints)
        fetcher.authorities = self.authorities
        return fetcher

    def need_network(self, url: str) -> None:
        """Refuse to go on while offline."""
        if self.offline:
            raise NeedsNetwork(f"{shown_url(url)} cannot be fetched without the network")

    def sources(self) -> "Sources":
        """What opens resources; made at its first use."""
        from provision.apply.fetch.http import Client
        from provision.apply.fetch.sources import Sources
        from provision.apply.fetch.tls import Trust

        with self.lock:
            if self.opened is None:
                client = Client(self.settings, Trust(self.settings.authorities))
                self.opened = Sources(client, self.credentials, self.endpoints, {})
            return self.opened


def save_data(resource: Resource, file: Writable, limit: int | None) -> None:
    """Save what the URL itself holds."""
    source = resource.source or ""
    if not source.startswith("data:"):
        raise ProvisionError("the scheme of a data URL is written in lower case")
    intake = Intake("a data URL", resource, file, limit)
    intake.start_at(file.tell())
    intake.feed(decode_data_url(source))
    intake.finish()


def settings_of(config: Config, before: Settings) -> Settings:
    """A config's settings; what it does not set is as by default, not as before."""
    timeouts, proxy, usual = config.ignition.timeouts, config.ignition.proxy, DEFAULT_SETTINGS
    headers, total = timeouts.http_response_headers, timeouts.http_total
    return before._replace(
        response_headers_s=usual.response_headers_s if headers is None else min(headers, MAX_TIMEOUT_S),
        total_s=usual.total_s if total is None else min(total, MAX_TIMEOUT_S),
        http_proxy=proxy.http_proxy or "",
        https_proxy=proxy.https_proxy or "",
        no_proxy=proxy.no_proxy,
    )


def check_authorities(resources: tuple[Resource, ...], bundles: tuple[bytes, ...]) -> None:
    """Refuse bundles that are none, as long as it is known where each came from."""
    from provision.apply.fetch.tls import check_bundle

    for resource, bundle in zip(resources, bundles, strict=True):
        try:
            check_bundle(bundle)
        except ProvisionError as error:
            raise ProvisionError(f"{shown_url(resource.source or '')}: {error}") from None
