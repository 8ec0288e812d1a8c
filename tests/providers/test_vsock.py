"""Apple's hypervisor. The connection over vsock is a local one; what is spoken on it is real."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from provider_fakes import CONFIG, FakeMachine, PatientHost

from provision.apply.providers import PROVIDERS, asked
from provision.apply.providers.vsock import Vsock
from provision.diagnostics import ProvisionError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(CONFIG), CONFIG)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


@contextmanager
def served(machine: FakeMachine, answer: Callable[[socket.socket, bytes], object]) -> Iterator[PatientHost]:
    """A host whose hypervisor answers one connection; what it was asked is handed to the answer."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            asked_for = b""
            while not asked_for.endswith(b"\r\n\r\n"):
                asked_for += theirs.recv(4096)
            answer(theirs, asked_for)

    def connect(cid: int, port: int, limit_s: float) -> socket.socket:
        assert (cid, port) == (2, 1024)
        ours.settimeout(limit_s)
        return ours

    host = machine.host(offline=True)
    host.connect_vsock = connect  # type: ignore[method-assign]  # a fake connection to the hypervisor
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with ours:
            yield host
    finally:
        thread.join()


def test_the_host_serves_the_config(machine: FakeMachine) -> None:
    seen = []

    def answer(connection: socket.socket, request: bytes) -> None:
        seen.append(request)
        connection.sendall(OK)

    with served(machine, answer) as host:
        assert asked(PROVIDERS["applehv"], host) == CONFIG
    assert seen[0].startswith(b"GET / HTTP/1.1\r\n")
    assert b"\r\nAccept: application/json\r\n" in seen[0]
    assert machine.calls == ["modprobe vsock"]


def test_vsock_that_is_there_is_not_loaded(machine: FakeMachine) -> None:
    (machine.root / "sys/devices/virtual/misc/vsock").mkdir(parents=True)
    with served(machine, lambda connection, _: connection.sendall(OK)) as host:
        assert asked(PROVIDERS["applehv"], host) == CONFIG
    assert machine.calls == []


def test_a_body_may_come_in_chunks(machine: FakeMachine) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with served(machine, lambda connection, _: connection.sendall(answer)) as host:
        assert asked(PROVIDERS["applehv"], host) == b"abcde"


def test_an_empty_body_is_no_config(machine: FakeMachine) -> None:
    with served(machine, lambda connection, _: connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")) as host:
        assert not asked(PROVIDERS["applehv"], host)


def test_a_status_is_told_and_ignored(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    with served(machine, lambda connection, _: connection.sendall(OK.replace(b"200 OK", b"500 Oops"))) as host:
        assert asked(PROVIDERS["applehv"], host) == CONFIG
    assert "status 500" in capsys.readouterr().err


@pytest.mark.parametrize("garbage", [b"", b"topsecret\r\n\r\n", b"HTTP/1.1 xyz\r\n\r\n", OK[:-1]])
def test_garbage_is_an_error_and_not_shown(garbage: bytes, machine: FakeMachine) -> None:
    with (
        served(machine, lambda connection, _: connection.sendall(garbage)) as host,
        pytest.raises(
            ProvisionError, match=r"^vsock 2:1024: the host (gave no proper HTTP answer|stopped answering|broke off)"
        ) as caught,
    ):
        asked(PROVIDERS["applehv"], host)
    assert "topsecret" not in str(caught.value)


def test_a_host_that_stays_silent_is_an_error(machine: FakeMachine) -> None:
    done = threading.Event()
    with served(machine, lambda *_: done.wait(5)) as host:
        with pytest.raises(ProvisionError, match="the host stopped answering: timed out"):
            asked(Vsock(2, 1024, limit_s=0.05), host)
        done.set()


def test_a_host_that_sends_too_much_is_an_error(machine: FakeMachine) -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + bytes((64 << 20) + 9))

    with (
        served(machine, answer) as host,
        pytest.raises(ProvisionError, match="what the host sends has more than 64 MiB"),
    ):
        asked(PROVIDERS["applehv"], host)


def test_a_hypervisor_that_cannot_be_reached_is_an_error(machine: FakeMachine) -> None:
    # Nobody listens at this port of the hypervisor under a test, or there is no vsock at all.
    with pytest.raises(ProvisionError, match=r"^vsock 2:4242424: the host does not answer: "):
        asked(Vsock(2, 4242424, limit_s=0.2), machine.host())
