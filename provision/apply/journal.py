"""The journal of a first boot: what the run started from, what it has begun, what it has done. Lies in the root that is filled.

Each line is a record with its own checksum, on the disk before the acts that it announces. A line that a power cut tore is
the last one, and counts as not written. A run that goes on plans from the same facts as the first one, so that it decides
the same; it skips what is finished and repeats what was begun.

Acts on disks have no journal, for there is no place yet that would outlive a power cut. Each of them is atomic by its own
means: see `devices.unfinished`, `devices.saved_table` and `plan.raid`.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256

from provision.apply.operations import Act
from provision.apply.paths import shown
from provision.apply.roots import READ, Root
from provision.apply.state import State
from provision.diagnostics import ProvisionError
from provision.ignition import NEWEST, Config
from provision.record import encode
from provision.typed import Any

VERSION = 1
NAME = ".provision-journal"
TEMPORARY = f"{NAME}.new"
# The first that is a directory is taken: the top of some systems cannot be written to, and of others it is all there is.
FOLDERS = ("/etc", "/")
CHECKSUM_DIGITS, KEY_DIGITS = 16, 24
CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC

# What tells one machine from another; the first that says something counts. Sources: SMBIOS 3.7, 7.2.1; Devicetree
# Specification 0.4, serial-number.
MACHINE_IDS = ("/sys/class/dmi/id/product_uuid", "/sys/firmware/devicetree/base/serial-number")
# The facts that are of users.
USERS = ("users", "groups")
# The parts of the state that only the run that was cut off knows.
STATE_PARTS = ("key_files", "secure_key_files", "directories", "output_files")


class Journal:
    """One journal, opened. `begun` and `finished` hold the keys of acts; `notes` what was noted of those that were begun."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.length = 0
        self.header: dict[str, Any] = {}
        self.facts: dict[str, Any] | None = None
        self.directories: list[str] = []
        self.notes: dict[str, dict[str, Any]] = {}
        self.finished: set[str] = set()

    # ---- reading ---------------------------------------------------------------------------------------------------

    def take(self, record: dict[str, Any]) -> None:
        """Know what a record says."""
        self.header = record.get("begin", self.header)
        self.facts = record.get("facts", self.facts)
        self.directories += [record["directory"]] if "directory" in record else []
        self.notes.update(record.get("started", {}))
        self.finished.update(record.get("finished", ()))

    def check_machine(self) -> None:
        """Raise ProvisionError where the journal is of another machine."""
        here, there = machine_id(), str(self.header.get("machine", ""))
        if here and there and here != there:
            raise ProvisionError(
                f"{self.path} is the journal of another machine's first boot ({shown(there)}, this is {shown(here)}); "
                "if the disk shall be provisioned here, remove the journal first"
            )

    def is_of(self, config: Config) -> bool:
        """Whether the journal is of a run with this config."""
        return bool(self.header.get("config") == digest(config))

    def changed_filesystems(self, found: dict[str, str]) -> Iterator[str]:
        """The devices whose file systems, UUIDs by device, are not those that the journal describes."""
        described = self.header.get("filesystems", {})
        # One that could not be read then tells nothing.
        yield from (device for device, uuid in found.items() if described.get(device) not in ("", uuid))

    def give_state(self, state: State) -> None:
        """Put what the run that was cut off knew into the state of this one."""
        for name in STATE_PARTS:
            kept = self.header.get("state", {}).get(name)
            if isinstance(kept, dict):
                getattr(state, name).update(kept)
            elif isinstance(kept, list):
                present = getattr(state, name)
                present += [each for each in kept if each not in present]
        state.directories += [path for path in self.directories if path not in state.directories]

    # ---- acts ------------------------------------------------------------------------------------------------------

    def is_finished(self, act: Act[Any]) -> bool:
        """Whether an act was done, and is on the disks."""
        return short(act) in self.finished

    def note_of(self, act: Act[Any]) -> dict[str, Any] | None:
        """What was noted of an act that was begun and perhaps not done; None for one that was not."""
        return self.notes.get(short(act))

    def start(self, acts: Sequence[Act[Any]], system: Any) -> None:
        """Announce acts; those that were begun before keep what was noted of them then."""
        new = {short(act): act.note(system) for act in acts if short(act) not in self.notes}
        if new:
            self.append({"started": new})

    def finish(self, acts: Sequence[Act[Any]]) -> None:
        """Say that acts are done; what they did is on the disks."""
        self.append({"finished": [short(act) for act in acts]})

    def note_directory(self, path: str) -> None:
        """Announce a directory that is made as a mount point."""
        if path not in self.directories:
            self.append({"directory": path})

    @property
    def has_facts(self) -> bool:
        """Whether all facts are known that the plan is made from."""
        return self.facts is not None and "users" in self.facts

    def keep_facts(self, facts: dict[str, Any]) -> None:
        """Keep the facts that the plan was made from."""
        self.append({"facts": facts})

    # ---- writing ---------------------------------------------------------------------------------------------------

    def append(self, record: dict[str, Any]) -> None:
        """Write a record behind the last whole one, durably."""
        line = line_of(record)
        with guarded(self.path):
            fd = os.open(self.path, APPEND)
            try:
                os.ftruncate(fd, self.length)
                write_all(fd, line)
                os.fsync(fd)
            finally:
                os.close(fd)
        self.length += len(line)
        self.take(record)

    @property
    def is_begun(self) -> bool:
        """Whether the journal is on the disk."""
        return self.length > 0

    def anew(self, mounts: Iterable[str]) -> "Journal":
        """A journal for another config or other file systems, not begun: what the first run started from stays known, but
        for users and for what is mounted now at `mounts`. Users are changed as they are, for what was made of them cannot be
        made twice.
        """
        folders = [mount.rstrip("/") + "/" for mount in mounts if mount]
        journal = Journal(self.path)
        journal.directories = self.directories
        if self.facts is not None:
            journal.facts = {
                kind: {path: fact for path, fact in facts.items() if not f"{path}/".startswith(tuple(folders))}
                for kind, facts in self.facts.items() if kind not in USERS
            }  # fmt: skip
        return journal

    def begin(self, header: dict[str, Any]) -> None:
        """Put the journal in place, in one rename."""
        records: list[dict[str, Any]] = [{"begin": header}]
        records += [{"directory": path} for path in self.directories]
        records += [{"facts": self.facts}] if self.facts is not None else []
        content = b"".join(map(line_of, records))
        folder = os.path.dirname(self.path)
        temporary = f"{folder}/{TEMPORARY}"
        with guarded(self.path):
            fd = os.open(temporary, CREATE, 0o600)
            try:
                write_all(fd, content)
                os.fsync(fd)
            finally:
                os.close(fd)
            os.rename(temporary, self.path)
            sync_folder(folder)
        self.header, self.length = header, len(content)

    def remove(self) -> None:
        """Take the journal away, durably: the work is done."""
        with guarded(self.path):
            os.unlink(self.path)
            sync_folder(os.path.dirname(self.path))


