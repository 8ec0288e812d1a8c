"""`provision report`: what becomes of every field of a document when it is taken to Ignition.

A field is carried exactly unless the translator said otherwise: done by a generated unit, or lost. `destinations` knows
where each went, `table` shows it.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from provision.diagnostics import Diagnostic, span_of
from provision.document import WHOLE_TEXT
from provision.ignition import Config
from provision.inputs import STDIN, STDIN_NAME, read_input
from provision.migration.destinations import Destinations
from provision.migration.entries import Entry, Mark, Report
from provision.migration.table import print_table
from provision.record import Record, Row
from provision.transpile.author import Fate, Options
from provision.transpile.compile import Compiled, compile_document

# What says of a key that the dialect does not have it, so that everything below it is dropped.
DROPPED_KEYS = ("PV101", "PV203")


def print_report(path: str, options: Options, as_json: bool) -> Compiled:
    """Print the report of one file; the caller shows the diagnostics of what was compiled."""
    name = STDIN_NAME if path == STDIN else path
    compiled = compile_document(read_input(path), name, options)
    report = report_of(compiled)
    if as_json:
        print(json.dumps(as_plain(report), ensure_ascii=False, indent=2))
    elif compiled.author is not None:
        print_table(report, shutil.get_terminal_size().columns)
    return compiled


def report_of(compiled: Compiled) -> Report:
    """What became of each field of a document; none where it could not be read."""
    release, root = compiled.release, compiled.root
    entries: list[Entry] = []
    remarks: list[str] = []
    if compiled.author is not None:
        places = Places(compiled)
        found = () if root is None else (*fields(root, places), *dropped(compiled))
        entries = sorted((*found, *texts(compiled)), key=lambda entry: entry.line)
        remarks = places.remarks
    return Report(compiled.document.file, release.name if release else "unknown", entries, remarks)


def as_plain(report: Report) -> dict[str, object]:
    """The report as JSON has it."""
    return {
        "file": report.file,
        "dialect": report.dialect,
        "summary": report.counts,
        "remarks": report.remarks,
        "fields": [entry._asdict() for entry in report.entries],
    }


# ---- fields -------------------------------------------------------------------------------------------------------


class Places:
    """Where fields stand, and what was noted of them."""

    def __init__(self, compiled: Compiled) -> None:
        assert compiled.author is not None
        self.author = compiled.author
        self.root = compiled.root.origin if compiled.root else None
        self.destinations = Destinations(compiled.config or Config())
        self.fates: dict[tuple[int, str | None], Fate] = {}
        self.remarks: list[str] = []
        for fate in compiled.author.fates:
            if fate.field is None and fate.mark == "exact" and fate.record.origin is self.root:
                self.remarks.append(fate.how)
                continue
            # A record may be a copy of the one that was read: both stand for the same node of the document.
            self.fates.setdefault((id(fate.record.origin), fate.field), fate)
        self.errors = {
            (found.file, found.span): found.message for found in compiled.diagnostics if found.severity == "error"
        }

    def fate(self, record: Record, field: str | None) -> Fate | None:
        """What was noted of a field."""
        return self.fates.get((id(record.origin), field))

    def place(self, record: Record, row: Row) -> Diagnostic:
        """The file, place and path of a field."""
        return self.author.document.diagnostic(self.author.place(record, row.name), "", "info", "")

    def destination(self, record: Record, row: Row) -> str:
        """Where a field went, as far as that is known."""
        owner = None if record.origin is self.root else record
        return self.destinations.words(self.author.place(record, row.name), owner)


def fields(record: Record, places: Places, inherited: Fate | None = None, path: str = "") -> Iterator[Entry]:
    """Every field that was given a value, of a record and those below it."""
    inherited = places.fate(record, None) or inherited
    for row, value in (*record.given(), *record.extras.values()):
        if value is None:
            continue
        fate = places.fate(record, row.name) or inherited
        here = f"{path}.{row.snake}".lstrip(".")
        below: list[tuple[str, Record]] = []
        if row.kind == "record":
            below = [(here, value)]
        elif row.kind == "records":
            below = [(f"{here}[{at}]", item) for at, item in enumerate(value)]
        if not below:
            yield entry(record, row, here, fate, places)
        for name, item in below:
            yield from fields(item, places, fate, name)


def entry(record: Record, row: Row, path: str, fate: Fate | None, places: Places) -> Entry:
    """The line of one field; what has an error of its own is lost. What is carried exactly says where it went."""
    place = places.place(record, row)
    error = places.errors.get((place.file, place.span))
    mark: Mark = fate.mark if fate else "lost" if error else "exact"
    how = fate.how if fate else error or ""
    where = places.destination(record, row) if mark == "exact" else ""
    if where not in how:
        how = f"{where}: {how}" if how else where
    return Entry(place.path or path, place.span.line, mark, how)


def dropped(compiled: Compiled) -> Iterator[Entry]:
    """Keys that the dialect does not have."""
    found = [one for one in compiled.diagnostics if one.code in DROPPED_KEYS]
    paths = {span_of(key): id(value) for key, value in pairs_below(compiled.document.root)} if found else {}
    for one in found:
        path = compiled.document.paths.get(paths.get(one.span, 0)) or one.path or ""
        yield Entry(path, one.span.line, "lost", one.message)


def pairs_below(root: object) -> Iterator[tuple[Any, Any]]:
    """The nodes of all keys and values of a document."""
    rest = [root]
    while rest:
        node = rest.pop()
        if isinstance(node, MappingNode):
            yield from node.value
            rest += [value for _, value in node.value]
        elif isinstance(node, SequenceNode):
            rest += node.value


def texts(compiled: Compiled) -> Iterator[Entry]:
    """What has no fields: a script or a unit that is the whole document, or a part of an archive."""
    for fate in compiled.author.fates if compiled.author else ():
        node = fate.record.origin
        if isinstance(node, ScalarNode) and node.style == WHOLE_TEXT:
            place = compiled.document.diagnostic(node, "", "info", "")
            part = place.file.removeprefix(compiled.document.file).strip()
            yield Entry(part or "(text)", place.span.line, fate.mark, fate.how)
