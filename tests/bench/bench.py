"""`make bench`: whole commands against a yardstick measured in the same run, as ratios.

Every figure is the median of several runs of whole processes, taken in turns with its yardstick, so that a machine that
slows down slows both. As where it is installed, Python finds its modules compiled: the warm-up leaves them so. Prints a table and, with --json FILE, the same as JSON. Judges nothing: the limits stand beside.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from documents import (
    FILES_PER_FOLDER,
    FOLDERS,
    many_clc_files,
    many_cloud_files,
    many_files,
    many_ignition_files,
    write_inventory,
    write_small,
)

import provision

BIN = Path(sys.executable).parent
PROVISION = str(BIN / "provision")
LARGE, MEDIUM, SMALL = 10_000, 1_000, 1_000
LINES = 10_000
OLDER = {"cloud-config": many_cloud_files, "Container Linux Config": many_clc_files}
# What the measured processes see; bytecode is kept, but not in the tree.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
COMPOSE = """
import sys
from ruamel.yaml import YAML
YAML(typ="safe", pure=False).compose(open(sys.argv[1], "rb").read())
"""
# The applier runs from an initramfs: alone, without site-packages.
ALONE = [sys.executable, "-I", "-S"]
SOURCE = str(Path(provision.__file__).parent.parent)
LOAD_APPLIER = f"""
import sys
sys.path.insert(0, {SOURCE!r})
import provision.apply.command
import provision.apply.__main__
import provision.apply.reading
from provision.schema.rules import load
load()
"""
APPLY = f"""
import sys
sys.path.insert(0, {SOURCE!r})
from provision.apply.root_command import main
sys.exit(main(sys.argv[1:]))
"""
# The least that writes the files of `many_ignition_files` by temporary file and rename.
BARE_LOOP = f"""
import os, sys
root = sys.argv[1] + {FOLDERS!r}
os.makedirs(root)
for i in range({LARGE // FILES_PER_FOLDER}):
    os.mkdir(f"{{root}}/{{i}}")
for i in range({LARGE}):
    path = f"{{root}}/{{i // {FILES_PER_FOLDER}}}/{{i}}.conf"
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(fd, f'setting {{i}} = "value {{i}}"\\n'.encode())
    os.close(fd)
    os.rename(path + ".new", path)
"""


class Measured(NamedTuple):
    """The median wall time and the peak memory of a command."""

    seconds: float
    mib: float


class Figure(NamedTuple):
    """One line of the table; `limit` is the ratio or figure that the project holds itself to, None where there is none."""

    what: str
    value: float
    unit: str
    limit: float | None
    detail: str


def once(command: list[str]) -> Measured:
    """One run of a command to its end."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=ENVIRONMENT
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}")
    return Measured(time.perf_counter() - start, usage.ru_maxrss / 1024)


def in_turns(runs: int, *commands: list[str]) -> list[Measured]:
    """The median of each command, all of them run in turns after a warm-up."""
    for command in commands:
        once(command)
    rounds = [[once(command) for command in commands] for _ in range(runs)]
    return [median(column) for column in zip(*rounds, strict=True)]


def median(runs: Sequence[Measured]) -> Measured:
    """The median time of several runs, and their greatest memory."""
    return Measured(statistics.median(one.seconds for one in runs), max(one.mib for one in runs))


def figures(work: Path) -> list[Figure]:
    """All that is measured."""
    large, medium, small = work / "large.bu", work / "medium.bu", work / "small"
    large.write_text(many_files(LARGE))
    medium.write_text(many_files(MEDIUM))
    write_small(small, SMALL)
    one = str(small / "host0.bu")
    bare = [sys.executable, "-c", "pass"]

    compose, ten, thousand = in_turns(
        5,
        [sys.executable, "-c", COMPOSE, str(large)],
        [PROVISION, "transpile", str(large), "-o", str(work / "large.ign")],
        [PROVISION, "transpile", str(medium), "-o", str(work / "medium.ign")],
    )
    python, cold, manual = in_turns(15, bare, [PROVISION, "validate", one], [PROVISION, "--help"])
    (many,) = in_turns(3, [PROVISION, "validate", "-j", "1", str(small)])

    def seconds(ours: Measured, other: Measured, name: str) -> str:
        return f"{ours.seconds:.3f} s against {other.seconds:.3f} s {name}"

    found = [
        Figure(
            f"transpile {LARGE} files / libyaml compose alone", ten.seconds / compose.seconds, "x", 2.5,
            seconds(ten, compose, "compose"),
        ),
        Figure(
            f"transpile {LARGE} files / {MEDIUM} files", ten.seconds / thousand.seconds, "x", 11,
            seconds(ten, thousand, f"for {MEDIUM}"),
        ),
        Figure(f"transpile {LARGE} files, peak memory", ten.mib, "MiB", 400, ""),
        Figure(
            f"validate {SMALL} small documents, each", many.seconds / SMALL * 1000, "ms", 4,
            f"{many.seconds:.2f} s in one process",
        ),
        Figure("cold validate / bare python", cold.seconds / python.seconds, "x", 20, seconds(cold, python, "python")),
        Figure("--help / bare python", manual.seconds / python.seconds, "x", 10, seconds(manual, python, "python")),
    ]  # fmt: skip
    found += older_formats(work)
    found += applier(work)
    found += inventories(work)
    butane = shutil.which("butane")
    if butane:
        theirs, ours = in_turns(
            5,
            [butane, "-o", str(work / "peer.ign"), str(large)],
            [PROVISION, "transpile", str(large), "-o", str(work / "large.ign")],
        )
        found.append(
            Figure(
                f"transpile {LARGE} files / butane", ours.seconds / theirs.seconds, "x", None,
                seconds(ours, theirs, f"butane, {theirs.mib:.0f} MiB"),
            )
        )  # fmt: skip
        theirs, ours = in_turns(15, [butane, "-c", one], [PROVISION, "validate", one])
        found.append(
            Figure(
                "cold validate / butane -c", ours.seconds / theirs.seconds, "x", None, seconds(ours, theirs, "butane")
            )
        )
    return found


def applier(work: Path) -> list[Figure]:
    """How long the applier takes to load, and to write many small files."""
    ALONE[1:1] = ["-X", f"pycache_prefix={work / 'bytecode'}"]  # -I leaves the environment out
    python, load = in_turns(31, [*ALONE, "-c", "pass"], [*ALONE, "-c", LOAD_APPLIER])
    config = work / "many.ign"
    config.write_text(many_ignition_files(LARGE))
    bare, ours = in_new_roots(7, [*ALONE, "-c", BARE_LOOP], [*ALONE, "-c", APPLY, str(config), "--root"])
    detail = f"{ours.seconds:.3f} s against {bare.seconds:.3f} s for the loop"
    return [
        Figure(
            "load the applier / bare python", load.seconds / python.seconds, "x", 3.5,
            f"{load.seconds:.4f} s against {python.seconds:.4f} s python",
        ),
        Figure(f"apply {LARGE} files / a bare loop", ours.seconds / bare.seconds, "x", 4, detail),
        Figure(f"apply {LARGE} files, peak memory", ours.mib, "MiB", 150, ""),
    ]  # fmt: skip


def in_new_roots(runs: int, *commands: list[str]) -> list[Measured]:
    """`in_turns` for commands that take a directory as their last argument and fill it: a new one each time.

    In memory, where that can be had. A disk slows both, by what it did before and by inodes that were freed a minute
    ago (ext4), so that the ratio is the highest here and the least noisy.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    columns: list[list[Measured]] = [[] for _ in commands]
    for _ in range(runs + 1):
        for command, column in zip(commands, columns, strict=True):
            with tempfile.TemporaryDirectory(dir=memory) as root:
                column.append(once([*command, root]))
    return [median(column[1:]) for column in columns]


def inventories(work: Path) -> list[Figure]:
    """How long it takes to build a config for each host of an inventory, in as many processes as there are processors."""
    processors = os.cpu_count() or 1
    few, many = (str(write_inventory(work / f"inventory{count}", count)) for count in (MEDIUM, LARGE))
    (alone,) = in_new_roots(3, [PROVISION, "build", "--inventory", few, "-j", "1", "-o"])
    medium, large = in_new_roots(
        3, [PROVISION, "build", "--inventory", few, "-o"], [PROVISION, "build", "--inventory", many, "-o"]
    )
    each = (large.seconds - medium.seconds) / (LARGE - MEDIUM) * 1000
    return [
        Figure(
            f"build {LARGE} hosts, each host and processor", large.seconds * processors / LARGE * 1000, "ms", 4,
            f"{large.seconds:.1f} s in {processors} processes",
        ),
        Figure(
            f"build {LARGE} hosts / {MEDIUM} hosts", large.seconds / medium.seconds, "x", 11,
            f"{large.seconds:.2f} s against {medium.seconds:.2f} s; {each:.2f} ms for each host more",
        ),
        Figure(
            f"build {MEDIUM} hosts in one process / in {processors}", alone.seconds / medium.seconds, "x", None,
            f"{alone.seconds:.2f} s against {medium.seconds:.2f} s",
        ),
        Figure(f"build {LARGE} hosts, peak memory", large.mib, "MiB", 300, "the greatest of the processes"),
    ]  # fmt: skip


def older_formats(work: Path) -> list[Figure]:
    """The formats before Butane, against Butane documents of as many lines."""
    for name, make in {"Butane": butane_lines, **OLDER}.items():
        for lines in (LINES, 10 * LINES):
            (work / f"{name} {lines}.yaml").write_text(make(lines))

    def transpile(name: str, lines: int) -> list[str]:
        return [PROVISION, "transpile", str(work / f"{name} {lines}.yaml"), "-o", str(work / "out.ign")]

    found = []
    for name in OLDER:
        ours, large, butane, more = in_turns(
            5, *(transpile(which, lines) for which in (name, "Butane") for lines in (LINES, 10 * LINES))
        )
        each, theirs = large.seconds - ours.seconds, more.seconds - butane.seconds
        detail = f"{each:.3f} s against {theirs:.3f} s for {9 * LINES} lines"
        found.append(Figure(f"{name}, each line beyond {LINES} / Butane", each / theirs, "x", 1, detail))
        detail = f"{ours.seconds:.3f} s against {butane.seconds:.3f} s"
        found.append(Figure(f"{name} of {LINES} lines / Butane", ours.seconds / butane.seconds, "x", 1, detail))
        detail = f"{large.seconds:.3f} s against {ours.seconds:.3f} s"
        found.append(Figure(f"{name} of {10 * LINES} lines / {LINES}", large.seconds / ours.seconds, "x", 11, detail))
    return found


def butane_lines(lines: int) -> str:
    """A Butane document of about so many lines."""
    return many_files(lines // 8)


def table(found: list[Figure]) -> str:
    """The figures as lines of text."""
    width = max(len(figure.what) for figure in found)
    lines = [f"{'':{width}}  {'measured':>10}  {'limit':>10}"]
    for figure in found:
        limit = f"{figure.limit:g} {figure.unit}" if figure.limit is not None else "-"
        measured = f"{figure.value:.2f} {figure.unit}"
        lines.append(f"{figure.what:{width}}  {measured:>10}  {limit:>10}  {figure.detail}".rstrip())
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--json", metavar="FILE", help="write the figures here, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        ENVIRONMENT["PYTHONPYCACHEPREFIX"] = str(Path(work) / "bytecode")
        found = figures(Path(work))
    print(table(found))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps([figure._asdict() for figure in found], indent=2) + "\n")


if __name__ == "__main__":
    main()
