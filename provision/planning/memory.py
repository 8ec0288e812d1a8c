"""A recorded root as planners have it, and what they asked for that was not recorded. Pure."""

from collections.abc import Iterable

from provision.apply.facts import Facts
from provision.apply.facts_file import Host, RecordedNode, RecordedRoot
from provision.apply.paths import MISSING, Found, joined, parent_of
from provision.apply.programs import KEYS_FRAGMENT


class RecordedNodes(dict[str, Found]):
    """The nodes of a root by path. What was not recorded counts as missing, and is remembered in `gaps`."""

    def __init__(self, nodes: Iterable[RecordedNode]) -> None:
        recorded = {node.path: node for node in nodes}
        super().__init__({path: node.found() for path, node in recorded.items()})
        self.listed = {path for path, node in recorded.items() if node.listed}
        self.gaps: list[str] = []

    def __missing__(self, path: str) -> Found:
        if not self.is_certain(path) and path not in self.gaps:
            self.gaps.append(path)
        return MISSING

    def is_certain(self, path: str) -> bool:
        """Whether it is known that nothing is at a path that was not recorded."""
        while path != "/":
            path = parent_of(path)
            found = self.get(path)
            if found is not None:
                return found.kind != "directory" or path in self.listed
        return False


class RecordedNames(dict[str, tuple[str, ...]]):
    """The entries of directories; those of a directory that was not listed count as none, and it is a gap."""

    def __init__(self, nodes: RecordedNodes) -> None:
        names: dict[str, list[str]] = {path: [] for path in nodes.listed}
        for path, found in nodes.items():
            parent, _, name = path.rpartition("/")
            if found.kind != "missing" and name and (parent or "/") in names:
                names[parent or "/"].append(name)
        super().__init__({path: tuple(sorted(entries)) for path, entries in names.items()})
        self.nodes = nodes

    def __missing__(self, path: str) -> tuple[str, ...]:
        found = self.nodes[path]
        if found.kind == "directory":
            self.nodes.gaps.append(joined(path, "*"))
        return ()


class NoContents(dict[str, bytes]):
    """Contents that are not at hand: they look empty, and `asked` remembers whose were looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def __missing__(self, path: str) -> bytes:
        self.asked.append(path)
        return b""


class RecordedHashes(dict[str, tuple[str, ...]]):
    """The hashes of files; `gaps` remembers whose were asked for and are not there."""

    def __init__(self, nodes: Iterable[RecordedNode]) -> None:
        super().__init__({node.path: node.hashes for node in nodes if node.kind == "file"})
        self.gaps: list[str] = []

    def __getitem__(self, path: str) -> tuple[str, ...]:
        found = super().__getitem__(path)
        if not found and path not in self.gaps:
            self.gaps.append(path)
        return found


class Recollection:
    """The facts of a recorded root for planners, and what they asked for in vain."""

    def __init__(self, root: RecordedRoot, host: Host) -> None:
        self.nodes = RecordedNodes(root.nodes)
        self.contents = NoContents()
        self.hashes = RecordedHashes(root.nodes)
        self.facts = Facts(
            nodes=self.nodes,
            contents=self.contents,
            names=RecordedNames(self.nodes),
            users={account.name: account for account in root.users},
            groups={team.name: team for team in root.groups},
            absent_programs=frozenset(host.absent_programs),
            keys_file=host.keys_file or KEYS_FRAGMENT,
            hashes=self.hashes,
        )
