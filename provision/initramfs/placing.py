"""Writing the files into a root, and taking them away. Links are followed inside of the root and nowhere else.

A list in the root says what was written, with hashes: what somebody has changed since is not taken away.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from provision.apply import environment
from provision.apply.pack import AGENT, WRAPPER, WRAPPER_TEXT
from provision.apply.paths import parent_of
from provision.apply.system import Machine
from provision.contents import sha512
from provision.diagnostics import ProvisionError
from provision.initramfs import kinds, programs
from provision.typed import Any, Literal, NamedTuple

LIST = f"{kinds.OWN}/installed.json"
LINK_MODE = 0o777
State = Literal["written", "unchanged", "removed", "kept"]


class Placed(NamedTuple):
    """A file of the root and what became of it."""

    path: str
    state: State


class Content(NamedTuple):
    """What goes to a path: content and mode of a file, or the target of a link. `is_setting`: people may change it."""

    path: str
    data: bytes
    mode: int
    target: str = ""
    is_setting: bool = False

    @property
    def hash(self) -> str:
        """What tells this content from others."""
        return sha512(self.target.encode() if self.target else self.data)


def contents(kind: str, agent: bytes) -> Iterator[Content]:
    """All that a kind has in a root."""
    yield Content(AGENT, agent, kinds.PROGRAM)
    yield Content(WRAPPER, WRAPPER_TEXT.encode(), kinds.PROGRAM)
    yield Content(environment.FILE, (kinds.FOLDER / "environment").read_bytes(), kinds.FILE, is_setting=True)
    if kinds.KINDS[kind].signs:
        yield Content(f"{kinds.OWN}/programs", programs.listed().encode(), kinds.FILE)
        yield Content(f"{kinds.OWN}/programs.clevis", programs.listed_for_clevis().encode(), kinds.FILE)
    for row in kinds.KINDS[kind].rows:
        data = b"" if row.target else (kinds.FOLDER / row.source).read_bytes()
        yield Content(row.path, data, row.mode, row.target)


@contextmanager
def opened(root: str) -> Iterator[Machine]:
    """A root to write to; what it refuses is a ProvisionError."""
    if not os.path.isdir(root):
        raise ProvisionError(f"--root {root}: there is no such folder", exit_code=2)
    machine = Machine(root, {})
    try:
        yield machine
        machine.sync()
    except OSError as error:
        why = f"{error.filename or root}: {error.strerror}" if isinstance(error.filename, str) else error.strerror
        advice = "" if os.geteuid() == 0 else "; run it as root"
        raise ProvisionError(f"--root {root} cannot be changed: {why}{advice}", exit_code=3) from None
    finally:
        machine.close()


# ---- writing -----------------------------------------------------------------------------------------------------------


def install(root: str, kind: str, agent: bytes) -> list[Placed]:
    """Write the files of a kind that are not there yet, and what was written into the list."""
    wanted = list(contents(kind, agent))
    with opened(root) as machine:
        known = read_list(machine)
        placed = [Placed(content.path, put(content, machine)) for content in wanted]
        known[kind] = {content.path: content.hash for content in wanted}
        write_list(known, machine)
    return placed


def put(content: Content, machine: Machine) -> State:
    """Write one file or link, with the folders above it."""
    path = place_of(content.path, machine)
    found = machine.look(path)
    if found.kind == "directory":
        raise ProvisionError(f"{machine.host_path.rstrip('/')}{path} is a directory; a file of provision goes there")
    if content.is_setting and found.kind != "missing":
        return "unchanged"
    if content.target:
        if (found.kind, found.target) == ("link", content.target):
            return "unchanged"
        make_folders(parent_of(path), machine)
        machine.make_link(path, content.target, "")
        return "written"
    if (found.kind, found.mode) == ("file", content.mode) and machine.read(path) == content.data:
        return "unchanged"
    make_folders(parent_of(path), machine)
    machine.replace(path, content.data, content.mode, "")
    return "written"


def place_of(path: str, machine: Machine) -> str:
    """The true path of a file in a root."""
    return machine.resolve(path)


def make_folders(path: str, machine: Machine) -> None:
    """A folder, with those above it."""
    if path != "/" and machine.look(path).kind == "missing":
        make_folders(parent_of(path), machine)
        machine.make_directory(path, 0o755, "")


# ---- taking away ---------------------------------------------------------------------------------------------------------


def uninstall(root: str, kind: str | None) -> tuple[list[str], list[Placed]]:
    """Take away what was written for a kind, or for all, and is not needed by another; files that were changed are kept.

    The answer is what kinds there were, and what became of their files.
    """
    with opened(root) as machine:
        known = read_list(machine)
        gone = [name for name in known if kind in (None, name)]
        rest = {path for name in known if name not in gone for path in known[name]}
        hashes = {path: hash for name in gone for path, hash in known[name].items() if path not in rest}
        placed = [Placed(path, take_away(path, hash, machine)) for path, hash in hashes.items()]
        for name in gone:
            del known[name]
        write_list(known, machine)
        for path in sorted({parent_of(path) for path in (*hashes, LIST)}, key=len, reverse=True):
            remove_empty(path, machine)
    return gone, [each for each in placed if each.state != "unchanged"]


def take_away(path: str, hash: str, machine: Machine) -> State:
    """Remove one file or link; one that is missing counts as unchanged."""
    place = machine.resolve(path)
    found = machine.look(place)
    if found.kind == "missing":
        return "unchanged"
    present = found.target.encode() if found.kind == "link" else machine.read(place) if found.kind == "file" else b""
    if found.kind == "directory" or sha512(present) != hash:
        return "kept"
    machine.remove(place)
    return "removed"


def remove_empty(path: str, machine: Machine) -> None:
    """Remove a folder that was made for our files, if nothing else is in it."""
    is_ours = path in (kinds.OWN, parent_of(environment.FILE)) or path.endswith(
        ("/35provision", "/local-premount", "/local-bottom")
    )
    if is_ours and machine.look(machine.resolve(path)).kind == "directory" and not machine.names(machine.resolve(path)):
        machine.remove(machine.resolve(path))


# ---- the list --------------------------------------------------------------------------------------------------------------


def read_list(machine: Machine) -> dict[str, dict[str, str]]:
    """The hashes of what was written, by kind and path; nothing where there is no list, or one that is none."""
    path = machine.resolve(LIST)
    if machine.look(path).kind != "file":
        return {}
    try:
        found = json.loads(machine.read(path))
    except ValueError:
        found = None
    if not is_list(found):
        raise ProvisionError(
            f"{machine.host_path.rstrip('/')}{path} is damaged; remove it, and install again", exit_code=3
        )
    return dict(found)


def is_list(found: Any) -> bool:
    """Whether this is what `write_list` writes."""
    return isinstance(found, dict) and all(
        isinstance(files, dict) and all(isinstance(hash, str) for hash in files.values()) for files in found.values()
    )


def write_list(known: dict[str, dict[str, str]], machine: Machine) -> None:
    """Write the list, or take it away where nothing is left."""
    path = machine.resolve(LIST)
    if not known:
        machine.remove(path)
        return
    data = json.dumps(known, indent=1, sort_keys=True).encode() + b"\n"
    if machine.look(path).kind != "file" or machine.read(path) != data:
        make_folders(parent_of(path), machine)
        machine.replace(path, data, kinds.FILE, "")
