"""VMware: the config is in the guestinfo variables `ignition.config.data` and `.data.encoding`.

A guest reads them through the hypervisor's backdoor (`backdoor`), as the peer does; on other machines than x86-64, and
where the system forbids to execute memory, with the program `vmware-rpctool` of open-vm-tools.
Source: Ignition, `internal/providers/vmware`.
"""

import os
from collections.abc import Callable

from provision.apply import log
from provision.apply.paths import shown
from provision.apply.providers import ovf
from provision.apply.providers.backdoor import CPUID, IN, Enter, Instruction, allow_ports, converse, is_vmware
from provision.apply.providers.decoding import base64, gunzip
from provision.apply.providers.host import Host
from provision.apply.providers.provider import Provider
from provision.apply.roots import find_program
from provision.diagnostics import ProvisionError
from provision.typed import Protocol

OVF = "guestinfo.ovfenv"
DATA, ENCODING = "guestinfo.ignition.config.data", "guestinfo.ignition.config.data.encoding"

# Variables can be neither deleted nor emptied: `{}` in base64 stands for no config.
DELETED_DATA, DELETED_ENCODING = b"e30K", b"base64"

BASE64, GZIP = ("base64", "b64"), ("gzip", "gz")
DECODERS = {
    "": (),
    **dict.fromkeys(BASE64, (base64,)),
    **dict.fromkeys(GZIP, (gunzip,)),
    **{f"{outer}+{inner}": (base64, gunzip) for outer in GZIP for inner in BASE64},
}

RPCTOOL = "vmware-rpctool"


class Guestinfo(Protocol):
    """The variables of a virtual machine."""

    def get(self, name: str) -> bytes | None:
        """A value, None where it is not set."""

    def set(self, name: str, value: bytes) -> None:
        """Give a variable a value."""


class Vmware(Provider):
    """The variables, or properties of the same names that the machine was deployed with."""

    what = "VMware's guestinfo"

    def __init__(self, find: "Callable[[Host], Guestinfo] | None" = None) -> None:
        self.find = find or find_guestinfo

    def fetch(self, host: Host) -> bytes | None:
        info = self.find(host)
        deployed = ovf.properties(environment(info))
        data = first(info.get(DATA), deployed.get(DATA))
        encoding = first(info.get(ENCODING), deployed.get(ENCODING)).decode(errors="replace")
        if encoding not in DECODERS:
            raise ProvisionError(
                f"{ENCODING} is {shown(encoding[:40])!r}; it takes {', '.join(filter(None, DECODERS))}"
            )
        for decode in DECODERS[encoding]:
            data = decode(data)
        return data

    def delete(self, host: Host) -> None:
        info = self.find(host)
        if info.get(DATA) not in (None, DELETED_DATA):
            log.info(f"deleting {DATA}")
            info.set(DATA, DELETED_DATA)
            if info.get(ENCODING) != DELETED_ENCODING:
                info.set(ENCODING, DELETED_ENCODING)
        document = info.get(OVF) or b""
        left = ovf.without(document, (DATA, ENCODING))
        if left != document:
            log.info(f"deleting the config from {OVF}")
            info.set(OVF, left)


def environment(info: Guestinfo) -> bytes:
    """The OVF environment; none where it cannot be had, for it is only one of two places."""
    try:
        return info.get(OVF) or b""
    except ProvisionError as error:
        log.warning(f"{OVF} cannot be read: {error}; continuing without it")
        return b""


def first(value: bytes | None, property_value: str | None) -> bytes:
    """The variable where it is set, the property otherwise."""
    return value if value is not None else (property_value or "").encode()


def find_guestinfo(host: Host) -> Guestinfo:
    """The way to the variables that this machine has."""
    enter = find_backdoor(host.machine)
    if enter is not None:
        return Backdoor(enter)
    if find_program(RPCTOOL) is not None:
        return RpcTool(host)
    raise ProvisionError(
        f"this machine is no VMware guest as far as its processor says, and there is no {RPCTOOL} to ask;"
        " is the platform right?"
    )


def find_backdoor(machine: str) -> Enter | None:
    """The backdoor, None where there is none or it cannot be used."""
    if machine != "x86_64" or os.uname().machine != machine:
        return None
    try:
        if not is_vmware(Instruction(CPUID)):
            return None
        allow_ports()
        return Instruction(IN)
    except (ImportError, OSError) as error:
        log.warning(f"the hypervisor's backdoor cannot be used: {error}")
        return None


class Backdoor:
    """The variables by messages to the hypervisor. Implements Guestinfo."""

    def __init__(self, enter: Enter) -> None:
        self.enter = enter

    def get(self, name: str) -> bytes | None:
        done, value = self.ask(f"info-get {name}".encode())
        return value if done else None

    def set(self, name: str, value: bytes) -> None:
        done, complaint = self.ask(f"info-set {name} ".encode() + value)
        if not done:
            raise ProvisionError(f"{name} cannot be set: {shown(complaint.decode(errors='replace'))}")

    def ask(self, request: bytes) -> tuple[bool, bytes]:
        """Whether the hypervisor did it, and what it says to it."""
        answer = converse(self.enter, request)
        if answer[:2] not in (b"0 ", b"1 "):
            raise ProvisionError("the hypervisor gave an answer that makes no sense")
        return answer[:1] == b"1", answer[2:]


class RpcTool:
    """The variables by a program, which tells "not set" from other failures by words only. So it is first asked for
    what always succeeds. Implements Guestinfo.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        host.run(RPCTOOL, "log reading guestinfo")

    def get(self, name: str) -> bytes | None:
        ended = self.host.run(RPCTOOL, f"info-get {name}", accept=(0, 1))
        return ended.stdout.removesuffix(b"\n") if ended.status == 0 else None

    def set(self, name: str, value: bytes) -> None:
        if value not in (DELETED_DATA, DELETED_ENCODING):
            # It takes values from its command line only, which everybody may read.
            raise ProvisionError(f"{name} cannot be written by {RPCTOOL} without being shown; remove it on the host")
        self.host.run(RPCTOOL, f"info-set {name} {value.decode()}")
