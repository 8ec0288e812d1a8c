"""What was begun and never finished: a power cut leaves marks by which the next run knows that nothing can be lost.

`mkfs.xfs` and `mkfs.btrfs` set such marks themselves, and `mkfs.ext4` and `mkswap` write what makes a file system known
last. For `vfat` and LUKS the marks are ours: an id that is replaced, and a subsystem that is taken away, at the end.
"""

import struct
from os import pread

from provision.apply.devices import SUBSYSTEM, VFAT_UUID

# Sources: Linux, fs/xfs/libxfs/xfs_format.h, sb_inprogress; LUKS2 On-Disk Format Specification 1.1, 2.1, subsystem.
XFS_IN_PROGRESS_AT = 126
LUKS_SUBSYSTEM_AT, LUKS_SUBSYSTEM_BYTES = 208, 48

# Sources: UEFI 2.10, 13.3; Microsoft, FAT specification 1.03, "Boot Sector and BPB": BPB_FATSz16, BPB_BkBootSec, BS_VolID.
FAT_SIZE_16, FAT_BACKUP = (22, struct.Struct("<H")), (50, struct.Struct("<H"))
FAT_SECTOR = (11, struct.Struct("<H"))
FAT_16_ID_AT, FAT_32_ID_AT = 39, 67


def is_unfinished(fd: int, kind: str, uuid: str) -> bool:
    """Whether what a device holds, of a type and UUID as libblkid has them, was never finished."""
    if kind == "vfat":
        return uuid == VFAT_UUID
    if kind == "xfs":
        return pread(fd, 1, XFS_IN_PROGRESS_AT) == b"\1"
    if kind == "crypto_LUKS":
        return pread(fd, LUKS_SUBSYSTEM_BYTES, LUKS_SUBSYSTEM_AT).rstrip(b"\0") == SUBSYSTEM.encode()
    return False


def id_places(boot: bytes) -> tuple[int, ...]:
    """Where the id of a FAT file system stands, in bytes from its start, given its first sector."""
    (size_16,) = FAT_SIZE_16[1].unpack_from(boot, FAT_SIZE_16[0])
    if size_16:
        return (FAT_16_ID_AT,)
    (backup,) = FAT_BACKUP[1].unpack_from(boot, FAT_BACKUP[0])
    (sector,) = FAT_SECTOR[1].unpack_from(boot, FAT_SECTOR[0])
    return (FAT_32_ID_AT, *((backup * sector + FAT_32_ID_AT,) if backup not in (0, 0xFFFF) else ()))
