"""The facts of a machine as a file: what `provision facts` writes and `provision plan --facts` reads. Pure.

The file holds no content of any file, no hash of a password, and no hash of a file that holds such.
"""

from collections.abc import Iterable, Iterator

from provision.apply.accounts import MAX_ID, Account, Team
from provision.apply.devices import BlockDevice, TableEntry
from provision.apply.paths import WORDS, Found, NodeKind, shown
from provision.apply.programs import KEYS_FRAGMENT
from provision.diagnostics import ProvisionError
from provision.record import JsonSource, Problem, Record, View, decode, encode, field
from provision.typed import Any

VERSION = 1
AT = (VERSION, 0)
# Nobody has more; it keeps a damaged file from being unpacked into all memory.
MAX_BYTES = 256 << 20
# How much of what is wrong is told.
MAX_LISTED = 8
# The sizes of sectors that disks have are powers of two between these. Source: Linux, block/blk-settings.c.
LEAST_SECTOR, LARGEST_SECTOR = 512, 65536
HASH_DIGITS = {"sha512": 128, "sha256": 64}


class Host(Record):
    """Where and with what the facts were recorded."""

    architecture: str = field(default="", doc="As the kernel names it: x86_64.")
    kernel: str = field(default="", doc="Release of the kernel.")
    tool: str = field(default="", doc="Version of provision.")
    date: str = field(default="", doc="When, in UTC: 2026-07-26T04:00:00Z.")
    is_root: bool = field(default=False, keep=True, doc="Whether root recorded, who may look everywhere.")
    absent_programs: tuple[str, ...] = field(default=(), doc="Programs for users and groups that were not found.")
    keys_file: str = field(default=KEYS_FRAGMENT, doc="Where authorized keys go, below the home directory.")


class RecordedNode(Record):
    """What was found at a path, be it nothing. Unset is what was not looked at."""

    path: str = field(keep=True, doc="True path in the root.")
    kind: str = field(keep=True, doc="missing, file, directory, link or other.")
    mode: str = field(default="", doc="Permission bits, four octal digits.")
    owner: str = field(default="", doc="`uid:gid`.")
    size: int = field(default=0, doc="Length of a file in bytes.", unit="bytes")
    target: str = field(default="", doc="What a symbolic link says.")
    identity: str = field(default="", doc="The same for all names of one node; only for files with several names.")
    listed: bool = field(default=False, doc="Of a directory: whether all its entries are recorded, too.")
    sha512: str = field(default="", doc="Hash of a file's content, hex.")
    sha256: str = field(default="", doc="Another one, for configs that name it.")

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes as configs write them."""
        return tuple(f"{name}-{value}" for name in HASH_DIGITS if (value := getattr(self, name)))

    def found(self) -> Found:
        """The same as planners have it."""
        kind: NodeKind = next(known for known in WORDS if known == self.kind)
        device, _, inode = self.identity.partition(":")
        return Found(
            kind, int(self.mode, 8) if self.mode else None, self.owner, self.size, self.target,
            (int(device), int(inode)) if self.identity else None,
        )  # fmt: skip


class RecordedRoot(Record):
    """What is known of a root directory."""

    path: str = field(keep=True, doc="Where it was on the machine that recorded.")
    users: tuple[Account, ...] = field(default=(), doc="Users, without passwords.")
    groups: tuple[Team, ...] = field(default=(), doc="Groups, without passwords.")
    nodes: tuple[RecordedNode, ...] = field(default=(), doc="What was looked at, by path.")


class MachineFacts(Record):
    """All that is known of a machine; without a root where none was looked at."""

    version: int = field(keep=True, doc="Version of this format.")
    host: Host = field(factory=Host, keep=True, doc="Where and with what the facts were recorded.")
    devices: tuple[BlockDevice, ...] = field(default=(), doc="Block devices.")
    root: RecordedRoot | None = field(default=None, doc="The root directory.")
    remarks: tuple[str, ...] = field(default=(), doc="What could not be found out, and why.")


# ---- writing --------------------------------------------------------------------------------------------------------


def to_json(facts: MachineFacts) -> bytes:
    """The facts as JSON. Passwords are left out, whoever has put them in."""
    import json

    root = facts.root
    if root is not None:
        users = tuple(account.changed(password="") for account in root.users)
        groups = tuple(team.changed(password="") for team in root.groups)
        facts = facts.changed(root=root.changed(users=users, groups=groups))
    document = encode(facts, AT)
    try:
        return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # the names of files can be any bytes
        return json.dumps(document, indent=1).encode() + b"\n"


# ---- reading --------------------------------------------------------------------------------------------------------


def from_json(data: bytes, name: str) -> MachineFacts:
    """Read facts strictly. Raises ProvisionError that names the file and all, or much, of what is wrong with it."""
    document = loaded(data, name)
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        hint = "" if version is None else f", this is version {ascii(version)[:40]}"
        raise refusal(name, [f"not facts of version {VERSION}{hint}; `provision facts` of this version writes them"])
    problems: list[Problem] = []
    view = View(AT, shows=lambda row: not row.secret)
    facts = decode(MachineFacts, document, view, JsonSource(), problems)
    faults = [*structural(problems, document), *([] if problems else unsound(facts))]
    if faults:
        raise refusal(name, faults)
    return facts


def loaded(data: bytes, name: str) -> dict[str, Any]:
    """The JSON object; ProvisionError where it is none."""
    from provision.apply.reading import load

    if len(data) > MAX_BYTES:
        raise refusal(name, [f"more than {MAX_BYTES >> 20} MiB"])
    try:
        return load(data)
    except ValueError as error:
        raise refusal(
            name, [str(error).replace("the config is", "the file is").replace("not a config", "not facts")]
        ) from None


def refusal(name: str, faults: list[str]) -> ProvisionError:
    """What is wrong with a file."""
    more = len(faults) - MAX_LISTED
    lines = [f"  {fault}" for fault in faults[:MAX_LISTED]] + ([f"  and {more} more"] if more > 0 else [])
    return ProvisionError("\n".join([f"{shown(name)}: these facts cannot be read:", *lines]), exit_code=2)


def structural(problems: list[Problem], document: dict[str, Any]) -> Iterator[str]:
    """What does not fit the rows, each with its place."""
    from provision.apply.reading import WANTED, Places

    places = Places(document) if problems else None
    for problem in problems:
        if places is None:
            return
        place = shown(places.take(problem.key, problem.value))
        due = WANTED.get(problem.wanted, problem.wanted)
        yield (
            f"{place}: the key is not known" if problem.wanted == "key" else f"{place or 'the file'}: {due} is due here"
        )


def unsound(facts: MachineFacts) -> Iterator[str]:
    """What no machine has, though its types are right. What planners compute with must be sound."""
    yield from repeated((device.path for device in facts.devices), "devices")
    for device in facts.devices:
        yield from (f"devices: {shown(device.path)}: {fault}" for fault in device_faults(device))
    if facts.root is None:
        return
    yield from repeated((node.path for node in facts.root.nodes), "root.nodes")
    for node in facts.root.nodes:
        yield from (f"root.nodes: {shown(node.path)}: {fault}" for fault in node_faults(node))
    for account in facts.root.users:
        if not (0 <= account.uid <= MAX_ID and 0 <= account.gid <= MAX_ID):
            yield f"root.users: {shown(account.name)}: its ids are none"
    for team in facts.root.groups:
        if not 0 <= team.gid <= MAX_ID:
            yield f"root.groups: {shown(team.name)}: its id is none"


def repeated(names: Iterable[str], what: str) -> Iterator[str]:
    """Names that stand for two things."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"{what}: {shown(name)} is there twice"
        seen.add(name)


