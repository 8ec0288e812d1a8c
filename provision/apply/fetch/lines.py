"""A connection as the protocols see it: bytes in both directions, and how long to wait for them."""

import socket
from collections.abc import Callable
from functools import partial
from time import monotonic

from provision.apply.fetch.clock import Clock
from provision.apply.fetch.faults import Broken
from provision.typed import Protocol, TypeVar

T = TypeVar("T")

# The longest single wait that is asked of the kernel; the deadline is looked at again after it.
MAX_WAIT_S = 3600


class Line(Protocol):
    """What HTTP runs over."""

    def allow(self, seconds: float, act: str, *, renewed: bool = False) -> None:
        """Give what follows so many seconds in all, or each time anew; 0 gives what is left of the whole."""

    def receive(self, size: int) -> bytes:
        """Some bytes; none at the end. Raises Broken."""

    def send(self, data: bytes) -> None:
        """Send all of it. Raises Broken."""

    def close(self) -> None:
        """Let go of it."""


class Wire:
    """A TCP connection. Implements Line."""

    def __init__(self, connection: socket.socket, clock: Clock) -> None:
        self.connection, self.clock = connection, clock
        self.allow(0, "answer")

    def allow(self, seconds: float, act: str, *, renewed: bool = False) -> None:
        """As in Line."""
        self.seconds, self.act, self.renewed = seconds, act, renewed
        self.until = self.clock.until(seconds)

    def receive(self, size: int) -> bytes:
        """As in Line."""
        if self.renewed:
            self.until = self.clock.until(self.seconds)
        return self.wait(lambda: self.connection.recv(size))

    def send(self, data: bytes) -> None:
        """As in Line."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.wait(partial(self.connection.send, rest)) :]

    def wait(self, act: Callable[[], T]) -> T:
        """Do what may block, until it is done or the time for it is over."""
        while (left := self.until - monotonic()) > 0:
            self.connection.settimeout(min(left, MAX_WAIT_S))
            try:
                return act()
            except TimeoutError:
                continue
            except OSError as error:
                raise Broken(f"the connection broke: {reason(error)}") from None
        over = self.clock.left() <= 0 or not self.seconds
        raise Broken(
            f"waiting for {self.act} when the time was over" if over else f"no {self.act} in {self.seconds:g} s"
        )

    def close(self) -> None:
        """As in Line."""
        self.connection.close()


def reason(error: OSError) -> str:
    """What the kernel or the resolver said, in a message's tone."""
    return (error.strerror or type(error).__name__).lower()
