"""`passwd`: names and ids that the system's own programs refuse."""

import re
from collections.abc import Iterator

from provision.record import R, Record
from provision.schema.clc import ContainerLinuxConfig
from provision.schema.ignition2 import Group, Passwd, User
from provision.schema.rules import Finding, rule
from provision.transpile.author import Author

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\$?")
LONGEST = 32


@rule("PV696", "warning", on=ContainerLinuxConfig)
def account_has_a_usable_name(root: ContainerLinuxConfig) -> Iterator[Finding]:
    """A user or group has a name that useradd and groupadd take: letters, digits, `_` and `-`, 32 at most.

    Else they fail, and the machine does not come up. Source: useradd(8), "Caveats".

    Bad:
        # Container Linux Config
        passwd:
          users:
            - name: "web server"

    Good:
        # Container Linux Config
        passwd:
          users:
            - name: web-server
    """
    accounts: tuple[User | Group, ...] = (*root.passwd.users, *root.passwd.groups)
    for account in accounts:
        if account.broken:
            continue
        if not account.name:
            yield Finding("name", "the name is empty", "give it a name", on=account)
        elif not NAME.fullmatch(account.name) or len(account.name) > LONGEST:
            hint = f"use letters, digits, _ and -, {LONGEST} of them at most"
            yield Finding("name", f"useradd and groupadd refuse the name `{account.name}`", hint, on=account)


def section(passwd: Passwd, author: Author) -> Passwd:
    """The section; an id that ct refuses is told, and not looked at again. Source: ct 0.9, `config/types/passwd.go`."""

    def checked(record: R, account: Record, field: str) -> R:
        number: int | None = getattr(account, field)
        if number is None or number >= 0:
            return record
        message = f"the id {number} is negative"
        author.complain("PV410", "error", account, field, message, "write a number from 0 on, or leave it out")
        return record.as_broken()

    return passwd.changed(
        groups=tuple(checked(group, group, "gid") for group in passwd.groups),
        users=tuple(checked(user, user.create, "uid") if user.create else user for user in passwd.users),
    )