def header_of(config: Config, state: State, filesystems: dict[str, str]) -> dict[str, Any]:
    """What a journal begins with."""
    return {
        "version": VERSION, "machine": machine_id(), "config": digest(config), "filesystems": filesystems,
        "state": {name: getattr(state, name) for name in STATE_PARTS},
    }  # fmt: skip


def find(host_path: str) -> Journal | None:
    """The journal of a root, None where there is none. Raises ProvisionError for one that cannot be read."""
    for path in places(host_path):
        try:
            fd = os.open(path, READ)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ProvisionError(f"{path}: the journal cannot be read: {error.strerror}") from None
        with open(fd, "rb") as file:
            return parse(path, file.read())
    return None


def new(host_path: str) -> Journal:
    """A journal for a root, not written yet."""
    return Journal(places(host_path)[0])


def places(host_path: str) -> list[str]:
    """Where the journal of a root may be, in this process's paths. No link leads out of the root."""
    root = Root(host_path)
    try:
        found = []
        for folder in FOLDERS:
            path = root.resolve(folder, follow=True)
            if root.look(path).kind == "directory":
                found.append(f"{root.host_path.rstrip('/')}{path.rstrip('/')}/{NAME}")
        return found
    finally:
        root.close()


def parse(path: str, content: bytes) -> Journal:
    """The journal of a file's content, up to the first line that is not whole."""
    journal = Journal(path)
    for line in content.splitlines(keepends=True):
        record = record_of(line)
        if record is None:
            break
        journal.take(record)
        journal.length += len(line)
    if journal.header.get("version") != VERSION:
        raise ProvisionError(
            f"{path}: this is no journal of version {VERSION}, or it is damaged; remove it to have the first boot begin anew"
        )
    return journal


def line_of(record: dict[str, Any]) -> bytes:
    """A record as a line: its checksum, and the record as JSON."""
    import json

    text = json.dumps(record, separators=(",", ":")).encode()
    return checksum(text) + b" " + text + b"\n"


def record_of(line: bytes) -> dict[str, Any] | None:
    """The record of a line, None where it is not whole."""
    import json

    said, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or said != checksum(text):
        return None
    record = json.loads(text)
    return record if isinstance(record, dict) else None


def checksum(text: bytes) -> bytes:
    """What shows that a line is whole."""
    return sha256(text).hexdigest()[:CHECKSUM_DIGITS].encode()


def short(act: Act[Any]) -> str:
    """The key of an act, as far as it tells acts of one plan apart."""
    return act.key[:KEY_DIGITS]


def digest(config: Config) -> str:
    """A hash of a config."""
    import json

    text = json.dumps(encode(config, NEWEST), sort_keys=True)
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def machine_id() -> str:
    """What tells this machine from others; empty where nothing does."""
    for path in MACHINE_IDS:
        try:
            with open(path, "rb") as file:
                text = file.read().decode(errors="replace").strip("\0 \n")
        except OSError:
            continue
        if text.strip("0-"):
            return text
    return ""


@contextmanager
def guarded(path: str) -> Iterator[None]:
    """Has what the journal's file system refuses become a ProvisionError."""
    try:
        yield
    except OSError as error:
        raise ProvisionError(f"{path}: the journal cannot be written: {error.strerror}") from error


def write_all(fd: int, content: bytes) -> None:
    """Write all of it."""
    while content:
        content = content[os.write(fd, content) :]


def sync_folder(path: str) -> None:
    """Wait until the entries of a folder are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
