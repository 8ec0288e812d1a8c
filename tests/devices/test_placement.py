"""The model of sgdisk's placement, against sgdisk itself: what it makes of thousands of random layouts."""

import random
from pathlib import Path

import pytest
from sgdisk import entry, loop_device, made, needs_sgdisk, places, remade, sgdisk, table_of, write_table

from provision.apply.devices import PartitionTable, TableEntry
from provision.apply.plan.placement import Wanted, resolve, unwritable
from provision.diagnostics import ProvisionError

BLANK = PartitionTable()
MIB_SECTORS = 2048


def compare(path: Path | str, sectors: int, sector_size: int, deletes: list[int], creates: list[Wanted]) -> bool:
    """Hold the model to sgdisk's answer for one layout; the answer is whether sgdisk could do it."""
    options = [f"--delete={number}" for number in deletes]
    options += [f"--new={number}:{start or 0}:+{size or 0}" for number, start, size in creates]
    table = table_of(path, sector_size)
    try:
        ours: dict[int, tuple[int, int]] | None = resolve(table, sectors, sector_size, set(deletes), creates)
    except ProvisionError as error:
        ours, why = None, str(error)
    infos = [f"--info={number}" for number in ours or ()]
    done = sgdisk("--pretend", *options, *infos, str(path))
    shown = f"sgdisk {' '.join(options)} on {sectors} sectors with {table.entries}:\n{done.stdout}{done.stderr}"
    if ours is None:
        assert done.returncode != 0, f"{why}\n{shown}"
    else:
        assert done.returncode == 0, f"{ours}\n{shown}"
        assert ours == places(done.stdout, ours), shown
    return ours is not None


