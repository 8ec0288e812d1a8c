"""What can be wrong with single keys of a cloud-config, whatever they are turned into."""

import re
from collections.abc import Iterator

from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from provision.diagnostics import declare
from provision.document.scalars import NULLS, PLAIN
from provision.schema.cloud_config import (
    CloudRecord,
    DropIn,
    Etcd2,
    Locksmith,
    Section,
    Unit,
    Update,
    User,
    WriteFile,
)
from provision.schema.rules import Finding, rule
from provision.transpile.cloud_config.encodings import STEPS

declare(
    "PV701", "warning", "repeated key",
    """A key stands once in its mapping, be it with dashes or underscores.

    coreos-cloudinit reads `write-files` and `write_files` as one key. Of a repeated key the last value counts; lists and
    mappings are put together.

    Bad:
        #cloud-config
        hostname: one
        hostname: two

    Good:
        #cloud-config
        hostname: one
    """,
)  # fmt: skip


@rule("PV700", "warning", on=CloudRecord)
def key_has_a_value(record: CloudRecord) -> Iterator[Finding]:
    """A key has a value.

    One without is unset. Source: coreos-cloudinit 1.14, `config/validate/rules.go`.

    Bad:
      #cloud-config
      hostname:

    Good:
      #cloud-config
      hostname: web
    """
    node = record.origin
    for key, value in node.value if isinstance(node, MappingNode) else ():
        name = str(key.value).replace("-", "_") if isinstance(key, ScalarNode) else ""
        row = record.rows.get(name)
        if row is None:
            continue
        if is_null(value):
            yield Finding(row.name, f"`{key.value}` has no value, and is unset", "give it one, or take the key away")
        elif isinstance(value, SequenceNode) and any(map(is_null, value.value)):
            yield Finding(row.name, f"`{key.value}` has an element without a value", "take the lone `-` away")


def is_null(node: object) -> bool:
    """Whether a node is a plain null."""
    return isinstance(node, ScalarNode) and node.tag == PLAIN and node.value in NULLS


# With the sign of a variable, about which `variables` has its say. Source: systemd.unit(5).
UNIT_NAME = re.compile(r"[\w:.\\@$-]{1,255}", re.ASCII)
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
REBOOT_STRATEGIES = ("etcd-lock", "reboot", "off")
COMMANDS = ("start", "stop", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart")
# The shapes that coreos-cloudinit and systemd take, and what to write. Source: the `valid` tags in its `config/`.
Valid = tuple[re.Pattern[str], str]
VALID: dict[type[CloudRecord], dict[str, Valid]] = {
    Unit: {
        "name": (UNIT_NAME, "use letters, digits, and : _ . \\ @ -"),
        "command": (re.compile("|".join(COMMANDS)), f"write one of {', '.join(COMMANDS)}"),
    },
    DropIn: {"name": (re.compile(r"[^/\s]{1,255}"), "write a file name without slashes and blanks")},
    Etcd2: {"proxy": (re.compile("on|off|readonly"), "write on, off or readonly")},
    Locksmith: {
        "window_start": (re.compile(rf"(?:(?i:{'|'.join(DAYS)}) )?0*(?:1?[0-9]|2[0-3]):0*[1-5]?[0-9]"), "write it as `Sun 4:00` or `23:30`"),
        "window_length": (re.compile(r"[-+]?(?:[0-9.]*[a-z])+"), "write it as 1h30m"),
    },
    # best-effort, which it took once, is told about where it is translated
    Update: {"reboot_strategy": (re.compile("best-effort|" + "|".join(REBOOT_STRATEGIES)), "write etcd-lock, reboot or off")},
    WriteFile: {
        "encoding": (re.compile("|".join(map(re.escape, STEPS))), "write base64, gzip or gzip+base64, or leave it out"),
        "permissions": (re.compile("0?[0-7]{3,4}"), "write three or four octal digits, for example 0644"),
    },
}  # fmt: skip


@rule("PV703", "error", on=CloudRecord)
def value_is_allowed(record: CloudRecord) -> Iterator[Finding]:
    """A value is one of those that its key takes.

    coreos-cloudinit refuses the whole document for any other. Source: the `valid` tags in its `config/`.

    Bad:
      #cloud-config
      write_files:
        - path: /etc/motd
          permissions: 0o644

    Good:
      #cloud-config
      write_files:
        - path: /etc/motd
          permissions: 0644
    """
    for name, (pattern, hint) in VALID.get(type(record), {}).items():
        value = getattr(record, name)
        if value and not pattern.fullmatch(value):
            yield Finding(name, f"`{name}` can't be `{value}`", octal_hint(value) if name == "permissions" else hint)
    for setting in record.settings if isinstance(record, Section) else ():
        value = getattr(record, setting.key) if setting.kind == "float" else None
        if value and not is_number(value):
            yield Finding(setting.key, f"`{setting.key}` must be a number, not `{value}`", "write a number of seconds")


def octal_hint(value: str) -> str:
    """What to write instead of a mode that is none."""
    digits = re.fullmatch(r"0o([0-7]{3,4})|[0-9]{1,9}", value)
    if digits and digits[1]:
        return f"write 0{digits[1]}: coreos-cloudinit reads no 0o"
    if digits and 0 < int(value) <= 0o7777:
        return f"write octal digits: was 0{int(value):o} meant?"
    return "write three or four octal digits, for example 0644"


def is_number(text: str) -> bool:
    """Whether a text is a number, with a fraction or without."""
    return re.fullmatch(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", text) is not None


# Entries that are known by a name, and what an entry without one is.
NAMED: dict[type[CloudRecord], str] = {User: "a user", Unit: "a unit", DropIn: "a drop-in"}


@rule("PV707", "warning", on=CloudRecord)
def entry_has_a_name(record: CloudRecord) -> Iterator[Finding]:
    """A user, a unit and a drop-in have a name, and a drop-in has content.

    coreos-cloudinit passes over those that have none. Source: coreos-cloudinit 1.14, `initialize/config.go`.

    Bad:
      #cloud-config
      users:
        - groups: [docker]

    Good:
      #cloud-config
      users:
        - name: app
          groups: [docker]
    """
    what = NAMED.get(type(record))
    if what and not getattr(record, "name"):  # noqa: B009  # only some of the classes have it
        yield Finding("name", f"{what} without a name is passed over", "add `name:`")
    elif isinstance(record, DropIn) and not record.content:
        yield Finding("content", "a drop-in without content is passed over", "add `content: |`")
