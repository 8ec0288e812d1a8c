"""Rules of what stands in units: sections, options and the values of options."""

from collections.abc import Iterator

from provision.diagnostics import nearest
from provision.ignition import Dropin, Unit
from provision.schema.machine.directives import SECTIONS, options_of, sections_for, sections_with
from provision.schema.machine.texts import PlainUnit, kind_of, text_of
from provision.schema.machine.values import fault_of
from provision.schema.rules import Finding, rule
from provision.schema.rules import units as lexer
from provision.units import Option, UnitFile, parse

FLEET = "X-Fleet"


def texts(unit: Unit) -> Iterator[tuple[Unit | Dropin, UnitFile]]:
    """The unit and its drop-ins, parsed; those that Ignition can't read are told of by PV502."""
    records: tuple[Unit | Dropin, ...] = (unit, *unit.dropins)
    for record in records:
        text = "" if record.broken and record is not unit else text_of(record)
        if text and lexer.read(text).fault is None:
            yield record, parse(text)


@rule("PV506", "warning", on=Unit)
def every_line_counts(unit: Unit) -> Iterator[Finding]:
    """Every line of a unit or drop-in is one that systemd takes.

    Ignition passes over text before the first section; systemd does so too, or it refuses the line, and says it only in the
    journal. Source: systemd.syntax(7).

    Bad:
      systemd:
        units:
          - name: app.service
            dropins:
              - name: 10-debug.conf
                contents: |
                  Environment=DEBUG=1
                  [Service]

    Good:
      systemd:
        units:
          - name: app.service
            dropins:
              - name: 10-debug.conf
                contents: |
                  [Service]
                  Environment=DEBUG=1
    """
    if isinstance(unit, PlainUnit) and not unit.dropins and not unit.text.strip():
        yield Finding(None, f"{unit.name} is empty; systemd takes an empty unit file for a masked unit")
    for record, text in texts(unit):
        for line, _, message in text.faults:
            yield Finding("contents", message, on=record, line=line)


@rule("PV507", "warning", on=Unit)
def option_is_known(unit: Unit) -> Iterator[Finding]:
    """An option in a section of a unit is one that systemd knows.

    What it does not know it ignores, with a line in the journal. Names that start with X- are left to others.
    Source: systemd.directives(7).

    Bad:
      # app.service
      [Service]
      ExecStart=/usr/bin/app
      RestartSecs=5

    Good:
      # app.service
      [Service]
      ExecStart=/usr/bin/app
      RestartSec=5
    """
    for record, text in texts(unit):
        for option in text.options():
            known = options_of(option.section)
            if known and not option.name.startswith("X-") and not is_known(option, unit.name):
                meant = nearest(option.name, list(known))
                hint = f"did you mean `{meant}`?" if meant else "systemd ignores it"
                said = f"[{option.section}] has no option `{option.name}`"
                yield Finding("contents", said, hint, on=record, line=option.line)


def is_known(option: Option, unit_name: str) -> bool:
    """Whether an option is one of its section, or of another that PV508 names."""
    if option.name in options_of(option.section):
        return True
    return bool(sections_with(option.name, sections_for(unit_name))) or option.name in FLEET_OPTIONS


FLEET_OPTIONS = frozenset(("MachineID", "MachineOf", "MachineMetadata", "Global"))


@rule("PV508", "warning", on=Unit)
def option_is_in_its_section(unit: Unit) -> Iterator[Finding]:
    """An option stands in the section that it belongs to.

    systemd ignores it in any other. Source: systemd.directives(7).

    Bad:
      # app.service
      [Unit]
      Restart=always
      [Service]
      ExecStart=/usr/bin/app

    Good:
      # app.service
      [Service]
      Restart=always
      ExecStart=/usr/bin/app
    """
    for record, text in texts(unit):
        for option in text.options():
            known = options_of(option.section)
            if not known or option.name in known:
                continue
            right = sections_with(option.name, sections_for(unit.name))
            right = right or ([FLEET] if option.name in FLEET_OPTIONS else [])
            if right:
                said = f"`{option.name}` does not belong to [{option.section}], where systemd ignores it"
                yield Finding("contents", said, f"move it to [{right[0]}]", on=record, line=option.line)


@rule("PV509", "warning", on=Unit)
def section_belongs_to_the_type(unit: Unit) -> Iterator[Finding]:
    """A section of a unit is one that systemd reads in units of its type.

    It ignores all others; capitals matter. Names that start with X- are left to others. Source: systemd.unit(5).

    Bad:
      # app.service
      [Services]
      ExecStart=/usr/bin/app

    Good:
      # app.service
      [Service]
      ExecStart=/usr/bin/app
      [X-Notes]
      Owner=ops
    """
    allowed = sections_for(unit.name)
    for record, text in texts(unit):
        for section in text.sections:
            if section.name in allowed or section.name.startswith("X-"):
                continue
            meant = nearest(section.name, [*allowed, FLEET])
            hint = f"did you mean [{meant}]?" if meant else None
            if section.name in SECTIONS:
                hint = f"a .{kind_of(unit.name)} has {', '.join(f'[{name}]' for name in allowed)}"
            said = f"systemd does not read a section [{section.name}] in {unit.name}"
            yield Finding("contents", said, hint, on=record, line=section.line)


@rule("PV510", "warning", on=Unit)
def value_fits_its_option(unit: Unit) -> Iterator[Finding]:
    """The value of an option is of the kind that the option takes.

    systemd ignores an option whose value it can't read, with a line in the journal. Checked are booleans, lengths of time,
    modes, absolute paths, names of units, calendar expressions, variables, and options that take one of few words.
    Source: systemd.syntax(7), systemd.service(5), systemd.exec(5).

    Bad:
      # app.service
      [Unit]
      After=network-online
      [Service]
      ExecStart=/usr/bin/app

    Good:
      # app.service
      [Unit]
      After=network-online.target
      [Service]
      ExecStart=/usr/bin/app
    """
    for record, text in texts(unit):
        for option in text.options():
            fault = fault_of(options_of(option.section).get(option.name, ""), option.value)
            if fault:
                pattern = option.name == "Conflicts" and "*" in option.value
                hint = f"a pattern is for fleet, in [{FLEET}]" if pattern else "systemd ignores what it can't read"
                yield Finding("contents", f"{option.name}: {fault}", hint, on=record, line=option.line)
