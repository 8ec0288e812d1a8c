"""A config as the tree of a Butane document, with its keys in the order in which people write them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from provision.decompile.contents import Contents, Shown
from provision.decompile.tree import Element, Mode
from provision.ignition import (
    Config,
    ConfigReference,
    Directory,
    Disk,
    File,
    Filesystem,
    Link,
    Luks,
    Partition,
    Raid,
    Resource,
    Storage,
    Unit,
    User,
    full_version,
)
from provision.record import Record, Row
from provision.schema.dialects import view_of
from provision.transpile.butane.mount_unit import tang_devices, unit_for
from provision.transpile.butane.openshift import OpenShift
from provision.transpile.butane.resources import ignition_version
from provision.transpile.compile import compile_document
from provision.transpile.source_rules import check_source
from provision.versions import Release

# What people write first; the other keys follow in the order of the rows.
FIRST: dict[type[Record], tuple[str, ...]] = {
    Config: ("metadata", "openshift", "ignition", "kernel_arguments", "passwd", "storage", "systemd"),
    OpenShift: ("kernel_type", "kernel_arguments", "extensions", "fips"),
    Storage: ("disks", "raid", "luks", "filesystems", "directories", "files", "links"),
    Disk: ("device", "wipe_table", "partitions"),
    Partition: ("label", "number", "start_mib", "size_mib", "type_guid", "guid"),
    Raid: ("name", "level", "devices"),
    Luks: ("name", "device", "label"),
    Filesystem: ("path", "device", "format", "label", "uuid", "wipe_filesystem"),
    Directory: ("path", "mode", "overwrite", "user", "group"),
    File: ("path", "overwrite", "mode", "user", "group", "contents", "append"),
    Link: ("path", "target", "hard", "overwrite", "user", "group"),
    Unit: ("name", "enabled", "mask", "contents", "dropins"),
    User: ("name", "uid", "gecos", "primary_group", "groups", "home_dir", "shell", "password_hash"),
}
NAME_FIRST = ("name", "source", "local", "inline", "pin", "url")
# Lists of words that people put in brackets on one line.
IN_BRACKETS = frozenset(("groups", "options", "mount_options", "open_options", "no_proxy", "extensions"))
# Sugar that the config's own records carry; everything else of a dialect's own has been expanded.
OWN_KEYS = frozenset(("metadata", "openshift"))

ALL_BITS = 0o7777

Place = Callable[[Record, str], object]
Local = Callable[[Resource], str | None]


def nowhere(record: Record, name: str) -> object:
    """The place of a field in a document whose places nobody asks for."""
    return None


def embedded(resource: Resource) -> None:
    """The local file of a resource in a document that has none."""


def butane_of(
    config: Config, release: Release, contents: Contents, place: Place = nowhere, local: Local = embedded
) -> list[Element]:
    """The document of a release that is transpiled to a config; the release has all the fields that the config uses.

    `place` gives the author's node for a field of a record, `local` the author's local file with a resource's content.
    """
    head = [Element("variant", release.dialect), Element("version", release.version)]
    return head + Writer(config, release, contents, place, local).mapping(config, "")


class Writer:
    """The way from records to elements; the last argument of the methods says what a content is for, as a path."""

    def __init__(self, config: Config, release: Release, contents: Contents, place: Place, local: Local) -> None:
        self.release, self.view, self.contents, self.place = release, view_of(release), contents, place
        self.local = local
        mounted, made = mount_units(config, release)
        self.mounted, self.made = frozenset(map(id, mounted)), frozenset(map(id, made))
        self.rows: dict[type[Record], list[Row]] = {}

    def mapping(self, record: Record, purpose: str) -> list[Element]:
        """The keys of a record that were given a value."""
        shown = self.content(record, purpose) if isinstance(record, Resource) else None
        out = [Element(shown.key, shown.text, self.place(record, "source"))] if shown else []
        for row in self.rows_of(type(record)):
            value = record.extra(row.name) if row.extension else record.__dict__.get(row.name)
            if value is None or (shown and row.name in ("source", "compression")):
                continue
            element = self.key(row, record, value, purpose)
            if element is not None:
                out.append(element)
        if id(record) in self.mounted:
            out.append(Element("with_mount_unit", True))
        return out

    def content(self, resource: Resource, purpose: str) -> Shown | None:
        """What stands instead of the resource's source; None where it stays."""
        rows = self.view[type(resource)]
        if not isinstance(resource, ConfigReference):
            own = self.local(resource)
            return self.contents.shown(resource, purpose, inline="inline" in rows, local="local" in rows, own=own)
        shown = self.contents.shown(resource, purpose, inline="inline" in rows, local=False)
        return shown if shown and is_config(shown.text, self.release) else None

    def rows_of(self, cls: type[Record]) -> list[Row]:
        """The rows of a class that can be written, as people order them."""
        found = self.rows.get(cls)
        if found is None:
            first = next((FIRST[base] for base in cls.__mro__ if base in FIRST), NAME_FIRST)
            rows = [row for row in self.view[cls].values() if not row.extension or row.name in OWN_KEYS]
            found = self.rows[cls] = sorted(
                rows, key=lambda row: first.index(row.name) if row.name in first else len(first)
            )
        return found

    def key(self, row: Row, record: Record, value: Any, purpose: str) -> Element | None:
        """One key; None where it would say no more than that it is unset."""
        if row.kind == "record":
            below = self.mapping(value, purpose_of(record, row, purpose))
            if not below and not (row.nullable and self.view.at < row.plain_until):
                return None
            return Element(row.snake, below, self.place(record, row.name))
        if row.kind in ("str", "int", "bool"):
            if not row.nullable and not row.keep and not value:
                return None
            mode = row.name == "mode" and 0 <= value <= ALL_BITS
            return Element(row.snake, Mode(value) if mode else value, self.place(record, row.name))
        items = self.items(row, record, value, purpose)
        return Element(row.snake, items, self.place(record, row.name), flow=row.name in IN_BRACKETS) if items else None

    def items(self, row: Row, record: Record, value: Any, purpose: str) -> list[Element]:
        """The items of a list, or the keys of a map."""
        if row.kind == "records":
            return [
                Element(None, self.mapping(item, purpose_of(record, row, purpose, i)), item.origin)
                for i, item in enumerate(value)
                if id(item) not in self.made
            ]
        if row.kind == "map":
            return [Element(key, text) for key, text in value.items()]
        places = record.spot(row.name)
        if not isinstance(places, tuple):
            places = getattr(self.place(record, row.name), "value", ())
        if not isinstance(places, (tuple, list)) or len(places) != len(value):
            places = [None] * len(value)
        return [Element(None, text, place) for text, place in zip(value, places, strict=True)]


