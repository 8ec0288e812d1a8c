"""What a plan would destroy: content that exists and would be gone. Pure.

Partitions, tables, file systems, volumes, what members of arrays hold; nodes that the config replaces or removes; users
with their homes. Content is not lost where a new partition starts where the old one did and is no smaller: making
partitions writes the table alone.
"""

from collections.abc import Iterable, Iterator

from provision.apply.devices import BlockDevice, Signature, TableEntry
from provision.apply.paths import Found, shown
from provision.typed import Literal, NamedTuple

Kind = Literal[
    "partition", "table", "file system", "volume", "member", "content", "file", "directory", "link", "node", "user"
]

# What people call content that libblkid knows by another name. Source: util-linux, libblkid/src/superblocks.
NAMES = {
    "crypto_LUKS": "a LUKS volume",
    "linux_raid_member": "a member of an array",
    "LVM2_member": "a part of an LVM",
    "unknown": "unknown content",
}
USAGES: dict[str, Kind] = {"filesystem": "file system", "raid": "member", "crypto": "volume"}
NODE_KINDS: dict[str, Kind] = {"file": "file", "directory": "directory", "link": "link"}


class Loss(NamedTuple):
    """One thing that would be destroyed: what, what it holds, and which act of the plan does it."""

    kind: Kind
    subject: str
    holds: str
    why: str

    def words(self) -> str:
        """The thing and what it holds, as people may see them."""
        return f"{shown(self.subject)}: {self.holds}" if self.holds else shown(self.subject)


def content_words(signatures: Iterable[Signature]) -> str:
    """What a device holds, in a few words; empty where nothing was found."""
    return " and ".join(map(signature_words, signatures))


def signature_words(signature: Signature) -> str:
    """One signature: `ext4 'root'`."""
    name = NAMES.get(signature.type) or shown(signature.type)
    return f"{name} {shown(signature.label)!r}" if signature.label else name


def content_loss(device: BlockDevice, why: str) -> Loss | None:
    """What a device holds by itself, whatever partitions it has; None for nothing."""
    if not device.signatures:
        return None
    kind = USAGES.get(device.signatures[0].usage, "content")
    return Loss(kind, device.path, content_words(device.signatures), why)


def partition_loss(path: str, device: BlockDevice | None, why: str) -> Loss:
    """A partition, with what it holds as far as that is known."""
    holds = content_words(device.signatures) if device is not None else ""
    return Loss("partition", path, holds or "no known content", why)


def disk_losses(device: BlockDevice, partitions: Iterable[BlockDevice], why: str) -> Iterator[Loss]:
    """All that a device holds: content, else partitions, else a table of which no partitions are known."""
    content = content_loss(device, why)
    if content is not None:
        yield content
    known = [partition_loss(part.path, part, why) for part in partitions]
    yield from known
    if not known and content is None and device.table.kind not in ("", "gpt"):
        yield Loss("table", device.path, f"a partition table of the kind {shown(device.table.kind)}", why)


def stays(before: TableEntry, after: Iterable[TableEntry]) -> bool:
    """Whether the content of a partition outlives a new table: one begins at the same sector and is no smaller."""
    return any(entry.start == before.start and entry.size >= before.size for entry in after)


def node_loss(path: str, found: Found, why: str) -> Loss:
    """A node that is replaced or removed."""
    holds = {
        "file": f"{found.size} byte{'s' * (found.size != 1)}",
        "directory": "with all that it holds",
        "link": f"leads to {shown(found.target)}",
    }
    return Loss(NODE_KINDS.get(found.kind, "node"), path, holds.get(found.kind, ""), why)
