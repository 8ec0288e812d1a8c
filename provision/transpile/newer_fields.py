"""Fields that an older version of Ignition does not have: found by the rows, of Ignition 3 as of Ignition 2."""

from typing import Any

from provision.diagnostics import declare
from provision.ignition import SPECS, full_version
from provision.record import R, Record, Row, Spec, spec
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import refuse

declare(
    "PV212", "error", "field that the target does not have",
    """A config that is written for an older Ignition has no field that is younger.

    The older Ignition would warn of it and leave it out. `--target` names a version that has the field, `--lossy` leaves
    the field out here.
    """, silenceable=False,
)  # fmt: skip

# Values that do what happens without the field: leaving them out loses nothing.
DEFAULTS: dict[str, object] = {
    "advertisement": "", "compression": "", "discard": False, "enabled": False, "resize": False, "should_exist": True,
    "wipe_partition_entry": False,
}  # fmt: skip


def without_newer(record: R, at: Spec, target: str, author: Author) -> R:
    """The record, and all below it, without the fields that are younger than `at`; what mattered is told."""
    changes: dict[str, Any] = {}
    for row, value in record.given():
        if not row.shown(at):
            if matters(row, value):
                tell(record, row, target, author)
            changes[row.name] = row.default
        elif row.kind == "record" and value is not None:
            changes[row.name] = without_newer(value, at, target, author)
        elif row.kind == "records" and value:
            lowered = [(item, without_newer(item, at, target, author)) for item in value]
            changes[row.name] = tuple([new for item, new in lowered if is_wanted(item) == is_wanted(new)])
    kept = {name: value for name, value in changes.items() if value is not record.__dict__[name]}
    return record.changed(**kept) if kept else record


def is_wanted(record: Record) -> bool:
    """Whether a record is of what shall exist. Without the field that says no, it would mean the contrary."""
    return getattr(record, "should_exist", None) is not False


def matters(row: Row, value: Any) -> bool:
    """Whether a field says anything that its absence does not."""
    if row.kind == "record":
        return value is not None and any(matters(inner, found) for inner, found in value.given())
    if row.kind in ("records", "strs"):
        return bool(value)
    return value is not None and value != DEFAULTS.get(row.name) and (row.nullable or bool(value))


def tell(record: Record, row: Row, target: str, author: Author) -> None:
    """Say that the target has no such field."""
    message = f"`{row.key}` exists from Ignition {number(row.since)} on, this config is for {target}"
    refuse(author, "PV212", record, row.name, message, f"give --target {number(row.since)}, or leave it out")


def number(at: Spec) -> str:
    """'2.4.0' for (2, 4)."""
    return full_version(at) if at >= spec(SPECS[0]) else f"{at[0]}.{at[1]}.0"