def purpose_of(owner: Record, row: Row, purpose: str, number: int = 0) -> str:
    """What the content of a section or of an item of a list is for: a path that a file with it could have."""
    if isinstance(owner, File):
        return owner.path if row.kind == "record" else f"{owner.path}.{row.name}-{number + 1}"
    if isinstance(owner, Luks):
        return f"luks/{owner.name}.key"
    return f"{row.name}/{number + 1}" if row.kind == "records" else purpose


def is_config(text: str, release: Release) -> bool:
    """Whether a text can stand inline as a config to merge: it is of another spec, or has no errors in its own."""
    version = ignition_version(text)
    if version is None or version != full_version(release.spec):
        return version is not None
    return not compile_document(text.encode(), "inline").failed


def mount_units(config: Config, release: Release) -> tuple[list[Filesystem], list[Unit]]:
    """The file systems whose mount unit Butane would make just as it stands in the config, and these units.

    It puts them before all others, in the order of the file systems, so that units in other places were not made by it.
    """
    row = view_of(release)[Filesystem].get("with_mount_unit")
    mounted: list[Filesystem] = []
    made: list[Unit] = []
    if row is None or not config.storage.filesystems:
        return mounted, made
    units = config.systemd.units
    names = Counter(unit.name for unit in units)
    unlocked = tang_devices(config) if release.spec >= (3, 2) else frozenset()
    for filesystem in config.storage.filesystems:
        if len(made) == len(units):
            break
        unit = units[len(made)]
        wanted = filesystem.changed(_extras={row.name: (row, True)})
        if (
            filesystem.format
            and unit == unit_for(filesystem, filesystem.device in unlocked, release.spec >= (3, 3))
            and names[unit.name] == 1
            and not any(check_source(wanted, release))
        ):
            mounted.append(filesystem)
            made.append(unit)
    return mounted, made
