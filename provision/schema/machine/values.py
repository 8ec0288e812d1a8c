"""What kinds of values the options of units take, and what is wrong with one that does not fit.

Each check takes the value of an option (never empty: that resets it) and answers with the fault, None where it fits.
Source: systemd.syntax(7), systemd.time(7), systemd.unit(5), systemd.service(5), systemd.exec(5).
"""

import re
from collections.abc import Callable
from functools import lru_cache

from provision.diagnostics import nearest
from provision.schema.machine.calendar import calendar_fault
from provision.schema.rules.systemd import UNIT_TYPES
from provision.units import split_words

Check = Callable[[str], str | None]

YES = ("1", "yes", "y", "true", "t", "on")
BOOLEANS = (*YES, "0", "no", "n", "false", "f", "off")
TIME_UNIT = r"usec|us|μs|µs|msec|ms|seconds?|sec|s|minutes?|min|months?|m|M|hours?|hr|h|days?|d|weeks?|w|years?|y"
SPAN_PART = re.compile(rf"\s*(?:\d+(?:\.\d+)?|\.\d+)\s*(?:{TIME_UNIT})?(?![A-Za-z])")
# A value that is put in later (a specifier, a variable, a template's placeholder) can't be judged.
OPEN = re.compile(r"%[A-Za-z]|\$[A-Za-z{(]|\{\{|@@|<[A-Za-z]")
UNIT_NAME = re.compile(r"[0-9A-Za-z:_.\\@-]+")
DOCUMENT = re.compile(r"https?://|file:/|info:|man:|%")
LISTENS_ON = re.compile(r"(?:(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-fA-F:.]*\](?:%\w+)?):)?(?P<port>\d{1,5})")
MODE = re.compile(r"0*[0-7]{1,4}")
# Names that are most often meant for targets.
TARGETS = frozenset(
    (
        "multi-user",
        "graphical",
        "network",
        "network-online",
        "network-pre",
        "local-fs",
        "remote-fs",
        "basic",
        "sysinit",
        "timers",
        "sockets",
        "paths",
        "default",
        "ignition-complete",
        "time-sync",
        "user-config",
    )
)
TYPES = "simple exec forking oneshot dbus notify notify-reload idle"
RESTARTS = "no always on-success on-failure on-abnormal on-abort on-watchdog"
ACTIONS = (
    "none reboot reboot-force reboot-immediate poweroff poweroff-force poweroff-immediate exit exit-force soft-reboot"
    " soft-reboot-force kexec kexec-force halt halt-force halt-immediate"
)
OUTPUTS = "inherit null tty journal syslog kmsg journal+console syslog+console kmsg+console socket fd fd: file: append: truncate:"


def is_yes(value: str | None) -> bool:
    """Whether a boolean is given, and is true."""
    return value is not None and value.lower() in YES


def boolean_fault(value: str) -> str | None:
    """A boolean."""
    return None if value.lower() in BOOLEANS else f"`{value}` is neither yes nor no"


def span_fault(value: str) -> str | None:
    """A length of time; a number alone counts seconds."""
    if value == "infinity":
        return None
    at = 0
    while at < len(value):
        found = SPAN_PART.match(value, at)
        if found is None:
            return f"`{value}` is no length of time, such as 90, 1min 30s or infinity"
        at = found.end()
    return None


def one_of(known: str) -> Check:
    """The check of a value that is one of some words; a word that ends in a colon is only the beginning."""
    words = known.split()

    def fault(value: str) -> str | None:
        if value in words or any(word.endswith(":") and value.startswith(word) for word in words):
            return None
        meant = nearest(value, words)
        return f"`{value}` is none of {', '.join(words)}" + (f"; did you mean {meant}?" if meant else "")

    return fault


def boolean_or(known: str) -> Check:
    """The check of a value that is a boolean or one of some words."""
    otherwise = one_of(f"yes no {known}")
    return lambda value: None if value.lower() in BOOLEANS else otherwise(value)


def nice_fault(value: str) -> str | None:
    """A priority of a process."""
    found = re.fullmatch(r"[+-]?\d{1,3}", value)
    return None if found and -20 <= int(value) <= 19 else f"`{value}` is no number from -20 to 19"


def documentation_fault(value: str) -> str | None:
    """URLs, each of one of few schemes."""
    wrong = next((word for word in split_words(value) if not DOCUMENT.match(word)), None)
    return f"`{wrong}` is no URL that starts with https:, http:, file:, info: or man:" if wrong else None


