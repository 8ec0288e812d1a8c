"""The answers of HTTP servers, as they come in over a line."""

import http.client
import io
from collections.abc import Iterator
from socket import socket

from provision.apply.fetch.faults import Broken, Interrupted
from provision.apply.fetch.lines import Line
from provision.typed import cast

Headers = dict[str, str]

CHUNK_BYTES = 64 << 10


class Incoming(io.RawIOBase):
    """What a line receives, as a file to read from."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def readable(self) -> bool:
        """As in RawIOBase."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # no narrower type has len and slices
        """As in RawIOBase."""
        data = self.line.receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Shim:
    """A line in the shape that `http.client` expects of a socket."""

    def __init__(self, file: io.BufferedIOBase | io.RawIOBase) -> None:
        self.file = file

    def makefile(self, mode: str) -> object:
        """As in socket."""
        return self.file


class Response:
    """The head of an answer, and its body in pieces. Header names in lower case."""

    def __init__(self, line: Line, method: str) -> None:
        self.line = line
        # A RawIOBase is what BufferedReader asks for; its stubs ask for attributes that only files have.
        self.file = io.BufferedReader(Incoming(line), CHUNK_BYTES)  # type: ignore[type-var]
        self.answer = parsed(self.file, method)
        self.status = self.answer.status
        self.headers: Headers = {}
        for name, value in self.answer.headers.items():
            before = self.headers.get(name.lower())
            self.headers[name.lower()] = value if before is None else f"{before}, {value}"
        self.length = self.answer.length

    def pieces(self) -> Iterator[bytes]:
        """The body. Raises Interrupted where it ends too early."""
        size = 0
        while piece := self.read():
            size += len(piece)
            yield piece
        if self.length is not None and size != self.length:
            raise Interrupted(f"the transfer broke off after {size} of {self.length} bytes")

    def read(self) -> bytes:
        """The next piece; nothing at the end."""
        try:
            return self.answer.read(CHUNK_BYTES)
        except http.client.HTTPException:
            raise Interrupted("the transfer broke off between two chunks") from None
        except Broken as error:
            raise Interrupted(f"the transfer broke off: {error}") from None

    def close(self) -> None:
        """Let go of the connection."""
        self.answer.close()
        self.file.close()
        self.line.close()

    def __enter__(self) -> "Response":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def parsed(file: io.BufferedIOBase | Incoming, method: str) -> http.client.HTTPResponse:
    """The head of an answer; interim ones (1xx) before it are skipped."""
    while True:
        answer = http.client.HTTPResponse(cast(socket, Shim(file)), method=method)
        try:
            answer.begin()
        except http.client.RemoteDisconnected:
            raise Broken("the server closed the connection without an answer") from None
        except (http.client.HTTPException, ValueError):
            raise Broken("the server's answer is not HTTP") from None
        if answer.status >= 200:
            return answer
        # It would close the connection when it goes.
        answer.fp = io.BufferedReader(io.BytesIO())
