"""What the applier's tests share: configs, facts and machines that exist only in memory, and trees to compare."""

import io
import os
import stat
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, TypeVar

from provision.apply.accounts import Account, Accounts, Team
from provision.apply.directory import Plan, plan
from provision.apply.facts import Facts
from provision.apply.paths import MISSING, Found, resolve
from provision.apply.plan.draft import Draft
from provision.contents import sha512
from provision.ignition import NEWEST, Config, Resource
from provision.record import JsonSource, Problem, View, decode

V = TypeVar("V")
Tree = dict[str, tuple[object, ...]]

PASSWD = "root:x:0:0:root:/root:/bin/sh\n"
GROUP = "root:x:0:\nwheel:x:10:\n"
SHADOW = "root:*:19000:0:99999:7:::\n"

DIRECTORY = Found("directory", 0o755, "0:0")
ROOT_USER = Account(name="root", uid=0, gid=0, gecos="root", home="/root", shell="/bin/sh", password="*")


def config(**sections: Any) -> Config:
    """A config of the newest spec from its sections as JSON."""
    problems: list[Problem] = []
    document = {"ignition": {"version": "3.7.0-experimental"}, **sections}
    made = decode(Config, document, View(NEWEST), JsonSource(), problems)
    assert not problems
    return made


def storage(**lists: Any) -> Config:
    """A config with a storage section only."""
    return config(storage=lists)


def data(text: str) -> dict[str, Any]:
    """A resource that holds a text."""
    return {"source": "data:," + "".join(f"%{byte:02x}" for byte in text.encode())}


class Defaulting(dict[str, V]):
    """A mapping by path that has an answer for what it does not know, as the lookups of a real root have."""

    def __init__(self, values: Mapping[str, V], default: V) -> None:
        super().__init__(values)
        self.default = default

    def __missing__(self, path: str) -> V:
        return self.default


def file(content: bytes, mode: int = 0o644, owner: str = "0:0") -> Found:
    """A regular file, as facts have it."""
    return Found("file", mode, owner, len(content), identity=(1, len(content) + 100))


def link(target: str) -> Found:
    """A symbolic link, as facts have it."""
    return Found("link", 0o777, "0:0", target=target)


def facts(
    nodes: Mapping[str, Found] | None = None,
    contents: Mapping[str, bytes] | None = None,
    names: Mapping[str, tuple[str, ...]] | None = None,
    users: Mapping[str, Account] | None = None,
    groups: Mapping[str, Team] | None = None,
    **more: Any,
) -> Facts:
    """Facts of a root that has /, /etc and root; `contents` are regular files too."""
    files = {path: file(content) for path, content in (contents or {}).items()}
    return Facts(
        Defaulting({"/": DIRECTORY, "/etc": DIRECTORY, **files, **(nodes or {})}, MISSING),
        contents or {},
        Defaulting(names or {}, ()),
        {"root": ROOT_USER, **(users or {})},
        {"root": Team(name="root", gid=0), **(groups or {})},
        **more,
    )


def planned(wanted: Config, known: Facts | None = None, skip: frozenset[str] = frozenset()) -> Plan:
    """The plan for a root of which the facts are known."""
    return plan(wanted, Draft(known or facts()), "/target", skip)


def described(wanted: Config, known: Facts | None = None) -> list[str]:
    """What the plan says that it will do."""
    return [operation.describe() for operation in planned(wanted, known).operations]


class Killed(BaseException):
    """What ends a run as a kill signal does: no handler for errors sees it."""


