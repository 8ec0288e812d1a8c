"""The devices of a config by all their names, and where its mount units put them."""

from typing import NamedTuple

from provision.ignition import Config, Disk, Partition, Raid
from provision.schema.machine.mounts import path_of, place_of
from provision.schema.machine.texts import kind_of, whole


class Mount(NamedTuple):
    """What a mount or swap unit does with a device; `where` is None for swap."""

    unit: str
    what: str
    where: str | None


class Devices:
    """The devices of a config; of the names of one of them, one stands for all."""

    def __init__(self, config: Config) -> None:
        self.first: dict[str, str] = {}
        for disk in config.storage.disks:
            for partition in disk.partitions:
                names = names_of(disk, partition)
                self.first.update((name, names[0]) for name in names)
        for each in config.storage.filesystems:
            tags = {"label": each.label, "uuid": each.uuid}
            self.first.update(
                (f"/dev/disk/by-{tag}/{value}", self.one(each.device)) for tag, value in tags.items() if value
            )

    def one(self, name: str) -> str:
        """The one name of a device."""
        return self.first.get(name, name)


def names_of(disk: Disk, partition: Partition) -> list[str]:
    """The paths by which a partition is known."""
    found = [f"/dev/disk/by-partlabel/{partition.label}"] if partition.label else []
    if partition.number:
        by_link = "-part" if disk.device.startswith("/dev/disk/") else ""
        joint = by_link or ("p" if disk.device[-1:].isdigit() else "")
        found.append(f"{disk.device}{joint}{partition.number}")
    return found + ([f"/dev/disk/by-partuuid/{partition.guid.lower()}"] if partition.guid else [])


def raid_device(raid: Raid) -> str:
    """Where an array is found."""
    return raid.name if raid.name.startswith("/dev/") else f"/dev/md/{raid.name}"


def mounts_of(config: Config) -> list[Mount]:
    """What the mount and swap units of a config do, with its drop-ins; masked ones do nothing."""
    found = []
    for unit in config.systemd.units:
        if kind_of(unit.name) not in ("mount", "swap") or unit.mask:
            continue
        read = whole(unit)
        where = place_of(read, "mount") if kind_of(unit.name) == "mount" else None
        what = read.unit.last("Swap" if where is None else "Mount", "What")
        path = path_of(what.value) if what else None
        if path:
            found.append(Mount(unit.name, path, path_of(where.value) if where else None))
    return found
