"""Rules of fleet's units: their names and what [X-Fleet] says. Source: fleet 1.0, `unit/unit.go`, `job/job.go`."""

import re
from collections.abc import Iterator

from provision.diagnostics import nearest
from provision.ignition import Unit
from provision.schema.machine.fleet_demands import (
    KEYS,
    OLD_NAMES,
    PATTERN,
    Requirement,
    expanded,
    is_fleet_unit,
    is_global,
    matches,
    requirements,
)
from provision.schema.machine.texts import PlainUnit, read
from provision.schema.machine.unit_contents import FLEET
from provision.schema.rules import Finding, rule

# How many demands of a unit are held against each other; a unit has few, and a file of nonsense shall not take long.
MOST_COMPARED = 50
MACHINE_ID = re.compile(r"[0-9a-f]{8}|[0-9a-f]{32}")
NAME = re.compile(r"[0-9A-Za-z:_.\\@-]+")
NAME_MAX = 256
TYPES = (
    "automount", "busname", "device", "mount", "path", "scope", "service", "slice", "snapshot", "socket", "swap",
    "target", "timer",
)  # fmt: skip
TEMPLATE_TYPES = ("path", "service", "socket", "target", "timer")
# Pairs of keys that fleet refuses together.
APART = (
    ("MachineID", ("MachineOf", "Conflicts", "Global", "Replaces")),
    ("Global", ("MachineOf", "Replaces")),
    ("Conflicts", ("Replaces",)),
)


@rule("PV580", "error", on=PlainUnit)
def fleet_takes_the_name(unit: PlainUnit) -> Iterator[Finding]:
    """The name of a fleet unit is one that fleet takes.

    It has at most 256 characters, letters, digits and `:_.\\\\@-`, does not start with @, and ends in a type of units; a template
    or instance is a path, service, socket, target or timer. Source: fleet, `unit/unit.go`.

    Bad:
      # web@.mount
      [Mount]
      What=/dev/vdb
      Where=/srv
      [X-Fleet]
      Global=true

    Good:
      # web@.service
      [Service]
      ExecStart=/usr/bin/web %i
      [X-Fleet]
      Global=true
    """
    if not is_fleet_unit(unit):
        return
    name, kind = unit.name, unit.name.rpartition(".")[2]
    allowed = TEMPLATE_TYPES if "@" in name else TYPES
    if len(name) > NAME_MAX:
        yield Finding(None, f"the unit's name has {len(name)} characters; fleet takes {NAME_MAX}")
    elif name.startswith("@") or not NAME.fullmatch(name):
        yield Finding(None, f"fleet does not take `{name}` for the name of a unit", "use letters, digits and :_.\\@-")
    elif "." not in name or kind not in allowed:
        what = "a template or instance" if "@" in name else "a unit"
        yield Finding(None, f"`{name}`: fleet takes {what} only as .{', .'.join(allowed)}")


@rule("PV581", "warning", on=PlainUnit)
def fleet_key_is_known(unit: PlainUnit) -> Iterator[Finding]:
    """A key of [X-Fleet] is one that fleet reads, and has a value.

    fleetctl warns of others, and fleet ignores them. Capitals matter. Source: fleet, `job/job.go`.

    Bad:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      MachineMeta=role=web

    Good:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      MachineMetadata=role=web
    """
    for option in read(unit).options(FLEET):
        if option.name not in KEYS and option.name not in OLD_NAMES:
            meant = nearest(option.name, [*KEYS, *OLD_NAMES])
            hint = f"did you mean `{meant}`?" if meant else f"known are {', '.join(KEYS)}"
            yield Finding("contents", f"fleet ignores `{option.name}`", hint, line=option.line)
        elif not option.value:
            yield Finding("contents", f"`{option.name}` has no value", line=option.line)
    for wanted in requirements(read(unit), unit.name):
        if wanted.key == "MachineID" and wanted.value and not MACHINE_ID.fullmatch(wanted.value):
            said = f"`{wanted.value}` is the id of no machine: that has 32 hex digits, of which the first 8 are enough"
            yield Finding("contents", said, "see /etc/machine-id", line=wanted.option.line)


