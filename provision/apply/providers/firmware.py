"""Configs in firmware and on raw disks: QEMU's and NVIDIA BlueField's."""

import os

from provision.apply import log
from provision.apply.providers.host import Host, check_size
from provision.apply.providers.provider import Provider
from provision.diagnostics import ProvisionError

FW_CFG = "/sys/firmware/qemu_fw_cfg"
# How often a person is told how far a slow read has come.
NEWS_EVERY_S = 10


class FirmwareItem(Provider):
    """An item of QEMU's fw_cfg; no such item is no config. Source: linux/Documentation/ABI, sysfs-firmware-qemu_fw_cfg."""

    def __init__(self, name: str) -> None:
        self.folder = f"{FW_CFG}/by_name/{name}"
        self.what = f"QEMU's firmware item {name}"

    def fetch(self, host: Host) -> bytes | None:
        host.load_module("qemu_fw_cfg", FW_CFG)
        size = host.read(f"{self.folder}/size")
        if size is None:
            log.info(f"{self.what} is not set")
            return None
        return read_item(host, f"{self.folder}/raw", parse_size(size))


def parse_size(content: bytes) -> int:
    """The length of an item in bytes."""
    text = content.strip()
    if not text.isdigit() or len(text) > 20:
        raise ProvisionError("its size is not a number")
    check_size("it", int(text))
    return int(text)


def read_item(host: Host, path: str, size: int) -> bytes:
    """All of an item, in few reads: each takes as long as all that stands before its place.

    One byte more is asked for, which must not come.
    """
    import time

    fd = host.open(path, os.O_RDONLY)
    content, news = bytearray(), time.monotonic()
    try:
        while len(content) < size and (piece := os.read(fd, size + 1 - len(content))):
            content += piece
            if time.monotonic() - news > NEWS_EVERY_S:
                log.warning(f"{path}: {len(content) >> 10} of {size >> 10} KiB; large content is better fetched by URL")
                news = time.monotonic()
    except OSError as error:
        raise ProvisionError(f"{path} cannot be read: {error.strerror}") from None
    finally:
        os.close(fd)
    if len(content) != size:
        raise ProvisionError(
            f"{path} has {'more' if len(content) > size else 'less'} than the {size} bytes of its size"
        )
    return bytes(content)


class RawDisk(Provider):
    """A disk that holds a config and then NULs. Source: Ignition, `internal/providers/qemu`."""

    def __init__(self, path: str, module: str, sign: str, every_s: float, limit_s: float) -> None:
        self.path, self.module, self.sign = path, module, sign
        self.every_s, self.limit_s = every_s, limit_s
        self.what = path

    def fetch(self, host: Host) -> bytes | None:
        host.load_module(self.module, self.sign)
        for _ in host.polls(self.every_s, self.limit_s):
            content = host.read(self.path)
            if content is not None:
                return content.rstrip(b"\0")
            log.debug(f"waiting for {self.path}")
        raise ProvisionError(f"it did not appear in {self.limit_s:g} s; attach the config as a disk with that id")


class ByMachine(Provider):
    """A platform that keeps the config elsewhere on some machines, by `uname -m`."""

    def __init__(self, usual: Provider, **others: Provider) -> None:
        self.usual, self.others = usual, others
        self.what = usual.what

    def fetch(self, host: Host) -> bytes | None:
        return self.others.get(host.machine, self.usual).fetch(host)


class BootFifo(Provider):
    """What the host of a DPU pushed to it. Source: Ignition, `internal/providers/nvidiabluefield`."""

    def __init__(self, path: str, module: str) -> None:
        self.path, self.module = path, module
        self.what = path

    def fetch(self, host: Host) -> bytes | None:
        host.load_module(self.module)
        return (host.read(self.path) or b"").strip(b"\0") or None
