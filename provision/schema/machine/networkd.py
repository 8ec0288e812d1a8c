"""Rules of networkd's files: `/etc/systemd/network/*.network`, `.netdev` and `.link`."""

from collections.abc import Iterator
from typing import NamedTuple

from provision.diagnostics import nearest
from provision.ignition import File, Storage
from provision.schema.machine.file_text import text_of
from provision.schema.machine.values import BOOLEANS, YES
from provision.schema.rules import Finding, rule
from provision.units import Option, UnitFile, parse

FOLDER = "/etc/systemd/network/"
KINDS = ("network", "netdev", "link")
CATCH_ALL = "zz-default.network"
# The options of the sections that people write most; other sections are not looked into. Source: systemd.network(5).
KNOWN: dict[str, frozenset[str]] = {
    section: frozenset(names.split())
    for section, names in {
        "Match": "MACAddress PermanentMACAddress Path Driver Type Kind Property Name WLANInterfaceType SSID BSSID Host"
        " Virtualization KernelCommandLine KernelVersion Version Credential Architecture Firmware OriginalName",
        "Network": "Description DHCP DHCPServer LinkLocalAddressing IPv6LinkLocalAddressGenerationMode IPv4LL IPv4LLRoute"
        " IPv4LLStartAddress IPv6StableSecretAddress DefaultRouteOnDevice IPv6Token LLMNR MulticastDNS DNSOverTLS DNSSEC"
        " DNSSECNegativeTrustAnchors LLDP EmitLLDP BindCarrier Address Gateway DNS DNSDefaultRoute Domains NTP IPForward"
        " IPv4Forwarding IPv6Forwarding IPMasquerade IPv6PrivacyExtensions IPv6AcceptRA IPv6AcceptRouterAdvertisements"
        " IPv6DuplicateAddressDetection IPv6HopLimit IPv6RetransmissionTimeSec IPv4ReversePathFilter IPv4AcceptLocal"
        " IPv4RouteLocalnet IPv4ProxyARP IPv4ProxyARPPrivateVLAN ProxyARP IPv6ProxyNDP IPv6ProxyNDPAddress IPv6SendRA"
        " DHCPPrefixDelegation DHCPv6PrefixDelegation IPv6PrefixDelegation IPv6MTUBytes MPLSRouting KeepMaster"
        " BatmanAdvanced Bond Bridge VRF IPoIB IPVLAN IPVTAP MACsec MACVLAN MACVTAP Tunnel VLAN VXLAN Xfrm L2TP"
        " ActiveSlave PrimarySlave ConfigureWithoutCarrier IgnoreCarrierLoss KeepConfiguration RouteTable UseDomains"
        " ManageForeignRoutes ManageForeignRoutingPolicyRules SpeedMeter SpeedMeterIntervalSec",
        "DHCPv4": "SendHostname Hostname MUDURL ClientIdentifier VendorClassIdentifier UserClass DUIDType DUIDRawData IAID"
        " RapidCommit Anonymize RequestOptions SendOption SendVendorOption ListenPort FallbackLeaseLifetimeSec UseDNS"
        " RoutesToDNS RoutesToNTP UseNTP UseSIP UseCaptivePortal UseMTU UseHostname UseDomains UseDomainName UseDNR"
        " UseRoutes RouteMetric RouteTable RouteMTUBytes QuickAck InitialCongestionWindow UseGateway UseTimezone Use6RD"
        " UnassignedSubnetPolicy IPv6OnlyMode RequestBroadcast MaxAttempts ServerPort BOOTP IPServiceType SocketPriority"
        " Label SendRelease SendDecline DenyList AllowList BlackList NetLabel NFTSet CriticalConnection"
        " InitialAdvertisedReceiveWindow RequestAddress",
        "Address": "Address Peer Broadcast Label PreferredLifetime Scope RouteMetric HomeAddress"
        " DuplicateAddressDetection ManageTemporaryAddress AddPrefixRoute PrefixRoute AutoJoin NetLabel NFTSet",
        "Route": "Gateway GatewayOnLink GatewayOnlink Destination Source Metric IPv6Preference Scope PreferredSource"
        " Table HopLimit Protocol Type InitialCongestionWindow InitialAdvertisedReceiveWindow QuickAck FastOpenNoCookie"
        " MTUBytes TCPAdvertisedMaximumSegmentSize TCPCongestionControlAlgorithm TCPRetransmissionTimeoutSec"
        " MultiPathRoute NextHop TTLPropagate",
    }.items()
}
DHCP_VALUES = frozenset((*BOOLEANS, "ipv4", "ipv6", "v4", "v6", "both", "none"))
STATIC = frozenset(("none", *BOOLEANS)) - frozenset(YES)
# Gateways that come from a protocol.
LEARNT = frozenset(("_dhcp4", "_dhcp6", "_ipv6ra", "dhcp", "dhcp4", "dhcp6", "ipv6ra"))


