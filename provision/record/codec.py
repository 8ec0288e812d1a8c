"""Reading records from JSON or YAML values, and writing them as Ignition JSON."""

from collections.abc import Callable, Iterator, Sequence

from provision.record.rows import SCALARS, Kind, R, Record, Row, Spec
from provision.typed import Any, Literal, NamedTuple, Protocol


class View(dict[type[Record], dict[str, Row]]):
    """The rows that one release of one dialect shows, by record class and by the dialect's spelling of the key.

    `spelling` picks the key of a row (`key` or `snake`); `extensions` are rows that the dialect adds to a class.
    Where there may be `dashes` in keys, they stand for underscores.
    """

    def __init__(
        self,
        at: Spec,
        spelling: Literal["key", "snake"] = "key",
        extensions: Callable[[type[Record]], Sequence[Row]] = lambda cls: (),
        shows: Callable[[Row], bool] = lambda row: True,
        *,
        dashes: bool = False,
    ) -> None:
        super().__init__()
        self.at = at
        self.dashes = dashes
        self.spelling = spelling
        self.extensions = extensions
        self.shows = shows
        self.required: dict[type[Record], tuple[Row, ...]] = {}

    def __missing__(self, cls: type[Record]) -> dict[str, Row]:
        rows = self[cls] = {
            getattr(row, self.spelling): row for row in self.every(cls) if row.shown(self.at) and self.shows(row)
        }
        return rows

    def demanded(self, cls: type[Record]) -> tuple[Row, ...]:
        """The rows of a class that must have a value."""
        rows = self.required.get(cls)
        if rows is None:
            rows = self.required[cls] = tuple(row for row in cls.rows.values() if row.required <= self.at)
        return rows

    def folded(self, cls: type[Record], key: str) -> Row | None:
        """The row that Go's JSON decoder takes for a key in other capitals, where the dialect is read by it."""
        if self.spelling != "key" or not cls.folds:
            return None
        return next((row for known, row in self[cls].items() if known.lower() == key.lower()), None)

    def shorthand(self, cls: type[Record]) -> Row | None:
        """The row that a plain string stands for where a record is expected."""
        return next((row for row in self[cls].values() if row.shorthand), None)

    def every(self, cls: type[Record]) -> list[Row]:
        """The rows of all releases of the dialect."""
        return [*cls.rows.values(), *self.extensions(cls)]


class Problem(NamedTuple):
    """A place where a value does not fit its row. `wanted` is the row's kind, `object`, `list`, `key` or `missing`."""

    wanted: str
    value: object
    key: str = ""


class Source(Protocol):
    """How `decode` looks into a document: plain JSON values, or YAML nodes with positions."""

    def entries(self, value: Any) -> Sequence[tuple[str, Any]] | None:
        """The pairs of a mapping, None where the value is none. A null has no pairs."""

    def items(self, value: Any) -> Sequence[Any] | None:
        """The elements of a list, None where the value is none. A null has no elements."""

    def scalar(self, value: Any, kind: Kind) -> Any:
        """The value as a scalar of that kind, None for null, `BAD` where it is something else."""

    def null(self, value: Any) -> bool:
        """Whether the value is null."""


class Bad:
    """The answer of `Source.scalar` for what does not fit."""


BAD = Bad()


class JsonSource:
    """Plain values, as `json.loads` gives them; integers are 64 bits wide and True is none of them."""

    def entries(self, value: Any) -> Sequence[tuple[str, Any]] | None:
        if value is None:
            return ()
        return list(value.items()) if isinstance(value, dict) else None

    def items(self, value: Any) -> Sequence[Any] | None:
        if value is None:
            return ()
        return value if isinstance(value, list) else None

    def scalar(self, value: Any, kind: Kind) -> Any:
        if value is None:
            return None
        if SCALARS.get(type(value)) != kind or (kind == "int" and not -(2**63) <= value < 2**63):
            return BAD
        return value

    def null(self, value: Any) -> bool:
        return value is None


def decode(cls: type[R], value: Any, view: View, source: Source, problems: list[Problem]) -> R:
    """Read a record strictly by a view; what does not fit goes to `problems` and leaves its default behind.

    Null stands for unset everywhere, as Go's decoders have it. Unknown keys are problems of the kind `key`.
    """
    record = cls.__new__(cls)
    values = record.__dict__
    values["_origin"] = value
    pairs = source.entries(value)
    if pairs is None:
        short = view.shorthand(cls)
        found = source.scalar(value, "str") if short else BAD
        if short and found is not BAD:
            values[short.name] = found
            return record.spotted(**{short.name: value})
        values["_broken"] = True
        problems.append(Problem("object", value))
        return record
    rows = view[cls]
    for key, child in pairs:
        row = rows.get(key)
        if row is None:
            problems.append(Problem("key", child, key))
            row = view.folded(cls, key)
            if row is None:
                continue
        found = decode_value(row, child, view, source, problems)
        if found is BAD and cls.tolerant:
            values["_absent"] = record.absent | {row.name}
            found = good_strings(source.items(child), source) if row.kind == "strs" else None
        if found is BAD:
            values["_broken"] = True
        elif row.extension and found is not None:
            values.setdefault("_extras", {})[row.name] = row, found
        elif found is not None:
            values[row.name] = found
    for row in view.demanded(cls):
        if values.get(row.name) is None and "_broken" not in values and row.name not in record.absent:
            problems.append(Problem("missing", value, getattr(row, view.spelling)))
            values["_absent"] = record.absent | {row.name}
    return record


