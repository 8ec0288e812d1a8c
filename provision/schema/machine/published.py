"""Rules of the ports of a machine that its units take."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.ignition import Systemd, Unit
from provision.schema.machine.commands import is_service
from provision.schema.machine.containers import Call, calls
from provision.schema.machine.texts import Whole, kind_of, whole
from provision.schema.rules import Finding, rule
from provision.units import Option

# HOST:HOST_PORT:PORT/PROTOCOL, where the host and the protocol may be left out. Source: docker, `docker run --publish`.
PUBLISHED = re.compile(r"(?:(?P<host>[\d.]+|\[[\da-fA-F:]*\]):)?(?P<port>\d{1,5}):\d+(?:/(?P<protocol>tcp|udp|sctp))?")
LISTENING = re.compile(r"(?:(?P<host>[\d.]+|\[[\da-fA-F:]*\]):)?(?P<port>\d{1,5})")
LISTENS = {"ListenStream": "tcp", "ListenDatagram": "udp"}
STARTS = ("ExecStart", "ExecStartPre")
EVERYWHERE = frozenset(("", "0.0.0.0", "[::]"))


class Port(NamedTuple):
    """A port of the machine that a unit takes; the host is empty for all of the machine's addresses."""

    host: str
    number: int
    protocol: str
    unit: str
    option: Option

    def collides(self, other: "Port") -> bool:
        """Whether two units can't both have their port."""
        same = (self.number, self.protocol) == (other.number, other.protocol) and self.unit != other.unit
        return same and (self.host == other.host or self.host in EVERYWHERE or other.host in EVERYWHERE)


def ports_of(unit: Unit, text: Whole) -> Iterator[Port]:
    """The ports that a unit takes: those that its containers publish, or that its socket listens on."""
    if kind_of(unit.name) == "socket":
        for name, protocol in LISTENS.items():
            for option in text.unit.effective("Socket", name):
                found = LISTENING.fullmatch(option.value)
                if found:
                    yield Port(found["host"] or "", int(found["port"]), protocol, unit.name, option)
    elif is_service(unit):
        for call in calls(text.unit):
            if call.command.option.name in STARTS and call.verb in ("run", "create"):
                yield from published(unit, call)


def published(unit: Unit, call: Call) -> Iterator[Port]:
    """The ports that a call publishes."""
    for name, value in call.options:
        found = PUBLISHED.fullmatch(value) if name in ("-p", "--publish", "-publish") else None
        if found:
            protocol = found["protocol"] or "tcp"
            yield Port(found["host"] or "", int(found["port"]), protocol, unit.name, call.command.option)


def may_run(unit: Unit) -> bool:
    """Whether a unit may run as it is: it is neither masked nor kept from starting, and it is no template."""
    return not unit.mask and unit.enabled is not False and "@." not in unit.name and bool(unit.contents or unit.dropins)


@rule("PV557", "warning", on=Systemd)
def ports_are_free(systemd: Systemd) -> Iterator[Finding]:
    """No two units take the same port of the machine.

    The second one fails to start. Counted are the ports that docker and podman publish and those that sockets listen on; units
    that conflict with each other may share one. Source: docker, `docker run --publish`; systemd.socket(5).

    Bad:
      systemd:
        units:
          - name: web.service
            contents: |
              [Service]
              ExecStart=/usr/bin/docker run --rm -p 80:8080 web
          - name: blog.service
            contents: |
              [Service]
              ExecStart=/usr/bin/docker run --rm -p 80:80 blog

    Good:
      systemd:
        units:
          - name: web.service
            contents: |
              [Service]
              ExecStart=/usr/bin/docker run --rm -p 80:8080 web
          - name: blog.service
            contents: |
              [Service]
              ExecStart=/usr/bin/docker run --rm -p 8080:80 blog
    """
    taken: dict[tuple[int, str], dict[str, Port]] = {}
    enemies: dict[str, tuple[str, ...]] = {}
    for unit in systemd.units:
        if not may_run(unit) or unit.broken:
            continue
        text = whole(unit)
        enemies[unit.name] = text.unit.words("Unit", "Conflicts")
        for port in ports_of(unit, text):
            others = taken.setdefault((port.number, port.protocol), {})
            hosts = others if port.host in EVERYWHERE else (port.host, *EVERYWHERE)
            other = next((others[host] for host in hosts if host in others), None)
            apart = other and (other.unit in enemies[port.unit] or port.unit in enemies[other.unit])
            if other and port.collides(other) and not apart:
                said = f"port {port.number}/{port.protocol} is taken by {other.unit} already"
                yield text.finding(port.option, said, "publish another port of the machine")
            others.setdefault(port.host, port)
