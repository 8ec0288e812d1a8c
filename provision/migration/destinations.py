"""Where in an Ignition config the parts of the author's document went: files, units, accounts, disks."""

from collections.abc import Iterator

from ruamel.yaml.nodes import MappingNode, SequenceNode

from provision.diagnostics import Span
from provision.ignition import Config
from provision.record import Record, walk

# How many things are named where one field became several.
NAMED = 2


def things(config: Config) -> Iterator[tuple[str, Record]]:
    """Everything that a config sets up, by the name that people know it by; a unit's drop-ins are things of their own."""
    storage, passwd = config.storage, config.passwd
    yield from ((file.path, file) for file in storage.files)
    yield from ((directory.path.rstrip("/") + "/", directory) for directory in storage.directories)
    yield from ((f"link {link.path}", link) for link in storage.links)
    yield from ((f"disk {disk.device}", disk) for disk in storage.disks)
    yield from ((f"raid {raid.name}", raid) for raid in storage.raid)
    yield from ((f"luks {volume.name}", volume) for volume in storage.luks)
    yield from ((f"file system on {each.device}", each) for each in storage.filesystems)
    yield from ((f"user {user.name}", user) for user in passwd.users)
    yield from ((f"group {group.name}", group) for group in passwd.groups)
    yield "kernel arguments", config.kernel_arguments
    for unit in config.systemd.units:
        yield from ((f"{unit.name}.d/{dropin.name}", dropin) for dropin in unit.dropins)
        yield unit.name, unit.changed(dropins=())


class Destinations:
    """What the nodes of a document became."""

    def __init__(self, config: Config) -> None:
        self.names: dict[object, dict[str, None]] = {}
        for name, thing in things(config):
            for record in walk(thing):
                for node in (record.origin, *record.spots.values()):
                    for each in node if isinstance(node, tuple) and not isinstance(node, Span) else (node,):
                        if each is not None:
                            self.names.setdefault(key_of(each), {})[name] = None

    def of(self, node: object) -> list[str]:
        """The things that came from a node, or from its elements; a unit that only has a drop-in is left out."""
        found = self.names.get(key_of(node)) or {
            name: None for part in parts(node) for name in self.names.get(key_of(part), ())
        }
        return [name for name in found if not any(other.startswith(f"{name}.d/") for other in found)]

    def words(self, node: object, record: Record | None) -> str:
        """Where a field went, or else what its record became, if that is little; empty where neither is known."""
        found = self.of(node)
        if not found and record is not None:
            found = self.of(record.origin)
            found = found if len(found) <= NAMED else []
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        return ", ".join(found[:NAMED]) + more


def key_of(node: object) -> object:
    """What a node is found by: there may be an equal one elsewhere in the document."""
    return node if isinstance(node, Span) else id(node)


def parts(node: object) -> Iterator[object]:
    """The values inside a node."""
    if isinstance(node, SequenceNode):
        yield from node.value
    elif isinstance(node, MappingNode):
        yield from (value for _, value in node.value)
