"""Ignition JSON to a config, with what is wrong in it. For the applier, which has no YAML reader and no jsonschema.

Places are given by key (`storage.files[2].mode`); the command line of authors gives lines.
"""

from collections.abc import Iterator

from provision.diagnostics import Severity
from provision.ignition import SPECS, Config, upgrade
from provision.record import JsonSource, Problem, Spec, View, decode, spec
from provision.schema.rules import Violation, check
from provision.typed import Any, NamedTuple, NoReturn

WANTED = {
    "str": "a string",
    "int": "an integer of at most 64 bits",
    "bool": "true or false",
    "object": "an object",
    "list": "a list",
}


# Rules on which the tools of authors insist, and which carrying a config out can do without: numbers of partitions that are
# deleted are free for others at once. Source: Ignition, `internal/exec/stages/disks/partitions.go`.
LIFTED = frozenset(("PV318",))


class Remark(NamedTuple):
    """Something that is wrong with a config, at a key; `code` is empty for what no rule names."""

    severity: Severity
    code: str
    place: str
    message: str

    def __str__(self) -> str:
        code = f"[{self.code}]" if self.code else ""
        place = f"{self.place}: " if self.place else ""
        return f"{self.severity}{code}: {place}{self.message}"


class Reading(NamedTuple):
    """What was read: a config of the newest spec, which is only to be used if no remark is an error."""

    config: Config
    remarks: tuple[Remark, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the config can be used."""
        return not any(remark.severity == "error" for remark in self.remarks)


def read_config(data: bytes) -> Reading:
    """Read Ignition JSON of any spec; raises nothing for what is wrong with it."""
    try:
        document = load(data)
        version = version_of(document)
    except ValueError as error:
        return Reading(Config(), (Remark("error", "", "", str(error)),))
    at = spec(version)
    problems: list[Problem] = []
    config = decode(Config, document, View(at), JsonSource(), problems)
    violations = tuple(violations_of(config, at))
    if not problems and not violations:
        return Reading(upgrade(config, at), ())
    places = Places(document)
    remarks = [remark_of(problem, places) for problem in problems]
    remarks += [finding_of(violation, places) for violation in violations]
    return Reading(upgrade(config, at), tuple(remarks))


def violations_of(config: Config, at: Spec) -> Iterator[Violation]:
    """What the rules find in a config that is to be carried out."""
    return (violation for violation in check(config, at) if violation.code.code not in LIFTED)


def load(data: bytes) -> dict[str, Any]:
    """The JSON object of a config; ValueError, in words for people, where it is none."""
    import json

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start}: not UTF-8") from None
    if not text.strip():
        raise ValueError("the config is empty")
    try:
        document = json.loads(text, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise ValueError("not a config: the JSON is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a config: a JSON object is due")
    return document


def refuse_constant(name: str) -> NoReturn:
    """NaN and infinities are Python's own addition to JSON."""
    raise ValueError(f"not JSON: {name}")


def version_of(document: dict[str, Any]) -> str:
    """The spec that a config says it is written in; ValueError where there is no such spec."""
    ignition = document.get("ignition")
    version = ignition.get("version") if isinstance(ignition, dict) else None
    if version is None:
        raise ValueError(f"ignition.version is missing; known are {', '.join(SPECS)}")
    if version not in SPECS:
        raise ValueError(f"ignition.version {ascii(version)[:40]} is not known; known are {', '.join(SPECS)}")
    return str(version)


class Places:
    """Where the values of a document are. They are told apart by identity, and taken once, in the document's order."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.entries = list(entries_below(document))
        self.containers = {id(value): place for place, _, value in self.entries if isinstance(value, (dict, list))}

    def container(self, value: object) -> str:
        """The place of an object or list."""
        return self.containers.get(id(value), "")

    def take(self, key: str, value: object) -> str:
        """The place of the next value under a key; without a key, of the next value."""
        for i, (place, name, entry) in enumerate(self.entries):
            if entry is value and key in ("", name):
                del self.entries[i]
                return place
        return key


def entries_below(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Place, key and value of all that is in a document, in its order. An element of a list goes by the list's key."""
    todo: list[tuple[str, str, Any]] = [("", "", document)]
    while todo:
        place, name, value = todo.pop()
        yield place, name, value
        if isinstance(value, dict):
            below = [(f"{place}.{key}" if place else key, key, inner) for key, inner in value.items()]
        elif isinstance(value, list):
            below = [(f"{place}[{i}]", name, inner) for i, inner in enumerate(value)]
        else:
            continue
        todo += reversed(below)


def remark_of(problem: Problem, places: Places) -> Remark:
    """What `decode` found, in words."""
    if problem.wanted == "missing":
        return Remark("error", "", places.container(problem.value), f"`{problem.key}` is missing")
    place = places.take(problem.key, problem.value)
    if problem.wanted == "key":
        return Remark("warning", "", place, "the key is not known in this version and has no effect")
    return Remark("error", "", place, f"{WANTED.get(problem.wanted, problem.wanted)} is due here")


def finding_of(violation: Violation, places: Places) -> Remark:
    """What a rule found, in words."""
    code, record, finding = violation
    place = places.container(record.origin)
    row = record.rows.get(finding.field or "")
    if row is not None:
        item = f"[{finding.item}]" if finding.item is not None else ""
        place = f"{place}.{row.key}{item}" if place else f"{row.key}{item}"
    hint = f" ({finding.hint})" if finding.hint else ""
    return Remark(violation.severity, code.code, place, finding.message + hint)
