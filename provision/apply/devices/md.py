"""Reading the metadata of software RAID: what array a device is a member of.

Source of every offset: Linux, include/uapi/linux/raid/md_p.h, struct mdp_superblock_1; of the places: md(4), "1.x".
"""

import struct
from collections.abc import Iterator
from os import pread

from provision.apply.devices import ArrayMember

SUPERBLOCK = struct.Struct("<II8x16s32s8xi16xI")
MAGIC, MAJOR = 0xA92B4EFC, 1
EVENTS, EVENTS_AT = struct.Struct("<Q"), 200
SUPERBLOCK_BYTES = 256
LEVELS = {
    -1: "linear", 0: "raid0", 1: "raid1", 4: "raid4", 5: "raid5", 6: "raid6", 10: "raid10",
}  # fmt: skip


def read_member(fd: int, size: int) -> ArrayMember:
    """What a device says of its array; empty where it is no member. Never raises for garbage."""
    for offset in places(size):
        try:
            block = pread(fd, SUPERBLOCK_BYTES, offset)
        except OSError:
            continue
        if len(block) < SUPERBLOCK_BYTES:
            continue
        magic, major, uuid, name, level, count = SUPERBLOCK.unpack_from(block)
        if (magic, major) == (MAGIC, MAJOR):
            (events,) = EVENTS.unpack_from(block, EVENTS_AT)
            text = name.partition(b"\0")[0].decode(errors="replace")
            return ArrayMember(
                uuid=uuid.hex(), name=text.rpartition(":")[2], level=LEVELS.get(level, str(level)), count=count,
                has_run=events > 0,
            )  # fmt: skip
    return ArrayMember()


def places(size: int) -> Iterator[int]:
    """Where versions 1.2, 1.1 and 1.0 put it: 4 KiB from the start, at the start, and at least 8 KiB before the end."""
    yield 4096
    yield 0
    if size >= 8192:
        yield ((size >> 9) - 16 & ~7) << 9
