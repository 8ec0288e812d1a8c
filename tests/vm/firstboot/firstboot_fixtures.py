"""Machines that stories are played on, and a server that they fetch from. Where tools are missing the tests are skipped,
unless guests are demanded; see ../vm_fixtures.py.
"""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from firstboot_image import Kind, image, missing_programs
from firstboot_machine import HOST, Computer
from vm_fixtures import obstacle, pass_over

NewComputer = Callable[..., Computer]


def what_is_missing() -> str:
    """Why there can be no guest here, with the remedy; empty where there can."""
    missing = missing_programs()
    if missing:
        return f"the guest needs programs: sudo apt-get install --no-install-recommends {' '.join(missing)}"
    return obstacle()


@pytest.fixture
def computer() -> Iterator[NewComputer]:
    """Makes machines, which are thrown away in the end."""
    pass_over(what_is_missing())
    made: list[Computer] = []

    def new(kind: Kind, **blank: float) -> Computer:
        made.append(Computer(kind, **blank))
        return made[-1]

    yield new
    for each in made:
        each.remove()


class Web:
    """A server on the host's loopback, which the guests reach by another address; it remembers what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                content = web.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    """A server with no files yet."""
    server = Web()
    yield server
    server.close()


__all__ = ["NewComputer", "Web", "computer", "image", "web"]
