"""The parser of partition tables: against sgdisk on the same disks, on every kind of damage, and on garbage."""

import json
import os
import random
import re
import struct
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sgdisk import FIELDS, entry, header, loop_device, made, needs_sgdisk, remade, sgdisk, table_of, write_table

from provision.apply.devices import PartitionTable, TableEntry
from provision.apply.devices.gpt import read_table
from provision.diagnostics import ProvisionError
from provision.record import JsonSource, View, decode, encode

SECTORS = 4096
GUIDS = st.uuids().map(lambda found: str(found).upper())
# sgdisk takes names from its command line, and 1.0.9 shows nothing beyond the basic plane as it is.
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF, blacklist_characters="'"), max_size=36)
THOROUGH = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


def disk(entries: dict[int, bytes] | None = None, **how: int) -> BytesIO:
    """A small disk in memory with a table."""
    file = BytesIO(bytes(SECTORS * how.get("sector_size", 512)))
    write_table(
        file, SECTORS, entries if entries is not None else {1: entry(40, 99, name="a"), 3: entry(2048, 3000)}, **how
    )
    return file


def read(file: BytesIO, sector_size: int = 512) -> PartitionTable:
    return read_table(file, len(file.getvalue()), sector_size)


def broken(offset: int, data: bytes, file: BytesIO | None = None) -> PartitionTable:
    """What is read of a disk with other bytes in one place."""
    file = file or disk()
    file.seek(offset)
    file.write(data)
    return read(file)


def shown_by_sgdisk(path: Path | str, numbers: list[int]) -> list[TableEntry]:
    """Partitions as `sgdisk --info` has them."""
    out = sgdisk(*(f"--info={number}" for number in numbers), str(path)).stdout
    return [
        TableEntry(
            number=number,
            start=int(found["first"]),
            size=int(found["last"]) + 1 - int(found["first"]),
            type_guid=found["type"],
            guid=found["guid"],
            label=found["name"],
            attributes=found["attributes"].strip("0") and found["attributes"],
        )
        for number, found in zip(numbers, FIELDS.finditer(out), strict=True)
    ]


def facts_of_sgdisk(path: Path | str) -> tuple[str, int, int, int]:
    """GUID, slots and usable sectors as `sgdisk --print` has them."""
    out = sgdisk("--print", str(path)).stdout
    found = re.search(
        r"\(GUID\): (\S+)\n.*holds up to (\d+) entries\n.*First usable sector is (\d+), last usable sector is (\d+)\n",
        out,
        re.S,
    )
    assert found, out
    return found[1], int(found[2]), int(found[3]), int(found[4])


def agrees(path: Path | str, sector_size: int = 512) -> PartitionTable:
    """Assert that sgdisk reads the same from a disk."""
    table = table_of(path, sector_size)
    assert table.kind == "gpt"
    assert list(table.entries) == shown_by_sgdisk(path, [each.number for each in table.entries])
    assert (table.guid, table.slots, table.first_usable, table.last_usable) == facts_of_sgdisk(path)
    return table


# ---- against sgdisk -------------------------------------------------------------------------------------------------


@st.composite
def sgdisk_options(draw: st.DrawFn) -> list[str]:
    """A table as sgdisk is told to make it."""
    options = [f"--disk-guid={draw(GUIDS)}", "--set-alignment=1"]
    numbers = draw(st.lists(st.integers(1, 128), unique=True, max_size=6))
    cuts = sorted(
        draw(st.lists(st.integers(34, SECTORS - 33), unique=True, min_size=len(numbers) + 1, max_size=len(numbers) + 1))
    )
    for number, start, after in zip(numbers, cuts[:-1], cuts[1:], strict=True):
        options += [f"--new={number}:{start}:+{after - start}", f"--change-name={number}:{draw(NAMES)}"]
        options += [f"--typecode={number}:{draw(GUIDS)}", f"--partition-guid={number}:{draw(GUIDS)}"]
        options += [f"--attributes={number}:set:{bit}" for bit in draw(st.sets(st.integers(0, 63), max_size=3))]
    return options


@needs_sgdisk
@THOROUGH
@given(options=sgdisk_options())
def test_what_sgdisk_wrote_is_read_as_sgdisk_shows_it(options: list[str]) -> None:
    with TemporaryDirectory() as folder:
        table = agrees(remade(Path(folder) / "disk.img", SECTORS, *options))
    assert table.damage == ""
    assert len(table.entries) == sum(option.startswith("--new=") for option in options)


