"""Rules of services that run containers through docker's or podman's command line."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from provision.ignition import Unit
from provision.schema.machine.commands import Command, commands_of, is_service, type_of
from provision.schema.machine.texts import whole
from provision.schema.machine.values import is_yes
from provision.schema.rules import Finding, rule
from provision.units import UnitFile

PROGRAMS = frozenset(("docker", "podman"))
# Options of `docker run` and `podman run` that take no value. Source: docker 27, `docker run`; podman-run(1).
SWITCHES = frozenset(
    (
        "--detach", "--disable-content-trust", "--init", "--interactive", "--no-healthcheck", "--oom-kill-disable",
        "--privileged", "--publish-all", "--quiet", "--read-only", "--read-only-tmpfs", "--replace", "--rm", "--rmi",
        "--sig-proxy", "--tls-verify", "--tty", "--no-hosts", "--no-hostname", "--env-host", "--http-proxy", "--passwd",
        "--use-api-socket", "--help",
    )
)  # fmt: skip
SHORT_SWITCHES = frozenset("ditPq")
# Long options that docker before 1.0 had with a single dash. Source: docker 0.9, `docker run`.
OLD_OPTIONS = frozenset(
    (
        "rm", "name", "link", "privileged", "volumes-from", "volume", "publish", "publish-all", "expose", "entrypoint",
        "env", "env-file", "hostname", "detach", "interactive", "tty", "attach", "cidfile", "dns", "dns-search",
        "lxc-conf", "sig-proxy", "user", "workdir", "memory", "cpu-shares", "net",
    )
)  # fmt: skip
# Global options of the programs that take a value of their own.
GLOBAL_VALUES = frozenset(("-H", "--host", "--config", "-c", "--context", "-l", "--log-level", "--root", "--runroot"))
# Types of services that end when their main process ends.
STAYS_WITH_PROCESS = frozenset(("simple", "exec", "idle"))


class Call(NamedTuple):
    """One call of docker or podman: what it is to do, and the words after that.

    `options` are those before the image or container, each with its value; it is empty for one that takes none.
    """

    command: Command
    verb: str
    arguments: tuple[str, ...]
    options: tuple[tuple[str, str], ...]


def options_in(arguments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The options that some words start with."""
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            return
        name, equals, value = word.partition("=")
        if name.startswith("--") or name[1:] in OLD_OPTIONS:
            takes = f"--{name.lstrip('-')}" not in SWITCHES
            yield name, value if equals or not takes else next(words, "")
        else:
            yield from short_options(word, words)


def short_options(word: str, words: Iterator[str]) -> Iterator[tuple[str, str]]:
    """The options in a word such as `-it` or `-p80:80`; the value of the last may be the next word."""
    for at, letter in enumerate(word[1:], start=1):
        if letter in SHORT_SWITCHES:
            rest = word[at + 1 :]
            yield f"-{letter}", rest[1:] if rest.startswith("=") else ""
            if rest.startswith("="):
                return
        else:
            yield f"-{letter}", word[at + 1 :].removeprefix("=") or next(words, "")
            return


@lru_cache(maxsize=4096)
def calls(text: UnitFile) -> tuple[Call, ...]:
    """The calls of docker and podman among the commands of a service."""
    return tuple(call for command in commands_of(text) if (call := call_of(command)))


def call_of(command: Command) -> Call | None:
    """The call that a command is; None for another program."""
    if command.program not in PROGRAMS:
        return None
    words = list(command.words[1:])
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in GLOBAL_VALUES and words:
            words.pop(0)
    if words[:1] == ["container"] or words[:1] == ["image"]:
        words.pop(0)
    arguments = tuple(words[1:])
    return Call(command, words[0], arguments, tuple(options_in(arguments))) if words else None


