"""Old spellings of keys: read as the new ones, with a word about it."""

from provision.diagnostics import Severity
from provision.document.nodes import key_node
from provision.record import R, Record
from provision.transpile.author import Author

OLD = "old_"


def modern(record: R, author: Author, only: tuple[str, ...] | None = None) -> R:
    """The record with every key under its new name; where both are there, the new one counts."""
    new: dict[str, object] = {}
    places: dict[str, object] = {}
    for row, value in record.given():
        name = row.name.removeprefix(OLD)
        if name != row.name and (only is None or name in only):
            said = f"`{row.key}` is the old spelling of `{name}`"
            complain_of_key("PV727", "info", record, row.name, said, f"write `{name}`", author)
            if name not in record.__dict__:
                new[name], places[name] = value, author.place(record, row.name)
    return record.changed(**new).spotted(**places) if new else record


def complain_of_key(
    code: str, severity: Severity, record: Record, field: str, message: str, hint: str | None, author: Author
) -> None:
    """Note a problem with a key itself, whatever its value is."""
    place = key_node(record.origin, record.rows[field].snake) or author.place(record, field)
    author.diagnostics.append(author.document.diagnostic(place, code, severity, message, hint))
