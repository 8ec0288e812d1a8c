"""Finding a host and connecting to it. Source for the times: Ignition, `internal/resource/http.go`."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from errno import EADDRINUSE, EINPROGRESS
from time import monotonic

from provision.apply.fetch.clock import Clock
from provision.apply.fetch.faults import Broken
from provision.apply.fetch.lines import MAX_WAIT_S, reason
from provision.apply.paths import shown
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

DIAL_S = 30
# How long a connection is waited for before the next address is tried beside it. Source: RFC 8305, 5.
HEAD_START_S = 0.25
# Idle connections are probed, so that a peer that vanished is noticed.
KEEP_ALIVE_S = 30


class Place(NamedTuple):
    """An address to connect to: family, and what `connect` takes."""

    family: int
    address: tuple[str | int, ...] | tuple[int, bytes]


def dial(host: str, port: int, clock: Clock, local_ports: range | None = None) -> socket.socket:
    """A connection to a host, to whichever of its addresses answers first. Raises Broken."""
    until = clock.until(DIAL_S)
    places = alternating(resolve(host, port, until, socket.SOCK_STREAM))
    race = Race(places, local_ports)
    try:
        return keeping_alive(race.winner(until))
    finally:
        race.close()


def resolve(host: str, port: int, until: float, kind: int) -> list[Place]:
    """The addresses of a host, in the system's order. Raises Broken."""
    with suppress(socket.gaierror):
        return look_up(host, port, kind, socket.AI_NUMERICHOST)
    found: list[list[Place]] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            found.append(look_up(host, port, kind, 0))
        except OSError as error:
            failed.append(error)

    # The resolver knows no deadline, so another thread waits for it, for ever if need be.
    thread = threading.Thread(target=ask, name="resolver", daemon=True)
    thread.start()
    thread.join(min(max(until - monotonic(), 0), MAX_WAIT_S))
    if found:
        return found[0]
    why = reason(failed[0]) if failed else "the name servers did not answer in time"
    raise Broken(f"the host {shown(host)} could not be looked up: {why}")


def look_up(host: str, port: int, kind: int, flags: int) -> list[Place]:
    """Ask the resolver."""
    return [
        Place(family, address) for family, _, _, _, address in socket.getaddrinfo(host, port, type=kind, flags=flags)
    ]


def alternating(places: list[Place]) -> list[Place]:
    """Places of both families by turns, beginning with the system's first choice. Source: RFC 8305, 4."""
    first = [place for place in places if place.family == places[0].family]
    others = [place for place in places if place.family != places[0].family]
    pairs = zip(first, others, strict=False)
    rest = first[len(others) :] + others[len(first) :]
    return [place for pair in pairs for place in pair] + rest


class Race:
    """Connections to several places, started one after the other; the first one that stands wins."""

    def __init__(self, places: list[Place], local_ports: range | None) -> None:
        self.todo, self.local_ports = places[::-1], local_ports
        self.running: dict[int, socket.socket] = {}
        self.poll = select.poll()
        self.last = "it has no address"

    def winner(self, until: float) -> socket.socket:
        """The first connection that stands. Raises Broken where none does."""
        while self.todo or self.running:
            if self.todo:
                self.start(self.todo.pop())
            left = until - monotonic()
            if left <= 0:
                raise Broken("no connection in time")
            if won := self.wait(min(left, HEAD_START_S if self.todo else MAX_WAIT_S)):
                return won
        raise Broken(f"no connection: {self.last}")

    def start(self, place: Place) -> None:
        """Begin to connect."""
        try:
            connection = socket.socket(place.family, socket.SOCK_STREAM)
        except OSError as error:
            self.last = reason(error)
            return
        try:
            connection.setblocking(False)
            if self.local_ports:
                bind(connection, self.local_ports)
            status = connection.connect_ex(place.address)
        except OSError as error:
            connection.close()
            self.last = reason(error)
            return
        except BaseException:
            connection.close()
            raise
        if status not in (0, EINPROGRESS):
            connection.close()
            self.last = os.strerror(status).lower()
            return
        self.running[connection.fileno()] = connection
        self.poll.register(connection, select.POLLOUT)

    def wait(self, seconds: float) -> socket.socket | None:
        """A connection that stands now, if there is one; those that failed are out of the race."""
        if not self.running:
            return None
        for fd, _ in self.poll.poll(seconds * 1000):
            self.poll.unregister(fd)
            connection = self.running.pop(fd)
            status = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not status:
                return connection
            connection.close()
            self.last = os.strerror(status).lower()
        return None

    def close(self) -> None:
        """Let go of those that did not win."""
        for connection in self.running.values():
            connection.close()


def bind(connection: socket.socket, ports: range) -> None:
    """Have a connection come from a port in a range, which platforms take as a sign of root. Raises OSError."""
    for port in shuffled(ports):
        try:
            connection.bind(("", port))
        except PermissionError:
            raise ProvisionError(f"a connection from port {port} is refused by the kernel; run this as root") from None
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
        else:
            return
    raise OSError(EADDRINUSE, f"all ports from {ports[0]} to {ports[-1]} are in use")


def shuffled(ports: range) -> Iterator[int]:
    """All ports, from a random one on."""
    start = int.from_bytes(os.urandom(4), "big") % len(ports)
    for step in range(len(ports)):
        yield ports[(start + step) % len(ports)]


def keeping_alive(connection: socket.socket) -> socket.socket:
    """The connection, probed while it is idle."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_ALIVE_S)
    return connection
