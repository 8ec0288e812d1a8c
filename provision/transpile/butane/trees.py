"""`storage.trees`: whole directories of local files become files, directories and links."""

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provision.diagnostics import declare
from provision.ignition import Config, Directory, File, FileContents, Link, NodeGroup, NodeUser, Storage
from provision.record import Record, field
from provision.schema.dialects import extend
from provision.transpile.author import Author
from provision.transpile.butane.resources import from_bytes


class Tree(Record):
    """A directory of local files: `storage.trees[]`."""

    local: str = field(required="3.1", doc="The directory, below the files directory.")
    path: str | None = field(default=None, doc="Where it goes on the machine; / by default.")
    user: NodeUser = field(factory=NodeUser, since="3.6", doc="Owner of what the tree adds.")
    group: NodeGroup = field(factory=NodeGroup, since="3.6", doc="Group of what the tree adds.")
    file_mode: int | None = field(default=None, since="3.6", doc="Mode of the files, instead of 0644 or 0755.")
    dir_mode: int | None = field(default=None, since="3.6", doc="Mode of the directories, which are then listed.")


extend(Storage, "trees", tuple[Tree, ...], since="3.1", doc="Directories of local files.")

declare(
    "PV620", "error", "tree", """A tree is a directory of regular files, symbolic links and directories.

    Sockets, fifos and devices can't be put into a config.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV621", "error", "tree conflict",
    """What a tree adds does not collide with another entry.

    A file that the document lists without contents is filled in from the tree instead, and keeps its mode and owner.
    """,
)  # fmt: skip


class Entries:
    """The entries of a config by path, to which trees and quadlets add theirs."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.by_path: dict[str, Any] = {}
        for node in (*storage.files, *storage.directories, *storage.links):
            self.by_path.setdefault(node.path, node)
        self.filled: dict[tuple[type[Record], str], Any] = {}
        self.added: dict[type[Record], dict[str, Any]] = {File: {}, Directory: {}, Link: {}}

    def add(self, node: Any) -> None:
        """Put a new entry after all others."""
        self.by_path[node.path] = node
        self.added[type(node)][node.path] = node

    def fill(self, node: Any, full: Any) -> None:
        """Put a completed entry in the place of an incomplete one of the same kind and path."""
        self.by_path[node.path] = full
        added = self.added[type(node)]
        if node.path in added:
            added[node.path] = full
        else:
            self.filled[type(node), node.path] = full

    def result(self) -> Storage:
        """The storage section with all that was added."""
        if not self.filled and not any(self.added.values()):
            return self.storage

        def all_of(nodes: tuple[Any, ...], cls: type[Record]) -> tuple[Any, ...]:
            return (*(self.filled.get((cls, node.path), node) for node in nodes), *self.added[cls].values())

        return self.storage.changed(
            files=all_of(self.storage.files, File),
            directories=all_of(self.storage.directories, Directory),
            links=all_of(self.storage.links, Link),
        )


def expand(config: Config, author: Author) -> Config:
    """Add what every tree holds; trees see what earlier ones added."""
    trees: tuple[Tree, ...] = config.storage.extra("trees") or ()
    if not trees:
        return config
    if author.options.files_dir is None:
        author.host_path(trees[0].local, trees[0], None)
        return config
    entries = Entries(config.storage)
    for tree in trees:
        if not tree.broken:
            add_tree(tree, entries, author)
    return config.changed(storage=entries.result())


def add_tree(tree: Tree, entries: Entries, author: Author) -> None:
    """Add one tree, or say why it can't be."""
    if not tree.local:
        if not tree.absent:
            author.complain("PV103", "error", tree, None, "a tree needs `local`: the directory that it is made of")
        return
    root = author.host_path(tree.local, tree, None)
    if root is None:
        return
    try:
        if not stat.S_ISDIR(root.stat().st_mode):
            hint = "use `local` of a file's contents for a single file"
            author.complain("PV620", "error", tree, None, f"`{tree.local}` is not a directory", hint)
            return
        root = root.resolve() if root.is_symlink() else root
        for path in walk(root):
            add_entry(path, destination(tree, root, path), tree, entries, author)
    except OSError as error:
        author.unreadable(tree.local, error, tree, None)


def walk(root: Path) -> Iterator[Path]:
    """A directory and all below it, depth first, names in the order of their bytes."""
    yield root
    for name in sorted(os.listdir(root), key=os.fsencode):
        path = root / name
        if path.is_dir() and not path.is_symlink():
            yield from walk(path)
        else:
            yield path


def destination(tree: Tree, root: Path, path: Path) -> str:
    """Where an entry of a tree goes on the machine."""
    return posixpath.normpath(posixpath.join(tree.path or "/", path.relative_to(root).as_posix()))


def add_entry(path: Path, where: str, tree: Tree, entries: Entries, author: Author) -> None:
    """Add one file, link or directory of a tree."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        add_link(path, where, tree, entries, author)
    elif stat.S_ISDIR(mode):
        add_directory(where, tree, entries, author)
    elif stat.S_ISREG(mode):
        add_file(path, where, mode, tree, entries, author)
    else:
        author.complain("PV620", "error", tree, None, f"{path} is neither a file, a directory nor a link")


def conflict(where: str, tree: Tree, author: Author) -> None:
    """Say that an entry stands where a tree wants to put one."""
    author.complain(
        "PV621", "error", tree, None, f"the tree adds {where}, which this config has already",
        "take the other entry out, or leave out its contents so that the tree fills them in",
    )  # fmt: skip


def add_file(path: Path, where: str, mode: int, tree: Tree, entries: Entries, author: Author) -> None:
    """Add a file, or fill in one that the document lists without contents."""
    known = entries.by_path.get(where)
    if known is not None and (not isinstance(known, File) or known.contents.source):
        conflict(where, tree, author)
        return
    default = tree.file_mode if tree.file_mode is not None else 0o755 if mode & 0o111 else 0o644
    contents = from_bytes(known.contents if known else FileContents(), path.read_bytes(), author)
    contents = contents.at(tree.origin)
    if known is not None:
        full = known.changed(contents=contents, mode=default if known.mode is None else known.mode)
        entries.fill(known, full)
        return
    file = File(path=where, mode=default, contents=contents, user=tree.user, group=tree.group)
    entries.add(file.at(tree.origin))


def add_link(path: Path, where: str, tree: Tree, entries: Entries, author: Author) -> None:
    """Add a symbolic link, or fill in the target of one that the document lists without."""
    known = entries.by_path.get(where)
    if known is not None and (not isinstance(known, Link) or known.target):
        conflict(where, tree, author)
        return
    target = os.readlink(path)
    if known is not None:
        entries.fill(known, known.changed(target=target))
        return
    entries.add(Link(path=where, target=target, user=tree.user, group=tree.group).at(tree.origin))


def add_directory(where: str, tree: Tree, entries: Entries, author: Author) -> None:
    """Add a directory where the tree says something about directories; the machine makes the others by itself."""
    if tree.dir_mode is None and tree.user.empty() and tree.group.empty():
        return
    if where in entries.by_path:
        conflict(where, tree, author)
        return
    mode = 0o755 if tree.dir_mode is None else tree.dir_mode
    entries.add(Directory(path=where, mode=mode, user=tree.user, group=tree.group).at(tree.origin))
