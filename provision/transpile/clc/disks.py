"""`storage.disks`: sizes with units, and names of partition types.

Source: ct 0.9, `config/types/disks.go`; alecthomas/units, `bytes.go`.
"""

import re
from collections.abc import Iterator

from provision.diagnostics import declare
from provision.schema import clc, ignition2
from provision.schema.rules import Finding, rule
from provision.transpile.author import Author
from provision.transpile.clc.references import in_place, recast

MIB = 1024 * 1024
# Powers of 1024, whether spelled with an `i` or not; one size keeps to one spelling.
FACTORS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4, "P": 1024**5, "E": 1024**6}
PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([^0-9.]+)"
SIZE = rf"[-+]?(?:0|(?:{PART})+)"
UNIT = r"([KMGTPE]?)(i?)B"
ALMOST = r"(?i)([0-9.]+) *([kmgtp])?(i?b?)"

TYPES = {
    "raid_containing_root": "be9067b9-ea49-4f15-b4f6-f36f8c9e1818",
    "linux_filesystem_data": "0fc63daf-8483-4772-8e79-3d69d8477de4",
    "swap_partition": "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
    "raid_partition": "a19d880f-05fc-4d3b-a006-743f0f84911e",
}

declare(
    "PV683", "warning", "size in powers of 1000",
    """A size is written with KiB, MiB, GiB or TiB.

    KB, MB, GB and TB are taken for the same: `1GB` is 1024 MiB, not 954. Source: ct 0.9, `config/types/disks.go`.

    Bad:
        # Container Linux Config
        storage:
          disks:
            - device: /dev/vdb
              wipe_table: true
              partitions:
                - label: data
                  size: 1GB

    Good:
        # Container Linux Config
        storage:
          disks:
            - device: /dev/vdb
              wipe_table: true
              partitions:
                - label: data
                  size: 1GiB
    """,
)  # fmt: skip


@rule("PV682", "error", on=clc.Partition)
def size_has_units(partition: clc.Partition) -> Iterator[Finding]:
    """A size or start is a number with its unit, a multiple of 1 MiB.

    Several are added up: `1GiB512MiB`. Source: ct 0.9, `config/types/disks.go`.

    Bad:
        # Container Linux Config
        storage:
          disks:
            - device: /dev/vdb
              wipe_table: true
              partitions:
                - label: data
                  size: 5G

    Good:
        # Container Linux Config
        storage:
          disks:
            - device: /dev/vdb
              wipe_table: true
              partitions:
                - label: data
                  size: 5GiB
    """
    for field, text in (("size", partition.size), ("start", partition.start)):
        found = fault(text)
        if found:
            yield Finding(field, found, hint_for(text))


def fault(text: str) -> str | None:
    """What is wrong with a size; None where it can be used."""
    size = in_bytes(text) if text else 0
    if size is None:
        return f"`{text}` is no size"
    if size < 0:
        return f"the size {text} is negative"
    return f"{text} is not a multiple of 1 MiB" if size % MIB else None


def hint_for(text: str) -> str:
    """How a size is written, with the author's own number where it has one."""
    found = re.fullmatch(ALMOST, text.strip())
    example = f"{found[1]}{(found[2] or 'M').upper()}iB" if found else "512MiB"
    return f"a size has its unit: {example}"


def in_bytes(text: str) -> int | None:
    """A size in bytes, None where it is none."""
    if not re.fullmatch(SIZE, text):
        return None
    parts = [(float(number), re.fullmatch(UNIT, unit)) for number, unit in re.findall(PART, text)]
    spelled = {unit[2] for _, unit in parts if unit and unit[1]}
    if any(unit is None or (unit[2] and not unit[1]) for _, unit in parts) or len(spelled) > 1:
        return None
    sizes = [number * FACTORS[unit[1]] for number, unit in parts if unit]
    if sum(sizes) >= 2**63:
        return None
    size = sum(map(int, sizes))
    return -size if text.startswith("-") else size


def disk(given: clc.Disk, author: Author) -> ignition2.Disk:
    """The disk in Ignition 2."""
    partitions = tuple(partition(each, author) for each in given.partitions)
    return recast(ignition2.Disk, given, partitions=partitions)


def partition(given: clc.Partition, author: Author) -> ignition2.Partition:
    """The partition in Ignition 2, which counts in MiB."""
    made = ignition2.Partition(
        label=given.label, number=given.number, guid=given.guid, wipe_partition_entry=False,
        size_mib=mib(given, "size", author), start_mib=mib(given, "start", author),
        type_guid=TYPES.get(given.type_guid, given.type_guid),
    )  # fmt: skip
    made = in_place(made, given, size_mib=author.place(given, "size"), start_mib=author.place(given, "start"))
    faulty = fault(given.size) or fault(given.start)
    return made.as_broken() if faulty else made


def mib(given: clc.Partition, field: str, author: Author) -> int | None:
    """A size in MiB; None where it is not given."""
    text: str = getattr(given, field)
    if not text:
        return None
    if re.search("[KMGTPE]B", text) and not fault(text):
        meant = re.sub("([KMGTPE])B", r"\1iB", text)
        author.complain("PV683", "warning", given, field, f"{text} means {meant} here", f"write {meant}")
    return (in_bytes(text) or 0) // MIB
