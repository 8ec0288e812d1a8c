"""File systems with names, and files, directories and links that refer to them by these: `storage` in Ignition 2."""

import posixpath
from collections.abc import Iterator
from typing import Any

from provision.ignition import Directory, File, Filesystem, Link, Node, Resource, Storage
from provision.schema import ignition2 as old
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import carried, refuse
from provision.transpile.ignition2.filesystems import ROOT
from provision.transpile.ignition2.lowered_resources import resource

# What Ignition 3 does where no mode is given; Ignition 2 would take it for 0.
FILE_MODE, DIRECTORY_MODE = 0o644, 0o755
# Formats of what no file can be on.
UNMOUNTED = ("swap", "none")


class Nodes:
    """The lists of a storage section in Ignition 2."""

    def __init__(self, storage: Storage, author: Author) -> None:
        self.author = author
        self.names = {fs.path: name_of(fs.path) for fs in storage.filesystems if fs.path and fs.format not in UNMOUNTED}
        self.filesystems = tuple(self.named(storage.filesystems))
        self.directories = tuple(map(self.directory, storage.directories))
        self.files = tuple(piece for file in storage.files for piece in self.pieces(file))
        self.links = tuple(map(self.link, storage.links))

    def named(self, filesystems: tuple[Filesystem, ...]) -> Iterator[old.Filesystem]:
        """The file systems under names; one without a format is left alone by Ignition 3, so that it is left out."""
        unnamed = 0
        for filesystem in filesystems:
            if not filesystem.format:
                continue
            unnamed += not filesystem.path
            if filesystem.mount_options:
                message = "Ignition 2 mounts without options"
                refuse(self.author, "PV212", filesystem, "mount_options", message, "leave them out")
            mount = carried(old.Mount, filesystem, "device format label options uuid wipe_filesystem")
            name = name_of(filesystem.path) if filesystem.path else str(unnamed)
            new = old.Filesystem(name=name, mount=mount).at(filesystem.origin)
            yield new.spotted(name=self.author.place(filesystem, "path"))

    def directory(self, node: Directory) -> old.Directory:
        """A directory, with the mode that it has without one."""
        mode = DIRECTORY_MODE if node.mode is None else node.mode
        return carried(old.Directory, node, "overwrite", mode=mode, **self.attributes(node))

    def link(self, node: Link) -> old.Link:
        """A link."""
        return carried(old.Link, node, "hard overwrite target", **self.attributes(node))

    def pieces(self, node: File) -> Iterator[old.File]:
        """A file, and a file for each piece that it appends; without any it is made where missing, and else kept."""
        if node.contents.source is not None:
            mode = FILE_MODE if node.mode is None else node.mode
            yield self.piece(node, node.contents, append=False, overwrite=bool(node.overwrite), mode=mode)
        elif not node.append:
            mode = FILE_MODE if node.mode is None else node.mode
            yield self.piece(node, node.contents, append=True, mode=mode)
        for appended in node.append:
            yield self.piece(node, appended, append=True, mode=node.mode)

    def piece(self, node: File, content: Resource, **given: Any) -> old.File:
        """One entry for a file. An appended one says nothing of `overwrite`: false would mean that it must be new."""
        contents = resource(content, old.FileContents, self.author, "compression")
        if contents.origin is None:
            contents = contents.at(node.origin)
        return carried(old.File, node, contents=contents, **given, **self.attributes(node))

    def attributes(self, node: Node) -> dict[str, Any]:
        """What all nodes have: the file system with the longest path above, the path below that, and the owner."""
        above = node.path
        while above not in self.names and above != posixpath.dirname(above):
            above = posixpath.dirname(above)
        below = node.path if above == "/" else node.path.removeprefix(above) or "/"
        found: dict[str, Any] = {"filesystem": self.names.get(above, ROOT), "path": below}
        if not node.user.empty():
            found["user"] = carried(old.NodeUser, node.user, "id name")
        if not node.group.empty():
            found["group"] = carried(old.NodeGroup, node.group, "id name")
        return found


def name_of(path: str) -> str:
    """The name of a file system that is mounted at a path: the path, and the root's own name for that."""
    return ROOT if path == "/" else path
