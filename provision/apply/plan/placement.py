"""Where sgdisk puts partitions: a model of its arithmetic, so that a plan can say so without running it.

Pure; all places are in logical sectors. Sources: gptfdisk 1.0.9, `gpt.cc` (Align, ComputeAlignment, CreatePartition,
FindFirstAvailable, FindFirstInLargest, FindLastInFree) and `gptcl.cc` (option `n`). Its oddities are kept where they decide
about the result; each is named where it stands.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from provision.apply.devices import MIB, PartitionTable
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

# What sgdisk makes of a disk without a table. Source: gptfdisk, `support.h` (NUM_GPT_ENTRIES) and `gptpart.h` (GPT_SIZE).
NEW_SLOTS, ENTRY_BYTES, FIRST_ENTRIES_LBA = 128, 128, 2
# Partitions start at multiples of 1 MiB, where the ones that exist do. Source: `gpt.h`, DEFAULT_ALIGNMENT in 512 bytes.
DEFAULT_ALIGNMENT_BYTES = 2048 * 512
# From 300 GB on no partition starts at odd places of 4096-byte sectors. Source: `gpt.h`, counted in logical sectors.
MIN_ALIGNMENT, SMALLEST_ADVANCED = 8, 585937500
# How many free blocks a message lists.
MAX_BLOCKS_SHOWN = 4


class Wanted(NamedTuple):
    """A partition to be made: number 0 takes the lowest free one, start 0 or None the largest free block, size 0 or
    None the rest of it.
    """

    number: int
    start: int | None
    size: int | None


class Extent(NamedTuple):
    """First and last sector."""

    first: int
    last: int


class Map:
    """A partition table in sgdisk's memory, in the order of numbers."""

    def __init__(self, table: PartitionTable, disk_sectors: int, sector_size: int) -> None:
        self.disk_sectors = disk_sectors
        self.sector_size = sector_size
        self.taken = {
            entry.number: Extent(entry.start, entry.end)
            for entry in sorted(table.entries, key=lambda each: each.number)
        }
        self.slots = table.slots if table.kind else NEW_SLOTS
        self.entries_sectors = -(-self.slots * ENTRY_BYTES // sector_size)
        self.first_usable, self.last_usable = table.first_usable, table.last_usable
        if not table.kind:
            self.first_usable = FIRST_ENTRIES_LBA + self.entries_sectors
            self.last_usable = disk_sectors - self.first_usable
        self.alignment = self.computed_alignment()

    def computed_alignment(self) -> int:
        """The largest power of two that all starts share; counted once, before anything is deleted."""
        alignment = max(DEFAULT_ALIGNMENT_BYTES // self.sector_size, 1)
        for extent in self.taken.values():
            while extent.first % alignment:
                alignment //= 2
        if alignment < MIN_ALIGNMENT and self.disk_sectors >= SMALLEST_ADVANCED:
            return MIN_ALIGNMENT
        return alignment

    def lowest_free_number(self) -> int:
        """The number that 0 stands for; past the last slot where none is free."""
        return next(number for number in range(1, len(self.taken) + 2) if number not in self.taken)

    def put(self, number: int, extent: Extent) -> None:
        """Take an extent; the order of numbers is kept, for `last_in_free` depends on it."""
        self.taken = dict(sorted([*self.taken.items(), (number, extent)]))

    def holder(self, first: int, last: int) -> int | None:
        """The number of a partition that has any of these sectors."""
        return next((n for n, each in self.taken.items() if each.first <= last and first <= each.last), None)

    def is_free(self, first: int, last: int) -> bool:
        """Whether all these sectors are usable and no partition's."""
        return self.first_usable <= first and last <= self.last_usable and self.holder(first, last) is None

    def first_available(self, start: int) -> int:
        """The first free sector from `start` on, 0 for none."""
        first, moved = max(start, self.first_usable), True
        while moved:
            moved = False
            for extent in self.taken.values():
                if extent.first <= first <= extent.last:
                    first, moved = extent.last + 1, True
        return first if first <= self.last_usable else 0

    def last_in_free(self, start: int) -> int:
        """The last sector of the free block that begins with `start`.

        Odd: a partition that starts exactly where the block was found to end so far is passed over.
        """
        nearest = self.last_usable
        for extent in self.taken.values():
            if start < extent.first < nearest:
                nearest = extent.first - 1
        return nearest

    def blocks(self) -> Iterator[Extent]:
        """The free blocks, as sgdisk finds them."""
        start = 0
        while first := self.first_available(start):
            last = self.last_in_free(first)
            yield Extent(first, last)
            start = last + 1

    def first_in_largest(self) -> int:
        """Where the largest free block begins, the first one of several; 0 for none."""
        best = max(self.blocks(), key=lambda block: block.last - block.first, default=None)
        return best.first if best else 0

    def aligned(self, sector: int) -> int:
        """The sector moved down to a multiple of the alignment, else up, where what it passes is free; else itself."""
        earlier = sector - sector % self.alignment
        later = earlier + self.alignment
        if earlier == sector:
            return sector
        if self.is_free(earlier, sector - 1):
            return earlier
        if self.is_free(sector + 1, later):
            return later
        return sector

    def place(self, wanted: Wanted) -> tuple[int, Extent]:
        """Make a partition; raises ProvisionError where sgdisk would not."""
        number = wanted.number or self.lowest_free_number()
        if number > self.slots:
            raise ProvisionError(f"partition {number} cannot be made: the table has room for {self.slots}")
        if number in self.taken:
            raise ProvisionError(f"partition {number} cannot be made: it exists already")
        extent = self.found_place(wanted)
        problem = self.problem(extent)
        if problem:
            raise ProvisionError(f"partition {number} {self.asked(wanted)}: {problem}; {self.free_space()}")
        self.put(number, extent)
        return number, extent

    def found_place(self, wanted: Wanted) -> Extent:
        """Where the partition would come to lie, whether it fits or not.

        Odd: the end that size 0 stands for is that of the largest block, also for a start elsewhere. An end that was
        asked for stays where it is when the start is moved.
        """
        low = self.aligned(self.first_in_largest())
        start = wanted.start or low
        last = start + wanted.size - 1 if wanted.size else self.last_in_free(low)
        return Extent(self.aligned(start), last)

    # ---- what to tell people ------------------------------------------------------------------------------------

    def problem(self, extent: Extent) -> str:
        """Why an extent cannot be had; empty where it can."""
        first, last = extent
        if not self.is_free(first, first):
            return self.obstacle(first)
        if first > last:
            return "size 0 takes the rest of the largest free block, which ends before that start; give a size"
        if self.last_in_free(first) < last:
            room = self.last_in_free(first) + 1 - first
            return f"only {self.mib(room)} are free from sector {first} on"
        return ""

    def obstacle(self, sector: int) -> str:
        """What is where the partition should start."""
        holder = self.holder(sector, sector)
        if holder is not None:
            return f"sector {sector}, where it would start, is in partition {holder}"
        if sector == 0:
            return "no space is free"
        return f"sector {sector}, where it would start, is none that partitions may take"

    def asked(self, wanted: Wanted) -> str:
        """What was asked for."""
        size = f"of {self.mib(wanted.size)}" if wanted.size else "of all that is free"
        start = f" from sector {wanted.start} ({self.mib(wanted.start)}) on" if wanted.start else ""
        return f"{size}{start} does not fit"

    def free_space(self) -> str:
        """The largest free blocks, and space that the table does not know of yet."""
        blocks = sorted(self.blocks(), key=lambda block: block.first - block.last)[:MAX_BLOCKS_SHOWN]
        listed = [f"{self.mib(last + 1 - first)} at sector {first}" for first, last in blocks]
        free = f"free are {', '.join(listed)}" if listed else "nothing is free"
        unknown = self.disk_sectors - self.first_usable - self.last_usable
        if unknown >= self.alignment:
            free += (
                f"; {self.mib(unknown)} more at the end of the disk become usable"
                " when the backup table is moved there (`sgdisk --move-second-header`)"
            )
        return free

    def mib(self, sectors: int) -> str:
        """A number of sectors in MiB, rounded down to a tenth."""
        tenths = sectors * self.sector_size * 10 // MIB
        if tenths == 0:
            return f"{sectors} sector{'s' * (sectors != 1)}"
        return f"{tenths // 10} MiB" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} MiB"


def resolve(
    table: PartitionTable,
    disk_sectors: int,
    sector_size: int,
    deletes: Collection[int],
    creates: Sequence[Wanted],
) -> dict[int, tuple[int, int]]:
    """Start and size of each partition that `sgdisk --delete=N… --new=N:START:+SIZE…` makes, by number, in its order.

    A table of kind "" is a blank disk, on which sgdisk makes a new table. Raises ProvisionError where sgdisk would refuse:
    no space, taken numbers, tables of other kinds.
    """
    if table.kind not in ("", "gpt"):
        raise ProvisionError(f"the disk has a partition table of the kind {table.kind}, not gpt")
    places = Map(table, disk_sectors, sector_size)
    # Both copies, the MBR and both headers must fit, with a sector between them. Source: `gpt.cc`, LoadPartitions.
    least = 2 * places.entries_sectors + 4
    if disk_sectors < least:
        raise ProvisionError(f"the disk is too small for a GPT: it has {disk_sectors} sectors, {least} are needed")
    for number in deletes:
        if places.taken.pop(number, None) is None:
            raise ProvisionError(f"partition {number} cannot be deleted: it does not exist")
    made = [places.place(wanted) for wanted in creates]
    return {number: (extent.first, extent.last + 1 - extent.first) for number, extent in made}


def unwritable(
    table: PartitionTable, disk_sectors: int, sector_size: int, layout: Mapping[int, tuple[int, int]]
) -> str:
    """Why sgdisk would not write a table with these partitions (start and size by number); empty where it would.

    Source: gptfdisk, `gpt.cc`, SaveGPTData with CheckGPTSize, FindOverlaps and FindInsanePartitions.
    """
    usable = Map(table, disk_sectors, sector_size)
    by_place = sorted((start, start + size - 1, number) for number, (start, size) in layout.items())
    for first, last, number in by_place:
        if first < usable.first_usable or last > min(usable.last_usable, disk_sectors - 1):
            return f"partition {number} lies outside of the sectors that partitions may take"
    for (_, last, number), (first, _, other) in pairwise(by_place):
        if first <= last:
            return f"partitions {number} and {other} overlap"
    return ""
