"""What must fit between the machines of one call: tokens, names, addresses and timings of a cluster, and fleet's metadata."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from provision.diagnostics import Diagnostic
from provision.ignition import Config
from provision.schema.machine.facts import Fact, Said, family
from provision.schema.machine.fleet_demands import requirements
from provision.schema.machine.present import has_services
from provision.schema.machine.texts import PlainUnit, read


def gather(config: Config) -> Iterator[Said]:
    """What a machine says of its cluster and to fleet, and what fleet units ask of machines."""
    for unit in config.systemd.units:
        if isinstance(unit, PlainUnit) and "MachineMetadata" in unit.text:
            yield from asked_by(unit)
    if has_services(config):
        from provision.schema.machine.membership import told_by  # machines without services don't pay for it

        yield from told_by(config)


def asked_by(unit: PlainUnit) -> Iterator[Said]:
    """The metadata that a fleet unit asks for."""
    for wanted in requirements(read(unit), unit.name):
        if wanted.key == "MachineMetadata" and wanted.value.count("=") == 1:
            yield Said("asked-metadata", unit.name, wanted.value, unit, "contents", wanted.option.line)


def judge(facts: Sequence[Fact]) -> Iterator[Diagnostic]:
    """What does not fit between machines."""
    for kind, fault in FAULTS.items():
        ours = sorted((fact for fact in facts if fact.kind == kind), key=lambda fact: (fact.key, fact.file, fact.span))
        for key, group in groupby(ours, key=lambda fact: fact.key):
            yield from fault(key, list(group))
    yield from unplaced(facts)


def shared_token(token: str, facts: list[Fact]) -> Iterator[Diagnostic]:
    """One token under which machines list different members."""
    first = facts[0]
    for fact in facts[1:]:
        if fact.value != first.value and not is_part(fact.value, first.value):
            message = f"`{token}` is the token of another cluster as well, in {first.file}"
            yield fact.diagnostic("PV518", "warning", message, "give each cluster a token of its own")


def is_part(one: str, other: str) -> bool:
    """Whether two lists of members have one in common, so that they are one cluster at different times."""
    return not set(one.split(" ", 1)[1].split(",")).isdisjoint(other.split(" ", 1)[1].split(","))


def repeated(cluster: str, facts: list[Fact]) -> Iterator[Diagnostic]:
    """Names and addresses that two members of a cluster have alike."""
    seen: dict[str, Fact] = {}
    for fact in facts:
        first = seen.setdefault(fact.value, fact)
        if first.file != fact.file:
            what, own = ("name", "a name") if fact.kind.endswith(" name") else ("address", "URLs")
            message = f"{fact.value} is the {what} of the member in {first.file}, too"
            yield fact.diagnostic("PV538", "warning", message, f"give each member {own} of its own")


def uneven(cluster: str, facts: list[Fact]) -> Iterator[Diagnostic]:
    """Timings that differ between the members of a cluster."""
    first = facts[0]
    for fact in facts[1:]:
        if fact.value != first.value and fact.file != first.file:
            option = fact.kind.partition(" ")[2]
            message = f"`{option}` is {fact.value} here and {first.value} in {first.file}"
            yield fact.diagnostic("PV530", "warning", message, "give all members of a cluster the same timings")
            return


FAULTS = {
    "token": shared_token, "member name": repeated, "member initial_advertise_peer_urls": repeated,
    "timing heartbeat_interval": uneven, "timing election_timeout": uneven,
}  # fmt: skip


def unplaced(facts: Sequence[Fact]) -> Iterator[Diagnostic]:
    """Fleet units that ask for metadata that no machine of the set has."""
    machines = [pairs_of(fact.value) for fact in facts if fact.kind == "metadata"]
    asked = sorted((fact for fact in facts if fact.kind == "asked-metadata"), key=lambda fact: (fact.file, fact.span))
    for _, group in groupby(asked if machines else (), key=lambda fact: (fact.file, fact.key)):
        wishes = list(group)
        by_key: dict[str, set[str]] = {}
        for wish in wishes:
            key, _, value = wish.value.partition("=")
            by_key.setdefault(key, set()).add(value)
        if not any(all(machine.get(key) in values for key, values in by_key.items()) for machine in machines):
            message = f"no machine of the set has the metadata that {wishes[0].key} asks for; fleet will not place it"
            yield wishes[0].diagnostic("PV545", "warning", message, "give a machine this metadata, or correct the unit")


def pairs_of(metadata: str) -> dict[str, str]:
    """fleet's metadata as it reads them: parts without an equals sign dropped, the last value of a key kept."""
    pairs = (part.partition("=") for part in metadata.split(","))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


family(gather, judge)
