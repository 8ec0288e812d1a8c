"""storage.raid. Source: Ignition, `internal/exec/stages/disks/raid.go`.

An array that is there already, whole and as the config wants it, is taken as it is: Ignition makes it anew over the same
members, which leaves what it holds where it is, too.
"""

from collections.abc import Callable, Iterator

from provision.apply.devices import ArrayMember, BlockDevice
from provision.apply.operations.raid import AssembleArray, CreateArray, array_path
from provision.apply.paths import shown
from provision.apply.plan.devices import Surroundings
from provision.ignition import Config, Raid

# What an array of n members holds, in members. Source: md(4).
CAPACITY: dict[str, Callable[[int], float]] = {
    "linear": lambda count: count,
    "raid0": lambda count: count,
    "raid1": lambda count: 1,
    "raid4": lambda count: count - 1,
    "raid5": lambda count: count - 1,
    "raid6": lambda count: count - 2,
    "raid10": lambda count: count / 2,
}
SYNONYMS = {
    "0": "raid0", "stripe": "raid0", "1": "raid1", "mirror": "raid1", "4": "raid4", "5": "raid5", "6": "raid6", "10": "raid10",
}  # fmt: skip


def plan_arrays(config: Config, surroundings: Surroundings) -> Iterator[CreateArray | AssembleArray]:
    """One operation for each array."""
    for raid in config.storage.raid:
        place = f"storage.raid {shown(raid.name)}"
        found = [surroundings.find(name, place) for name in raid.devices]
        members = [device for device in found if device is not None]
        is_whole = len(members) == len(raid.devices) and is_there(raid, members)
        for device in members:
            if device.used_by and not is_whole:
                surroundings.refuse(f"{place}: {device.path} is in use ({', '.join(map(shown, device.used_by))})")
        if len(members) < len(raid.devices):
            continue
        if is_whole:
            yield AssembleArray(name=raid.name, devices=tuple(raid.devices)).at(raid)
            surroundings.put(made(raid, members))
            continue
        yield CreateArray(
            name=raid.name, level=raid.level or "", devices=tuple(raid.devices), spares=raid.spares or 0,
            options=raid.options,
        ).at(raid)  # fmt: skip
        surroundings.put(made(raid, members))


def is_there(raid: Raid, members: list[BlockDevice]) -> bool:
    """Whether the devices are all members of one array, which is the one that the config describes."""
    first = members[0].member if members else ArrayMember()
    level = SYNONYMS.get(raid.level or "", raid.level or "")
    active = len(members) - (raid.spares or 0)
    return (
        all(device.member.uuid == first.uuid for device in members)
        and (first.name, first.level, first.count) == (base_name(raid.name), level, active)
        and first.has_run
    )


def base_name(name: str) -> str:
    """The name of an array without the folder of its device."""
    return name.rpartition("/")[2]


def made(raid: Raid, members: list[BlockDevice]) -> BlockDevice:
    """The array as it will be. Its size is what the members give, less what the metadata will take."""
    level = SYNONYMS.get(raid.level or "", raid.level or "")
    active = len(members) - (raid.spares or 0)
    smallest = min((device.size for device in members), default=0)
    path = array_path(raid.name)
    return BlockDevice(
        path=path, names=(f"/dev/disk/by-id/md-name-any:{base_name(raid.name)}",), kind="raid",
        size=int(smallest * CAPACITY.get(level, CAPACITY["raid1"])(active)),
        sector_size=max((device.sector_size for device in members), default=512),
        disks=tuple(sorted({disk for device in members for disk in device.disks or (device.path,)})),
    )  # fmt: skip