@needs_sgdisk
def test_a_disk_that_sgdisk_wrote_itself_is_sound(tmp_path: Path) -> None:
    table = agrees(made(tmp_path / "disk.img", 20480, "--new=1:2048:+4M", "--change-name=1:häß", "--new=0:0:0"))
    assert (table.damage, [each.label for each in table.entries]) == ("", ["häß", ""])


@needs_sgdisk
@pytest.mark.parametrize("sector_size", [512, 1024, 4096])
def test_disks_of_all_sector_sizes_are_read_as_sgdisk_shows_them(sector_size: int, tmp_path: Path) -> None:
    chance = random.Random(sector_size)
    with open(tmp_path / "disk.img", "wb") as file:
        file.truncate(SECTORS * sector_size)
    with loop_device(tmp_path / "disk.img", sector_size) as device:
        for _ in range(30):
            starts = sorted(chance.sample(range(40, SECTORS - 40), 5))
            entries = {
                number: entry(
                    start,
                    after - 1,
                    name=f"part {number}",
                    attributes=chance.getrandbits(64),
                    kind=chance.randbytes(16),
                )
                for number, start, after in zip(chance.sample(range(1, 129), 4), starts, starts[1:], strict=False)
            }
            with open(device, "r+b") as file:
                write_table(file, SECTORS, entries, sector_size=sector_size)
            assert agrees(device, sector_size).damage == ""


@needs_sgdisk
@pytest.mark.parametrize("seed", range(4))
def test_with_one_damaged_byte_the_partitions_are_still_those_that_sgdisk_finds(seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"damage {seed}")
    sound = disk().getvalue()
    areas = [(512, 92), (1024, 3 * 128), ((SECTORS - 1) * 512, 92), ((SECTORS - 33) * 512, 3 * 128)]
    path = tmp_path / "disk.img"
    for _ in range(60):
        start, length = chance.choice(areas)
        data = bytearray(sound)
        data[start + chance.randrange(length)] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        table = agrees(path)
        assert [each.number for each in table.entries] == [1, 3]
        assert re.fullmatch(r"the (primary|backup) table .*; the (primary|backup) counts", table.damage)


@needs_sgdisk
def test_blkid_finds_the_same_table(tmp_path: Path) -> None:
    path = made(tmp_path / "disk.img", SECTORS)
    path.write_bytes(disk().getvalue())
    out = subprocess.run(["/usr/sbin/blkid", "--probe", str(path)], capture_output=True, text=True, check=True).stdout
    assert 'PTTYPE="gpt"' in out
    assert f'PTUUID="{table_of(path).guid.lower()}"' in out


# ---- what a table says ----------------------------------------------------------------------------------------------


def test_a_guid_is_written_with_its_first_three_parts_turned_round() -> None:
    raw = bytes(range(16))
    table = read(disk({2: entry(40, 99, kind=raw)}))
    assert table.entries[0].type_guid == "03020100-0504-0706-0809-0A0B0C0D0E0F"


def test_a_partition_is_known_with_all_that_its_entry_has() -> None:
    table = read(disk({7: entry(40, 99, name="größe\0rest", attributes=1 << 63 | 5)}))
    (found,) = table.entries
    assert (found.number, found.start, found.size, found.end) == (7, 40, 60, 99)
    assert (found.label, found.attributes) == ("größe", "8000000000000005")
    assert (table.first_usable, table.last_usable, table.slots, table.damage) == (34, SECTORS - 34, 128, "")


def test_a_name_may_fill_its_field_and_half_a_pair_is_replaced() -> None:
    lone = entry(40, 99)[:56] + b"\x3d\xd8" + "x".encode("utf-16-le") * 35
    (found,) = read(disk({1: lone})).entries
    assert found.label == "\ufffd" + "x" * 35
    assert read(disk({1: entry(40, 99, name="ß" * 36)})).entries[0].label == "ß" * 36
    assert read(disk({1: entry(40, 99, name="😀")})).entries[0].label == "😀"


