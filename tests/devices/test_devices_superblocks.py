"""Superblocks that a power cut tore: known by their checksums, mended, and found sound by the file systems' own checkers."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from provision.apply.devices.superblocks import SUPERBLOCKS, crc32c, mend

SECTOR, MIB = 512, 1 << 20
PLACES = {kind.format: (kind.at, kind.size) for kind in SUPERBLOCKS}
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "btrfs": ("mkfs.btrfs", "-q", "-f")}
CHANGE = {
    "ext4": ("tune2fs", "-C", "3", "-c", "7", "{}"), "btrfs": ("btrfs", "filesystem", "label", "{}", "other"),
}  # fmt: skip
CHECK = {"ext4": ("e2fsck", "-fn"), "btrfs": ("btrfs", "check", "--readonly")}


def made(path: Path, kind: str, *options: str) -> Path:
    """An image with a file system; skips the test where its tools are missing."""
    for tool in (MAKE[kind][0], CHANGE[kind][0], CHECK[kind][0]):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    path.touch()
    os.truncate(path, 128 * MIB)
    subprocess.run([*MAKE[kind], *options, path], check=True, capture_output=True)
    return path


def is_sound(path: Path, kind: str) -> bool:
    """What the file system's own checker says of its first superblock."""
    ended = subprocess.run([*CHECK[kind], path], capture_output=True, text=True)
    said = ended.stdout + ended.stderr
    return ended.returncode == 0 and "checksum" not in said


def superblock(path: Path, kind: str) -> bytes:
    """The superblock of an image."""
    at, size = PLACES[kind]
    return path.read_bytes()[at : at + size]


def put(path: Path, kind: str, block: bytes) -> None:
    """Write a superblock."""
    with path.open("r+b") as file:
        file.seek(PLACES[kind][0])
        file.write(block)


def two_versions(path: Path, kind: str) -> tuple[bytes, bytes]:
    """Two superblocks of the image that are both sound; the second one is on it."""
    old = superblock(path, kind)
    subprocess.run([word.format(path) for word in CHANGE[kind]], check=True, capture_output=True)
    return old, superblock(path, kind)


def test_the_checksum_is_that_of_the_standard() -> None:
    # Source: RFC 3720, B.4, and the check value of CRC-32C in the catalogues.
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("kind", MAKE)
def test_a_sound_superblock_is_left_as_it_is(kind: str, tmp_path: Path) -> None:
    path = made(tmp_path / "image", kind)
    before = path.read_bytes()
    assert not mend(str(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", MAKE)
def test_a_torn_superblock_is_mended(kind: str, seed: int, tmp_path: Path) -> None:
    path = made(tmp_path / "image", kind)
    old, new = two_versions(path, kind)
    changed = [at for at in range(0, len(new), SECTOR) if old[at : at + SECTOR] != new[at : at + SECTOR]]
    assert len(changed) > 1
    drawn = random.Random(seed)
    torn = bytearray(new)
    for at in drawn.sample(changed, drawn.randint(1, len(changed) - 1)):
        torn[at : at + SECTOR] = old[at : at + SECTOR]
    put(path, kind, bytes(torn))
    assert not is_sound(path, kind)
    assert mend(str(path))
    assert is_sound(path, kind)
    # Nothing but the checksum was written.
    differ = [at for at, (one, other) in enumerate(zip(torn, superblock(path, kind), strict=True)) if one != other]
    (where,) = (each.checksum_at for each in SUPERBLOCKS if each.format == kind)
    assert set(differ) <= set(range(where, where + 4))
    assert not mend(str(path))


@pytest.mark.parametrize(
    ("kind", "options"),
    [("ext4", ("-O", "^metadata_csum")), ("btrfs", ("--csum", "xxhash")), ("btrfs", ("--csum", "sha256"))],
)
def test_what_has_no_checksum_or_another_one_is_left_alone(kind: str, options: tuple[str, ...], tmp_path: Path) -> None:
    path = made(tmp_path / "image", kind, *options)
    block = bytearray(superblock(path, kind))
    block[0x3F0] ^= 1
    put(path, kind, bytes(block))
    before = path.read_bytes()
    assert not mend(str(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\xff" * 5000, b"\0" * MIB, bytes(range(256)) * 1024])
def test_what_is_no_superblock_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(content)
    assert not mend(str(path))
    assert path.read_bytes() == content


def test_a_device_that_is_not_there_is_no_reason_to_stop(tmp_path: Path) -> None:
    assert not mend(str(tmp_path / "missing"))
