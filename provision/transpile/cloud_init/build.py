"""Puts together the config that a user-data document comes to: files, units and accounts, each with its place."""

import json
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from provision.ignition import (
    Config,
    Directory,
    Disk,
    File,
    FileContents,
    Filesystem,
    Group,
    Link,
    NodeGroup,
    NodeUser,
    Passwd,
    Storage,
    Systemd,
    Unit,
    User,
)
from provision.record import Record
from provision.schema.cloud_init import UserData
from provision.schema.cloud_init.accounts import UserEntry
from provision.transpile.author import Author
from provision.transpile.cloud_init.shapes import Shapes
from provision.transpile.cloud_init.targets import SYSTEMS, USUAL, System
from provision.transpile.contents import data_url
from provision.units import render

Options = Sequence[tuple[str, str]]
When = Literal["boot", "settings", "final"]

SCRIPTS = "/etc/provision/cloud-init"
STAMPS = "/var/lib/provision"
SHELL = "/bin/sh"
ONESHOT: Options = (("Type", "oneshot"), ("RemainAfterExit", "yes"))


class Text(NamedTuple):
    """A text that grows piece by piece, for a file of a mode; `places` are where the author asked for each."""

    pieces: list[str]
    mode: int
    places: list[object]


class Step(NamedTuple):
    """A oneshot service that stands for one module of cloud-init; `place` is where the author asked for it."""

    name: str
    order: float
    when: When
    unit: Options
    service: Options
    place: object


# The modules that come to services, in the order in which cloud-init runs them. Source: `config/cloud.cfg.tmpl`.
ORDER = (
    "boothook", "random-seed", "bootcmd", "growpart", "resizefs", "swap", "hosts", "hostname", "ca-certs", "users",
    "passwords", "ssh-keys", "wireguard", "subscription", "metadata", "packages", "per-once", "per-boot", "per-instance",
    "scripts", "runcmd", "fingerprints", "phone-home", "message", "power-state",
)  # fmt: skip

# How services of the three times start. Network and file systems are there for all but the first.
UNIT: dict[When, Options] = {
    "boot": (
        ("DefaultDependencies", "no"),
        ("After", "local-fs.target systemd-tmpfiles-setup.service"),
        ("Before", "sysinit.target shutdown.target"),
        ("Conflicts", "shutdown.target"),
    ),
    "settings": (("Before", "systemd-user-sessions.service sshd.service ssh.service"),),
    "final": (("Wants", "network-online.target"), ("After", "network-online.target")),
}
WANTED_BY: dict[When, str] = {"boot": "sysinit.target", "settings": "multi-user.target", "final": "multi-user.target"}


