"""What services a config sets up: etcd, fleet, flannel, locksmith, update-engine and docker, each with every option it gets.

Options come from the text of units, drop-ins and files, whatever dialect those were written in. `reading` fills these
records; the rules look at them. A value that holds a variable is known only in part: see `Setting.known`.
"""

from typing import Literal, NamedTuple

from provision.diagnostics import Severity
from provision.ignition import Config, Dropin, Unit
from provision.record import Record
from provision.schema.etcd_options import Version
from provision.schema.machine.addresses import OPEN, PORT, Url, read_urls
from provision.schema.rules import Finding
from provision.units import UnitFile

Given = Literal["variable", "flag", "file"]

TRUE = frozenset(("true", "1", "t", "yes", "on"))


class Setting(NamedTuple):
    """One option as a service gets it: its value, how it is given, and the field (and line) that it stands in."""

    key: str
    value: str
    given: Given
    record: Record
    field: str | None
    line: int | None = None
    name: str = ""

    @property
    def known(self) -> bool:
        """Whether the value is known in full, without variables that only the machine fills in."""
        return OPEN.search(self.value) is None

    def found(self, message: str, hint: str | None = None, severity: Severity | None = None) -> Finding:
        """A finding at the place of this option."""
        return Finding(self.field, message, hint, on=self.record, severity=severity, line=self.line)


class Source(NamedTuple):
    """Where a service comes from: its unit with all drop-ins, and what became of it.

    `parts` are the records that `text`'s options stand in, by their `source`; `whole` says that nothing else, such as a
    file that the config does not write, can set options.
    """

    unit: Unit
    parts: tuple[Unit | Dropin, ...]
    text: UnitFile
    settings: dict[str, Setting]
    shadowed: dict[str, Setting]
    started: bool
    whole: bool
    version: Version | None = None


class Service(Record):
    """One service of the machine; an option that is set to nothing is not set."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.settings = source.settings

    @property
    def name(self) -> str:
        """The name of its unit."""
        return self.source.unit.name

    def get(self, key: str) -> Setting | None:
        """An option that is given a value."""
        setting = self.settings.get(key)
        return setting if setting and setting.value else None

    def value(self, key: str, default: str = "") -> str:
        """The value of an option, or a default."""
        setting = self.get(key)
        return setting.value if setting else default

    def true(self, key: str) -> bool:
        """Whether a switch is on."""
        return self.value(key).lower() in TRUE

    def urls(self, key: str, default: str = "") -> tuple[Url, ...]:
        """The URLs of an option, or those of a default."""
        return read_urls(self.value(key, default))

    def first(self, *keys: str) -> Setting | None:
        """The first of some options that is given."""
        return next((setting for key in keys if (setting := self.get(key))), None)

    def found(self, message: str, hint: str | None = None, severity: Severity | None = None) -> Finding:
        """A finding about the service as a whole, at the part of the config that sets it up."""
        part = next((part for part in self.source.parts if part.origin is not None), self.source.unit)
        return Finding(None, message, hint, on=part, severity=severity)


class Etcd(Service):
    """An etcd: `etcd.service` (0.4 on Container Linux), `etcd2.service`, `etcd-member.service` or a unit of the author's."""

    @property
    def version(self) -> Version | None:
        """Major and minor version; None where nothing tells."""
        return self.source.version

    @property
    def legacy(self) -> bool:
        """Whether it is etcd 0.4, which has other options."""
        return self.version == (0, 4)

    def before(self, version: Version) -> bool:
        """Whether it is known to be older than a version."""
        return self.version is not None and self.version < version

    def since(self, version: Version) -> bool:
        """Whether it is known to be of a version or newer."""
        return self.version is not None and self.version >= version

    @property
    def is_proxy(self) -> bool:
        """Whether it only passes requests on."""
        return self.value("proxy", "off") != "off"

    @property
    def client_ports(self) -> frozenset[int]:
        """The ports on which clients of this machine reach it; empty where they can't be told."""
        setting = self.get("listen_client_urls")
        if setting is None:
            if self.legacy:
                return legacy_ports(self)
            return frozenset((2379, 4001)) if self.before((3, 0)) else frozenset((2379,))
        ports = [url.port for url in self.urls("listen_client_urls")]
        return frozenset() if None in ports else frozenset(port for port in ports if port is not None)

    @property
    def names(self) -> dict[str, list[str]]:
        """The members that `initial_cluster` names, each with its URLs as written."""
        found: dict[str, list[str]] = {}
        for part in self.value("initial_cluster").split(","):
            name, _, url = part.partition("=")
            found.setdefault(name, []).append(url)
        return found if self.get("initial_cluster") else {}


def legacy_ports(etcd: Etcd) -> frozenset[int]:
    """The port on which etcd 0.4 listens for clients."""
    address = etcd.value("bind_addr") or etcd.value("addr")
    port = address.rpartition(":")[2]
    if not address or not port:
        return frozenset((4001,))
    return (
        frozenset((int(port),)) if PORT.fullmatch(port) else frozenset((4001,)) if ":" not in address else frozenset()
    )


class Fleet(Service):
    """fleet: `fleet.service`."""


class Flannel(Service):
    """flannel: `flanneld.service`."""


class Locksmith(Service):
    """locksmith and update-engine, which share `/etc/coreos/update.conf`; `conf` is its text."""

    def __init__(self, source: Source, conf: str = "") -> None:
        super().__init__(source)
        self.conf = conf


class Docker(Service):
    """docker: `docker.service`."""


class Host(Record):
    """The machine that a config makes, with its services."""

    def __init__(
        self,
        config: Config,
        services: tuple[Service, ...],
        units: dict[str, Unit],
        started: frozenset[str] = frozenset(),
    ) -> None:
        self.config = config
        self.services = services
        self.units = units
        self.started = started

    @property
    def etcds(self) -> list[Etcd]:
        """Every etcd of the machine."""
        return [service for service in self.services if isinstance(service, Etcd)]

    def of_kind(self, kind: type[Service]) -> list[Service]:
        """The services of one kind that the config sets up or starts."""
        return [service for service in self.services if isinstance(service, kind)]
