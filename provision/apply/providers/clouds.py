"""What some clouds' metadata servers hold besides the config: keys for their object stores, a place for news."""

from collections.abc import Callable
from time import monotonic

from provision.apply import log
from provision.apply.fetch import AwsKeys, Credentials, NotFound, Request
from provision.apply.providers.host import Host
from provision.apply.providers.http import MAX_ANSWER_BYTES, Http, as_header, parse_json, text_of
from provision.diagnostics import ProvisionError
from provision.typed import Generic, TypeVar

# For questions whose answer can be done without.
# Source: Ignition, `internal/providers/aws`, the time for the region.
LIMIT_S = 15

# Metadata servers hand out what is good for at least five minutes more.
# Sources: AWS, "Retrieve security credentials from instance metadata"; Google, "Authenticate applications".
KEEP_S = 240

V = TypeVar("V")


class Kept(Generic[V]):
    """What a metadata server says, asked for anew after a while; `otherwise` where it says nothing."""

    def __init__(self, ask: Callable[[], V], otherwise: V, what: str) -> None:
        self.ask, self.otherwise, self.what = ask, otherwise, what
        self.value, self.good_until = otherwise, 0.0

    def __call__(self) -> V:
        """The value."""
        if monotonic() >= self.good_until:
            self.value = self.answer()
            self.good_until = monotonic() + KEEP_S
        return self.value

    def answer(self) -> V:
        """What the server says now."""
        try:
            return self.ask()
        except NotFound:
            log.info(f"this machine was given no {self.what}")
        except ProvisionError as error:
            log.warning(f"no {self.what}: {error}")
        return self.otherwise


class Aws(Http):
    """EC2. Objects are asked for in the machine's own region and with the keys of its role.

    `base` is where the metadata server's documents are. Source: AWS, "Instance metadata categories".
    """

    usual_region = "us-east-1"
    region_url = "http://169.254.169.254/latest/dynamic/instance-identity/document"
    roles_url = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"

    def init(self, host: Host) -> None:
        """Wait for the network, with the time that the config has, too."""
        self.token_header(host)

    def credentials(self, host: Host) -> Credentials:
        region = Kept(lambda: self.region(host), self.usual_region, "region")
        return Credentials(aws_keys=Kept(lambda: self.keys(host), None, "role"), aws_region=region())

    def region(self, host: Host) -> str:
        """Where the machine is."""
        region = text_of(parse_json(self.ask(host, self.region_url), "the identity document"), "region")
        if not region:
            raise ProvisionError("the identity document names none")
        return region

    def keys(self, host: Host) -> AwsKeys | None:
        """The keys of the machine's role, for some hours."""
        role = self.ask(host, self.roles_url).split()
        if not role:
            return None
        found = parse_json(self.ask(host, self.roles_url + as_header(role[0])), "what the role has")
        keys = AwsKeys(text_of(found, "AccessKeyId"), text_of(found, "SecretAccessKey"), text_of(found, "Token"))
        if not (keys.access_key and keys.secret):
            raise ProvisionError("the metadata server names the role and has no keys for it")
        return keys

    def ask(self, host: Host, url: str) -> bytes:
        """A document of the metadata server, soon or never."""
        fetcher = host.within(LIMIT_S)
        return self.get(host, url, self.token_header(host, fetcher), fetcher=fetcher)


class Gcp(Http):
    """Google Compute Engine. Objects are asked for as the machine's service account.

    Source: Google, "Authenticate applications with service accounts"; Ignition, `internal/resource/url.go`.
    """

    token_url = (
        "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"
        "?scopes=https://www.googleapis.com/auth/devstorage.read_only"
    )

    def credentials(self, host: Host) -> Credentials:
        return Credentials(gcs_token=Kept(lambda: self.access_token(host), "", "service account"))

    def access_token(self, host: Host) -> str:
        """A token for the storage, for about an hour."""
        content = self.get(host, self.token_url, self.headers, fetcher=host.within(LIMIT_S))
        return as_header(text_of(parse_json(content, "the access token"), "access_token").encode())


class Packet(Http):
    """Equinix Metal, once Packet: each stage shows in the machine's timeline. Source: Ignition, `internal/providers/packet`."""

    metadata_url = "https://metadata.packet.net/metadata"
    phone_home = "/phone-home"
    events = "/events"

    def report(self, host: Host, stage: str, error: str | None) -> None:
        """Failures are only logged: the machine has other things to do."""
        try:
            self.post(host, stage, error)
        except ProvisionError as complaint:
            log.warning(f"the timeline does not hear of the stage {stage}: {complaint}")

    def post(self, host: Host, stage: str, error: str | None) -> None:
        """Send an event to the address that the metadata names."""
        import json

        fetcher = host.within(LIMIT_S)
        metadata = parse_json(self.get(host, self.metadata_url, self.headers, fetcher=fetcher), "the metadata")
        address = text_of(metadata, "phone_home_url")
        if not address:
            raise ProvisionError("the metadata has no phone_home_url")
        request = Request(
            host.address(address.removesuffix(self.phone_home) + self.events),
            method="POST",
            headers=(("Content-Type", "application/json"),),
            body=json.dumps(event(stage, error)).encode(),
            accept=frozenset(range(200, 300)),
        )
        fetcher.request(request, limit=MAX_ANSWER_BYTES)


def event(stage: str, error: str | None) -> dict[str, str]:
    """How a stage ended, in the words that a timeline knows."""
    if error is None:
        return {"state": "running", "message": f"[{stage}] provisioning finished this stage"}
    return {"state": "failed", "message": f"[{stage}] provisioning failed: {error}"}
