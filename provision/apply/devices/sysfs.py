"""What the kernel and udev say of block devices: sysfs, /proc and the links below /dev. Read-only, below a root prefix.

Sizes and starts in sysfs count 512 bytes, whatever the disk's sectors are. Source: Linux, Documentation/ABI/stable/sysfs-block.
"""

import os
import re
import stat
from collections.abc import Iterator

from provision.apply.paths import MISSING, Found, resolve
from provision.diagnostics import ProvisionError

BLOCK = "/sys/class/block"
KERNEL_SECTOR = 512
# Where other names of devices are: links that udev made, or nodes where there is no udev. * stands for all folders.
LINK_FOLDERS = ("/dev/disk/*", "/dev/mapper", "/dev/md")
# A path at which nothing can ever be.
NOWHERE = "/dev/null/nowhere"
# No disk has more sectors than that.
NUMBER = re.compile(r"[0-9]{1,15}")
# Spaces and the like in /proc/self/mountinfo and /proc/swaps. Source: Linux, fs/seq_file.c, mangle_path.
OCTAL = re.compile(rb"\\([0-7]{3})")
# Source: Linux, Documentation/filesystems/proc.rst, 3.5: the fields of mountinfo end with " - type source options".
DEVICE_FIELD, POINT_FIELD = 2, 4


class Sysfs:
    """The machine's own folders, or a recorded tree of them. What is missing, or vanishes meanwhile, reads as empty."""

    def __init__(self, root: str = "/") -> None:
        self.root = root.rstrip("/")

    def host_path(self, path: str) -> str:
        """Where a path of the tree is for this process."""
        return self.root + path

    def look(self, path: str) -> Found:
        """Whether there is a link at a path, and where it leads."""
        try:
            return Found("link", target=os.readlink(self.host_path(path)))
        except FileNotFoundError:
            return MISSING
        except OSError:
            return Found("other")

    def real(self, path: str) -> str:
        """The path without links; NOWHERE for a loop of them and for what no file system takes."""
        try:
            return resolve(path, self.look, follow=True)
        except ProvisionError:
            return NOWHERE

    def reached(self, path: str) -> str:
        """Where what a path leads to is for this process."""
        return self.host_path(self.real(path))

    def exists(self, path: str) -> bool:
        """Whether there is anything at a path."""
        return os.path.exists(self.reached(path))

    def data(self, path: str) -> bytes:
        """What a file says."""
        try:
            with open(self.reached(path), "rb") as file:
                return file.read()
        except OSError:
            return b""

    def text(self, path: str) -> str:
        """What a file says in one line."""
        return self.data(path).decode(errors="replace").strip()

    def number(self, path: str) -> int:
        """The number that a file says; 0 for anything else."""
        text = self.text(path)
        return int(text) if NUMBER.fullmatch(text) else 0

    def names(self, path: str) -> list[str]:
        """The sorted entries of a folder, as far as they are text."""
        try:
            found = os.listdir(self.reached(path))
        except OSError:
            return []
        return sorted(name for name in found if name.isprintable())

    # ---- devices ------------------------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether the kernel knows a block device of that name."""
        return bool(name) and self.exists(f"{BLOCK}/{name}")

    def kernel_name(self, path: str) -> str:
        """The kernel's name of the device that a path leads to, empty where it leads to none."""
        true_path = self.real(path)
        if true_path.startswith("/dev/"):
            # Source: Linux, drivers/base: sysfs has `!` in names of devices where /dev has a folder.
            name = true_path.removeprefix("/dev/").replace("/", "!")
            if self.has(name):
                return name
        try:
            status = os.stat(self.host_path(true_path))
        except OSError:
            return ""
        if not stat.S_ISBLK(status.st_mode):
            return ""
        link = f"/sys/dev/block/{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        return self.real(link).rpartition("/")[2] if self.exists(link) else ""

    def links(self) -> dict[str, tuple[str, ...]]:
        """The other names of devices, by the kernel's."""
        found: dict[str, list[str]] = {}
        for folder in self.link_folders():
            for link in self.names(folder):
                path = f"{folder}/{link}"
                found.setdefault(self.kernel_name(path), []).append(path)
        return {name: tuple(sorted(paths)) for name, paths in found.items() if name}

    def link_folders(self) -> Iterator[str]:
        """The folders of LINK_FOLDERS that there are."""
        for folder in LINK_FOLDERS:
            parent, _, last = folder.rpartition("/")
            yield from (f"{parent}/{name}" for name in self.names(parent)) if last == "*" else (folder,)

    def uses(self) -> dict[str, tuple[str, ...]]:
        """What keeps devices busy, by their kernel names: mount points, `swap`, `btrfs`, and holders as /dev/NAME."""
        found: dict[str, list[str]] = {}
        for name, use in (*self.mounts(), *self.swaps(), *self.pools(), *self.holders()):
            known = found.setdefault(name, [])
            if use not in known:
                known.append(use)
        return {name: tuple(uses) for name, uses in found.items() if name}

    def mounts(self) -> Iterator[tuple[str, str]]:
        """Devices and where they are mounted, by device number or, where a file system has its own, by the source."""
        by_number = {self.text(f"{BLOCK}/{name}/dev"): name for name in self.names(BLOCK)}
        for line in self.data("/proc/self/mountinfo").splitlines():
            fields, _, rest = line.partition(b" - ")
            columns, source = fields.split(b" "), rest.split(b" ")
            if len(columns) <= POINT_FIELD or len(source) < 2:
                continue
            name = by_number.get(columns[DEVICE_FIELD].decode(errors="replace"), "")
            if not name and source[1].startswith(b"/"):
                name = self.kernel_name(unescaped(source[1]))
            yield name, unescaped(columns[POINT_FIELD])

    def swaps(self) -> Iterator[tuple[str, str]]:
        """Devices that are swapped to."""
        for line in self.data("/proc/swaps").splitlines()[1:]:
            for file in line.split()[:1]:
                yield self.kernel_name(unescaped(file)), "swap"

    def pools(self) -> Iterator[tuple[str, str]]:
        """Devices of mounted btrfs file systems, of which mountinfo names only the first."""
        for pool in self.names("/sys/fs/btrfs"):
            for name in self.names(f"/sys/fs/btrfs/{pool}/devices"):
                yield name, "btrfs"

    def holders(self) -> Iterator[tuple[str, str]]:
        """Devices that others are made of. Partitions that device-mapper made of a disk do not hold it."""
        for name in self.names(BLOCK):
            for holder in self.names(f"{BLOCK}/{name}/holders"):
                if not self.mapped_partition(holder):
                    yield name, device_path(holder)

    def mapped_partition(self, name: str) -> int:
        """The number of a partition that device-mapper made (kpartx): its uuid starts with `part1-`. 0 for others."""
        found = re.match(r"part([1-9]\d{0,8})-", self.text(f"{BLOCK}/{name}/dm/uuid"), re.ASCII)
        return int(found[1]) if found else 0


def device_path(name: str) -> str:
    """The path below /dev of a kernel name."""
    return "/dev/" + name.replace("!", "/")


def unescaped(field: bytes) -> str:
    """A field of /proc with its escapes undone."""
    return OCTAL.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), field).decode(errors="replace")
