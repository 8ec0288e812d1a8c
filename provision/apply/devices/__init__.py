"""Block devices as facts: what is on a machine's disks. Data only; `survey` fills it in by looking.

All of it can be written as JSON and read again on another machine (`provision facts`, `provision plan --facts`).
"""

from provision.record import Record, field

# Sizes of GPT are in logical sectors of the disk, all others in bytes. Source: UEFI 2.10, 5.3.
MIB = 1 << 20

# Marks of what a run has begun; see `unfinished`. The volume id is "PROV", which libblkid spells 5052-4F56.
VFAT_ID, VFAT_UUID = "50524f56", "5052-4F56"
SUBSYSTEM = "provision-unfinished"


class TableEntry(Record):
    """A partition as its table has it. Source: UEFI 2.10, 5.3.3."""

    number: int = field(keep=True, doc="Number in the table, from 1.")
    start: int = field(keep=True, doc="First logical sector.")
    size: int = field(keep=True, doc="Length in logical sectors.")
    type_guid: str = field(default="", doc="Kind of the partition, in capitals with dashes.")
    guid: str = field(default="", doc="Unique id, in capitals with dashes.")
    label: str = field(default="", doc="Name.")
    attributes: str = field(
        default="",
        doc="Attribute bits as 16 hexadecimal digits, for JSON's numbers do not hold them all; empty for none.",
    )

    @property
    def end(self) -> int:
        """The last logical sector."""
        return self.start + self.size - 1


class PartitionTable(Record):
    """A disk's partition table. Of other kinds than `gpt` only the kind is known."""

    kind: str = field(
        default="",
        keep=True,
        doc="gpt; dos and the like for what is found instead; empty for none; unknown for an unreadable disk.",
    )
    guid: str = field(default="", doc="The disk's own id.")
    first_usable: int = field(default=0, doc="First logical sector that partitions may take.")
    last_usable: int = field(default=0, doc="Last logical sector that partitions may take.")
    slots: int = field(default=0, doc="How many entries the table has room for.")
    damage: str = field(
        default="", doc="What is wrong with the table, and which copy counts; empty for two sound and equal ones."
    )
    entries: tuple[TableEntry, ...] = field(default=(), doc="Partitions, by number.")

    def entry(self, number: int) -> TableEntry | None:
        """The partition of a number."""
        return next((entry for entry in self.entries if entry.number == number), None)


class Signature(Record):
    """What a device holds, as libblkid names it: `type` ext4, swap, crypto_LUKS, linux_raid_member…"""

    type: str = field(keep=True, doc="libblkid's TYPE; unknown for an unreadable device.")
    usage: str = field(default="", doc="filesystem, raid, crypto or other.")
    label: str = field(default="", doc="Label.")
    uuid: str = field(default="", doc="UUID, as libblkid spells it.")
    version: str = field(default="", doc="Version of the format: 1 or 2 for LUKS.")


class ArrayMember(Record):
    """What a member of a software RAID says of its array; all empty for what is no member."""

    uuid: str = field(default="", doc="UUID of the array, hex.")
    name: str = field(default="", doc="Name of the array, without its host.")
    level: str = field(default="", doc="raid0, raid1, …")
    count: int = field(default=0, doc="How many active members the array has.")
    has_run: bool = field(default=False, doc="Whether the array was ever started: only then it can hold data.")


class BlockDevice(Record):
    """A disk, partition, array or opened volume."""

    path: str = field(keep=True, doc="The kernel's own name: /dev/vda1.")
    names: tuple[str, ...] = field(default=(), doc="Other names of it: /dev/disk/by-id/…, /dev/mapper/…")
    size: int = field(keep=True, doc="Length in bytes.", unit="bytes")
    sector_size: int = field(keep=True, doc="Length of a logical sector.", unit="bytes")
    kind: str = field(default="", doc="disk, partition, raid, crypt, loop, dm, rom or image.")
    disks: tuple[str, ...] = field(
        default=(), doc="Whole disks that it lies on, by their kernel names; itself for a disk."
    )
    parent: str = field(default="", doc="The disk that a partition is of, by its kernel name.")
    number: int = field(default=0, doc="The number of a partition.")
    start: int = field(default=0, doc="First logical sector of a partition on its disk, as the kernel has it.")
    model: str = field(default="", doc="What the maker calls it; the file behind a loop device.")
    used_by: tuple[str, ...] = field(
        default=(), doc="What keeps it busy: mount points, holders by their kernel names, `swap`, `btrfs`."
    )
    read_only: bool = field(default=False, doc="Whether it refuses writes.")
    table: PartitionTable = field(factory=PartitionTable, doc="Its partition table.")
    signatures: tuple[Signature, ...] = field(
        default=(), doc="What it holds, in libblkid's order; several only where libblkid found it ambivalent."
    )
    discard: bool | None = field(default=None, doc="Of a LUKS2 volume: whether its header has allow-discards.")
    unfinished: bool = field(default=False, doc="Whether what it holds was begun by a run that was cut off.")
    member: ArrayMember = field(factory=ArrayMember, doc="The array that it is a member of.")
    remark: str = field(default="", doc="Why table and content could not be found out; empty where they could.")
