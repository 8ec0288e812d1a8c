"""Reading GUID partition tables: which copy counts, what it says, what is wrong with it, and what stands in its place.

Read-only: whatever bytes a disk holds, the answer is a `PartitionTable`. Source of every offset: UEFI 2.10, 5.3.3.
"""

import struct
from collections.abc import Iterator

from provision.apply.devices import PartitionTable, TableEntry
from provision.apply.devices.gpt_copies import ENTRY_BYTES, PRIMARY_LBA, Copy, Header, Reader, UnsoundError, read_copy
from provision.apply.devices.mbr import BEGINNING_BYTES, has_mbr, is_protective, kind_of_mbr, other_kind
from provision.diagnostics import ProvisionError
from provision.typed import BinaryIO

ENTRY = struct.Struct("<16s16sQQQ72s")
GUID = struct.Struct("<IHH")
UNUSED = bytes(16)
# Linux counts the bytes of a disk in 63 bits (loff_t), so no sector of 512 bytes has a higher number.
MAX_LBA = 1 << 54
# How much of what is wrong is told.
MAX_REMARKS = 6


def read_table(source: int | BinaryIO, size_bytes: int, sector_size: int) -> PartitionTable:
    """The partition table of a disk, given as a descriptor or an open file.

    Raises ProvisionError for a sector size that no disk has, and where not even the first sector can be read; never for
    what the disk holds. Where the two copies differ the primary one counts, as for sgdisk and Linux.
    """
    disk = Reader(source, size_bytes, sector_size)
    if disk.sectors <= 0:
        return PartitionTable()
    try:
        boot = disk.read(0, sector_size)
    except UnsoundError as fault:
        raise ProvisionError(f"the first sector {fault}") from None
    primary = read_copy(disk, PRIMARY_LBA)
    end = disk.sectors - 1
    backup = read_copy(disk, backup_lba(primary, end))
    counts = primary if primary.header else backup
    if counts.header is None:
        return no_gpt(disk, boot, primary, backup)
    if has_mbr(boot) and not is_protective(boot):
        damage = "there is a GPT, too, but the MBR before it does not protect it"
        return PartitionTable(kind=kind_of_mbr(boot), damage=damage)
    entries, odd = read_entries(counts.header, counts.array)
    remarks = [*mbr_remarks(boot), *copy_remarks(primary, backup, end), *odd, *layout_remarks(counts.header, entries)]
    return PartitionTable(
        kind="gpt",
        guid=guid_text(counts.header.guid),
        first_usable=counts.header.first_usable,
        last_usable=counts.header.last_usable,
        slots=counts.header.slots,
        damage=joined(remarks),
        entries=tuple(entries),
    )


def joined(remarks: list[str]) -> str:
    """Remarks in one line; of very many only the first."""
    more = len(remarks) - MAX_REMARKS
    return "; ".join([*remarks[:MAX_REMARKS], *([f"and {more} more"] if more > 0 else [])])


def no_gpt(disk: Reader, boot: bytes, primary: Copy, backup: Copy) -> PartitionTable:
    """What stands where there is no sound GPT: another table, nothing, or the ruins of one."""
    damage = ""
    if is_protective(boot) or not (primary.absent and backup.absent):
        damage = f"no GPT counts: the primary table {primary.fault}, the backup table {backup.fault}"
    if has_mbr(boot) and not is_protective(boot):
        return PartitionTable(kind=kind_of_mbr(boot), damage=damage)
    try:
        beginning = disk.read(0, BEGINNING_BYTES)
    except UnsoundError:
        beginning = boot
    return PartitionTable(kind=other_kind(beginning, disk.sector_size), damage=damage)


# ---- entries --------------------------------------------------------------------------------------------------------


def read_entries(header: Header, array: bytes) -> tuple[list[TableEntry], list[str]]:
    """The partitions of an array, and what is odd about those that are none."""
    entries, odd = [], []
    for number in range(1, header.slots + 1):
        type_guid, guid, first, last, attributes, name = ENTRY.unpack_from(array, (number - 1) * header.entry_size)
        if type_guid == UNUSED:
            continue
        if not first <= last < MAX_LBA:
            odd.append(f"partition {number} cannot be, from sector {first} to {last}, and is passed over")
            continue
        entries.append(TableEntry(
            number=number, start=first, size=last - first + 1, type_guid=guid_text(type_guid), guid=guid_text(guid),
            label=label_text(name), attributes=f"{attributes:016X}" if attributes else "",
        ))  # fmt: skip
    return entries, odd


def guid_text(raw: bytes) -> str:
    """A GUID as people write it: its first three parts are little-endian. Source: UEFI 2.10, appendix A."""
    first, second, third = GUID.unpack_from(raw)
    return f"{first:08X}-{second:04X}-{third:04X}-{raw[8:10].hex()}-{raw[10:].hex()}".upper()


def label_text(raw: bytes) -> str:
    """A name: UTF-16 up to the first NUL; half a surrogate pair becomes U+FFFD."""
    return raw.decode("utf-16-le", errors="replace").partition("\0")[0]


def backup_lba(primary: Copy, end: int) -> int:
    """Where the backup stands: where the primary header says, else in the last sector."""
    if primary.header and PRIMARY_LBA < primary.header.alternate <= end:
        return primary.header.alternate
    return end


def copy_remarks(primary: Copy, backup: Copy, end: int) -> Iterator[str]:
    """What is wrong with one of the two copies, and which one counts. One of them is sound."""
    if primary.header is None:
        yield f"the primary table {primary.fault}; the backup counts"
        return
    if backup.header is None:
        yield f"the backup table {backup.fault}; the primary counts"
    elif differences := list(differing(primary, backup)):
        yield f"the two tables differ in {' and '.join(differences)}; the primary counts"
    beyond = end - primary.header.alternate
    if beyond > 0:
        yield (
            f"the disk was enlarged: {beyond} sectors behind the backup table become usable when it is moved to the end"
            " (`sgdisk --move-second-header`)"
        )


def differing(primary: Copy, backup: Copy) -> Iterator[str]:
    """In what two sound copies differ."""
    one, other = primary.header, backup.header
    if one is None or other is None:
        return
    if one.guid != other.guid:
        yield "the disk's GUID"
    if (one.first_usable, one.last_usable) != (other.first_usable, other.last_usable):
        yield "their usable sectors"
    if (one.slots, one.entry_size, primary.array) != (other.slots, other.entry_size, backup.array):
        yield "their partitions"
    if (other.alternate, one.alternate) != (one.lba, other.lba):
        yield "where the other one stands"


def layout_remarks(header: Header, entries: list[TableEntry]) -> Iterator[str]:
    """What will keep sgdisk from working on a table that is sound as such."""
    if header.entry_size != ENTRY_BYTES:
        yield f"its entries have {header.entry_size} bytes; sgdisk knows only those of {ENTRY_BYTES}"
    for entry in entries:
        if entry.start < header.first_usable or entry.end > header.last_usable:
            yield f"partition {entry.number} lies outside of the usable sectors"
    reach: TableEntry | None = None
    for entry in sorted(entries, key=lambda entry: entry.start):
        if reach is not None and entry.start <= reach.end:
            low, high = sorted((reach.number, entry.number))
            yield f"partitions {low} and {high} overlap"
        reach = entry if reach is None or entry.end > reach.end else reach


def mbr_remarks(boot: bytes) -> Iterator[str]:
    """What is wrong with the MBR before a sound GPT."""
    if not is_protective(boot):
        yield "the protective MBR is missing: the kernel sees no partitions until the table is written again"
