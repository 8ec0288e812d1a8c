"""A copy of a partition table's sectors on the disk itself, for as long as the table is being changed.

sgdisk writes both copies of the table without a barrier between them, so a power cut can ruin both, and with them the
way to partitions that are not even changed. The copy lies behind the primary table, where no partition begins yet.
"""

import os
import struct
from hashlib import sha256

from provision.apply.devices.gpt_copies import ENTRY_BYTES
from provision.typed import NamedTuple

# Sectors of the disk that are saved: protective MBR, header, and 16 KiB of entries. Source: UEFI 2.10, 5.3.1.
ENTRIES_BYTES = 16384
MAGIC = b"provision: saved partition table"
HEADER = struct.Struct("<32s32sII")


class Place(NamedTuple):
    """Where the copy lies, and how much it holds, in bytes."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """The first byte behind the copy with its header."""
        return self.start + self.length * 2


def place_of(sector_size: int) -> Place:
    """Where the copy of a disk with sectors of a size lies: behind what it holds, after as much again for its header."""
    length = 2 * sector_size + max(ENTRIES_BYTES, sector_size)
    return Place(length, length)


def has_room(sector_size: int, slots: int, before: int) -> bool:
    """Whether the copy holds all of a table with so many slots, and ends before the byte at which partitions begin."""
    return slots * ENTRY_BYTES <= ENTRIES_BYTES and place_of(sector_size).end <= before


def save(fd: int, sector_size: int) -> None:
    """Keep the table as it is now, durably."""
    place = place_of(sector_size)
    table = read_all(fd, place.length, 0)
    header = HEADER.pack(MAGIC, sha256(table).digest(), sector_size, place.length)
    # The copy first: the header says that it is whole.
    write_all(fd, table, place.start + sector_size)
    os.fsync(fd)
    write_all(fd, header.ljust(sector_size, b"\0"), place.start)
    os.fsync(fd)


def saved(fd: int, sector_size: int) -> bytes | None:
    """The sectors that were saved, None where there is no copy that is whole."""
    place = place_of(sector_size)
    block = read_all(fd, sector_size, place.start)
    if len(block) < HEADER.size:
        return None
    magic, digest, saved_size, length = HEADER.unpack_from(block)
    if (magic, saved_size, length) != (MAGIC, sector_size, place.length):
        return None
    table = read_all(fd, length, place.start + sector_size)
    return table if sha256(table).digest() == digest else None


def restore(fd: int, table: bytes) -> None:
    """Put the sectors back, durably."""
    write_all(fd, table, 0)
    os.fsync(fd)


def drop(fd: int, sector_size: int) -> None:
    """Take the copy away, durably."""
    place = place_of(sector_size)
    # First whatever replaced the table, then the header, which says that the copy is whole.
    os.fsync(fd)
    write_all(fd, bytes(sector_size), place.start)
    os.fsync(fd)
    write_all(fd, bytes(place.length), place.start + sector_size)
    os.fsync(fd)


def read_all(fd: int, length: int, offset: int) -> bytes:
    """Bytes of a device; fewer only at its end."""
    pieces = []
    while length > 0 and (piece := os.pread(fd, length, offset)):
        pieces.append(piece)
        length, offset = length - len(piece), offset + len(piece)
    return b"".join(pieces)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write bytes to a device."""
    while data:
        written = os.pwrite(fd, data, offset)
        data, offset = data[written:], offset + written
