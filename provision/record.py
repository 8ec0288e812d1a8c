"""Records: typed rows for the keys of a document, and all that follows from the rows.

A `Record` class declares its keys with `field`; `View` says which rows a release of a dialect shows; `decode` reads a
value by a view, `encode` writes the Ignition JSON, `merge` lays a child over a parent by Ignition's rules. Knows
nothing of YAML, files or the machine; needs the standard library only.

Records are immutable by convention: they share their defaults. A record remembers where it came from (`at`).
"""

from collections.abc import Callable, Iterator, Sequence
from types import UnionType
from typing import (
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Protocol,
    Self,
    TypeVar,
    dataclass_transform,
    get_args,
    get_origin,
)

Spec = tuple[int, int]
Kind = Literal["str", "int", "bool", "record", "records", "strs", "map"]

OLDEST: Spec = (3, 0)
NEVER: Spec = (999, 0)

SCALARS: dict[type, Kind] = {str: "str", int: "int", bool: "bool"}


def spec(text: str) -> Spec:
    """'3.4' or '3.4.0' or '3.7.0-experimental' as a pair that compares."""
    major, minor = text.split("-")[0].split(".")[:2]
    return int(major), int(minor)


class Row:
    """What a record knows of one key. `name` is the Python attribute, `key` the JSON spelling.

    An `extension` is a key that a dialect adds to a record of Ignition: it can be read, and is never written.
    """

    __slots__ = (
        "default", "doc", "extension", "ge", "item", "item_key", "keep", "key", "kind", "le", "name", "null_until", "nullable", "plain_until",
        "removed_by", "required", "secret", "shares", "since", "snake", "unit", "until", "variants",
    )  # fmt: skip

    name: str
    key: str
    snake: str
    kind: Kind
    item: "type[Record]"
    nullable: bool
    default: object
    since: Spec
    until: Spec
    required: Spec
    plain_until: Spec
    null_until: Spec
    ge: int | None
    le: int | None
    keep: bool
    unit: str
    secret: bool
    doc: str
    extension: bool
    item_key: Callable[[Any], str] | None
    shares: str
    removed_by: Callable[[Any], bool] | None
    variants: dict[str, str] | None

    def shown(self, at: Spec) -> bool:
        """Whether the row exists in the Ignition spec `at`."""
        return self.since <= at < self.until


class Unset(NamedTuple):
    """What `field` returns until the class is made; the annotation supplies the rest."""

    options: dict[str, Any]


def field(
    key: str | None = None,
    *,
    default: Any = None,
    factory: type[Any] | None = None,
    doc: str,
    since: str = "3.0",
    until: str | None = None,
    required: str | None = None,
    plain_until: str | None = None,
    null_until: str | None = None,
    ge: int | None = None,
    le: int | None = None,
    keep: bool = False,
    unit: str = "",
    secret: bool = False,
    by: Callable[[Any], str] | None = None,
    shares: str = "",
    removed_by: Callable[[Any], bool] | None = None,
    variants: dict[str, str] | None = None,
) -> Any:
    """Declare one key of a record.

    `since`, `until` (exclusive), `required` (a missing key is an error from there on) and `plain_until` (before it the
    value cannot be null, so a missing one is written as zero) are Ignition specs, as is `null_until` (before it an unset value is written as null). `ge`
    and `le` are the least and the greatest integer that make sense; a rule holds values to them. `keep` writes the key even where it is zero. `by` gives a list item's identity in a merge (without it lists concatenate), and
    lists that name the same `shares` have one namespace; an item that `removed_by` holds for takes its parent's away. `variants` limits a sugar to dialects and their first release.
    """
    return Unset(dict(
        key=key, default=default, factory=factory, doc=doc, since=spec(since), until=spec(until) if until else NEVER,
        required=spec(required) if required else NEVER, plain_until=spec(plain_until) if plain_until else OLDEST,
        null_until=spec(null_until) if null_until else OLDEST, ge=ge, le=le, keep=keep, unit=unit, secret=secret, by=by, shares=shares, removed_by=removed_by,
        variants=variants,
    ))  # fmt: skip


def snake_case(key: str) -> str:
    """The authoring spelling of a JSON key: `sizeMiB` is `size_mib`, `sshAuthorizedKeys` is `ssh_authorized_keys`."""
    out = ""
    for i, char in enumerate(key.replace("MiB", "Mib")):
        out += f"_{char.lower()}" if char.isupper() and i else char.lower()
    return out