class Build:
    """One document on its way. The families of keys add to it; `config` is what it comes to."""

    def __init__(self, root: UserData, author: Author) -> None:
        self.root = root
        self.author = author
        self.shapes = Shapes(author)
        self.target = SYSTEMS[author.options.target_os if author.options.target_os in SYSTEMS else USUAL]
        self.files: dict[str, File] = {}
        self.texts: dict[str, Text] = {}
        self.directories: dict[str, Directory] = {}
        self.links: dict[str, Link] = {}
        self.units: dict[str, Unit] = {}
        self.steps: list[Step] = []
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.disks: list[Disk] = []
        self.filesystems: list[Filesystem] = []
        self.accounts: list[UserEntry] = []
        self.default_user: str | None = None

    # ---- nodes of the file system ------------------------------------------------------------------------------

    def file(
        self, path: str, content: str | bytes, mode: int, place: object, owner: tuple[NodeUser, NodeGroup] | None = None
    ) -> File:
        """A file that replaces what is at its path; a later one of the same path replaces an earlier."""
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        return self.place_file(path, contents_of(data, place), mode, place, owner)

    def place_file(
        self, path: str, contents: FileContents, mode: int, place: object, owner: tuple[NodeUser, NodeGroup] | None = None
    ) -> File:  # fmt: skip
        """A file with contents that are a resource already."""
        user, group = owner or (NodeUser(), NodeGroup())
        made = File(path=path, overwrite=True, contents=contents, mode=mode, user=user, group=group).at(place)
        self.links.pop(path, None)
        self.files[path] = made
        return made

    def append(self, path: str, content: str, mode: int, place: object) -> None:
        """Text for a file that several keys write to; it has the mode, and the place, of the first."""
        text = self.texts.setdefault(path, Text([], mode, []))
        text.pieces.append(content)
        text.places.append(place)

    def write_texts(self) -> None:
        """The files that several keys wrote to. What the author wrote there himself stands before."""
        for path, (pieces, mode, places) in self.texts.items():
            written, place = self.files.get(path), places[0]
            if written is None:
                self.file(path, "".join(pieces), mode, place).spotted(contents=tuple(places))
            else:
                more = contents_of("".join(pieces).encode("utf-8", "surrogateescape"), place)
                self.files[path] = written.changed(append=(*written.append, more))

    def link(self, path: str, target: str, place: object) -> Link:
        """A symbolic link that replaces what is at its path."""
        made = Link(path=path, target=target, overwrite=True, hard=False).at(place)
        self.files.pop(path, None)
        self.links[path] = made
        return made

    # ---- units -------------------------------------------------------------------------------------------------

    def unit(self, name: str, sections: Iterable[tuple[str, Options]], place: object) -> Unit:
        """A unit of our making, enabled."""
        made = Unit(name=name, enabled=True, contents=render(sections)).at(place)
        self.units[name] = made
        return made

    def enable(self, name: str, place: object) -> None:
        """Enable a unit that the system brings."""
        if name not in self.units:
            self.units[name] = Unit(name=name, enabled=True).at(place)

    def mask(self, name: str, place: object) -> None:
        """Mask a unit that the system brings."""
        self.units[name] = Unit(name=name, mask=True).at(place)

    def step(
        self, module: str, script: str, place: object, *, when: When = "final", once: bool = True, unit: Options = (),
        service: Options = (),
    ) -> None:  # fmt: skip
        """A shell script that a oneshot service runs: once for the machine, or in every boot.

        As with cloud-init, what runs once is not tried again where it fails: the stamp is set before.
        """
        path = f"{SCRIPTS}/{module}"
        self.file(path, script, 0o700, place)
        condition, stamping = stamped(module) if once else ((), ())
        options = (*ONESHOT, *stamping, *service, ("ExecStart", f"{SHELL} {path}"))
        self.steps.append(Step(module, ORDER.index(module), when, (*condition, *unit), options, place))

    def write_steps(self) -> None:
        """The services of all scripts, each after the one before it of its time."""
        before: dict[When, str] = {}
        for step in sorted(self.steps, key=lambda step: step.order):
            name = f"cloud-init-{step.name}.service"
            after: Options = (("After", before[step.when]),) if step.when in before else ()
            unit = (("Description", f"cloud-init: {step.name}"), *UNIT[step.when], *after, *step.unit)
            install = (("WantedBy", WANTED_BY[step.when]),)
            self.unit(name, (("Unit", unit), ("Service", step.service), ("Install", install)), step.place)
            before[step.when] = name

    # ---- the whole ---------------------------------------------------------------------------------------------

    def system(self, record: Record, field: str, wanted: str) -> System | None:
        """The system that the config is for; None, and an error, where nobody said and it matters."""
        if self.author.options.target_os in SYSTEMS:
            return self.target
        self.author.complain(
            "PV733", "error", record, field, f"{wanted} differs between systems, and nobody said which one this is for",
            f"give --target-os: {', '.join(SYSTEMS)}",
        )  # fmt: skip
        return None

    def config(self) -> Config:
        """All of it as one config."""
        self.write_texts()
        self.write_steps()
        storage = Storage(
            directories=tuple(self.directories.values()),
            disks=tuple(self.disks),
            files=tuple(self.files.values()),
            filesystems=tuple(self.filesystems),
            links=tuple(self.links.values()),
        )
        return Config(
            passwd=Passwd(groups=tuple(self.groups.values()), users=tuple(self.users.values())),
            storage=storage,
            systemd=Systemd(units=tuple(self.units.values())),
        ).at(self.root.origin)


def stamped(name: str) -> tuple[Options, Options]:
    """What has a service run once for the machine: options for the unit, and for the service."""
    stamp = f"{STAMPS}/cloud-init-{name}.stamp"
    return (
        (("ConditionPathExists", f"!{stamp}"), ("RequiresMountsFor", STAMPS)),
        (("ExecStartPre", f"/usr/bin/mkdir -p {STAMPS}"), ("ExecStartPre", f"/usr/bin/touch {stamp}")),
    )


def contents_of(data: bytes, place: object) -> FileContents:
    """Bytes as the content of a file."""
    url = data_url(data)
    return FileContents(source=url.source, compression=url.compression or "").at(place)


def shell_word(word: str) -> str:
    """A word of a shell command, in quotes where it needs them."""
    import shlex

    return shlex.quote(word)


def double_quoted(text: str) -> str:
    """A text between double quotes, as configuration files of shell and systemd take it."""
    return json.dumps(text, ensure_ascii=False)
