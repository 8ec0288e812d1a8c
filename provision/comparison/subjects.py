"""What a config is about, subject by subject: which there are on both sides, and what differs in each."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from provision.comparison.changes import Change, Field, Text, Verb
from provision.comparison.contents import Content, compare_contents, content_of
from provision.comparison.hiding import Secrecy, short_hash
from provision.comparison.records import fields_of, keyed, one, order_field, pairs, plain
from provision.comparison.texts import text_diff
from provision.ignition import Config, Directory, Disk, Dropin, File, Link, Node, Partition, Unit, User, partition_key
from provision.inspection.contents import Reader
from provision.record import Record
from provision.schema.machine.ssh_keys import PARTS
from provision.schema.machineconfig import MachineConfig, MachineConfigSpec

Named = TypeVar("Named", bound=Record)
# What becomes of a unit that a config neither enables nor disables.
AS_IT_IS = "as it is"
Parts = tuple[list[Field], list[Text]]
NODES: dict[type[Node], str] = {Directory: "directory", File: "file", Link: "link"}
# What a new node has where the config says nothing; elsewhere that means what is there already.
NEW_MODES: dict[type[Node], str] = {Directory: "0755", File: "0644"}


class Subject(NamedTuple):
    """One side of a comparison: a config in the newest spec, with its MachineConfig where it is in one.

    `dialect` and `version` say what was read: the version of Ignition means something between two of one dialect.
    """

    config: Config
    dialect: str = ""
    version: str = ""
    root: Record | None = None


def compare(old: Subject, new: Subject) -> tuple[Change, ...]:
    """All that differs, in the order of reports."""
    return tuple(change for part in PARTS_OF_CONFIG for change in part(old, new))


def change_of(kind: str, name: str, old: object, new: object, fields: Iterable[Field], texts: Iterable[Text] = ()) -> Iterator[Change]:  # fmt: skip
    """The change of a subject, if there is one."""
    verb: Verb = "added" if old is None else "removed" if new is None else "changed"
    found = Change(kind, plain(name), verb, tuple(fields), tuple(texts))
    if verb != "changed" or found.fields or found.texts:
        yield found


def each_of(kind: str, old: Iterable[Named], new: Iterable[Named], key: Callable[[Named], str], without: tuple[str, ...] = ()) -> Iterator[Change]:  # fmt: skip
    """The changes of records of one kind, paired by their identity."""
    for name, before, after in pairs(keyed(old, key), keyed(new, key)):
        yield from change_of(kind, name, before, after, fields_of(before, after, without))


# ---- the config itself, kernel arguments ------------------------------------------------------------------------


def settings(old: Subject, new: Subject) -> Iterator[Change]:
    """What concerns the config itself, and what a cluster's operator does beside it."""
    fields = list(fields_of(old.config.ignition, new.config.ignition, ("version",)))
    if old.dialect == new.dialect and old.version != new.version:
        fields.insert(0, Field("version", old.version, new.version))
    yield from change_of("setting", "ignition", old, new, fields)
    # The arguments of the kernel stand with those of Ignition.
    operator = fields_of(operators(old), operators(new), ("config", "kernel_arguments"))
    yield from change_of("setting", "machineconfig", old, new, [*labels(old, new), *operator])


def operators(side: Subject) -> MachineConfigSpec:
    """What is around the config in a MachineConfig."""
    return side.root.spec if isinstance(side.root, MachineConfig) else MachineConfigSpec()


def labels(old: Subject, new: Subject) -> Iterator[Field]:
    """Which machines of a cluster a MachineConfig is for, by its name and its role."""
    from provision.transpile.machineconfig.objects import role_of

    before, after = (side.root if isinstance(side.root, MachineConfig) else None for side in (old, new))
    for name, words in (("name", lambda root: root.metadata.name), ("role", role_of)):
        was, is_now = (plain(words(root)) or None if root else None for root in (before, after))
        if was != is_now:
            yield Field(name, was, is_now)


def kernel_arguments(old: Subject, new: Subject) -> Iterator[Change]:
    """Arguments, each with what is to become of it."""
    before, after = wanted_arguments(old), wanted_arguments(new)
    for name, was, is_now in pairs(before, after):
        if was != is_now:
            yield from change_of("kernel argument", name, was, is_now, [Field("on the command line", was, is_now)])
    kept = [[name for name, wanted in side.items() if wanted == "yes"] for side in (before, after)]
    both = [[plain(name) for name in side if name in other] for side, other in ((kept[0], kept[1]), (kept[1], kept[0]))]
    if both[0] != both[1]:
        yield Change("kernel argument", "order", "changed", (one("order", " ".join(both[0]), " ".join(both[1])),))