def camel_case(name: str) -> str:
    """`wipe_table` is `wipeTable`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def itself(item: Any) -> str:
    """The identity of a string in a list that is a set."""
    return str(item)


def make_row(name: str, annotation: Any, options: dict[str, Any], *, extension: bool = False) -> Row:
    """Complete a declaration with what its annotation says."""
    row = Row()
    row.extension = extension
    row.name = name
    row.key = options.pop("key") or camel_case(name)
    row.snake = snake_case(row.key)
    row.item_key = options.pop("by")
    factory, default = options.pop("factory"), options.pop("default")
    for option, value in options.items():
        setattr(row, option, value)
    inner = annotation
    row.nullable = isinstance(annotation, UnionType)
    if row.nullable:
        (inner,) = (part for part in get_args(annotation) if part is not type(None))
    row.item = Record
    if inner in SCALARS:
        row.kind = SCALARS[inner]
    elif get_origin(inner) is tuple:
        item = get_args(inner)[0]
        row.kind = "strs" if item is str else "records"
        row.item = Record if item is str else item
    elif get_origin(inner) is dict:
        row.kind = "map"
    else:
        row.kind, row.item = "record", inner
    if row.kind in ("records", "strs"):
        default = ()
    elif factory is not None:
        default = factory()
    elif default is None and not row.nullable:
        default = {"str": "", "int": 0, "bool": False}[row.kind]
    row.default = default
    return row


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Record:
    """A node of a document, with typed attributes; `rows` lists its keys in the order in which they are written."""

    rows: ClassVar[dict[str, Row]] = {}

    def __init_subclass__(cls) -> None:
        rows = dict(cls.__mro__[1].__dict__.get("rows", {}))
        for name, annotation in cls.__annotations__.items():
            declared = cls.__dict__.get(name)
            if isinstance(declared, Unset):
                rows[name] = make_row(name, annotation, dict(declared.options))
                setattr(cls, name, rows[name].default)
        cls.rows = rows

    def __init__(self, **values: object) -> None:
        unknown = values.keys() - self.rows.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        self.__dict__.update(values)

    def at(self, origin: object, **fields: object) -> Self:
        """Say what a record that was made, not read, stands for, and single fields of it: nodes of the author's document."""
        self.__dict__["_origin"] = origin
        self.__dict__["_made"] = True
        return self.spotted(**fields)

    def spotted(self, **fields: object) -> Self:
        """Say where single fields come from; a list of strings may have a tuple with a place for each."""
        if fields:
            self.__dict__["_spots"] = {**self.__dict__.get("_spots", {}), **fields}
        return self

    @property
    def made(self) -> bool:
        """Whether the record was made for the author's node, instead of read from it."""
        return "_made" in self.__dict__

    @property
    def absent(self) -> frozenset[str]:
        """The fields that were required and not given: told already, so that no rule speaks of them again."""
        found: frozenset[str] = self.__dict__.get("_missing", frozenset())
        return found

    @property
    def origin(self) -> object | None:
        """The author's node that this record was read from or stands for."""
        return self.__dict__.get("_origin")

    @property
    def broken(self) -> bool:
        """Whether a part of this very record could not be read, so that rules would speak of what is not there."""
        return "_broken" in self.__dict__

    def spot(self, name: str) -> object | None:
        """The node given for one field by `at`, or the field's own origin if it is a section."""
        spots: dict[str, object] = self.__dict__.get("_spots", {})
        if name in spots:
            return spots[name]
        value = self.__dict__.get(name)
        return value.origin if isinstance(value, Record) else None

    @property
    def extras(self) -> "dict[str, tuple[Row, Any]]":
        """The keys that belong to the dialect, not to Ignition, with their rows and values."""
        found: dict[str, tuple[Row, Any]] = self.__dict__.get("_extras", {})
        return found

    def extra(self, name: str) -> Any:
        """The value of a dialect's own key; None where it is unset."""
        return self.extras.get(name, (None, None))[1]

    def changed(self, **values: object) -> Self:
        """A copy with other values, from the same place."""
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(values)
        return copy

    def empty(self) -> bool:
        """Whether every key is unset or zero: what Ignition's merge takes for an absent struct."""
        return all(is_zero(row, value) for row, value in self.given())

    def given(self) -> "Iterator[tuple[Row, Any]]":
        """The rows that were given a value, with it, in the order of the rows."""
        values = self.__dict__
        for name, row in self.rows.items():
            if name in values:
                yield row, values[name]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.rows)

    def __repr__(self) -> str:
        shown = (
            f"{row.name}={'…' if row.secret else repr(value)}" for row, value in self.given() if value != row.default
        )
        return f"{type(self).__name__}({', '.join(shown)})"


R = TypeVar("R", bound=Record)


def is_zero(row: Row, value: object) -> bool:
    """Whether a value is what Go calls zero for its row: null, an empty list or section, or a plain zero."""
    if isinstance(value, Record):
        return not row.nullable and value.empty()
    return value is None or value == () or (not row.nullable and not value)


def walk(record: Record, *, extras: bool = False) -> Iterator[Record]:
    """The record and all records below it, parents first, in the order of the rows; with `extras` also the dialect's own."""
    yield record
    for row, value in (*record.given(), *record.extras.values()) if extras else record.given():
        if row.kind == "record" and value is not None:
            yield from walk(value, extras=extras)
        elif row.kind == "records":
            for item in value:
                yield from walk(item, extras=extras)


