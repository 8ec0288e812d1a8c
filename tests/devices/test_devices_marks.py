"""What the applier leaves on disks for the run after a power cut: marks of the unfinished, and copies of tables."""

import os
import struct
import subprocess
from pathlib import Path

import pytest

from provision.apply.devices import SUBSYSTEM, VFAT_ID, VFAT_UUID, ArrayMember
from provision.apply.devices.gpt import read_table
from provision.apply.devices.md import EVENTS_AT, read_member
from provision.apply.devices.probe import probe
from provision.apply.devices.saved_table import drop, has_room, place_of, restore, save, saved
from provision.apply.devices.survey import image
from provision.apply.devices.unfinished import XFS_IN_PROGRESS_AT, id_places
from provision.apply.fetching import Fetching
from provision.apply.hardware import Hardware
from provision.apply.operations.partitions import derived_guid
from provision.apply.state import State
from provision.ignition import Config

MIB = 1 << 20


def blank(path: Path, mib: int = 64) -> Path:
    """An image that holds nothing."""
    path.touch()
    os.truncate(path, mib * MIB)
    return path


def run(*command: str | Path, stdin: bytes = b"") -> None:
    """Run a program that must succeed."""
    subprocess.run(list(map(str, command)), check=True, capture_output=True, input=stdin, timeout=60)


# ---- file systems and volumes -----------------------------------------------------------------------------------------


def test_an_xfs_that_mkfs_did_not_finish_is_known(tmp_path: Path) -> None:
    path = blank(tmp_path / "image", 400)
    run("mkfs.xfs", "-q", path)
    assert not image(str(path)).unfinished
    with path.open("r+b") as file:
        file.seek(XFS_IN_PROGRESS_AT)
        file.write(b"\1")
    assert image(str(path)).unfinished


@pytest.mark.parametrize(
    "options", [("-F", "12"), ("-F", "16"), ("-F", "32", "-s", "1"), ("-F", "32", "-s", "1", "-S", "4096")]
)
def test_a_vfat_is_unfinished_until_it_has_its_own_id(options: tuple[str, ...], tmp_path: Path) -> None:
    path = blank(tmp_path / "image", 300 if "4096" in options else 48 if "32" in options else 16)
    run("mkfs.vfat", "-i", VFAT_ID, *options, path)
    assert image(str(path)).signatures[0].uuid == VFAT_UUID
    assert image(str(path)).unfinished
    boot = path.read_bytes()[:512]
    assert len(id_places(boot)) == (2 if "32" in options else 1)
    Hardware(Fetching(Config()), State()).finish_vfat(str(path), "0badcafe")
    assert image(str(path)).signatures[0].uuid == "0BAD-CAFE"
    assert not image(str(path)).unfinished
    run("fsck.vfat", "-n", path)


def test_an_id_of_the_author_stays(tmp_path: Path) -> None:
    path = blank(tmp_path / "image")
    run("mkfs.vfat", "-i", "12345678", path)
    Hardware(Fetching(Config()), State()).finish_vfat(str(path), "")
    assert image(str(path)).signatures[0].uuid == "1234-5678"


def test_a_volume_is_unfinished_until_its_mark_is_taken_away(tmp_path: Path) -> None:
    path, key = blank(tmp_path / "image"), tmp_path / "key"
    key.write_text("secret")
    cheap = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    run(
        "cryptsetup", "luksFormat", "-q", "--type", "luks2", *cheap, "--subsystem", SUBSYSTEM, "--label", "l", path, key
    )
    assert image(str(path)).unfinished
    run("cryptsetup", "config", "--label", "l", path)
    assert not image(str(path)).unfinished
    assert image(str(path)).signatures[0].label == "l"


@pytest.mark.parametrize("command", [("mkfs.ext4", "-q", "-F"), ("mkswap", "-f"), ("mkfs.vfat",)])
def test_what_is_whole_is_not_taken_for_unfinished(command: tuple[str, ...], tmp_path: Path) -> None:
    path = blank(tmp_path / "image")
    run(*command, path)
    assert probe(str(path)).signatures
    assert not image(str(path)).unfinished


# ---- arrays -------------------------------------------------------------------------------------------------------------


