"""Which number and place each partition of the config gets on its disk."""

from provision.apply.devices import MIB, BlockDevice, PartitionTable
from provision.apply.operations.partitions import derived_guid
from provision.apply.plan.placement import Wanted, resolve
from provision.ignition import Disk, Partition
from provision.typed import NamedTuple


class Specified(NamedTuple):
    """A partition of the config with its number settled and its place in sectors; None where any place is fine."""

    partition: Partition
    number: int
    start: int | None
    size: int | None
    row: str

    @property
    def should_exist(self) -> bool:
        """Unset means that it should."""
        return self.partition.should_exist is not False


def numbered(disk: Disk, table: PartitionTable, sector_size: int) -> list[Specified]:
    """The config's partitions with their numbers, those that take a free one last. Deleted numbers are free."""
    used = {entry.number for entry in table.entries}
    partitions = sorted(disk.partitions, key=lambda partition: partition.number == 0)
    for partition in partitions:
        if partition.number:
            (used.discard if partition.should_exist is False else used.add)(partition.number)
    out = []
    for partition, row in zip(partitions, rows_of(partitions), strict=True):
        number = partition.number or found_again(partition, row, table, sector_size)
        number = number or next(number for number in range(1, len(used) + 2) if number not in used)
        if partition.should_exist is not False:
            used.add(number)
        scale = MIB // sector_size
        start, size = (None if mib is None else mib * scale for mib in (partition.start_mib, partition.size_mib))
        out.append(Specified(partition, number, start, size, row))
    return out


def rows_of(partitions: list[Partition]) -> list[str]:
    """What the unique ids of partitions follow from that have neither one nor a number: label, and how many came before."""
    rows: list[str] = []
    for partition in partitions:
        stem = "" if partition.number or partition.guid else f"{partition.label or ''} #"
        rows.append(f"{stem}{1 + sum(row.startswith(stem) for row in rows)}" if stem else "")
    return rows


def found_again(partition: Partition, row: str, table: PartitionTable, sector_size: int) -> int:
    """The number that an earlier run gave to a partition without one, 0 where none did. A run that was cut off has made it."""
    guid = (partition.guid or derived_guid(table.guid, row)).upper()
    entry = next((entry for entry in table.entries if table.guid and entry.guid == guid), None)
    if entry is None or partition.label not in (None, entry.label):
        return 0
    wanted = partition.size_mib
    return entry.number if not wanted or wanted * MIB == entry.size * sector_size else 0


def placed(wanted: list[Specified], table: PartitionTable, device: BlockDevice) -> list[Specified]:
    """The same with a true place for those that take what is free, as if all of them were made anew."""
    deletes = {each.number for each in wanted if table.entry(each.number)}
    creates = []
    for each in wanted:
        entry = table.entry(each.number)
        if not each.should_exist:
            continue
        start, size = each.start, each.size
        if entry is not None and not each.partition.wipe_partition_entry:
            start = entry.start if start is None else start
            size = entry.size if size is None else size
        creates.append(Wanted(each.number, start, size))
    if all(each.start and each.size for each in wanted if each.should_exist):
        return wanted
    places = resolve(table, device.size // device.sector_size, device.sector_size, deletes, creates)
    return [
        each._replace(start=places[each.number][0], size=places[each.number][1])
        if each.should_exist and not (each.start and each.size)
        else each
        for each in wanted
    ]
