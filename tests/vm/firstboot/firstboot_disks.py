"""What is on a disk while its machine is off: partitions and ext4 file systems, read and written without mounting them."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from firstboot_image import BOOT_START, ROOT_START

SECTOR = 512
NOT_FOUND = "File not found by ext2_lookup"


class Partition(NamedTuple):
    """An entry of a GPT."""

    label: str
    start: int
    size_mib: int


class FileSystem(NamedTuple):
    """An ext4 file system on a disk that no machine uses, by its first byte."""

    disk: Path
    start: int

    def debugfs(self, *commands: str, write: bool = False) -> str:
        """What debugfs says to commands."""
        with tempfile.NamedTemporaryFile("w", suffix=".debugfs") as script:
            script.write("".join(f"{command}\n" for command in commands))
            script.flush()
            ended = subprocess.run(
                ["/usr/sbin/debugfs", *(["-w"] if write else []), "-f", script.name, f"{self.disk}?offset={self.start}"],
                capture_output=True, text=True, errors="replace", check=True,
            )  # fmt: skip
        # The commands themselves are repeated.
        said = "\n".join(line for line in ended.stdout.splitlines() if not line.startswith("debugfs: "))
        trouble = [line for line in ended.stderr.splitlines()[1:] if line.strip()]
        if write and trouble:
            raise RuntimeError("\n".join(trouble))
        return said if not trouble else "\n".join(trouble)

    def read(self, path: str) -> str:
        """A file; raises FileNotFoundError."""
        text = self.debugfs(f'cat "{path}"')
        if NOT_FOUND in text:
            raise FileNotFoundError(path)
        return text

    def exists(self, path: str) -> bool:
        """Whether there is something at a path."""
        return NOT_FOUND not in self.debugfs(f'stat "{path}"')

    def node(self, path: str) -> tuple[str, str, int, int]:
        """Kind, permission bits in octal, owner and group; links are not followed."""
        text = self.debugfs(f'stat "{path}"')
        found = re.search(r"Type: (\w+) .*?Mode: +(\d+).*?User: +(\d+) +Group: +(\d+)", text, re.DOTALL)
        if found is None:
            raise FileNotFoundError(path)
        return found[1], found[2], int(found[3]), int(found[4])

    def put(self, path: str, content: str, mode: int = 0o644) -> None:
        """Write a file, with the folders above it."""
        with tempfile.NamedTemporaryFile("w") as source:
            source.write(content)
            source.flush()
            self.put_file(path, Path(source.name), mode)

    def put_file(self, path: str, source: Path, mode: int) -> None:
        """Copy a file from this machine; it belongs to root there, and replaces what was there."""
        folder, name = Path(path).parent, Path(path).name
        inode = [f'sif "{name}" {field}' for field in (f"mode 0{0o100000 | mode:o}", "uid 0", "gid 0")]
        old = [f'rm "{path}"'] if self.exists(path) else []
        self.debugfs(*self.folders(path), *old, f'cd "{folder}"', f'write {source} "{name}"', *inode, write=True)

    def folders(self, path: str) -> list[str]:
        """The commands that make the folders above a path that are missing."""
        return [f'mkdir "{folder}"' for folder in reversed(Path(path).parents) if not self.exists(str(folder))]

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link, with the folders above it."""
        self.debugfs(*self.folders(path), f'symlink "{path}" "{target}"', write=True)


def root_of(disk: Path) -> FileSystem:
    """The root file system of a system disk."""
    return FileSystem(disk, ROOT_START)


def boot_of(disk: Path) -> FileSystem:
    """The boot file system of a system disk."""
    return FileSystem(disk, BOOT_START)


def partitions(disk: Path) -> dict[int, Partition]:
    """The partition table, as sgdisk reads it."""
    numbers = re.findall(r"^ +(\d+) +\d+ ", sgdisk(disk, "--print"), re.MULTILINE)
    return {int(number): parsed(sgdisk(disk, f"--info={number}")) for number in numbers}


def sgdisk(disk: Path, option: str) -> str:
    """What sgdisk says of a disk."""
    return subprocess.run(["/usr/sbin/sgdisk", option, str(disk)], capture_output=True, text=True, check=True).stdout


def parsed(said: str) -> Partition:
    """A partition from sgdisk's words."""
    label, first, size = (
        found[1] if (found := re.search(pattern, said)) else ""
        for pattern in (r"Partition name: '(.*)'", r"First sector: (\d+)", r"Partition size: (\d+)")
    )
    return Partition(label, int(first) * SECTOR, int(size) * SECTOR >> 20)


def probed(disk: Path, start: int) -> dict[str, str]:
    """What blkid finds at a place of a disk."""
    said = subprocess.run(
        ["/usr/sbin/blkid", "--probe", "--output", "export", "--offset", str(start), str(disk)],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
