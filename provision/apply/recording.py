"""Looking at a machine to record its facts. Read-only: opens nothing for writing, and what it cannot see it says.

Devices are `devices.survey`'s business, the format of the file `facts_file`'s.
"""

import os
from collections.abc import Callable, Iterable, Iterator

from provision.apply.devices import BlockDevice
from provision.apply.facts import Facts
from provision.apply.facts_file import VERSION, Host, MachineFacts, RecordedNode, RecordedRoot
from provision.apply.paths import MISSING, Found, joined, shown
from provision.apply.programs import ACCOUNT_PROGRAMS, keys_file
from provision.apply.roots import Lookup, Root, find_program
from provision.contents import MAX_UNPACKED_BYTES
from provision.diagnostics import ProvisionError
from provision.typed import TypeVar

# What nearly every config touches is recorded with all below it; of other places only what lies in them.
WHOLE = ("/etc",)
LISTED = (
    "/", "/home", "/opt", "/root", "/srv", "/usr", "/usr/local", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib",
    "/usr/local/lib/systemd", "/usr/local/lib/systemd/system", "/var", "/var/home", "/var/lib", "/var/opt", "/var/usrlocal",
    "/var/usrlocal/bin", "/var/srv", "/var/roothome",
)  # fmt: skip
# Nodes of one root. A usual /etc has 2000; what a runaway program left there shall not fill the disk.
MAX_NODES = 50_000
# Larger files are no configuration; one that a config asks for may be as large as what configs write.
MAX_HASHED_BYTES = 8 << 20
NO_NAMES: tuple[str, ...] = ()
# Hashes of passwords. A hash of such a file says whether a guess at its content is right, so there is none of it.
SECRET_FILES = frozenset(
    ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd", "/etc/opasswd")
)
# Who may look at a file whose content is no secret: everybody.
PUBLIC = 0o004
# How many places a remark lists.
MAX_SHOWN = 5

V = TypeVar("V")


