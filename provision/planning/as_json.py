"""A forecast as plain values: the JSON of `provision plan --json`. Keys stay; new ones may come with the same version.

- `version`: 1; `machine`: what was looked at; `rootAssumed`: whether nothing is known of the root
- `disks`: device, path (null where there is none), `refused`, `before` and `after` (partitions by place: number, label,
  start, size in sectors, sizeBytes, typeGuid, guid, holds) and `partitions` (number, label, action, reason, before, after,
  destroys); action is keep, make, replace, resize, delete, absent or refuse
- `arrays`, `volumes`, `filesystems`: name (not of file systems), device, action (keep, make, refuse or unknown), reason,
  destroys; `filesystems` also format and path
- `mounts`: device, path, format, options; `kernelArguments`: shouldExist, shouldNotExist
- `users`, `groups`: name, action (make, change, keep, delete, absent or refuse), changes, destroys
- `files`: path, kind, action (make, replace, append, change, keep or refuse), mode, owner, size (of what is written),
  target, sources, changes, destroys
- `units`: name, action (of its file; null where the config has none; also mask and unmask), state, dropins, destroys;
  `presets`: the lines that are added
- `fetches`: source, for
- `operations`, in their order: act, description, subject, destroys
- `destroyed`: kind, subject, holds, why
- `refusals`, `notes`: texts
"""

from collections.abc import Iterable

from provision.apply.devices import TableEntry
from provision.ignition import Filesystem, Luks, Raid
from provision.planning.accounts import AccountPlan
from provision.planning.disks import DiskPlan, PartitionPlan
from provision.planning.drawing import contents_after
from provision.planning.forecast import Forecast, Priced
from provision.planning.rows import NodePlan, UnitPlan, octal
from provision.planning.storage import ThingPlan
from provision.typed import Any

VERSION = 1


def as_plain(forecast: Forecast) -> dict[str, Any]:
    """All of it."""
    arguments = forecast.kernel_arguments
    return {
        "version": VERSION,
        "machine": forecast.machine.title,
        "rootAssumed": forecast.machine.is_assumed,
        "disks": [disk_plain(disk, forecast) for disk in forecast.disks],
        "arrays": [thing_plain(plan) for plan in forecast.arrays],
        "volumes": [thing_plain(plan) for plan in forecast.volumes],
        "filesystems": [thing_plain(plan) for plan in forecast.filesystems],
        "mounts": [
            {"device": act.device, "path": act.path, "format": act.format, "options": list(act.options)}
            for act in (mount.operation for mount in forecast.mounts)
        ],
        "kernelArguments": {
            "shouldExist": list(arguments.should_exist) if arguments is not None else [],
            "shouldNotExist": list(arguments.should_not_exist) if arguments is not None else [],
        },
        "users": [account_plain(plan) for plan in forecast.users],
        "groups": [account_plain(plan) for plan in forecast.groups],
        "files": [node_plain(plan) for plan in forecast.nodes],
        "units": [unit_plain(plan) for plan in forecast.units],
        "presets": list(forecast.presets),
        "fetches": [{"source": fetch.source, "for": fetch.what} for fetch in forecast.fetches],
        "operations": [operation_plain(priced) for priced in forecast.operations],
        "destroyed": [loss._asdict() for loss in forecast.destroyed],
        "refusals": list(forecast.refusals),
        "notes": list(forecast.notes),
    }


def disk_plain(disk: DiskPlan, forecast: Forecast) -> dict[str, Any]:
    """A disk."""
    device = disk.device
    sector = device.sector_size if device is not None else 0
    later = contents_after(disk, forecast)
    return {
        "device": disk.disk.device, "path": device.path if device is not None else None, "refused": disk.is_refused,
        "before": [{**entry_plain(entry, sector), "holds": disk.held.get(entry.number) or None} for entry in disk.before],
        "after": [{**entry_plain(entry, sector), "holds": later.get(entry.number) or None} for entry in disk.after],
        "partitions": [partition_plain(plan, sector) for plan in disk.partitions],
    }  # fmt: skip


def entry_plain(entry: TableEntry, sector_size: int) -> dict[str, Any]:
    """A partition as a table has it."""
    return {
        "number": entry.number, "label": entry.label, "start": entry.start, "size": entry.size,
        "sizeBytes": entry.size * sector_size, "typeGuid": entry.type_guid or None, "guid": entry.guid or None,
    }  # fmt: skip


def partition_plain(plan: PartitionPlan, sector_size: int) -> dict[str, Any]:
    """What becomes of a partition."""
    shown = plan.after or plan.before
    return {
        "number": plan.number, "label": shown.label if shown is not None else "", "action": plan.action,
        "reason": plan.reason,
        "before": entry_plain(plan.before, sector_size) if plan.before is not None else None,
        "after": entry_plain(plan.after, sector_size) if plan.after is not None else None,
        "destroys": plan.lost is not None,
    }  # fmt: skip


def thing_plain(plan: ThingPlan) -> dict[str, Any]:
    """An array, a volume or a file system."""
    record = plan.record
    named: dict[str, Any] = {"name": record.name} if isinstance(record, Raid | Luks) else {}
    of_format = {"format": record.format, "path": record.path} if isinstance(record, Filesystem) else {}
    return {
        **named, "device": plan.device, **of_format, "action": plan.action, "reason": plan.reason,
        "destroys": bool(plan.losses),
    }  # fmt: skip


def account_plain(plan: AccountPlan) -> dict[str, Any]:
    """A user or group."""
    return {
        "name": plan.name, "action": plan.action, "changes": list(plan.words), "destroys": plan.lost is not None,
    }  # fmt: skip


def node_plain(plan: NodePlan) -> dict[str, Any]:
    """A file, directory or link."""
    return {
        "path": plan.path, "kind": plan.kind, "action": plan.action,
        "mode": None if plan.mode is None or plan.kind in ("link", "hard link") else octal(plan.mode),
        "owner": plan.owner or None, "size": plan.size, "target": plan.target or None, "sources": list(plan.sources),
        "changes": list(plan.changes), "destroys": plan.lost is not None,
    }  # fmt: skip


def unit_plain(plan: UnitPlan) -> dict[str, Any]:
    """A unit."""
    return {
        "name": plan.name, "action": plan.action or None, "state": plan.state or None,
        "dropins": [{"name": name, "action": action} for name, action in plan.dropins], "destroys": bool(plan.losses),
    }  # fmt: skip


def operation_plain(priced: Priced) -> dict[str, Any]:
    """An operation: what it does, to what, in the words that the applier has for it."""
    act = priced.operation
    return {
        "act": type(act).__name__, "description": act.describe(), "subject": subject_of(act),
        "destroys": bool(priced.losses),
    }  # fmt: skip


def subject_of(act: object) -> str:
    """What an operation is on: a device, a path, a user."""
    return next((value for value in values(act, ("path", "device", "name")) if value), "")


def values(act: object, names: Iterable[str]) -> Iterable[str]:
    """The fields of an operation that may name its subject."""
    return (getattr(act, name, "") for name in names)
