"""`users`, `user` and `groups`. Source: cloud-init 25, `distros/ug_util.py`, `distros/__init__.py`."""

import re
from collections.abc import Iterator

from provision.document.nodes import child
from provision.ignition import Group, User
from provision.schema.cloud_init import UserData
from provision.schema.cloud_init.accounts import UserEntry
from provision.transpile.cloud_init.build import Build, shell_word
from provision.transpile.cloud_init.passwords import hashed, password_field
from provision.transpile.cloud_init.spellings import modern
from provision.transpile.cloud_init.sudo import add_doas, add_sudo

DEFAULT = "default"
# Groups that the systems have: to make them again would fail where they stand in the image's own files.
SYSTEM_GROUPS = frozenset(
    [
        "root",
        "bin",
        "daemon",
        "sys",
        "adm",
        "tty",
        "disk",
        "lp",
        "mem",
        "kmem",
        "wheel",
        "sudo",
        "cdrom",
        "mail",
        "man",
        "dialout",
        "floppy",
        "games",
        "tape",
        "video",
        "ftp",
        "lock",
        "audio",
        "users",
        "input",
        "kvm",
        "render",
        "sgx",
        "utmp",
        "plugdev",
        "netdev",
        "dip",
        "lxd",
        "docker",
        "systemd-journal",
        "systemd-network",
    ]
)
# Accounts that every system has; cloud-init changes only the password, the keys and the rules for sudo of these.
FIXED_ACCOUNTS = frozenset(("root",))
IMAGE_DEFAULT = "core"
LEFT_ALONE = (
    "gecos",
    "homedir",
    "primary_group",
    "uid",
    "shell",
    "system",
    "no_create_home",
    "no_user_group",
    "no_log_init",
)
GROUP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")


def accounts(build: Build) -> None:
    """All accounts and groups."""
    entries = build.accounts = list(wanted(build))
    for entry in entries:
        account(entry, build)
    later([entry for entry in entries if entry.snapuser is None], build)
    groups(build)


def wanted(build: Build) -> Iterator[UserEntry]:
    """The accounts by their real names, each once; what is said first of one counts."""
    root, author = build.root, build.author
    listed = [part for entry in root.users for part in split_names(modern(entry, author))]
    default = modern(root.user, author) if root.user else UserEntry(name=DEFAULT).at(root.origin)
    if root.user is not None or "users" not in root.__dict__:
        listed.append(UserEntry(name=DEFAULT).at(default.origin))
    name = default.name if default.name not in ("", DEFAULT) else build.target.default_user
    merged: dict[str, UserEntry] = {}
    for entry in listed:
        if entry.broken:
            continue
        if entry.name in ("", DEFAULT) and entry.snapuser is None:
            build.default_user = name
            entry = under(entry.changed(name=name), default.changed(name=name))
        key = entry.name or entry.snapuser or ""
        merged[key] = under(merged[key], entry) if key in merged else entry
    yield from merged.values()


def split_names(entry: UserEntry) -> Iterator[UserEntry]:
    """A string of several names with commas, as one entry for each."""
    names = [name.strip() for name in entry.name.split(",")]
    if len(names) == 1:
        yield entry
    else:
        yield from (entry.changed(name=name) for name in names if name)


def under(entry: UserEntry, other: UserEntry) -> UserEntry:
    """An entry with the fields of another that it does not have itself."""
    more = {row.name: value for row, value in other.given() if row.name not in entry.__dict__}
    spots = {name: place for name in more if (place := other.spot(name) or field_place(other, name)) is not None}
    return entry.changed(**more).spotted(**spots)


def field_place(entry: UserEntry, name: str) -> object:
    """Where a field stands in the document."""
    return None if entry.made else child(entry.origin, entry.rows[name].snake)


def account(entry: UserEntry, build: Build) -> None:
    """One account."""
    author = build.author
    if entry.snapuser is not None:
        said = "a snap user comes from snapd, which systems with Ignition do not have"
        author.complain("PV725", "error", entry, "snapuser", said, "make the user with `name` instead")
        return
    if entry.ssh_import_id:
        import_id(build, entry)
    exists = entry.name in FIXED_ACCOUNTS or entry.name == IMAGE_DEFAULT == build.target.default_user
    fields = {} if exists else new_account(entry, build)
    if exists:
        left_alone(entry, build)
    if entry.ssh_authorized_keys:
        fields["ssh_authorized_keys"] = tuple(dict.fromkeys(key.strip() for key in entry.ssh_authorized_keys))
    if entry.ssh_authorized_keys or entry.ssh_redirect_user:
        check_home(entry, build)
    password = hashed(entry, build)
    if password:
        fields["password_hash"] = password
    memberships = member_of(entry, build)
    if memberships:
        fields["groups"] = memberships
    if fields or not exists:
        sources = {**SPOTS, "name": "name", "password_hash": password_field(entry) or "name"}
        spots = {name: author.place(entry, source) for name, source in sources.items() if name in ("name", *fields)}
        build.users[entry.name] = User(name=entry.name).changed(**fields).at(entry.origin, **spots)
    add_sudo(entry, build)
    add_doas(entry, build)


# Where the fields of Ignition's users come from.
SPOTS = {
    "gecos": "gecos", "home_dir": "homedir", "primary_group": "primary_group", "shell": "shell", "system": "system",
    "uid": "uid", "no_create_home": "no_create_home", "no_user_group": "no_user_group", "no_log_init": "no_log_init",
    "groups": "groups", "ssh_authorized_keys": "ssh_authorized_keys",
}  # fmt: skip


