"""First boots with obstacles: an applier that is killed at its operations, a file system that is full, disks that break.

Each is one power-on; what the guest does in it is in in_guest/powercut_boot.py.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from powercut_chain import KEPT, Reference, verdict
from powercut_log import copy_sparse
from powercut_machine import Power, power_on

# What the console must have, and what a failure must look like there.
MET = {"faults": r"powercut: KILLED", "full": r"powercut: FULL", "errors": r"powercut: (BROKEN|SPOILED)"}
STAGES = ("disks", "mount", "files", "umount")
OPERATION = re.compile(
    r"(disks|mount|files|umount): (?:\w+: )?op\([0-9a-f]+\): (?:\[started\]|\[finished\] .*\(is so already\))"
)
BLOCK = "provision: stage"
# What a full file system looks like in the block; the shadow suite only says what it could not write.
NO_ROOM = re.compile(
    r"^  cause +.*(?:No space left on device|free on the file system|failure while writing)",
    re.MULTILINE | re.IGNORECASE,
)
# How long a stage may be left to run before it is killed with all its children.
SECONDS = {"disks": 8.0, "files": 2.5}


class Met(NamedTuple):
    """An obstacle, and what came of it."""

    story: str
    mode: str
    seed: str
    said: tuple[str, ...]
    trouble: tuple[str, ...]
    kept: str
    seconds: float

    def describe(self) -> str:
        """In some lines."""
        head = f"{self.story}, {self.mode}, seed {self.seed}, {self.seconds:.0f} s: {'; '.join(self.said)}"
        if not self.trouble:
            return f"{head}: no difference"
        return "\n".join([f"{head}:", *(f"  {line}" for line in self.trouble), f"  kept in {self.kept}"])


def meet(origin: Reference, mode: str, seed: str, points: tuple[str, ...] = ()) -> Met:
    """Switch a machine on that has not seen its first boot yet, and put the obstacle in its way."""
    story = origin.power.story
    words = f"powercut.seed={seed} powercut.points={','.join(points)}"
    with tempfile.TemporaryDirectory(prefix="provision-powercut-") as place:
        base = Path(place) / "base"
        base.mkdir()
        for name in story.disks:
            copy_sparse(origin.power.folder / f"{name}.base", base / name)
        power = power_on(story, base, Path(place) / "run", mode=mode, words=words)
        trouble = tuple(verdict(power, origin)) or tuple(unmet(power, mode))
        said = tuple(line.partition("powercut: ")[2] for line in power.console.splitlines() if is_news(line))
        kept = keep(power, f"{story.name}-{mode}-{seed}", trouble) if trouble else ""
        return Met(story.name, mode, seed, said, trouble, kept, power.seconds)


def is_news(line: str) -> bool:
    """Whether a line of the console says what became of an obstacle."""
    return re.search(r"powercut: (KILLED|PASSED|FULL|FITS|BROKEN|SPOILED)", line) is not None


def unmet(power: Power, mode: str) -> Iterator[str]:
    """What did not happen, or was not said."""
    if not re.search(MET[mode], power.console):
        yield f"nothing stood in the way of {mode}"
    failures = re.findall(r"powercut: (?:FULL|BROKEN).*ended with status", power.console)
    if power.console.count(BLOCK) < len(failures):
        yield f"{len(failures)} failures, and {power.console.count(BLOCK)} failure blocks on the console"
    if mode == "full" and len(NO_ROOM.findall(power.console)) < len(failures):
        yield "a full disk is not what the failure block says"


def keep(power: Power, name: str, trouble: Sequence[str]) -> str:
    """Keep what a failure can be looked at with."""
    kept = KEPT / name
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    shutil.copy(power.folder / "console.log", kept / "console.log")
    (kept / "trouble").write_text("\n".join(trouble) + "\n")
    return str(kept)


def operations(origin: Reference) -> dict[str, int]:
    """How many operations each stage of the undisturbed run had."""
    found = [each[1] for each in OPERATION.finditer(origin.power.console)]
    return {stage: found.count(stage) for stage in STAGES}


def rounds(origin: Reference, seed: str, machines: int) -> list[tuple[str, ...]]:
    """Points for so many machines. All together have every point, if there are enough of them: a machine has one of each
    stage but `files`, for the next run of such a stage counts other operations, and as many of that as fall to it.
    """
    random = Random(seed)
    rows: list[list[str]] = [[] for _ in range(machines)]
    for stage, count in operations(origin).items():
        points = [f"{stage}:{number}:{when}" for number in range(1, count + 1) for when in ("before", "after")]
        offset = random.randrange(machines)
        for index, point in enumerate(
            points if stage == "files" else random.sample(points, min(machines, len(points)))
        ):
            rows[(index + offset) % machines].append(point)
    return [tuple(with_clock(row, random)) for row in rows]


def with_clock(points: list[str], random: Random) -> Iterator[str]:
    """The points of a machine, and some that go by the clock before those of a stage."""
    for stage in STAGES:
        if stage in SECONDS:
            yield f"{stage}~{random.uniform(0.3, SECONDS[stage]):.1f}"
        yield from (point for point in points if point.startswith(f"{stage}:"))
