"""The addresses that coreos-cloudinit fills into a text: `$private_ipv4` and its like.

Given values are put in at once. Others are marked, so that later code can tell them from text that only looks like
them; `shown` writes them again as the author did, and `rendering` sees to it that the machine fills them in.
A backslash before a variable keeps it as it is, and of two that touch only the first is replaced.
Source: coreos-cloudinit 1.14, `initialize/env.go`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from provision.diagnostics import declare, nearest
from provision.record import Record, Row
from provision.schema.cloud_config import CloudConfig, DropIn, Oem, Section, Unit, WriteFile
from provision.transpile.author import Author

declare(
    "PV716", "error", "variable without value",
    """A variable stands only where it can be filled in.

    `$private_ipv4`, `$public_ipv4`, `$private_ipv6` and `$public_ipv6` have their values when the machine knows its
    addresses. Texts (files, units, settings of services) are filled in on the machine then; names, paths, owners and keys
    are needed before. Give the value, as in `--set private_ipv4=10.0.0.5`.

    Bad:
        #cloud-config
        hostname: web-$private_ipv4

    Good:
        #cloud-config
        write_files:
          - path: /etc/address
            content: $private_ipv4
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV722", "warning", "no variable",
    """A variable is written without braces: `$private_ipv4`, not `${private_ipv4}`.

    With braces it stays as it is. Source: coreos-cloudinit 1.14, `initialize/env.go`.

    Bad:
        #cloud-config
        coreos:
          update:
            server: http://${private_ipv4}/

    Good:
        #cloud-config
        coreos:
          update:
            server: http://$private_ipv4/
    """,
)  # fmt: skip
declare(
    "PV723", "error", "value of a variable",
    """A value that is given for a variable is an address, of a variable that exists.""", silenceable=False,
)  # fmt: skip

NAMES = ("public_ipv4", "private_ipv4", "public_ipv6", "private_ipv6")
# A code point that is no character, and so in nobody's text.
MARK = "\ufdd0"
FIRST = {name: re.compile(rf"(^|[^\\])\${name}") for name in NAMES}
MARKED = re.compile(f"{MARK}({'|'.join(NAMES)}){MARK}")
IN_BRACES = re.compile(r"\$\{((?:public|private)_ipv[46])\}")
# The rows whose text the machine can fill in.
TEXTS: dict[type[Record], frozenset[str]] = {
    WriteFile: frozenset(("content",)),
    Unit: frozenset(("content",)),
    DropIn: frozenset(("content",)),
    Oem: frozenset(Oem.rows),
}


def environment_name(name: str) -> str:
    """The variable of the environment that has the value of one: COREOS_PRIVATE_IPV4."""
    return f"COREOS_{name.upper()}"


def mark(text: str, values: Mapping[str, str]) -> str:
    """The text with known variables replaced and the others marked."""
    if "$" not in text:
        return text
    for name in NAMES:
        if f"${name}" in text:
            replacement = values.get(name, f"{MARK}{name}{MARK}")
            text = FIRST[name].sub(rf"\g<1>{replacement}", text)
            text = text.replace(f"\\${name}", f"${name}")
    return text


def shown(text: str) -> str:
    """A text with its marks written as the author wrote the variables."""
    return MARKED.sub(lambda found: f"${found[1]}", text) if MARK in text else text


def marked(text: str) -> list[str]:
    """The variables that a text waits for."""
    return MARKED.findall(text) if MARK in text else []


def given_values(author: Author) -> dict[str, str]:
    """The values that the caller gave, checked."""
    from ipaddress import ip_address

    known: dict[str, str] = {}
    for name, value in author.options.values:
        plain = name.lower().removeprefix("$").removeprefix("coreos_")
        if plain not in NAMES:
            meant = nearest(plain, NAMES)
            hint = f"did you mean {meant}?" if meant else f"there are {', '.join(NAMES)}"
            refuse(author, f"a cloud-config has no variable {name}", hint)
            continue
        try:
            fits = ip_address(value).version == int(plain[-1])
        except ValueError:
            fits = False
        if not fits:
            refuse(author, f"{plain} is given as `{value}`, which is no IPv{plain[-1]} address", None)
        known[plain] = value
    return known


def refuse(author: Author, message: str, hint: str | None) -> None:
    """Note a value that can't be used."""
    author.diagnostics.append(author.document.diagnostic(None, "PV723", "error", message, hint))


def substituted(root: CloudConfig, values: Mapping[str, str], author: Author) -> CloudConfig:
    """The document with given values put in and other variables marked; one where it can't be filled in is an error."""
    if "$" not in author.document.text:
        return root

    def changed(text: str, record: Record, row: Row, item: int | None) -> str:
        new = mark(text, values)
        check_braces(text, record, row, author)
        waits = marked(new)
        if not waits:
            return new
        if isinstance(record, Section) or row.name in TEXTS.get(type(record), ()):
            author.fate(record, row.name, "unit", "provision-render.service fills in the address at boot")
            return new
        said = f"${waits[0]} has no value yet when `{row.snake}` is needed"
        hint = f"give it: --set {waits[0]}=ADDRESS"
        author.complain("PV716", "error", record, row.name, said, hint, item)
        return shown(new)

    new: CloudConfig = rewritten(root, changed)
    return new


def check_braces(text: str, record: Record, row: Row, author: Author) -> None:
    """Warn of a variable in braces where nobody reads braces; in scripts and units they mean something else."""
    found = IN_BRACES.search(text) if isinstance(record, Section) else None
    if found:
        said = f"`{found[0]}` is no variable of a cloud-config, and stays as it is"
        author.complain("PV722", "warning", record, row.name, said, f"write ${found[1]}, without braces")


def rewritten(record: Any, change: Callable[[str, Record, Row, int | None], str]) -> Any:
    """A record with every text in it, and below it, changed."""
    new: dict[str, object] = {}
    for row, value in record.given():
        if row.kind == "record" and value is not None:
            new[row.name] = rewritten(value, change)
        elif row.kind == "records":
            new[row.name] = tuple([rewritten(item, change) for item in value])
        elif row.kind == "strs":
            new[row.name] = tuple([change(item, record, row, i) for i, item in enumerate(value)])
        elif row.kind == "str" and value is not None and "$" in value:
            new[row.name] = change(value, record, row, None)
    return record.changed(**new) if new else record
