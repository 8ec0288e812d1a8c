"""Where each part of an Ignition config stands in the author's document: a file that travels beside the config.

It names records by their section and identity, `storage.files /etc/hosts`, so that they are found again after configs were
merged. The applier names that line when an operation fails.
"""

from collections.abc import Callable
from functools import cache

from provision.diagnostics import ProvisionError
from provision.ignition import Config
from provision.record import Record
from provision.typed import Any, NamedTuple

MAP_VERSION = 1


class Place(NamedTuple):
    """A place in an author's document, counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


SourceMap = dict[str, Place]


def subject_of(record: object) -> str:
    """What a record of a config is called: its section and identity. Empty for what is no such record."""
    for cls in type(record).__mro__:
        found = named_sections().get(cls)
        if found is not None:
            section, identity = found
            return f"{section} {identity(record)}" if identity else section
    return ""


Identity = Callable[[Any], str]


@cache
def named_sections() -> dict[type, tuple[str, Identity | None]]:
    """The classes of records that acts are for, with their section and what tells one from another."""
    return sections(Config, "")


def sections(cls: type[Record], prefix: str) -> dict[type, tuple[str, Identity | None]]:
    """The sections below a class: lists of records with an identity, and records that hold plain values."""
    found: dict[type, tuple[str, Identity | None]] = {}
    for row in cls.rows.values():
        key = f"{prefix}{row.key}"
        if row.kind == "records" and row.item_key is not None:
            found[row.item] = (key, row.item_key)
        elif row.kind == "record":
            found[row.item] = (key, None)
            found.update(sections(row.item, f"{key}."))
    return found


def load_source_map(path: str) -> SourceMap:
    """The places of a sidecar file. Raises ProvisionError for one that is not to be had or is none."""
    import json

    try:
        with open(path, "rb") as file:
            document = json.loads(file.read())
        if document["version"] != MAP_VERSION:
            raise ValueError(f"version {document['version']} is not known")
        return {
            subject: Place(str(place["file"]), int(place["line"]), int(place["column"]))
            for subject, place in document["places"].items()
        }
    except OSError as error:
        raise ProvisionError(f"--source-map {path}: cannot be read: {error.strerror}", exit_code=2) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProvisionError(f"--source-map {path}: is no source map: {error}", exit_code=2) from None


def written(places: SourceMap) -> bytes:
    """The file's content."""
    import json

    document = {"version": MAP_VERSION, "places": {subject: place._asdict() for subject, place in places.items()}}
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
