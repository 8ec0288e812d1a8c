"""The one door to the machine: all that the applier changes, it changes here.

What is new is made under a temporary name beside its target, closed to others until it is complete, and renamed over
it. A run that was cut off may leave such a file behind; the next write into that directory takes it away.
"""

import os
import threading
from collections.abc import Callable

from provision.apply.commands import run
from provision.apply.fetching import Fetching
from provision.apply.paths import parent_of, shown
from provision.apply.programs import HOMES, PASSWD, setting
from provision.apply.roots import READ, Root
from provision.apply.sources import shown_url
from provision.apply.syncing import sync_filesystem
from provision.contents import Room, sha512
from provision.diagnostics import ProvisionError
from provision.ignition import Resource
from provision.typed import BinaryIO

TEMPORARY = ".provision-new"
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE_READABLE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
COPY_BYTES = 1 << 20


class Machine(Root):
    """A root that can be written to. Implements `operations.System`."""

    def __init__(self, host_path: str, blobs: dict[str, bytes], fetching: Fetching | None = None) -> None:
        super().__init__(host_path)
        self.blobs, self.fetching = blobs, fetching
        self.lock = threading.Lock()
        self.ids: dict[str, tuple[int, int]] = {"": (-1, -1)}
        # Directories in which something was changed.
        self.changed: set[str] = set()
        # Whether a program changed what only it knows.
        self.has_run = False

    def place_to_change(self, path: str) -> tuple[int, str]:
        """`place` of what is changed."""
        self.changed.add(path.rpartition("/")[0])
        return self.place(path)

    def sync(self) -> None:
        """Wait until all changes are on the disks: one call for each file system, not one for each file."""
        with self.lock:
            self.sync_changed()

    def sync_changed(self) -> None:
        """The same, while nothing else is changed."""
        if self.has_run:
            os.sync()
            self.has_run = False
        synced: set[int] = set()
        unreadable: set[int] = set()
        for path in sorted(self.changed):
            try:
                directory, name = self.place(path)
                device = os.stat(name, dir_fd=directory, follow_symlinks=False).st_dev
                if device in synced:
                    continue
                fd = os.open(name, READ | os.O_DIRECTORY, dir_fd=directory)
            except (FileNotFoundError, NotADirectoryError):
                continue  # taken away since
            except PermissionError:
                unreadable.add(device)
                continue
            try:
                sync_filesystem(fd)
            except OSError as error:
                raise ProvisionError(
                    f"{shown(path or '/')}: what was written did not reach the disk: {error.strerror}; look at the kernel's log"
                ) from error
            finally:
                os.close(fd)
            synced.add(device)
        if unreadable - synced:
            os.sync()
        self.changed.clear()

    def blob(self, key: str) -> bytes:
        """The bytes with that SHA-512 hash."""
        return self.blobs[key]

    def replace(self, path: str, content: bytes, mode: int, owner: str) -> None:
        """Put a file at a path in one rename."""
        uid, gid = self.owner_ids(owner)
        directory, name = self.place_to_change(path)
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

    def stream(self, path: str, fill: Callable[[BinaryIO], None], mode: int, owner: str, *, keeps: bool) -> None:
        """Put a file at a path in one rename, with content that `fill` writes. Several threads may do this at once."""
        with self.lock:
            uid, gid = self.owner_ids(owner)
            shared, name = self.place_to_change(path)
            directory = os.dup(shared)
        # A name of its own, the same in every run, so that nothing is left behind for good.
        temporary = f"{TEMPORARY}-{sha512(name.encode(errors='surrogateescape'))[:16]}"
        try:
            remove_file(temporary, directory)
            fd = os.open(temporary, CREATE_READABLE, 0o600, dir_fd=directory)
            # Without a buffer: what comes is large, and a full disk shows where it can be told.
            with open(fd, "w+b", buffering=0) as file:
                if keeps:
                    copy_content(name, directory, file)
                fill(file)
                set_fd_attributes(fd, mode, uid, gid)
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            remove_file(temporary, directory)
            raise
        finally:
            os.close(directory)

    def fetch_into(self, resource: Resource, file: BinaryIO) -> None:
        """Write the verified content of a remote resource at the end of an open file."""
        if self.fetching is None:
            raise ProvisionError(f"{shown_url(resource.source or '')} is not fetched: this run is offline")
        room = os.fstatvfs(file.fileno())
        # What is kept back for root is there for root.
        blocks = room.f_bfree if os.geteuid() == 0 else room.f_bavail
        self.fetching.save(resource, file, limit=Room(blocks * room.f_frsize))

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
        directory, name = self.place_to_change(path)
        self.clear(directory)
        try:
            make(directory)
            os.rename(TEMPORARY, name, src_dir_fd=directory, dst_dir_fd=directory)
        finally:
            # After a failure, and where both names were the same node already: rename(2) then leaves the first.
            self.clear(directory)

    def change(self, path: str, mode: int | None, owner: str) -> None:
        """Change mode and owner of a file or directory."""
        directory, name = self.place_to_change(path)
        self.changed.add(path)  # which may be where a file system is mounted
        set_attributes(directory, name, mode, *self.owner_ids(owner))

    def remove(self, path: str) -> None:
        """Take away what is at a path, a directory with all below it."""
        if path == "/":
            raise ProvisionError("the root itself is never removed")
        found = self.look(path)
        if found.kind == "missing":
            return
        directory, name = self.place_to_change(path)
        if found.kind == "directory":
            self.empty(directory, name)
            os.rmdir(name, dir_fd=directory)
            self.forget()
        else:
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
        try:
            run(program_name, "--root", self.host_path, *arguments, stdin=stdin.encode(), secret=bool(stdin))
        finally:
            self.has_run = True
            self.forget()
            self.ids = {"": (-1, -1)}
            self.changed.update(filter(None, map(self.directory_at, (parent_of(PASSWD), HOMES))))

    def directory_at(self, path: str) -> str | None:
        """The true path of a directory; None where there is none."""
        try:
            true_path = self.resolve(path, follow=True)
        except ProvisionError:
            return None
        return true_path if self.look(true_path).kind == "directory" else None

    @property
    def hashes_are_arguments(self) -> bool:
        """Whether the programs for users take hashes of passwords as arguments (for stubs that know nothing else)."""
        return setting("PROVISION_PASSWORD_PROGRAM", os.environ) == "usermod"

    def set_password(self, user: str, password: str) -> None:
        """Set the hash of a user's password: through the input of chpasswd, so that no other process sees it."""
        if self.hashes_are_arguments:
            self.run("usermod", "--password", password, "--", user)
        else:
            self.run("chpasswd", "--encrypted", stdin=f"{user}:{password}\n")

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


def remove_file(name: str, directory: int) -> None:
    """Take away a file that may not be there."""
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return


def copy_content(name: str, directory: int, file: BinaryIO) -> None:
    """Begin a file with the content of another."""
    with open(os.open(name, READ, dir_fd=directory), "rb") as old:
        while piece := old.read(COPY_BYTES):
            write_all(file.fileno(), piece)


def remove_folder(name: str, directory: int) -> None:
    """Take away an empty directory, or a link to one: os.fwalk lists both as directories."""
    try:
        os.rmdir(name, dir_fd=directory)
    except NotADirectoryError:
        os.unlink(name, dir_fd=directory)


def write_all(fd: int, content: bytes) -> None:
    """Write all of it; write(2) may take less than it is given."""
    written = os.write(fd, content)
    while written < len(content):
        written += os.write(fd, memoryview(content)[written:])
