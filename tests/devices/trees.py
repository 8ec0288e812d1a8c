"""Recorded trees of /sys, /proc and /dev. Devices are regular files in them, which stand for the real ones."""

import shutil
from pathlib import Path

from provision.apply.devices.sysfs import Sysfs

HERE = Path(__file__).parent / "trees"


def planted(name: str, root: Path) -> Sysfs:
    """A recorded tree below a folder."""
    for line in (HERE / f"{name}.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        path, arrow, target = line.partition(" -> ")
        if arrow:
            link(root, path, target)
        else:
            path, _, content = line.partition(": ")
            write(root, path, content + "\n")
    return Sysfs(str(root))


def write(root: Path, path: str, content: str) -> None:
    """Add a line to a file, made where it is missing."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    with open(root / path, "a") as file:
        file.write(content)


def link(root: Path, path: str, target: str) -> None:
    """Make a link, and the folders above it."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).symlink_to(target)


def device(root: Path, path: str, size: int) -> Path:
    """A device of zeros."""
    made = root / path
    made.parent.mkdir(parents=True, exist_ok=True)
    with open(made, "wb") as file:
        file.truncate(size)
    return made


def unplug(root: Path, name: str) -> None:
    """Take a device away, as the kernel does: its folder goes before the link to it."""
    shutil.rmtree((root / f"sys/class/block/{name}").resolve(), ignore_errors=True)