def wanted_arguments(side: Subject) -> dict[str, str]:
    """Whether arguments are to be on the command line."""
    arguments = side.config.kernel_arguments
    return {**dict.fromkeys(arguments.should_exist, "yes"), **dict.fromkeys(arguments.should_not_exist, "no")}


# ---- disks ------------------------------------------------------------------------------------------------------


def disks(old: Subject, new: Subject) -> Iterator[Change]:
    """Disks with their partitions."""
    sides = [keyed(side.config.storage.disks, lambda disk: disk.device) for side in (old, new)]
    for device, before, after in pairs(*sides):
        fields = [*fields_of(before, after, ("device", "partitions")), *partition_order(before, after)]
        yield from change_of("disk", device, before, after, fields)
        yield from partitions(device, before, after)


def partitions(device: str, old: Disk | None, new: Disk | None) -> Iterator[Change]:
    """The partitions of a disk, by number or label."""
    sides = [keyed(disk.partitions if disk else (), partition_key) for disk in (old, new)]
    for _, before, after in pairs(*sides):
        name = f"{partition_words(after or before)} of {device}"
        yield from change_of("partition", name, before, after, fields_of(before, after))


def partition_words(partition: Partition | None) -> str:
    """What a partition is called: by its number, by its label, or by where it will be."""
    if partition is None or (not partition.number and partition.label is None):
        return "the next free one"
    return str(partition.number or f"labelled {partition.label}")


def partition_order(old: Disk | None, new: Disk | None) -> Iterator[Field]:
    """That partitions stand in another order: those without a number or a start are placed one after another."""
    names = [[partition_words(each) for each in disk.partitions] if disk else [] for disk in (old, new)]
    placed = [all(each.number and each.start_mib for each in disk.partitions) for disk in (old, new) if disk]
    if not all(placed):
        yield from order_field("partitions", names[0], names[1], "partitions")


def arrays(old: Subject, new: Subject) -> Iterator[Change]:
    """Arrays of disks."""
    yield from each_of("array", old.config.storage.raid, new.config.storage.raid, lambda raid: raid.name, ("name",))


def volumes(old: Subject, new: Subject) -> Iterator[Change]:
    """Encrypted volumes."""
    sides = (old.config.storage.luks, new.config.storage.luks)
    yield from each_of("encrypted volume", *sides, lambda volume: volume.name, ("name",))


def filesystems(old: Subject, new: Subject) -> Iterator[Change]:
    """File systems."""
    sides = (old.config.storage.filesystems, new.config.storage.filesystems)
    yield from each_of("file system", *sides, lambda each: each.device, ("device",))


# ---- accounts ---------------------------------------------------------------------------------------------------


def groups(old: Subject, new: Subject) -> Iterator[Change]:
    """Groups."""
    sides = (old.config.passwd.groups, new.config.passwd.groups)
    yield from each_of("group", *sides, lambda group: group.name, ("name",))


def users(old: Subject, new: Subject) -> Iterator[Change]:
    """Users; a key that lets someone in is told by its fingerprint, as ssh-keygen and the logs of sshd do."""
    sides = [keyed(side.config.passwd.users, lambda user: user.name) for side in (old, new)]
    for name, before, after in pairs(*sides):
        fields = [*fields_of(before, after, ("name", "ssh_authorized_keys")), *key_fields(before, after)]
        yield from change_of("user", name, before, after, fields)


def key_fields(old: User | None, new: User | None) -> Iterator[Field]:
    """The keys that only one side has."""
    before, after = ([] if user is None else keys_of(user) for user in (old, new))
    yield from (Field("ssh_authorized_keys", key_words(key), None, True) for key in before if key not in after)
    yield from (Field("ssh_authorized_keys", None, key_words(key), True) for key in after if key not in before)


def keys_of(user: User) -> list[str]:
    """The keys of a user, each once; one element may hold the lines of a whole file."""
    lines = [line.strip() for text in user.ssh_authorized_keys for line in text.splitlines()]
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def key_words(key: str) -> str:
    """A public key in words: options, type, fingerprint, comment."""
    found = PARTS.match(key)
    try:
        body = base64.b64decode(found["body"] or "", validate=True) if found else b""
    except ValueError:
        body = b""
    if not found or not body:
        return f"a key that can't be read, sha256 {short_hash(key.encode('utf-8', 'replace'))}"
    fingerprint = base64.b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")
    words = (
        key[: found.start("type")].strip(),
        found["type"],
        f"SHA256:{fingerprint}",
        key[found.end("body") :].strip(),
    )
    return plain(" ".join(word for word in words if word))


# ---- files ------------------------------------------------------------------------------------------------------