def new_account(entry: UserEntry, build: Build) -> dict[str, object]:
    """The fields of an account that is made."""
    fields: dict[str, object] = {
        name: value
        for name, source in SPOTS.items()
        if name not in ("uid", "groups", "ssh_authorized_keys") and (value := getattr(entry, source)) is not None
    }
    if entry.system and entry.no_create_home is None:
        fields["no_create_home"] = True
    if entry.uid is not None:
        if entry.uid.isascii() and entry.uid.isdigit() and len(entry.uid) <= 10:
            fields["uid"] = int(entry.uid)
        else:
            build.author.complain("PV102", "error", entry, "uid", f"`uid` must be a number, not the text {entry.uid!r}")
    if entry.primary_group and entry.create_groups is not False:
        make_group(entry.primary_group, build, build.author.place(entry, "primary_group"))
    return fields


def left_alone(entry: UserEntry, build: Build) -> None:
    """Say which fields cloud-init does not apply to an account that the image has."""
    for field in LEFT_ALONE:
        if field in entry.__dict__:
            said = f"the account {entry.name} exists; cloud-init leaves its `{field}` as it is, and so does this"
            build.author.complain("PV734", "warning", entry, field, said)
            build.author.fate(entry, field, "lost", "the account exists already")


def member_of(entry: UserEntry, build: Build) -> tuple[str, ...]:
    """The groups of an account, those that are missing made."""
    names = [name.strip() for text in entry.groups for name in text.split(",")]
    is_default = entry.name == build.default_user
    found = tuple(dict.fromkeys([*filter(None, names), *(build.target.groups if is_default else ())]))
    if entry.create_groups is not False:
        for name in found:
            make_group(name, build, build.author.place(entry, "groups"))
    return found


def make_group(name: str, build: Build, place: object) -> None:
    """A group that no image has."""
    if not GROUP_NAME.fullmatch(name):
        build.shapes.complain(place, "PV747", "error", f"`{name}` is no name for a group")
    elif name not in SYSTEM_GROUPS and name not in build.groups:
        build.groups[name] = Group(name=name).at(place)


def check_home(entry: UserEntry, build: Build) -> None:
    """Keys need a home directory."""
    for field in ("no_create_home", "system"):
        if getattr(entry, field) and not (field == "system" and entry.no_create_home is False):
            said = f"{entry.name} has no home directory because of `{field}`, and so no place for ssh keys"
            build.author.complain("PV736", "error", entry, field, said, "drop the keys, or let the user have a home")
            return


def import_id(build: Build, record: UserEntry | UserData) -> None:
    """Keys that would have to be fetched."""
    said = "`ssh_import_id` has cloud-init fetch keys on the machine; what comes is known only then"
    hint = "copy the keys to `ssh_authorized_keys`; GitHub has those of a user at https://github.com/USER.keys"
    build.author.complain("PV732", "error", record, "ssh_import_id", said, hint, 0)
    build.author.fate(record, "ssh_import_id", "lost", "keys are not fetched")


def later(entries: list[UserEntry], build: Build) -> None:
    """What only programs on the machine can set: one script for all accounts."""
    lines = ["#!/bin/sh"]
    for entry in entries:
        name = shell_word(entry.name)
        for field, command in LATER.items():
            value = getattr(entry, field)
            if value:
                lines.append(f"{command} {shell_word(value)} {name}")
                build.author.fate(entry, field, "unit", "by cloud-init-users.service")
    if len(lines) > 1:
        place = next(entry.origin for entry in entries if any(getattr(entry, field) for field in LATER))
        build.step("users", "\n".join(lines) + "\n", place, when="settings")


LATER = {
    "expiredate": "usermod --expiredate", "inactive": "usermod --inactive", "selinux_user": "semanage login -a -s",
}  # fmt: skip


def groups(build: Build) -> None:
    """`groups`: names, or mappings from a name to its members."""
    shapes, node = build.shapes, build.root.groups
    joined: dict[str, dict[str, object]] = {}
    place = build.author.place(build.root, "groups")
    shape = "null" if node is None else shapes.of(node)
    parts = node.value if shape == "list" else [] if shape == "null" else [node]  # type: ignore[attr-defined]
    for part in parts:
        kind = shapes.of(part)
        if kind == "map":
            for name, members in shapes.pairs(part, "groups"):
                make_group(name, build, members)
                for member, where in shapes.texts(members, "groups"):
                    note_members(member, name, where, joined, build)
        elif kind == "text":
            for name in filter(None, map(str.strip, (shapes.text(part, "groups") or "").split(","))):
                make_group(name, build, part if shape == "list" else place)
        elif kind == "list":
            shapes.wrong(part, "groups", "a list of names and mappings")
    for member, wanted_groups in joined.items():
        join(member, wanted_groups, build)


def note_members(members: str, group: str, place: object, joined: dict[str, dict[str, object]], build: Build) -> None:
    """Note which accounts are to be in a group."""
    for member in filter(None, map(str.strip, members.split(","))):
        if member not in (*FIXED_ACCOUNTS, build.default_user) and member not in build.users:
            said = f"no user {member} is made here; a group can't have a member that does not exist"
            build.shapes.complain(place, "PV745", "warning", said, "add the user, or take the name away")
        else:
            joined.setdefault(member, {}).setdefault(group, place)


def join(member: str, groups: dict[str, object], build: Build) -> None:
    """Add an account to groups, each with its place."""
    first = next(iter(groups.values()))
    user = build.users.get(member) or User(name=member).at(first)
    new = {group: place for group, place in groups.items() if group not in user.groups}
    if new:
        before = user.spot("groups")
        old = before if isinstance(before, tuple) else (before or first,) * len(user.groups)
        made = user.changed(groups=(*user.groups, *new)).spotted(groups=(*old, *new.values()))
        build.users[member] = made
