"""Rules of the small files that set up the system beside its units: journald's, sysctl's and the list of modules."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.diagnostics import nearest
from provision.ignition import File, Storage
from provision.schema.machine.file_text import text_of
from provision.schema.machine.values import boolean_fault, span_fault
from provision.schema.rules import Finding, rule
from provision.units import Option, parse

JOURNALD = re.compile(r"/etc/systemd/journald\.conf(\.d/[^/]+\.conf)?")
SYSCTL = re.compile(r"/etc/sysctl(\.d/[^/]+)?\.conf")
MODULES = re.compile(r"/etc/modules-load\.d/[^/]+\.conf")
SYSCTL_LINE = re.compile(r"-?[^\s=]+\s*=.*|-\S+")
SIZE = re.compile(r"\d+(\.\d+)?[BKMGTPE]?|infinity", re.I)
# The options of journald by the kind of their values. Source: journald.conf(5).
JOURNAL: dict[str, str] = {
    name: kind
    for kind, names in {
        "boolean": "Seal ReadKMsg ForwardToSyslog ForwardToKMsg ForwardToConsole ForwardToWall",
        "size": "SystemMaxUse SystemKeepFree SystemMaxFileSize RuntimeMaxUse RuntimeKeepFree RuntimeMaxFileSize",
        "seconds": "MaxFileSec SyncIntervalSec RateLimitInterval RateLimitIntervalSec MaxRetentionSec",
        "storage": "Storage",
        "any": "Compress SplitMode Audit SystemMaxFiles RuntimeMaxFiles RateLimitBurst LineMax TTYPath MaxLevelStore"
        " MaxLevelSyslog MaxLevelKMsg MaxLevelConsole MaxLevelWall MaxLevelSocket ForwardToSocket",
    }.items()
    for name in names.split()
}


class TextFile(NamedTuple):
    """A file with its text."""

    file: File
    text: str

    def finding(self, line: int, message: str, hint: str | None = None) -> Finding:
        """A finding at a line of the text."""
        return Finding("source", message, hint, on=self.file.contents, line=line)


def files_like(storage: Storage, pattern: re.Pattern[str]) -> Iterator[TextFile]:
    """The files with such a path whose text the config holds."""
    for file in storage.files:
        if file.path[:5] == "/etc/" and pattern.fullmatch(file.path):
            text = text_of(file)
            if text is not None:
                yield TextFile(file, text)


@rule("PV590", "warning", on=Storage)
def journald_takes_the_options(storage: Storage) -> Iterator[Finding]:
    """A line of journald's configuration is an option of [Journal] with a value of its kind.

    journald ignores what it does not know or can't read. Sizes are bytes, or end in K, M, G, T, P or E.
    Source: journald.conf(5).

    Bad:
      storage:
        files:
          - path: /etc/systemd/journald.conf.d/10-size.conf
            contents:
              inline: |
                [Journal]
                SystemMaxUse=500 MB

    Good:
      storage:
        files:
          - path: /etc/systemd/journald.conf.d/10-size.conf
            contents:
              inline: |
                [Journal]
                SystemMaxUse=500M
    """
    for found in files_like(storage, JOURNALD):
        text = parse(found.text)
        for line, _, message in text.faults:
            yield found.finding(line, message.replace("systemd", "journald"))
        for option in text.options("Journal"):
            if option.name not in JOURNAL:
                meant = nearest(option.name, list(JOURNAL))
                hint = f"did you mean `{meant}`?" if meant else None
                yield found.finding(option.line, f"[Journal] has no option `{option.name}`", hint)
            elif fault := journal_fault(option):
                yield found.finding(option.line, f"{option.name}: {fault}")


def journal_fault(option: Option) -> str | None:
    """What is wrong with a value of journald's; None where nothing is known to be."""
    kind, value = JOURNAL[option.name], option.value
    if not value:
        return None
    if kind == "size":
        return None if SIZE.fullmatch(value) else f"`{value}` is no size, such as 500M"
    if kind == "storage":
        known = ("volatile", "persistent", "auto", "none")
        return None if value in known else f"`{value}` is none of {', '.join(known)}"
    return boolean_fault(value) if kind == "boolean" else span_fault(value) if kind == "seconds" else None


@rule("PV591", "warning", on=Storage)
def sysctl_lines_are_settings(storage: Storage) -> Iterator[Finding]:
    """A line of a sysctl.d file is a name, an equals sign and a value.

    systemd-sysctl passes over other lines. Source: sysctl.d(5).

    Bad:
      storage:
        files:
          - path: /etc/sysctl.d/80-swap.conf
            contents:
              inline: |
                vm.swappiness 10

    Good:
      storage:
        files:
          - path: /etc/sysctl.d/80-swap.conf
            contents:
              inline: |
                vm.swappiness = 10
    """
    for found in files_like(storage, SYSCTL):
        for number, line in enumerate(found.text.split("\n"), start=1):
            text = line.strip()
            if text and text[0] not in "#;" and not SYSCTL_LINE.fullmatch(text):
                yield found.finding(number, f"`{text[:60]}` is no setting: there is no equals sign behind a name")


@rule("PV592", "warning", on=Storage)
def bridge_settings_have_their_module(storage: Storage) -> Iterator[Finding]:
    """A config that sets net.bridge.* also loads the module br_netfilter.

    Without the module these settings do not exist, and setting them fails. Source: kernel, `ip-sysctl`; modules-load.d(5).

    Bad:
      storage:
        files:
          - path: /etc/sysctl.d/80-bridge.conf
            contents:
              inline: |
                net.bridge.bridge-nf-call-iptables = 1

    Good:
      storage:
        files:
          - path: /etc/sysctl.d/80-bridge.conf
            contents:
              inline: |
                net.bridge.bridge-nf-call-iptables = 1
          - path: /etc/modules-load.d/80-bridge.conf
            contents:
              inline: |
                br_netfilter
    """
    settings = [
        (found, number)
        for found in files_like(storage, SYSCTL)
        for number, line in enumerate(found.text.split("\n"), start=1)
        if line.strip().removeprefix("-").startswith(("net.bridge.", "net/bridge/"))
    ]
    if not settings or any("br_netfilter" in found.text for found in files_like(storage, MODULES)):
        return
    found, number = settings[0]
    yield found.finding(number, "net.bridge settings exist only with the module br_netfilter, which nothing here loads",
                        "write br_netfilter into /etc/modules-load.d/bridge.conf")  # fmt: skip
