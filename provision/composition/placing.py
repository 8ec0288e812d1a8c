"""Places that outlive a merge: every part of a config is told which document, and which node there, it comes from."""

from typing import Any, NamedTuple

from provision.diagnostics import Diagnostic, Severity, Span
from provision.record import R, Record
from provision.transpile.author import Author


class Spot(NamedTuple):
    """A place in one of several documents: the document's author, and a node or span there."""

    author: Author
    node: object

    @property
    def span(self) -> Span:
        """Where it is in its document."""
        return self.author.document.span(self.node)

    def line(self, number: int | None) -> "Spot":
        """The place of a line of the text that stands here."""
        return self if number is None else Spot(self.author, self.author.document.line_inside(self.node, number))

    def diagnostic(self, code: str, severity: Severity, message: str, hint: str | None = None) -> Diagnostic:
        """A diagnostic at this place."""
        return self.author.document.diagnostic(self.node, code, severity, message, hint)


class PlacedText(str):
    """An element of a list of texts that knows its place, wherever a merge puts it."""

    __slots__ = ("spot",)
    spot: Spot


def placed(text: str, spot: Spot) -> PlacedText:
    """A text with its place."""
    made = PlacedText(text)
    made.spot = spot
    return made


def pinned(record: R, author: Author) -> R:
    """The record, and all below it, with a Spot for itself and for each of its fields."""
    values: dict[str, Any] = {}
    spots: dict[str, object] = {}
    for row, value in record.given():
        name = row.name
        if row.kind == "record":
            values[name] = None if value is None else pinned(value, author)
        elif row.kind == "records":
            values[name] = tuple([pinned(item, author) for item in value])
        elif row.kind == "strs":
            values[name] = tuple(
                [placed(item, Spot(author, author.node_of(record, name, i))) for i, item in enumerate(value)]
            )
        if not record.made and row.kind != "record":
            spots[name] = Spot(author, author.node_of(record, name, None))
    for name, node in record.spots.items():
        spots[name] = pinned_node(node, author)
    out = record.changed(**values)
    out.__dict__["_origin"] = Spot(author, record.origin)
    if spots:
        out.__dict__["_spots"] = spots
    return out


def pinned_node(node: object, author: Author) -> object:
    """A node, or a place for each element of a list, as Spots."""
    if isinstance(node, tuple) and not isinstance(node, (Span, Spot)):
        return tuple([Spot(author, each) for each in node])
    return node if isinstance(node, Spot) else Spot(author, node)


def pinned_to(record: R, spot: Spot) -> R:
    """The record, and all below it, at one place: for what is written inside a text there."""
    values: dict[str, Any] = {}
    for row, value in record.given():
        if row.kind == "record":
            values[row.name] = None if value is None else pinned_to(value, spot)
        elif row.kind == "records":
            values[row.name] = tuple([pinned_to(item, spot) for item in value])
        elif row.kind == "strs":
            values[row.name] = tuple([placed(item, spot) for item in value])
    out = record.changed(**values)
    out.__dict__["_origin"] = spot
    out.__dict__.pop("_spots", None)
    out.__dict__["_made"] = True
    return out


def spot_of(record: Record, field: str | None, item: int | None = None) -> Spot | None:
    """The place of a record, of a field of it, or of an element of a list."""
    found: object = None
    if field is not None:
        values = record.__dict__.get(field)
        if item is not None and isinstance(values, tuple) and item < len(values):
            found = getattr(values[item], "spot", None)
        if found is None:
            found = record.spot(field)
        if isinstance(found, tuple) and not isinstance(found, Spot):
            found = found[item or 0] if len(found) > (item or 0) else None
    if not isinstance(found, Spot):
        found = record.origin
    return found if isinstance(found, Spot) else None
