"""The one door to the machine: all that the applier changes, it changes here.

What is new is made under a temporary name beside its target, closed to others until it is complete, and renamed over
it. A run that was cut off may leave such a file behind; the next write into that directory takes it away.
"""

import os
from collections.abc import Callable

from provision.apply.paths import shown
from provision.apply.programs import program, search_path
from provision.apply.roots import READ, Root
from provision.diagnostics import ProvisionError

TEMPORARY = ".provision-new"
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# What a program may say of its failure before it is cut.
MAX_COMPLAINT = 500


class Machine(Root):
    """A root that can be written to. Implements `operations.System`."""

    def __init__(self, host_path: str, blobs: dict[str, bytes]) -> None:
        super().__init__(host_path)
        self.blobs = blobs
        self.ids: dict[str, tuple[int, int]] = {"": (-1, -1)}

    def blob(self, key: str) -> bytes:
        """The bytes with that SHA-512 hash."""
        return self.blobs[key]

    def replace(self, path: str, content: bytes, mode: int, owner: str) -> None:
        """Put a file at a path in one rename."""
        uid, gid = self.owner_ids(owner)
        directory, name = self.place(path)
        fd = self.create(directory)
        try:
            try:
                write_all(fd, content)
                set_fd_attributes(fd, mode, uid, gid)
            finally:
                os.close(fd)
            os.rename(TEMPORARY, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            self.clear(directory)
            raise

    def create(self, directory: int) -> int:
        """The temporary file of a directory, new and readable by nobody else."""
        try:
            return os.open(TEMPORARY, CREATE, 0o600, dir_fd=directory)
        except FileExistsError:
            self.clear(directory)
            return os.open(TEMPORARY, CREATE, 0o600, dir_fd=directory)

    def clear(self, directory: int) -> None:
        """Take away what an earlier run left in a directory."""
        try:
            os.unlink(TEMPORARY, dir_fd=directory)
        except IsADirectoryError:
            os.rmdir(TEMPORARY, dir_fd=directory)
        except FileNotFoundError:
            return

    def make_directory(self, path: str, mode: int, owner: str) -> None:
        """Make a directory, or give these attributes to the one that is there."""
        if self.look(path).kind == "directory":
            self.change(path, mode, owner)
            return
        uid, gid = self.owner_ids(owner)

        def make(directory: int) -> None:
            os.mkdir(TEMPORARY, 0o700, dir_fd=directory)
            set_attributes(directory, TEMPORARY, mode, uid, gid)

        self.build(path, make)

    def make_link(self, path: str, target: str, owner: str) -> None:
        """Put a symbolic link at a path in one rename."""
        uid, gid = self.owner_ids(owner)

        def make(directory: int) -> None:
            os.symlink(target, TEMPORARY, dir_fd=directory)
            if owner:
                os.chown(TEMPORARY, uid, gid, dir_fd=directory, follow_symlinks=False)

        self.build(path, make)

    def make_hard_link(self, path: str, existing: str) -> None:
        """Put another name of an existing node at a path in one rename."""
        source, name = self.place(existing)

        def make(directory: int) -> None:
            os.link(name, TEMPORARY, src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False)

        self.build(path, make)

    def build(self, path: str, make: Callable[[int], None]) -> None:
        """Have a node made under the temporary name and give it its own when it is complete."""
        directory, name = self.place(path)
        self.clear(directory)
        try:
            make(directory)
            os.rename(TEMPORARY, name, src_dir_fd=directory, dst_dir_fd=directory)
        finally:
            # After a failure, and where both names were the same node already: rename(2) then leaves the first.
            self.clear(directory)

    def change(self, path: str, mode: int | None, owner: str) -> None:
        """Change mode and owner of a file or directory."""
        directory, name = self.place(path)
        set_attributes(directory, name, mode, *self.owner_ids(owner))

    def remove(self, path: str) -> None:
        """Take away what is at a path, a directory with all below it."""
        if path == "/":
            raise ProvisionError("the root itself is never removed")
        found = self.look(path)
        directory, name = self.place(path)
        if found.kind == "directory":
            self.empty(directory, name)
            os.rmdir(name, dir_fd=directory)
            self.forget()
        elif found.kind != "missing":
            os.unlink(name, dir_fd=directory)

    def empty(self, directory: int, name: str) -> None:
        """Take away all below a directory, its deepest nodes first."""

        def complain(error: OSError) -> None:
            raise error

        for _, folders, files, fd in os.fwalk(name, topdown=False, onerror=complain, dir_fd=directory):
            for file in files:
                os.unlink(file, dir_fd=fd)
            for folder in folders:
                remove_folder(folder, fd)

    def run(self, program_name: str, *arguments: str, stdin: str = "") -> None:
        """Run a program with `--root`. What it says is only shown where nothing secret was handed to it."""
        import subprocess

        name = program(program_name, os.environ)
        environ = {**os.environ, "PATH": search_path(os.environ), "LC_ALL": "C"}
        try:
            ended = subprocess.run(
                [name, "--root", self.host_path, *arguments],
                input=stdin.encode(), capture_output=True, env=environ, check=False,
            )  # fmt: skip
        finally:
            self.forget()
            self.ids = {"": (-1, -1)}
        if ended.returncode:
            said = "" if stdin else ended.stderr.decode(errors="replace").strip()[:MAX_COMPLAINT]
            raise ProvisionError(f"{name} ended with status {ended.returncode}" + (f": {shown(said)}" if said else ""))

    def owner_ids(self, owner: str) -> tuple[int, int]:
        """An owner as numbers, -1 for a part that is left as it is; names are looked up in the root."""
        found = self.ids.get(owner)
        if found is None:
            found = self.ids[owner] = self.accounts().ids(owner)
        return found


def set_attributes(directory: int, name: str, mode: int | None, uid: int, gid: int) -> None:
    """Give a file or directory mode and owner; None and -1 leave them."""
    fd = os.open(name, READ, dir_fd=directory)
    try:
        set_fd_attributes(fd, mode, uid, gid)
    finally:
        os.close(fd)


def set_fd_attributes(fd: int, mode: int | None, uid: int, gid: int) -> None:
    """The same for what is open. The mode comes last: a change of owner takes setuid and setgid away."""
    if (uid, gid) != (-1, -1):
        os.fchown(fd, uid, gid)
    if mode is not None:
        os.fchmod(fd, mode)


def remove_folder(name: str, directory: int) -> None:
    """Take away an empty directory, or a link to one: os.fwalk lists both as directories."""
    try:
        os.rmdir(name, dir_fd=directory)
    except NotADirectoryError:
        os.unlink(name, dir_fd=directory)


def write_all(fd: int, content: bytes) -> None:
    """Write all of it; write(2) may take less than it is given."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]
