"""Azure: the config is the machine's user data, or "custom data" on a CD that the host inserts.

Source: Ignition, `internal/providers/azure` and `azurestack`; linux/cdrom.h.
"""

import os
from collections.abc import Iterator

from provision.apply import log
from provision.apply.paths import shown
from provision.apply.providers.host import Host
from provision.apply.providers.http import Http
from provision.apply.providers.labels import content_of, mounted
from provision.apply.providers.provider import Provider
from provision.diagnostics import ProvisionError

BLOCK_DEVICES = "/sys/class/block"
POLL_S = 1
DRIVE_STATUS, DISC_OK = 0x5326, 4

# What is on each such CD, also where no custom data was given.
ALWAYS_THERE = "/ovf-env.xml"
CUSTOM_DATA = "/CustomData.bin"

# How `blkid` ends. Source: blkid(8).
KNOWN, UNKNOWN, AMBIGUOUS = 0, 2, 8


class ProvisioningCd(Provider):
    """The CD, which may be inserted late: it is waited for without an end. Each drive is tried once."""

    what = "the provisioning CD"

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def fetch(self, host: Host) -> bytes | None:
        tried: set[str] = set()
        for _ in host.polls(POLL_S):
            for device, kind in self.discs(host, tried):
                tried.add(device)
                try:
                    return read_disc(host, device, kind)
                except ProvisionError as error:
                    log.warning(f"{device}: {error}")
            log.debug(f"waiting for {self.what}")
        raise AssertionError("polls without a limit do not end")

    def discs(self, host: Host, tried: set[str]) -> Iterator[tuple[str, str]]:
        """Drives with a disc of the wanted kind, and its kind. A disk is no drive, whatever a person put on it."""
        for name in block_devices(host):
            device = f"/dev/{name}"
            if device not in tried and has_disc(host, device):
                kind = kind_of(host, device)
                if kind in self.kinds:
                    yield device, kind


def block_devices(host: Host) -> list[str]:
    """The kernel's names of all block devices."""
    try:
        return sorted(os.listdir(host.path(BLOCK_DEVICES)))
    except OSError:
        return []


def has_disc(host: Host, device: str) -> bool:
    """Whether a device is a CD drive with a readable disc."""
    try:
        fd = host.open(device, os.O_RDONLY | os.O_NONBLOCK)
    except ProvisionError as error:
        log.debug(str(error))
        return False
    try:
        return host.ioctl(fd, DRIVE_STATUS) == DISC_OK
    except OSError:
        return False
    finally:
        os.close(fd)


def kind_of(host: Host, device: str) -> str:
    """The file system on a device, empty where it has none that is known."""
    accept = (KNOWN, UNKNOWN, AMBIGUOUS)
    found = host.run("blkid", "-p", "-o", "value", "-s", "TYPE", host.path(device), accept=accept)
    return found.stdout.decode(errors="replace").strip()


def read_disc(host: Host, device: str, kind: str) -> bytes | None:
    """The custom data of a provisioning CD. Raises ProvisionError for another CD."""
    with mounted(host, host.path(device), kind) as root:
        if content_of(root, ALWAYS_THERE) is None:
            raise ProvisionError(f"it has no {shown(ALWAYS_THERE)}, so it is no provisioning CD")
        return content_of(root, CUSTOM_DATA)


class Azure(Provider):
    """User data from the metadata server; where that is empty, custom data from the CD."""

    def __init__(self, user_data: Http, cd: ProvisioningCd) -> None:
        self.user_data, self.cd = user_data, cd
        self.what = user_data.what

    def fetch(self, host: Host) -> bytes | None:
        host.needs_network("the config may be on the metadata server")
        content = self.user_data.fetch(host)
        if content:
            return content
        log.info("there is no user data; looking for custom data")
        return self.cd.fetch(host)
