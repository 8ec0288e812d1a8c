"""locksmith's window for reboots, and the channel of update-engine.

Source: locksmith 0.6, `pkg/timeutil/periodic.go`; update_engine, `src/update_engine/omaha_request_params.cc`.
"""

import re
from collections.abc import Iterator

from provision.schema.machine.services import Locksmith
from provision.schema.rules import Finding, rule

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
CLOCK = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")
DURATION = re.compile(r"[-+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|ms|s|m|h))+")
PIECE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
DAY_S = 24 * 3600
CHANNELS = (
    "alpha",
    "beta",
    "stable",
    "master",
    "developer",
    "lts",
    "edge",
    "lts-2021",
    "lts-2022",
    "lts-2023",
    "lts-2024",
)


@rule("PV548", "error", on=Locksmith)
def reboot_window_can_be_read(locksmith: Locksmith) -> Iterator[Finding]:
    """A window for reboots has a start, `Sun 4:00` or `23:30`, and a length below its period.

    The period is a week with a day, else a day. locksmith exits where one of the two is missing or can't be read.
    Source: locksmith 0.6, `pkg/timeutil/periodic.go`.

    Bad:
      storage:
        files:
          - path: /etc/coreos/update.conf
            contents:
              inline: |
                REBOOT_STRATEGY=reboot
                LOCKSMITHD_REBOOT_WINDOW_START=23:30
                LOCKSMITHD_REBOOT_WINDOW_LENGTH=24h

    Good:
      storage:
        files:
          - path: /etc/coreos/update.conf
            contents:
              inline: |
                REBOOT_STRATEGY=reboot
                LOCKSMITHD_REBOOT_WINDOW_START=Sun 23:30
                LOCKSMITHD_REBOOT_WINDOW_LENGTH=24h
    """
    start, length = locksmith.get("window_start"), locksmith.get("window_length")
    if locksmith.value("update_reboot_strategy") == "off":
        return
    if start and not length:
        yield start.found("a window has a start, but no length; locksmith exits", "add the length")
    elif length and not start:
        yield length.found("a window has a length, but no start; locksmith exits", "add the start")
    fault = start_fault(start.value) if start and start.known else None
    if start and fault:
        yield start.found(f"`{start.value}` {fault}; locksmith exits", "write it as `Sun 4:00` or `23:30`")
    seconds = seconds_of(length.value) if length else None
    if length and length.known and seconds is None:
        yield length.found(f"`{length.value}` is no length of time; locksmith exits", "write it as 1h30m")
    elif length and seconds is not None:
        period = 7 * DAY_S if start and len(start.value.split()) == 2 else DAY_S
        if seconds < 0 or seconds >= period:
            least = (
                "below 0" if seconds < 0 else "not less than its period of " + ("a week" if period > DAY_S else "a day")
            )
            yield length.found(f"a window of {length.value} is {least}; locksmith exits")


def start_fault(text: str) -> str | None:
    """Why a start can't be read."""
    *day, clock = text.split() or [""]
    if len(day) > 1 or (day and day[0].lower() not in DAYS):
        return "begins with no day of the week"
    found = CLOCK.fullmatch(clock)
    if found is None:
        return "has no time of day"
    return "is no time of day" if int(found[1]) > 23 or int(found[2]) > 59 else None


def seconds_of(text: str) -> float | None:
    """A duration of Go in seconds, None where it is none."""
    if text in ("0", "+0", "-0"):
        return 0.0
    if not DURATION.fullmatch(text):
        return None
    total = sum(float(found[1]) * SECONDS[found[2]] for found in PIECE.finditer(text))
    return -total if text.startswith("-") else total


@rule("PV549", "warning", on=Locksmith)
def update_options_have_an_effect(locksmith: Locksmith) -> Iterator[Finding]:
    """Where reboots or updates are switched off, nothing says how they are done.

    With the strategy `off` locksmith exits at once; with the server `disabled` there are no updates to reboot for.
    Source: locksmith 0.6, `locksmithctl/daemon.go`.

    Bad:
      storage:
        files:
          - path: /etc/coreos/update.conf
            contents:
              inline: |
                REBOOT_STRATEGY=off
                LOCKSMITHD_GROUP=workers

    Good:
      storage:
        files:
          - path: /etc/coreos/update.conf
            contents:
              inline: |
                REBOOT_STRATEGY=reboot
                SERVER=disabled-not.example.com
    """
    strategy, server = locksmith.get("update_reboot_strategy"), locksmith.get("update_server")
    if strategy and strategy.value == "off":
        idle = locksmith.first("window_start", "window_length", "group", "endpoint")
        if idle:
            yield idle.found(f"`{idle.key}` means nothing to the reboot strategy `off`", "take it away")
    elif server and server.value == "disabled" and strategy:
        yield strategy.found("updates are switched off, so that there is nothing to reboot for", "write `off`")


@rule("PV550", "warning", on=Locksmith)
def update_group_is_served(locksmith: Locksmith) -> Iterator[Finding]:
    """The update group is a channel of the public server, or a server that knows it is named.

    update-engine reads its file to the letter: quotes and blanks become part of the group. Source: update_engine,
    `simple_key_value_store.cc`; the manual of Container Linux, "Switching release channels".

    Bad:
      storage:
        files:
          - path: /etc/coreos/update.conf
            contents:
              inline: |
                GROUP="beta"

    Good:
      storage:
        files:
          - path: /etc/coreos/update.conf
            contents:
              inline: |
                GROUP=beta
    """
    group, server = locksmith.get("update_group"), locksmith.get("update_server")
    for setting in (group, server):
        if setting and setting.name and is_quoted(locksmith, setting.name):
            yield setting.found(
                f"update-engine takes the quotes or blanks of {setting.name} to be part of the value",
                f"write {setting.name}={setting.value}",
            )
            return
    if group and group.known and not server and group.value.lower() not in CHANNELS:
        message = f"`{group.value}` is no channel of the public update server"
        yield group.found(message, "write stable, beta or alpha, or name the `server` that knows it")


def is_quoted(locksmith: Locksmith, name: str) -> bool:
    """Whether the file has blanks about the equals sign of a key, or quotes about its value."""
    setting = next((each for each in locksmith.settings.values() if each.name == name and each.given == "file"), None)
    text = locksmith.conf if setting else ""
    return re.search(rf"^[ \t]*{name}(?:[ \t]+=|=[ \t\"'])", text, re.M) is not None
