"""The drop-ins of etcd-member and flanneld: options as flags, and the lines in ct's order.

Both services are started by wrappers of Container Linux, which pass on the flags that are added to their command.
Source: ct 0.9, `config/types/common.go`, `config/types/util/unit.go`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from provision.diagnostics import declare
from provision.document.nodes import NodeSource
from provision.record import BAD, Record
from provision.schema import ignition2
from provision.schema.clc import Service
from provision.schema.etcd_options import Option, Version
from provision.schema.fleet_options import ServiceOption
from provision.transpile.author import Author
from provision.transpile.clc.dynamic_data import FIELDS, FILE, UNIT, DynamicData, shown
from provision.transpile.clc.go_text import printed
from provision.transpile.clc.versions import numbers

declare(
    "PV693", "warning", "expansion by systemd",
    """What systemd would expand in an option is meant to be expanded.

    Options become words of a command line in a unit: systemd puts the value of a variable for `$NAME`, and nothing where
    there is none, and refuses a `%` with a letter that is no specifier. Addresses of the machine are written {PRIVATE_IPV4}
    and the like here, not $private_ipv4 as in a cloud-config. Source: systemd.service(5), "Command lines";
    systemd.unit(5), "Specifiers".

    Bad:
        # Container Linux Config
        etcd:
          name: $hostname
          listen_client_urls: http://127.0.0.1:2379
          advertise_client_urls: http://127.0.0.1:2379

    Good:
        # Container Linux Config
        etcd:
          name: "%m"
          listen_client_urls: http://127.0.0.1:2379
          advertise_client_urls: http://127.0.0.1:2379
    """,
)  # fmt: skip

VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*(\$\w+)")
# A dollar sign before dynamic data, which systemd then does not fill in: it takes the two of `$${NAME}` for one.
BRACED = re.compile(rf"(?<!\$)(?:\$\$)*\$(\{{(?:{'|'.join(FIELDS)})\}})")
SPECIFIERS = frozenset("aAbBCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY%")
SPECIFIER = re.compile(r"%(.?)", re.S)


# ---- options ----------------------------------------------------------------------------------------------------


class Flags(NamedTuple):
    """A section's options as they stand on the command line, with the author's node for the variable of each."""

    words: list[str]
    spots: dict[str, object]


def flags(section: Service, options: Sequence[Option | ServiceOption], data: DynamicData) -> Flags:
    """The options that the section sets, in the order of the table."""
    author = data.author
    words: list[str] = []
    spots: dict[str, object] = {}
    for option in options:
        value = given(section, option, author)
        if value is None:
            continue
        if isinstance(value, str):
            warn_of_expansion(section, option.key, value, author)
            value = data.fill(value, option.key)
        words.append(f"--{option.flag}={printed(value)}")
        spots[option.variable] = author.place(section, option.key)
    return Flags(words, spots)


def given(section: Service, option: Option | ServiceOption, author: Author) -> str | int | bool | None:
    """The value of one option; an integer that the rows let be a text is made one here."""
    value = section.option(option.key)
    if option.kind != "int" or not isinstance(value, str):
        return value
    found = NodeSource(author.document).scalar(author.place(section, option.key), "int")
    if found is not BAD and isinstance(found, int):
        return found
    author.complain("PV102", "error", section, option.key, f"`{option.key}` must be an integer, not the text {value}")
    return None


def drop_unknown(
    section: Record,
    service: str,
    tables: Mapping[Version, Sequence[Option | ServiceOption]],
    at: Version,
    author: Author,
) -> None:
    """Tell of options that came only after the section's version."""
    known = {option.key for option in tables[at]}
    version = "{}.{}".format(*at)
    for row, value in section.given():
        first = next((table for table, options in tables.items() if row.key in {each.key for each in options}), None)
        if value is None or first is None or row.key in known:
            continue
        since = "{}.{}".format(*first)
        author.complain(
            "PV101", "warning", section, row.name,
            f"`{row.snake}` exists from {service} {since} on, this section is for {version}; it is dropped",
            f"set `version: {since}.0` or a later one to use it",
        )  # fmt: skip


def warn_of_expansion(section: Record, field: str, text: str, author: Author) -> None:
    """Tell of what systemd would put in or stumble over."""
    variable = VARIABLE.search(text)
    if variable:
        author.complain(
            "PV693", "warning", section, field,
            f"systemd puts a variable in for `{shown(section, field, variable[1])}`, or nothing",
            "write {PRIVATE_IPV4} and the like for what the platform knows, or $$ for a dollar sign",
        )  # fmt: skip
    braced = BRACED.search(text)
    if braced:
        message = f"a dollar sign stands before {braced[1]} and spoils its value"
        author.complain("PV693", "warning", section, field, message, f"write {braced[1]} alone")
    warn_of_specifiers(section, field, text, author)


def warn_of_specifiers(section: Record, field: str, text: str, author: Author, item: int | None = None) -> None:
    """Tell of a percent sign that systemd stumbles over."""
    unknown = next((found[0] for found in SPECIFIER.finditer(text) if found[1] not in SPECIFIERS), None)
    if unknown:
        message = f"`{shown(section, field, unknown)}` is no specifier of systemd"
        author.complain("PV693", "warning", section, field, message, "write %% for a percent sign", item)


# ---- text -------------------------------------------------------------------------------------------------------


def dropin(
    section: Service, name: str, command: str, tag: str, given: Flags, data: DynamicData, more: Sequence[str] = ()
) -> ignition2.Dropin:
    """The drop-in that starts a wrapper with a section's flags; `more` are lines after its command.

    The variable `tag` gets the section's version, if that is given.
    """
    asked = section.option("version")
    version = numbers(asked) if isinstance(asked, str) else None
    spots = {**given.spots, tag: data.author.place(section, "version")} if version else given.spots
    metadata = ["[Unit]", f"Requires={UNIT}", f"After={UNIT}", ""] if data.at_boot else []
    lines = [
        *metadata,
        "[Service]",
        *([f"EnvironmentFile={FILE}"] if data.at_boot else []),
        *([f'Environment="{tag}=v{version.text}"'] if version else []),
        "ExecStart=",
        " \\\n".join((f"ExecStart={command}", *(f"  {word}" for word in given.words))),
        *more,
    ]
    return ignition2.Dropin(name=name, contents="\n".join(lines)).at(section.origin, **spots)


def started(section: Record, name: str, dropin: ignition2.Dropin, author: Author) -> ignition2.Unit:
    """A unit of the system that starts at boot, with a drop-in that does what a section says."""
    author.fate(section, None, "unit", f"as the drop-in {dropin.name} of {name}")
    return with_dropin(name, dropin, enabled=True)


def with_dropin(name: str, dropin: ignition2.Dropin, *, enabled: bool | None) -> ignition2.Unit:
    """A unit of the system with a drop-in."""
    return ignition2.Unit(
        name=name, contents="", enable=False, enabled=enabled, mask=False, dropins=(dropin,)
    ).at(dropin.origin)  # fmt: skip
