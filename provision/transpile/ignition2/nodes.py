"""`storage.files`, `directories` and `links`, the files of networkd among them: full paths, each path once."""

import posixpath
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from provision.diagnostics import declare
from provision.ignition import Directory, File, FileContents, Link, NodeGroup, NodeUser
from provision.record import Spec
from provision.schema import ignition2 as old
from provision.schema.rules.paths import cleaned
from provision.schema.rules.units import read
from provision.transpile.author import Author
from provision.transpile.contents import data_url
from provision.transpile.ignition2.carrying import carried, left_out, place_of, refuse
from provision.transpile.ignition2.disks import tidy
from provision.transpile.ignition2.filesystems import Places
from provision.transpile.ignition2.references import can_be_fetched, contents

N = TypeVar("N", File, Directory, Link)
Owner = TypeVar("Owner", NodeUser, NodeGroup)

NETWORK = "/etc/systemd/network"
NETWORK_MODE = 0o644
PLAIN_MODE = 0o755
# Until then a mode that is not given was 0, and until 2.1 an owner that is not given was 0.
MODE_OPTIONAL: Spec = (2, 2)
OWNER_OPTIONAL: Spec = (2, 1)
# Directories that every system has before Ignition writes. Source: FHS 3.0.
ALWAYS_THERE = frozenset((
    "/", "/boot", "/etc", "/etc/ssh", "/etc/sysctl.d", "/etc/systemd", "/etc/systemd/network", "/etc/systemd/system", "/home", "/home/core",
    "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/usr/local", "/var", "/var/lib", "/var/log", "/var/tmp",
))  # fmt: skip

