"""The beginning of a disk that has no GPT, or one behind a protective MBR. Source: UEFI 2.10, 5.2."""

import struct

MBR_SIGNATURE, PROTECTIVE = b"\x55\xaa", 0xEE
# Where file systems that lie on the disk itself say so. Sources: the signatures of FAT, NTFS and exFAT.
VOLUME_MARKS = ((54, b"FAT1"), (82, b"FAT32"), (3, b"NTFS    "), (3, b"EXFAT   "))
# Source: libblkid, partitions/bsd.c: the magic stands in a label twice.
BSD_MAGIC, BSD_SECOND = struct.pack("<I", 0x82564557), 132
# Source: libblkid, partitions/mac.c.
MAC_DRIVER, MAC_MAP = b"ER", b"PM"
# How much of a disk is looked at.
BEGINNING_BYTES = 4096


def has_mbr(boot: bytes) -> bool:
    """Whether the first sector has the signature of an MBR, which boot sectors of file systems have, too."""
    return boot[510:512] == MBR_SIGNATURE


def mbr_records(boot: bytes) -> list[bytes]:
    """The four partition records of an MBR."""
    return [boot[offset : offset + 16] for offset in range(446, 510, 16)]


def is_protective(boot: bytes) -> bool:
    """Whether an MBR says that a GPT follows. Partitions beside the protective one (hybrid MBR) change nothing."""
    return has_mbr(boot) and any(record[4] == PROTECTIVE for record in mbr_records(boot))


def kind_of_mbr(boot: bytes) -> str:
    """`dos`, or `boot sector` where a file system starts on the disk itself. sgdisk takes both for tables to keep.

    Source: libblkid, partitions/dos.c, and the signatures of FAT, NTFS and exFAT.
    """
    is_volume = any(boot[offset:].startswith(mark) for offset, mark in VOLUME_MARKS)
    is_table = all(record[0] in (0, 0x80) for record in mbr_records(boot))
    return "dos" if is_table and not is_volume else "boot sector"


def other_kind(beginning: bytes, sector_size: int) -> str:
    """Tables that are neither GPT nor MBR, BSD disklabels and Apple's, by a disk's first bytes; empty for none."""
    for offset in (64, sector_size):
        label = beginning[offset:]
        if label.startswith(BSD_MAGIC) and label[BSD_SECOND:].startswith(BSD_MAGIC):
            return "bsd"
    if beginning.startswith(MAC_DRIVER) and beginning[sector_size:].startswith(MAC_MAP):
        return "mac"
    return ""
