"""What becomes of disks: partitions before and after, each with its action and the reason by the reuse table. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from provision.apply.devices import BlockDevice, PartitionTable, TableEntry
from provision.apply.operations.devices import DeviceAct
from provision.apply.paths import shown
from provision.apply.plan.devices import partition_path
from provision.apply.plan.numbering import Specified, numbered, placed
from provision.apply.plan.partitions import Layout, carry_over, decide_one, operations_for, plan_layout, readable_table
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Disk
from provision.inspection.devices import names_of
from provision.planning.known import KnownDevices
from provision.planning.losses import Loss, content_loss, content_words, disk_losses, partition_loss, stays
from provision.typed import Literal, NamedTuple

Action = Literal["keep", "make", "replace", "resize", "delete", "absent", "refuse"]
WIPED = "`wipeTable` is set"
# Why content is lost, in the words of the list at the end: the reasons themselves stand with the partitions.
LOST_BY = {"delete": "it is deleted", "replace": "another partition takes its place", "resize": "it is made smaller"}


class PartitionPlan(NamedTuple):
    """What becomes of one partition, and why; `lost` is what it holds, where that would be gone."""

    number: int
    action: Action
    reason: str
    before: TableEntry | None
    after: TableEntry | None
    lost: Loss | None = None


class DiskPlan(NamedTuple):
    """What becomes of one disk; without a device where there is none. `before` and `after` are in the order of places.

    `held` is what partitions hold now, by number.
    """

    disk: Disk
    device: BlockDevice | None = None
    is_refused: bool = False
    before: tuple[TableEntry, ...] = ()
    after: tuple[TableEntry, ...] = ()
    partitions: tuple[PartitionPlan, ...] = ()
    operations: tuple[DeviceAct, ...] = ()
    losses: tuple[Loss, ...] = ()
    held: Mapping[int, str] = {}


def plan_disks(config: Config, known: KnownDevices) -> Iterator[DiskPlan]:
    """A plan for each disk of the config."""
    for disk in config.storage.disks:
        device = known.find(disk.device, "storage.disks")
        if device is None:
            suspend(disk, (disk.device,), known)
            yield DiskPlan(disk, is_refused=True)
            continue
        parts = {part.number: part for part in known.partitions(device)}
        told = len(known.refusals)
        layout = plan_layout(disk, known)
        if layout is None:
            yield refused(disk, device, parts, known, told)
        else:
            yield planned(layout, parts, known)


def suspend(disk: Disk, names: Iterable[str], known: KnownDevices) -> None:
    """Know that the partitions of a disk will not be there, whatever the config calls them."""
    why = f"the partitions of {shown(disk.device)} are not settled"
    for partition in disk.partitions:
        for name in names:
            of_name = names_of(disk.changed(device=name), partition)
            known.pending.update((path, why) for path in of_name if partition.should_exist is not False)


def entries_of(device: BlockDevice, parts: dict[int, BlockDevice]) -> tuple[TableEntry, ...]:
    """The partitions that a disk has, by place: of a table that we do not read, as the kernel knows them."""
    entries = device.table.entries or tuple(
        TableEntry(number=part.number, start=part.start, size=part.size // device.sector_size)
        for part in parts.values()
    )
    return tuple(sorted(entries, key=lambda entry: entry.start))


def held_by(parts: dict[int, BlockDevice]) -> dict[int, str]:
    """What partitions hold, by number."""
    return {number: content_words(part.signatures) for number, part in parts.items()}


# ---- a disk that can be done ----------------------------------------------------------------------------------------


def planned(layout: Layout, parts: dict[int, BlockDevice], known: KnownDevices) -> DiskPlan:
    """The plan for a disk, and the devices as they will be."""
    device = layout.device
    before, after = entries_of(device, parts), layout.entries_after
    partitions = tuple(partition_plans(layout, before, after, parts))
    operations = tuple(operations_for(layout))
    losses = tuple(found.lost for found in partitions if found.lost is not None)
    losses += tuple(table_losses(layout, before, parts)) if operations else ()
    carry_over(layout, known)
    keep_content(layout, before, parts, known)
    return DiskPlan(layout.disk, device, False, before, after, partitions, operations, losses, held_by(parts))


def partition_plans(
    layout: Layout, before: tuple[TableEntry, ...], after: tuple[TableEntry, ...], parts: dict[int, BlockDevice]
) -> Iterator[PartitionPlan]:
    """One for every partition that is or will be there, by number."""
    decided = {decision.number: decision for decision in layout.decisions}
    present = {entry.number: entry for entry in before}
    for number in sorted(decided.keys() | present.keys()):
        old, decision = present.get(number), decided.get(number)
        if decision is None:
            gone = layout.wiped
            action: Action = "delete" if gone else "keep"
            plan = PartitionPlan(
                number, action, WIPED if gone else "the config does not name it", old, None if gone else old
            )
        elif layout.wiped and old is not None and decision.action == "make":
            plan = PartitionPlan(number, "replace", WIPED, old, decision.after)
        else:
            plan = PartitionPlan(number, decision.action, decision.reason, decision.before or old, decision.after)
        plan = with_heritage(plan, before, parts)
        yield with_loss(plan, after, partition_path(layout.device.path, number), parts.get(number))


def with_heritage(plan: PartitionPlan, before: tuple[TableEntry, ...], parts: dict[int, BlockDevice]) -> PartitionPlan:
    """The plan with the remark that a new partition begins where another one did, and so with what that held."""
    if plan.after is None or plan.action not in ("make", "replace"):
        return plan
    elder = next((old for old in before if old.start == plan.after.start and old.number != plan.number), None)
    held = content_words(parts[elder.number].signatures) if elder is not None and elder.number in parts else ""
    if elder is None or not held:
        return plan
    return plan._replace(
        reason=f"{plan.reason}; it begins where partition {elder.number} did, and with what that held: {held}"
    )


def with_loss(plan: PartitionPlan, after: tuple[TableEntry, ...], path: str, part: BlockDevice | None) -> PartitionPlan:
    """The plan with what would be gone, or with the remark that it stays."""
    if plan.before is None or plan.action not in ("delete", "replace", "resize"):
        return plan
    if stays(plan.before, after):
        held = content_words(part.signatures) if part is not None else ""
        stay = "; its content stays where it is" + (f" ({held})" if held else "")
        return plan if plan.action == "resize" else plan._replace(reason=plan.reason + stay)
    return plan._replace(lost=partition_loss(path, part, LOST_BY[plan.action]))


def table_losses(layout: Layout, before: tuple[TableEntry, ...], parts: dict[int, BlockDevice]) -> Iterator[Loss]:
    """What a disk itself holds when it gets a table, and a table of which no partitions are known."""
    device = layout.device
    why = WIPED if layout.wiped else "it gets a partition table"
    if device.table.kind == "" or layout.wiped:
        content = content_loss(device, why)
        yield from (content,) if content is not None else ()
        if content is None and not before:
            yield from disk_losses(device, parts.values(), why)


def keep_content(
    layout: Layout, before: tuple[TableEntry, ...], parts: dict[int, BlockDevice], known: KnownDevices
) -> None:
    """Know which partitions are new to the bone; the others keep the names that their content gives them."""
    by_start = {entry.start: parts.get(entry.number) for entry in before}
    by_size = {entry.start: entry.size for entry in before}
    for decision in layout.decisions:
        entry = decision.after
        if entry is None or decision.action == "keep":
            continue
        device = known.by_name.get(partition_path(layout.device.path, entry.number))
        former = by_start.get(entry.start)
        if device is None:
            continue
        if former is None or entry.size < by_size[entry.start]:
            known.fresh.add(device.path)
            continue
        kept = [name for name in former.names if "/by-label/" in name or "/by-uuid/" in name]
        known.put(device.changed(names=tuple(dict.fromkeys([*device.names, *kept])), discard=former.discard))


# ---- a disk that is refused -----------------------------------------------------------------------------------------


def refused(disk: Disk, device: BlockDevice, parts: dict[int, BlockDevice], known: KnownDevices, told: int) -> DiskPlan:
    """The disk as it is, with every reason against it in the place of the first; `told` counts earlier refusals."""
    partitions = tuple(judged_alone(disk, device, parts))
    reasons = [f"{shown(disk.device)}: {each.reason}" for each in partitions if each.action == "refuse"]
    known.refusals[told:] = list(dict.fromkeys([*known.refusals[told:], *reasons]))
    suspend(disk, (disk.device, device.path), known)
    before = entries_of(device, parts)
    return DiskPlan(disk, device, True, before, before, partitions, held=held_by(parts))


def judged_alone(disk: Disk, device: BlockDevice, parts: dict[int, BlockDevice]) -> Iterator[PartitionPlan]:
    """Each partition by itself: the applier stops at the first that cannot be done, people want to know of all."""
    if device.used_by or (disk.wipe_table and any(part.used_by for part in parts.values())):
        return  # nothing at all can be done then
    try:
        table = PartitionTable() if disk.wipe_table else readable_table(disk, device)
    except ProvisionError:
        return
    wanted = numbered(disk, table, device.sector_size)
    try:
        wanted = placed(wanted, table, device)
        is_placed = True
    except ProvisionError:
        wanted = [each._replace(start=each.start or None, size=each.size or None) for each in wanted]
        is_placed = False
    for each in wanted:
        plan = judged_one(each, table, parts.get(each.number))
        if is_placed or plan.action == "refuse":
            yield plan


def judged_one(wanted: Specified, table: PartitionTable, part: BlockDevice | None) -> PartitionPlan:
    """One partition by itself."""
    number = wanted.number
    try:
        decision = decide_one(wanted, table)
    except ProvisionError as error:
        return PartitionPlan(number, "refuse", str(error), table.entry(number), None)
    if part is not None and part.used_by and decision.action not in ("keep", "absent"):
        users = ", ".join(map(shown, part.used_by))
        reason = f"partition {number} is in use ({users}) and would be changed: {decision.reason}"
        return PartitionPlan(number, "refuse", reason, decision.before, decision.after)
    return PartitionPlan(number, decision.action, decision.reason, decision.before, decision.after)
