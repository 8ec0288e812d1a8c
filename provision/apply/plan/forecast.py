"""What would become of a machine's disks, planned in one go from facts; and what of all that exists would be given up."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from provision.apply.devices import BlockDevice
from provision.apply.operations.devices import DeviceAct
from provision.apply.operations.filesystems import MakeFilesystem
from provision.apply.operations.luks import FormatVolume
from provision.apply.operations.partitions import ChangePartitions, WipeTable
from provision.apply.operations.raid import CreateArray
from provision.apply.paths import shown
from provision.apply.plan.devices import Surroundings
from provision.apply.plan.filesystems import holding, plan_filesystems
from provision.apply.plan.luks import plan_volumes
from provision.apply.plan.partitions import plan_partitions
from provision.apply.plan.raid import plan_arrays
from provision.ignition import Config


class Forecast(NamedTuple):
    """The acts of the stage `disks`, what they would destroy in words, and the devices as they would be."""

    acts: tuple[DeviceAct, ...]
    destroyed: tuple[str, ...]
    surroundings: Surroundings


def forecast(config: Config, devices: Iterable[BlockDevice]) -> Forecast:
    """Plan all of a config's disks on the devices of which the facts are known."""
    surroundings = Surroundings(devices, is_forecast=True)
    acts: list[DeviceAct] = []
    destroyed: list[str] = []
    for planner in (plan_partitions, plan_arrays, plan_volumes, plan_filesystems):
        # Planners change the surroundings only after an act was taken from them: here they are as before it.
        for act in planner(config, surroundings):
            acts.append(act)
            destroyed += erased_by(act, surroundings)
    return Forecast(tuple(acts), tuple(dict.fromkeys(destroyed)), surroundings)


def erased_by(act: DeviceAct, surroundings: Surroundings) -> Iterator[str]:
    """What an act destroys, in words; nothing for what only makes something of blank space."""
    if isinstance(act, WipeTable):
        disk = surroundings.by_name.get(act.device)
        if disk is not None and (disk.table.kind or disk.signatures):
            count = len(disk.table.entries)
            what = f"its {disk.table.kind} table with {count} partition{'s' * (count != 1)}" if disk.table.kind else holding(disk.signatures[0])
            yield f"{disk.path}: {what}"
    elif isinstance(act, ChangePartitions):
        yield from erased_partitions(act, surroundings)
    elif isinstance(act, CreateArray):
        for name in act.devices:
            yield from held_by(name, surroundings)
    elif isinstance(act, (MakeFilesystem, FormatVolume)):
        yield from held_by(act.device, surroundings)


def erased_partitions(act: ChangePartitions, surroundings: Surroundings) -> Iterator[str]:
    """The partitions that are deleted, or made anew elsewhere."""
    disk = surroundings.by_name.get(act.device)
    if disk is None:
        return
    parts = {part.number: part for part in surroundings.partitions(disk)}
    starts = {new.number: new.start for new in act.creates}
    for number in map(int, act.deletes):
        entry = disk.table.entry(number)
        if entry is None or starts.get(number) == entry.start:
            continue
        part = parts.get(number)
        content = f", {holding(part.signatures[0])}" if part is not None and part.signatures else ""
        yield f"{act.nodes}{number}: partition {shown(entry.label) or number}{content}"


def held_by(name: str, surroundings: Surroundings) -> Iterator[str]:
    """What a device holds that is made anew."""
    device = surroundings.by_name.get(name)
    if device is not None and device.signatures:
        yield f"{device.path}: {holding(device.signatures[0])}"
    elif device is not None and device.table.kind:
        yield f"{device.path}: its {device.table.kind} partition table"
