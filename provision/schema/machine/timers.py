"""Rules of units that need another one: timers and their services, instances and their templates."""

import re
from collections.abc import Iterator

from provision.diagnostics import nearest
from provision.ignition import Config, Unit
from provision.schema.machine.texts import PlainUnit, Whole, kind_of, text_of, whole
from provision.schema.machine.values import is_yes
from provision.schema.rules import Finding, rule

# How the options begin that set off a timer, path or socket, and what is said of one without.
CAUSES: dict[str, str | tuple[str, ...]] = {
    "timer": "On", "path": ("Path", "DirectoryNotEmpty"), "socket": "Listen",
}  # fmt: skip
WITHOUT_CAUSE = {
    "timer": "never elapses: it has no OnCalendar=, OnBootSec= or the like",
    "path": "watches nothing: it has no PathChanged=, PathExists= or the like",
    "socket": "listens on nothing: it has no ListenStream= or the like",
}
INSTANCE = re.compile(r"([^@]+)@[^@.][^@]*\.(\w+)")
# Templates of the operating systems. Source: systemd 257, Fedora CoreOS 42, Flatcar 4230, Container Linux 2512.
OF_SYSTEM = re.compile(
    r"(?:autovt|(?:container-|serial-)?getty|systemd-.*|user.*|system-.*|modprobe|quotaon|breakpoint-pre-basic|capsule"
    r"|sshd|afterburn.*|coreos-.*|flatcar-.*|console-login-.*|clevis-.*|kdump.*|fstrim|lvm2?-.*|mdmon|mdadm-.*|dmraid-.*"
    r"|xfs_scrub|btrfs-.*|e2scrub|nfs.*|rpc.*|iscsi.*|multipath.*|nvm.*|docker.*|containerd.*|podman.*|crio.*|etcd-.*"
    r"|wpa_supplicant.*|wg-quick|openvpn-.*|teamd|ifup|netns|chrony.*|dbus-.*|sssd-.*|samba.*|rsync.*|virt.*|machine.*)@"
)
UNIT_FOLDERS = frozenset(("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"))
# Where podman finds the files that it makes services of, and what it adds to their names: `-volume` and the like, but here.
QUADLET_FOLDER = "/etc/containers/systemd"
QUADLETS = {"container": "", "kube": ""}
# Types of units that start another one, which `Unit=` or `Service=` may name.
TRIGGERS = {"timer": ("Timer", "Unit"), "path": ("Path", "Unit"), "socket": ("Socket", "Service")}


def started_by(unit: Unit, text: Whole) -> str | None:
    """The unit that a timer, path or socket starts; None for other units."""
    kind = kind_of(unit.name)
    if kind not in TRIGGERS:
        return None
    stem = unit.name.rpartition(".")[0]
    return text.unit.value(*TRIGGERS[kind]) or (f"{stem}@.service" if accepts(text) else f"{stem}.service")


def template_of(name: str) -> str | None:
    """The template of an instance; None for a unit that is none."""
    found = INSTANCE.fullmatch(name)
    return f"{found[1]}@.{found[2]}" if found else None


def unit_names(config: Config) -> set[str]:
    """The units that a config brings along, as such or as files; with those that podman makes of its own files."""
    names = {unit.name for unit in config.systemd.units}
    for node in (*config.storage.files, *config.storage.links):
        folder, _, name = node.path.rpartition("/")
        if folder in UNIT_FOLDERS:
            names.add(name)
        elif folder.startswith(QUADLET_FOLDER):
            stem, _, kind = name.rpartition(".")
            names.add(f"{stem}{QUADLETS.get(kind, '-' + kind)}.service")
    return names