def number_near(chance: random.Random, sectors: int, edges: list[int]) -> int:
    """A sector: anywhere, aligned, or beside what is there already, where off-by-one mistakes show."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randrange(sectors)
    if kind == 1:
        return chance.choice((8, 64, 2048)) * chance.randrange(1, 20)
    return max(1, chance.choice(edges) + chance.randrange(-2, 3))


def random_entries(chance: random.Random, sectors: int, first: int, last: int) -> dict[int, bytes]:
    """Partitions that do not overlap, with numbers in any order; odd and even starts, single sectors, no gaps."""
    alignment = chance.choice((1, 2, 8, 64, 256, 2048))
    cuts = sorted({chance.randrange(first, last + 2) // alignment * alignment for _ in range(chance.randrange(9))})
    cuts = [cut for cut in cuts if first <= cut <= last + 1]
    numbers = chance.sample(range(1, 14), len(cuts))
    found = {}
    for start, end, number in zip(cuts, [*cuts, last + 1][1:], numbers, strict=True):
        if end > start and chance.random() < 0.6:
            size = chance.choice((1, end - start, max(1, (end - start) // 2), chance.randrange(1, end - start + 1)))
            found[number] = entry(start, start + size - 1)
    return found


def random_wishes(chance: random.Random, sectors: int, table: PartitionTable) -> tuple[list[int], list[Wanted]]:
    """What to delete and what to make."""
    edges = [table.first_usable, table.last_usable, *(each.start for each in table.entries)]
    edges += [each.end + 1 for each in table.entries]
    deletes = [each.number for each in table.entries if chance.random() < 0.25]
    used = {each.number for each in table.entries} - set(deletes)
    free = [number for number in range(1, 15) if number not in used or chance.random() < 0.03]
    creates = []
    for _ in range(chance.choice((1, 1, 2, 2, 3, 5))):
        number = 0 if chance.random() < 0.2 else free.pop(chance.randrange(len(free)))
        start = chance.choice((None, 0, number_near(chance, sectors, edges)))
        size = chance.choice((None, 0, chance.randrange(1, 5), chance.randrange(1, sectors // 4 + 2)))
        creates.append(Wanted(number, start, size))
    return deletes, creates


def try_layouts(chance: random.Random, path: Path | str, sectors: int, sector_size: int, slots: int = 128) -> bool:
    """One random layout on a disk that is there; whether sgdisk could do it."""
    with open(path, "r+b") as file:
        file.write(bytes(2 * sector_size))
        file.seek((sectors - 1) * sector_size)
        file.write(bytes(sector_size))
        if chance.random() < 0.9:
            first = 2 + -(-slots * 128 // sector_size)
            entries = random_entries(chance, sectors, first, sectors - first)
            write_table(file, sectors, entries, sector_size=sector_size, slots=slots)
    deletes, creates = random_wishes(chance, sectors, table_of(path, sector_size))
    return compare(path, sectors, sector_size, deletes, creates)


@needs_sgdisk
@pytest.mark.parametrize("seed", range(30))
def test_random_layouts_on_images_come_out_as_sgdisk_has_them(seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"placement {seed}")
    possible = 0
    for _ in range(120):
        sectors = chance.choice((68, 80, 300, 5000, 20480, 204800))
        path = made(tmp_path / "disk.img", sectors)
        possible += try_layouts(chance, path, sectors, 512, chance.choice((16, 128, 128)))
    assert 20 < possible < 100


@needs_sgdisk
@pytest.mark.parametrize("sector_size", [1024, 4096])
def test_random_layouts_on_disks_of_other_sectors_come_out_as_sgdisk_has_them(sector_size: int, tmp_path: Path) -> None:
    chance = random.Random(f"placement in sectors of {sector_size}")
    sectors = 40000
    with open(tmp_path / "disk.img", "wb") as file:
        file.truncate(sectors * sector_size)
    with loop_device(tmp_path / "disk.img", sector_size) as device:
        possible = sum(try_layouts(chance, device, sectors, sector_size) for _ in range(150))
    assert possible > 30


@needs_sgdisk
@pytest.mark.parametrize("sectors", [585937499, 585937500, 5 << 31])
def test_random_layouts_on_large_disks_come_out_as_sgdisk_has_them(sectors: int, tmp_path: Path) -> None:
    chance = random.Random(f"placement on {sectors}")
    path = made(tmp_path / "disk.img", sectors)
    assert sum(try_layouts(chance, path, sectors, 512) for _ in range(60)) > 15


@needs_sgdisk
def test_an_empty_disk_is_filled_as_sgdisk_fills_it(tmp_path: Path) -> None:
    path = made(tmp_path / "disk.img", 10 * MIB_SECTORS)
    creates = [Wanted(1, None, MIB_SECTORS), Wanted(0, 0, 2 * MIB_SECTORS), Wanted(9, None, None)]
    assert compare(path, 10 * MIB_SECTORS, 512, [], creates)
    assert resolve(BLANK, 10 * MIB_SECTORS, 512, set(), creates) == {
        1: (2048, 2048),
        2: (4096, 4096),
        9: (8192, 12255),
    }


@needs_sgdisk
@pytest.mark.parametrize("sectors", [66, 67, 68, 69])
def test_the_smallest_disk_that_takes_a_table_is_known(sectors: int, tmp_path: Path) -> None:
    possible = compare(made(tmp_path / "disk.img", sectors), sectors, 512, [], [Wanted(1, None, None)])
    assert possible == (sectors >= 68)


@needs_sgdisk
def test_a_new_partition_takes_the_place_of_a_deleted_one(tmp_path: Path) -> None:
    path = remade(tmp_path / "disk.img", 10 * MIB_SECTORS, "--new=1:2048:+4M", "--new=2:0:0")
    assert compare(path, 10 * MIB_SECTORS, 512, [2], [Wanted(2, 0, 0)])
    assert compare(path, 10 * MIB_SECTORS, 512, [1, 2], [Wanted(0, 0, 0)])


@needs_sgdisk
def test_the_alignment_of_what_is_deleted_still_counts(tmp_path: Path) -> None:
    path = remade(tmp_path / "disk.img", 10 * MIB_SECTORS, "--set-alignment=1", "--new=1:40:+1M")
    assert compare(path, 10 * MIB_SECTORS, 512, [1], [Wanted(1, 0, 0)])
    assert resolve(table_of(path), 10 * MIB_SECTORS, 512, {1}, [Wanted(1, 0, 0)]) == {1: (40, 20480 - 34 - 40 + 1)}


@needs_sgdisk
def test_the_end_of_an_enlarged_disk_is_not_used_before_the_backup_table_is_moved(tmp_path: Path) -> None:
    path = remade(tmp_path / "disk.img", 10 * MIB_SECTORS, "--new=1:2048:+4M")
    with open(path, "r+b") as file:
        file.truncate(30 * MIB_SECTORS * 512)
    assert compare(path, 30 * MIB_SECTORS, 512, [], [Wanted(2, 0, 0)])
    assert not compare(path, 30 * MIB_SECTORS, 512, [], [Wanted(2, 0, 12 * MIB_SECTORS)])
    with pytest.raises(ProvisionError, match="20 MiB more at the end of the disk become usable"):
        resolve(table_of(path), 30 * MIB_SECTORS, 512, set(), [Wanted(2, 0, 12 * MIB_SECTORS)])


# ---- what is said of what does not fit ------------------------------------------------------------------------------

# 10 MiB: MiB 2 and 3 are taken, the table's own sectors lie at both ends.
SMALL = PartitionTable(
    kind="gpt",
    first_usable=34,
    last_usable=20480 - 34,
    slots=4,
    entries=(TableEntry(number=1, start=4096, size=4096),),
)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(2, None, 8 * MIB_SECTORS), "partition 2 of 8 MiB does not fit: only 5.9 MiB are free from sector 8192 on"),
        (Wanted(2, 4096, 5), "partition 2 of 5 sectors from sector 4096 (2 MiB) on does not fit: sector 4096, where it would start, is in partition 1"),
        (Wanted(2, 2048, 3 * MIB_SECTORS), "partition 2 of 3 MiB from sector 2048 (1 MiB) on does not fit: only 1 MiB are free from sector 2048 on"),
        (Wanted(2, 2048, None), "partition 2 of all that is free from sector 2048 (1 MiB) on does not fit: only 1 MiB are free"),
        (Wanted(3, 999999, 1), "sector 999999, where it would start, is none that partitions may take"),
        (Wanted(1, None, None), "partition 1 cannot be made: it exists already"),
        (Wanted(5, None, None), "partition 5 cannot be made: the table has room for 4"),
    ],
)  # fmt: skip
def test_a_partition_that_does_not_fit_is_named_with_what_was_asked_and_what_is_free(wanted: Wanted, said: str) -> None:
    with pytest.raises(ProvisionError) as caught:
        resolve(SMALL, 20480, 512, set(), [wanted])
    assert said in str(caught.value)


def test_the_largest_free_blocks_are_listed() -> None:
    with pytest.raises(ProvisionError, match=r"; free are 5.9 MiB at sector 8192, 1.9 MiB at sector 34$"):
        resolve(SMALL, 20480, 512, set(), [Wanted(2, None, 99 * MIB_SECTORS)])


def test_a_full_disk_is_said_to_be_full() -> None:
    full = SMALL.changed(entries=(TableEntry(number=1, start=34, size=20480 - 67),))
    with pytest.raises(ProvisionError, match="no space is free; nothing is free"):
        resolve(full, 20480, 512, set(), [Wanted(2, None, None)])


def test_size_0_before_the_largest_block_is_explained() -> None:
    late = SMALL.changed(entries=(TableEntry(number=1, start=16384, size=2048),))
    with pytest.raises(ProvisionError, match="size 0 takes the rest of the largest free block"):
        resolve(late, 20480, 512, set(), [Wanted(2, 18432, None)])


@pytest.mark.parametrize("kind", ["dos", "bsd", "boot sector", "unknown"])
def test_other_tables_are_refused(kind: str) -> None:
    with pytest.raises(ProvisionError, match=f"of the kind {kind}, not gpt"):
        resolve(PartitionTable(kind=kind), 20480, 512, set(), [])


def test_what_does_not_exist_cannot_be_deleted() -> None:
    with pytest.raises(ProvisionError, match="partition 3 cannot be deleted: it does not exist"):
        resolve(SMALL, 20480, 512, {3}, [])


@needs_sgdisk
@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({1: entry(34, 99), 2: entry(100, 200)}, ""),
        ({1: entry(33, 99)}, "partition 1 lies outside of the sectors that partitions may take"),
        ({1: entry(100, 199), 4: entry(199, 300)}, "partitions 1 and 4 overlap"),
        ({2: entry(100, 20447)}, "partition 2 lies outside of the sectors that partitions may take"),
    ],
)
def test_what_sgdisk_would_not_write_is_known_before(entries: dict[int, bytes], said: str, tmp_path: Path) -> None:
    path = made(tmp_path / "disk.img", 20480)
    with open(path, "r+b") as file:
        write_table(file, 20480, entries)
    table = table_of(path)
    layout = {each.number: (each.start, each.size) for each in table.entries}
    assert unwritable(table, 20480, 512, layout) == said
    done = sgdisk("--change-name=1:x" if 1 in entries else "--change-name=2:x", str(path))
    assert (done.returncode != 0) == bool(said), done.stdout + done.stderr
