"""What each release of each dialect shows of the records: the views that documents are read by.

Butane's dialects spell Ignition's keys in snake case and add keys of their own, which `extend` registers next to the code
that expands them. Ignition shows its rows as they are.
"""

from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

from provision.ignition import Config, Ignition
from provision.record import Record, Row, Unset, View, field, make_row, spec
from provision.versions import BUTANE, Release, releases_of, version_key

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


# The records that a dialect's documents are read into, where these are not Ignition's own: a module and its class.
ROOTS: dict[str, tuple[str, str]] = {
    "ignition2": ("provision.schema.ignition2", "Config"),
    "clc": ("provision.schema.clc", "ContainerLinuxConfig"),
    "cloud-config": ("provision.schema.cloud_config", "CloudConfig"),
    "cloud-init": ("provision.schema.cloud_init", "UserData"),
    "machineconfig": ("provision.schema.machineconfig", "MachineConfig"),
    "machineconfig2": ("provision.schema.machineconfig2", "MachineConfig2"),
    "machineconfigpool": ("provision.schema.machineconfig", "MachineConfigPool"),
}
# Dialects that spell their keys as Go's JSON decoder reads them; the others have keys in snake case.
JSON_SPELLING = frozenset(("ignition", "ignition2", "machineconfig", "machineconfig2", "machineconfigpool"))
UNVERSIONED = spec("1.0")
# What an unversioned dialect has of another dialect's records, it has from this version of that.
BORROWED = {"clc": spec("2.3")}


def root_of(release: Release) -> type[Record]:
    """The class of records that a whole document of a release is."""
    if release.dialect not in ROOTS:
        return Config
    module, name = ROOTS[release.dialect]
    found: type[Record] = getattr(import_module(module), name)
    return found


@lru_cache(maxsize=128)
def view_of(release: Release) -> View:
    """The rows that a release shows."""
    if release.dialect == "ignition":
        return View(release.spec)
    if release.dialect not in BUTANE:
        at = spec(release.version) if release.version else BORROWED.get(release.dialect, UNVERSIONED)
        spelling: Literal["key", "snake"] = "key" if release.dialect in JSON_SPELLING else "snake"
        return View(at, spelling, dashes=release.dialect == "cloud-config")
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
