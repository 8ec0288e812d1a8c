"""First boots with obstacles: an applier that is killed at its operations, a file system that is full, disks that break.

Each is one power-on; what the guest does in it is in in_guest/powercut_boot.py.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
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
# How long a stage may be left to run before it is killed with all its children.
SECONDS = {"disks": 12.0, "files": 3.0}


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
        kept = keep(power, f"{story.name}-{mode}-{seed}") if trouble else ""
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
    if mode == "full" and power.console.count("No space left on device") < len(failures):
        yield "a full disk is not what the failure block says"


def keep(power: Power, name: str) -> str:
    """Keep what a failure can be looked at with."""
    kept = KEPT / name
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    shutil.copy(power.folder / "console.log", kept / "console.log")
    return str(kept)


def operations(origin: Reference) -> dict[str, int]:
    """How many operations each stage of the undisturbed run had."""
    found = [each[1] for each in OPERATION.finditer(origin.power.console)]
    return {stage: found.count(stage) for stage in STAGES}


def rounds(origin: Reference, seed: str, machines: int) -> list[tuple[str, ...]]:
    """Points for so many machines: each gets some of every stage, and all of them together have every point once."""
    random = Random(seed)
    rows: list[list[str]] = [[] for _ in range(machines)]
    for stage, count in operations(origin).items():
        points = [(number, when) for number in range(1, count + 1) for when in ("before", "after")]
        offset = random.randrange(machines)
        for index, (number, when) in enumerate(points):
            rows[(index + offset) % machines].append(f"{stage}:{number}:{when}")
    for row in rows:
        row += [f"{stage}~{random.uniform(0.3, span):.1f}" for stage, span in SECONDS.items()]
        random.shuffle(row)
        row.sort(key=number_of)
    return [tuple(row) for row in rows]


def number_of(point: str) -> int:
    """The number of the operation of a point; those that go by the clock come anywhere."""
    return int(point.split(":")[1]) if ":" in point else hash(point) % 20
