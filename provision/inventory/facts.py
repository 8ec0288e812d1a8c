"""What a config says of its machine that no other machine may say, too: its addresses, its name, the cluster that it joins."""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_interface
from typing import NamedTuple

from provision.ignition import Config
from provision.schema.machine.file_text import text_of
from provision.schema.machine.present import has_services
from provision.units import parse

HOSTNAME = "/etc/hostname"
NETWORKD = re.compile(r"/(?:etc|usr/local/lib|run)/systemd/network/[^/]+\.(network|netdev)")
NETWORK_MANAGER = re.compile(r"/(?:etc|run)/NetworkManager/system-connections/[^/]+")
NETPLAN = re.compile(r"/(?:etc|run)/netplan/[^/]+\.yaml")
IFUPDOWN = re.compile(r"/etc/network/interfaces(?:\.d/[^/]+)?")
# Devices whose addresses are this machine's own business.
PRIVATE_KINDS = frozenset(("dummy",))
LOOPBACK = "lo"
KERNEL = "the kernel argument ip="
# A field of it; an IPv6 address stands in brackets.
KERNEL_FIELD = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::|$)")


class Address(NamedTuple):
    """An address of a machine, in one spelling, and what it is set by: a file of the machine, or the kernel command line."""

    address: str
    by: str


class Member(NamedTuple):
    """A member of an etcd cluster: its own name, and whom it expects, each as name=URL. `new` says that the cluster is."""

    name: str
    members: frozenset[str]
    new: bool


class Machine(NamedTuple):
    """What one config says. `hostname` is None where it says no name."""

    addresses: tuple[Address, ...] = ()
    hostname: str | None = None
    members: tuple[Member, ...] = ()


def machine_of(config: Config) -> Machine:
    """What a config says of its machine."""
    addresses: dict[str, Address] = {}
    private: set[str] = {LOOPBACK}
    hostname = None
    files = [(file, reader) for file in config.storage.files if (reader := reader_of(file.path))]
    for file, _ in files:
        if file.path.endswith(".netdev"):
            private |= private_device(text_of(file) or "")
    for file, reader in files:
        for found in reader(text_of(file) or "", private):
            addresses.setdefault(found, Address(found, file.path))
    for file in config.storage.files:
        if file.path == HOSTNAME:
            hostname = (text_of(file) or "").strip() or None
    for argument in config.kernel_arguments.should_exist:
        key, _, value = argument.partition("=")
        if key == "ip":
            address, name = of_kernel(value)
            hostname = hostname or name
            if address is not None:
                addresses.setdefault(address, Address(address, KERNEL))
        elif key in ("systemd.hostname", "hostname"):
            hostname = hostname or value or None
    members = tuple(members_of(config)) if has_services(config) else ()
    return Machine(tuple(addresses.values()), hostname, members)


Reader = Callable[[str, set[str]], Iterator[str]]


def reader_of(path: str) -> Reader | None:
    """What finds the addresses in a file; None for a file of another kind."""
    if not path.startswith(("/etc/", "/run/", "/usr/local/lib/")) or "net" not in path.lower():
        return None
    return next((reader for pattern, reader in READERS if pattern.fullmatch(path)), None)


def one_spelling(text: str) -> str | None:
    """An address without its prefix, in its shortest spelling; None for what is none, or may be on any machine."""
    try:
        found = ip_interface(text.strip()).ip
    except ValueError:
        return None
    if found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast:
        return None
    return str(found)


def sound(texts: Iterator[str]) -> Iterator[str]:
    """The addresses among texts."""
    return (found for text in texts if (found := one_spelling(text)))


# ---- files ------------------------------------------------------------------------------------------------------


def private_device(text: str) -> set[str]:
    """The name of the device that a .netdev file makes, where its addresses are nobody else's business."""
    unit = parse(text)
    kind, name = unit.value("NetDev", "Kind"), unit.value("NetDev", "Name")
    return {name} if name and kind in PRIVATE_KINDS else set()


def of_networkd(text: str, private: set[str]) -> Iterator[str]:
    """Addresses in a file of networkd."""
    unit = parse(text)
    names = unit.words("Match", "Name")
    if names and set(names) <= private:
        return iter(())
    sections = ("Network", "Address")
    return sound(option.value for option in unit.options() if option.name == "Address" and option.section in sections)


def of_network_manager(text: str, private: set[str]) -> Iterator[str]:
    """Addresses in a keyfile of NetworkManager. Source: nm-settings-keyfile(5)."""
    unit = parse(text)
    if (unit.value("connection", "interface-name") or "") in private or unit.value(
        "connection", "type"
    ) in PRIVATE_KINDS:
        return iter(())
    return sound(
        part.split(",")[0]
        for option in unit.options()
        if option.section in ("ipv4", "ipv6") and re.fullmatch(r"address(?:es)?\d*", option.name)
        for part in option.value.split(";")
    )


def of_netplan(text: str, private: set[str]) -> Iterator[str]:
    """Addresses in a file of netplan: the elements of `addresses`, but for those of name servers."""
    from ruamel.yaml.nodes import MappingNode

    from provision.document import read
    from provision.document.nodes import child

    network = child(read(text.encode("utf-8", "surrogateescape"), "").root, "network")
    for _, kind in network.value if isinstance(network, MappingNode) else ():
        for name, device in kind.value if isinstance(kind, MappingNode) else ():
            listed = child(device, "addresses")
            if listed is not None and name.value not in private and isinstance(listed.value, list):
                for item in listed.value:
                    text_or_pairs = (
                        item.value[0][0].value if isinstance(item, MappingNode) and item.value else item.value
                    )
                    found = one_spelling(text_or_pairs) if isinstance(text_or_pairs, str) else None
                    if found:
                        yield found


def of_ifupdown(text: str, private: set[str]) -> Iterator[str]:
    """Addresses in a file of ifupdown. Source: interfaces(5)."""
    device = ""
    for line in text.split("\n"):
        words = line.split()
        if words[:1] == ["iface"] and len(words) > 1:
            device = words[1]
        elif words[:1] == ["address"] and len(words) > 1 and device not in private:
            found = one_spelling(words[1])
            if found:
                yield found


READERS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (NETWORKD, of_networkd), (NETWORK_MANAGER, of_network_manager), (NETPLAN, of_netplan), (IFUPDOWN, of_ifupdown),
)  # fmt: skip


# ---- the rest ---------------------------------------------------------------------------------------------------


def of_kernel(value: str) -> tuple[str | None, str | None]:
    """Address and host name in `ip=client:peer:gateway:netmask:hostname:…`. Source: dracut.cmdline(7); nfsroot.rst."""
    parts = [part.strip("[]") for part in KERNEL_FIELD.findall(value)]
    address = one_spelling(parts[0]) if len(parts) > 3 else None
    return address, (parts[4] or None) if len(parts) > 4 and "=" not in parts[4] else None


def members_of(config: Config) -> Iterator[Member]:
    """The members of etcd clusters that a machine is, where their lists are known in full."""
    from provision.schema.machine.reading import read_host

    for etcd in read_host(config).etcds:
        cluster, name = etcd.get("initial_cluster"), etcd.get("name")
        if cluster is None or name is None or etcd.is_proxy or etcd.legacy or not (cluster.known and name.known):
            continue
        members = frozenset(part.strip() for part in cluster.value.split(",") if part.strip())
        yield Member(name.value, members, etcd.value("initial_cluster_state", "new") == "new")
