"""Acts on partition tables, by sgdisk. Source: Ignition, `internal/sgdisk`, `internal/exec/stages/disks/partitions.go`."""

from collections.abc import Callable, Iterator
from hashlib import sha256

from provision.apply.devices import MIB, BlockDevice, PartitionTable
from provision.apply.operations.devices import DeviceAct, Devices
from provision.apply.paths import shown
from provision.diagnostics import ProvisionError
from provision.record import Record, field


class NewPartition(Record):
    """A partition to make, with its place in logical sectors. Empty GUIDs and a label of None are left to sgdisk."""

    number: int = field(doc="Number in the table.")
    start: int = field(doc="First sector.")
    size: int = field(doc="Length in sectors.")
    label: str | None = field(default=None, doc="Name; None leaves sgdisk's default.")
    guid: str = field(default="", doc="Unique id.")
    type_guid: str = field(default="", doc="Kind.")
    row: str = field(
        default="", doc="What its unique id follows from, where the config gives neither that nor a number."
    )

    def options(self, table_guid: str) -> Iterator[str]:
        """The options of sgdisk that make it, in the table of a GUID."""
        guid = self.guid or (derived_guid(table_guid, self.row) if self.row else "")
        yield f"--new={self.number}:{self.start}:+{self.size}"
        if self.label is not None:
            yield f"--change-name={self.number}:{self.label}"
        if self.type_guid:
            yield f"--typecode={self.number}:{self.type_guid}"
        if guid:
            yield f"--partition-guid={self.number}:{guid}"


