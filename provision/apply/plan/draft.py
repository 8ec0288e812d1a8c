"""A plan in the making: facts, overlaid with what has been planned so far, and what stands against the plan.

Planners take the state from here, so that units land where a directory of the same config puts them, and add every
refusal instead of stopping at the first.
"""

from collections.abc import Iterator

from provision.apply.accounts import MAX_ID
from provision.apply.facts import Facts
from provision.apply.operations import Operation
from provision.apply.operations.nodes import MakeDirectory, WriteFile
from provision.apply.paths import MISSING, WORDS, Found, owner_fits, parent_of, resolve, shown
from provision.contents import MAX_UNPACKED_BYTES, Blobs
from provision.diagnostics import ProvisionError
from provision.ignition import File, Node, NodeGroup, NodeUser, Resource

NEW_DIRECTORY = Found("directory")
NEW_FILE_MODE = 0o644


class Draft:
    """What the planners share. `refusals` are reasons not to start at all, `notes` what people should know."""

    def __init__(self, facts: Facts, *, is_offline: bool = False, mount_points: tuple[str, ...] = ()) -> None:
        self.facts, self.is_offline, self.mount_points = facts, is_offline, mount_points
        self.blobs = Blobs()
        self.refusals: list[str] = []
        self.notes: list[str] = []
        # Ids by name; a name whose id only the run will show stands for itself.
        self.users: dict[str, str] = {name: str(account.uid) for name, account in facts.users.items()}
        self.groups: dict[str, str] = {name: str(team.gid) for name, team in facts.groups.items()}
        self.planned: dict[str, Found] = {}
        # True paths of directories, found by what is planned so far.
        self.known: dict[str, str] = {}
        self.written: dict[str, bytes] = {}
        # Directories that hold nothing but what is planned, and the beginnings of paths that are removed.
        self.fresh: set[str] = set()
        self.gone: tuple[str, ...] = ()
        self.parents_seen: set[str] = {"/"}

    # ---- the tree as it will be --------------------------------------------------------------------------------

    def look(self, path: str) -> Found:
        """What will be at a true path once the operations planned so far are done."""
        found = self.planned.get(path)
        if found is not None:
            return found
        if parent_of(path) in self.fresh or path.startswith(self.gone):
            return MISSING
        return self.facts.nodes[path]

    def put(self, path: str, found: Found) -> None:
        """Plan what is at a path; a new directory is empty."""
        self.known.clear()
        if found is NEW_DIRECTORY and self.look(path).kind == "missing":
            self.fresh.add(path)
        self.planned[path] = found

    def take_away(self, path: str) -> None:
        """Plan the removal of a path and of all below it."""
        self.known.clear()
        below = path + "/"
        self.gone += (below,)
        for known in [known for known in self.planned if known.startswith(below)]:
            del self.planned[known]
        self.fresh = {known for known in self.fresh if not (known + "/").startswith(below)}
        self.parents_seen = {known for known in self.parents_seen if not (known + "/").startswith(below)}
        self.planned[path] = MISSING

    def resolve(self, path: str, *, follow: bool = False) -> str:
        """The true path, by the links that there will be."""
        return resolve(path, self.look, follow=follow, known=self.known)

    def parents(self, path: str) -> Iterator[Operation]:
        """Make the missing directories above a true path: 0755, as Ignition makes them."""
        missing, parent = [], parent_of(path)
        while parent not in self.parents_seen:
            self.parents_seen.add(parent)
            found = self.look(parent)
            if found.kind == "missing":
                missing.append(parent)
            elif found.kind != "directory":
                self.refuse(f"{shown(path)}: {shown(parent)} is {WORDS[found.kind]}, not a directory")
            parent = parent_of(parent)
        for directory in reversed(missing):
            self.put(directory, NEW_DIRECTORY)
            yield MakeDirectory(path=directory)

    # ---- contents and owners -----------------------------------------------------------------------------------

    def fetch(self, resource: Resource, what: str) -> bytes | None:
        """The content of a resource; where it cannot be had the reason is noted and the answer is None."""
        try:
            return self.blobs.fetch(resource)
        except ProvisionError as error:
            self.refuse(f"{what}: {error}")
            return None

    def is_as_written(self, path: str, found: Found, content: bytes, mode: int | None, owner: str) -> bool:
        """Whether a file already has content, mode and owner; None takes any mode."""
        return (
            found.kind == "file"
            and found.size == len(content)
            and (mode is None or found.mode == mode)
            and owner_fits(found.owner, owner)
            and path not in self.planned
            and self.facts.holds(path, content)
        )

    def is_as_hashed(self, path: str, found: Found, file: File, owner: str) -> bool:
        """The same for a file whose content the config knows by its hash only."""
        if file.append or not file.contents.verification.hash or path in self.planned:
            return False
        if found.size > MAX_UNPACKED_BYTES or not owner_fits(found.owner, owner) or file.mode not in (None, found.mode):
            return False
        return self.facts.has_hash(path, file.contents.verification.hash)

    def content(self, path: str) -> bytes:
        """What a file will hold once the operations planned so far are done."""
        return self.written[path] if path in self.written else self.facts.contents[path]

    def write(self, path: str, content: bytes, mode: int, owner: str) -> WriteFile:
        """Plan a file; its directory is planned already."""
        self.planned[path] = Found("file", mode, owner, len(content))
        self.written[path] = content
        return WriteFile(path=path, blob=self.blobs.add(content), size=len(content), mode=mode, owner=owner)

    def owner(self, node: Node) -> str:
        """The owner that a node shall have, as operations want it: numbers where they are known, empty to keep."""
        user, group = node.user, node.group
        if not self.facts.is_root or (user.id is None and group.id is None and not user.name and not group.name):
            return ""
        uid = self.owner_part(user, self.users, f"{shown(node.path)}: user")
        gid = self.owner_part(group, self.groups, f"{shown(node.path)}: group")
        return f"{uid}:{gid}"

    def owner_part(self, wanted: NodeUser | NodeGroup, known: dict[str, str], what: str) -> str:
        """One half of an owner. Source: ignition, util.ResolveNodeUidAndGid: the id wins over the name."""
        if wanted.id is not None:
            if not 0 <= wanted.id <= MAX_ID:
                self.refuse(f"{what} id {wanted.id} is not between 0 and {MAX_ID}")
            return str(wanted.id)
        if not wanted.name:
            return ""
        if wanted.name not in known:
            self.refuse(f"{what} {shown(wanted.name)} exists neither in the root nor in the config")
        return known.get(wanted.name, "")

    # ---- words -------------------------------------------------------------------------------------------------

    def refuse(self, reason: str) -> None:
        """Keep the plan from being carried out."""
        self.refusals.append(reason)

    def note(self, remark: str) -> None:
        """Tell people something about the plan."""
        self.notes.append(remark)
