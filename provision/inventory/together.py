"""What does not fit between the hosts of an inventory: addresses, names, and the clusters that they make together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from provision.diagnostics import Diagnostic, Severity
from provision.formats import counted
from provision.inventory.facts import Machine, Member
from provision.inventory.reading import Inventory
from provision.schema import machine
from provision.schema.machine.facts import Fact, check_together


class Misfit(NamedTuple):
    """Something that is wrong between hosts: how it is told, and which hosts it is about."""

    diagnostic: Diagnostic
    hosts: tuple[str, ...] = ()


class Hosts:
    """The hosts of a build, each with what its config says. `complete` says that these are all hosts of the inventory."""

    def __init__(self, inventory: Inventory, machines: dict[str, Machine], *, complete: bool) -> None:
        self.inventory, self.machines, self.complete = inventory, machines, complete

    def tell(self, code: str, severity: Severity, host: str, message: str, hint: str | None = None) -> Diagnostic:
        """A diagnostic at a host's name."""
        return Diagnostic(code, severity, message, self.inventory.file, self.inventory.hosts[host].span, hint)

    # ---- one of a kind ------------------------------------------------------------------------------------------

    def addresses(self) -> Iterator[Misfit]:
        """Addresses that more than one host has."""
        seen: dict[str, dict[str, str]] = {}
        for host, found in self.machines.items():
            for address, by in found.addresses:
                seen.setdefault(address, {})[host] = by
        for address, owners in seen.items():
            if len(owners) > 1:
                first, second, *more = owners
                message = f"{second} has the address {address}, as {also(first, more)}"
                hint = f"give each host an address of its own; this one is set by {owners[second]}"
                yield Misfit(self.tell("PV795", "error", second, message, hint), tuple(owners))

    def names(self) -> Iterator[Misfit]:
        """Host names that more than one host has."""
        seen: dict[str, list[str]] = {}
        for host, found in self.machines.items():
            seen.setdefault((found.hostname or host).lower(), []).append(host)
        for name, owners in seen.items():
            if len(owners) > 1:
                first, second, *more = owners
                message = f"{second} has the host name {name}, as {also(first, more)}"
                hint = "a template takes the host's own as `hostname`"
                yield Misfit(self.tell("PV796", "error", second, message, hint), tuple(owners))

    # ---- clusters -----------------------------------------------------------------------------------------------

    def clusters(self) -> Iterator[Misfit]:
        """Members of new clusters that expect others, and members that no host is."""
        for cluster in clusters_of(self.machines):
            right = reference(cluster)
            for host, member in cluster:
                if member.members != right.member.members:
                    message = f"{host} and {right.host} are members of one cluster, and `initial_cluster` differs: {host} {difference(member, right.member)}"
                    hint = "give all members of a cluster the same list"
                    yield Misfit(
                        self.tell("PV797", "error", host, message, hint),
                        tuple(dict.fromkeys(each.host for each in cluster)),
                    )
            if self.complete and all(each.member.members == right.member.members for each in cluster):
                yield from self.missing(cluster)

    def missing(self, cluster: Sequence["Joined"]) -> Iterator[Misfit]:
        """Members of a cluster that no host is."""
        first = cluster[0]
        named = {text.partition("=")[0] for text in first.member.members}
        lacking = sorted(named - {each.member.name for each in cluster})
        if lacking:
            listed = ", ".join(f"`{name}`" for name in lacking)
            what = "is a member" if len(lacking) == 1 else "are members"
            message = f"{listed} {what} of the cluster of {first.host}, and no host of the inventory is that"
            yield Misfit(
                self.tell("PV798", "warning", first.host, message, "add the host, or take the member off the list")
            )

    def facts(self, facts: Sequence[Fact]) -> Iterator[Misfit]:
        """What `validate` says of several configs; each fact has its host in the place of a file."""
        machine.load()
        for found in check_together(facts):
            span = self.inventory.hosts[found.file].span
            yield Misfit(
                found._replace(file=self.inventory.file, span=span, message=f"{found.file}: {found.message}"),
                (found.file,),
            )

    def misfits(self, facts: Sequence[Fact]) -> list[Misfit]:
        """All of it."""
        return [*self.addresses(), *self.names(), *self.clusters(), *self.facts(facts)]


def also(first: str, more: Sequence[str]) -> str:
    """`web-1 has`, or `web-1 and 3 more have`."""
    return f"{first} and {counted(len(more), 'other')} have" if more else f"{first} has"


class Joined(NamedTuple):
    """A host, and the member that it is."""

    host: str
    member: Member


def clusters_of(machines: dict[str, Machine]) -> Iterable[list[Joined]]:
    """The hosts that become members of new clusters, cluster by cluster: those whose lists have a member in common."""
    of_entry: dict[str, list[Joined]] = {}
    for host, found in machines.items():
        for member in found.members:
            if member.new:
                join(Joined(host, member), of_entry)
    return {id(cluster): cluster for cluster in of_entry.values()}.values()


def join(joined: Joined, of_entry: dict[str, list[Joined]]) -> None:
    """Add a host to the cluster that its list names; clusters that it has in common become one."""
    met = {id(of_entry[entry]): of_entry[entry] for entry in joined.member.members if entry in of_entry}
    clusters = sorted(met.values(), key=len, reverse=True)
    cluster = clusters[0] if clusters else []
    for other in clusters[1:]:
        cluster += other
        for each in other:
            of_entry.update(dict.fromkeys(each.member.members, cluster))
    cluster.append(joined)
    of_entry.update(dict.fromkeys(joined.member.members, cluster))


def reference(cluster: Sequence[Joined]) -> Joined:
    """The member of a cluster whose list most have; the first of them."""
    count = Counter(each.member.members for each in cluster)
    return max(cluster, key=lambda each: count[each.member.members])


def difference(one: Member, other: Member) -> str:
    """In which members a list differs from another."""
    lacks, has = sorted(other.members - one.members), sorted(one.members - other.members)
    parts = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"has {', '.join(has)}"] * bool(has)
    return " and ".join(parts)
