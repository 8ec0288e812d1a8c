"""What the tests of providers share: hosts that are folders, metadata servers on 127.0.0.1, programs made of shell."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from provision.apply.fetch import Fetcher, Settings
from provision.apply.providers.host import Host

M = "http://169.254.169.254"
# All that a test may ask for is here instead.
ORIGINS = (M, "http://100.100.100.200", "http://169.254.42.42", "https://metadata.packet.net", "http://10.0.0.1")
CONFIG = b'{"ignition": {"version": "3.4.0"}}'

# A second of waiting lasts this long.
PACE = 0.002


class Asked(NamedTuple):
    """A request as a server got it; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int


class Reply(NamedTuple):
    """What a fake server says."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Answering = Reply | Callable[[Asked], Reply]


class FakeMetadataServer(ThreadingHTTPServer):
    """A metadata server with recorded answers: by `METHOD /path?query`, one or several in their order, the last for good.

    What it was not told of is not found.
    """

    daemon_threads = True

    def __init__(self, answers: Mapping[str, Answering | Sequence[Answering]]) -> None:
        super().__init__(("127.0.0.1", 0), FakeMetadataHandler)
        self.answers = {key: queue(value) for key, value in answers.items()}
        self.asked: list[Asked] = []
        self.lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in its order."""
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def reply(self, asked: Asked) -> Reply:
        """The next answer to a request."""
        with self.lock:
            self.asked.append(asked)
            left = self.answers.get(f"{asked.method} {asked.path}", [Reply(status=404)])
            answer = left.pop(0) if len(left) > 1 else left[0]
        return answer(asked) if callable(answer) else answer


def queue(answers: Answering | Sequence[Answering]) -> list[Answering]:
    """One answer or several, as several. A reply is a sequence, too."""
    return [answers] if isinstance(answers, Reply) or callable(answers) else list(answers)


class FakeMetadataHandler(BaseHTTPRequestHandler):
    """Answers for a FakeMetadataServer."""

    server: FakeMetadataServer
    protocol_version = "HTTP/1.1"

    def handle_one(self) -> None:
        """Any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.reply(Asked(self.command, self.path, headers, body, self.client_address[1]))
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_PUT = do_POST = handle_one  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def metadata_server(answers: Mapping[str, Answering | Sequence[Answering]]) -> Iterator[FakeMetadataServer]:
    """A server for as long as a test takes."""
    with FakeMetadataServer(answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


# A device is a folder here; mounting copies it, unmounting empties the mount point.
FAKE_MOUNT = """
device=$5 folder=$6
if [ -f "$device" ]; then echo "mount: $folder: wrong fs type, bad option, bad superblock" >&2; exit 32; fi
cp -a "$device/." "$folder/"
"""
FAKE_UMOUNT = 'find "$1" -mindepth 1 -delete'


class PatientHost(Host):
    """A host that counts its waits, and on which something may happen during one of them, by its number from 1 on."""

    waits = 0

    def __init__(
        self, fetcher: Fetcher, *, events: Mapping[int, Callable[[], object]] | None = None, **more: Any
    ) -> None:
        super().__init__(fetcher, **more)
        self.events = events or {}

    def wait(self, seconds: float) -> None:
        self.waits += 1
        self.events.get(self.waits, lambda: None)()
        super().wait(seconds)


class FakeMachine:
    """A machine whose `/` is a folder and whose programs are of shell; they say in `calls` how they were called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.bin, self.journal = folder / "root", folder / "bin", folder / "calls"
        self.root.mkdir()
        self.bin.mkdir()
        self.journal.touch()
        self.lock = threading.Lock()
        monkeypatch.setenv("PATH", f"{self.bin}:{os.environ['PATH']}")
        self.add("modprobe")
        self.add("mount", FAKE_MOUNT)
        self.add("umount", FAKE_UMOUNT)

    def add(self, program: str, script: str = "") -> None:
        """A program."""
        place = self.bin / program
        place.write_text(f'#!/bin/sh\necho "{program}" "$@" >> "{self.journal}"\n{script}\n')
        place.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """What was called, with its arguments; the machine's folder is left out."""
        return self.journal.read_text().replace(str(self.root), "").splitlines()

    def put(self, path: str, content: bytes = b"") -> Path:
        """A file."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return place

    def label(self, name: str, files: Mapping[str, bytes]) -> Path:
        """A device with a label and files."""
        device = f"/dev/disk/by-label/{name}"
        (self.root / device[1:]).mkdir(parents=True)
        for path, content in files.items():
            self.put(device + path, content)
        return self.root / device[1:]

    def attach(self, label: str, files: Mapping[str, bytes]) -> None:
        """Have such a device appear, complete from the moment on at which it can be seen; once, whoever asks."""
        with self.lock:
            if not (self.root / "dev/disk/by-label" / label).exists():
                device = self.label("new", files)
                device.rename(device.with_name(label))

    def host(
        self, server: FakeMetadataServer | None = None, *, total_s: float = 5, offline: bool = False, **more: Any
    ) -> PatientHost:
        """The machine as providers see it, with all metadata servers at one place. Waiting is quick."""
        addresses = dict.fromkeys(ORIGINS, server.origin) if server else {}
        fetcher = Fetcher(Settings(total_s=total_s), offline=offline)
        settings = {"environ": {}, "prefix": str(self.root), "addresses": addresses, "pace": PACE}
        return PatientHost(fetcher, **{**settings, **more})

    def leftovers(self) -> list[str]:
        """What is left of private folders."""
        return [path.name for path in (self.root / "run").glob("provision-*")]
