"""storage.disks: what becomes of each partition. Source: Ignition, `internal/exec/stages/disks/partitions.go`."""

from collections.abc import Iterator

from provision.apply.devices import ArrayMember, BlockDevice, PartitionTable, TableEntry
from provision.apply.operations.devices import DeviceAct
from provision.apply.operations.partitions import (
    AnnouncePartitions,
    ChangePartitions,
    NewPartition,
    WipeTable,
)
from provision.apply.paths import shown
from provision.apply.plan.devices import Surroundings, partition_path
from provision.apply.plan.numbering import Specified, numbered, placed
from provision.apply.plan.placement import unwritable
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Disk
from provision.typed import Literal, NamedTuple

Action = Literal["keep", "make", "replace", "resize", "delete", "absent"]


class Decision(NamedTuple):
    """What becomes of one partition, and why. `after` is None for what will not be there. `row`: see NewPartition."""

    number: int
    action: Action
    reason: str
    before: TableEntry | None
    after: TableEntry | None
    row: str = ""

    @property
    def destroys(self) -> bool:
        """Whether what the partition holds is given up."""
        return self.before is not None and self.action in ("replace", "delete")


class Layout(NamedTuple):
    """What becomes of a disk: its table before and after, and a decision for each partition that the config names."""

    disk: Disk
    device: BlockDevice
    wiped: bool
    decisions: tuple[Decision, ...]

    @property
    def entries_after(self) -> tuple[TableEntry, ...]:
        """All partitions as they will be, by their place on the disk."""
        decided = {decision.number: decision.after for decision in self.decisions}
        kept = [] if self.wiped else [each for each in self.device.table.entries if each.number not in decided]
        return tuple(sorted([*kept, *filter(None, decided.values())], key=lambda entry: entry.start))


def plan_partitions(config: Config, surroundings: Surroundings) -> Iterator[DeviceAct]:
    """For each disk an empty table where that is asked for, one commit of all changes, and what the kernel has missed."""
    for disk in config.storage.disks:
        layout = plan_layout(disk, surroundings)
        if layout is not None:
            yield from operations_for(layout)
            if not surroundings.is_forecast:
                yield from announcements(layout, surroundings)
            carry_over(layout, surroundings)