def test_larger_entries_are_read_and_sgdisk_is_said_not_to_know_them() -> None:
    table = read(disk({1: entry(70, 99), 5: entry(100, 199)}, entry_size=256))
    assert [(each.number, each.start) for each in table.entries] == [(1, 70), (5, 100)]
    assert table.damage == "its entries have 256 bytes; sgdisk knows only those of 128"


@pytest.mark.parametrize("slots", [1, 4, 128, 1000])
def test_tables_may_have_room_for_any_number_of_entries(slots: int) -> None:
    table = read(disk({1: entry(2000, 2001)}, slots=slots))
    assert (table.slots, len(table.entries), table.damage) == (slots, 1, "")


def test_a_descriptor_is_read_without_moving_it(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(disk().getvalue())
    fd = os.open(path, os.O_RDONLY)
    try:
        os.lseek(fd, 77, os.SEEK_SET)
        assert read_table(fd, SECTORS * 512, 512) == read(disk())
        assert os.lseek(fd, 0, os.SEEK_CUR) == 77
    finally:
        os.close(fd)


# ---- damage ---------------------------------------------------------------------------------------------------------

PRIMARY, BACKUP = 512, (SECTORS - 1) * 512
PRIMARY_ENTRIES, BACKUP_ENTRIES = 1024, (SECTORS - 33) * 512


@pytest.mark.parametrize(
    ("offset", "data", "damage"),
    [
        (PRIMARY, b"\0" * 8, "the primary table is missing; the backup counts"),
        (PRIMARY + 60, b"x", "the primary table has a header whose checksum is wrong; the backup counts"),
        (PRIMARY_ENTRIES + 60, b"x", "the primary table has entries whose checksum is wrong; the backup counts"),
        (PRIMARY + 12, b"\x01\x02", "the primary table has a header of 513 bytes; the backup counts"),
        (BACKUP, b"\0" * 512, "the backup table is missing; the primary counts"),
        (BACKUP + 60, b"x", "the backup table has a header whose checksum is wrong; the primary counts"),
        (BACKUP_ENTRIES, b"x", "the backup table has entries whose checksum is wrong; the primary counts"),
        (446 + 4, b"\0", "there is a GPT, too, but the MBR before it does not protect it"),
        (510, b"\0\0", "the protective MBR is missing: the kernel sees no partitions until the table is written again"),
    ],
)
def test_damage_is_told_in_words(offset: int, data: bytes, damage: str) -> None:
    table = broken(offset, data)
    assert table.damage == damage
    if "too" not in damage:
        assert table.changed(damage="") == read(disk())


def test_where_both_copies_are_unsound_there_is_no_table_but_a_warning() -> None:
    file = disk()
    broken(PRIMARY + 60, b"x", file)
    table = broken(BACKUP_ENTRIES, b"x", file)
    assert (table.kind, table.entries) == ("", ())
    assert table.damage == (
        "no GPT counts: the primary table has a header whose checksum is wrong,"
        " the backup table has entries whose checksum is wrong"
    )


def test_a_protective_mbr_alone_is_the_ruin_of_a_table() -> None:
    table = broken(0, disk().getvalue()[:512], BytesIO(bytes(SECTORS * 512)))
    assert table == PartitionTable(damage="no GPT counts: the primary table is missing, the backup table is missing")


def test_an_enlarged_disk_is_recognized() -> None:
    file = disk()
    file.seek(0, os.SEEK_END)
    file.write(bytes(1000 * 512))
    table = read(file)
    assert table.changed(damage="") == read(disk())
    assert table.damage.startswith("the disk was enlarged: 1000 sectors behind the backup table become usable")


def test_a_disk_that_was_cut_short_has_no_table_but_its_ruins() -> None:
    table = read(BytesIO(disk().getvalue()[: 3000 * 512]))
    assert table.kind == ""
    assert table.damage == (
        "no GPT counts: the primary table is of a larger disk: its usable sectors end at 4062, the disk at 2999,"
        " the backup table is missing"
    )


def test_copies_that_differ_are_told_of_and_the_primary_counts() -> None:
    mine, other = disk(), disk({1: entry(40, 99, name="b")}).getvalue()
    mine.seek(BACKUP_ENTRIES)
    mine.write(other[BACKUP_ENTRIES:])
    table = read(mine)
    assert table.damage == "the two tables differ in their partitions; the primary counts"
    assert table.changed(damage="") == read(disk())


@pytest.mark.parametrize(
    ("entries", "damage"),
    [
        ({2: entry(99, 40)}, "partition 2 cannot be, from sector 99 to 40, and is passed over"),
        ({2: entry(0, 1 << 54)}, f"partition 2 cannot be, from sector 0 to {1 << 54}, and is passed over"),
        ({2: entry(99, (1 << 54) - 1)}, "partition 2 lies outside of the usable sectors"),
        ({2: entry(34, SECTORS - 34)}, ""),
        ({2: entry(34, SECTORS - 33)}, "partition 2 lies outside of the usable sectors"),
        ({1: entry(40, 100), 2: entry(100, 110)}, "partitions 1 and 2 overlap"),
        ({1: entry(40, 100), 2: entry(101, 110), 3: entry(110, 111)}, "partitions 2 and 3 overlap"),
        ({2: entry(10, 99)}, "partition 2 lies outside of the usable sectors"),
        ({2: entry(99, SECTORS)}, "partition 2 lies outside of the usable sectors"),
        (
            {1: entry(40, 199), 2: entry(50, 60), 3: entry(150, 160)},
            "partitions 1 and 2 overlap; partitions 1 and 3 overlap",
        ),
        ({2: entry(40, 99), 1: entry(100, 110)}, ""),
    ],
)
def test_partitions_that_cannot_be_are_told_of(entries: dict[int, bytes], damage: str) -> None:
    assert read(disk(entries)).damage == damage


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (4, b"E" * 16, "the two tables differ in the disk's GUID; the primary counts"),
        (2, 35, "the two tables differ in their usable sectors; the primary counts"),
        (0, 7, "the two tables differ in where the other one stands; the primary counts"),
    ],
)
def test_sound_copies_with_different_headers_are_told_of(field: int, value: int | bytes, said: str) -> None:
    sound = disk().getvalue()
    fields: list[int | bytes] = [
        SECTORS - 1, 1, 34, SECTORS - 34, b"D" * 16, SECTORS - 33, 128, 128, crc32(sound[BACKUP_ENTRIES:BACKUP])
    ]  # fmt: skip
    assert broken(BACKUP, header(fields)).damage == ""
    fields[field if field else 1] = value
    table = broken(BACKUP, header(fields))
    assert table.damage == said
    assert table.changed(damage="") == read(disk())


