"""What each release of each dialect shows of the records: the views that documents are read by.

Butane's dialects spell Ignition's keys in snake case and add keys of their own, which `extend` registers next to the code
that expands them. Ignition shows its rows as they are.
"""

from functools import lru_cache
from typing import Any

from provision.ignition import Config, Ignition
from provision.record import Record, Row, Unset, View, field, make_row
from provision.versions import Release, releases_of, version_key

EXTENSIONS: dict[type[Record], dict[str, Row]] = {}


def extend(cls: type[Record], name: str, kind: Any, **options: Any) -> Row:
    """Add a dialect's own key to a record of Ignition; the options are those of `field`."""
    declared: Unset = field(**options)
    row = make_row(name, kind, dict(declared.options), extension=True)
    EXTENSIONS.setdefault(cls, {})[name] = row
    return row


def extensions_of(cls: type[Record]) -> list[Row]:
    """The added keys of a class, with those of its bases."""
    found: dict[str, Row] = {}
    for base in reversed(cls.__mro__):
        found.update(EXTENSIONS.get(base, {}))
    return list(found.values())


extend(Config, "variant", str, doc="The dialect of this document: fcos, flatcar, openshift, r4e or fiot.")
extend(Config, "version", str, doc="The dialect's version, which decides what keys there are.")


@lru_cache(maxsize=128)
def view_of(release: Release) -> View:
    """The rows that a release shows."""
    if release.dialect == "ignition":
        return View(release.spec)
    version_row = Ignition.rows["version"]

    def shows(row: Row) -> bool:
        if row is version_row:  # follows from the document's own version
            return False
        if row.variants is None:
            return True
        first = row.variants.get(release.dialect)
        return first is not None and version_key(release.version) >= version_key(first)

    return View(release.spec, "snake", extensions_of, shows)


def first_release_with(cls: type[Record], key: str, dialect: str) -> Release | None:
    """The first release of a dialect in which a record has a key, None where none has."""
    return next((release for release in releases_of(dialect) if key in view_of(release)[cls]), None)
