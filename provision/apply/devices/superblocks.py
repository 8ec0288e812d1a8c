"""Superblocks of which a power cut left one part old and one part new.

ext4 and btrfs write theirs in one go and count on it to arrive whole. On a disk with sectors of 512 bytes it need not: every
sector is then of one of two versions that were both sound, and only the checksum over all of them is wrong. With a new
checksum it is a superblock again whose file system, by its journal or its older trees, goes on from either version. The
checkers would do more than that: `e2fsck` takes a copy that is as old as the file system, and builds all counts anew.

Sources: Linux, Documentation/filesystems/ext4/super.rst, s_checksum; fs/btrfs, "On-disk Format", Superblock, csum.
"""

import errno
import os

from provision.apply import log
from provision.apply.paths import shown
from provision.typed import NamedTuple

# Source: RFC 3720, 12.1, CRC32C; its polynomial with the bits in reverse.
POLYNOMIAL, ALL_ONES = 0x82F63B78, 0xFFFFFFFF
CHECKSUM_BYTES = 4


class Superblock(NamedTuple):
    """A kind of superblock; all places are bytes from its start, but `at`, which is from that of the device.

    `checks`: places, the bits that count there, and what they are where the checksum is CRC32C. `flips`: whether the bits of
    the checksum are flipped at its end, as RFC 3720 has it.
    """

    format: str
    at: int
    size: int
    checks: tuple[tuple[int, bytes, bytes], ...]
    checksum_at: int
    covers: slice
    flips: bool

    def is_here(self, block: bytes) -> bool:
        """Whether the block is one of this kind."""
        return len(block) == self.size and all(
            bytes(byte & bit for byte, bit in zip(block[place:], mask, strict=False)) == wanted
            for place, mask, wanted in self.checks
        )

    def checksum(self, block: bytes) -> bytes:
        """The checksum that the block should have."""
        value = crc32c(block[self.covers]) ^ (0 if self.flips else ALL_ONES)
        return value.to_bytes(CHECKSUM_BYTES, "little")


WORD, BYTE = b"\xff\xff", b"\xff"
SUPERBLOCKS = (
    # s_magic; s_feature_ro_compat with metadata_csum; s_checksum_type.
    Superblock(
        "ext4", 1024, 1024, ((0x38, WORD, b"\x53\xef"), (0x65, b"\x04", b"\x04"), (0x175, BYTE, b"\1")),
        0x3FC, slice(0, 0x3FC), flips=False,
    ),
    # magic; csum_type.
    Superblock(
        "btrfs", 65536, 4096, ((0x40, BYTE * 8, b"_BHRfS_M"), (0xC4, WORD, b"\0\0")),
        0, slice(0x20, 4096), flips=True,
    ),
)  # fmt: skip


def crc32c(data: bytes) -> int:
    """CRC32C of some bytes."""
    value = ALL_ONES
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
    return value ^ ALL_ONES


def mend(host_path: str) -> bool:
    """Give the superblock on a device a checksum that fits, where it has another; whether it was so.

    Leaves alone what is mounted or otherwise in use. Never raises for what it finds.
    """
    try:
        kind = torn(host_path)
        if kind is None:
            return False
        fd = os.open(host_path, os.O_RDWR | os.O_EXCL)
        try:
            os.pwrite(fd, kind.checksum(os.pread(fd, kind.size, kind.at)), kind.at + kind.checksum_at)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno != errno.EBUSY:
            log.notice(f"{shown(host_path)}: its superblock cannot be looked at: {error.strerror}")
        return False
    log.warning(f"{shown(host_path)}: a power cut tore the superblock of its {kind.format}; its checksum is mended")
    return True


def torn(host_path: str) -> Superblock | None:
    """The kind of superblock on a device whose checksum is wrong."""
    fd = os.open(host_path, os.O_RDONLY)
    try:
        for kind in SUPERBLOCKS:
            block = os.pread(fd, kind.size, kind.at)
            if kind.is_here(block) and block[kind.checksum_at :][:CHECKSUM_BYTES] != kind.checksum(block):
                return kind
        return None
    finally:
        os.close(fd)