class NetworkFile(NamedTuple):
    """One file of networkd with its text."""

    file: File
    unit: UnitFile

    @property
    def kind(self) -> str:
        """network, netdev or link."""
        return self.file.path.rpartition(".")[2]

    def finding(self, line: int | None, message: str, hint: str | None = None) -> Finding:
        """A finding at a line of the text."""
        return Finding("source", message, hint, on=self.file.contents, line=line)


def network_files(storage: Storage) -> Iterator[NetworkFile]:
    """The files of networkd that a config writes itself, but for drop-ins."""
    for file in storage.files:
        path = file.path
        if path.startswith(FOLDER) and "/" not in path[len(FOLDER) :] and path.rpartition(".")[2] in KINDS:
            text = text_of(file)
            if text is not None:
                yield NetworkFile(file, parse(text))


@rule("PV573", "warning", on=Storage)
def network_says_what_it_matches(storage: Storage) -> Iterator[Finding]:
    """A network file says in [Match] which interfaces it is for, a device file in [NetDev] what it makes.

    networkd ignores a file without. Source: systemd.network(5), "[Match] section options"; systemd.netdev(5).

    Bad:
      # 10-static.network
      [Network]
      Address=10.0.0.5/24

    Good:
      # 10-static.network
      [Match]
      Name=eth0
      [Network]
      Address=10.0.0.5/24
    """
    for found in network_files(storage):
        if found.kind == "netdev":
            for name in ("Name", "Kind"):
                if found.unit.value("NetDev", name) is None:
                    yield found.finding(None, f"there is no {name}= in [NetDev]; networkd ignores the file")
        elif not any(option.value for option in found.unit.options("Match")):
            yield found.finding(
                None,
                "nothing in [Match] says which interfaces this is for; networkd ignores the file",
                "add [Match] with Name=",
            )


@rule("PV574", "warning", on=Storage)
def network_options_are_known(storage: Storage) -> Iterator[Finding]:
    """A line of a network file is an option that networkd knows in that section, with a value of its kind.

    Addresses have the length of their prefix: without it one is alone in its network. Source: systemd.network(5).

    Bad:
      # 10-static.network
      [Match]
      Name=eth0
      [Network]
      Address=10.0.0.5

    Good:
      # 10-static.network
      [Match]
      Name=eth0
      [Network]
      Address=10.0.0.5/24
    """
    for found in network_files(storage):
        from provision.schema.machine.addresses import OPEN  # most configs have no such file

        for line, _, message in found.unit.faults:
            yield found.finding(line, message.replace("systemd", "networkd"))
        for option in found.unit.options():
            known = KNOWN.get(option.section) if found.kind == "network" else None
            if known and option.name not in known and not option.name.startswith("X-"):
                right = next((section for section, names in KNOWN.items() if option.name in names), None)
                meant = None if right else nearest(option.name, sorted(known))
                hint = f"move it to [{right}]" if right else f"did you mean `{meant}`?" if meant else None
                yield found.finding(option.line, f"[{option.section}] has no option `{option.name}`", hint)
            elif option.value and found.kind == "network" and not OPEN.search(option.value):
                fault = fault_of(option)
                if fault:
                    yield found.finding(option.line, f"{option.name}: {fault}")