def nodes(old: Subject, new: Subject) -> Iterator[Change]:
    """Directories, files and links, by their paths. One of another kind takes the place of the one that was there."""
    before, after = (keyed(nodes_of(side.config), lambda node: node.path) for side in (old, new))
    shows = Contents(old.config), Contents(new.config)
    found = sorted(pairs(before, after), key=lambda pair: pair[0].split("/"))
    for path, was, is_now in found:
        if was is not None and is_now is not None and type(was) is not type(is_now):
            yield from node_change(path, was, None, shows)
            yield from node_change(path, None, is_now, shows)
        else:
            yield from node_change(path, was, is_now, shows)


def nodes_of(config: Config) -> tuple[Node, ...]:
    """All that has a path."""
    storage = config.storage
    return (*storage.directories, *storage.files, *storage.links)


class Contents:
    """The contents of one config's files."""

    def __init__(self, config: Config) -> None:
        self.reader, self.secrecy = Reader(), Secrecy(config)

    def of(self, node: Node | None) -> Content | None:
        """What a file gets; None for what is no file."""
        return content_of(node, self.reader, is_hidden=self.secrecy.hides(node)) if isinstance(node, File) else None


def node_change(path: str, old: Node | None, new: Node | None, shows: tuple[Contents, Contents]) -> Iterator[Change]:
    """What differs in one node."""
    known = new if new is not None else old
    fields = [*attributes(old, new), *fields_of(old, new, ("path", "mode", "user", "group", "contents", "append"))]
    more, texts = compare_contents(shows[0].of(old), shows[1].of(new))
    yield from change_of(NODES[type(known)] if known else "file", path, old, new, [*fields, *more], texts)


def attributes(old: Node | None, new: Node | None) -> Iterator[Field]:
    """Mode and owner; what stands for root is root, and what is not set is as on a new file."""
    for name, words in (("mode", mode_words), ("owner", owner_words)):
        before, after = (None if node is None else words(node) for node in (old, new))
        if before != after:
            yield Field(name, before, after)


def makes_new(node: Node) -> bool:
    """Whether a node is made in any case: one without a content may be there, and then keeps what is not set."""
    return not isinstance(node, File) or node.contents.source is not None


def mode_words(node: Node) -> str | None:
    """A mode as people write it."""
    mode = getattr(node, "mode", None)
    if mode is not None:
        return f"{mode & 0o7777:04o}"
    return NEW_MODES.get(type(node)) if makes_new(node) else None


def owner_words(node: Node) -> str | None:
    """Owner and group as `ls` shows them."""
    if not makes_new(node) and not any(part.name or part.id is not None for part in (node.user, node.group)):
        return None
    return ":".join(plain(str(part.name or part.id or "root")) for part in (node.user, node.group))


# ---- units ------------------------------------------------------------------------------------------------------


def units(old: Subject, new: Subject) -> Iterator[Change]:
    """Units, each followed by its drop-ins."""
    sides = [keyed(side.config.systemd.units, lambda unit: unit.name) for side in (old, new)]
    for name, before, after in pairs(*sides):
        was, is_now = itself(before), itself(after)
        if was or is_now:
            yield from change_of("unit", name, was, is_now, *unit_parts(was, is_now))
        dropins_of = [keyed(unit.dropins if unit else (), lambda dropin: dropin.name) for unit in (before, after)]
        for dropin, first, second in pairs(*dropins_of):
            yield from change_of("drop-in", f"{name}.d/{dropin}", first, second, (), contents_of(first, second))


def itself(unit: Unit | None) -> Unit | None:
    """A unit of which more is said than what its drop-ins say."""
    return None if unit is None or (unit.dropins and not unit.contents and state_of(unit) == AS_IT_IS) else unit


def unit_parts(old: Unit | None, new: Unit | None) -> Parts:
    """The state and the text of a unit."""
    was, is_now = (None if unit is None else state_of(unit) for unit in (old, new))
    fields = [Field("state", was, is_now)] if was != is_now else []
    more = fields_of(old, new, ("name", "enabled", "mask", "contents", "dropins"))
    return [*fields, *more], list(contents_of(old, new))


def state_of(unit: Unit) -> str:
    """What becomes of a unit, apart from its text."""
    enabled = {True: ["enabled"], False: ["disabled"], None: []}[unit.enabled]
    return ", ".join(["masked"] * bool(unit.mask) + enabled) or AS_IT_IS


def contents_of(old: Unit | Dropin | None, new: Unit | Dropin | None) -> Iterator[Text]:
    """The diff of a unit's or drop-in's text."""
    before, after = ((side.contents if side is not None else None) or "" for side in (old, new))
    if before != after:
        yield text_diff("contents", before, after)


Part = Callable[[Subject, Subject], Iterator[Change]]
PARTS_OF_CONFIG: tuple[Part, ...] = (
    settings, kernel_arguments, disks, arrays, volumes, filesystems, groups, users, nodes, units,
)  # fmt: skip
