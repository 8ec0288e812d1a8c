"""`storage.disks` and `storage.raid`: sectors become MiB, labels end where sgdisk cut them off."""

from typing import NamedTuple

from provision.diagnostics import declare
from provision.ignition import Disk, Partition, Raid
from provision.record import Spec
from provision.schema import ignition2 as old
from provision.schema.rules.paths import cleaned
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import carried, place_of, refuse

SECTORS_PER_MIB = 2048  # sectors of 512 bytes
# Until then a partition without label, start or size was one with an empty label, start 0 and size 0.
NULLABLE: Spec = (2, 3)

declare(
    "PV208", "error", "sectors that are no whole MiB",
    """A partition's start and size are whole MiB.

    Ignition 3 counts in MiB alone, Ignition 2 counted in sectors of 512 bytes, 2048 to a MiB. Source: Ignition 3.0.0,
    `partitions[].startMiB` and `sizeMiB`.

    Bad:
      {
        "ignition": {"version": "2.2.0"},
        "storage": {"disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "size": 1000, "start": 2048}]}]}
      }

    Good:
      {
        "ignition": {"version": "2.2.0"},
        "storage": {"disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "size": 4096, "start": 2048}]}]}
      }
    """, silenceable=False,
)  # fmt: skip


class Extent(NamedTuple):
    """A start or a size: in MiB, and the field of Ignition 2 that says so."""

    mib: int | None
    field: str


def tidy(device: str) -> str:
    """A device in its shortest form, which Ignition 3 wants; one that is not absolute stays for the rules to find."""
    return cleaned(device) if device.startswith("/") else device


def disk(disk: old.Disk, author: Author, version: Spec) -> Disk:
    """One disk with its partitions. Ignition 3 wants a number or a label for each, and no label twice."""
    nameless = [part for part in disk.partitions if not part.number and not part.label]
    labels = {id(part): label(part, author, version) for part in disk.partitions}
    alone = nameless[0] if len(nameless) == 1 else None
    if alone is not None:
        labels[id(alone)] = ""
    if list(labels.values()).count("") > 1:
        others = [part for part in disk.partitions if part is not alone and part.should_exist is not False]
        labels.update({id(part): labels[id(part)] or None for part in others})
    partitions = tuple(partition(part, labels[id(part)], author, version) for part in disk.partitions)
    return carried(Disk, disk, "wipe_table", device=tidy(disk.device), partitions=partitions)


def partition(part: old.Partition, label: str | None, author: Author, version: Spec) -> Partition:
    """One partition. Of one that is deleted the place in MiB means nothing; that in sectors is a mistake."""
    start = extent(part, "start", author, version)
    size = extent(part, "size", author, version)
    if part.should_exist is False:
        start, size = (each._replace(mib=None) if each.field.endswith("mib") else each for each in (start, size))
    new = carried(
        Partition, part, "guid number should_exist type_guid wipe_partition_entry",
        label=label, start_mib=start.mib, size_mib=size.mib,
    )  # fmt: skip
    places = {"start_mib": place_of(author, part, start.field), "size_mib": place_of(author, part, size.field)}
    return new.spotted(**{name: place for name, place in places.items() if place is not None})


def label(part: old.Partition, author: Author, version: Spec) -> str | None:
    """The label that the partition got."""
    if not part.label and version < NULLABLE:
        return None
    if part.label is None or ":" not in part.label:
        return part.label
    cut = part.label.partition(":")[0]
    message = f"sgdisk cuts the label {part.label} off at its colon; it becomes {cut}"
    author.complain("PV311", "warning", part, "label", message, "write a label without a colon")
    author.fate(part, "label", "exact", f"as {cut}, which is what sgdisk made of it")
    return cut


def extent(part: old.Partition, name: str, author: Author, version: Spec) -> Extent:
    """A partition's `start` or `size`."""
    in_mib, in_sectors = getattr(part, f"{name}_mib"), getattr(part, name)
    if in_mib is not None:
        return Extent(in_mib, f"{name}_mib")
    if in_sectors is None:
        return Extent(0 if version < NULLABLE else None, name)
    if in_sectors % SECTORS_PER_MIB:
        tell_uneven(part, name, in_sectors, author)
    return Extent(-(-in_sectors // SECTORS_PER_MIB), name)


def tell_uneven(part: old.Partition, name: str, sectors: int, author: Author) -> None:
    """Say that a number of sectors is no whole MiB; Ignition 2 itself wants that of a start."""
    mib = sectors // SECTORS_PER_MIB
    message = f"{name} {sectors} is {sectors / SECTORS_PER_MIB:.4g} MiB; Ignition 3 counts in whole MiB"
    hint = f"write {mib * SECTORS_PER_MIB} or {(mib + 1) * SECTORS_PER_MIB}, that is {mib} or {mib + 1} MiB"
    if name == "start":
        author.complain("PV208", "error", part, name, message, hint)
    else:
        refuse(author, "PV208", part, name, message, hint)


def raid(raid: old.Raid) -> Raid:
    """One RAID array."""
    devices = tuple(map(tidy, raid.devices))
    return carried(Raid, raid, "level name options spares", devices=devices)
