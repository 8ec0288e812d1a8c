"""Cutting the power of a first boot, again and again, and comparing what comes of it with an undisturbed run.

Each cut takes the disks of some moment of the run before it and switches the machine on with them; this run then goes to
its end, is compared, and is what the next cut is taken from.
"""

import json
import pickle
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from powercut_log import copy_sparse
from powercut_machine import Power, power_on
from powercut_story import Story
from vm_guest import CHECKOUT
from vm_image import locked

# Where the disks of a run that went wrong are kept: `powercut.py --again FOLDER` switches the machine on with them.
KEPT = CHECKOUT / "build" / "powercut"
# `lost`: the volatile cache is. `issued`: all that was written is on the disks. `killed`: the same, and the emulator was
# indeed killed at that moment.
KINDS = {"lost": 6, "issued": 2, "killed": 1}


class Reference(NamedTuple):
    """An undisturbed run."""

    power: Power
    survey: dict[str, Any]


class Cut(NamedTuple):
    """One cut, and what came of it. `depth`: how many cuts in a row it is the last of."""

    story: str
    seed: str
    depth: int
    kind: str
    moment: str
    disks: str
    trouble: tuple[str, ...]
    kept: str
    seconds: float

    def describe(self) -> str:
        """In one line, and below it what went wrong."""
        head = f"{self.story}, seed {self.seed}, cut {self.depth} ({self.kind}) at {self.moment} [{self.disks}], {self.seconds:.0f} s"
        if not self.trouble:
            return f"{head}: no difference"
        return "\n".join([f"{head}:", *(f"  {line}" for line in self.trouble), f"  kept in {self.kept}"])


class PowerCutError(Exception):
    """An undisturbed run did not end well."""


def reference(story: Story, folder: Path) -> Reference:
    """The undisturbed run of a story, made once for all processes that share the folder."""
    with locked(folder / f"{story.name}.lock"):
        made = folder / f"{story.name}.reference"
        if not made.exists():
            unfinished = made.with_suffix(".new")
            unfinished.write_bytes(pickle.dumps(undisturbed(story, folder / story.name)))
            unfinished.rename(made)
        found = pickle.loads(made.read_bytes())
        assert isinstance(found, Reference)
        return found


def undisturbed(story: Story, folder: Path) -> Reference:
    """Prepare the disks, if there is anything to prepare, and let the first boot run."""
    disks = None
    if story.prepare:
        prepared = power_on(story, None, folder / "prepare", mode="prepare")
        if prepared.status != "PREPARED status 0":
            raise PowerCutError(f"{story.name}: the disks are not prepared: {prepared.status}\n{prepared.last_words()}")
        disks = folder / "prepared"
        prepared.disks_left(disks)
        shutil.rmtree(prepared.folder)
    power = power_on(story, disks, folder / "undisturbed")
    if power.survey is None:
        raise PowerCutError(f"{story.name}: an undisturbed run fails: {power.status}\n{power.last_words()}")
    return Reference(power, power.survey)


def play(origin: Reference, seed: str, cuts: int) -> Iterator[Cut]:
    """Cut the power so many times in a row; ends early where something goes wrong."""
    random = Random(seed)
    story = origin.power.story
    with tempfile.TemporaryDirectory(prefix="provision-powercut-") as place:
        before, power = None, origin.power
        for depth in range(1, cuts + 1):
            kind = random.choices(list(KINDS), list(KINDS.values()))[0]
            folder = Path(place) / str(depth)
            started = time.monotonic()
            moment, lost = cut(power, kind, folder, random)
            if before is not None:
                shutil.rmtree(before)
            next_power = power_on(story, folder / "disks", folder / "run")
            trouble = verdict(next_power, origin)
            kept = keep(origin, folder, f"{seed}-{depth}", trouble) if trouble else ""
            yield Cut(story.name, seed, depth, kind, moment, lost, tuple(trouble), kept, time.monotonic() - started)
            if trouble:
                return
            before, power = folder, next_power


def cut(power: Power, kind: str, folder: Path, random: Random) -> tuple[str, str]:
    """Make the disks of a run that is cut off; says when that was, and what was lost."""
    if kind == "killed":
        first, last = power.stretch()
        after_s = random.uniform(0, last - first)
        base = folder / "base"
        base.mkdir(parents=True)
        for name in power.story.disks:
            shutil.copyfile(power.folder / f"{name}.base", base / name)
        killed = power_on(power.story, base, folder / "killed", kill_after_s=after_s)
        killed.disks_left(folder / "disks")
        said = killed.doing(killed.moments[-1]) if killed.moments else "its start"
        shutil.rmtree(killed.folder)
        shutil.rmtree(base)
        return f"{after_s:.1f} s, {said}", "all kept"
    moment = power.choose(random)
    lost = power.disks_at(moment, folder / "disks", random if kind == "lost" else None)
    return power.doing(moment), lost


def verdict(power: Power, origin: Reference) -> list[str]:
    """What is wrong with a machine after its last power-on."""
    if power.survey is None:
        return [power.status or "it ended without a word", *(f"| {line}" for line in power.last_words().splitlines())]
    return list(differences(origin.survey, power.survey))


def differences(wanted: object, found: object, place: str = "") -> Iterator[str]:
    """Where two surveys differ."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}):
            where = f"{place}: {key}" if place else str(key)
            if key not in found:
                yield f"{where}: missing"
            elif key not in wanted:
                yield f"{where}: {found[key]!r}, where nothing should be"
            else:
                yield from differences(wanted[key], found[key], where)
    elif wanted != found:
        yield f"{place}: {found!r} instead of {wanted!r}"


def keep(origin: Reference, folder: Path, name: str, trouble: list[str]) -> str:
    """Keep what a failure can be looked at with: the disks after the cut, what is wanted, the console, the words."""
    story = origin.power.story
    kept = KEPT / f"{story.name}-{name}"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for disk in story.disks:
        copy_sparse(folder / "disks" / disk, kept / disk)
    shutil.copy(folder / "run" / "console.log", kept / "console.log")
    (kept / "wanted.json").write_text(json.dumps(origin.survey))
    (kept / "trouble").write_text("\n".join(trouble) + "\n")
    return str(kept)
