"""The rule that the entries of a list are told apart, for every list whose items have an identity."""

from collections.abc import Iterator

from provision.ignition import Disk, Dropin, Filesystem, HttpHeader, Node, Partition, Resource, Tang, Unit
from provision.record import Record, Row
from provision.schema.rules import Finding, rule

# Partitions have rules of their own for numbers (PV312), labels (PV313) and the lack of both (PV316).
CHECKED_ELSEWHERE = (Partition,)
# Of these, an empty identity is a finding already.
NEVER_EMPTY = (Disk, Dropin, Filesystem, HttpHeader, Node, Tang, Unit)
SHOWN = 60
HINT = "join the two entries, or take one away"

KEYED: dict[type[Record], tuple[Row, ...]] = {}


def keyed_rows(cls: type[Record]) -> tuple[Row, ...]:
    """The rows of a class whose items must differ."""
    rows = KEYED.get(cls)
    if rows is None:
        rows = KEYED[cls] = tuple(
            row for row in cls.rows.values() if row.item_key and not issubclass(row.item, CHECKED_ELSEWHERE)
        )
    return rows


@rule("PV300", "error", on=Record, where=lambda cls: bool(keyed_rows(cls)))
def entries_are_unique(record: Record) -> Iterator[Finding]:
    """No two entries of a list stand for the same thing.

    Entries are told apart by what a merge goes by: path, device, name, URL, number, or the text itself. Files,
    directories and links share one namespace, and so do the kernel arguments that should and should not exist.
    Source: Ignition 3.0.0, merging of configs.

    Bad:
      storage:
        files:
          - path: /etc/motd
        links:
          - path: /etc/motd
            target: ../run/motd

    Good:
      storage:
        files:
          - path: /etc/motd
        links:
          - path: /etc/issue
            target: ../run/motd
    """
    spaces: dict[str, dict[str, str]] = {}
    for row in keyed_rows(type(record)):
        items = record.__dict__.get(row.name)
        if not items or row.item_key is None:
            continue
        seen = spaces.setdefault(row.shares or row.name, {})
        for index, item in enumerate(items):
            if row.kind == "records" and item.broken:
                continue
            key = row.item_key(item)
            if key not in seen:
                seen[key] = row.snake.replace("_", " ")
            elif key or not issubclass(row.item, NEVER_EMPTY):
                message = f"{shown(row, key)} is already among the {seen[key]}"
                if row.kind == "records":
                    yield Finding(None, message, HINT, on=item)
                else:
                    yield Finding(row.name, message, HINT, item=index)


def shown(row: Row, key: str) -> str:
    """How a message names an entry: by what tells it apart, unless that may hold a secret."""
    if issubclass(row.item, Resource):
        return "the same source"
    return repr(key if len(key) <= SHOWN else key[:SHOWN] + "…")
