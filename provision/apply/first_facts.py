"""The facts that a first boot started from, as its journal keeps them: all that the planners asked for.

A run that was cut off has changed the root already. The next one plans from what was there before, and so decides the same.
"""

from base64 import b64decode, b64encode
from hashlib import sha256

from provision.apply.accounts import Account, Team
from provision.apply.facts import Facts
from provision.apply.paths import Found, shown
from provision.apply.roots import Lookup, Root, survey
from provision.contents import sha512
from provision.diagnostics import ProvisionError
from provision.record import Record
from provision.typed import Any, NamedTuple

# Contents up to this size are kept as they are, of longer ones the hash: they were only compared, or added to.
MAX_KEPT_BYTES = 1 << 16


class Content(NamedTuple):
    """What a file held: its size in bytes, its hashes in hex, and, of a short one, all of it."""

    size: int
    sha512: str
    sha256: str
    base64: str

    @property
    def is_whole(self) -> bool:
        """Whether all of it was kept."""
        return self.size <= MAX_KEPT_BYTES

    @property
    def hashes(self) -> tuple[str, str]:
        """The hashes as configs write them."""
        return f"sha512-{self.sha512}", f"sha256-{self.sha256}"


def content_of(data: bytes) -> Content:
    """What a file holds."""
    text = b64encode(data).decode() if len(data) <= MAX_KEPT_BYTES else ""
    return Content(len(data), sha512(data), sha256(data).hexdigest(), text)


class Witness:
    """The facts of a root: those of the journal, where it has any, else those of now, remembered as they are asked for."""

    def __init__(self, kept: dict[str, Any] | None) -> None:
        self.kept = kept
        contents = kept["contents"] if kept is not None else {}
        self.contents = {path: Content(*fields) for path, fields in contents.items()}
        self.facts: Facts | None = None

    def survey(self, root: Root) -> Facts:
        """What a plan for the root needs to know."""
        now = survey(root)
        nodes, names = Lookup(root.look), Lookup(root.names)
        if self.kept is not None:
            nodes.update({path: found_of(fields) for path, fields in self.kept["nodes"].items()})
            names.update({path: tuple(entries) for path, entries in self.kept["names"].items()})
            now = now._replace(hashes={path: kept.hashes for path, kept in self.contents.items() if not kept.is_whole})
            if "users" in self.kept:
                now = now._replace(
                    users={name: Account(**fields) for name, fields in self.kept["users"].items()},
                    groups={name: team_of(fields) for name, fields in self.kept["groups"].items()},
                )
        self.facts = now._replace(
            nodes=nodes, names=names, contents=Lookup(lambda path: self.content(path, root), keep=False)
        )
        return self.facts

    def content(self, path: str, root: Root) -> bytes:
        """What a file held when the first run asked."""
        kept = self.contents.get(path)
        if kept is None:
            data = root.read(path)
            self.contents[path] = content_of(data)
            return data
        if kept.is_whole:
            return b64decode(kept.base64)
        # What was added to it since stands behind it.
        data = root.read(path)[: kept.size]
        if sha512(data) != kept.sha512:
            raise ProvisionError(f"{shown(path)}: is not what it was when the first boot began, before it was cut off")
        return data

    def as_dict(self) -> dict[str, Any]:
        """All that was asked for, for the journal."""
        facts = self.facts
        if facts is None:
            raise ValueError("nothing was asked for yet")
        return {
            "nodes": {path: list(found) for path, found in facts.nodes.items()},
            "names": {path: list(names) for path, names in facts.names.items()},
            "users": {name: fields_of(account) for name, account in facts.users.items()},
            "groups": {name: fields_of(team) for name, team in facts.groups.items()},
            "contents": {path: list(content) for path, content in self.contents.items()},
        }


def found_of(fields: list[Any]) -> Found:
    """A node as it was."""
    kind, mode, owner, size, target, identity = fields
    return Found(kind, mode, owner, size, target, tuple(identity) if identity else None)


def team_of(fields: dict[str, Any]) -> Team:
    """A group as it was."""
    return Team(**fields | {"members": tuple(fields["members"])})


def fields_of(record: Record) -> dict[str, Any]:
    """The fields of a record, by their names."""
    return {name: getattr(record, name) for name in record.rows}