def test_a_partition_is_one_by_its_type_and_not_by_its_own_id() -> None:
    used, unused = entry(40, 99)[:16] + bytes(16) + entry(40, 99)[32:], bytes(16) + entry(200, 299)[16:]
    table = read(disk({1: used, 2: unused}))
    assert [(each.number, each.guid) for each in table.entries] == [(1, "00000000-0000-0000-0000-000000000000")]


def test_one_unsound_copy_and_a_missing_one_are_no_table_but_a_warning() -> None:
    file = disk()
    broken(PRIMARY, bytes(512), file)
    broken(0, bytes(512), file)
    table = broken(BACKUP + 60, b"x", file)
    assert (table.kind, table.damage[:14]) == ("", "no GPT counts:")


def test_of_very_much_damage_only_the_beginning_is_told() -> None:
    damage = read(disk({number: entry(99, 40) for number in range(1, 100)})).damage
    assert damage.endswith("; and 93 more")
    assert len(damage) < 500


# What a header can say with a true checksum: LBA, alternate, first and last usable, GUID, entries' LBA, slots, size, CRC.
WRONG_HEADERS: dict[str, dict[int, int]] = {
    "stands in sector 5, not 1": {0: 5},
    "has no usable sectors": {2: 500, 3: 499},
    "is of a larger disk": {3: 1 << 40},
    "stands among the sectors for partitions": {2: 1},
    "has entries of 64 bytes": {7: 64},
    "has entries of 132 bytes": {7: 132},
    "has 0 entries": {6: 0},
    "has 4294967295 entries": {6: 0xFFFFFFFF},
    "has 128 entries of 4294967288 bytes": {7: 0xFFFFFFF8},
    "has an array of entries that lies beyond the end of the disk": {5: 1 << 63},
}