def device_faults(device: BlockDevice) -> Iterator[str]:
    """What is wrong with one device."""
    for name in (device.path, *device.names, *device.disks, *filter(None, (device.parent,))):
        if not name.startswith("/") or not name.isprintable():
            yield f"{shown(name)!r} is no absolute path"
    sector = device.sector_size
    if not LEAST_SECTOR <= sector <= LARGEST_SECTOR or sector & (sector - 1):
        yield f"sectorSize {sector} is no size of sectors"
    if min(device.size, device.number, device.start) < 0:
        yield "a size or place is negative"
    table = device.table
    if min(table.first_usable, table.last_usable, table.slots) < 0:
        yield "its table has a negative size or place"
    yield from (f"table: {fault}" for fault in entry_faults(table.entries))


def entry_faults(entries: tuple[TableEntry, ...]) -> Iterator[str]:
    """What is wrong with the entries of a table."""
    yield from repeated((str(entry.number) for entry in entries), "partition")
    for entry in entries:
        if entry.number < 1 or entry.start < 0 or entry.size < 1:
            yield f"partition {entry.number} has a number or place that is none"


def node_faults(node: RecordedNode) -> Iterator[str]:
    """What is wrong with one node."""
    if not node.path.startswith("/") or (node.path != "/" and node.path.endswith("/")):
        yield "this is no true path"
    if node.kind not in WORDS:
        yield f"kind {shown(node.kind)!r} is none of {', '.join(WORDS)}"
    if node.mode and not (len(node.mode) == 4 and set(node.mode) <= set("01234567")):
        yield f"mode {shown(node.mode)!r} is not four octal digits"
    if node.size < 0:
        yield "its size is negative"
    for what, text in (("owner", node.owner), ("identity", node.identity)):
        first, colon, second = text.partition(":")
        if text and not (colon and is_number(first) and is_number(second)):
            yield f"{what} {shown(text)!r} is not two numbers"
    for name, digits in HASH_DIGITS.items():
        value = getattr(node, name)
        if value and not (len(value) == digits and set(value) <= set("0123456789abcdef")):
            yield f"{name} is not {digits} hexadecimal digits"


def is_number(text: str) -> bool:
    """Whether a text is a number of at most 64 bits."""
    return text.isascii() and text.isdecimal() and len(text) <= 20
