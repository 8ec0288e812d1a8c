"""What fleet's units demand of each other, and timers of their services, in a set of files that is checked at once."""

from collections.abc import Iterator, Sequence

from provision.diagnostics import Diagnostic
from provision.ignition import Config
from provision.schema.machine.facts import Fact, Said, family
from provision.schema.machine.fleet_demands import matches, requirements
from provision.schema.machine.published import ports_of
from provision.schema.machine.texts import PlainUnit, kind_of, read, whole
from provision.schema.machine.timers import started_by, template_of
from provision.schema.machine.unit_contents import FLEET
from provision.schema.rules import Finding, rule


@rule("PV588", "warning", on=PlainUnit)
def company_is_in_the_set(unit: PlainUnit) -> Iterator[Finding]:
    """The unit that MachineOf= names is another one, of the same set of files, and not in a circle.

    fleet does not look: a unit that waits for itself, or for one that is not there, is never placed. A set is what is given in
    one call. Source: fleet, `job/job.go`.

    Bad:
      # web.service
      [Unit]
      BindsTo=web.service
      After=web.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      MachineOf=web.service

    Good:
      # web.service
      [Unit]
      BindsTo=db.service
      After=db.service
      [Service]
      ExecStart=/usr/bin/web
      [X-Fleet]
      MachineOf=db.service
    """
    for wanted in requirements(read(unit), unit.name):
        if wanted.key == "MachineOf" and wanted.value == unit.name:
            said = f"{unit.name} goes where {unit.name} goes: it is never placed"
            yield Finding("contents", said, "name another unit", line=wanted.option.line)


def gather(config: Config) -> Iterator[Said]:
    """The names of plain units, and what they demand of others."""
    for unit in config.systemd.units:
        if isinstance(unit, PlainUnit):
            yield Said("unit", unit.name, FLEET if read(unit).has(FLEET) else "", unit)
            yield from demands_of(unit)


def demands_of(unit: PlainUnit) -> Iterator[Said]:
    """Where a unit is to be, what it starts, and which ports it takes."""
    for wanted in requirements(read(unit), unit.name):
        if wanted.key in ("MachineOf", "Conflicts"):
            yield Said(wanted.key, unit.name, wanted.value, unit, "contents", wanted.option.line)
    text = whole(unit)
    started = started_by(unit, text) if kind_of(unit.name) == "timer" else None
    if started and "%" not in started:
        yield Said("starts", unit.name, started, unit, "contents")
    if text.unit.has(FLEET):
        for port in ports_of(unit, text):
            yield Said("host-port", unit.name, f"{port.number}/{port.protocol}", unit, "contents", port.option.line)


def judge(facts: Sequence[Fact]) -> Iterator[Diagnostic]:
    """What does not fit between the units of one call; a single unit has no set that it could miss another in."""
    units = {fact.key for fact in facts if fact.kind == "unit"}
    if len(units) > 1:
        yield from lonely(facts, units)
        yield from circles(facts)
        yield from crowded(facts)


def is_there(name: str, units: set[str]) -> bool:
    """Whether a set has a unit, or the template that it is made of, or an instance of it."""
    if name in units or template_of(name) in units:
        return True
    stem, at, kind = name.partition("@.")
    return bool(at) and any(unit.startswith(f"{stem}@") and unit.endswith(f".{kind}") for unit in units)


def lonely(facts: Sequence[Fact], units: set[str]) -> Iterator[Diagnostic]:
    """Units that need one that is not in the set."""
    for fact in facts:
        if fact.kind == "MachineOf" and fact.value and not is_there(fact.value, units):
            said = f"{fact.key} goes where {fact.value} goes, which is none of the units given"
            yield fact.diagnostic("PV588", "warning", said, "give its file, too, or correct the name")
        elif fact.kind == "starts" and not is_there(fact.value, units):
            said = f"{fact.key} starts {fact.value}, which is none of the units given"
            yield fact.diagnostic("PV554", "warning", said, "give its file, too, or name another with Unit=")


def circles(facts: Sequence[Fact]) -> Iterator[Diagnostic]:
    """Units that go where each other goes, so that none is placed."""
    leads: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.kind == "MachineOf" and fact.key != fact.value:
            leads.setdefault(fact.key, []).append(fact)
    done: set[str] = set()
    for start in sorted(leads):
        path = {} if start in done else {start: iter(leads[start])}
        while path:
            name, rest = next(reversed(path.items()))
            edge = next(rest, None)
            if edge is None:
                done.add(name)
                del path[name]
            elif edge.value in path:
                names = [*path]
                shown = " → ".join((*names[names.index(edge.value) :], edge.value))
                yield edge.diagnostic("PV588", "warning", f"MachineOf goes in a circle: {shown}; none is placed")
            elif edge.value not in done:
                path[edge.value] = iter(leads.get(edge.value, ()))


def crowded(facts: Sequence[Fact]) -> Iterator[Diagnostic]:
    """Units that take one port, and may meet on a machine."""
    enemies: dict[str, list[str]] = {}
    for fact in facts:
        if fact.kind == "Conflicts":
            enemies.setdefault(fact.key, []).append(fact.value)
    first: dict[str, Fact] = {}
    for fact in facts:
        if fact.kind != "host-port":
            continue
        other = first.setdefault(fact.value, fact)
        apart = any(matches(pattern, other.key) for pattern in enemies.get(fact.key, ())) or any(
            matches(pattern, fact.key) for pattern in enemies.get(other.key, ())
        )
        if other.key != fact.key and not apart:
            said = f"{other.key} takes port {fact.value}, too, and fleet may put both on one machine"
            yield fact.diagnostic("PV557", "warning", said, f"add Conflicts={other.key} to [{FLEET}]")


family(gather, judge)
