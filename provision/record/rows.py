"""Rows and records: what a class of records declares of its keys, and what every record can do.

Records are immutable by convention: they share their defaults. A record remembers where it came from (`at`).
"""

from collections.abc import Callable, Iterator
from types import NoneType, UnionType

from provision.typed import Any, ClassVar, Literal, Self, TypeVar, dataclass_transform

Spec = tuple[int, int]
Kind = Literal["str", "int", "bool", "record", "records", "strs", "map", "node"]

OLDEST: Spec = (0, 0)
NEVER: Spec = (999, 0)

# Options of `field` that are specs, and one that a row has under another name.
SPEC_OPTIONS = ("since", "until", "required", "plain_until", "null_until")
ATTRIBUTES = {"by": "item_key"}

SCALARS: dict[type, Kind] = {str: "str", int: "int", bool: "bool"}
ZEROS: dict[Kind, object] = {"str": "", "int": 0, "bool": False}


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

    name: str
    key: str
    snake: str
    kind: Kind
    item: "type[Record]"
    nullable: bool
    doc: str
    default: object = None
    since: Spec = OLDEST
    until: Spec = NEVER
    required: Spec = NEVER
    plain_until: Spec = OLDEST
    null_until: Spec = OLDEST
    ge: int | None = None
    le: int | None = None
    keep: bool = False
    unit: str = ""
    secret: bool = False
    extension: bool = False
    item_key: Callable[[Any], str] | None = None
    shares: str = ""
    removed_by: Callable[[Any], bool] | None = None
    variants: dict[str, str] | None = None
    alone: bool = False
    shorthand: bool = False

    def shown(self, at: Spec) -> bool:
        """Whether the row exists in the Ignition spec `at`."""
        return self.since <= at < self.until


class Unset:
    """What `field` returns until the class is made: what it was given. The annotation supplies the rest."""

    __slots__ = ("options",)

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options


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
    unit: str | None = None,
    secret: bool = False,
    by: Callable[[Any], str] | None = None,
    shares: str | None = None,
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
    # Only what was given: there are rows by the hundred at every start, and they take less time the smaller they are.
    return Unset({name: value for name, value in locals().items() if value is not None and value is not False})


def snake_case(key: str) -> str:
    """The authoring spelling of a JSON key: `sizeMiB` is `size_mib`, `sshAuthorizedKeys` is `ssh_authorized_keys`."""
    out = ""
    for i, char in enumerate(key.replace("MiB", "Mib")):
        out += f"_{char.lower()}" if char.isupper() and i else char.lower()
    return out


def camel_case(name: str) -> str:
    """`wipe_table` is `wipeTable`."""
    if "_" not in name:
        return name
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def itself(item: Any) -> str:
    """The identity of a string in a list that is a set."""
    return str(item)


def make_row(name: str, annotation: Any, options: dict[str, Any], *, extension: bool = False) -> Row:
    """Complete a declaration with what its annotation says."""
    row = Row()
    for option, value in options.items():
        if option in SPEC_OPTIONS:
            value = spec(value)
        setattr(row, ATTRIBUTES.get(option, option), value)
    if extension:
        row.extension = True
    row.name = name
    row.key = options.get("key") or camel_case(name)
    row.snake = name if row.key == name and name.islower() else snake_case(row.key)
    row.nullable = isinstance(annotation, UnionType)
    row.kind, row.item = kind_of(
        next(part for part in annotation.__args__ if part is not NoneType) if row.nullable else annotation
    )
    if row.kind in ("records", "strs"):
        row.default = ()
    elif "factory" in options:
        row.default = options["factory"]()
    elif row.default is None and not row.nullable:
        row.default = ZEROS[row.kind]
    return row


def kind_of(annotation: Any) -> "tuple[Kind, type[Record]]":
    """What a row of that type holds, and the class of its records."""
    scalar = SCALARS.get(annotation)
    if scalar is not None:
        return scalar, Record
    origin = getattr(annotation, "__origin__", None)
    if origin is tuple:
        item = annotation.__args__[0]
        return ("strs", Record) if item is str else ("records", item)
    if origin is dict:
        return "map", Record
    return ("node", Record) if annotation is object else ("record", annotation)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Record:
    """A node of a document, with typed attributes; `rows` lists its keys in the order in which they are written."""

    rows: ClassVar[dict[str, Row]] = {}
    folds: ClassVar[bool] = True
    """Whether keys in other capitals stand for these, where the dialect is spelt as JSON: so has it Go's decoder."""
    tolerant: ClassVar[bool] = False
    """Whether the dialect's own reader passes over a value of another type, and takes the rest of the record."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # a record class may be generic
        rows = dict(cls.__mro__[1].__dict__.get("rows", {}))
        for name, annotation in cls.__annotations__.items():
            declared = cls.__dict__.get(name)
            if isinstance(declared, Unset):
                rows[name] = make_row(name, annotation, declared.options)
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
