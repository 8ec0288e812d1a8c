"""A client for TFTP in octet mode, without options. Source: RFC 1350; RFC 1123, 4.2.3 for lost packets."""

import socket
from collections.abc import Generator, Iterator
from struct import pack, unpack_from
from time import monotonic

from provision.apply.fetch.clock import Clock
from provision.apply.fetch.dialing import DIAL_S, Place, resolve
from provision.apply.fetch.faults import Broken, NotFound
from provision.apply.fetch.lines import reason
from provision.apply.fetch.urls import plain, split
from provision.apply.sources import shown_url
from provision.diagnostics import ProvisionError

READ, DATA, ACKNOWLEDGE, ERROR = 1, 3, 4, 5
BLOCK_BYTES = 512
NOT_FOUND, UNKNOWN_TRANSFER = 1, 5
# How long an answer is waited for before the last packet is sent again; after the last of these the server is given up.
# The peer waits five times 5 s.
WAITS_S = (1, 2, 4, 5, 5, 5, 5)

ERRORS = {
    0: "an error that it does not name",
    2: "that access is not allowed",
    3: "that its disk is full",
    4: "that it does not know this operation",
    5: "that it does not know this transfer",
    6: "that the file exists",
    7: "that there is no such user",
    8: "that it refuses the options",
}


def blocks(url: str, clock: Clock, waits_s: tuple[float, ...] = WAITS_S) -> Generator[bytes, None, None]:
    """The blocks of a file. Raises Broken where nobody can be asked, NotFound and ProvisionError for a server's no."""
    target = split(url)
    place = resolve(target.host, target.port, clock.until(DIAL_S), socket.SOCK_DGRAM)[0]
    with socket.socket(place.family, socket.SOCK_DGRAM) as connection:
        transfer = Transfer(connection, place, clock, shown_url(url), waits_s)
        name = plain(url, target.path.partition("?")[0])
        if b"\0" in name:
            raise ProvisionError(f"{shown_url(url)}: the path holds a NUL byte")
        transfer.send(pack(">H", READ) + name + b"\0octet\0")
        yield from transfer.blocks()


class Transfer:
    """One file on its way. The server answers from a port that it takes for this transfer."""

    def __init__(
        self, connection: socket.socket, place: Place, clock: Clock, name: str, waits_s: tuple[float, ...]
    ) -> None:
        self.connection, self.clock, self.name, self.waits_s = connection, clock, name, waits_s
        self.server, self.known, self.last = place.address, False, b""

    def blocks(self) -> Iterator[bytes]:
        """All blocks in their order, each acknowledged. The last one is shorter; numbers start again after 65535."""
        number, size = 1, BLOCK_BYTES
        while size == BLOCK_BYTES:
            data = self.block(number)
            size = len(data)
            self.send(pack(">HH", ACKNOWLEDGE, number))
            yield data
            number = (number + 1) % 65536

    def block(self, number: int) -> bytes:
        """The block with a number; what was sent last is sent again while it does not come."""
        for wait in self.waits_s:
            until = self.clock.until(wait)
            while packet := self.packet(until):
                operation, found = unpack_from(">HH", packet)
                if operation == ERROR:
                    raise self.error(found)
                if operation == DATA and found == number:
                    return packet[4 : 4 + BLOCK_BYTES]
                if operation == DATA and found == (number - 1) % 65536 and self.last[1] == ACKNOWLEDGE:
                    # It came again, so what acknowledged it was lost.
                    self.send(self.last)
            if self.clock.left() <= 0:
                raise Broken("no further block when the time was over")
            self.send(self.last)
        raise ProvisionError(f"{self.name}: the server did not answer, although asked {len(self.waits_s)} times")

    def packet(self, until: float) -> bytes:
        """The next packet of this transfer; none when the time is over."""
        while (left := until - monotonic()) > 0:
            self.connection.settimeout(left)
            try:
                packet, sender = self.connection.recvfrom(4 + BLOCK_BYTES)
            except TimeoutError:
                break
            except OSError as error:
                raise Broken(f"no answer: {reason(error)}") from None
            if self.is_ours(packet, sender):
                return packet
        return b""

    def is_ours(self, packet: bytes, sender: tuple[str | int, ...]) -> bool:
        """Whether a packet belongs to this transfer. The first one settles the server's port."""
        if len(packet) < 4 or sender[0] != self.server[0] or (self.known and sender[1] != self.server[1]):
            if self.known and sender[0] == self.server[0]:
                self.connection.sendto(pack(">HH", ERROR, UNKNOWN_TRANSFER) + b"\0", sender)
            return False
        self.server, self.known = sender, True
        return True

    def send(self, packet: bytes) -> None:
        """Send a packet, and keep it in case that it is lost."""
        self.last = packet
        try:
            self.connection.sendto(packet, self.server)
        except OSError as error:
            raise Broken(f"nothing can be sent: {reason(error)}") from None

    def error(self, code: int) -> ProvisionError:
        """What a server's no means."""
        if code == NOT_FOUND:
            return NotFound(f"{self.name} was not found there")
        return ProvisionError(f"{self.name}: the server said {ERRORS.get(code, f'error {code}')}")