declare(
    "PV206", "warning", "entry that a later one replaces",
    """A file, directory or user is given once.

    Ignition 2 worked through its lists in order, so that a later entry of the same name replaced an earlier one, in whole
    or in part. Ignition 3 takes each once: the entries are joined to what they came to.
    Source: Ignition 0.35, stage files; Ignition 3.0.0, `storage.files[].path`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}},
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,goodbye"}}
          ]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}},
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "append": true, "contents": {"source": "data:,goodbye"}}
          ]
        }
      }
    """,
)  # fmt: skip
declare(
    "PV207", "error", "entries that can't be joined",
    """Two entries of one name do not contradict each other.

    A file that must not exist yet (`overwrite` false) can't follow another one at its path, and one unit or drop-in has
    one text. Source: Ignition 0.35, stage files; Ignition 3.0.0, `storage.files[].path`, `systemd.units[].name`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}},
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "overwrite": false, "contents": {"source": "data:,bye"}}
          ]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}},
            {"filesystem": "root", "path": "/etc/issue", "mode": 420, "overwrite": false, "contents": {"source": "data:,bye"}}
          ]
        }
      }
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV211", "warning", "parents with another mode",
    """A directory's parents that may be missing stand in the config, too, where its mode or owner is a special one.

    Ignition 2 gave mode and owner of a directory to the parents that it had to make; Ignition 3 makes these with 0755
    for root. Source: Ignition 0.35, stage files; Ignition 3.0.0, `storage.directories[]`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {"directories": [{"filesystem": "root", "path": "/srv/app/keys", "mode": 448}]}
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "directories": [
            {"filesystem": "root", "path": "/srv/app", "mode": 493},
            {"filesystem": "root", "path": "/srv/app/keys", "mode": 448}
          ]
        }
      }
    """,
)  # fmt: skip


class Nodes:
    """The three lists of nodes of a config in Ignition 3."""

    def __init__(self, config: old.Config, places: Places, author: Author, version: Spec) -> None:
        self.places = places
        self.author = author
        self.version = version
        storage = config.storage
        self.directories = self.each_directory_once(storage.directories)
        self.files = self.each_file_once(storage.files, config.networkd.units)
        self.links = tuple(new for node in storage.links for new in self.placed(node, self.link(node)))

    # ---- single nodes ----------------------------------------------------------------------------------------------

    def directory(self, node: old.Directory) -> Directory:
        """A directory, with the path that it has in its file system."""
        return carried(Directory, node, "overwrite path", **self.attributes(node), **self.mode(node))

    def file(self, node: old.File) -> File:
        """A file. One that is not said to append takes the place of what is there."""
        content = contents(node)
        given = {"append": (content,)} if node.append else {"contents": content}
        overwrite = not node.append and node.overwrite is not False
        return carried(
            File, node, "path", overwrite=overwrite, **given, **self.attributes(node), **self.mode(node)
        )  # fmt: skip

    def link(self, node: old.Link) -> Link:
        """A link."""
        new = carried(Link, node, "overwrite path target hard", **self.attributes(node))
        if not node.target and not node.broken:
            message = "the link has no target, so that it can't be made"
            self.author.complain("PV355", "error", node, "target", message, "write the path that it points at")
        return new

    def attributes(self, node: old.Node) -> dict[str, Any]:
        """The owner of a node, as far as it is given."""
        user, group = self.owner(NodeUser, node, node.user), self.owner(NodeGroup, node, node.group)
        return {**({"user": user} if user else {}), **({"group": group} if group else {})}

    def owner(self, cls: type[Owner], node: old.Node, owner: old.NodeUser | old.NodeGroup | None) -> Owner | None:
        """An owner, who is 0 in the oldest version where nothing is said."""
        if self.version < OWNER_OPTIONAL and (owner is None or owner.id is None):
            return cls(id=0).at(node.origin) if owner is None else carried(cls, owner, "name", id=0)
        return None if owner is None else carried(cls, owner, "id name")

    def mode(self, node: old.File | old.Directory) -> dict[str, Any]:
        """The mode of a node, which is 0 in the older versions where nothing is said."""
        return {"mode": 0 if node.mode is None and self.version < MODE_OPTIONAL else node.mode}

    def placed(self, node: old.Node, new: N) -> Iterator[N]:
        """The node with its whole path; nothing where that can't be known, or its content not be fetched."""
        path = self.places.join(node)
        if isinstance(node, old.File) and not can_be_fetched(node.contents, self.author):
            path = None
        if path is None:
            left_out(self.author, new.changed(path=tidy(new.path)))
        else:
            new = new if path == new.path else new.changed(path=path)
            yield new.as_broken() if "path" in node.absent else new

    # ---- each path once --------------------------------------------------------------------------------------------

    def each_directory_once(self, directories: Iterable[old.Directory]) -> tuple[Directory, ...]:
        """The directories; of two at one path the later one has the last word."""
        by_path: dict[str, Directory] = {}
        for node in directories:
            for new in self.placed(node, self.directory(node)):
                earlier = by_path.get(new.path)
                if earlier is not None:
                    self.replace(earlier, new)
                    new = new.changed(overwrite=earlier.overwrite or new.overwrite)
                by_path[new.path] = new
        listed = ALWAYS_THERE.union(by_path, filter(None, self.places.paths.values()))
        for new in by_path.values():
            self.check_parents(new, listed)
        return tuple(by_path.values())

    def each_file_once(self, files: Iterable[old.File], units: Iterable[old.NetworkdUnit]) -> tuple[File, ...]:
        """The files in the order in which they were written, those of networkd last."""
        by_path: dict[str, File] = {}
        for node in files:
            for new in self.placed(node, self.file(node)):
                by_path[new.path] = self.together(by_path.get(new.path), new, node.overwrite is False)
        for new in (file for unit in units for file in network_files(unit, self.author)):
            by_path[new.path] = self.together(by_path.get(new.path), new, must_be_first=False)
        return tuple(by_path.values())

    def together(self, earlier: File | None, later: File, must_be_first: bool) -> File:
        """A file that is given twice, as Ignition 2 left it."""
        if earlier is None:
            return later
        if must_be_first:
            message = f"{later.path} is written before, and overwrite is false: Ignition 2 would stop here"
            refuse(self.author, "PV207", later, "overwrite", message, "take one of the two entries away")
            left_out(self.author, later)
            return earlier
        if later.append:
            return self.append(earlier, later)
        self.replace(earlier, later)
        return later

    def append(self, earlier: File, later: File) -> File:
        """A file with what a later entry appends; the mode and the owner that it gives are those of the whole."""
        changes = {
            name: getattr(later, name) for name in ("mode", "user", "group") if later.__dict__.get(name) is not None
        }
        if changes:
            left_out(self.author, earlier.changed(append=()))  # what is appended stays
        spots = {name: place for name in changes if (place := place_of(self.author, later, name)) is not None}
        joined = earlier.changed(append=earlier.append + later.append, **changes).spotted(**spots)
        return joined.as_broken() if later.broken else joined

    def replace(self, earlier: N, later: N) -> None:
        """Say that a later entry takes the place of an earlier one."""
        message = f"{later.path} stands above already; this entry replaces the earlier one"
        self.author.complain("PV206", "warning", later, "path", message, "take the earlier entry away")
        left_out(self.author, earlier)

    def check_parents(self, directory: Directory, listed: frozenset[str]) -> None:
        """Say where parents will not have the directory's mode and owner, as they had with Ignition 2."""
        owned = directory.user.id or directory.user.name or directory.group.id or directory.group.name
        if directory.mode in (None, PLAIN_MODE) and not owned:
            return
        parent = posixpath.dirname(directory.path)
        if parent in listed:
            return
        message = f"Ignition 2 gave {parent} the mode and owner of {directory.path} where it had to make it"
        self.author.complain(
            "PV211", "warning", directory, "path", f"{message}; Ignition 3 makes it with 0755 for root",
            f"list {parent} too, with the mode that it needs",
        )  # fmt: skip


# ---- networkd ------------------------------------------------------------------------------------------------------


def network_files(unit: old.NetworkdUnit, author: Author) -> Iterator[File]:
    """A unit of networkd as the files that it was: its drop-ins, then itself; without text there is no file."""
    for dropin in unit.dropins:
        if dropin.contents:
            yield network_file(dropin, f"{unit.name}.d/{dropin.name}", author)
    if unit.contents:
        yield network_file(unit, unit.name, author)


def network_file(unit: old.NetworkdUnit | old.NetworkdDropin, name: str, author: Author) -> File:
    """One file of networkd."""
    source = data_url(unit.contents.encode("utf-8", "surrogateescape"), may_encode=False).source
    new = carried(
        File, unit,
        path=cleaned(f"{NETWORK}/{name}"), mode=NETWORK_MODE, overwrite=True,
        contents=FileContents(source=source).at(author.place(unit, "contents")),
    )  # fmt: skip
    author.fate(unit, "contents", "exact", f"as the file {new.path}")
    new = new.spotted(path=author.place(unit, "name"))
    return new.as_broken() if read(unit.contents).fault else new  # which is told of the unit
