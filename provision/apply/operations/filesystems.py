"""Acts that make file systems. Source: Ignition, `internal/exec/stages/disks/filesystems.go`."""

from collections.abc import Callable

from provision.apply.devices import VFAT_ID
from provision.apply.operations.devices import DeviceAct, Devices
from provision.apply.paths import shown
from provision.record import field

Options = Callable[[str], tuple[str, ...]]


class Maker:
    """How one format is made: its program, what makes it take a device that holds something, and its spelling of options."""

    def __init__(self, program: str, force: tuple[str, ...], uuid: Options, label: Options) -> None:
        self.program, self.force, self.uuid, self.label = program, force, uuid, label


def option(name: str, prefix: str = "") -> Options:
    """An option that takes a value."""
    return lambda value: (name, prefix + value)


MAKERS = {
    "btrfs": Maker("mkfs.btrfs", ("--force",), option("-U"), option("-L")),
    "ext4": Maker("mkfs.ext4", ("-F",), option("-U"), option("-L")),
    "xfs": Maker("mkfs.xfs", ("-f",), option("-m", "uuid="), option("-L")),
    "swap": Maker("mkswap", ("-f",), option("-U"), option("-L")),
    # It never asks before it destroys. Its id is set at the end: nothing else tells a whole one from a half-made one.
    "vfat": Maker("mkfs.vfat", ("-i", VFAT_ID), lambda _: (), option("-n")),
}


class MakeFilesystem(DeviceAct):
    """Take away what a device holds and make a file system on it; the format `none` only takes away."""

    device: str = field(doc="The device.")
    format: str = field(doc="One of MAKERS, or none.")
    label: str = field(default="", doc="Label; empty for none.")
    uuid: str = field(
        default="", doc="UUID in small letters, for vfat without its dash; empty lets the program choose."
    )
    options: tuple[str, ...] = field(default=(), doc="The author's options for the program.")
    busy: tuple[str, ...] = field(default=(), doc="The disks that it writes to.")

    @property
    def lanes(self) -> tuple[str, ...]:
        return self.busy or (self.device,)

    def describe(self) -> str:
        if self.format == "none":
            return f"wipe what {shown(self.device)} holds"
        label = f", label {shown(self.label)}" if self.label else ""
        uuid = f", uuid {self.uuid}" if self.uuid else ""
        return f"make {self.format} on {shown(self.device)}{label}{uuid}"

    def execute(self, system: Devices) -> None:
        device = system.wait_for(self.device)
        system.run("wipefs", "--all", device)
        maker = MAKERS.get(self.format)
        if maker is not None:
            system.run(
                maker.program, *maker.force, *self.options, *(maker.uuid(self.uuid) if self.uuid else ()),
                *(maker.label(self.label) if self.label else ()), device,
            )  # fmt: skip
            system.flush(device)
        if self.format == "vfat":
            system.finish_vfat(device, self.uuid)
        system.settle(device)
