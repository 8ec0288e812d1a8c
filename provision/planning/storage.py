"""What becomes of arrays, volumes and file systems, and what is mounted while files are written. Pure."""

from collections.abc import Callable, Iterator

from provision.apply.devices import BlockDevice
from provision.apply.operations import Act
from provision.apply.operations.mounts import Mount
from provision.apply.operations.raid import AssembleArray, array_path
from provision.apply.paths import shown
from provision.apply.plan import filesystems, luks
from provision.apply.plan.devices import Surroundings
from provision.apply.plan.filesystems import block_filesystems, plan_filesystems
from provision.apply.plan.luks import plan_volumes
from provision.apply.plan.mounts import plan_mounts
from provision.apply.plan.raid import plan_arrays
from provision.ignition import Config, Filesystem, Luks, Raid, Storage
from provision.planning.known import KnownDevices
from provision.planning.losses import Loss, disk_losses
from provision.planning.machine import Machine
from provision.typed import Any, Literal, NamedTuple

Action = Literal["keep", "make", "refuse", "unknown"]
UNSEEN = "what the volume holds shows only when it is open"


class ThingPlan(NamedTuple):
    """What becomes of an array, a volume or a file system, and why. `device` is what the config calls it or lies on."""

    record: Raid | Luks | Filesystem
    device: str
    action: Action
    reason: str
    operations: tuple[Act[Any], ...] = ()
    losses: tuple[Loss, ...] = ()


class MountPlan(NamedTuple):
    """A file system that is mounted while files are written, and what its directory shows then.

    `fresh`: nothing; `seen`: what was recorded there; `unseen`: nobody knows.
    """

    operation: Mount
    shows: Literal["fresh", "seen", "unseen"]


def alone(config: Config, **lists: tuple[Any, ...]) -> Config:
    """A config with one entry of one list of its storage."""
    return config.changed(storage=Storage(**lists))


def judged(
    planner: Callable[[Config, Surroundings], Iterator[Act[Any]]], config: Config, known: KnownDevices
) -> tuple[tuple[Act[Any], ...], list[str]]:
    """What a planner does, and why it does not."""
    told = len(known.refusals)
    return tuple(planner(config, known)), known.refusals[told:]


def losses_on(device: BlockDevice, known: KnownDevices, why: str) -> tuple[Loss, ...]:
    """What a device holds that gets something new; it holds nothing of before then."""
    if device.path in known.sealed:
        known.sealed.discard(device.path)
        return (Loss("content", device.path, UNSEEN, why),)
    found = () if device.path in known.fresh else tuple(disk_losses(device, known.partitions(device), why))
    known.fresh.add(device.path)
    return found


# ---- arrays ---------------------------------------------------------------------------------------------------------


def plan_raid(config: Config, known: KnownDevices) -> Iterator[ThingPlan]:
    """Arrays that are taken as they are, or made."""
    for raid in config.storage.raid:
        path = array_path(raid.name)
        running = known.by_name.get(path)
        missing = next((known.pending[name] for name in raid.devices if name in known.pending), "")
        members = [device for name in raid.devices if (device := known.by_name.get(name)) is not None]
        operations, reasons = judged(plan_arrays, alone(config, raid=(raid,)), known)
        if reasons or missing:
            known.pending[path] = f"the array {shown(raid.name)} is not settled"
            yield ThingPlan(
                raid,
                path,
                "refuse" if reasons else "unknown",
                bare(reasons, f"storage.raid {shown(raid.name)}") or missing,
            )
            continue
        if any(isinstance(operation, AssembleArray) for operation in operations):
            reopen(path, running, known)
            yield ThingPlan(raid, path, "keep", "its members hold it, as the config wants it", operations)
            continue
        why = f"becomes a member of {shown(raid.name)}"
        losses = tuple(loss for device in members for loss in losses_on(device, known, why))
        known.fresh.add(path)
        yield ThingPlan(raid, path, "make", "its members do not hold it yet", operations, losses)


# ---- volumes --------------------------------------------------------------------------------------------------------


