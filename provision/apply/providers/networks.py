"""Metadata servers whose address depends on the machine's own network."""

import os
from collections.abc import Iterator

from provision.apply import log
from provision.apply.paths import shown
from provision.apply.providers.host import Host
from provision.apply.providers.http import Http
from provision.apply.providers.provider import Provider
from provision.diagnostics import ProvisionError

# Source: proc(5), /proc/net/if_inet6: address, index, prefix length, scope, flags, name.
IPV6_ADDRESSES = "/proc/net/if_inet6"
INTERFACES = "/sys/class/net"
# Source: linux/if.h, IFF_UP and IFF_LOOPBACK.
UP, LOOPBACK = 0x1, 0x8

# Source: systemd-networkd keeps what it knows of a lease in a file by the interface's number.
LEASES = "/run/systemd/netif/leases"
SERVER = "SERVER_ADDRESS"
LEASE_POLL_S = 0.5


class EachIpv6Interface:
    """A metadata server's link-local address, asked through each interface that has IPv6.

    `address` is without brackets. Source: Ignition, `internal/providers/openstack`.
    """

    def __init__(self, address: str, path: str) -> None:
        self.address, self.path = address, path

    def __call__(self, host: Host) -> Iterator[Provider]:
        for interface in ipv6_interfaces(host):
            yield Http(f"http://[{self.address}%{interface}]{self.path}")


def ipv6_interfaces(host: Host) -> list[str]:
    """The interfaces that are up, have an IPv6 address and are no loopback."""
    listed = (host.read(IPV6_ADDRESSES) or b"").decode(errors="replace")
    names = dict.fromkeys(fields[5] for fields in map(str.split, listed.splitlines()) if len(fields) == 6)
    return [name for name in names if is_up(host, name)]


def is_up(host: Host, interface: str) -> bool:
    """Whether an interface is up and leads somewhere else."""
    try:
        flags = int((host.read(f"{INTERFACES}/{interface}/flags") or b"0").strip(), 16)
    except ValueError:
        return False
    return flags & (UP | LOOPBACK) == UP


class DhcpServer(Provider):
    """A metadata server that is the DHCP server, too. Source: Ignition, `internal/providers/cloudstack`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.what = f"the DHCP server's {path}"

    def fetch(self, host: Host) -> bytes | None:
        return Http(f"http://{dhcp_server(host)}{self.path}").fetch(host)


def dhcp_server(host: Host) -> str:
    """The address of the server that gave the first lease, as soon as there is one."""
    for _ in host.polls(LEASE_POLL_S):
        for lease in leases(host):
            content = host.read(f"{LEASES}/{lease}")
            if content is not None:
                return server_of(content, lease)
        log.debug(f"waiting for a lease in {LEASES}")
    raise AssertionError("polls without a limit do not end")


def leases(host: Host) -> list[str]:
    """The names of the leases, which are the numbers of their interfaces, in their order."""
    try:
        names = os.listdir(host.path(LEASES))
    except OSError:
        return []
    return sorted((name for name in names if name.isdecimal()), key=int)


def server_of(content: bytes, lease: str) -> str:
    """The IPv4 address of the server in a lease."""
    import socket

    for line in content.decode(errors="replace").splitlines():
        key, _, value = line.partition("=")
        if key == SERVER:
            try:
                socket.inet_pton(socket.AF_INET, value)
            except OSError:
                raise ProvisionError(f"{LEASES}/{lease} names {shown(value)!r} as {SERVER}, no IPv4 address") from None
            return value
    raise ProvisionError(f"{LEASES}/{lease} has no {SERVER}, so that the metadata server is not known")
