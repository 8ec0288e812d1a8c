"""What of storage.filesystems is mounted while files are written, shallower paths first."""

from collections.abc import Iterator

from provision.apply.operations.mounts import Mount, Unmount
from provision.ignition import Config, Filesystem

NOT_MOUNTED = (None, "", "swap", "none")


def plan_mounts(config: Config) -> Iterator[Mount]:
    """Mount every file system that has a path."""
    for filesystem in mountable(config):
        yield Mount(
            device=filesystem.device, path=filesystem.path or "", format=filesystem.format or "",
            options=filesystem.mount_options,
        ).at(filesystem)  # fmt: skip


def plan_unmounts(config: Config, *, keeps_root: bool = False) -> Iterator[Unmount]:
    """Unmount them in the opposite order. A root that was mounted already stays: the boot goes on with it."""
    for filesystem in reversed(mountable(config)):
        if keeps_root and filesystem.path == "/":
            continue
        yield Unmount(path=filesystem.path or "").at(filesystem)


def mountable(config: Config) -> list[Filesystem]:
    """The file systems with a path, by its depth."""
    found = [each for each in config.storage.filesystems if each.path and each.format not in NOT_MOUNTED]
    return sorted(found, key=lambda each: 0 if each.path == "/" else (each.path or "").count("/"))
