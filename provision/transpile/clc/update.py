"""`update` and `locksmith`: the lines of /etc/coreos/update.conf, which both services read.

update-engine neither trims nor unquotes, so its lines are bare; locksmithd gets the file from systemd, which unquotes.
Source: ct 0.9, `config/types/update.go` and `locksmith.go`.
"""

import re
from collections.abc import Iterator

from provision.schema import ignition2
from provision.schema.clc import ContainerLinuxConfig, Locksmith, Update
from provision.schema.fleet_options import LOCKSMITH, UPDATE
from provision.schema.rules import Finding, rule
from provision.schema.rules.urls import parse
from provision.transpile.author import Author
from provision.transpile.clc.go_text import quoted
from provision.transpile.contents import data_url

PATH = "/etc/coreos/update.conf"
STRATEGIES = ("reboot", "etcd-lock", "off")
CLOCK = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
# What stands behind day and time is passed over.
START = rf"(?is)\s*(?:sun|mon|tue|wed|thu|fri|sat)\s+{CLOCK}(?:\s.*)?|{CLOCK}"
VARIABLES = {option.ct_key or option.key: option.ct_variable or option.variable for option in (*LOCKSMITH, UPDATE[0])}


@rule("PV691", "error", on=Locksmith)
def reboot_strategy_is_known(locksmith: Locksmith) -> Iterator[Finding]:
    """The reboot strategy is reboot, etcd-lock or off.

    locksmithd notices another one only when it should reboot, and then does not. Source: ct 0.9,
    `config/types/locksmith.go`; locksmith 0.6.

    Bad:
        # Container Linux Config
        locksmith:
          reboot_strategy: nightly

    Good:
        # Container Linux Config
        locksmith:
          reboot_strategy: reboot
    """
    strategy = locksmith.reboot_strategy
    if strategy is not None and not is_strategy(strategy):
        hint = f"write {', '.join(STRATEGIES[:-1])} or {STRATEGIES[-1]}"
        if strategy.lower() == "best-effort":
            hint = "it meant etcd-lock where etcd runs, else reboot: write the one that is meant"
        yield Finding("reboot_strategy", f"`{strategy}` is no reboot strategy", hint)


@rule("PV692", "warning", on=Update)
def update_says_something(update: Update) -> Iterator[Finding]:
    """The section `update` names a group or a server.

    Without both it changes nothing. Source: ct 0.9, `config/types/update.go`.

    Bad:
        # Container Linux Config
        update: {}

    Good:
        # Container Linux Config
        update:
          group: stable
    """
    if not update.group and not update.server:
        yield Finding(None, "no group and no server: nothing is set", "add `group: stable` or another")


@rule("PV690", "error", on=Locksmith)
def window_has_start_and_length(locksmith: Locksmith) -> Iterator[Finding]:
    """A window for reboots has a start, `Sun 4:00` or `23:30`, and a length, `1h30m`.

    That holds for the strategy `off`, too. Minutes have two digits. Source: ct 0.9, `config/types/locksmith.go`.

    Bad:
        # Container Linux Config
        locksmith:
          reboot_strategy: reboot
          window_start: "4:5"
          window_length: 1h

    Good:
        # Container Linux Config
        locksmith:
          reboot_strategy: reboot
          window_start: "4:05"
          window_length: 1h
    """
    from provision.schema.machine.updates import seconds_of  # nearly no document needs it

    start, length = locksmith.window_start, locksmith.window_length
    if start and not length:
        yield Finding("window_start", "a window has a start, but no length", "add `window_length: 1h` or another")
    if length and not start:
        yield Finding("window_length", "a window has a length, but no start", "add `window_start: 23:30` or another")
    if start and not re.fullmatch(START, start):
        yield Finding("window_start", f"`{start}` is no start of a window", "write it as `Sun 4:00` or `23:30`")
    if length and seconds_of(length) is None:
        yield Finding("window_length", f"`{length}` is no length of time", "write it as 1h30m")


@rule("PV801", "error", on=Update)
def server_is_a_url(update: Update) -> Iterator[Finding]:
    """The server is a URL, or a word such as `disabled`."""
    fault = None
    try:
        url = parse(update.server)
        if not url.scheme and ":" in url.rest.partition("/")[0]:
            fault = f"`{update.server}` has no scheme"
    except ValueError as error:
        fault = str(error)
    if fault:
        yield Finding("server", fault, "write it as https://updates.example.com/v1/update/")


def is_strategy(text: str) -> bool:
    """Whether a text is a reboot strategy, in whatever capitals; an empty one is the default."""
    return not text or text.lower() in STRATEGIES


def file(root: ContainerLinuxConfig, author: Author) -> ignition2.File | None:
    """The file with what both sections say; None where they say nothing."""
    spots: dict[str, object] = {}
    text = "".join(update_lines(root, author, spots)) + "".join(locksmith_lines(root, author, spots))
    if not text:
        return None
    sections = [section for section in (root.update, root.locksmith) if section is not None]
    for section in sections:
        author.fate(section, None, "unit", f"as {PATH}")
    origin = sections[0].origin
    source = data_url(text.encode("utf-8", "surrogateescape"), may_encode=False).source
    contents = ignition2.FileContents(compression="", source=source).at(origin)
    made = ignition2.File(filesystem="root", path=PATH, mode=0o644, append=False, contents=contents)
    return made.at(origin, contents=origin, **spots)


def update_lines(root: ContainerLinuxConfig, author: Author, spots: dict[str, object]) -> Iterator[str]:
    """GROUP and SERVER. Before all but the first line stands a line break, be there a first line or not, as ct has it."""
    if root.update is None:
        return
    if root.update.group:
        spots["GROUP"] = author.place(root.update, "group")
        yield f"GROUP={root.update.group.lower()}"
    if root.update.server:
        spots["SERVER"] = author.place(root.update, "server")
        yield f"\nSERVER={root.update.server}"


def locksmith_lines(root: ContainerLinuxConfig, author: Author, spots: dict[str, object]) -> Iterator[str]:
    """What locksmithd reads, in the order of the rows."""
    if root.locksmith is None:
        return
    for key in Locksmith.rows:
        value = root.locksmith.option(key)
        if isinstance(value, str) and (key != "reboot_strategy" or is_strategy(value)):
            spots[VARIABLES[key]] = author.place(root.locksmith, key)
            yield f"\n{VARIABLES[key]}={quoted(value)}"
