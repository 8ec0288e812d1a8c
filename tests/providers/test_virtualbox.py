"""VirtualBox's guest properties. The driver is a fake that reads each message, and the memory that it points to, by the
kernel's own structures.
"""

import ctypes
from pathlib import Path
from typing import Any

import pytest
from provider_fakes import CONFIG, FakeMachine, PatientHost

from provision.apply.providers import PROVIDERS, asked
from provision.diagnostics import ProvisionError

CONFIG_KEY, ENCODING_KEY = "/Ignition/Config", "/Ignition/Config/Encoding"
OVERFLOW, NOT_FOUND, PERMISSION_DENIED, NOT_SUPPORTED = -41, -78, -10, -37


class Header(ctypes.Structure):
    """struct vbg_ioctl_hdr."""

    _fields_ = [
        ("size_in", ctypes.c_uint32),
        ("version", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("rc", ctypes.c_int32),
        ("size_out", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


class Connect(ctypes.Structure):
    """struct vbg_ioctl_hgcm_connect, as it comes in."""

    _fields_ = [("header", Header), ("kind", ctypes.c_uint32), ("name", ctypes.c_char * 128)]


class Call(ctypes.Structure):
    """struct vbg_ioctl_hgcm_call."""

    _fields_ = [
        ("header", Header),
        ("client", ctypes.c_uint32),
        ("function", ctypes.c_uint32),
        ("timeout_ms", ctypes.c_uint32),
        ("interruptible", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8),
        ("count", ctypes.c_uint16),
    ]


class Pointer(ctypes.Structure):
    """struct vmmdev_hgcm_function_parameter64 with a pointer."""

    _pack_ = 1
    _fields_ = [("type", ctypes.c_uint32), ("size", ctypes.c_uint32), ("address", ctypes.c_uint64)]


class Number(ctypes.Structure):
    """The same with a number."""

    _pack_ = 1
    _fields_ = [("type", ctypes.c_uint32), ("value", ctypes.c_uint64), ("padding", ctypes.c_uint32)]


class FakeVboxGuest(PatientHost):
    """A host whose /dev/vboxguest answers by properties; `fail` has the status of functions, by ioctl or function."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.properties: dict[str, bytes] = {}
        self.fail: dict[str, int] = {}
        self.log: list[str] = []
        self.grow = b""

    def ioctl(self, fd: int, request: int, argument: Any = 0) -> int:
        header = Header.from_buffer(argument)
        assert request == (3 << 30 | len(argument) << 16 | ord("V") << 8 | request & 0xFF)
        assert len(argument) == max(header.size_in, header.size_out)
        assert (header.version, header.type, header.rc, header.reserved) == (0x10001, 0, 0, 0)
        name = {0: "version", 4: "connect", 5: "disconnect", 7: "call"}[request & 0xFF]
        self.log.append(name)
        header.rc = self.fail.get(name) or getattr(self, f"do_{name}")(argument)
        return 0

    def do_version(self, message: bytearray) -> int:
        assert len(message) == 44
        return 0

    def do_connect(self, message: bytearray) -> int:
        connect = Connect.from_buffer(message)
        assert (connect.kind, connect.name) == (2, b"VBoxGuestPropSvc")
        ctypes.c_uint32.from_buffer(message, 24).value = 77
        return 0

    def do_disconnect(self, message: bytearray) -> int:
        assert ctypes.c_uint32.from_buffer(message, 24).value == 77
        return 0

    def do_call(self, message: bytearray) -> int:
        call = Call.from_buffer(message)
        assert (call.client, call.timeout_ms, call.reserved) == (77, 0xFFFFFFFF, 0)
        key = Pointer.from_buffer(message, 40)
        assert key.type == 5
        name = ctypes.string_at(key.address, key.size)
        assert name.endswith(b"\0")
        function = {1: self.get, 4: self.remove}[call.function]
        return function(message, call.count, name[:-1].decode())

    def get(self, message: bytearray, count: int, name: str) -> int:
        assert count == 4
        value, timestamp, size = (
            kind.from_buffer(message, at) for kind, at in ((Pointer, 56), (Number, 72), (Number, 88))
        )
        assert (value.type, timestamp.type, size.type) == (4, 2, 1)
        self.log.append(f"get {name} {value.size}")
        if name not in self.properties:
            return NOT_FOUND
        content = self.properties[name]
        size.value = len(content)
        if len(content) > value.size:
            self.properties[name], self.grow = content + self.grow, b""
            return OVERFLOW
        ctypes.memmove(value.address, content, len(content))
        return 0

    def remove(self, message: bytearray, count: int, name: str) -> int:
        assert count == 1
        self.log.append(f"delete {name}")
        if "delete" in self.fail:
            return self.fail["delete"]
        self.properties.pop(name, None)
        return 0


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeVboxGuest:
    machine = FakeMachine(tmp_path, monkeypatch)
    machine.put("/dev/vboxguest")
    plain = machine.host(offline=True)
    return FakeVboxGuest(plain.fetcher, environ={}, prefix=plain.prefix, pace=plain.pace)


def test_the_structures_have_the_sizes_of_the_kernel() -> None:
    assert [ctypes.sizeof(kind) for kind in (Header, Connect, Call, Pointer, Number)] == [24, 156, 40, 16, 16]


@pytest.mark.parametrize("config", [CONFIG, b"x" * 100_000])
def test_the_config_is_a_property(config: bytes, guest: FakeVboxGuest) -> None:
    guest.properties[CONFIG_KEY] = config + b"\0RDONLYGUEST\0"
    assert asked(PROVIDERS["virtualbox"], guest) == config
    assert guest.log[:2] == ["version", "connect"]
    assert guest.log[-1] == "disconnect"


def test_no_property_is_no_config(guest: FakeVboxGuest) -> None:
    assert asked(PROVIDERS["virtualbox"], guest) is None


def test_an_empty_property_is_no_config(guest: FakeVboxGuest) -> None:
    guest.properties[CONFIG_KEY] = b"\0\0"
    assert not asked(PROVIDERS["virtualbox"], guest)


def test_an_encoding_is_refused_and_an_empty_one_ignored(guest: FakeVboxGuest) -> None:
    guest.properties = {CONFIG_KEY: CONFIG + b"\0\0", ENCODING_KEY: b"\0\0"}
    assert asked(PROVIDERS["virtualbox"], guest) == CONFIG
    guest.properties[ENCODING_KEY] = b"base64\0\0"
    with pytest.raises(ProvisionError, match="/Ignition/Config/Encoding is set to an encoding that is not known here"):
        asked(PROVIDERS["virtualbox"], guest)
    assert guest.log[-1] == "disconnect"


def test_a_property_that_grows_meanwhile_is_read_again(guest: FakeVboxGuest) -> None:
    guest.properties[CONFIG_KEY] = b"grown"
    guest.grow = b"x\0\0"
    found = asked(PROVIDERS["virtualbox"], guest)
    assert found is not None
    assert found.startswith(b"grownx")


def test_a_property_without_its_nul_is_an_error(guest: FakeVboxGuest) -> None:
    guest.properties[CONFIG_KEY] = b"abc"
    with pytest.raises(ProvisionError, match="/Ignition/Config does not end with a NUL"):
        asked(PROVIDERS["virtualbox"], guest)


@pytest.mark.parametrize("step", ["version", "connect", "call"])
def test_a_refusal_of_the_driver_is_an_error(step: str, guest: FakeVboxGuest) -> None:
    guest.fail[step] = NOT_SUPPORTED
    with pytest.raises(ProvisionError, match=r"^VirtualBox's guest property: .*VirtualBox status -37"):
        asked(PROVIDERS["virtualbox"], guest)


def test_a_driver_that_fails_is_an_error(guest: FakeVboxGuest, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(guest, "ioctl", broken)
    with pytest.raises(ProvisionError, match="/dev/vboxguest failed: Input/output error"):
        asked(PROVIDERS["virtualbox"], guest)


def test_without_the_device_this_is_an_error(guest: FakeVboxGuest) -> None:
    guest.prefix = "/nowhere"
    with pytest.raises(ProvisionError, match="/dev/vboxguest cannot be opened"):
        asked(PROVIDERS["virtualbox"], guest)


def test_deleting_takes_both_properties_away(guest: FakeVboxGuest) -> None:
    guest.properties = {CONFIG_KEY: CONFIG + b"\0\0", ENCODING_KEY: b"\0\0", "/Other": b"\0\0"}
    PROVIDERS["virtualbox"].delete(guest)
    assert list(guest.properties) == ["/Other"]
    PROVIDERS["virtualbox"].delete(guest)


def test_a_property_that_is_read_only_cannot_be_deleted(guest: FakeVboxGuest) -> None:
    guest.fail["delete"] = PERMISSION_DENIED
    with pytest.raises(ProvisionError, match="most likely it is read-only for the guest"):
        PROVIDERS["virtualbox"].delete(guest)
    guest.fail["delete"] = NOT_SUPPORTED
    with pytest.raises(ProvisionError, match="cannot be deleted: VirtualBox status -37"):
        PROVIDERS["virtualbox"].delete(guest)
