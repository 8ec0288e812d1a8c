"""The root as planners see it when a forecast is made: as it was recorded, under what will be mounted. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from provision.apply.facts import Facts
from provision.apply.operations.nodes import WriteFile
from provision.apply.paths import MISSING, WORDS, Found, joined, shown
from provision.apply.plan.draft import Draft
from provision.contents import sha512
from provision.ignition import NodeGroup, NodeUser
from provision.planning.storage import MountPlan

MADE = Found("directory", 0o755, "0:0")


class AppendToFile(WriteFile):
    """Add to the end of a file. `size` counts what is added, `blob` names it."""

    def describe(self) -> str:
        return f"append to {shown(self.path)}: {self.size} byte{'s' * (self.size != 1)}"


class WriteKey(WriteFile):
    """Write the key of a volume. Neither its length nor its hash is told."""

    def describe(self) -> str:
        return f"write a volume's key to {shown(self.path)}: mode {self.mode:04o}"


class Covered(dict[str, Found]):
    """Nodes by path, where file systems lie over some: their own content hides what was recorded below them.

    `made` are the directories that have to be made to mount them.
    """

    def __init__(self, nodes: Mapping[str, Found], mounts: Iterable[MountPlan]) -> None:
        super().__init__()
        self.nodes = nodes
        self.hidden: list[str] = []
        self.made: list[str] = []
        self.refusals: list[str] = []
        for mount in mounts:
            self.cover(mount)

    def cover(self, mount: MountPlan) -> None:
        """Mount one file system; those above it are mounted already."""
        path = mount.operation.path
        for step in steps(path):
            found = self[step]
            if found.kind == "missing":
                self[step] = MADE
                self.made.append(step)
            elif found.kind != "directory":
                self.refusals.append(
                    f"{shown(path)}: {shown(step)} is {WORDS[found.kind]}, not a directory to mount at"
                )
                return
        if mount.shows != "seen":
            below = path.rstrip("/") + "/"
            for known in [known for known in self if known.startswith(below)]:
                del self[known]
            self.hidden.append(below)
            self[path] = MADE

    def is_hidden(self, path: str) -> bool:
        """Whether what was recorded at a path is not what is there."""
        return path.startswith(tuple(self.hidden))

    def __missing__(self, path: str) -> Found:
        return MISSING if self.is_hidden(path) else self.nodes[path]


def steps(path: str) -> Iterator[str]:
    """All directories of a path from the top, itself the last."""
    here = "/"
    for name in path.strip("/").split("/") if path != "/" else ():
        here = joined(here, name)
        yield here


class CoveredNames(dict[str, tuple[str, ...]]):
    """The entries of directories; what lies under a fresh mount has none."""

    def __init__(self, names: Mapping[str, tuple[str, ...]], nodes: Covered) -> None:
        super().__init__()
        self.names, self.nodes = names, nodes

    def __missing__(self, path: str) -> tuple[str, ...]:
        return () if self.nodes.is_hidden(joined(path, "*")) else self.names[path]


class ForecastDraft(Draft):
    """A plan for a root that is recorded, or for one of which nothing is known (`is_assumed`)."""

    def __init__(self, facts: Facts, covered: Covered, *, is_assumed: bool, key_folder: str) -> None:
        names = CoveredNames(facts.names, covered)
        super().__init__(facts._replace(nodes=covered, names=names), mount_points=tuple(covered.made))
        self.is_assumed = is_assumed
        self.key_folder = key_folder.rstrip("/") + "/"
        self.strangers: list[str] = []
        self.lengths: dict[str, int] = {}
        self.refusals += covered.refusals

    def content(self, path: str) -> bytes:
        """What a file will hold; where that is not known, nothing. What is written next adds to it."""
        content = super().content(path)
        self.lengths[path] = len(content)
        return content

    def write(self, path: str, content: bytes, mode: int, owner: str) -> WriteFile:
        """Plan a file; one of which the content was asked for before is added to."""
        before = self.lengths.pop(path, None)
        written = super().write(path, content, mode, owner)
        if path.startswith(self.key_folder):
            return WriteKey(path=path, blob=written.blob, size=written.size, mode=mode, owner=owner)
        if before is None:
            return written
        added = content[before:]
        return AppendToFile(path=path, blob=sha512(added), size=len(added), mode=mode, owner=owner)

    def owner_part(self, wanted: NodeUser | NodeGroup, known: dict[str, str], what: str) -> str:
        """One half of an owner; in a root of which nothing is known any name may be one."""
        if self.is_assumed and wanted.id is None and wanted.name and wanted.name not in known:
            self.strangers += [wanted.name] * (wanted.name not in self.strangers)
            return wanted.name
        return super().owner_part(wanted, known, what)
