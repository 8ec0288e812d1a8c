"""Rules of systemd units and drop-ins. That kernel arguments are unique is seen to by `duplicates`."""

import re
from collections.abc import Iterator

from provision.ignition import Dropin, Systemd, Unit
from provision.schema.rules import Finding, rule
from provision.schema.rules.units import read

UNIT_TYPES = (
    "service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "snapshot", "slice",
    "scope",
)  # fmt: skip
INSTANCE = r"(.+?)@(.+?)\.service"


def extension(name: str) -> str:
    """What follows the last dot of a file name; empty where there is no dot."""
    _, dot, last = name.rpartition("/")[2].rpartition(".")
    return last if dot else ""


@rule("PV501", "error", on=Unit)
def unit_name_has_a_type(unit: Unit) -> Iterator[Finding]:
    """A unit's name ends in a type of units, like .service or .timer.

    Source: systemd.unit(5); Ignition 3.0.0, `systemd.units[].name`.

    Bad:
      systemd:
        units:
          - name: app
            enabled: true

    Good:
      systemd:
        units:
          - name: app.service
            enabled: true
    """
    if extension(unit.name) not in UNIT_TYPES:
        fault = f"`{unit.name}` does not end in a type of units" if unit.name else "the unit's name is empty"
        yield Finding("name", fault, f"end it in .{', .'.join(UNIT_TYPES)}")


@rule("PV502", "error", on=Unit)
@rule("PV502", "error", on=Dropin)
def unit_text_can_be_read(unit: Unit | Dropin) -> Iterator[Finding]:
    """The text of a unit or drop-in has the form of a unit file.

    Sections in brackets, options with an equals sign, lines under 2048 bytes. Text before the first section is passed
    over, and a backslash at a line's end continues it. Source: systemd.syntax(7); Ignition 3.0.0,
    `systemd.units[].contents`.

    Bad:
      systemd:
        units:
          - name: app.service
            contents: |
              [Service]
              ExecStart /usr/bin/app

    Good:
      systemd:
        units:
          - name: app.service
            contents: |
              [Service]
              ExecStart=/usr/bin/app
    """
    text = read(unit.contents or "")
    if text.fault:
        is_file = unit.made and unit.spot("contents") is None  # a unit file by itself
        yield Finding("contents", text.fault, "see systemd.syntax(7)", line=text.line if is_file else None)


@rule("PV503", "warning", on=Unit)
def enabled_unit_can_be_installed(unit: Unit) -> Iterator[Finding]:
    """An enabled unit has an option in its [Install] section.

    Enabling does what that section says; without it the unit is never started at boot.
    Source: systemd.unit(5), "[Install] section options"; Ignition 3.0.0, `systemd.units[].enabled`.

    Bad:
      systemd:
        units:
          - name: app.service
            enabled: true
            contents: |
              [Service]
              ExecStart=/usr/bin/app

    Good:
      systemd:
        units:
          - name: app.service
            enabled: true
            contents: |
              [Service]
              ExecStart=/usr/bin/app
              [Install]
              WantedBy=multi-user.target
    """
    if unit.enabled and unit.contents:
        text = read(unit.contents)
        if not text.fault and not text.installs:
            message = f"{unit.name} is enabled, but no option in an [Install] section says what starts it"
            yield Finding("contents", message, "add [Install] with WantedBy=multi-user.target, or leave enabled out")


@rule("PV504", "warning", on=Systemd)
def enabled_instance_can_be_installed(systemd: Systemd) -> Iterator[Finding]:
    """An enabled instance has a template with an option in its [Install] section.

    Source: systemd.unit(5); Ignition 3.0.0, `systemd.units[].enabled`.

    Bad:
      systemd:
        units:
          - name: app@.service
            contents: |
              [Service]
              ExecStart=/usr/bin/app %i
          - name: app@one.service
            enabled: true

    Good:
      systemd:
        units:
          - name: app@.service
            contents: |
              [Service]
              ExecStart=/usr/bin/app %i
              [Install]
              WantedBy=multi-user.target
          - name: app@one.service
            enabled: true
    """
    templates = {unit.name: unit.contents for unit in systemd.units if "@." in unit.name}
    for unit in systemd.units if templates else ():
        found = re.fullmatch(INSTANCE, unit.name) if unit.enabled else None
        template = f"{found[1]}@.service" if found else ""
        contents = templates.get(template)
        if contents:
            text = read(contents)
            if not text.fault and not text.installs:
                message = f"{unit.name} is enabled, but the [Install] section of {template} has no option"
                yield Finding("contents", message, f"add [Install] to {template}", on=unit)


@rule("PV505", "error", on=Dropin)
def dropin_name_ends_in_conf(dropin: Dropin) -> Iterator[Finding]:
    """A drop-in's name ends in .conf.

    systemd does not read other files of the directory. Source: systemd.unit(5); Ignition 3.0.0,
    `systemd.units[].dropins[].name`.

    Bad:
      systemd:
        units:
          - name: app.service
            dropins:
              - name: limits
                contents: |
                  [Service]
                  LimitNOFILE=65536

    Good:
      systemd:
        units:
          - name: app.service
            dropins:
              - name: limits.conf
                contents: |
                  [Service]
                  LimitNOFILE=65536
    """
    if extension(dropin.name) != "conf":
        fault = f"`{dropin.name}` does not end in .conf" if dropin.name else "the drop-in's name is empty"
        yield Finding("name", fault, "systemd reads only *.conf")