def superblock(events: int, level: int = 1, name: bytes = b"any:data") -> bytes:
    """The beginning of a member's metadata. Source: Linux, include/uapi/linux/raid/md_p.h."""
    block = bytearray(256)
    struct.pack_into("<II", block, 0, 0xA92B4EFC, 1)
    block[16:32] = bytes(range(16))
    block[32 : 32 + len(name)] = name
    struct.pack_into("<i", block, 72, level)
    struct.pack_into("<I", block, 92, 2)
    struct.pack_into("<Q", block, EVENTS_AT, events)
    return bytes(block)


@pytest.mark.parametrize("offset", [4096, 0, 64 * MIB - 8192])
def test_a_member_tells_its_array(offset: int, tmp_path: Path) -> None:
    path = blank(tmp_path / "image")
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(superblock(17))
        file.flush()
        found = read_member(file.fileno(), 64 * MIB)
    assert found == ArrayMember(
        uuid="000102030405060708090a0b0c0d0e0f", name="data", level="raid1", count=2, has_run=True
    )


def test_an_array_that_never_ran_is_known_and_garbage_is_none(tmp_path: Path) -> None:
    path = blank(tmp_path / "image")
    with path.open("r+b") as file:
        assert read_member(file.fileno(), 64 * MIB) == ArrayMember()
        file.seek(4096)
        file.write(superblock(0, level=77, name=b"\xff" * 32))
        file.flush()
        found = read_member(file.fileno(), 64 * MIB)
        assert (found.has_run, found.level) == (False, "77")
        assert read_member(file.fileno(), 4000) == found
    blank(tmp_path / "small", 0)
    with (tmp_path / "small").open("rb") as file:
        assert read_member(file.fileno(), 0) == ArrayMember()


# ---- tables -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sector_size", [512, 4096])
def test_a_table_is_saved_and_put_back(sector_size: int, tmp_path: Path) -> None:
    path = blank(tmp_path / "image")
    run("sgdisk", "--new=1:2048:+2048", "--change-name=1:kept", path)
    before = path.read_bytes()
    with path.open("r+b") as file:
        fd = file.fileno()
        assert saved(fd, sector_size) is None
        save(fd, sector_size)
        assert read_table(fd, 64 * MIB, 512).entries[0].label == "kept"
        # A power cut leaves ruins.
        os.pwrite(fd, b"\xaa" * 8192, 512)
        table = saved(fd, sector_size)
        assert table is not None
        restore(fd, table)
        drop(fd, sector_size)
        assert saved(fd, sector_size) is None
    assert path.read_bytes() == before


def test_a_copy_that_is_not_whole_does_not_count(tmp_path: Path) -> None:
    path = blank(tmp_path / "image")
    with path.open("r+b") as file:
        fd = file.fileno()
        save(fd, 512)
        for byte in (place_of(512).start, place_of(512).start + 512 + 100):
            old = os.pread(fd, 1, byte)
            os.pwrite(fd, bytes([old[0] ^ 1]), byte)
            assert saved(fd, 512) is None
            os.pwrite(fd, old, byte)
        assert saved(fd, 512) is not None
        # Saved for other sectors, it is none either.
        assert saved(fd, 4096) is None


def test_there_must_be_room_before_the_first_partition() -> None:
    assert has_room(512, 128, MIB)
    assert has_room(4096, 128, MIB)
    assert has_room(512, 0, MIB)
    assert not has_room(512, 128, 34 * 512)
    assert not has_room(512, 256, MIB)
    assert not has_room(512, 128, 0)


def test_derived_ids_are_guids_and_tell_rows_and_tables_apart() -> None:
    one = "6833836C-BA05-4CD2-9C58-DBAA82B4B999"
    guid = derived_guid(one, "data #1")
    assert guid == derived_guid(one.lower(), "data #1")
    assert len({guid, derived_guid(one, "data #2"), derived_guid(one[:-1] + "0", "data #1")}) == 3
    assert [len(piece) for piece in guid.split("-")] == [8, 4, 4, 4, 12]
    assert guid[14] == "8"
    assert guid[19] in "89AB"


def test_new_ids_are_random_guids() -> None:
    hardware = Hardware(Fetching(Config()), State())
    first, second = hardware.new_guid(), hardware.new_guid()
    assert first != second
    assert (first[14], first[19] in "89AB") == ("4", True)
