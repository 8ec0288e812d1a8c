"""The real sgdisk, on image files and loop devices; and tables of our own making, where sgdisk would not make them."""

import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import pytest

from provision.apply.devices import PartitionTable
from provision.apply.devices.gpt import read_table

SGDISK = shutil.which("sgdisk", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
needs_sgdisk = pytest.mark.skipif(SGDISK is None, reason="needs sgdisk: apt install gdisk")

PLACE = re.compile(r"^(First|Last) sector: (\d+) ", re.M)
FIELDS = re.compile(
    r"Partition GUID code: (?P<type>[0-9A-F-]{36}).*?unique GUID: (?P<guid>[0-9A-F-]{36}).*?First sector: (?P<first>\d+).*?"
    r"Last sector: (?P<last>\d+).*?Attribute flags: (?P<attributes>[0-9A-F]{16}).*?Partition name: '(?P<name>.*?)'\n",
    re.S,
)


def sgdisk(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run sgdisk; whatever it answers."""
    assert SGDISK is not None
    return subprocess.run([SGDISK, *arguments], capture_output=True, text=True, env={"LC_ALL": "C.UTF-8"}, check=False)


def made(path: Path, sectors: int, *options: str) -> Path:
    """An image file of so many sectors of 512 bytes, on which sgdisk was run."""
    with open(path, "wb") as file:
        file.truncate(sectors * 512)
    if options:
        done = sgdisk(*options, str(path))
        assert done.returncode == 0, done.stdout + done.stderr
    return path


def remade(path: Path, sectors: int, *options: str) -> Path:
    """The same without the second that sgdisk waits after writing: put together from the backup that it writes."""
    made(path, sectors)
    backup = path.with_suffix(".backup")
    done = sgdisk("--pretend", *options, f"--backup={backup}", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    data = backup.read_bytes()
    mbr, primary, second, array = data[:512], data[512:1024], data[1024:1536], data[1536:]
    with open(path, "r+b") as file:
        file.write(mbr + primary + array)
        file.seek((sectors - 1) * 512 - len(array))
        file.write(array + second)
    return path


def table_of(path: Path | str, sector_size: int = 512) -> PartitionTable:
    """What we read of an image or device."""
    with open(path, "rb") as file:
        return read_table(file, file.seek(0, os.SEEK_END), sector_size)


def places(output: str, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Start and size from what `--info` said of partitions."""
    found = [int(number) for _, number in PLACE.findall(output)]
    firsts, lasts = found[::2], found[1::2]
    return {number: (first, last + 1 - first) for number, first, last in zip(numbers, firsts, lasts, strict=True)}


@contextmanager
def loop_device(image: Path, sector_size: int) -> Iterator[str]:
    """An image as a device with sectors of another size; skips the test where this machine has none."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a loop device")
    made = subprocess.run(
        ["losetup", "--find", "--show", "--sector-size", str(sector_size), str(image)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"needs loop devices: {made.stderr.strip()}")
    device = made.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


# ---- tables that sgdisk would not make --------------------------------------------------------------------------------


def header(fields: Sequence[int | bytes]) -> bytes:
    """A header of 92 bytes with a true checksum, from the fields behind it."""
    rest = struct.pack("<IQQQQ16sQIII", 0, *fields)
    start = b"EFI PART" + struct.pack("<II", 0x10000, 92)
    return start + struct.pack("<I", crc32(start + bytes(4) + rest)) + rest


def write_table(
    file: BinaryIO,
    sectors: int,
    entries: dict[int, bytes],
    *,
    sector_size: int = 512,
    slots: int = 128,
    entry_size: int = 128,
) -> None:
    """Write both copies of a table and the protective MBR."""
    array = b"".join(entries.get(number, b"").ljust(entry_size, b"\0") for number in range(1, slots + 1))
    length = -(-len(array) // sector_size)
    first, last, end = 2 + length, sectors - 2 - length, sectors - 1
    for lba, other, array_lba in ((1, end, 2), (end, 1, last + 1)):
        file.seek(array_lba * sector_size)
        file.write(array)
        file.seek(lba * sector_size)
        file.write(header([lba, other, first, last, b"D" * 16, array_lba, slots, entry_size, crc32(array)]))
    file.seek(446)
    file.write(
        struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff" * 3, 1, min(end, 0xFFFFFFFF)) + bytes(48) + b"\x55\xaa"
    )


def entry(first: int, last: int, *, name: str = "", kind: bytes = b"T" * 16, attributes: int = 0) -> bytes:
    """An entry of 128 bytes."""
    return struct.pack("<16s16sQQQ72s", kind, b"P" * 16, first, last, attributes, name.encode("utf-16-le"))