@rule("PV582", "warning", on=PlainUnit)
def fleet_key_has_its_present_name(unit: PlainUnit) -> Iterator[Finding]:
    """A key of [X-Fleet] has the name that it has had since fleet 0.8.

    The names that start with X- still work, but they are deprecated. Source: fleet 0.8.0, release notes.

    Bad:
      # web.1.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      X-Conflicts=web.*.service

    Good:
      # web.1.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      Conflicts=web.*.service
    """
    for option in read(unit).options(FLEET):
        if option.name in OLD_NAMES:
            new = OLD_NAMES[option.name]
            yield Finding("contents", f"`{option.name}` is an old name of {new}", f"write {new}=", line=option.line)


@rule("PV583", "error", on=PlainUnit)
def metadata_is_a_pair(unit: PlainUnit) -> Iterator[Finding]:
    """MachineMetadata= is a key, an equals sign and a value, without blanks around it.

    fleet ignores anything else without a word, and the unit runs on any machine. Several pairs on a line each stand in double
    quotes. Source: fleet, `job/job.go`, `requiredTargetMetadata`.

    Bad:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      MachineMetadata=role=web region=eu

    Good:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      MachineMetadata="role=web" "region=eu"
    """
    for wanted in requirements(read(unit), unit.name):
        if wanted.key != "MachineMetadata" or not wanted.value:
            continue
        parts = wanted.value.split("=")
        if len(parts) != 2 or not all(parts):
            said = f"`{wanted.value}` is not one key=value, so fleet ignores it, and the unit runs anywhere"
            hint = 'put each pair into double quotes: "a=b" "c=d"' if re.search(r"=\S+\s+\S+=", wanted.value) else None
            yield Finding("contents", said, hint, line=wanted.option.line)
        elif parts != [part.strip() for part in parts]:
            said = f"`{wanted.value}`: blanks around = become part of the key, and no machine carries that"
            yield Finding("contents", said, "take the blanks out", line=wanted.option.line)


@rule("PV584", "error", on=PlainUnit)
def conflict_is_a_pattern(unit: PlainUnit) -> Iterator[Finding]:
    """Conflicts= in [X-Fleet] is a pattern that Go's path.Match can read.

    fleet takes one that it can't read for one that never matches. `*` and `?` are wildcards, `[a-z]` a set, a backslash makes the
    next character plain. Source: fleet, `job/job.go`; Go, `path.Match`.

    Bad:
      # web.1.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      Conflicts=web.[0-9.service

    Good:
      # web.1.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      Conflicts=web.[0-9].service
    """
    for wanted in requirements(read(unit), unit.name):
        if wanted.key == "Conflicts" and not PATTERN.fullmatch(wanted.value):
            said = f"`{wanted.value}` is no pattern that fleet can read, so it never matches"
            yield Finding("contents", said, "close the [ and end without a backslash", line=wanted.option.line)


@rule("PV555", "error", on=PlainUnit)
def fleet_keys_go_together(unit: PlainUnit) -> Iterator[Finding]:
    """The keys of [X-Fleet] are ones that fleet takes together.

    It refuses MachineID with MachineOf, Conflicts, Global or Replaces; Global with MachineOf or Replaces; Conflicts with Replaces;
    and a MachineOf whose unit its own Conflicts or Replaces matches. Source: fleet, `job/job.go`, `ValidateRequirements`.

    Bad:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      MachineID=562999f8
      Conflicts=web.*.service

    Good:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      Global=true
      MachineMetadata=role=web
    """
    wanted = requirements(read(unit), unit.name)
    given: dict[str, Requirement] = {one.key: one for one in reversed(wanted) if one.key != "Global" and one.value}
    if is_global(wanted):
        given["Global"] = [one for one in wanted if one.key == "Global"][-1]
    for key, others in APART:
        for other in others:
            if key in given and other in given:
                second = max(given[key].option, given[other].option, key=lambda option: option.line)
                yield Finding(
                    "contents", f"fleet refuses {key} together with {other}", "leave one out", line=second.line
                )
    yield from own_enemies(wanted)
    if "Global" in given and "Conflicts" in given:
        said = "a global unit with Conflicts is placed on every machine that runs nothing in conflict with it"
        yield Finding("contents", said, severity="info", line=given["Conflicts"].option.line)


