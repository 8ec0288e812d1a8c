"""The disk that is made again from a log: what was flushed is there, of the rest what the seed says, in whole sectors."""

from pathlib import Path
from random import Random

import pytest
from powercut_log import DISCARD, ENTRY, FLUSH, SECTOR, entries, rebuild

SECTORS = 64


class Disk:
    """A disk of 64 sectors with a log. Sector n is first full of the byte n."""

    def __init__(self, folder: Path) -> None:
        self.base, self.log, self.made = folder / "base", folder / "log", folder / "made"
        self.base.write_bytes(b"".join(bytes([number]) * SECTOR for number in range(SECTORS)))
        self.content = bytes(SECTOR)

    def entry(self, sector: int, data: bytes = b"", flags: int = 0, sectors: int | None = None) -> None:
        """Log a request."""
        count = len(data) // SECTOR if sectors is None else sectors
        self.content += ENTRY.pack(sector, count, flags, 0).ljust(SECTOR, b"\0") + data
        self.log.write_bytes(self.content)

    def after(self, position: int | None = None, random: Random | None = None) -> list[int]:
        """The first byte of each sector of the disk that was made again."""
        rebuild(self.made, self.base, self.log, len(self.content) if position is None else position, random)
        data = self.made.read_bytes()
        sectors = [data[start : start + SECTOR] for start in range(0, len(data), SECTOR)]
        assert all(len(set(sector)) == 1 for sector in sectors), "a sector is torn"
        return [sector[0] for sector in sectors]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk whose log has two writes, a flush, and a write of twenty sectors that was never flushed."""
    disk = Disk(tmp_path)
    disk.entry(0, b"\xf0" * SECTOR * 2)
    disk.entry(1, b"\xf1" * SECTOR)
    disk.entry(0, flags=FLUSH)
    disk.entry(10, b"\xf2" * SECTOR * 20)
    return disk


def test_with_its_cache_kept_a_disk_has_all_writes_in_their_order(disk: Disk) -> None:
    assert disk.after() == [0xF0, 0xF1, *range(2, 10), *[0xF2] * 20, *range(30, SECTORS)]


def test_a_moment_is_a_place_in_the_log(disk: Disk) -> None:
    assert disk.after(entries(disk.log)[0].end) == [0xF0, 0xF0, *range(2, SECTORS)]


def test_what_was_flushed_is_never_lost_and_the_rest_sometimes_whole_or_torn(disk: Disk) -> None:
    found = {tuple(disk.after(random=Random(seed))) for seed in range(40)}
    assert all(sectors[:10] == (0xF0, 0xF1, *range(2, 10)) for sectors in found)
    there = {sectors[10:30].count(0xF2) for sectors in found}
    assert {0, 20} < there, "it was always lost, or never, or never torn"


def test_without_a_flush_anything_may_be_lost(disk: Disk) -> None:
    firsts = {disk.after(entries(disk.log)[1].end, Random(seed))[0] for seed in range(20)}
    assert firsts == {0, 0xF0}


def test_what_was_discarded_reads_as_zeros(disk: Disk) -> None:
    disk.entry(40, flags=DISCARD, sectors=8)
    assert disk.after()[38:50] == [38, 39, *[0] * 8, 48, 49]


def test_a_log_ends_at_the_first_request_that_is_not_there(disk: Disk) -> None:
    disk.content += bytes(SECTOR * 3)
    disk.entry(50, b"\xf3" * SECTOR)
    assert len(entries(disk.log)) == 4