def transform(record: R, changes: "dict[type[Record], Callable[[Any], Record]]") -> R:
    """The record with every record of the given classes below it, and itself, replaced; what stays the same is shared."""
    new: dict[str, object] = {}
    for row, value in record.given():
        if row.kind == "record" and value is not None:
            changed: object = transform(value, changes)
        elif row.kind == "records" and value:
            changed = tuple([transform(item, changes) for item in value])
            if all(map(same, changed, value)):
                continue
        else:
            continue
        if changed is not value:
            new[row.name] = changed
    change = changes.get(type(record))
    out = record.changed(**new) if new else record
    return change(out) if change else out  # type: ignore[return-value]  # a change keeps the class


def same(one: object, other: object) -> bool:
    """Identity, as a function."""
    return one is other


# ---- reading ----------------------------------------------------------------------------------------------------


class View(dict[type[Record], dict[str, Row]]):
    """The rows that one release of one dialect shows, by record class and by the dialect's spelling of the key.

    `spelling` picks the key of a row (`key` or `snake`); `extensions` are rows that the dialect adds to a class.
    """

    def __init__(
        self,
        at: Spec,
        spelling: Literal["key", "snake"] = "key",
        extensions: Callable[[type[Record]], Sequence[Row]] = lambda cls: (),
        shows: Callable[[Row], bool] = lambda row: True,
    ) -> None:
        super().__init__()
        self.at = at
        self.spelling = spelling
        self.extensions = extensions
        self.shows = shows

    def __missing__(self, cls: type[Record]) -> dict[str, Row]:
        rows = self[cls] = {
            getattr(row, self.spelling): row for row in self.every(cls) if row.shown(self.at) and self.shows(row)
        }
        return rows

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
        values["_broken"] = True
        problems.append(Problem("object", value))
        return record
    rows = view[cls]
    for key, child in pairs:
        row = rows.get(key)
        if row is None:
            problems.append(Problem("key", child, key))
            continue
        value = decode_value(row, child, view, source, problems)
        if value is BAD:
            values["_broken"] = True
        elif row.extension:
            values.setdefault("_extras", {})[row.name] = row, value
        elif value is not None:
            values[row.name] = value
    for name, row in cls.rows.items():
        if row.required <= view.at and values.get(name) is None and "_broken" not in values:
            problems.append(Problem("missing", value, getattr(row, view.spelling)))
            values["_missing"] = record.absent | {name}
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
    """Every leaf that `encode` writes, by its JSON pointer (RFC 6901), in the same order."""
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


# ---- merging ----------------------------------------------------------------------------------------------------


def merge(parent: R, child: R) -> R:
    """Lay `child` over `parent`: Ignition's merge, in which the child has priority.

    Source: Ignition, `config/merge`: nullable values and sections are taken from the child where it sets them, keyed
    lists keep the parent's positions, other lists concatenate, and a header whose value is null removes its parent.
    """
    if parent.empty():
        return child
    if child.empty():
        return parent.changed(_extras=child.extras) if child.extras else parent
    merged = type(child).__new__(type(child))
    values = merged.__dict__
    spots: dict[str, object] = {}
    for name, row in child.rows.items():
        ours, theirs = child.__dict__.get(name), parent.__dict__.get(name)
        if row.kind == "record":
            value: Any = theirs if ours is None else ours if theirs is None else merge(theirs, ours)
        elif row.kind in ("records", "strs"):
            value = merge_lists(row, parent, child)
        else:
            value = theirs if ours is None else ours
        if value is None:
            continue
        values[name] = value
        spot = (child if ours is not None else parent).spot(name) or (parent.origin if ours is None else None)
        if spot is not None:
            spots[name] = spot
    values["_origin"] = child.origin or parent.origin
    if (child if child.origin else parent).made:
        values["_made"] = True
    if spots:
        values["_spots"] = spots
    if parent.broken or child.broken:
        values["_broken"] = True
    if child.extras:
        values["_extras"] = child.extras
    return merged


def merge_lists(row: Row, parent: Record, child: Record) -> tuple[Any, ...]:
    """The merged items of one list: concatenated, or by their identity."""
    ours: tuple[Any, ...] = getattr(child, row.name)
    theirs: tuple[Any, ...] = getattr(parent, row.name)
    if row.item_key is None:
        return theirs + ours
    by_key = {row.item_key(item): item for item in ours}
    elsewhere = {
        other.item_key(item)
        for other in child.rows.values()
        if other.shares and other.shares == row.shares and other is not row and other.item_key
        for item in getattr(child, other.name)
    }
    out: list[Any] = []
    for item in theirs:
        key = row.item_key(item)
        if key in by_key:
            if row.removed_by and row.removed_by(by_key[key]):
                continue
            out.append(merge(item, by_key[key]) if isinstance(item, Record) else item)
        elif key not in elsewhere:
            out.append(item)
    known = {row.item_key(item) for item in theirs}
    out.extend(item for item in ours if row.item_key(item) not in known)
    return tuple(out)