@pytest.mark.parametrize("said", WRONG_HEADERS)
def test_a_header_with_a_true_checksum_and_wrong_places_does_not_count(said: str) -> None:
    array = disk().getvalue()[PRIMARY_ENTRIES : PRIMARY_ENTRIES + 128 * 128]
    fields: list[int | bytes] = [1, SECTORS - 1, 34, SECTORS - 34, b"D" * 16, 2, 128, 128, crc32(array)]
    assert broken(PRIMARY, header(fields)).damage == ""
    for field, value in WRONG_HEADERS[said].items():
        fields[field] = value
    table = broken(PRIMARY, header(fields))
    assert said in table.damage
    assert table.damage.endswith("; the backup counts")
    assert len(table.entries) == 2


# ---- other disks ----------------------------------------------------------------------------------------------------


def mbr(*types: int, status: int = 0x80, start: bytes = b"") -> bytes:
    records = b"".join(struct.pack("<B3sB3sII", status, b"", kind, b"", 64, 64) for kind in types)
    return start.ljust(446, b"\0") + records.ljust(64, b"\0") + b"\x55\xaa"


BSD = struct.pack("<I", 0x82564557)


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b"", ""),
        (b"\xff" * 512, ""),
        (mbr(0x83), "dos"),
        (mbr(), "dos"),
        (mbr(0x83, status=0x13), "boot sector"),
        (mbr(start=b"\xeb\x3c\x90mkfs.fat".ljust(54, b"\0") + b"FAT16   "), "boot sector"),
        (mbr(start=b"\xeb\x52\x90NTFS    "), "boot sector"),
        (b"ER".ljust(512, b"\0") + b"PM", "mac"),
        (bytes(512) + BSD + bytes(128) + BSD, "bsd"),
        (bytes(64) + BSD + bytes(128) + BSD, "bsd"),
    ],
)
def test_what_is_there_instead_of_a_gpt_is_known(first: bytes, kind: str) -> None:
    assert broken(0, first, BytesIO(bytes(SECTORS * 512))) == PartitionTable(kind=kind)


@needs_sgdisk
@pytest.mark.parametrize("first", [mbr(0x83), mbr(), mbr(0x83, status=0x13)])
def test_sgdisk_does_not_write_over_what_we_call_another_table(first: bytes, tmp_path: Path) -> None:
    path = made(tmp_path / "disk.img", SECTORS)
    with open(path, "r+b") as file:
        file.write(first)
    assert table_of(path).kind not in ("", "gpt")
    assert sgdisk("--pretend", "--new=1:0:0", str(path)).returncode != 0


def test_a_hybrid_mbr_is_protective() -> None:
    assert broken(0, mbr(0x83, 0xEE)).changed(damage="") == read(disk())


def test_a_version_that_sgdisk_does_not_know_does_not_count() -> None:
    data = bytearray(disk().getvalue())
    data[PRIMARY + 8 : PRIMARY + 12] = struct.pack("<I", 0x20001)
    resealed(data, 512)
    assert read(BytesIO(data)).damage == "the primary table is of version 2.1, not 1.0; the backup counts"


def test_a_disk_of_less_than_nothing_is_blank() -> None:
    assert read_table(disk(), -5, 512) == PartitionTable()


@pytest.mark.parametrize("length", [0, 1, 511, 512, 513, 1024, 2048])
def test_tiny_disks_are_blank(length: int) -> None:
    assert read(BytesIO(bytes(length))) == PartitionTable()


@pytest.mark.parametrize("sector_size", [0, -512, 1, 520, 513, 1 << 20])
def test_a_sector_size_that_no_disk_has_is_refused(sector_size: int) -> None:
    with pytest.raises(ProvisionError, match=f"sectors of {sector_size} bytes"):
        read(disk(), sector_size)


def test_a_disk_that_cannot_be_read_is_named_so(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "disk.img", os.O_WRONLY | os.O_CREAT)
    try:
        with pytest.raises(ProvisionError, match="the first sector cannot be read: Bad file descriptor"):
            read_table(fd, SECTORS * 512, 512)
    finally:
        os.close(fd)


def test_a_disk_shorter_than_it_says_has_what_it_still_has() -> None:
    table = read_table(BytesIO(disk().getvalue()[: 100 * 512]), SECTORS * 512, 512)
    assert table.damage == "the backup table cannot be read: the disk ends too early; the primary counts"
    assert len(table.entries) == 2