def fault_of(option: Option) -> str | None:
    """What is wrong with a value of a network file; None where nothing is known to be."""
    from provision.schema.machine.addresses import is_address

    value = option.value
    match option.section, option.name:
        case "Network", "DHCP":
            return None if value.lower() in DHCP_VALUES else f"`{value}` is none of yes, no, ipv4, ipv6"
        case (("Network" | "Address"), "Address"):
            return address_fault(value)
        case (("Network" | "Route"), "Gateway"):
            return None if value in LEARNT or is_address(value.split("@")[0]) else f"`{value}` is no IP address"
        case "Route", "Destination":
            return None if is_interface(value) or value == "default" else f"`{value}` is no network"
    return None


def address_fault(value: str) -> str | None:
    """What is wrong with an address of the machine."""
    if not is_interface(value):
        return f"`{value}` is no IP address with the length of its prefix, such as 10.0.0.5/24"
    if "/" not in value:
        return f"`{value}` has no prefix length, so that it is alone in its network"
    return None


def is_interface(value: str) -> bool:
    """Whether a text is an IP address, perhaps with a prefix length."""
    from ipaddress import ip_interface

    try:
        ip_interface(value)
    except ValueError:
        return False
    return True


@rule("PV575", "warning", on=Storage)
def gateway_is_in_reach(storage: Storage) -> Iterator[Finding]:
    """A static gateway lies in one of the file's own subnets, unless a route says GatewayOnLink=.

    The kernel refuses the route otherwise. Source: systemd.network(5), `Gateway=`, `GatewayOnLink=`.

    Bad:
      # 10-static.network
      [Match]
      Name=eth0
      [Network]
      Address=10.0.0.5/24
      Gateway=10.0.1.1

    Good:
      # 10-static.network
      [Match]
      Name=eth0
      [Network]
      Address=10.0.0.5/24
      Gateway=10.0.0.1
    """
    for found in network_files(storage):
        from ipaddress import ip_address, ip_interface

        from provision.schema.machine.addresses import is_address

        own = [
            option.value
            for option in found.unit.options()
            if option.name == "Address" and option.section != "DHCPServer"
        ]
        subnets = [ip_interface(value).network for value in own if is_interface(value) and "/" in value]
        dynamic = (found.unit.value("Network", "DHCP") or "none").lower() not in STATIC
        on_link = any(option.name.lower() == "gatewayonlink" for option in found.unit.options("Route"))
        if found.kind != "network" or not subnets or dynamic or on_link:
            continue
        for option in found.unit.options():
            if option.name == "Gateway" and option.section in ("Network", "Route") and is_address(option.value):
                gateway = ip_address(option.value.partition("%")[0])
                same = [subnet for subnet in subnets if subnet.version == gateway.version]
                if same and not gateway.is_link_local and not any(gateway in subnet for subnet in same):
                    nets = ", ".join(map(str, same))
                    yield found.finding(
                        option.line, f"the gateway {gateway} is not in {nets}", "or add GatewayOnLink=yes to [Route]"
                    )


@rule("PV576", "warning", on=Storage)
def network_sorts_early(storage: Storage) -> Iterator[Finding]:
    """A network file's name sorts before zz-default.network, which takes every interface on Container Linux and Flatcar.

    The first file that matches an interface, in the order of the names, is the one that counts. Source: systemd.network(5).

    Bad:
      storage:
        files:
          - path: /etc/systemd/network/zz-static.network
            contents:
              inline: |
                [Match]
                Name=eth0
                [Network]
                DHCP=yes

    Good:
      storage:
        files:
          - path: /etc/systemd/network/10-static.network
            contents:
              inline: |
                [Match]
                Name=eth0
                [Network]
                DHCP=yes
    """
    for found in network_files(storage):
        name = found.file.path.rpartition("/")[2]
        if found.kind == "network" and name > CATCH_ALL:
            yield Finding(
                "path",
                f"{name} comes after {CATCH_ALL}, which takes every interface",
                "begin the name with 10-",
                on=found.file,
            )
