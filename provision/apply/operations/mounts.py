"""Acts that mount and unmount file systems below a root. Source: Ignition, `internal/exec/stages/{mount,umount}`."""

from provision.apply.operations import Act
from provision.apply.paths import shown
from provision.record import field
from provision.typed import Protocol


class Mounts(Protocol):
    """What these acts ask of the machine. Paths are true ones in the root."""

    def is_mounted(self, device: str, path: str) -> bool:
        """Whether the device is what is mounted at the path."""

    def is_mount_point(self, path: str) -> bool:
        """Whether anything is mounted at the path."""

    def make_mount_point(self, path: str) -> None:
        """Make the directories that are missing, and remember them; ProvisionError where the path is no directory."""

    def mount(self, device: str, path: str, format: str, options: tuple[str, ...]) -> None:
        """Mount a device."""

    def unmount(self, path: str) -> None:
        """Unmount what is at the path."""


class Mount(Act[Mounts]):
    """Mount a file system, at a directory that is made if need be."""

    device: str = field(doc="The device, by any name; the tag of a virtiofs.")
    path: str = field(doc="True path in the root.")
    format: str = field(doc="As mount(8) names it.")
    options: tuple[str, ...] = field(default=(), doc="Mount options.")

    def describe(self) -> str:
        options = f" ({shown(','.join(self.options))})" if self.options else ""
        return f"mount {shown(self.device)} at {shown(self.path)} as {self.format}{options}"

    def done(self, reader: Mounts) -> bool:
        return reader.is_mounted(self.device, self.path)

    def execute(self, system: Mounts) -> None:
        system.make_mount_point(self.path)
        system.mount(self.device, self.path, self.format, self.options)


class Unmount(Act[Mounts]):
    """Unmount a file system."""

    path: str = field(doc="True path in the root.")

    def describe(self) -> str:
        return f"unmount {shown(self.path)}"

    def done(self, reader: Mounts) -> bool:
        return not reader.is_mount_point(self.path)

    def execute(self, system: Mounts) -> None:
        system.unmount(self.path)
