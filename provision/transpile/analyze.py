"""A second opinion on units: what `systemd-analyze verify` says of them, at the author's lines.

The program only reads. What it says of this machine instead of the one that the config is for (programs and units that are
not installed here) is left out, and so is what it says of other units than the config's.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from provision.diagnostics import declare
from provision.ignition import Config, Dropin, Unit
from provision.schema.machine.texts import text_of
from provision.schema.rules.systemd import UNIT_TYPES
from provision.transpile.author import Author

declare(
    "PV595", "warning", "second opinion of systemd",
    """What `systemd-analyze verify` says of the units of a config; asked for with --systemd-analyze.

    It is the opinion of the systemd that is installed here, which may be another release than the machine's.
    Source: systemd-analyze(1).
    """,
)  # fmt: skip

PROGRAM = "systemd-analyze"
TIMEOUT_S = 60
SAID = re.compile(r"(?P<place>[^\s:][^:]*?)(?::(?P<line>\d+))?: (?P<message>.+)")
# What holds of this machine only.
LOCAL = re.compile(
    r"is not executable|not loaded, socket|Found dependency on|deleted to break|Unable to break|Unit \S+ not found|Failed to create \S+/start|Can't locate|No such file or directory|man page",
    re.I,
)
# With `.d` behind it a name is still one of a folder.
NAME = re.compile(r"[A-Za-z0-9:_.\\@-]{1,253}")


class Opinion(NamedTuple):
    """One thing that the program says of a unit or drop-in."""

    record: Unit | Dropin
    line: int | None
    message: str


def second_opinion(config: Config, author: Author) -> None:
    """Add what the program says to the author's diagnostics; one info where there is no such program."""
    import shutil

    units = [unit for unit in config.systemd.units if is_writable(unit)]
    if not units:
        return
    program = shutil.which(PROGRAM)
    if program is None:
        said = f"there is no {PROGRAM} here, so that --systemd-analyze has no effect"
        author.complain("PV595", "info", config, None, said, "install systemd")
        return
    for opinion in opinions(units, program):
        author.complain("PV595", "warning", opinion.record, "contents", opinion.message, line=opinion.line)


def is_writable(unit: Unit) -> bool:
    """Whether a unit can be laid before the program: it has a text and a name that is one."""
    named = NAME.fullmatch(unit.name) and unit.name.rpartition(".")[2] in UNIT_TYPES
    return bool(named) and bool(unit.contents) and not unit.broken


def opinions(units: list[Unit], program: str) -> Iterator[Opinion]:
    """What the program says of some units, once each."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="provision-units-") as folder:
        records = write_units(units, Path(folder))
        output = verify([str(Path(folder, unit.name)) for unit in units], folder, program)
    seen = set()
    for line in output.splitlines():
        found = SAID.fullmatch(line.strip())
        record = records.get(found["place"]) if found else None
        if found and record is not None and not LOCAL.search(line) and line not in seen:
            seen.add(line)
            message = found["message"].replace(f"{folder}/", "")
            yield Opinion(record, int(found["line"]) if found["line"] else None, message)


def write_units(units: list[Unit], folder: Path) -> dict[str, Unit | Dropin]:
    """Write units with their drop-ins, and answer with the names by which the program speaks of them."""
    records: dict[str, Unit | Dropin] = {}
    for unit in units:
        path = folder / unit.name
        path.write_text(text_of(unit), encoding="utf-8", errors="replace")
        records[str(path)] = records[unit.name] = unit
        for dropin in unit.dropins:
            if dropin.contents and NAME.fullmatch(dropin.name) and dropin.name.endswith(".conf"):
                place = folder / f"{unit.name}.d" / dropin.name
                place.parent.mkdir(exist_ok=True)
                place.write_text(dropin.contents, encoding="utf-8", errors="replace")
                records[str(place)] = dropin
    return records


def verify(paths: list[str], folder: str, program: str) -> str:
    """What the program says of unit files in a folder."""
    import os
    import subprocess

    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_COLORS": "0"}
    try:
        ended = subprocess.run(
            [program, "verify", "--man=no", "--", *paths],
            env=environment,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "\n".join(f"{path}: {PROGRAM} did not answer: {type(error).__name__}" for path in paths[:1])
    return (ended.stderr + b"\n" + ended.stdout).decode("utf-8", "replace")
