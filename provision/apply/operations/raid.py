"""Acts on software RAID, by mdadm. Source: Ignition, `internal/exec/stages/disks/raid.go`."""

from provision.apply.operations.devices import DeviceAct, Devices
from provision.apply.paths import shown
from provision.record import field


class CreateArray(DeviceAct):
    """Make an array of devices; what they held is given up."""

    name: str = field(doc="Name, or path below /dev.")
    level: str = field(doc="As mdadm names it.")
    devices: tuple[str, ...] = field(default=(), doc="Members, the spares last.")
    spares: int = field(default=0, doc="How many of them are spares.")
    options: tuple[str, ...] = field(default=(), doc="The author's options for mdadm.")

    def describe(self) -> str:
        spares = f" and {self.spares} spare{'s' * (self.spares != 1)}" if self.spares else ""
        count = len(self.devices) - self.spares
        return f"make {self.level} {shown(self.name)} of {count} devices{spares}: {' '.join(map(shown, self.devices))}"

    def execute(self, system: Devices) -> None:
        spares = ("--spare-devices", str(self.spares)) if self.spares else ()
        system.run(
            "mdadm", "--create", array_path(self.name), "--force", "--run", "--homehost", "any", "--level", self.level,
            "--raid-devices", str(len(self.devices) - self.spares), *spares, *self.options,
            *(system.wait_for(device) for device in self.devices),
        )  # fmt: skip
        system.settle(system.wait_for(array_path(self.name)))


class AssembleArray(DeviceAct):
    """Start an array that its members say they are of; what it holds stays."""

    name: str = field(doc="Name, or path below /dev.")
    devices: tuple[str, ...] = field(default=(), doc="Members.")

    def describe(self) -> str:
        return f"start the existing array {shown(self.name)} of {' '.join(map(shown, self.devices))}"

    def done(self, reader: Devices) -> bool:
        return reader.exists(array_path(self.name))

    def execute(self, system: Devices) -> None:
        system.run(
            "mdadm", "--assemble", array_path(self.name), "--run",
            *(system.wait_for(device) for device in self.devices),
        )  # fmt: skip
        system.settle(system.wait_for(array_path(self.name)))


def array_path(name: str) -> str:
    """The device of an array."""
    return name if name.startswith("/dev") else f"/dev/md/{name}"
