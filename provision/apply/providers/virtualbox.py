"""VirtualBox: the config is a guest property, which the guest device hands out by HGCM calls.

Source: linux/vboxguest.h and linux/vbox_vmmdev_types.h; the numbers of the property service are in VirtualBox's
`HostServices/GuestPropertySvc.h`.
"""

import os
import struct
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from provision.apply import log
from provision.apply.providers.host import Host, check_size
from provision.apply.providers.provider import Provider
from provision.diagnostics import ProvisionError

DEVICE = "/dev/vboxguest"
SERVICE = b"VBoxGuestPropSvc"
CONFIG, ENCODING = "/Ignition/Config", "/Ignition/Config/Encoding"

# struct vbg_ioctl_hdr: size_in, version, type, rc, size_out, reserved.
HEADER = struct.Struct("=IIIiII")
HEADER_VERSION, DEFAULT_TYPE, INTERFACE_VERSION = 0x10001, 0, 0x10000
# What follows it. Asking for the version: requested, least, 2 reserved; the answer is one word longer.
VERSION_IN, VERSION_OUT_BYTES = struct.Struct("=IIII"), 20
# Connecting: kind of location, service name; the answer is the client's number.
CONNECT_IN, CLIENT = struct.Struct("=I128s"), struct.Struct("=I")
LOCALHOST_EXISTING = 2
# Calling: client, function, timeout in ms, interruptible, reserved, count of parameters; each has 16 bytes.
CALL, PARAMETER_BYTES = struct.Struct("=IIIBBH"), 16
NO_TIMEOUT = 0xFFFFFFFF
POINTER, NUMBER = struct.Struct("=IIQ"), struct.Struct("=IQxxxx")
NUMBER_32, NUMBER_64, BUFFER, BUFFER_IN = 1, 2, 4, 5

GET_PROPERTY, DELETE_PROPERTY = 1, 4
# Somebody may change a property between the question for its length and that for its value.
ATTEMPTS = 3

SUCCESS, BUFFER_OVERFLOW, NOT_FOUND, PERMISSION_DENIED = 0, -41, -78, -10


def request_number(number: int, size: int) -> int:
    """The ioctl that reads and writes `size` bytes. Source: asm-generic/ioctl.h, _IOWR."""
    return 3 << 30 | size << 16 | ord("V") << 8 | number


class GuestProperty(Provider):
    """The property /Ignition/Config. One beside it that names an encoding is for later versions, and refused."""

    what = "VirtualBox's guest property"

    def fetch(self, host: Host) -> bytes | None:
        with property_service(host) as service:
            if service.get(ENCODING):
                raise ProvisionError(f"{ENCODING} is set to an encoding that is not known here; take it away")
            config = service.get(CONFIG)
        if config is None:
            log.info(f"{CONFIG} is not set")
        return config

    def delete(self, host: Host) -> None:
        with property_service(host) as service:
            service.delete(ENCODING)
            service.delete(CONFIG)


@contextmanager
def property_service(host: Host) -> Iterator["Service"]:
    """A connection to the service of guest properties."""
    fd = host.open(DEVICE, os.O_RDWR)
    try:
        service = Service(host, fd)
        try:
            yield service
        except BaseException:
            with suppress(ProvisionError, OSError):
                service.disconnect()
            raise
        service.disconnect()
    except OSError as error:
        raise ProvisionError(f"{DEVICE} failed: {error.strerror}") from None
    finally:
        os.close(fd)


class Service:
    """The service of guest properties, connected."""

    def __init__(self, host: Host, fd: int) -> None:
        self.host, self.fd = host, fd
        self.ask(0, VERSION_IN.pack(INTERFACE_VERSION, INTERFACE_VERSION, 0, 0), VERSION_OUT_BYTES)
        answer = self.ask(4, CONNECT_IN.pack(LOCALHOST_EXISTING, SERVICE), CLIENT.size)
        (self.client,) = CLIENT.unpack_from(answer, HEADER.size)

    def disconnect(self) -> None:
        """End the connection."""
        self.ask(5, CLIENT.pack(self.client), 0)

    def get(self, name: str) -> bytes | None:
        """The value of a property, None where it is not set. The device is asked for the length first."""
        status, length, content = self.read(name, 1)
        for _ in range(ATTEMPTS):
            if status != BUFFER_OVERFLOW:
                break
            check_size(name, length)
            status, length, content = self.read(name, length)
        if status == NOT_FOUND:
            return None
        if status != SUCCESS:
            raise refusal(f"{name} cannot be read", status)
        value, nul, _ = content[:length].partition(b"\0")
        if not nul:
            raise ProvisionError(f"{name} does not end with a NUL")
        return value

    def read(self, name: str, size: int) -> tuple[int, int, bytes]:
        """Status, length and content of a property: value, NUL, flags, NUL."""
        encoded, buffer = array("B", name.encode() + b"\0"), array("B", bytes(size))
        status, answer = self.call(
            GET_PROPERTY, pointer(BUFFER_IN, encoded), pointer(BUFFER, buffer), NUMBER.pack(NUMBER_64, 0),
            NUMBER.pack(NUMBER_32, 0),
        )  # fmt: skip
        (length,) = struct.unpack_from("=I", answer, HEADER.size + CALL.size + 3 * PARAMETER_BYTES + 4)
        return status, length, buffer.tobytes()

    def delete(self, name: str) -> None:
        """Take a property away."""
        encoded = array("B", name.encode() + b"\0")
        status, _ = self.call(DELETE_PROPERTY, pointer(BUFFER_IN, encoded))
        if status == PERMISSION_DENIED:
            raise ProvisionError(f"{name} cannot be deleted: most likely it is read-only for the guest")
        if status != SUCCESS:
            raise refusal(f"{name} cannot be deleted", status)

    def call(self, function: int, *parameters: bytes) -> tuple[int, bytearray]:
        """Call a function of the service; status and the message as the device left it."""
        body = CALL.pack(self.client, function, NO_TIMEOUT, 1, 0, len(parameters)) + b"".join(parameters)
        return self.exchange(7, body, len(body))

    def ask(self, number: int, body: bytes, answer_bytes: int) -> bytearray:
        """Ask the device itself; raises ProvisionError for all but success."""
        status, answer = self.exchange(number, body, answer_bytes)
        if status != SUCCESS:
            raise refusal(f"{DEVICE} refuses", status)
        return answer

    def exchange(self, number: int, body: bytes, answer_bytes: int) -> tuple[int, bytearray]:
        """Hand a message to the device, which writes its answer into it."""
        head = HEADER.pack(HEADER.size + len(body), HEADER_VERSION, DEFAULT_TYPE, 0, HEADER.size + answer_bytes, 0)
        message = bytearray(head + body).ljust(HEADER.size + answer_bytes, b"\0")
        self.host.ioctl(self.fd, request_number(number, len(message)), message)
        return HEADER.unpack_from(message)[3], message


def pointer(kind: int, buffer: "array[int]") -> bytes:
    """A parameter that points to memory of this process, which the caller keeps."""
    address, length = buffer.buffer_info()
    return POINTER.pack(kind, length, address)


def refusal(what: str, status: int) -> ProvisionError:
    """The device's own number for what went wrong. Source: linux/vbox_err.h."""
    return ProvisionError(f"{what}: VirtualBox status {status}")