@rule("PV554", "warning", on=Config)
def other_half_is_there(config: Config) -> Iterator[Finding]:
    """A timer of one's own has its service beside it, and an instance the template that it is made of.

    A service that the operating system brings along is no mistake; silence this code at its timer then.
    Source: systemd.timer(5), `Unit=`; systemd.unit(5), on templates.

    Bad:
      systemd:
        units:
          - name: backup.timer
            enabled: true
            contents: |
              [Timer]
              OnCalendar=daily
              [Install]
              WantedBy=timers.target

    Good:
      systemd:
        units:
          - name: backup.timer
            enabled: true
            contents: |
              [Timer]
              OnCalendar=daily
              [Install]
              WantedBy=timers.target
          - name: backup.service
            contents: |
              [Service]
              ExecStart=/usr/bin/backup
    """
    timers = [unit for unit in config.systemd.units if kind_of(unit.name) == "timer"]
    names = unit_names(config) if timers else set()
    for unit in timers:
        if unit.contents and not isinstance(unit, PlainUnit):
            text = whole(unit)
            wanted = started_by(unit, text)
            if wanted and "%" not in wanted and wanted not in names and template_of(wanted) not in names:
                said = f"{unit.name} starts {wanted}, which this config does not have"
                yield Finding("contents", said, f"add {wanted}, or name another with Unit=", on=unit)


@rule("PV554", "warning", on=Config)
def instance_has_its_template(config: Config) -> Iterator[Finding]:
    """An enabled instance has its template in the config, unless the operating system brings it along."""
    instances = [unit for unit in config.systemd.units if unit.enabled and "@" in unit.name and not unit.contents]
    names = unit_names(config) if instances else set()
    templates = sorted(name for name in names if "@." in name)
    for unit in instances:
        template = template_of(unit.name)
        if template and template not in names and not isinstance(unit, PlainUnit) and not OF_SYSTEM.match(template):
            meant = nearest(template, templates)
            said = f"{unit.name} is an instance of {template}, which this config does not have"
            yield Finding("name", said, f"did you mean {meant}?" if meant else f"add {template}", on=unit)


@rule("PV554", "warning", on=Unit)
def template_has_an_instance(unit: Unit) -> Iterator[Finding]:
    """An enabled template names the instance that is meant."""
    if unit.enabled and "@." in unit.name and text_of(unit):
        text = whole(unit)
        if not text.unit.value("Install", "DefaultInstance"):
            said = f"{unit.name} is a template: enabling it starts nothing"
            stem, _, kind = unit.name.partition("@.")
            yield Finding(
                "enabled", said, f"enable an instance, {stem}@NAME.{kind}, or set DefaultInstance= in [Install]"
            )


@rule("PV572", "warning", on=Unit)
def trigger_has_a_cause(unit: Unit) -> Iterator[Finding]:
    """A timer says when it elapses, a path unit what it watches, a socket what it listens on.

    systemd refuses one that does not, and a socket that names its Service= but has a new one for each connection (Accept=yes).
    Source: systemd.timer(5), systemd.path(5), systemd.socket(5).

    Bad:
      # backup.timer
      [Timer]
      Persistent=true
      [Install]
      WantedBy=timers.target

    Good:
      # backup.timer
      [Timer]
      OnCalendar=daily
      Persistent=true
      [Install]
      WantedBy=timers.target
    """
    kind = kind_of(unit.name)
    if kind not in CAUSES or not text_of(unit).strip():
        return
    text, section = whole(unit), kind.capitalize()
    service = text.unit.last("Socket", "Service") if kind == "socket" and accepts(text) else None
    if service:
        yield text.finding(
            service, "systemd refuses Service= beside Accept=yes", "the template is found by the socket's name"
        )
    if not text.unit.faults and not any(option.name.startswith(CAUSES[kind]) for option in text.unit.options(section)):
        yield Finding("contents", f"{unit.name} {WITHOUT_CAUSE[kind]}; systemd refuses it")


def accepts(text: Whole) -> bool:
    """Whether a socket has a service of its own for each connection."""
    return is_yes(text.unit.value("Socket", "Accept"))
