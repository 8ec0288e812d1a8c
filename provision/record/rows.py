"""Rows and records: what a class of records declares of its keys, and what every record can do.

Records are immutable by convention: they share their defaults. A record remembers where it came from (`at`).
"""

from collections.abc import Callable, Iterator
from types import UnionType
from typing import (
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    TypeVar,
    dataclass_transform,
    get_args,
    get_origin,
)

Spec = tuple[int, int]
Kind = Literal["str", "int", "bool", "record", "records", "strs", "map", "node"]

OLDEST: Spec = (0, 0)
NEVER: Spec = (999, 0)

SCALARS: dict[type, Kind] = {str: "str", int: "int", bool: "bool"}


def spec(text: str) -> Spec:
    """'3.4' or '3.4.0' or '3.7.0-experimental' as a pair that compares."""
    major, minor = text.split("-")[0].split(".")[:2]
    return int(major), int(minor)


class Row:
    """What a record knows of one key. `name` is the Python attribute, `key` the JSON spelling.

    An `extension` is a key that a dialect adds to a record of Ignition: it can be read, and is never written.
    A row of the kind `node` (its type is `object`) keeps what the document has, whatever that is: whoever uses it looks
    into it, and says what does not fit.
    """

    __slots__ = (
        "alone", "default", "doc", "extension", "ge", "item", "item_key", "keep", "key", "kind", "le", "name", "null_until", "nullable", "plain_until",
        "removed_by", "required", "secret", "shares", "shorthand", "since", "snake", "unit", "until", "variants",
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
    alone: bool
    shorthand: bool

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
    since: str | None = None,
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
    alone: bool = False,
    shorthand: bool = False,
) -> Any:
    """Declare one key of a record.

    `since`, `until` (exclusive), `required` (a missing key is an error from there on), `plain_until` (before it the value
    cannot be null, so a missing one is written as zero) and `null_until` (before it an unset value is written as null)
    are Ignition specs, or versions of the dialect that the record belongs to. `ge` and `le` are the least and the greatest integer that make sense; a rule holds values to them.
    `keep` writes the key even where it is zero. `by` gives a list item's identity in a merge (without it lists
    concatenate), lists that name the same `shares` have one namespace, and an item that `removed_by` holds for takes its
    parent's away. `variants` limits a sugar to dialects and their first release. With `alone` a single string may
    stand for a list of one; a string in place of a record stands for the field that is its `shorthand`.
    """
    return Unset(dict(
        key=key, default=default, factory=factory, doc=doc, since=spec(since) if since else OLDEST, until=spec(until) if until else NEVER,
        required=spec(required) if required else NEVER, plain_until=spec(plain_until) if plain_until else OLDEST,
        null_until=spec(null_until) if null_until else OLDEST, ge=ge, le=le, keep=keep, unit=unit, secret=secret, by=by,
        shares=shares, removed_by=removed_by, variants=variants,
        alone=alone, shorthand=shorthand,
    ))  # fmt: skip


def snake_case(key: str) -> str:
    """The authoring spelling of a JSON key: `sizeMiB` is `size_mib`, `sshAuthorizedKeys` is `ssh_authorized_keys`."""
    if key.islower():
        return key
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
    elif inner is object:
        row.kind = "node"
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
    folds: ClassVar[bool] = True
    """Whether keys in other capitals stand for these, where the dialect is spelt as JSON: so has it Go's decoder."""
    tolerant: ClassVar[bool] = False
    """Whether the dialect's own reader passes over a value of another type, and takes the rest of the record."""

    def __init_subclass__(cls) -> None:
        rows = dict(cls.__mro__[1].__dict__.get("rows", {}))
        for name, annotation in cls.__annotations__.items():
            declared = cls.__dict__.get(name)
            if isinstance(declared, Unset):
                rows[name] = make_row(name, annotation, dict(declared.options))
                setattr(cls, name, rows[name].default)
        cls.rows = rows

    def __init__(self, **values: object) -> None:
        if not values.keys() <= self.rows.keys():
            unknown = values.keys() - self.rows.keys()
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
        """The fields that were required and not given, or passed over: told already, so that no rule speaks of them again."""
        found: frozenset[str] = self.__dict__.get("_absent", frozenset())
        return found

    @property
    def origin(self) -> object | None:
        """The author's node that this record was read from or stands for."""
        return self.__dict__.get("_origin")

    @property
    def broken(self) -> bool:
        """Whether a part of this very record could not be read, so that rules would speak of what is not there."""
        return "_broken" in self.__dict__

    @property
    def spots(self) -> dict[str, object]:
        """The nodes given for single fields by `at` and `spotted`."""
        found: dict[str, object] = self.__dict__.get("_spots", {})
        return found

    def spot(self, name: str) -> object | None:
        """The node given for one field by `at`, or the field's own origin if it is a section."""
        spots = self.spots
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

    def as_broken(self) -> Self:
        """A copy that rules pass over: what they would find follows from a problem that was told already."""
        return self.changed(_broken=True)

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
