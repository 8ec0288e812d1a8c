"""What a cloud-config comes to, piece by piece: one entry for each path, unit and user, however often they are named."""

import posixpath
from collections.abc import Iterable

from provision.ignition import (
    Config,
    Dropin,
    File,
    FileContents,
    Link,
    NodeGroup,
    NodeUser,
    Passwd,
    Storage,
    Systemd,
    Unit,
    User,
)
from provision.transpile.author import Author
from provision.transpile.cloud_config import variables
from provision.transpile.contents import data_url

UNITS = "/etc/systemd/system"
KEPT = "/etc/provision"  # below it lie the files for /run, from where tmpfiles.d(5) copies them at boot


class UnitDraft:
    """One unit: the last text, every drop-in by its name, and whether it is enabled or masked."""

    def __init__(self, name: str, origin: object) -> None:
        self.name, self.origin = name, origin
        self.contents: str | None = None
        self.dropins: dict[str, Dropin] = {}
        self.enabled = self.masked = False
        self.spots: dict[str, object] = {}

    def unit(self) -> Unit | None:
        """The unit of the Ignition config; None where there is nothing to do for it."""
        contents = None if self.masked else self.contents
        if contents is None and not (self.dropins or self.enabled or self.masked):
            return None
        unit = Unit(name=self.name)
        if contents is not None:
            unit.contents = variables.shown(contents)
        if self.dropins:
            unit.dropins = tuple(map(shown_dropin, self.dropins.values()))
        if self.enabled:
            unit.enabled = True
        if self.masked:
            unit.mask = True
        return unit.at(self.origin, **self.spots)


def shown_dropin(dropin: Dropin) -> Dropin:
    """A drop-in with its variables as the author wrote them."""
    return dropin.changed(contents=variables.shown(dropin.contents or ""))


class Draft:
    """The Ignition config in the making. Texts have their variables marked until the end."""

    def __init__(self, author: Author) -> None:
        self.author = author
        self.files: dict[str, File] = {}
        self.texts: dict[str, str] = {}
        """The contents of files that are text, by path."""
        self.links: dict[str, Link] = {}
        self.units: dict[str, UnitDraft] = {}
        self.users: dict[str, User] = {}

    def write(self, path: str, text: str, origin: object, mode: int = 0o644, /, **spots: object) -> File:
        """Write a text file, over one of the same path."""
        self.replace(path)
        self.texts[path] = text
        made = file(path, variables.shown(text).encode("utf-8", "surrogateescape"), origin, mode, **spots)
        self.files[path] = made
        return made

    def replace(self, path: str) -> None:
        """Take a file away in whose place another key of the document puts something."""
        earlier = self.files.pop(path, None)
        self.texts.pop(path, None)
        if earlier is not None:
            said = f"{path.removeprefix(KEPT)} is written by another key of this document, too, which wins"
            self.author.complain("PV709", "warning", earlier, "path", said, "leave one of them out")

    def link(self, path: str, target: str, origin: object) -> None:
        """Make a symbolic link."""
        self.links[path] = Link(path=path, target=target, overwrite=True).at(origin)

    def unit(self, name: str, origin: object) -> UnitDraft:
        """The unit of a name, made where there is none yet."""
        return self.units.setdefault(name, UnitDraft(name, origin))

    def text_of(self, name: str) -> str | None:
        """The text that this config gives to a unit or its template, be it as a unit or as a file."""
        for given in (name, template_of(name)):
            unit = self.units.get(given)
            text = unit.contents if unit is not None else None
            if text is None:
                text = self.texts.get(f"{UNITS}/{given}")
            if text is not None:
                return text
        return None

    def service(self, name: str, text: str, origin: object) -> None:
        """Add a unit of our own that is enabled."""
        unit = self.unit(name, origin)
        unit.contents, unit.enabled = text, True

    def config(self) -> Config:
        """All of it as an Ignition config."""
        return Config(
            passwd=Passwd(users=tuple(self.users.values())),
            storage=Storage(files=tuple(self.files.values()), links=tuple(self.links.values())),
            systemd=Systemd(units=tuple(made(self.units.values()))),
        )


def made(drafts: Iterable[UnitDraft]) -> Iterable[Unit]:
    """The units that there is something to do for."""
    return (unit for unit in map(UnitDraft.unit, drafts) if unit is not None)


def template_of(name: str) -> str:
    """The file of a unit: an instance has that of its template."""
    head, at, rest = name.partition("@")
    return f"{head}@.{rest.rpartition('.')[2]}" if at and rest.rpartition(".")[0] else name


def file(
    path: str, data: bytes, origin: object, mode: int = 0o644, user: NodeUser | None = None, group: NodeGroup | None = None,
    /, **spots: object,
) -> File:  # fmt: skip
    """A file of an Ignition config, which replaces one that is there; `spots` may say where its `contents` come from."""
    url = data_url(data)
    contents = FileContents(source=url.source).at(spots.get("contents", origin))
    if url.compression:
        contents.compression = url.compression
    made = File(path=path, overwrite=True, mode=mode, contents=contents)
    if user is not None:
        made.user = user
    if group is not None:
        made.group = group
    return made.at(origin, **spots)


def absolute(path: str) -> str:
    """A path below the root, without `.`, `..` and doubled slashes."""
    return posixpath.normpath("/" + path.lstrip("/"))
