"""Hyper-V's key-value pairs. The kernel's device is a socket with a fake kernel behind it, message for message."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from provider_fakes import CONFIG, FakeMachine, PatientHost

from provision.apply.providers import PROVIDERS, asked
from provision.diagnostics import ProvisionError

# sizeof(struct hv_kvp_msg), as the kernel's header has it.
SIZE = 7432
REGISTER, SET, GET = 100, 1, 0
DONE, FAILED = 0, 0x80004005

Pair = tuple[int, bytes, bytes]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    machine = FakeMachine(tmp_path, monkeypatch)
    machine.put("/sys/bus/vmbus/drivers/hv_utils/new_id")
    return machine


def message(operation: int, pool: int, key: bytes, value: bytes) -> bytes:
    """A message as the kernel hands it out: sizes count the NUL."""
    head = struct.pack("=BBHIII", operation, pool, 0, 1, len(key) + 1, len(value) + 1)
    return (head + key.ljust(512, b"\0") + value).ljust(SIZE, b"\0")


class FakeKernel:
    """The other side of the device: waits for the registration, then hands out messages and takes a status for each."""

    def __init__(self, connection: socket.socket, messages: Sequence[bytes]) -> None:
        self.connection, self.messages = connection, messages
        self.statuses: list[int] = []
        self.registered = b""

    def run(self) -> None:
        """Do it."""
        self.registered = self.connection.recv(SIZE + 1)
        for text in self.messages:
            self.connection.send(text)
            if text[0] != REGISTER and len(text) == SIZE:
                status = self.connection.recv(SIZE + 1)
                assert len(status) == SIZE
                self.statuses.append(struct.unpack_from("=I", status)[0])


@contextmanager
def device(machine: FakeMachine, messages: Sequence[bytes]) -> Iterator[tuple[PatientHost, FakeKernel]]:
    """A host with the device, for as long as it takes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    kernel = FakeKernel(theirs, messages)
    host = machine.host(offline=True, pace=0.1)

    def opened(path: str, flags: int) -> int:
        assert path == "/dev/vmbus/hv_kvp"
        return ours.detach()

    host.open = opened  # type: ignore[method-assign]  # a fake device
    thread = threading.Thread(target=kernel.run)
    thread.start()
    with theirs:
        yield host, kernel
        thread.join()


def pairs(*found: Pair) -> list[bytes]:
    """The messages that set pairs."""
    return [message(SET, *pair) for pair in found]


def test_the_config_is_one_pair(machine: FakeMachine) -> None:
    messages = [message(REGISTER, 0, b"", b""), *pairs((0, b"other", b"x"), (0, b"ignition.config", CONFIG))]
    with device(machine, messages) as (host, kernel):
        assert asked(PROVIDERS["hyperv"], host) == CONFIG
    assert kernel.registered == bytes([REGISTER]).ljust(SIZE, b"\0")
    assert kernel.statuses == [DONE, DONE]
    assert machine.calls == []


def test_the_config_may_come_in_parts(machine: FakeMachine) -> None:
    parts = [(0, b"ignition.config.%d" % number, b"%d," % number) for number in reversed(range(12))]
    with device(machine, pairs(*parts, (0, b"ignition.config.13", b"no"))) as (host, _):
        assert asked(PROVIDERS["hyperv"], host) == b"0,1,2,3,4,5,6,7,8,9,10,11,"


def test_one_pair_is_preferred_unless_it_is_empty(machine: FakeMachine) -> None:
    with device(machine, pairs((0, b"ignition.config.0", b"parts"), (0, b"ignition.config", b"one"))) as (host, _):
        assert asked(PROVIDERS["hyperv"], host) == b"one"
    with device(machine, pairs((0, b"ignition.config.0", b"parts"), (0, b"ignition.config", b""))) as (host, _):
        assert asked(PROVIDERS["hyperv"], host) == b"parts"


def test_the_first_of_equal_keys_counts(machine: FakeMachine) -> None:
    with device(machine, pairs((0, b"ignition.config", b"one"), (0, b"ignition.config", b"two"))) as (host, _):
        assert asked(PROVIDERS["hyperv"], host) == b"one"


def test_other_pools_hold_no_config_but_are_written_for_the_daemon(machine: FakeMachine) -> None:
    with device(machine, pairs((3, b"ignition.config", CONFIG))) as (host, _):
        assert asked(PROVIDERS["hyperv"], host) is None
    files = PROVIDERS["hyperv"].output_files(host)
    assert [file.path for file in files] == [f"/var/lib/hyperv/.kvp_pool_{pool}" for pool in range(5)]
    assert {file.mode for file in files} == {0o600}
    assert [len(file.content) for file in files] == [0, 0, 0, 2560, 0]
    assert files[3].content == b"ignition.config".ljust(512, b"\0") + CONFIG.ljust(2048, b"\0")


def test_a_value_may_fill_its_place(machine: FakeMachine) -> None:
    with device(machine, pairs((0, b"ignition.config", b"x" * 2047))) as (host, _):
        assert asked(PROVIDERS["hyperv"], host) == b"x" * 2047


def test_questions_of_the_host_are_refused(machine: FakeMachine) -> None:
    messages = [message(GET, 0, b"ignition.config", b"no"), *pairs((0, b"ignition.config", CONFIG))]
    with device(machine, messages) as (host, kernel):
        assert asked(PROVIDERS["hyperv"], host) == CONFIG
    assert kernel.statuses == [FAILED, DONE]


def test_sizes_that_make_no_sense_do_no_harm(machine: FakeMachine) -> None:
    empty = bytearray(message(SET, 0, b"k", b"v"))
    struct.pack_into("=II", empty, 8, 0, 0)
    huge = bytearray(message(SET, 0, b"ignition.config", CONFIG))
    struct.pack_into("=I", huge, 12, 0xFFFFFFFF)
    with device(machine, [bytes(empty), bytes(huge)]) as (host, _):
        found = asked(PROVIDERS["hyperv"], host)
    assert found is not None
    assert found.rstrip(b"\0") == CONFIG


def test_a_short_message_is_an_error(machine: FakeMachine) -> None:
    with (
        device(machine, [b"\x01short"]) as (host, _),
        pytest.raises(ProvisionError, match="gave a message of 6 bytes; this needs 7432"),
    ):
        asked(PROVIDERS["hyperv"], host)


def test_a_quiet_device_is_no_config(machine: FakeMachine) -> None:
    with device(machine, []) as (host, _):
        assert asked(PROVIDERS["hyperv"], host) is None


def test_the_driver_is_loaded_where_it_is_missing_and_a_missing_device_is_an_error(machine: FakeMachine) -> None:
    (machine.root / "sys/bus/vmbus/drivers/hv_utils/new_id").unlink()
    (machine.root / "sys/bus/vmbus/drivers/hv_utils").rmdir()
    with pytest.raises(ProvisionError, match=r"/dev/vmbus/hv_kvp cannot be opened: No such file"):
        asked(PROVIDERS["hyperv"], machine.host())
    assert machine.calls == ["modprobe hv_utils"]


def test_a_device_that_breaks_is_an_error(machine: FakeMachine) -> None:
    read_only = machine.put("/dev/vmbus/hv_kvp")
    read_only.unlink()
    read_only.mkdir()
    with pytest.raises(ProvisionError, match=r"Hyper-V's key-value pairs: /dev/vmbus/hv_kvp cannot be opened"):
        asked(PROVIDERS["hyperv"], machine.host())
