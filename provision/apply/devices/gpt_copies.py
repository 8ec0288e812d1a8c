"""The two copies of a GUID partition table: reading one, and whether it is sound by itself.

Distrustful: every number that a disk gives is held to a limit before anything is read by it. Source of every offset and
check: UEFI 2.10, 5.3.2.
"""

import struct
from binascii import crc32
from collections.abc import Iterator
from os import pread

from provision.diagnostics import ProvisionError
from provision.typed import BinaryIO, NamedTuple

HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
SIGNATURE, REVISION = b"EFI PART", 0x10000
PRIMARY_LBA = 1
# The least size of an entry, and the only one that is in use.
ENTRY_BYTES = 128

# Logical sectors that Linux knows.
SECTOR_SIZES = tuple(512 << power for power in range(8))
# The largest array of entries that Linux reads. Source: block/partitions/efi.c with KMALLOC_MAX_SIZE.
MAX_ARRAY_BYTES = 4 << 20


class UnsoundError(Exception):
    """Why a copy of the table does not count; its text goes on after "the primary table"."""


class AbsentError(UnsoundError):
    """The same, for a place where nothing looks like a table."""


class Header(NamedTuple):
    """A header's fields, in their order on the disk."""

    signature: bytes
    revision: int
    header_size: int
    crc: int
    reserved: int
    lba: int
    alternate: int
    first_usable: int
    last_usable: int
    guid: bytes
    entries_lba: int
    slots: int
    entry_size: int
    entries_crc: int


class Copy(NamedTuple):
    """One of the two copies: a sound header with its array of entries, or what is wrong with it."""

    header: Header | None = None
    array: bytes = b""
    fault: str = ""
    absent: bool = False


class Reader:
    """A disk, by logical sectors."""

    def __init__(self, source: int | BinaryIO, size_bytes: int, sector_size: int) -> None:
        if sector_size not in SECTOR_SIZES:
            raise ProvisionError(f"sectors of {sector_size} bytes are none that a disk can have")
        self.source = source
        self.sector_size = sector_size
        self.sectors = size_bytes // sector_size

    def read(self, lba: int, length: int) -> bytes:
        """Bytes from a sector on; raises UnsoundError where the disk does not give them."""
        if lba + -(-length // self.sector_size) > self.sectors:
            raise AbsentError("lies beyond the end of the disk")
        offset = lba * self.sector_size
        try:
            data = b"".join(self.pieces(offset, length))
        except (OSError, OverflowError) as error:
            raise UnsoundError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
        if len(data) < length:
            raise UnsoundError("cannot be read: the disk ends too early")
        return data

    def pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """What read(2) gives, until all of it was had or the disk ends."""
        while length > 0 and (piece := self.piece(offset, length)):
            yield piece
            offset, length = offset + len(piece), length - len(piece)

    def piece(self, offset: int, length: int) -> bytes:
        """What one read gives. A descriptor is left where it stands."""
        if isinstance(self.source, int):
            return pread(self.source, length, offset)
        self.source.seek(offset)
        return self.source.read(length)


def read_copy(disk: Reader, lba: int) -> Copy:
    """The copy whose header is in a sector."""
    try:
        header = read_header(disk, lba)
        length = header.slots * header.entry_size
        array = read_array(disk, header.entries_lba, length)
        if crc32(array) != header.entries_crc:
            raise UnsoundError("has entries whose checksum is wrong")
    except UnsoundError as fault:
        return Copy(fault=str(fault), absent=isinstance(fault, AbsentError))
    return Copy(header, array)


def read_array(disk: Reader, lba: int, length: int) -> bytes:
    """The array of entries that a sound header names; raises UnsoundError."""
    try:
        return disk.read(lba, length)
    except UnsoundError as fault:
        raise UnsoundError(f"has an array of entries that {fault}") from None


def read_header(disk: Reader, lba: int) -> Header:
    """A header that is sound by itself; raises UnsoundError."""
    sector = disk.read(lba, disk.sector_size)
    header = Header._make(HEADER.unpack_from(sector))
    if header.signature != SIGNATURE:
        raise AbsentError("is missing")
    if not HEADER.size <= header.header_size <= disk.sector_size:
        raise UnsoundError(f"has a header of {header.header_size} bytes")
    if header_crc(sector, header.header_size) != header.crc:
        raise UnsoundError("has a header whose checksum is wrong")
    if header.revision != REVISION:
        raise UnsoundError(f"is of version {header.revision >> 16}.{header.revision & 0xFFFF}, not 1.0")
    check_places(header, lba, disk.sectors)
    return header


def header_crc(sector: bytes, size: int) -> int:
    """The checksum of a header, its own field counted as zero."""
    return crc32(sector[:16] + bytes(4) + sector[20:size])


def check_places(header: Header, lba: int, sectors: int) -> None:
    """Raise UnsoundError for a header that names places where nothing can be. Source: Linux, block/partitions/efi.c."""
    if header.lba != lba:
        raise UnsoundError(f"says of itself that it stands in sector {header.lba}, not {lba}")
    if not header.first_usable <= header.last_usable:
        raise UnsoundError("has no usable sectors")
    if header.last_usable >= sectors:
        raise UnsoundError(
            f"is of a larger disk: its usable sectors end at {header.last_usable}, the disk at {sectors - 1}"
        )
    if header.first_usable <= lba <= header.last_usable:
        raise UnsoundError("stands among the sectors for partitions")
    if header.entry_size < ENTRY_BYTES or header.entry_size % 8:
        raise UnsoundError(f"has entries of {header.entry_size} bytes")
    if not 0 < header.slots * header.entry_size <= MAX_ARRAY_BYTES:
        raise UnsoundError(f"has {header.slots} entries of {header.entry_size} bytes")