class Unreadable(BytesIO):
    """A disk with a bad sector, as a fake: the only one that tests can have."""

    bad = 0

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() == self.bad:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_bad_sector_spoils_only_the_copy_that_it_is_in() -> None:
    file = Unreadable(disk().getvalue())
    file.bad = PRIMARY
    assert read(file).damage == "the primary table cannot be read: Input/output error; the backup counts"
    assert len(read(file).entries) == 2


# ---- garbage --------------------------------------------------------------------------------------------------------


def survives(data: bytes, size: int, sector_size: int) -> PartitionTable | None:
    """Read a disk; whatever it holds, the answer is a table that can be written as JSON, or a clear refusal."""
    try:
        table = read_table(BytesIO(data), size, sector_size)
    except ProvisionError:
        return None
    document = json.loads(json.dumps(encode(table, (3, 6))))
    problems: list[object] = []
    again = decode(PartitionTable, document, View((3, 6)), JsonSource(), problems)  # type: ignore[arg-type]
    assert (again, problems) == (table, [])
    for each in table.entries:
        assert each.size > 0
        assert each.start >= 0
    return table


def resealed(data: bytearray, sector_size: int) -> None:
    """Give both headers true checksums, so that what they say is looked at."""
    for at in (sector_size, len(data) - sector_size):
        size, entries_lba, slots, entry_size = (
            struct.unpack_from(form, data, at + offset)[0]
            for form, offset in (("<I", 12), ("<Q", 72), ("<I", 80), ("<I", 84))
        )
        length = slots * entry_size
        if length <= 1 << 20 and entries_lba * sector_size + length <= len(data):
            array = data[entries_lba * sector_size : entries_lba * sector_size + length]
            struct.pack_into("<I", data, at + 88, crc32(array))
        if 92 <= size <= sector_size:
            struct.pack_into("<I", data, at + 16, 0)
            struct.pack_into("<I", data, at + 16, crc32(data[at : at + size]))


FUZZED = {size: disk(sector_size=size).getvalue() for size in (512, 4096)}
# Where a table has anything: MBR, headers, the first entries of both arrays.
PLACES: Callable[[int], list[int]] = lambda size: [  # noqa: E731
    *range(440, 512),
    *range(size, size + 96),
    *range(2 * size, 2 * size + 512),
    *range((SECTORS - 1) * size, (SECTORS - 1) * size + 96),
]
INTERESTING = st.sampled_from([b"\0" * 8, b"\xff" * 8, b"\xff" * 4, b"\0\0\0\x80", b"\x80", b"\x01", b"\x00\x10"])


@THOROUGH
@given(
    sector_size=st.sampled_from([512, 4096]),
    changes=st.lists(
        st.tuples(st.integers(0, 10**6), st.one_of(st.binary(min_size=1, max_size=8), INTERESTING)), max_size=6
    ),
    seal=st.booleans(),
    read_as=st.sampled_from([0, 0, 0, 512, 4096]),
    size=st.one_of(st.none(), st.none(), st.integers(-1, 1 << 64)),
)
def test_mutated_tables_end_in_a_table_or_a_refusal(
    sector_size: int, changes: list[tuple[int, bytes]], seal: bool, read_as: int, size: int | None
) -> None:
    data = bytearray(FUZZED[sector_size])
    spots = PLACES(sector_size)
    for where, what in changes:
        at = spots[where % len(spots)]
        data[at : at + len(what)] = what
    if seal:
        resealed(data, sector_size)
    survives(bytes(data), len(data) if size is None else size, read_as or sector_size)


@given(st.binary(max_size=20000), st.sampled_from([512, 1024, 4096]), st.integers(0, 1 << 16))
def test_random_bytes_end_in_a_table_or_a_refusal(data: bytes, sector_size: int, size: int) -> None:
    table = survives(data, size, sector_size)
    assert table is None or table.kind != "gpt"


def test_the_fuzzed_tables_are_sound_before_they_are_mutated() -> None:
    for size, data in FUZZED.items():
        copy = bytearray(data)
        resealed(copy, size)
        assert bytes(copy) == data
        table = survives(data, len(data), size)
        assert table is not None
        assert (table.kind, table.damage, len(table.entries)) == ("gpt", "", 2)
