"""Acts on single nodes of the file system: files, directories, links."""

from collections.abc import Mapping

from provision.apply.operations import Operation, Reader, System, attributes
from provision.apply.paths import Found, shown
from provision.contents import sha512
from provision.record import field

# Content that any disk takes in milliseconds.
QUICK_BYTES = 1 << 20
OTHERS_READ = 0o004


def owner_fits(reader: Reader, found: Found, owner: str) -> bool:
    """Whether a node has the owner that an operation would give it."""
    return not owner or reader.accounts().owner_fits(found.owner, owner)


class WriteFile(Operation):
    """Write a file: content, owner and mode appear in one rename."""

    path: str = field(doc="True path in the root.")
    blob: str = field(doc="SHA-512 of the content, hex.")
    size: int = field(doc="Length of the content in bytes.")
    mode: int = field(doc="Permission bits, 0 to 0o7777.")
    owner: str = field(default="", doc="`uid:gid`, numbers or names; an empty part is left to the kernel.")

    @property
    def is_quick(self) -> bool:
        return self.size < QUICK_BYTES

    def describe(self) -> str:
        size = f"{self.size} byte{'s' * (self.size != 1)}"
        # What is not for everybody may be a password, and those can be tried against a hash.
        digest = f"sha512 {self.blob[:12]}, " if self.mode & OTHERS_READ else ""
        return f"write {shown(self.path)}: {size}, {digest}{attributes(self.mode, self.owner)}"

    def done(self, reader: Reader) -> bool:
        found = reader.look(self.path)
        return (
            found.kind == "file"
            and (found.size, found.mode) == (self.size, self.mode)
            and owner_fits(reader, found, self.owner)
            and sha512(reader.read(self.path)) == self.blob
        )

    def execute(self, system: System) -> None:
        system.replace(self.path, system.blob(self.blob), self.mode, self.owner)

    def rewrites(self) -> str:
        return self.path

    def content(self, old: bytes, blobs: Mapping[str, bytes]) -> bytes:
        return blobs[self.blob]


class MakeDirectory(Operation):
    """Make a directory in one that exists."""

    path: str = field(doc="True path in the root.")
    mode: int = field(default=0o755, doc="Permission bits, 0 to 0o7777.")
    owner: str = field(default="", doc="As in WriteFile.")

    @property
    def is_quick(self) -> bool:
        return True

    def describe(self) -> str:
        return f"make directory {shown(self.path)}: {attributes(self.mode, self.owner)}"

    def done(self, reader: Reader) -> bool:
        found = reader.look(self.path)
        return found.kind == "directory" and found.mode == self.mode and owner_fits(reader, found, self.owner)

    def execute(self, system: System) -> None:
        system.make_directory(self.path, self.mode, self.owner)


class ChangeAttributes(Operation):
    """Set mode or owner of a file or directory that is already there."""

    path: str = field(doc="True path in the root.")
    mode: int | None = field(default=None, doc="Permission bits; None leaves them.")
    owner: str = field(default="", doc="As in WriteFile.")

    def describe(self) -> str:
        return f"change {shown(self.path)}: {attributes(self.mode, self.owner)}"

    def done(self, reader: Reader) -> bool:
        found = reader.look(self.path)
        return self.mode in (None, found.mode) and owner_fits(reader, found, self.owner)

    def execute(self, system: System) -> None:
        system.change(self.path, self.mode, self.owner)


class MakeLink(Operation):
    """Make a symbolic link; its target is kept as it was written."""

    path: str = field(doc="True path in the root.")
    target: str = field(doc="What the link says.")
    owner: str = field(default="", doc="As in WriteFile.")

    def describe(self) -> str:
        owner = f": {attributes(None, self.owner)}" if self.owner else ""
        return f"link {shown(self.path)} -> {shown(self.target)}{owner}"

    def done(self, reader: Reader) -> bool:
        found = reader.look(self.path)
        return (found.kind, found.target) == ("link", self.target) and owner_fits(reader, found, self.owner)

    def execute(self, system: System) -> None:
        system.make_link(self.path, self.target, self.owner)


class MakeHardLink(Operation):
    """Give an existing node another name."""

    path: str = field(doc="True path in the root of the new name.")
    existing: str = field(doc="True path in the root of the node; a symbolic link is not followed.")

    def describe(self) -> str:
        return f"hard link {shown(self.path)} => {shown(self.existing)}"

    def done(self, reader: Reader) -> bool:
        found = reader.look(self.path)
        return found.identity is not None and found.identity == reader.look(self.existing).identity

    def execute(self, system: System) -> None:
        system.make_hard_link(self.path, self.existing)


class Remove(Operation):
    """Take away a node, a directory with all that it holds."""

    path: str = field(doc="True path in the root; never the root itself.")
    what: str = field(default="", doc="What it is, for the description.")

    def describe(self) -> str:
        return f"remove {shown(self.path)}" + (f", {self.what}" if self.what else "")

    def done(self, reader: Reader) -> bool:
        return reader.look(self.path).kind == "missing"

    def execute(self, system: System) -> None:
        system.remove(self.path)
