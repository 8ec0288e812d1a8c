"""Superblocks that the power leaves half written, on disks whose sectors are shorter than a superblock."""

from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from powercut_chain import Reference, reference, undisturbed, verdict
from powercut_log import DISCARD, FLUSH, SECTOR, entries, rebuild
from powercut_machine import Moment, Power, power_on
from powercut_shared import seed_for, shared_folder
from powercut_story import STORIES

__all__ = ["shared_folder"]

# Of each format: its first sector, and how many there are.
EXT4, BTRFS = (2, 2), (128, 8)


class Place(NamedTuple):
    """A superblock of a story: its disk, the number of the partition if it is in one, and its sectors from there."""

    disk: str
    partition: str
    sectors: tuple[int, int]

    def first(self, origin: Reference) -> int:
        """Its first sector on the disk."""
        parts = origin.survey["tables"][self.disk].get("partitions", ())
        return self.sectors[0] + next((each["start"] for each in parts if each["number"] == self.partition), 0)


PLACES = {
    "existing-root": Place("a", "2", EXT4), "existing-data": Place("a", "3", EXT4), "existing-fresh": Place("b", "", EXT4),
    "blank-pool": Place("b", "4", BTRFS),
}  # fmt: skip


@pytest.mark.parametrize("title", PLACES)
def test_a_machine_whose_superblock_was_torn_ends_as_one_that_was_left_alone(
    title: str, shared_folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    random, story = Random(seed_for(request)), STORIES[title.partition("-")[0]]
    origin = reference(story, shared_folder)
    # A run in which both disks were busy whenever this superblock was written is of no use; then it takes another one.
    others = (undisturbed(story, tmp_path / f"again-{index}") for index in range(2))
    said = next(filter(None, (tear(run, PLACES[title], tmp_path, random) for run in chain([origin], others))), "")
    assert said, "no run wrote this superblock while the other disks were quiet"
    print(said)
    power = power_on(story, tmp_path / "disks", tmp_path / "run")
    told = "\n".join(verdict(power, origin))
    assert not told, told
    assert "a power cut tore the superblock" in power.console, power.console


def tear(origin: Reference, place: Place, folder: Path, random: Random) -> str:
    """Make the disks of a moment at which a superblock was written and not yet flushed: a part of it is as it was before.

    Says what it did; nothing where the run has no such moment.
    """
    power, first = origin.power, place.first(origin)
    writes = list(superblock_writes(power, place.disk, first))
    random.shuffle(writes)
    for before, moment in writes:
        power.disks_at(moment, folder / "disks", None)
        disk, old = folder / "disks" / place.disk, folder / "old"
        rebuild(old, power.folder / f"{place.disk}.base", power.folder / f"{place.disk}.log", before, None)
        changed = [sector for sector in range(first, first + place.sectors[1]) if at(old, sector) != at(disk, sector)]
        if len(changed) > 1:
            kept = random.sample(changed, random.randint(1, len(changed) - 1))
            with disk.open("r+b") as file:
                for sector in kept:
                    file.seek(sector * SECTOR)
                    file.write(at(old, sector))
            old.unlink()
            return f"{power.doing(moment)}: {kept} of {changed} are old"
    return ""


def at(disk: Path, sector: int) -> bytes:
    """A sector of a disk."""
    with disk.open("rb") as file:
        file.seek(sector * SECTOR)
        return file.read(SECTOR)


def superblock_writes(power: Power, disk: str, sector: int) -> Iterator[tuple[int, Moment]]:
    """The moments right after a write to a sector, between the stages disks and umount, while nothing was written to the other
    disks; with where the disk's log was before.
    """
    index = power.story.names.index(disk)
    log = entries(power.folder / f"{disk}.log")
    console = (power.folder / "console.log").read_bytes()
    first, last = console.find(b"ENDED kargs,disks"), console.find(b"files: files passed")
    looks = [each for each in power.moments if first <= each.said <= last]
    for before, write in pairwise(log):
        if write.flags & (DISCARD | FLUSH) or not write.sector <= sector < write.sector + write.sectors:
            continue
        around = next(
            (pair for pair in pairwise(looks) if pair[0].positions[index] < write.end <= pair[1].positions[index]), None
        )
        if around is not None and elsewhere(around[0], index) == elsewhere(around[1], index):
            positions = list(around[1].positions)
            positions[index] = write.end
            yield before.end, Moment(around[0].time_s, tuple(positions), around[0].said)


def elsewhere(moment: Moment, index: int) -> tuple[int, ...]:
    """Where the logs of the other disks were."""
    return tuple(position for each, position in enumerate(moment.positions) if each != index)
