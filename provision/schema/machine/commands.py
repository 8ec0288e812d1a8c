"""Rules of the commands that services run: `ExecStart=` and its kin."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import dropwhile, pairwise
from typing import NamedTuple

from provision.ignition import Unit
from provision.schema.machine.directives import options_of
from provision.schema.machine.texts import Whole, kind_of, read, text_of, whole
from provision.schema.machine.unit_contents import FLEET
from provision.schema.machine.values import is_yes
from provision.schema.rules import Finding, rule
from provision.units import Option, UnitFile, split_commands, split_words

PREFIXES = re.compile(r"[@:+!|-]*")
SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ash"))
# Programs whose arguments may well look like options of units.
OF_SYSTEMD = frozenset(("systemd-run", "systemctl", "busctl", "homectl", "portablectl", "machinectl"))
INNER = re.compile(r"\|\||&&|;|\||&|\n|\b(?:then|do|else)\b")
# What may stand before a program in a shell's command.
BEFORE_PROGRAM = re.compile(r"exec|sudo|\w+=.*|[({!]")
SHELL_WORDS = frozenset(("|", "||", "&&", ">", ">>", "<", "<<", "2>", "2>&1", "&", "&>", ">/dev/null", "2>/dev/null"))


EXEC = tuple(name for name, kind in options_of("Service").items() if kind == "exec")


class Command(NamedTuple):
    """One command of a service: the characters before the program, the program and its arguments.

    A command that a shell runs for it is `inner`.
    """

    option: Option
    prefix: str
    words: tuple[str, ...]
    inner: bool = False

    @property
    def program(self) -> str:
        """The program's name, without the path to it."""
        return self.words[0].rpartition("/")[2] if self.words else ""


@lru_cache(maxsize=4096)
def commands_of(text: UnitFile) -> tuple[Command, ...]:
    """The commands of a service that hold; with those that its shells run."""
    return tuple(
        command
        for name in EXEC
        if ("Service", name) in text.by_name
        for option in text.effective("Service", name)
        for words in split_commands(option.value)
        for command in told_apart(option, words)
    )


def told_apart(option: Option, words: tuple[str, ...]) -> Iterator[Command]:
    """A command and, if it is a shell, those that it runs."""
    prefix = PREFIXES.match(words[0]) if words else None
    start = prefix.end() if prefix else 0
    command = Command(option, words[0][:start], (words[0][start:], *words[1:])) if words else Command(option, "", ())
    yield command
    yield from inner_commands(command)


def inner_commands(command: Command) -> Iterator[Command]:
    """The simple commands in the text that a shell is given with -c; what stands around them is passed over."""
    if command.program in SHELLS and len(command.words) > 2 and re.fullmatch(r"-[a-z]*c", command.words[1]):
        for text in INNER.split(command.words[2]):
            words = tuple(dropwhile(BEFORE_PROGRAM.fullmatch, split_words(text)))
            if words:
                yield Command(command.option, "", words, inner=True)


def is_service(unit: Unit) -> bool:
    """Whether a unit is a service of which there is anything to read."""
    return kind_of(unit.name) == "service" and bool(unit.contents or unit.dropins)


def type_of(unit: Whole) -> str:
    """The type of a service: what it says, else what systemd takes."""
    said = unit.unit.value("Service", "Type")
    if said:
        return said
    if unit.unit.value("Service", "BusName"):
        return "dbus"
    return "simple" if unit.unit.values("Service", "ExecStart") else "oneshot"


@rule("PV560", "warning", on=Unit)
def program_is_absolute(unit: Unit) -> Iterator[Finding]:
    """A service names its programs by absolute paths.

    One or more of `@`, `-`, `:`, `+`, `!` and `|` may stand before the path. systemd refuses a relative path; a name alone it
    looks up since release 239, which machines with fleet do not have. Source: systemd.service(5), "Command lines".

    Bad:
      # app.service
      [Service]
      ExecStart=bin/app --port 80

    Good:
      # app.service
      [Service]
      ExecStart=-/usr/bin/app --port 80
    """
    if not is_service(unit):
        return
    text = whole(unit)
    for command in commands_of(text.unit):
        path = command.words[0] if command.words else ""
        if command.inner or path.startswith(("/", "%", "$")):
            continue
        if not path:
            yield text.finding(command.option, f"{command.option.name} has no program")
        elif "/" in path:
            yield text.finding(command.option, f"`{path}` is no absolute path; systemd refuses it")
        elif text.unit.has(FLEET):
            said = f"`{path}` is no absolute path, which the systemd of machines with fleet asks for"
            yield text.finding(command.option, said, f"write /usr/bin/{path}, or where the program is")