class FakeSystem:
    """A machine in memory. Implements `operations.System`; after `writes_left` changes it is killed before the next."""

    def __init__(self, blobs: Mapping[str, bytes] | None = None) -> None:
        self.blobs = dict(blobs or {})
        self.nodes: dict[str, Found] = {"/": DIRECTORY, "/etc": DIRECTORY}
        self.files: dict[str, bytes] = {}
        self.users: dict[str, Account] = {"root": ROOT_USER}
        self.groups: dict[str, Team] = {"root": Team(name="root", gid=0)}
        self.runs: list[tuple[str, ...]] = []
        self.inputs: list[str] = []
        self.writes_left: int | None = None
        self.hashes_are_arguments = False
        self.remote: dict[str, bytes] = {}

    def count(self) -> None:
        """Notice a change."""
        if self.writes_left == 0:
            raise Killed
        if self.writes_left is not None:
            self.writes_left -= 1

    def put(self, path: str, found: Found, content: bytes | None = None) -> None:
        """Place a node; its directory must be there."""
        self.count()
        assert self.look(path.rpartition("/")[0] or "/").kind == "directory", path
        assert self.look(path).kind != "directory" or found.kind == "directory", path
        self.nodes[path] = found
        self.files.pop(path, None)
        if content is not None:
            self.files[path] = content

    def look(self, path: str) -> Found:
        return self.nodes.get(path, MISSING)

    def read(self, path: str) -> bytes:
        return self.files[path]

    def resolve(self, path: str, *, follow: bool = False) -> str:
        return resolve(path, self.look, follow=follow)

    def accounts(self) -> Accounts:
        return Accounts(self.users, self.groups)

    def blob(self, key: str) -> bytes:
        return self.blobs[key]

    def replace(self, path: str, content: bytes, mode: int, owner: str) -> None:
        found = Found("file", mode, self.ids(owner), len(content), identity=(1, len(self.nodes)))
        self.put(path, found, content)

    def make_directory(self, path: str, mode: int, owner: str) -> None:
        self.put(path, Found("directory", mode, self.ids(owner)))

    def make_link(self, path: str, target: str, owner: str) -> None:
        self.put(path, Found("link", 0o777, self.ids(owner), target=target))

    def make_hard_link(self, path: str, existing: str) -> None:
        self.put(path, self.nodes[existing], self.files.get(existing))

    def change(self, path: str, mode: int | None, owner: str) -> None:
        self.count()
        found = self.nodes[path]
        self.nodes[path] = found._replace(mode=found.mode if mode is None else mode, owner=self.ids(owner))

    def remove(self, path: str) -> None:
        self.count()
        for known in [known for known in self.nodes if known == path or known.startswith(path + "/")]:
            del self.nodes[known]
            self.files.pop(known, None)

    def run(self, program: str, *arguments: str, stdin: str = "") -> None:
        self.count()
        self.runs.append((program, *arguments))
        self.inputs.append(stdin)
        name = arguments[-1]
        if program == "useradd":
            number = 1000 + len(self.users)
            home = f"/home/{name}"
            self.users[name] = Account(
                name=name, uid=number, gid=number, gecos="", home=home, shell="/bin/sh", password="*"
            )
            self.groups.setdefault(name, Team(name=name, gid=number))
            for path in ("/home", home):
                self.nodes.setdefault(path, DIRECTORY)
        elif program == "groupadd":
            self.groups[name] = Team(name=name, gid=1000 + len(self.groups))

    def set_password(self, user: str, password: str) -> None:
        self.count()
        self.users[user] = self.users[user].changed(password=password)

    def stream(self, path: str, fill: Callable[[BinaryIO], None], mode: int, owner: str, *, keeps: bool) -> None:
        content = io.BytesIO()
        if keeps:
            content.write(self.read(path))
        fill(content)
        self.replace(path, content.getvalue(), mode, owner)

    def fetch_into(self, resource: Resource, file: BinaryIO) -> None:
        file.write(self.remote[resource.source or ""])

    def ids(self, owner: str) -> str:
        """An owner in numbers, root where it says nothing."""
        user, _, group = owner.partition(":")
        uid = self.users[user].uid if user in self.users else user or 0
        gid = self.groups[group].gid if group in self.groups else group or 0
        return f"{uid}:{gid}"

    def facts(self) -> Facts:
        """What a survey of this machine would find."""
        return Facts(
            Defaulting(self.nodes, MISSING), self.files, Defaulting({}, ()), dict(self.users), dict(self.groups)
        )


def tree(host_path: str) -> Tree:
    """All below a real directory, by path: kind, mode, owner, and content or target. Links are not followed."""
    found: Tree = {}
    for folder, folders, files in os.walk(host_path):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, host_path)] = node(path)
    return found


def node(path: str) -> tuple[object, ...]:
    """One node of a tree."""
    status = os.lstat(path)
    owner = (status.st_uid, status.st_gid)
    if stat.S_ISLNK(status.st_mode):
        return ("link", os.readlink(path), owner)
    if stat.S_ISDIR(status.st_mode):
        return ("directory", oct(status.st_mode & 0o7777), owner)
    with open(path, "rb") as opened:
        return ("file", oct(status.st_mode & 0o7777), owner, sha512(opened.read())[:16])
