"""Accounts: `users`, and the keys of the user core.

coreos-cloudinit makes users that do not exist, and gives existing ones no more than a password and keys. The accounts
of the image are known here by their names.
"""

import re
from collections.abc import Iterable

from provision import ignition
from provision.diagnostics import declare
from provision.document.nodes import NodeSource
from provision.schema.cloud_config import CloudConfig, User
from provision.transpile.author import Author
from provision.transpile.cloud_config.draft import Draft

declare(
    "PV713", "error", "imported ssh keys",
    """Keys stand in the document; they are not fetched when the machine starts.

    `coreos_ssh_import_github`, `coreos_ssh_import_github_users` and `coreos_ssh_import_url` asked a server at every boot,
    and who answered could log in. coreos-cloudinit itself deprecated them. Write the keys under `ssh_authorized_keys`.

    Bad:
        #cloud-config
        users:
          - name: app
            coreos_ssh_import_github: octocat

    Good:
        #cloud-config
        users:
          - name: app
            groups: [docker]
    """,
)  # fmt: skip
declare(
    "PV714", "warning", "account of the image",
    """An account that the image has already gets nothing but a password and keys.

    coreos-cloudinit passes over its other fields, and Ignition would change the account by them: `homedir` would even move
    its files. Source: coreos-cloudinit 1.14, `initialize/config.go`.

    Bad:
        #cloud-config
        users:
          - name: core
            groups: [docker]

    Good:
        #cloud-config
        users:
          - name: app
            groups: [docker]
    """,
)  # fmt: skip
declare(
    "PV715", "warning", "account that can't be made",
    """useradd takes the account.

    Names are in lower case, a shell and a home directory are absolute paths, and without a group of its own a user needs
    another one. Source: useradd(8).

    Bad:
        #cloud-config
        users:
          - name: app
            shell: bash

    Good:
        #cloud-config
        users:
          - name: app
            shell: /bin/bash
    """,
)  # fmt: skip

# Container Linux 2512 and Fedora CoreOS 40: accounts of /usr/share/baselayout/passwd and /usr/lib/passwd that people name.
OF_THE_IMAGE = frozenset((
    "adm", "bin", "core", "daemon", "dbus", "docker", "etcd", "fleet", "ftp", "games", "halt", "lp", "mail", "man", "messagebus", "news",
    "nobody", "ntp", "operator", "polkitd", "root", "rpc", "rpcuser", "shutdown", "sshd", "sync", "sys", "syslog", "systemd-coredump",
    "systemd-journal", "systemd-journal-gateway", "systemd-journal-remote", "systemd-journal-upload", "systemd-network",
    "systemd-resolve", "systemd-timesync", "tss", "uucp",
))  # fmt: skip
IMPORTS = ("coreos_ssh_import_github", "coreos_ssh_import_github_users", "coreos_ssh_import_url")
# What a new user may have, in cloud-config and in Ignition.
FIELDS = {
    "gecos": "gecos", "homedir": "home_dir", "no_create_home": "no_create_home", "primary_group": "primary_group",
    "groups": "groups", "no_user_group": "no_user_group", "system": "system", "no_log_init": "no_log_init", "shell": "shell",
}  # fmt: skip
LOGIN = re.compile(r"[a-z_][a-z0-9_-]{0,30}\$?")


def expand(root: CloudConfig, draft: Draft, author: Author) -> None:
    """Make the accounts, in order; one that stands twice is an existing one the second time."""
    for user in root.users:
        if not user.name:
            continue  # told by `structure`
        refuse_imports(user, author)
        known = draft.users.get(user.name)
        if known is None and user.name not in OF_THE_IMAGE:
            check(user, author)
            draft.users[user.name] = new_user(user, user.name, author)
        else:
            warn_of_dropped(user, known is not None, author)
            draft.users[user.name] = with_access(user, known or ignition.User(name=user.name), author)
    if root.ssh_authorized_keys:
        core = draft.users.get("core")
        draft.users["core"] = with_keys(root, core or ignition.User(name="core"), author)
        author.fate(root, "ssh_authorized_keys", "exact", "keys of the user core")


def new_user(user: User, name: str, author: Author) -> ignition.User:
    """The account with all its fields."""
    given = {
        theirs: getattr(user, ours) for ours, theirs in FIELDS.items() if getattr(user, ours) not in (None, "", ())
    }
    if user.groups:
        given["groups"] = tuple(filter(None, user.groups))
    spots = {FIELDS[row.name]: author.place(user, row.name) for row, _ in user.given() if row.name in FIELDS}
    return with_access(user, ignition.User(name=name, **given).at(user.origin, **spots), author)


def with_access(user: User, account: ignition.User, author: Author) -> ignition.User:
    """An account with a user's password and keys."""
    if user.passwd:
        account = account.changed(password_hash=user.passwd).spotted(password_hash=author.place(user, "passwd"))
    return with_keys(user, account, author)


def with_keys(source: User | CloudConfig, account: ignition.User, author: Author) -> ignition.User:
    """An account with more keys, each once."""
    known = account.spot("ssh_authorized_keys")
    earlier = known if isinstance(known, tuple) else ()
    keys: dict[str, object] = dict(zip(account.ssh_authorized_keys, earlier, strict=False))
    given: set[str] = set()
    node = author.place(source, "ssh_authorized_keys")
    places = NodeSource(author.document).items(node) or ()
    for i, key in enumerate(source.ssh_authorized_keys):
        stripped = key.strip()
        if not stripped:
            continue
        if stripped in given:
            said = "this key stands above already"
            author.complain("PV709", "warning", source, "ssh_authorized_keys", said, "take one of them away", i)
        given.add(stripped)
        keys.setdefault(stripped, places[i] if i < len(places) else node)
    made = account.at(account.origin or (source.origin if isinstance(source, User) else node))
    return (
        made.changed(ssh_authorized_keys=tuple(keys)).spotted(ssh_authorized_keys=tuple(keys.values()))
        if keys
        else made
    )


def refuse_imports(user: User, author: Author) -> None:
    """Keys that are to be fetched."""
    for name in IMPORTS:
        if getattr(user, name):
            said = f"`{name}` fetches keys at every boot, and who answers can log in"
            hint = "write the keys under ssh_authorized_keys"
            author.complain("PV713", "error", user, name, said, hint)
            author.fate(user, name, "lost", "keys are not fetched")


def warn_of_dropped(user: User, again: bool, author: Author) -> None:
    """The fields of an existing account that have no effect."""
    why = "was made above" if again else "exists in the image"
    for name in FIELDS:
        if getattr(user, name) not in (None, "", ()):
            said = f"the account {user.name} {why}; `{name}` is passed over, as coreos-cloudinit does"
            author.complain(
                "PV714", "warning", user, name, said, "an existing account takes passwd and ssh_authorized_keys"
            )
            author.fate(user, name, "lost", "the account exists")


def check(user: User, author: Author) -> None:
    """Warn of what useradd refuses."""
    for field, said, hint in faults(user):
        author.complain("PV715", "warning", user, field, said, hint)


def faults(user: User) -> Iterable[tuple[str, str, str]]:
    """Field, fault and remedy of a new user."""
    if user.name and not LOGIN.fullmatch(user.name):
        yield "name", f"useradd takes no name like `{user.name}`", "use lower case letters, digits, - and _; 32 at most"
    for field in ("shell", "homedir"):
        value = getattr(user, field)
        if value and not value.startswith("/"):
            yield field, f"`{field}: {value}` is no absolute path", "begin it with /"
    if user.no_user_group and not user.primary_group:
        yield "no_user_group", "the user has neither a group of its own nor a primary_group", "name a primary_group"
