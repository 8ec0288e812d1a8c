"""Rules: checks of single kinds of records, each under a code.

A rule is a generator function that takes a record (and, if it has a second parameter, the Ignition spec that the config
is written for), yields findings and raises nothing. Its docstring is its manual: the first line demands the truth, the
text says why and names the source, and the YAML under `Bad:` raises it while the YAML under `Good:` nearly does; a test
runs both. Standard library only: the applier uses these rules too.
"""

from collections.abc import Callable, Iterator

from provision.diagnostics import CODES, Code, Severity, declare
from provision.record import NEVER, OLDEST, Record, Row, Spec, spec
from provision.typed import NamedTuple, TypeVar


class Finding(NamedTuple):
    """What a rule found: at a field of the checked record, at the record itself where `field` is None.

    `item` is the index of the element of a list of strings; `on` names another record than the checked one; `severity`
    overrides the code's; `line` is a line (from 1) inside a text value, such as a unit's.
    """

    field: str | None
    message: str
    hint: str | None = None
    item: int | None = None
    on: Record | None = None
    severity: Severity | None = None
    line: int | None = None


class Violation(NamedTuple):
    """A finding with the code that it falls under and the record that it is about."""

    code: Code
    record: Record
    finding: Finding

    @property
    def severity(self) -> Severity:
        """The finding's own severity, else that of the code."""
        return self.finding.severity or self.code.severity


Check = Callable[..., Iterator[Finding]]
C = TypeVar("C", bound=Check)


class Rule(NamedTuple):
    """A check with the records and specs that it is for; one that `takes_spec` is called with the spec as well."""

    code: Code
    on: type[Record]
    since: Spec
    until: Spec
    where: Callable[[type[Record]], bool]
    check: Check
    takes_spec: bool

    def holds_for(self, cls: type[Record], at: Spec) -> bool:
        """Whether records of a class are checked in a config of the spec `at`."""
        return issubclass(cls, self.on) and self.since <= at < self.until and self.where(cls)


RULES: list[Rule] = []
# What holds for which records, as far as it was asked for; and the rows below which there is anything to check.
APPLICABLE: dict[Spec, dict[type[Record], tuple[Rule, ...]]] = {}
WORTHWHILE: dict[Spec, dict[type[Record], tuple[Row, ...]]] = {}


def rule(
    code: str,
    severity: Severity,
    *,
    on: type[Record],
    since: str | None = None,
    until: str | None = None,
    where: Callable[[type[Record]], bool] = lambda cls: True,
) -> Callable[[C], C]:
    """Register a check of `on` and its subclasses under a code, for the specs from `since` to before `until`.

    `where` leaves out subclasses that there is nothing to check of. Several checks may share a code; the manual is the
    docstring of the first.
    """

    def register(check: C) -> C:
        row = CODES.get(code) or declare(code, severity, check.__name__, check.__doc__ or "")
        first, end = spec(since) if since else OLDEST, spec(until) if until else NEVER
        RULES.append(Rule(row, on, first, end, where, check, check.__code__.co_argcount == 2))
        APPLICABLE.clear()
        WORTHWHILE.clear()
        return check

    return register


def rules_for(cls: type[Record], at: Spec) -> tuple[Rule, ...]:
    """The rules that hold for a class of records in one spec."""
    by_class = APPLICABLE.setdefault(at, {})
    found = by_class.get(cls)
    if found is None:
        load()
        found = by_class[cls] = tuple(rule for rule in RULES if rule.holds_for(cls, at))
    return found


def load() -> None:
    """Import every module of rules, so that the registry is whole."""
    from provision.schema.rules import (  # noqa: F401
        disks,
        duplicates,
        files,
        filesystems,
        ignition,
        luks,
        partitions,
        passwd,
        paths,
        pointer,
        raid,
        systemd,
    )


def check(root: Record, at: Spec) -> Iterator[Violation]:
    """Run every rule over a record and all below it. Records that could not be read in full are passed over."""
    # A config has records by the ten thousand, but few classes.
    rules_of: dict[type[Record], tuple[Rule, ...]] = {}
    rows_of: dict[type[Record], tuple[Row, ...]] = {}
    rest = [root]
    while rest:
        record = rest.pop()
        cls = type(record)
        if cls not in rules_of:
            rules_of[cls], rows_of[cls] = rules_for(cls, at), rows_worthwhile(cls, at)
        values = record.__dict__
        for row in rows_of[cls]:
            value = values.get(row.name)
            if value is not None:
                rest.extend(value) if row.kind == "records" else rest.append(value)
        for rule in () if record.broken else rules_of[cls]:
            for finding in rule.check(record, at) if rule.takes_spec else rule.check(record):
                if not is_told(record, finding):
                    yield Violation(rule.code, finding.on or record, finding)


def rows_worthwhile(cls: type[Record], at: Spec) -> tuple[Row, ...]:
    """The rows of a class that lead to records which some rule looks at."""
    by_class = WORTHWHILE.setdefault(at, {})
    if cls not in by_class:
        by_class[cls] = ()  # stands in while the records below are looked at
        by_class[cls] = tuple(
            row for row in cls.rows.values()
            if row.kind in ("record", "records")
            and any(rules_for(each, at) or rows_worthwhile(each, at) for each in families(row.item))
        )  # fmt: skip
    return by_class[cls]


def families(cls: type[Record]) -> Iterator[type[Record]]:
    """A class and all that are made from it."""
    yield cls
    for each in cls.__subclasses__():
        yield from families(each)


def is_told(record: Record, finding: Finding) -> bool:
    """Whether a finding speaks of a field whose absence was told when the config was read."""
    return finding.field in (finding.on or record).absent