def own_enemies(wanted: tuple[Requirement, ...]) -> Iterator[Finding]:
    """The units that must be on the same machine and must not be, both."""
    near = [one for one in wanted if one.key == "MachineOf"][:MOST_COMPARED]
    for apart in [one for one in wanted if one.key in ("Conflicts", "Replaces")][:MOST_COMPARED]:
        for one in near:
            if matches(apart.value, one.value):
                said = f"{one.value} must be on the same machine, and {apart.key}={apart.value} forbids it"
                yield Finding("contents", said, "narrow the pattern", line=apart.option.line)


@rule("PV585", "warning", on=PlainUnit)
def sidekick_follows_its_unit(unit: PlainUnit) -> Iterator[Finding]:
    """A unit that runs on the machine of another one is bound to it, and starts after it.

    MachineOf= only places it: without BindsTo= (or PartOf=) it stays when the other stops, and without After= it may start first.
    Source: fleet, "Sidekicks"; systemd.unit(5).

    Bad:
      # web-discovery.service
      [Service]
      ExecStart=/usr/bin/announce
      [X-Fleet]
      MachineOf=web.service

    Good:
      # web-discovery.service
      [Unit]
      BindsTo=web.service
      After=web.service
      [Service]
      ExecStart=/usr/bin/announce
      [X-Fleet]
      MachineOf=web.service
    """
    text = read(unit)
    tied = {word for name in ("BindsTo", "BindTo", "PartOf", "Requires") for word in text.words("Unit", name)}
    after = set(text.words("Unit", "After"))
    tied, after = ({expanded(word, unit.name) for word in words} for words in (tied, after))
    for wanted in requirements(text, unit.name):
        if wanted.key != "MachineOf" or not wanted.value or wanted.value == unit.name:
            continue
        missing = [f"{name}=" for name, words in (("BindsTo", tied), ("After", after)) if wanted.value not in words]
        if missing:
            said = f"the unit goes where {wanted.value} goes, but has no {' and no '.join(missing)} for it"
            hint = f"add {' and '.join(name + wanted.value for name in missing)} to [Unit]"
            yield Finding("contents", said, hint, line=wanted.option.line)


@rule("PV586", "warning", on=PlainUnit)
def fleet_does_not_install(unit: PlainUnit) -> Iterator[Finding]:
    """A fleet unit has no [Install] section.

    fleet starts its units itself. One that is also enabled on a machine runs there whatever fleet says.
    Source: fleet, "Unit files and scheduling".

    Bad:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [Install]
      WantedBy=multi-user.target
      [X-Fleet]
      Conflicts=web.*

    Good:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      Conflicts=web.*
    """
    text = read(unit)
    if text.has(FLEET):
        for section in text.sections:
            if section.name == "Install" and section.options:
                said = "fleet starts its units itself; with [Install] one can be enabled behind its back"
                yield Finding("contents", said, "leave [Install] out", line=section.line)


@rule("PV587", "warning", on=Unit)
def only_fleet_reads_its_section(unit: Unit) -> Iterator[Finding]:
    """A unit that is placed by a config has no [X-Fleet] section.

    systemd passes over it: the unit runs on this machine, whatever the section demands. Source: systemd.unit(5), on
    sections that start with X-.

    Bad:
      systemd:
        units:
          - name: web.service
            contents: |
              [Service]
              ExecStart=/usr/bin/web
              [X-Fleet]
              MachineMetadata=role=web

    Good:
      # web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      MachineMetadata=role=web
    """
    if isinstance(unit, PlainUnit) or FLEET not in (unit.contents or ""):
        return
    for section in read(unit).sections:
        if section.name == FLEET:
            said = f"only fleet reads [{FLEET}]; systemd runs {unit.name} on this machine"
            yield Finding("contents", said, "leave the section out", line=section.line)
