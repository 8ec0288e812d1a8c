"""What a disk held when the power went: the emulator's log of its writes and flushes, and the disk made again from it.

The log is that of QEMU's driver `blklogwrites`. Source: Linux, Documentation/admin-guide/device-mapper/log-writes.rst.
"""

import ctypes
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
# Of an entry: sector, sectors, flags, length of a mark.
ENTRY = struct.Struct("<4Q")
# Source: linux/falloc.h, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE.
PUNCH_HOLE = 3
LIBC = ctypes.CDLL(None, use_errno=True)

# What may be left of the writes behind the last flush: none, few, half, most, all.
KEPT = (0.0, 0.1, 0.5, 0.9, 1.0)
TORN = 0.2


class Write(NamedTuple):
    """One entry: where on the disk, where its data lies in the log, and where in the log it ends."""

    sector: int
    sectors: int
    flags: int
    data: int
    end: int


def entries(log: Path) -> list[Write]:
    """All entries up to the first that is missing: a request that was under way when the emulator was killed."""
    found: list[Write] = []
    place = SECTOR
    with log.open("rb") as file:
        while True:
            file.seek(place)
            head = file.read(ENTRY.size)
            if len(head) < ENTRY.size or not any(head):
                return found
            sector, sectors, flags, _ = ENTRY.unpack(head)
            data = place + SECTOR
            place = data if flags & DISCARD else data + sectors * SECTOR
            found.append(Write(sector, sectors, flags, data, place))


def rebuild(disk: Path, base: Path, log: Path, position: int, random: Random | None, unit: int = 1) -> str:
    """Make the disk as it was when its log ended at `position`. With `random` its cache is lost: what was written behind
    the last flush is there in part, in whole writes and in units of so many sectors. Says how much of it is there.
    """
    done = [entry for entry in entries(log) if entry.end <= position]
    flushed = max((index for index, entry in enumerate(done) if entry.flags & FLUSH), default=-1)
    copy_sparse(base, disk)
    kept = random.choice(KEPT) if random else 1.0
    lost = 0
    with disk.open("r+b") as target, log.open("rb") as source:
        for index, entry in enumerate(done):
            if random is None or index < flushed or entry.flags & FUA:
                put(target.fileno(), source.fileno(), entry, range(entry.sectors))
            elif entry.sectors:
                there = survivors(entry, kept, random, unit)
                lost += entry.sectors - len(there)
                put(target.fileno(), source.fileno(), entry, there)
    behind = len(done) - 1 - flushed
    return f"{len(done)} writes, {behind} behind the last flush, {lost} of their sectors lost"


def survivors(entry: Write, kept: float, random: Random, unit: int) -> Sequence[int]:
    """Which sectors of a write in the cache came to the medium."""
    if random.random() < TORN and 0 < kept < 1:
        units = [random.random() < kept for _ in range(-(-entry.sectors // unit))]
        return [sector for sector in range(entry.sectors) if units[sector // unit]]
    return range(entry.sectors) if random.random() < kept else ()


def put(target: int, source: int, entry: Write, sectors: Sequence[int]) -> None:
    """Write sectors of an entry to the disk; those of a discard then read as zeros."""
    for first, count in runs(sectors):
        offset, length = (entry.sector + first) * SECTOR, count * SECTOR
        if entry.flags & DISCARD:
            punch(target, offset, length)
        else:
            os.pwrite(target, os.pread(source, length, entry.data + first * SECTOR).ljust(length, b"\0"), offset)


def runs(sectors: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Stretches of consecutive sectors: first and count."""
    if isinstance(sectors, range):
        if sectors:
            yield sectors.start, len(sectors)
        return
    start = 0
    for index in range(1, len(sectors) + 1):
        if index == len(sectors) or sectors[index] != sectors[index - 1] + 1:
            yield sectors[start], index - start
            start = index


def punch(fd: int, offset: int, length: int) -> None:
    """Make a stretch of a file read as zeros, without taking room. Source: fallocate(2)."""
    if LIBC.fallocate(fd, PUNCH_HOLE, ctypes.c_int64(offset), ctypes.c_int64(length)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a disk; its holes stay holes."""
    with source.open("rb") as old, target.open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        new.truncate(size)
        place = 0
        while (start := next_data(old.fileno(), place)) is not None:
            place = os.lseek(old.fileno(), start, os.SEEK_HOLE)
            offset = start
            while offset < place:
                offset += os.copy_file_range(old.fileno(), new.fileno(), place - offset, offset, offset)


def next_data(fd: int, place: int) -> int | None:
    """Where data begins from a place on, if there is any."""
    try:
        return os.lseek(fd, place, os.SEEK_DATA)
    except OSError:
        return None