def decode_value(row: Row, value: Any, view: View, source: Source, problems: list[Problem]) -> Any:
    """The value of one key; None for null, `BAD` where it does not fit and a problem was noted."""
    kind = row.kind
    if kind == "record":
        if row.nullable and source.null(value):
            return None
        return decode(row.item, value, view, source, problems)
    if kind == "records" or kind == "strs":
        items = source.items(value)
        if items is None and row.alone and source.scalar(value, "str") is not BAD:
            items = (value,)
        if items is None:
            problems.append(Problem("list", value, row.key))
            return BAD
        if not items and source.null(value):
            return None
        if kind == "records":
            return tuple([decode(row.item, item, view, source, problems) for item in items])
        return decode_strings(row, items, source, problems)
    if kind == "map":
        entries = source.entries(value)
        if entries is None:
            problems.append(Problem("object", value, row.key))
            return BAD
        strings = decode_strings(row, [item for _, item in entries], source, problems)
        return BAD if strings is BAD else dict(zip((name for name, _ in entries), strings, strict=True))
    if kind == "node":
        return None if source.null(value) else value
    scalar = source.scalar(value, kind)
    if scalar is BAD:
        problems.append(Problem(kind, value, row.key))
    return scalar


def decode_strings(row: Row, items: Sequence[Any], source: Source, problems: list[Problem]) -> Any:
    """A list of strings, in which null is the empty string; `BAD` where an element is none."""
    strings = [source.scalar(item, "str") for item in items]
    bad = [item for item, text in zip(items, strings, strict=True) if text is BAD]
    problems.extend(Problem("str", item, row.key) for item in bad)
    return BAD if bad else tuple(["" if text is None else text for text in strings])


def good_strings(items: Sequence[Any] | None, source: Source) -> tuple[str, ...] | None:
    """A list of strings with an empty one in the place of every element that is none; None for no list."""
    if items is None:
        return None
    return tuple([text if isinstance(text := source.scalar(item, "str"), str) else "" for item in items])


# ---- writing ----------------------------------------------------------------------------------------------------


def encode(record: Record, at: Spec) -> dict[str, Any]:
    """The record as Ignition JSON of the spec `at`, keys in the order of the rows.

    Unset values, empty lists and sections with nothing in them are left out; a nullable zero stays (`"sizeMiB":0`).
    Source: the omission rules of Ignition's types (`omitempty` on everything that is not a name, path or device).
    """
    out: dict[str, Any] = {}
    values = record.__dict__
    for name, row in record.rows.items():
        value = values.get(name)
        kind = row.kind
        if kind == "record":
            if value is not None:
                section = {} if value.empty() and not row.nullable and not row.keep else encode(value, at)
                if section or (row.nullable and at < row.plain_until):
                    out[row.key] = section
        elif kind == "records":
            if value:
                out[row.key] = [encode(item, at) for item in value]
        elif kind == "strs":
            if value:
                out[row.key] = list(value)
        elif kind == "map":
            if value:
                out[row.key] = dict(value)
        elif value is None:
            if row.keep or at < row.plain_until:
                out[row.key] = row.default if row.default is not None else ""
            elif at < row.null_until:
                out[row.key] = None
        elif row.nullable or value or row.keep:
            out[row.key] = value
    return out


class Leaf(NamedTuple):
    """One value of encoded JSON with the record and row that it comes from: an entry of the source map."""

    pointer: str
    record: Record
    row: Row
    item: int | None


def source_map(record: Record, pointer: str = "") -> Iterator[Leaf]:
    """Every leaf of what was given a value, by its JSON pointer (RFC 6901), in the order in which `encode` writes them."""
    for row, value in record.given():
        here = f"{pointer}/{row.key}"
        if row.kind == "record":
            if value is not None:
                yield from source_map(value, here)
        elif row.kind == "records":
            for i, item in enumerate(value):
                yield from source_map(item, f"{here}/{i}")
        elif row.kind == "strs":
            for i in range(len(value)):
                yield Leaf(f"{here}/{i}", record, row, i)
        elif value is not None and (row.nullable or value or row.keep):
            yield Leaf(here, record, row, None)