def plan_luks(config: Config, known: KnownDevices) -> Iterator[ThingPlan]:
    """Volumes that are reused or made."""
    for volume in config.storage.luks:
        name, path = volume.device or "", f"/dev/mapper/{volume.name}"
        if name in known.pending:
            known.pending[path] = known.pending[name]
            yield ThingPlan(volume, name, "unknown", known.pending[name])
            continue
        device, opened = known.by_name.get(name), known.by_name.get(path)
        operations, reasons = judged(plan_volumes, alone(config, luks=(volume,)), known)
        if reasons or device is None:
            known.pending[path] = f"the volume {shown(volume.name)} is not settled"
            yield ThingPlan(
                volume, name, "refuse", bare(reasons, f"storage.luks {shown(volume.name)}") or "it has no device"
            )
            continue
        verdict = luks.judge(volume, device)
        if verdict.action == "keep":
            reopen(path, opened, known)
            yield ThingPlan(volume, name, "keep", verdict.reason, operations)
            continue
        losses = losses_on(device, known, f"volume {shown(volume.name)}: {verdict.reason}")
        known.fresh.add(path)
        yield ThingPlan(volume, name, "make", verdict.reason, operations, losses)


def reopen(path: str, opened: BlockDevice | None, known: KnownDevices) -> None:
    """Know what an array or volume that is kept holds, if it was open when the facts were recorded."""
    device = known.by_name[path]
    if opened is not None and not opened.remark:
        known.put(device.changed(signatures=opened.signatures, table=opened.table, used_by=opened.used_by))
    else:
        known.sealed.add(device.path)


# ---- file systems ---------------------------------------------------------------------------------------------------


def plan_formats(config: Config, known: KnownDevices) -> Iterator[ThingPlan]:
    """File systems that are kept or made, in the order of the config."""
    on_blocks = [id(each) for each in block_filesystems(config)]
    for filesystem in config.storage.filesystems:
        if id(filesystem) in on_blocks:
            yield plan_format(filesystem, config, known)
        else:
            yield ThingPlan(filesystem, filesystem.device, "keep", "the config says nothing of what it holds")


def plan_format(filesystem: Filesystem, config: Config, known: KnownDevices) -> ThingPlan:
    """One file system on a device."""
    name = filesystem.device
    if name in known.pending:
        return ThingPlan(filesystem, name, "unknown", known.pending[name])
    device = known.by_name.get(name)
    if device is not None and device.path in known.sealed and not filesystem.wipe_filesystem:
        known.note(f"{shown(name)}: {UNSEEN}; whether the file system is kept cannot be told before")
        return ThingPlan(filesystem, name, "unknown", UNSEEN)
    operations, reasons = judged(plan_filesystems, alone(config, filesystems=(filesystem,)), known)
    if device is None or reasons:
        return ThingPlan(
            filesystem, name, "refuse", bare(reasons, shown(name), "storage.filesystems") or "there is no such device"
        )
    verdict = filesystems.judge(filesystem, device)
    if verdict.action == "keep":
        return ThingPlan(filesystem, name, "keep", verdict.reason)
    losses = losses_on(device, known, verdict.reason.partition(";")[0])
    return ThingPlan(filesystem, name, "make", verdict.reason, operations, losses)


def bare(reasons: list[str], *places: str) -> str:
    """Reasons without the place that stands beside them anyway."""
    for place in places:
        reasons = [reason.removeprefix(f"{place}: ") for reason in reasons]
    return "; ".join(reasons)


# ---- mounts ---------------------------------------------------------------------------------------------------------


def plan_views(
    config: Config, formats: tuple[ThingPlan, ...], machine: Machine, known: KnownDevices
) -> Iterator[MountPlan]:
    """What is mounted, and what was recorded of it: that of devices which were mounted there then."""
    actions = {id(plan.record): plan.action for plan in formats}
    by_place = {(each.device, each.path): actions.get(id(each), "unknown") for each in config.storage.filesystems}
    for operation in plan_mounts(config):
        action = by_place.get((operation.device, operation.path), "unknown")
        device = known.by_name.get(operation.device)
        here = machine.root_path.rstrip("/") + operation.path.rstrip("/") or "/"
        if action == "make":
            yield MountPlan(operation, "fresh")
        elif device is not None and here in machine.uses.get(device.path, device.used_by):
            yield MountPlan(operation, "seen")
        else:
            yield MountPlan(operation, "unseen")
