"""Records compared by their rows: a key that `provision.ignition` gets is compared without a change here."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from provision.comparison.changes import HIDDEN, Field
from provision.comparison.hiding import masked, short_hash, shortened
from provision.contents import content_of, is_remote
from provision.diagnostics import ProvisionError
from provision.ignition import Partition, Resource
from provision.inspection.contents import public
from provision.record import Record, Row

Item = TypeVar("Item")

# Rows with a URL: of it is shown what may be.
URLS = frozenset(("source", "http_proxy", "https_proxy", "url"))
# Settings of a Clevis pin are for the pin alone to understand.
SECRETS = frozenset(("config",))
# Lists that Ignition merges as sets, and in which the order has a meaning all the same.
ORDERED = frozenset(("devices", "merge", "partitions"))
# What leaving a value out means, where that is not simply false or nothing.
MEANT: dict[str, object] = {"should_exist": True, "number": 0}
ZEROS: dict[str, object] = {"bool": False, "str": ""}
# An empty label is one that a partition has to have; without one any will do.
OPEN = {(Partition, "label")}


def keyed(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, Item]:
    """Items by their identity; further ones of the same identity by that and a count."""
    found: dict[str, Item] = {}
    for item in items:
        name = first = key(item)
        number = 1
        while name in found:
            number += 1
            name = f"{first} #{number}"
        found[name] = item
    return found


def pairs(old: Mapping[str, Item], new: Mapping[str, Item]) -> Iterator[tuple[str, Item | None, Item | None]]:
    """What has one identity on both sides, in the order of the old side; then what is new."""
    for name, item in old.items():
        yield name, item, new.get(name)
    for name, item in new.items():
        if name not in old:
            yield name, None, item


def fields_of(old: Record | None, new: Record | None, without: Iterable[str] = (), prefix: str = "") -> Iterator[Field]:
    """What differs between two records of one class; None is one in which nothing is set."""
    known = old if old is not None else new
    for row in known.rows.values() if known is not None and old is not new else ():
        if row.name not in without:
            yield from row_fields(row, meant(old, row), meant(new, row), prefix + row.snake)


def meant(record: Record | None, row: Row) -> object:
    """The value of a row; None where it means the same as leaving it out."""
    value = getattr(record, row.name) if record is not None else row.default
    if (type(record), row.name) in OPEN:
        return value
    return None if value == MEANT.get(row.name, ZEROS.get(row.kind)) else value


def row_fields(row: Row, old: object, new: object, name: str) -> Iterator[Field]:
    """What differs in one row."""
    if old is new or (row.kind not in ("record", "records") and old == new):
        return
    if row.kind == "record" and issubclass(row.item, Resource):
        yield from resource_fields(as_resource(old), as_resource(new), name)
    elif row.kind == "record":
        yield from fields_of(as_record(old), as_record(new), prefix=f"{name}.")
    elif row.kind == "records":
        yield from list_fields(row, old, new, name)
    elif row.kind == "strs" and row.item_key and row.name not in ORDERED:
        yield from set_fields(name, old, new)
    else:
        yield one(name, words(row, old), words(row, new))


def as_record(value: object) -> Record | None:
    """A section, where there is one."""
    return value if isinstance(value, Record) else None


def one(name: str, old: str | None, new: str | None) -> Field:
    """A value that differs; what may be shown of it can be the same, and then nothing of it is shown."""
    return Field(name, HIDDEN, HIDDEN) if old == new else Field(name, old, new)


def set_fields(name: str, old: object, new: object) -> Iterator[Field]:
    """What is in one set alone."""
    before, after = strings(old), strings(new)
    yield from (Field(name, plain(each), None, True) for each in before if each not in after)
    yield from (Field(name, None, plain(each), True) for each in after if each not in before)


def strings(value: object) -> dict[str, None]:
    """The strings of a list, each once and in order."""
    return dict.fromkeys(each for each in value if isinstance(each, str)) if isinstance(value, tuple) else {}


def list_fields(row: Row, old: object, new: object, name: str) -> Iterator[Field]:
    """What differs in a list of records; each is named by what identifies it."""
    before, after = (keyed(items_of(value), lambda item: label_of(row, item)) for value in (old, new))
    for key, one_side, other in pairs(before, after):
        label = f"{name}[{key}]"
        if one_side is None or other is None:
            yield Field(label, None if one_side is None else "there", None if other is None else "there", True)
        elif isinstance(one_side, Resource):
            yield from resource_fields(one_side, as_resource(other), label)
        else:
            yield from fields_of(one_side, other, prefix=f"{label}.")
    yield from order_field(row.name, list(before), list(after), name)


def items_of(value: object) -> tuple[Record, ...]:
    """The records of a list."""
    return tuple(item for item in value if isinstance(item, Record)) if isinstance(value, tuple) else ()


def label_of(row: Row, item: Record) -> str:
    """The identity of a record as it may be shown. Two that are told apart by a secret alone have it in common."""
    if isinstance(item, Resource):
        return source_words(item) or "nothing"
    key = row.item_key(item) if row.item_key else ""
    return public(key) if "url" in row.item.rows else plain(key)


def order_field(row_name: str, old: list[str], new: list[str], name: str) -> Iterator[Field]:
    """That what is in both lists stands in another order, where that has a meaning."""
    before, after = [each for each in old if each in new], [each for each in new if each in old]
    if row_name in ORDERED and before != after:
        yield Field(f"order of {name}", ", ".join(before), ", ".join(after))


# ---- resources --------------------------------------------------------------------------------------------------


def as_resource(value: object) -> Resource | None:
    """A resource, where there is one."""
    return value if isinstance(value, Resource) else None


def resource_fields(old: Resource | None, new: Resource | None, name: str) -> Iterator[Field]:
    """What differs between two resources: what they hold, or where they are fetched from. Of a key only that it does."""
    before, after = source_of(old), source_of(new)
    fetched = isinstance(before, str) or isinstance(after, str)
    rest = list(fields_of(old, new, ("source", *(() if fetched else ("compression", "verification"))), f"{name}."))
    if name.endswith("key_file"):
        if before != after or rest:
            yield Field(name, None if before is None else HIDDEN, None if after is None else HIDDEN)
        return
    if before != after:
        yield one(f"{name}.source", source_words(old), source_words(new))
    yield from rest


def source_of(resource: Resource | None) -> str | bytes | None:
    """The URL of what is fetched, the bytes of what the config holds; None for nothing."""
    if resource is None or not resource.source:
        return None
    if is_remote(resource):
        return resource.source
    try:
        return content_of(resource)
    except ProvisionError:
        return resource.source


def source_words(resource: Resource | None) -> str | None:
    """Where a resource is, or a hash of what it holds."""
    found = source_of(resource)
    return f"data, sha256 {short_hash(found)}" if isinstance(found, bytes) else found and public(found)


def words(row: Row, value: object) -> str | None:
    """A value as it may be shown; None where it is not set."""
    if value is None or value == ():
        return None
    if row.name in SECRETS or (row.secret and row.name not in URLS):
        return HIDDEN
    if row.name in URLS:
        return public(str(value))
    if isinstance(value, tuple):
        return plain(" ".join(map(str, value)))
    if row.name == "mode" and isinstance(value, int):
        return f"{value & 0o7777:04o}"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return plain(f"{text} {row.unit}" if row.unit else text or '""')


def plain(text: str) -> str:
    """A text without secrets, and not too long."""
    return shortened("\n".join(map(masked, text.split("\n"))))
