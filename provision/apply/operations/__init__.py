"""Acts on the machine, one small class for each. What they ask of it is a protocol, so that tests pass a fake one."""

from collections.abc import Mapping
from typing import Protocol

from provision.apply.accounts import Accounts
from provision.apply.paths import Found
from provision.record import Record


class Reader(Protocol):
    """What an operation may look at. Paths are true ones (see `apply.paths`)."""

    def look(self, path: str) -> Found:
        """What is at a path."""

    def read(self, path: str) -> bytes:
        """The content of a regular file."""

    def resolve(self, path: str, *, follow: bool = False) -> str:
        """The true path, by the links that are there now."""

    def accounts(self) -> Accounts:
        """The users and groups of the root."""


class System(Reader, Protocol):
    """What an operation may do. An owner is `uid:gid`; names are looked up in the root, an empty part is left as is."""

    def blob(self, key: str) -> bytes:
        """The bytes with that SHA-512 hash."""

    def replace(self, path: str, content: bytes, mode: int, owner: str) -> None:
        """Put a file at a path, whole and with its final owner and mode, in the place of what is no directory."""

    def make_directory(self, path: str, mode: int, owner: str) -> None:
        """Make a directory, or give these attributes to the one that is there."""

    def make_link(self, path: str, target: str, owner: str) -> None:
        """Put a symbolic link at a path, in the place of what is no directory."""

    def make_hard_link(self, path: str, existing: str) -> None:
        """Put another name of an existing node at a path, in the place of what is no directory."""

    def change(self, path: str, mode: int | None, owner: str) -> None:
        """Change mode and owner of a file or directory; None leaves the mode."""

    def remove(self, path: str) -> None:
        """Take away what is at a path, a directory with all below it; nothing is fine too."""

    def run(self, program: str, *arguments: str, stdin: str = "") -> None:
        """Run one of `programs.PROGRAMS` on the root; its failure is a ProvisionError."""


class Operation(Record):
    """One act. Fields say all that it needs, so that equal fields are the same act."""

    @property
    def key(self) -> str:
        """The act's identity over several runs: a hash of its fields, content being named by its own hash."""
        import hashlib

        fields = [(name, getattr(self, name)) for name in self.rows]
        return hashlib.sha512(repr((type(self).__name__, fields)).encode(errors="surrogateescape")).hexdigest()

    def describe(self) -> str:
        """One line for people: the act, its object and its attributes; no secrets."""
        raise NotImplementedError

    def done(self, reader: Reader) -> bool:
        """Whether the machine is already as `execute` would leave it."""
        raise NotImplementedError

    def execute(self, system: System) -> None:
        """Act. Repeatable: whatever a run that was cut off left behind, the next one completes it."""
        raise NotImplementedError

    def rewrites(self) -> str:
        """The path whose content the act sets, for a preview; empty where there is none to show."""
        return ""

    def content(self, old: bytes, blobs: Mapping[str, bytes]) -> bytes:
        """The content of `rewrites()` afterwards."""
        raise NotImplementedError


def attributes(mode: int | None, owner: str) -> str:
    """Mode and owner as the end of a description."""
    parts = [f"mode {mode:04o}"] if mode is not None else []
    if owner:
        parts.append(f"owner {owner}")
    return ", ".join(parts)
