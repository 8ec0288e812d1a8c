"""Real servers on 127.0.0.1: HTTP with and without TLS, raw sockets, proxies and TFTP."""

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from struct import pack, unpack_from
from typing import NamedTuple

import pytest

from provision.apply import log
from provision.ignition import HttpHeader, Resource, Verification


class Seen(NamedTuple):
    """A request as it came in; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int


class Server(ThreadingHTTPServer):
    """Answers by path. `seen` is what it was asked; `stopping` is set when it ends."""

    daemon_threads = False
    request_queue_size = 64
    address_family = socket.AF_INET

    def __init__(self, routes: Mapping[str, "Route"], context: ssl.SSLContext | None, host: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), Handler)
        self.routes, self.seen, self.stopping = routes, list[Seen](), threading.Event()
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.place}"

    @property
    def place(self) -> str:
        host = str(self.server_address[0])
        return f"[{host}]:{self.server_port}" if ":" in host else f"{host}:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of many tests."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    server: Server

    def do(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, self.path, headers, body, self.client_address[1]))
        path = self.path.partition("?")[0]
        route = self.server.routes.get(path) or self.server.routes.get("*") or answer(404)
        route(self)

    do_GET = do_PUT = do_POST = do_HEAD = do_CONNECT = do  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Servers are silent."""


Route = Callable[[Handler], None]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Route:
    """A whole answer; underscores in header names stand for dashes."""

    def route(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return route


def redirect(to: str, status: int = 302) -> Route:
    return answer(status, b"moved", Location=to)


def by_turns(*routes: Route) -> Route:
    """One route for each request; the last one for all that follow."""
    left = list(routes)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def stalling(before: bytes = b"", promised: int = 1000) -> Route:
    """The head of an answer and the first bytes of its body, and then nothing."""

    def route(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(before)
        handler.wfile.flush()
        handler.server.stopping.wait(20)

    return route


def silent(handler: Handler) -> None:
    """No answer at all."""
    handler.server.stopping.wait(20)


def raw(data: bytes) -> Route:
    """Bytes as they are, and the end of the connection."""

    def route(handler: Handler) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return route


def short(body: bytes, promised: int) -> Route:
    """A body that ends too early."""
    return raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % promised + body)


@contextmanager
def serving(
    routes: Mapping[str, Route], context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Server]:
    """A server while the block runs."""
    with Server(routes, context, host) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


@contextmanager
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is logged while the block runs."""
    lines: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(log.State, "sink", staticmethod(lambda _, text: lines.append(text)))
        yield lines


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# ---- proxies ----------------------------------------------------------------------------------------------------


def forwarding(handler: Handler) -> None:
    """What a proxy does: CONNECT makes a tunnel to the port that is named, at this machine, whatever the host."""
    _, _, port = handler.path.rpartition(":")
    with socket.create_connection(("127.0.0.1", int(port))) as there:
        handler.send_response(200, "Connection established")
        handler.end_headers()
        handler.wfile.flush()
        there.settimeout(10)
        with suppress(OSError):
            pass_on(handler.connection, there)
    handler.close_connection = True


def pass_on(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes on both ways until one side has had enough. One thread does both: a TLS socket bears no second one."""
    ways = {one: other, other: one}
    while ready := waiting(one) or select.select(ways, (), (), 10)[0]:
        for side in ready:
            if not (data := side.recv(65536)):
                return
            ways[side].sendall(data)


def waiting(connection: socket.socket) -> list[socket.socket]:
    """The connection, if TLS has bytes that were read from below already."""
    return [connection] if isinstance(connection, ssl.SSLSocket) and connection.pending() else []


# ---- TFTP -------------------------------------------------------------------------------------------------------


class TftpServer(threading.Thread):
    """Serves files block by block. `lose` are blocks whose first packet is lost; `asked` are the names that came in."""

    def __init__(self, files: Mapping[str, bytes], lose: set[int], *, double: bool, deaf: bool) -> None:
        super().__init__()
        self.files, self.lose, self.double, self.deaf = files, lose, double, deaf
        self.asked: list[bytes] = []
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.settimeout(0.05)
        self.port = int(self.listener.getsockname()[1])
        self.stopping = threading.Event()

    def run(self) -> None:
        with self.listener:
            while not self.stopping.is_set():
                with suppress(TimeoutError):
                    packet, client = self.listener.recvfrom(1024)
                    self.asked.append(packet)
                    if not self.deaf:
                        self.serve(packet, client)

    def serve(self, packet: bytes, client: tuple[str, int]) -> None:
        name, mode = packet[2:].split(b"\0")[:2]
        assert (packet[:2], mode.lower()) == (b"\0\1", b"octet")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            connection.bind(("127.0.0.1", 0))
            connection.settimeout(0.1)
            content = self.files.get(name.decode())
            if content is None:
                connection.sendto(pack(">HH", 5, 1) + b"no such file\0", client)
                return
            for start in range(0, len(content) + 1, 512):
                if not self.deliver(connection, start // 512 + 1, content[start : start + 512], client):
                    return

    def deliver(self, connection: socket.socket, number: int, block: bytes, client: tuple[str, int]) -> bool:
        """Send a block until it is acknowledged; whether it was."""
        for _ in range(100):
            if number in self.lose:
                self.lose.discard(number)
            else:
                for _ in range(2 if self.double else 1):
                    connection.sendto(pack(">HH", 3, number % 65536) + block, client)
            with suppress(TimeoutError):
                while True:
                    packet = connection.recv(1024)
                    if unpack_from(">HH", packet) == (4, number % 65536):
                        return True
                    if packet[:2] == b"\0\5":
                        return False
            if self.stopping.is_set():
                break
        return False


@contextmanager
def tftp(
    files: Mapping[str, bytes], lose: set[int] | None = None, *, double: bool = False, deaf: bool = False
) -> Iterator[TftpServer]:
    """A TFTP server while the block runs."""
    server = TftpServer(files, lose or set(), double=double, deaf=deaf)
    server.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.join()


def resource(
    source: str, compression: str | None = None, hash: str | None = None, headers: Mapping[str, str] | None = None
) -> Resource:
    """A resource as a config has it."""
    return Resource(
        source=source,
        compression=compression,
        verification=Verification(hash=hash),
        http_headers=tuple(HttpHeader(name=name, value=value) for name, value in (headers or {}).items()),
    )