class View:
    """A root as planners ask for it. What may not be looked at counts as missing, and is remembered."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.closed: list[str] = []
        self.nodes = Lookup(self.guarded(root.look, MISSING))
        self.names = Lookup(self.guarded(root.names, NO_NAMES))
        self.contents = Lookup(self.guarded(root.read, b""), keep=False)

    def guarded(self, ask: Callable[[str], V], otherwise: V) -> Callable[[str], V]:
        """A question with an answer for what may not be looked at."""

        def answer(path: str) -> V:
            try:
                return ask(path)
            except OSError:
                self.closed.append(path)
                return otherwise

        return answer

    def facts(self) -> Facts:
        """What planners start from, as if root were to carry the plan out."""
        try:
            accounts = self.root.accounts()
        except OSError as error:
            raise ProvisionError(f"{self.root.host_path}: its users cannot be read: {error.strerror}") from None
        return Facts(
            nodes=self.nodes, contents=self.contents, names=self.names, users=accounts.users, groups=accounts.groups,
            absent_programs=absent_programs(), keys_file=keys_file(os.environ),
        )  # fmt: skip


def absent_programs() -> frozenset[str]:
    """The programs for users and groups that this machine does not have."""
    return frozenset(name for name in ACCOUNT_PROGRAMS if find_program(name) is None)


def record(devices: Iterable[BlockDevice], root: Root | None, asked: Iterable[str] = ()) -> MachineFacts:
    """The facts of this machine: its devices, and what a root holds at the usual and the given paths."""
    devices = tuple(devices)
    recorder = Recorder(root) if root is not None else None
    recorded = recorder.root_facts(asked) if recorder is not None else None
    remarks = [*device_remarks(devices), *(recorder.remarks() if recorder is not None else ())]
    return MachineFacts(version=VERSION, host=host(), devices=devices, root=recorded, remarks=tuple(remarks))


def host() -> Host:
    """This machine and this moment."""
    import time

    from provision import __version__

    system = os.uname()
    return Host(
        architecture=system.machine, kernel=system.release, tool=__version__,
        date=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), is_root=os.geteuid() == 0,
        absent_programs=tuple(sorted(absent_programs())), keys_file=keys_file(os.environ),
    )  # fmt: skip


def device_remarks(devices: Iterable[BlockDevice]) -> Iterator[str]:
    """What could not be read of devices."""
    closed: dict[str, list[str]] = {}
    for device in devices:
        if device.remark:
            closed.setdefault(device.remark, []).append(device.path)
    yield from (f"{listed(paths)}: {remark}" for remark, paths in closed.items())


def listed(names: list[str]) -> str:
    """Names in one line, of many only the first."""
    more = len(names) - MAX_SHOWN
    return ", ".join(map(shown, names[:MAX_SHOWN])) + (f" and {more} more" if more > 0 else "")


class Recorder:
    """Collects the nodes of one root."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.view = View(root)
        self.nodes: dict[str, RecordedNode] = {}
        self.identities: dict[str, list[str]] = {}
        self.unread: list[str] = []
        self.cut: list[str] = []

    def root_facts(self, asked: Iterable[str]) -> RecordedRoot:
        """All of it. Of the paths that were asked for, private files are hashed, too."""
        accounts = self.view.facts()
        for path in LISTED:
            self.list(self.resolved(path))
        for path in WHOLE:
            self.walk(self.resolved(path))
        for account in accounts.users.values():
            self.record_keys(account.home)
        for path in asked:
            self.add(path, is_asked=True)
        self.name_again()
        return RecordedRoot(
            path=self.root.host_path,
            users=tuple(account.changed(password="") for account in accounts.users.values()),
            groups=tuple(team.changed(password="") for team in accounts.groups.values()),
            nodes=tuple(self.nodes[path] for path in sorted(self.nodes)),
        )

    def resolved(self, path: str) -> str:
        """The true path, with all that leads to it recorded: links on the way decide where a config's files land."""
        here = ""
        for name in path.strip("/").split("/"):
            here = f"{here}/{name}"
            self.add(here)
        try:
            return self.root.resolve(path, follow=True)
        except (OSError, ProvisionError):
            self.unread.append(path)
            return path

    def add(self, path: str, *, is_asked: bool = False) -> Found:
        """Record one node."""
        found = self.view.nodes[path]
        if path in self.view.closed:
            return found
        known = self.nodes.get(path)
        hashes = self.hashes(path, found, is_asked=is_asked) if found.kind == "file" else ("", "")
        self.nodes[path] = RecordedNode(
            path=path, kind=found.kind, mode="" if found.mode is None else f"{found.mode:04o}", owner=found.owner,
            size=found.size if found.kind == "file" else 0, target=found.target,
            listed=known.listed if known is not None else False, sha512=hashes[0], sha256=hashes[1],
        )  # fmt: skip
        if found.kind == "file" and found.identity is not None:
            same = self.identities.setdefault(f"{found.identity[0]}:{found.identity[1]}", [])
            same += [path] * (path not in same)
        return found

    def name_again(self) -> None:
        """Say which names are of one file."""
        for identity, paths in self.identities.items():
            for path in paths if len(paths) > 1 else ():
                self.nodes[path] = self.nodes[path].changed(identity=identity)

    def list(self, path: str) -> tuple[str, ...]:
        """Record a directory and all that lies in it; the answer is what that is called."""
        if self.add(path).kind != "directory":
            return ()
        names = self.view.names[path]
        if path in self.view.closed or len(self.nodes) + len(names) > MAX_NODES:
            self.cut += [path] * (path not in self.view.closed)
            return ()
        for name in names:
            self.add(joined(path, name))
        if not any(joined(path, name) in self.view.closed for name in names):
            self.nodes[path] = self.nodes[path].changed(listed=True)
        return names

    def walk(self, top: str) -> None:
        """Record a directory with all below it."""
        todo = [top]
        while todo:
            path = todo.pop()
            names = self.list(path)
            todo += [joined(path, name) for name in names if self.view.nodes[joined(path, name)].kind == "directory"]

    def record_keys(self, home: str) -> None:
        """Record what the folder for ssh in a home directory holds, by name; of the files for authorized keys also a hash."""
        if not home.startswith("/") or home == "/":
            return
        try:
            folder = joined(self.root.resolve(home, follow=True), ".ssh")
        except (OSError, ProvisionError):
            return
        if self.view.nodes[folder].kind != "directory":
            return
        for name in self.list(folder):
            path = joined(folder, name)
            if name.startswith("authorized_keys"):
                self.add(path, is_asked=True)
                for entry in self.list(path) if self.view.nodes[path].kind == "directory" else ():
                    self.add(joined(path, entry), is_asked=True)

    # ---- contents --------------------------------------------------------------------------------------------------

    def hashes(self, path: str, found: Found, *, is_asked: bool) -> tuple[str, str]:
        """The hashes of a file; empty for what is kept from others, unless it was asked for, and for what is secret."""
        is_public = (found.mode or 0) & PUBLIC
        if path in SECRET_FILES or not (is_public or is_asked):
            return "", ""
        known = self.nodes.get(path)
        if known is not None and known.sha512:
            return known.sha512, known.sha256
        if found.size > (MAX_UNPACKED_BYTES if is_asked else MAX_HASHED_BYTES):
            self.cut += [path] * is_asked
            return "", ""
        try:
            return hashed(self.root, path)
        except (OSError, ProvisionError):
            self.unread.append(path)
            return "", ""

    def remarks(self) -> Iterator[str]:
        """What is missing from the record."""
        closed = list(dict.fromkeys([*self.view.closed, *self.unread]))
        if closed:
            advice = "" if os.geteuid() == 0 else "; root may look there"
            yield f"could not be looked at: {listed(closed)}{advice}"
        if self.cut:
            yield f"too much to record: {listed(list(dict.fromkeys(self.cut)))}"


def hashed(root: Root, path: str) -> tuple[str, str]:
    """SHA-512 and SHA-256 of a file, in hex."""
    import hashlib

    content = root.read(path)
    return hashlib.sha512(content).hexdigest(), hashlib.sha256(content).hexdigest()
