"""Mounting below a root. Implements `operations.mounts.Mounts`."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

from provision.apply import log
from provision.apply.commands import run
from provision.apply.devices.sysfs import unescaped
from provision.apply.labels import Labels
from provision.apply.paths import WORDS, joined, shown
from provision.apply.roots import Root
from provision.diagnostics import ProvisionError
from provision.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from provision.apply.state import State

VIRTIOFS = "virtiofs"
MOUNTS = "/proc/self/mountinfo"


class Mounted(NamedTuple):
    """A line of /proc/self/mountinfo."""

    source: str
    path: str


def mounts() -> Iterator[Mounted]:
    """What is mounted in this process's view, later mounts later. Source: proc_pid_mountinfo(5)."""
    with open(MOUNTS, "rb") as file:
        for line in file:
            before, _, after = line.partition(b" - ")
            words, source = before.split(), after.split()
            if len(words) >= 5 and len(source) >= 2:
                yield Mounted(unescaped(source[1]), unescaped(words[4]))


class Mounter:
    """A root that file systems are mounted below; `state` remembers what was made for that."""

    def __init__(self, host_path: str, state: "State", names: Callable[[str], str] | None = None) -> None:
        self.host_path, self.state = os.path.realpath(host_path), state
        self.names = names
        # Told of each directory before it is made, so that a run that goes on knows whose it is.
        self.tell_made: Callable[[str], None] = lambda path: None
        # What is around the mounting of a FAT file system, given its device and where it is mounted.
        self.repair: Callable[[str, str], AbstractContextManager[None]] = lambda device, host_path: nullcontext()
        self.labels = Labels(self.host_path)

    def host(self, path: str) -> str:
        """The path of this process for a path in the root."""
        return self.host_path.rstrip("/") + (path if path != "/" else "") or "/"

    def is_mounted(self, device: str, path: str) -> bool:
        """Whether the device is what is mounted at the path."""
        here = [mounted for mounted in mounts() if mounted.path == self.host(path)]
        source = os.path.realpath(device) if device.startswith("/") else device
        return bool(here) and source in (here[-1].source, os.path.realpath(here[-1].source))

    def is_mount_point(self, path: str) -> bool:
        """Whether anything is mounted at the path."""
        return any(mounted.path == self.host(path) for mounted in mounts())

    def make_mount_point(self, path: str) -> None:
        """Make the directories that are missing; links and files on the way are refused, for they could lead out."""
        root = Root(self.host_path)
        try:
            here, fresh = "/", ""
            for name in path.strip("/").split("/") if path != "/" else ():
                step = joined(here, name)
                found = root.look(step)
                if found.kind == "missing":
                    self.tell_made(step)
                    os.mkdir(name, 0o755, dir_fd=root.directory("" if here == "/" else here))
                    os.chmod(self.host(step), 0o755)
                    self.state.directories.append(step)
                    fresh = fresh or step
                elif found.kind != "directory":
                    raise ProvisionError(f"{shown(path)}: {shown(step)} is {WORDS[found.kind]}, not a directory")
                here = step
            if fresh:
                self.labels.add(fresh)
                self.labels.apply()
        finally:
            root.close()

    def mount(self, device: str, path: str, format: str, options: tuple[str, ...]) -> None:
        """Mount a device; the top of an empty file system gets its SELinux label."""
        if self.names is not None and format != VIRTIOFS:
            device = self.names(device)
        host_path = self.host(path)
        given = ("-o", ",".join(options)) if options else ()
        with self.repair(device, host_path) if format == "vfat" else nullcontext():
            run("mount", *given, "-t", format, "--", device, host_path)
            self.state.mounted.append(path)
        if set(os.listdir(host_path)) <= {"lost+found"}:
            self.labels.add(path)
            self.labels.apply()

    def unmount(self, path: str) -> None:
        """Unmount what is at the path."""
        log.debug(f"unmounting {self.host(path)}")
        run("umount", "--", self.host(path))
        if path in self.state.mounted:
            self.state.mounted.remove(path)
