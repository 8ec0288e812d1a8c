"""What [X-Fleet] demands of the machine that a unit is to run on, as fleet reads it. Source: fleet 1.0, `job/job.go`."""

import re
from typing import NamedTuple

from provision.ignition import Unit
from provision.schema.machine.texts import PlainUnit, read
from provision.schema.machine.unit_contents import FLEET
from provision.units import Option, UnitFile

# Older names of the keys. X-ConditionMachineBootID is read as the id of the machine.
OLD_NAMES = {
    "X-ConditionMachineID": "MachineID",
    "X-ConditionMachineBootID": "MachineID",
    "X-ConditionMachineOf": "MachineOf",
    "X-ConditionMachineMetadata": "MachineMetadata",
    "X-Conflicts": "Conflicts",
}
KEYS = ("MachineID", "MachineOf", "MachineMetadata", "Conflicts", "Global", "Replaces")
YES = frozenset(("true", "yes", "1", "on", "t"))
# Go's path.Match: characters, escaped ones, wildcards, and sets of characters or ranges.
SET_ITEM = r"(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?"
PATTERN = re.compile(rf"(?:\\.|\*|\?|\[\^?+(?:{SET_ITEM})+\]|[^\\\[*?])*", re.DOTALL)
RANGE = re.compile(
    r"(?:\\(?P<low_escaped>.)|(?P<low>[^\\\]-]))(?:-(?:\\(?P<high_escaped>.)|(?P<high>[^\\\]-])))?", re.DOTALL
)
TOKEN = re.compile(
    rf"\\(?P<escaped>.)|(?P<star>\*)|(?P<one>\?)|\[(?P<set>\^?(?:{SET_ITEM})+)\]|(?P<plain>.)", re.DOTALL
)


class Requirement(NamedTuple):
    """One value of a key of [X-Fleet], under the key's present name."""

    key: str
    value: str
    option: Option


def is_fleet_unit(unit: Unit) -> bool:
    """Whether a unit is one for fleet: a file of its own with a section for it."""
    return isinstance(unit, PlainUnit) and read(unit).has(FLEET)


def requirements(text: UnitFile, name: str) -> tuple[Requirement, ...]:
    """What a unit demands of fleet, in order."""
    return tuple(
        Requirement(key, expanded(value, name), option)
        for option in text.options(FLEET)
        for key in [OLD_NAMES.get(option.name, option.name)]
        for value in values_of(key, option.value)
    )


def values_of(key: str, text: str) -> list[str]:
    """The values on one line: several stand in double quotes; a pattern also ends at a blank."""
    quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    values = re.split(r'"\s+"', text[1:-1]) if quoted else [text]
    return [word for value in values for word in value.split()] if key == "Conflicts" else values


def expanded(value: str, name: str) -> str:
    """A value with fleet's specifiers filled in."""
    stem = name.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    known = {"n": name, "N": stem, "p": prefix, "i": instance}
    return re.sub(r"%([nNpi])", lambda found: known[found[1]], value)


def is_global(wanted: tuple[Requirement, ...]) -> bool:
    """Whether a unit is to run everywhere; the last word counts."""
    said = [one.value.lower() for one in wanted if one.key == "Global"]
    return bool(said) and said[-1] in YES


def matches(pattern: str, name: str) -> bool:
    """Whether Go's path.Match takes a name without slashes; a pattern that it can't read matches nothing.

    At a mismatch only the last `*` is let to take one character more, so that no pattern takes long.
    """
    if not PATTERN.fullmatch(pattern):
        return False
    tokens = list(TOKEN.finditer(pattern))
    at = here = 0
    star, taken = -1, 0
    while here < len(name):
        if at < len(tokens) and tokens[at]["star"]:
            star, taken = at, here
            at += 1
        elif at < len(tokens) and accepts(tokens[at], name[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            taken += 1
            at, here = star + 1, taken
        else:
            return False
    return all(token["star"] for token in tokens[at:])


def accepts(token: re.Match[str], character: str) -> bool:
    """Whether one token of a pattern, but for `*`, takes a character."""
    if token["one"]:
        return True
    if token["set"]:
        inside = any(
            (item["low_escaped"] or item["low"]) <= character <= (item["high_escaped"] or item["high"] or item[0][-1])
            for item in RANGE.finditer(token["set"].removeprefix("^"))
        )
        return inside is not token["set"].startswith("^")
    return character == (token["escaped"] or token["plain"])
