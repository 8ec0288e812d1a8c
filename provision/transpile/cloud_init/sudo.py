"""Rules for sudo and doas. Source: cloud-init 25, `distros/__init__.py`; sudoers(5), doas.conf(5)."""

import re

from provision.diagnostics import declare
from provision.schema.cloud_init.accounts import UserEntry
from provision.transpile.cloud_init.build import Build

declare(
    "PV735", "error", "rule for sudo",
    """A rule for sudo has the form that sudoers takes.

    One bad rule makes sudo refuse the whole file, and with it every rule. Source: sudoers(5), user specification.

    Bad:
        #cloud-config
        timezone: UTC
        users:
          - name: ada
            sudo: NOPASSWD

    Good:
        #cloud-config
        timezone: UTC
        users:
          - name: ada
            sudo: ALL=(ALL) NOPASSWD:ALL
    """,
)  # fmt: skip

SUDO_FILE = "/etc/sudoers.d/90-cloud-init-users"
DOAS_FILE = "/etc/doas.conf"
FILE_MODE = 0o440
HEADER = "# Made from cloud-init user-data\n"
NO_RULES = ("false", "False", "FALSE")
TAGS = (
    "EXEC|NOEXEC|FOLLOW|NOFOLLOW|LOG_INPUT|NOLOG_INPUT|LOG_OUTPUT|NOLOG_OUTPUT|MAIL|NOMAIL|INTERCEPT|NOINTERCEPT"
    "|PASSWD|NOPASSWD|SETENV|NOSETENV"
)
COMMAND = r"(?:!\s*)*(?:ALL\b|sudoedit\b|list\b|[A-Z][A-Z0-9_]*\b|/|sha(?:224|256|384|512):|\^/)"
RULE = re.compile(
    rf"[^=\s][^=]*?\s*=\s*(?:\([^()]*\)\s*)?(?:(?:ROLE|TYPE|TIMEOUT|CWD|CHROOT|NOTBEFORE|NOTAFTER)=\S+\s+)*"
    rf"(?:(?:{TAGS})\s*:\s*)*{COMMAND}[^\n]*"
)


def add_sudo(entry: UserEntry, build: Build) -> None:
    """The rules of one user, behind those of others."""
    rules = [(index, rule.strip()) for index, rule in enumerate(entry.sudo) if rule not in NO_RULES]
    sound = [rule for index, rule in rules if is_sound(rule, index, entry, build)]
    if entry.name == build.default_user and build.target.groups and "sudo" not in entry.__dict__:
        sound.append("ALL=(ALL) NOPASSWD:ALL")
    if sound:
        lines = [f"\n# User rules for {entry.name}\n", *(f"{entry.name} {rule}\n" for rule in sound)]
        add(SUDO_FILE, "".join(lines), build, build.author.place(entry, "sudo"))


def is_sound(rule: str, index: int, entry: UserEntry, build: Build) -> bool:
    """Whether sudo can read a rule; an error where it can't."""
    if RULE.fullmatch(rule) and rule.count("(") == rule.count(")") and rule.count('"') % 2 == 0:
        return True
    build.author.complain(
        "PV735", "error", entry, "sudo", f"`{rule}` is no rule of sudoers; sudo would refuse the whole file",
        "for example `ALL=(ALL) NOPASSWD:ALL`", index,
    )  # fmt: skip
    return False


def add_doas(entry: UserEntry, build: Build) -> None:
    """The rules of one user for doas, which name the user."""
    sound = []
    for index, rule in enumerate(entry.doas):
        words = rule.split()
        if words[:1] in (["permit"], ["deny"]) and entry.name in words and "\n" not in rule:
            sound.append(rule)
            continue
        said = f"`{rule}` is no rule of doas for {entry.name}; it starts with permit or deny and names the user"
        build.author.complain("PV735", "error", entry, "doas", said, f"for example `permit nopass {entry.name}`", index)
    if sound:
        lines = [f"\n# cloud-init User rules for {entry.name}\n", *(f"{rule}\n" for rule in sound)]
        add(DOAS_FILE, "".join(lines), build, build.author.place(entry, "doas"))


def add(path: str, text: str, build: Build, place: object) -> None:
    """Add lines to one of the files of rules; the file stands for the first place."""
    build.append(path, text if path in build.texts else HEADER + text, FILE_MODE, place)