@rule("PV561", "warning", on=Unit)
def one_start_command(unit: Unit) -> Iterator[Finding]:
    """A service has one ExecStart=, unless it is of Type=oneshot.

    systemd refuses to load another one. A drop-in that replaces the command first takes back the old one with an empty
    `ExecStart=`. Source: systemd.service(5), `ExecStart=`.

    Bad:
      # app.service
      [Service]
      ExecStart=/usr/bin/prepare
      ExecStart=/usr/bin/app

    Good:
      # app.service
      [Service]
      ExecStartPre=/usr/bin/prepare
      ExecStart=/usr/bin/app
    """
    if not is_service(unit):
        return
    text = whole(unit)
    starts = [
        command.option for command in commands_of(text.unit) if command.option.name == "ExecStart" and not command.inner
    ]
    if len(starts) < 2 or type_of(text) in ("oneshot", ""):
        return
    for option in dict.fromkeys(starts[1:]):
        said = f"a service of Type={type_of(text)} has one ExecStart; another stands on line {starts[0].line}"
        hint = "use ExecStartPre, or Type=oneshot"
        if option is starts[0]:
            said = f"a service of Type={type_of(text)} has one command to start; the semicolon begins another"
            hint = 'write /bin/sh -c "…" around them'
        elif option.source:
            said = "the drop-in adds a second ExecStart to a service that is not of Type=oneshot"
            hint = "clear the old one with an empty ExecStart= first"
        yield text.finding(option, said, hint)


@rule("PV562", "warning", on=Unit)
def one_option_on_a_line(unit: Unit) -> Iterator[Finding]:
    """Every option of a unit stands on a line of its own.

    A second one on the line is part of the first one's value: an argument of its command. Source: systemd.syntax(7).

    Bad:
      # app.service
      [Service]
      ExecStart=/usr/bin/app --port 80 ExecStop=/usr/bin/app --stop

    Good:
      # app.service
      [Service]
      ExecStart=/usr/bin/app --port 80
      ExecStop=/usr/bin/app --stop
    """
    text = whole(unit)
    for option in text.unit.options():
        kind = options_of(option.section).get(option.name)
        if kind == "exec" or option.name == "Description":
            second = second_option(option)
            if second:
                said = f"{second}= stands on the line of {option.name}=, and is part of its value"
                yield text.finding(option, said, f"start a new line with {second}=")


def second_option(option: Option) -> str | None:
    """The option that a value holds as a word of its own."""
    if "=" not in option.value:
        return None
    words = split_words(option.value)
    if words and PREFIXES.sub("", words[0], count=1).rpartition("/")[2] in OF_SYSTEMD:
        return None
    kinds = options_of(option.section) | options_of("Unit") | options_of("Install")
    for before, word in pairwise(words):
        name, equals, _ = word.partition("=")
        may_be_value = before.startswith("-") and kinds.get(name) != "exec"
        if equals and name in kinds and len(name) > 4 and not may_be_value:
            return name
    return None


@rule("PV563", "warning", on=Unit)
def service_can_be_loaded(unit: Unit) -> Iterator[Finding]:
    """A service has a command to start, and its Type= agrees with its other options.

    systemd refuses a service without ExecStart= (unless it has ExecStop= and RemainAfterExit=yes, or SuccessAction=), Type=dbus
    without BusName=, and Restart=always or on-success with Type=oneshot. Source: systemd.service(5), `Type=`, `Restart=`.

    Bad:
      # app.service
      [Service]
      Type=oneshot
      Restart=always
      ExecStart=/usr/bin/app

    Good:
      # app.service
      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=/usr/bin/app
    """
    if not is_service(unit) or not text_of(unit).strip():
        return
    text = whole(unit)
    restart = text.unit.last("Service", "Restart")
    said = text.unit.last("Service", "Type")
    if restart and type_of(text) == "oneshot" and restart.value in ("always", "on-success"):
        yield text.finding(
            restart, f"systemd refuses Restart={restart.value} with Type=oneshot", "use on-failure, or a timer"
        )
    if said and said.value == "dbus" and not text.unit.value("Service", "BusName"):
        yield text.finding(said, "systemd refuses Type=dbus without BusName=")
    stops = text.unit.value("Service", "ExecStop") and is_yes(text.unit.value("Service", "RemainAfterExit"))
    runs = text.unit.value("Service", "ExecStart") or stops or text.unit.value("Unit", "SuccessAction")
    section = next((part for part in read(unit).sections if part.name == "Service"), None)
    if section and not runs and not text.unit.faults:
        yield Finding("contents", "the service has no ExecStart=; systemd refuses to load it", line=section.line)


@rule("PV569", "warning", on=Unit)
def shell_syntax_has_a_shell(unit: Unit) -> Iterator[Finding]:
    """Pipes, redirections and `$(…)` stand only in what a shell runs.

    systemd runs a program without a shell: such words are arguments. Source: systemd.service(5), "Command lines".

    Bad:
      # app.service
      [Service]
      ExecStart=/usr/bin/app --check && /usr/bin/app

    Good:
      # app.service
      [Service]
      ExecStart=/bin/sh -c "/usr/bin/app --check && exec /usr/bin/app"
    """
    if not is_service(unit):
        return
    text = whole(unit)
    for command in commands_of(text.unit):
        if command.inner or command.program in SHELLS or "-c" in command.words:
            continue
        odd = next((word for word in command.words[1:] if word in SHELL_WORDS or word.startswith("$(")), None)
        if odd:
            said = f"`{odd}` is an argument here: systemd runs {command.program} without a shell"
            yield text.finding(command.option, said, 'write /bin/sh -c "…" around the command')
