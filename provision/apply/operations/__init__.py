"""Acts on the machine, one small class for each. What they ask of it is a protocol, so that tests pass a fake one."""

from collections.abc import Callable, Mapping

from provision.apply.accounts import Accounts
from provision.apply.paths import Found
from provision.ignition import Resource
from provision.record import Record
from provision.typed import Any, BinaryIO, Generic, Protocol, TypeVar


class Reader(Protocol):
    """What an operation may look at. Paths are true ones (see `apply.paths`)."""

    def look(self, path: str) -> Found:
        """What is at a path."""

    def read(self, path: str) -> bytes:
        """The content of a regular file."""

    def names(self, path: str) -> tuple[str, ...]:
        """The sorted entries of a directory."""

    def resolve(self, path: str, *, follow: bool = False) -> str:
        """The true path, by the links that are there now."""

    def accounts(self) -> Accounts:
        """The users and groups of the root."""


class System(Reader, Protocol):
    """What an operation may do. An owner is `uid:gid`; names are looked up in the root, an empty part is left as is."""

    @property
    def hashes_are_arguments(self) -> bool:
        """Whether the programs for users take hashes of passwords as arguments (for stubs that know nothing else)."""

    def blob(self, key: str) -> bytes:
        """The bytes with that SHA-512 hash."""

    def replace(self, path: str, content: bytes, mode: int, owner: str) -> None:
        """Put a file at a path, whole and with its final owner and mode, in the place of what is no directory."""

    def stream(self, path: str, fill: Callable[[BinaryIO], None], mode: int, owner: str, *, keeps: bool) -> None:
        """The same with content that `fill` writes; with `keeps` behind what the file has. May run in several threads."""

    def fetch_into(self, resource: Resource, file: BinaryIO) -> None:
        """Write the verified content of a remote resource at the end of an open file."""

    def make_directory(self, path: str, mode: int, owner: str) -> None:
        """Make a directory, or give these attributes to the one that is there."""

    def make_link(self, path: str, target: str, owner: str) -> None:
        """Put a symbolic link at a path, in the place of what is no directory."""

    def make_hard_link(self, path: str, existing: str) -> None:
        """Put another name of an existing node at a path, in the place of what is no directory."""

    def change(self, path: str, mode: int | None, owner: str) -> None:
        """Change mode and owner of a file or directory; None leaves the mode."""

    def forget(self) -> None:
        """Drop what was read of users and directories: they are others now."""

    def remove(self, path: str) -> None:
        """Take away what is at a path, a directory with all below it; nothing is fine too."""

    def run(self, program: str, *arguments: str, stdin: str = "") -> None:
        """Run one of `programs.PROGRAMS` on the root; its failure is a ProvisionError."""

    def set_password(self, user: str, password: str) -> None:
        """Set the hash of a user's password."""


S = TypeVar("S")


class Act(Record, Generic[S]):
    """One act on a machine of the kind S. Fields say all that it needs, so that equal fields are the same act.

    `at(record)` says which record of the config it is for; the failure block names that.
    """

    @property
    def key(self) -> str:
        """The act's identity over several runs: a hash of its fields, content being named by its own hash."""
        import hashlib

        fields = [(name, identity(getattr(self, name))) for name in self.rows]
        return hashlib.sha512(repr((type(self).__name__, fields)).encode(errors="surrogateescape")).hexdigest()

    @property
    def lanes(self) -> tuple[str, ...]:
        """What the act keeps busy. Acts next to each other that share no lane may run at once; none at all: alone."""
        return ()

    @property
    def is_quick(self) -> bool:
        """Whether the act takes milliseconds, so that its line may wait for the next."""
        return False

    def describe(self) -> str:
        """One line for people: the act, its object and its attributes; no secrets."""
        raise NotImplementedError

    def done(self, reader: S) -> bool:
        """Whether the machine is already as `execute` would leave it."""
        raise NotImplementedError

    def execute(self, system: S) -> None:
        """Act. Repeatable: whatever a run that was cut off left behind, the next one completes it."""
        raise NotImplementedError

    def note(self, system: S) -> dict[str, Any]:
        """What has to be known to repeat the act after it was cut off, as JSON; looked up before it begins."""
        return {}

    def recover(self, system: S, note: dict[str, Any]) -> bool:
        """Take back, by that note, what a run that was cut off left half-done; whether the act was done after all."""
        return False


def identity(value: object) -> object:
    """A value with all that it hides from people, for a hash."""
    if isinstance(value, Record):
        return type(value).__name__, [(row.name, identity(inner)) for row, inner in value.given()]
    return [identity(item) for item in value] if isinstance(value, tuple) else value


class Operation(Act[System]):
    """An act on the tree below a root."""

    def done(self, reader: Reader) -> bool:
        raise NotImplementedError

    def touched(self, reader: Reader) -> tuple[str, ...]:
        """The true paths that the act made or replaced, whose labels it may have lost."""
        return (getattr(self, "path", ""),)

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