def derived_guid(table_guid: str, row: str) -> str:
    """A GUID of a partition that a later run finds again by the table's own. Source: RFC 9562, 5.8, version 8."""
    digest = bytearray(sha256(f"provision {table_guid.upper()} {row}".encode()).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
    text = digest.hex().upper()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class WipeTable(DeviceAct):
    """Take away a disk's partition table, whatever its kind."""

    device: str = field(doc="The disk.")

    def describe(self) -> str:
        return f"wipe the partition table of {self.device}"

    def execute(self, system: Devices) -> None:
        # With a damaged table sgdisk says 2 although it has wiped it; a second call then finds nothing to complain of.
        if system.run("sgdisk", "--zap-all", self.device, accept=(0, 2)).status:
            system.notice(f"sgdisk complained of the table of {self.device}; wiping it once more")
            system.run("sgdisk", "--zap-all", self.device)
        system.settle(self.device)


class ChangePartitions(DeviceAct):
    """Delete and make partitions of one disk in one commit, and see that table and kernel have them as they are due."""

    device: str = field(doc="The disk.")
    sector_size: int = field(doc="Length of its logical sectors.", unit="bytes")
    nodes: str = field(doc="What the names of its partitions' nodes begin with, before the number.")
    deletes: tuple[str, ...] = field(default=(), doc="Numbers of partitions to delete.")
    creates: tuple[NewPartition, ...] = field(default=(), doc="Partitions to make, in this order.")

    def describe(self) -> str:
        made = [
            f"{new.number}{f' {shown(new.label)!r}' if new.label else ''} ({new.size * self.sector_size // MIB} MiB)"
            for new in self.creates
        ]
        made_numbers = [str(new.number) for new in self.creates]
        gone = [number for number in self.deletes if number not in made_numbers]
        parts = [f"delete {', '.join(gone)}"] if gone else []
        parts += [f"make {', '.join(made)}"] if made else []
        return f"partition {self.device}: {'; '.join(parts)}"

    def execute(self, system: Devices) -> None:
        table = system.look(self.device).table
        table_guid = table.guid or system.new_guid()
        is_followed = not table.guid and any(new.row for new in self.creates)
        options = [f"--disk-guid={table_guid}"] if is_followed else []
        options += [f"--delete={number}" for number in self.deletes]
        options += [option for new in self.creates for option in new.options(table_guid)]
        is_saved = system.save_table(self.device, self.sector_size, table.slots, self.first_byte(table))
        system.run("sgdisk", *options, self.device)
        if is_saved:
            system.drop_table(self.device, self.sector_size)
        self.tell_kernel(system)
        system.settle(self.device)
        self.verify(system)

    def first_byte(self, table: PartitionTable) -> int:
        """Where the first partition begins, old or new."""
        starts = [entry.start for entry in table.entries] + [new.start for new in self.creates]
        return min(starts, default=0) * self.sector_size

    def tell_kernel(self, system: Devices) -> None:
        """Have the kernel know what was changed. sgdisk itself cannot do so while a partition is mounted."""
        made = [str(new.number) for new in self.creates]
        for number in self.deletes:
            if number not in made:
                forget(number, self.nodes, self.device, system)
        for new in self.creates:
            update(new, self.nodes, self.device, self.sector_size, system)

    def verify(self, system: Devices) -> None:
        """Raise ProvisionError where the table on the disk or the kernel's view of it is not what was committed."""
        table = system.look(self.device).table
        made = {str(new.number) for new in self.creates}
        for number in self.deletes:
            if number not in made and (table.entry(int(number)) or system.exists(f"{self.nodes}{number}")):
                raise ProvisionError(f"partition {number} of {self.device} is still there after it was deleted")
        for new in self.creates:
            entry = table.entry(new.number)
            if entry is None:
                raise ProvisionError(f"partition {new.number} is not in the table of {self.device} after it was made")
            expect(f"partition {new.number} of {self.device}", (new.start, new.size), (entry.start, entry.size))
            expect_known(new, self.nodes, self.sector_size, system)


class AnnouncePartitions(DeviceAct):
    """Have the kernel know partitions that stand in the table already: a run that was cut off may have kept it from that."""

    device: str = field(doc="The disk.")
    sector_size: int = field(doc="Length of its logical sectors.", unit="bytes")
    nodes: str = field(doc="As in ChangePartitions.")
    partitions: tuple[NewPartition, ...] = field(default=(), doc="Those that the kernel does not know so.")

    def describe(self) -> str:
        numbers = ", ".join(str(partition.number) for partition in self.partitions)
        return f"tell the kernel of partition {numbers} of {self.device}, which its table has"

    def execute(self, system: Devices) -> None:
        for partition in self.partitions:
            update(partition, self.nodes, self.device, self.sector_size, system)
        system.settle(self.device)
        for partition in self.partitions:
            expect_known(partition, self.nodes, self.sector_size, system)


def update(wanted: NewPartition, nodes: str, device: str, sector_size: int, system: Devices) -> None:
    """Have the kernel know a partition as it is in the table, whether it knew it before or not."""
    node = f"{nodes}{wanted.number}"

    def is_so() -> bool:
        try:
            return system.exists(node) and place(node, sector_size, system) == (wanted.start, wanted.size)
        except ProvisionError:
            return False

    tell("--update", str(wanted.number), device, system, is_so)


def forget(number: str, nodes: str, device: str, system: Devices) -> None:
    """Have the kernel forget a partition. It is asked in any case: while udev works through what was written before, a node
    may be away that comes back.
    """
    tell("--delete", number, device, system, lambda: not system.exists(f"{nodes}{number}"))


def tell(option: str, number: str, device: str, system: Devices, is_so: Callable[[], bool]) -> None:
    """Run partx until the kernel has a partition as it is due, or for some time: the kernel changes none that anybody has
    open, as udev has for a moment after the disk was written to. The last complaint is only noticed. Source: partx(8).
    """
    complaints: list[ProvisionError] = []

    def is_told() -> bool:
        try:
            system.run("partx", option, "--nr", number, device)
            return True
        except ProvisionError as error:
            complaints.append(error)
        system.settle(device)
        return is_so()

    if not system.keep_trying(is_told):
        system.notice(f"partx {option} --nr {number} {device}: {complaints[-1]}")


def expect_known(wanted: NewPartition, nodes: str, sector_size: int, system: Devices) -> None:
    """Raise ProvisionError where the kernel has a partition elsewhere, or does not come to know it."""
    node = system.wait_for(f"{nodes}{wanted.number}")
    expect(f"the kernel's partition {node}", (wanted.start, wanted.size), place(node, sector_size, system))


def place(node: str, sector_size: int, system: Devices) -> tuple[int, int]:
    """Start and size of a partition as the kernel has them, in logical sectors."""
    kernel = system.look(node)
    return kernel_start(kernel, system), kernel.size // sector_size


def kernel_start(part: BlockDevice, system: Devices) -> int:
    """The first logical sector of a partition as the kernel has it; the device mapper knows it from its own table."""
    if not part.path.startswith("/dev/dm-"):
        return part.start
    # "0 <sectors> linear <device> <start>", in units of 512 bytes. Source: Linux, admin-guide/device-mapper/linear.rst.
    words = system.run("dmsetup", "table", part.path).stdout.decode(errors="replace").split()
    if len(words) < 5 or words[2] != "linear" or not words[4].isdecimal():
        raise ProvisionError(f"{part.path} is a partition of a mapped device, and its table cannot be read")
    return int(words[4]) * 512 // part.sector_size


def expect(what: str, wanted: tuple[int, int], found: tuple[int, int]) -> None:
    """Raise ProvisionError where a start and a size in sectors are others than wanted."""
    if wanted != found:
        raise ProvisionError(
            f"{what} starts at sector {found[0]} with {found[1]} sectors; {wanted[0]} and {wanted[1]} are due"
        )
