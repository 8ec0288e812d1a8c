"""Configs on devices: a file system with a known label, and the file that is read from it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provision.apply import log
from provision.apply.paths import shown
from provision.apply.providers.host import TRIES_TO_UNMOUNT, Host, check_size
from provision.apply.providers.provider import Provider
from provision.apply.roots import Root
from provision.diagnostics import ProvisionError
from provision.typed import TypeVar

BY_LABEL = "/dev/disk/by-label"
POLL_S = 1
# Nothing on such a device is to be executed or opened as a device.
MOUNT_OPTIONS = "ro,nosuid,nodev,noexec"

OPENSTACK = "/openstack/latest/user_data"
# Proxmox VE puts a cloud-config of its own making beside what the user wrote.
# Source: Ignition, `internal/providers/proxmoxve`.
CLOUD_CONFIG = b"#cloud-config\n"

T = TypeVar("T")


class Label(Provider):
    """Files on the file system with a label: the first that is there and that `skip` does not pass over.

    Waits for the device; with `limit_s`, what is not there by then or cannot be read is no config.
    """

    ends_when_overtaken = True

    def __init__(
        self, label: str, *paths: str, limit_s: float | None = None, skip: Callable[[bytes], bool] | None = None
    ) -> None:
        self.label, self.paths = label, paths
        self.what = f"the config drive {label}"
        self.limit_s, self.skip = limit_s, skip

    def fetch(self, host: Host) -> bytes | None:
        try:
            return on_device(host, self.label, self.limit_s, self.choose)
        except ProvisionError as error:
            if self.limit_s is None:
                raise
            log.warning(f"{self.what}: {error}; continuing without a config")
            return None

    def choose(self, root: Root) -> bytes | None:
        """The first of the files that counts."""
        for path in self.paths:
            content = content_of(root, path)
            if content is not None and not (self.skip and self.skip(content)):
                return content
        return None


def is_cloud_config(content: bytes) -> bool:
    """Whether this is no config of ours: empty, or meant for another program."""
    return not content or content.startswith(CLOUD_CONFIG)


def on_device(host: Host, label: str, limit_s: float | None, use: Callable[[Root], T]) -> T:
    """What `use` finds on the device with a label, as soon as that is there."""
    device = f"{BY_LABEL}/{check_label(label)}"
    for _ in host.polls(POLL_S, limit_s):
        if host.exists(device):
            with mounted(host, host.path(device)) as root:
                return use(root)
        log.debug(f"waiting for {shown(device)}")
    raise ProvisionError(f"{shown(device)} did not appear in {limit_s:g} s")


def check_label(label: str) -> str:
    """Refuse a label that would lead out of the folder of labels."""
    if "/" in label or label in ("", ".", ".."):
        raise ProvisionError(f"the device label {shown(label)!r} is not a single name")
    return label


@contextmanager
def mounted(host: Host, device: str, kind: str = "auto") -> Iterator[Root]:
    """A device's file system as a root that nothing leads out of, for as long as it takes."""
    folder = host.private_folder()
    try:
        host.run("mount", "-o", MOUNT_OPTIONS, "-t", kind, device, folder)
        try:
            root = Root(folder)
            try:
                yield root
            finally:
                root.close()
        finally:
            unmount(host, folder)
    finally:
        remove_folder(folder)


def unmount(host: Host, folder: str) -> None:
    """Unmount, with some patience for who looks into new mounts at the same time."""
    for attempt in range(TRIES_TO_UNMOUNT):
        try:
            host.run("umount", folder)
            return
        except ProvisionError as error:
            log.debug(f"{error}; attempt {attempt + 1} of {TRIES_TO_UNMOUNT}")
        host.pause(1)
        if not os.path.ismount(folder):
            return
    log.warning(f"{folder} could not be unmounted")


def remove_folder(folder: str) -> None:
    """Take a mount point away; one that is still in use stays."""
    try:
        os.rmdir(folder)
    except OSError as error:
        log.warning(f"{folder} could not be removed: {error.strerror}")


def content_of(root: Root, path: str) -> bytes | None:
    """A file of a mounted device, None where it is missing. Links are followed inside the device only."""
    try:
        true_path = root.resolve(path, follow=True)
        found = root.look(true_path)
        if found.kind == "missing":
            return None
        check_size(shown(path), found.size)
        return root.read(true_path)
    except OSError as error:
        raise ProvisionError(f"{shown(path)} cannot be read: {error.strerror}") from None