@rule("PV556", "warning", on=Unit)
def container_stays_with_its_service(unit: Unit) -> Iterator[Finding]:
    """A service that runs a container stays with it, by options that docker still has.

    With `-d` the process that systemd started ends at once, so the service counts as ended, and its ExecStop= takes the container
    down. Long options have had two dashes since docker 1.0: `-rm` is read as `-r -m`. Source: docker, `docker run`;
    systemd.service(5), `Type=`.

    Bad:
      # web.service
      [Service]
      ExecStart=/usr/bin/docker run -d --name web -p 80:80 nginx

    Good:
      # web.service
      [Service]
      ExecStart=/usr/bin/docker run --rm --name web -p 80:80 nginx
    """
    if not is_service(unit):
        return
    text = whole(unit)
    stays = type_of(text) in STAYS_WITH_PROCESS and not is_yes(text.unit.value("Service", "RemainAfterExit"))
    for call in calls(text.unit):
        if call.verb != "run":
            continue
        command, given = call.command, dict(call.options)
        detached = any(given.get(name, "false") in ("", "true") for name in ("-d", "--detach", "-detach"))
        if stays and detached and command.option.name == "ExecStart" and not command.inner:
            said = f"`{command.program} run -d` leaves at once, and systemd takes the service for ended"
            yield text.finding(command.option, said, "leave -d out; systemd runs it in the background")
        old = [name for name in given if name[1:] in OLD_OPTIONS]
        if old:
            said = f"{', '.join(old)} with one dash: docker since 1.0 reads the letters one by one"
            yield text.finding(command.option, said, f"write {', '.join(f'-{name}' for name in old)}")


@rule("PV564", "warning", on=Unit)
def clearing_up_may_fail(unit: Unit) -> Iterator[Finding]:
    """A command that takes away a container before the start may fail: it has a `-` in front.

    At the first start there is no such container, the command fails, and systemd does not start the service.
    Source: systemd.service(5), "Command lines".

    Bad:
      # web.service
      [Service]
      ExecStartPre=/usr/bin/docker kill web
      ExecStart=/usr/bin/docker run --rm --name web nginx

    Good:
      # web.service
      [Service]
      ExecStartPre=-/usr/bin/docker kill web
      ExecStart=/usr/bin/docker run --rm --name web nginx
    """
    if not is_service(unit):
        return
    text = whole(unit)
    for call in calls(text.unit):
        command = call.command
        if command.option.name != "ExecStartPre" or command.inner or "-" in command.prefix:
            continue
        if call.verb in ("kill", "rm", "stop") and not may_miss(call):
            said = (
                f"`{command.program} {call.verb}` fails where there is no container yet, and the service does not start"
            )
            yield text.finding(command.option, said, f"write ExecStartPre=-{command.words[0]} …")


def may_miss(call: Call) -> bool:
    """Whether a call does not mind that the container is not there."""
    return any(re.fullmatch(r"-[a-z]*[fi][a-z]*|--force|--ignore", word) for word in call.arguments)


@rule("PV565", "warning", on=Unit)
def pulling_has_time(unit: Unit) -> Iterator[Finding]:
    """A service that pulls an image before it starts says how long that may take.

    systemd gives up after 90 seconds otherwise; TimeoutStartSec=0 lets it take its time. Source: systemd.service(5),
    `TimeoutStartSec=`.

    Bad:
      # web.service
      [Service]
      ExecStartPre=/usr/bin/docker pull nginx
      ExecStart=/usr/bin/docker run --rm --name web nginx

    Good:
      # web.service
      [Service]
      TimeoutStartSec=0
      ExecStartPre=/usr/bin/docker pull nginx
      ExecStart=/usr/bin/docker run --rm --name web nginx
    """
    if not is_service(unit):
        return
    text = whole(unit)
    limits = ("TimeoutStartSec", "TimeoutSec")
    if type_of(text) == "oneshot" or any(text.unit.assigned("Service", name) for name in limits):
        return
    for call in calls(text.unit):
        if call.command.option.name == "ExecStartPre" and call.verb == "pull":
            said = f"`{call.command.program} pull` has 90 seconds, after which systemd gives up the start"
            yield text.finding(call.command.option, said, "add TimeoutStartSec=0")
            return
