"""Archives for the kernel's initramfs, in the format `newc`. Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst."""

from pathlib import Path

DIRECTORY, EXECUTABLE, PLAIN = 0o040755, 0o100755, 0o100644
TRAILER = "TRAILER!!!"


class Archive:
    """A growing archive; the folders of a file are added by themselves."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.folders: set[str] = set()

    def add(self, path: str, content: bytes, *, executable: bool = False) -> None:
        """Add a file under a path without a leading slash."""
        self.add_folders(path)
        self.entry(path, EXECUTABLE if executable else PLAIN, content)

    def add_tree(self, path: str, source: Path, pattern: str = "*") -> None:
        """Add the files below a folder whose names match."""
        for file in sorted(source.rglob(pattern)):
            if file.is_file() and "__pycache__" not in file.parts:
                executable = bool(file.stat().st_mode & 0o100)
                self.add(f"{path}/{file.relative_to(source)}", file.read_bytes(), executable=executable)

    def add_folders(self, path: str) -> None:
        """Add the folders above a path that are not there yet."""
        parents = [str(each) for each in reversed(Path(path).parents) if str(each) != "."]
        for parent in parents:
            if parent not in self.folders:
                self.folders.add(parent)
                self.entry(parent, DIRECTORY, b"")

    def entry(self, path: str, mode: int, content: bytes) -> None:
        """One member: magic, thirteen numbers in hex, name and content, each padded to four bytes."""
        name = path.encode() + b"\0"
        inode = len(self.pieces) + 1
        numbers = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        header = b"070701" + b"".join(b"%08X" % number for number in numbers)
        self.pieces.append(padded(header + name) + padded(content))

    def bytes(self) -> bytes:
        """The whole archive."""
        ending = Archive()
        ending.entry(TRAILER, 0, b"")
        return b"".join((*self.pieces, *ending.pieces))


def padded(data: bytes) -> bytes:
    """Filled up with zeros to a multiple of four."""
    return data + bytes(-len(data) % 4)
