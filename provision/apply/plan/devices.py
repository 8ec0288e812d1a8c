"""A plan for block devices in the making: facts, overlaid with what has been planned so far.

While a machine is provisioned, each step is planned on fresh facts. A plan that is only read is made in one go, on
devices that do not exist yet; `Surroundings.is_forecast` says so.
"""

from collections.abc import Iterable

from provision.apply.devices import BlockDevice
from provision.apply.paths import shown


class Surroundings:
    """The devices that planners see. `refusals` are reasons not to start at all, `notes` what people should know."""

    def __init__(self, devices: Iterable[BlockDevice], *, is_forecast: bool = False) -> None:
        self.is_forecast = is_forecast
        self.refusals: list[str] = []
        self.notes: list[str] = []
        self.by_name: dict[str, BlockDevice] = {}
        self.unknown: set[str] = set()
        for device in devices:
            self.put(device)

    def put(self, device: BlockDevice) -> None:
        """Know a device, under all its names, in the place of an earlier one of these names."""
        for name in (device.path, *device.names):
            self.by_name[name] = device

    def take_away(self, path: str) -> None:
        """Know that a device will be gone."""
        for name in [name for name, device in self.by_name.items() if device.path == path]:
            del self.by_name[name]

    def all(self) -> list[BlockDevice]:
        """Every device, once, in the order of names."""
        return sorted({device.path: device for device in self.by_name.values()}.values(), key=lambda each: each.path)

    def find(self, name: str, what: str) -> BlockDevice | None:
        """The device of a name; where there is none it is refused once."""
        device = self.by_name.get(name)
        if device is None and name not in self.unknown:
            self.unknown.add(name)
            self.refuse(f"{what}: there is no device {shown(name)}")
        return device

    def partitions(self, disk: BlockDevice) -> list[BlockDevice]:
        """The partitions of a disk, by number."""
        found = [device for device in self.all() if device.kind == "partition" and device.parent == disk.path]
        return sorted(found, key=lambda device: device.number)

    def refuse(self, reason: str) -> None:
        """Keep the plan from being carried out."""
        self.refusals.append(reason)

    def note(self, remark: str) -> None:
        """Tell people something about the plan."""
        self.notes.append(remark)


def partition_path(disk: str, number: int) -> str:
    """The kernel's name of a partition: /dev/vda1, /dev/nvme0n1p1. Source: Linux, block/partitions/core.c."""
    return f"{disk}{'p' * disk[-1:].isdigit()}{number}"