def plan_layout(disk: Disk, surroundings: Surroundings) -> Layout | None:
    """Decide on one disk; None, and the reason noted, where nothing may be done to it."""
    device = surroundings.find(disk.device, "storage.disks")
    if device is None:
        return None
    busy = {part.number: part.used_by for part in surroundings.partitions(device) if part.used_by}
    wiped = bool(disk.wipe_table)
    try:
        refuse_busy(disk, device, busy)
        table = PartitionTable(kind="") if wiped else readable_table(disk, device)
        decisions = tuple(decide(disk, device, table, busy))
    except ProvisionError as error:
        surroundings.refuse(f"{shown(disk.device)}: {error}")
        return None
    why_not = unwritable(table, device.size // device.sector_size, device.sector_size, places_after(table, decisions))
    if why_not:
        surroundings.refuse(f"{shown(disk.device)}: {why_not}")
        return None
    if table.damage:
        surroundings.note(f"{shown(disk.device)}: {table.damage}")
    return Layout(disk, device, wiped, decisions)


def places_after(table: PartitionTable, decisions: tuple[Decision, ...]) -> dict[int, tuple[int, int]]:
    """The start and size of every partition that will be there, by number; nothing where nothing is changed."""
    if all(decision.action in ("keep", "absent") for decision in decisions):
        return {}
    places = {entry.number: (entry.start, entry.size) for entry in table.entries}
    for decision in decisions:
        places.pop(decision.number, None)
        if decision.after is not None:
            places[decision.number] = (decision.after.start, decision.after.size)
    return places


def refuse_busy(disk: Disk, device: BlockDevice, busy: dict[int, tuple[str, ...]]) -> None:
    """Raise ProvisionError for a disk that is itself in use, or shall lose a table of which partitions are."""
    if device.used_by and not busy:
        raise ProvisionError(f"the disk itself is in use ({', '.join(map(shown, device.used_by))})")
    if disk.wipe_table and busy:
        uses = "; ".join(f"partition {number}: {', '.join(map(shown, users))}" for number, users in busy.items())
        raise ProvisionError(f"`wipeTable` on a disk that is in use ({uses})")


def readable_table(disk: Disk, device: BlockDevice) -> PartitionTable:
    """The GPT of a disk, empty where there is none; raises ProvisionError for another kind, and for ruins of one."""
    if not device.table.kind and device.table.damage:
        raise ProvisionError(f"{device.table.damage}; `wipeTable: true` replaces the table")
    if device.table.kind not in ("", "gpt"):
        raise ProvisionError(
            f"the disk has a partition table of the kind {device.table.kind}, not gpt; `wipeTable: true` replaces it"
        )
    return device.table


def decide(
    disk: Disk, device: BlockDevice, table: PartitionTable, busy: dict[int, tuple[str, ...]]
) -> Iterator[Decision]:
    """A decision for each partition of the config, in the order in which they are made."""
    wanted = placed(numbered(disk, table, device.sector_size), table, device)
    made = {each.number for each in wanted if each.should_exist}
    for each in wanted:
        if not each.should_exist and each.number in made:
            continue
        decision = decide_one(each, table)
        if decision.number in busy and decision.action not in ("keep", "absent"):
            users = ", ".join(map(shown, busy[decision.number]))
            raise ProvisionError(
                f"partition {decision.number} is in use ({users}) and would be changed: {decision.reason}"
            )
        yield decision


def decide_one(wanted: Specified, table: PartitionTable) -> Decision:
    """The row of the reuse table that holds. Raises ProvisionError where it says to fail."""
    found, number = table.entry(wanted.number), wanted.number
    wipe = bool(wanted.partition.wipe_partition_entry)
    if not wanted.should_exist:
        if found is None:
            return Decision(number, "absent", "it should not exist and does not", None, None)
        if not wipe:
            raise ProvisionError(
                f"partition {number} exists and should not; `wipePartitionEntry: true` would delete it"
            )
        return Decision(number, "delete", "it exists and should not", found, None)
    if found is None:
        return Decision(number, "make", "it does not exist", None, new_entry(wanted), wanted.row)
    differences = list(differing(wanted, found))
    if not differences:
        return Decision(number, "keep", "it is as the config wants it", found, found)
    if wipe:
        return Decision(
            number, "replace", f"{'; '.join(differences)}; `wipePartitionEntry` is set", found, new_entry(wanted)
        )
    if wanted.partition.resize and [each[:4] for each in differences] == ["size"] and wanted.size is not None:
        resized = found.changed(size=wanted.size)
        return Decision(number, "resize", f"{differences[0]}; `resize` is set", found, resized)
    raise ProvisionError(
        f"partition {number} does not match: {'; '.join(differences)}; `wipePartitionEntry: true` would replace it"
    )


def differing(wanted: Specified, found: TableEntry) -> Iterator[str]:
    """What of a partition that exists is not as the config wants it. Unset properties match anything."""
    partition = wanted.partition
    if wanted.start not in (None, found.start):
        yield f"start is sector {found.start}, not {wanted.start}"
    for key, has, wants in (("guid", found.guid, partition.guid), ("typeGuid", found.type_guid, partition.type_guid)):
        if wants and wants.upper() != has.upper():
            yield f"{key} is {has}, not {wants.upper()}"
    if partition.label not in (None, found.label):
        yield f"label is {shown(found.label)!r}, not {shown(partition.label or '')!r}"
    if wanted.size not in (None, found.size):
        yield f"size is {found.size} sectors, not {wanted.size}"


def new_entry(wanted: Specified) -> TableEntry:
    """A partition as it will stand in the table; what the config leaves open is chosen when it is made."""
    partition = wanted.partition
    return TableEntry(
        number=wanted.number, start=wanted.start or 0, size=wanted.size or 0, label=partition.label or "",
        guid=(partition.guid or "").upper(), type_guid=(partition.type_guid or "").upper(),
    )  # fmt: skip


def operations_for(layout: Layout) -> Iterator[DeviceAct]:
    """The acts that bring a layout about."""
    path = layout.device.path
    if layout.wiped:
        yield WipeTable(device=path).at(layout.disk)
    changed = [each for each in layout.decisions if each.action not in ("keep", "absent")]
    if changed:
        named = {each.number for each in layout.disk.partitions if each.label is not None}
        unnumbered = {each.label for each in layout.disk.partitions if not each.number}
        yield ChangePartitions(
            device=path,
            sector_size=layout.device.sector_size,
            nodes=nodes_of(layout.device),
            deletes=tuple(str(each.number) for each in changed if each.before is not None),
            creates=tuple(
                NewPartition(
                    number=after.number, start=after.start, size=after.size, guid=after.guid, type_guid=after.type_guid,
                    row=each.row,
                    label=after.label if has_label(each, named, unnumbered) else None,
                )
                for each in changed if (after := each.after) is not None
            ),
        ).at(layout.disk)  # fmt: skip


def announcements(layout: Layout, surroundings: Surroundings) -> Iterator[AnnouncePartitions]:
    """Partitions that stay and that the kernel does not know, or knows elsewhere."""
    known = {part.number: part for part in surroundings.partitions(layout.device)}
    sector_size = layout.device.sector_size
    unknown = [
        NewPartition(number=entry.number, start=entry.start, size=entry.size)
        for decision in layout.decisions
        if decision.action == "keep" and (entry := decision.after) is not None
        and not is_known(entry, known.get(entry.number), sector_size)
    ]  # fmt: skip
    if unknown:
        yield AnnouncePartitions(
            device=layout.device.path, sector_size=sector_size, nodes=nodes_of(layout.device), partitions=tuple(unknown)
        ).at(layout.disk)  # fmt: skip


def is_known(entry: TableEntry, part: BlockDevice | None, sector_size: int) -> bool:
    """Whether the kernel has a partition where the table has it. Of mapped disks it does not say where one starts."""
    if part is None:
        return False
    return part.size == entry.size * sector_size and (part.path.startswith("/dev/dm-") or part.start == entry.start)


def nodes_of(disk: BlockDevice) -> str:
    """What the names of a disk's partitions begin with. Those of mapped disks are devices of their own, made by udev."""
    mapped = next((name for name in disk.names if name.startswith("/dev/mapper/")), None)
    if disk.kind == "dm" and mapped:
        return f"/dev/disk/by-id/dm-name-{mapped.rpartition('/')[2]}p"
    return partition_path(disk.path, 0)[:-1]


def has_label(decision: Decision, named: set[int], unnumbered: set[str | None]) -> bool:
    """Whether a partition is given a label: the config's, be it empty, or on a resize its own."""
    label = decision.after.label if decision.after is not None else ""
    return decision.action == "resize" or decision.number in named or bool(label) or label in unnumbered


def carry_over(layout: Layout, surroundings: Surroundings) -> None:
    """Know the partitions as they will be. One that starts where another started holds what that held."""
    disk, sector_size = layout.device, layout.device.sector_size
    former = {part.start: part for part in surroundings.partitions(disk)}
    for part in former.values():
        decided = any(each.number == part.number and each.after is not each.before for each in layout.decisions)
        if layout.wiped or decided:
            surroundings.take_away(part.path)
    for decision in layout.decisions:
        entry = decision.after
        if entry is None or decision.action == "keep":
            continue
        old = former.get(entry.start)
        names = [f"/dev/disk/by-partlabel/{entry.label}"] if entry.label else []
        names += [f"/dev/disk/by-partuuid/{entry.guid.lower()}"] if entry.guid else []
        names += [partition_path(name, entry.number) for name in disk.names if "/by-" not in name]
        names += [f"{name}-part{entry.number}" for name in disk.names if "/by-" in name]
        surroundings.put(BlockDevice(
            path=partition_path(disk.path, entry.number), names=tuple(names), size=entry.size * sector_size,
            sector_size=sector_size, kind="partition", disks=disk.disks or (disk.path,), parent=disk.path,
            number=entry.number, start=entry.start, signatures=old.signatures if old else (),
            member=old.member if old else ArrayMember(),
        ))  # fmt: skip
