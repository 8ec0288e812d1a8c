"""Raw disk images: attached as a loop device with partitions, so that the applier treats them like a disk.

Inside, names mean the image and nothing else: `/dev/disk/by-partlabel/root` is the image's partition, never one of the
machine that works on it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provision.apply import log
from provision.apply.commands import run
from provision.apply.devices import BlockDevice
from provision.apply.devices.survey import device, partitions_of
from provision.apply.paths import shown
from provision.apply.plan.devices import partition_path
from provision.diagnostics import ProvisionError
from provision.ignition import Config
from provision.typed import NamedTuple

# Kinds of partitions that hold a root file system. Source: UAPI group, discoverable partitions specification.
ROOT_TYPES = {
    "44479540-F297-41B2-9AF7-D131D5F0458A": "x86",
    "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709": "x86-64",
    "69DAD710-2CE4-4E3C-B16C-21A1D49ABED3": "arm",
    "B921B045-1DF0-41C3-AF44-4C6F280D3FAE": "arm64",
    "C31C45E6-3F39-412E-80FB-4809C4980599": "ppc64le",
    "60D5A7FE-8E7D-435C-B714-3DD8162144E1": "riscv64",
    "5EEAD9A9-FE09-4A1E-A1D7-520D00531306": "s390x",
}
ROOT_LABELS = ("root", "ROOT", "rootfs")
FILESYSTEMS = ("ext4", "xfs", "btrfs", "ext3", "ext2", "f2fs")


class Attached(NamedTuple):
    """An image at its loop device; `disk` is what the config calls it, empty where it does not partition it."""

    loop: str
    disk: str

    def device_of(self, name: str) -> str:
        """The device of the image that a name of the config means. Raises ProvisionError for what the image has not."""
        if name == self.loop or name.startswith((f"{self.loop}p", "/dev/mapper/", "/dev/dm-")):
            return name
        if self.disk and name == self.disk:
            return self.loop
        for part in partitions_of(device(self.loop)):
            if name in self.names_of(part):
                return part.path
        raise ProvisionError(
            f"{shown(name)} is not on the image; its disk is called {shown(self.disk) or 'nothing'} in the config"
        )

    def devices(self) -> tuple[BlockDevice, ...]:
        """The disk and its partitions, by the names that the config gives them."""
        whole = device(self.loop)
        parts = [part.changed(names=(*part.names, *self.names_of(part))) for part in partitions_of(whole)]
        return (whole.changed(names=(*whole.names, self.disk)), *parts)

    def names_of(self, part: BlockDevice) -> Iterator[str]:
        """What a partition of the image may be called."""
        entry = device(self.loop).table.entry(part.number)
        if self.disk:
            yield partition_path(self.disk, part.number)
            yield f"{self.disk}-part{part.number}"
        if entry is not None:
            yield f"/dev/disk/by-partlabel/{entry.label}"
            yield f"/dev/disk/by-partuuid/{entry.guid.lower()}"
        for signature in part.signatures:
            yield f"/dev/disk/by-label/{signature.label}"
            yield f"/dev/disk/by-uuid/{signature.uuid}"


Names = Callable[[str], str]


@contextmanager
def attached(path: str, config: Config) -> Iterator[Attached]:
    """Attach an image for as long as it is needed. Raises ProvisionError for configs that speak of several disks."""
    disks = [disk.device for disk in config.storage.disks]
    if len(disks) > 1:
        raise ProvisionError(
            f"an image is one disk, and the config partitions {len(disks)}: {', '.join(map(shown, disks))}"
        )
    if config.storage.raid:
        raise ProvisionError("storage.raid: an image is one disk; there is nothing to make an array of")
    if os.geteuid():
        raise ProvisionError("--image needs root: it attaches the image as a loop device")
    loop = run("losetup", "--find", "--show", "--partscan", "--", path).stdout.decode().strip()
    try:
        yield Attached(loop, disks[0] if disks else "")
    finally:
        try:
            run("losetup", "--detach", loop)
        except ProvisionError as error:
            log.warning(f"{loop} is still attached to {path}: {error}")


def root_device(image: Attached, config: Config) -> str | None:
    """The device of the image's root file system; None where the config itself says what `/` is."""
    if any(filesystem.path == "/" for filesystem in config.storage.filesystems):
        return None
    whole = device(image.loop)
    if not whole.table.kind and whole.signatures:
        return whole.path
    parts = partitions_of(whole)
    typed = [part for part in parts if is_root(part, whole)]
    mountable = [part for part in parts if any(each.type in FILESYSTEMS for each in part.signatures)]
    for candidates in (typed, mountable):
        if len(candidates) == 1:
            return candidates[0].path
    found = ", ".join(part.path for part in typed or mountable) or "none"
    raise ProvisionError(
        f"the image's root file system cannot be told ({found} could be it); give one partition the type or label of a root"
    )


def is_root(part: BlockDevice, whole: BlockDevice) -> bool:
    """Whether a partition's kind or label says that it holds the root."""
    entry = whole.table.entry(part.number)
    labels = {each.label for each in part.signatures} | ({entry.label} if entry is not None else set())
    return bool(labels.intersection(ROOT_LABELS)) or (entry is not None and entry.type_guid in ROOT_TYPES)


@contextmanager
def mounted(path: str, folder: str) -> Iterator[None]:
    """Mount a device at a folder for as long as it is needed."""
    run("mount", "--", path, folder)
    try:
        yield
    finally:
        run("umount", "--", folder)