def number_fault(value: str) -> str | None:
    """A number that is not negative."""
    return None if re.fullmatch(r"\+?(\d+|0x[0-9A-Fa-f]+)|infinity", value) else f"`{value}` is no number"


def mode_fault(value: str) -> str | None:
    """Permission bits in octal."""
    return None if MODE.fullmatch(value) else f"`{value}` is no octal mode, such as 0755"


def path_fault(value: str) -> str | None:
    """An absolute path."""
    return None if value.startswith(("/", "%")) else f"`{value}` is no absolute path"


def paths_fault(value: str) -> str | None:
    """Absolute paths, each perhaps with `-` or `+` in front."""
    return next((fault for word in split_words(value) for fault in [path_fault(word.lstrip("-+"))] if fault), None)


def condition_fault(value: str) -> str | None:
    """An absolute path, perhaps after `|` and `!`."""
    path = value.lstrip("|! ")
    return path_fault(path) if path else None


def environment_file_fault(value: str) -> str | None:
    """An absolute path, perhaps after `-`; quotes are not taken off."""
    fault = path_fault(value.removeprefix("-"))
    return f"{fault}; quotes are part of the path here" if fault and value.lstrip("-")[:1] in "\"'" else fault


def directory_fault(value: str) -> str | None:
    """An absolute path, perhaps after `-`, or the home directory."""
    return None if value.removeprefix("-") == "~" else path_fault(value.removeprefix("-"))


def unit_fault(name: str) -> str | None:
    """The name of a unit, with its type."""
    if not UNIT_NAME.fullmatch(name):
        return f"`{name}` is no name of a unit"
    if name.rpartition(".")[2] in UNIT_TYPES:
        return None
    kind = "target" if name in TARGETS else "service"
    return f"`{name}` does not end in a type of units; did you mean {name}.{kind}?"


def units_fault(value: str) -> str | None:
    """Names of units, parted by blanks."""
    if "," in value:
        return "names of units are parted by blanks, not by commas"
    words = value.split()
    if "#" in words or ";" in words:
        return "a comment stands on a line of its own"
    return next((fault for word in words if not OPEN.search(word) for fault in [unit_fault(word)] if fault), None)


def environment_fault(value: str) -> str | None:
    """Assignments of variables."""
    for word in split_words(value):
        name, equals, _ = word.partition("=")
        if not equals:
            quoted = ' "NAME=two words"'
            return f"`{word}` assigns nothing; a value with blanks is quoted:{quoted}"
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and not OPEN.search(name):
            return f"`{name}` can't be the name of a variable"
    return None


def listen_fault(value: str) -> str | None:
    """A port, an address with a port, a path, or an abstract socket."""
    found = LISTENS_ON.fullmatch(value)
    if value.startswith(("/", "@", "%", "vsock:")) or (found and 0 < int(found["port"]) < 65536):
        return None
    return f"`{value}` is no port, no address with a port and no path"


KINDS: dict[str, Check] = {
    "boolean": boolean_fault,
    "seconds": span_fault,
    "number": number_fault,
    "mode": mode_fault,
    "calendar": calendar_fault,
    "path": path_fault,
    "paths": paths_fault,
    "condition-path": condition_fault,
    "directory": directory_fault,
    "unit": unit_fault,
    "units": units_fault,
    "environment": environment_fault,
    "environment-file": environment_file_fault,
    "listen": listen_fault,
    "type": one_of(TYPES),
    "restart": one_of(RESTARTS),
    "nice": nice_fault,
    "documentation": documentation_fault,
    "private": boolean_or("connected disconnected"),
    "collect": one_of("inactive inactive-or-failed"),
    "bind-ipv6": one_of("default both ipv6-only"),
    "notify": one_of("none main exec all"),
    "killmode": one_of("control-group mixed process none"),
    "action": one_of(ACTIONS),
    "output": one_of(OUTPUTS),
    "protect-system": boolean_or("full strict"),
    "protect-home": boolean_or("read-only tmpfs"),
}
# Kinds whose values may hold specifiers, each in its own way.
JUDGED_OPEN = frozenset(("units", "environment", "paths", "environment-file", "directory"))


@lru_cache(maxsize=1024)  # units say much the same
def fault_of(kind: str, value: str) -> str | None:
    """What is wrong with a value of a kind; None where nothing is, or nothing can be said."""
    check = KINDS.get(kind)
    if check is None or not value or (kind not in JUDGED_OPEN and OPEN.search(value)):
        return None
    return check(value)
