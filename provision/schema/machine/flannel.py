"""flannel's network, and docker on top of it. Source: flannel 0.7, `subnet/config.go`; coreos-overlay, `flanneld.service`."""

import ipaddress
import json
import re
from collections.abc import Iterator

from provision.schema.machine.addresses import OPEN
from provision.schema.machine.services import Docker, Flannel, Host, Setting
from provision.schema.rules import Finding, rule
from provision.units import Option, split_words

PREFIX = "/coreos.com/network"
BACKENDS = (
    "udp", "vxlan", "host-gw", "aws-vpc", "gce", "alloc", "ali-vpc", "wireguard", "ipsec", "ipip", "extension", "tencent-vpc",
)  # fmt: skip
BRIDGE_ADDRESS = re.compile(r"--bip[= ]\"?([0-9.]+/\d+)")


def network_writes(flannel: Flannel) -> Iterator[tuple[Option, str, str]]:
    """The commands that write the network's configuration: each with the key and the text that it writes."""
    for name in ("ExecStartPre", "ExecStart"):
        for option in flannel.source.text.effective("Service", name):
            words = split_words(option.value)
            if not any(word.rpartition("/")[2] == "etcdctl" for word in words):
                continue
            for at, word in enumerate(words[:-2]):
                if word in ("set", "mk", "put") and words[at + 1].endswith("/config"):
                    yield option, words[at + 1], words[at + 2]


def found_at(flannel: Flannel, option: Option, key: str) -> Setting:
    """The place of a command of flannel's unit."""
    part = flannel.source.parts[option.source]
    spotted = part.spot("NETWORK_CONFIG") is not None
    return Setting(
        key, option.value, "flag", part, *(("NETWORK_CONFIG", None) if spotted else ("contents", option.line))
    )


@rule("PV546", "error", on=Host)
def flannel_network_can_be_parted(host: Host) -> Iterator[Finding]:
    """flannel's network is a CIDR range with room for the subnets of the machines, written where flannel looks.

    `SubnetLen` is at most 30 and leaves at least four subnets; `SubnetMin` and `SubnetMax` are subnets of `Network`. The
    range holds neither addresses of the machines nor docker's own bridge. Source: flannel 0.7, `subnet/config.go`.

    Bad:
      # Container Linux Config
      flannel:
        etcd_endpoints: http://10.0.0.1:2379
        network_config: '{"Network": "10.1.0.0"}'

    Good:
      # Container Linux Config
      flannel:
        etcd_endpoints: http://10.0.0.1:2379
        network_config: '{"Network": "10.1.0.0/16"}'
    """
    for service in host.services:
        if not isinstance(service, Flannel):
            continue
        prefix = service.get("etcd_prefix")
        for option, key, text in network_writes(service):
            place = found_at(service, option, key)
            fault = network_fault(text)
            if fault:
                yield place.found(f"the network of flannel {fault}; flannel will not start")
            looked = (prefix.value if prefix else PREFIX).rstrip("/")
            if key.rstrip("/") != f"{looked}/config" and not OPEN.search(key + looked):
                message = f"the network is written to {key}, and flannel looks for {looked}/config"
                yield (prefix or place).found(message, "write it where flannel looks", "warning")
            yield from overlaps(host, place, text)


def parsed_network(text: str) -> dict[str, object] | None:
    """The configuration as a mapping, None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def network_fault(text: str) -> str | None:
    """Why flannel refuses a network configuration."""
    if OPEN.search(text.replace("{", " ")):
        return None
    config = parsed_network(text)
    if config is None:
        return "is no JSON object"
    network = range_of(config.get("Network"))
    if network is None:
        return (
            "has no `Network` in the form 10.1.0.0/16"
            if "Network" not in config
            else "has a `Network` that is no range such as 10.1.0.0/16"
        )
    return subnet_fault(config, network) or backend_fault(config.get("Backend"))


def range_of(value: object) -> ipaddress.IPv4Network | None:
    """An IPv4 range with its length, None for anything else."""
    try:
        return ipaddress.IPv4Network(value, strict=False) if isinstance(value, str) and "/" in value else None
    except ValueError:
        return None


def subnet_fault(config: dict[str, object], network: ipaddress.IPv4Network) -> str | None:
    """Why a range can't be parted into subnets as it is asked for."""
    size = network.prefixlen
    wanted = config.get("SubnetLen", 0)
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        return "has a `SubnetLen` that is no number"
    if wanted > 30:
        return f"has a `SubnetLen` of {wanted}, more than 30"
    if wanted and wanted < size + 2:
        return f"has a `SubnetLen` of {wanted}; a /{size} needs {size + 2} or more"
    if not wanted and size > 28:
        return f"is a /{size}, too small to be parted"
    length = wanted or (24 if size <= 22 else size + 2)
    for key in ("SubnetMin", "SubnetMax"):
        value = config.get(key)
        if value is not None and not is_subnet(value, network, length):
            return f"has a `{key}` that is no /{length} subnet of {network}"
    low, high = config.get("SubnetMin"), config.get("SubnetMax")
    if isinstance(low, str) and isinstance(high, str) and ipaddress.IPv4Address(low) > ipaddress.IPv4Address(high):
        return "has a `SubnetMin` above its `SubnetMax`"
    return None


def is_subnet(value: object, network: ipaddress.IPv4Network, length: int) -> bool:
    """Whether an address is where a subnet of a range begins."""
    try:
        address = ipaddress.IPv4Address(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return address is not None and address in network and int(address) % (1 << (32 - length)) == 0


def backend_fault(backend: object) -> str | None:
    """Why flannel refuses a backend."""
    if backend is None:
        return None
    kind = backend.get("Type", "udp") if isinstance(backend, dict) else None
    if not isinstance(kind, str):
        return 'has a `Backend` that is not of the form {"Type": "vxlan"}'
    return None if kind in BACKENDS else f"has the unknown backend `{kind[:40]}`"


def overlaps(host: Host, place: Setting, text: str) -> Iterator[Finding]:
    """Addresses of the machine, and docker's bridge, that lie in flannel's range."""
    network = range_of((parsed_network(text) or {}).get("Network"))
    if network is None:
        return
    taken = next((address for address in addresses(host) if ipaddress.IPv4Address(address) in network), None)
    if taken:
        yield place.found(f"{network} holds {taken}, an address of this machine", None, "warning")
    for docker in host.of_kind(Docker):
        found = BRIDGE_ADDRESS.search(docker.value("DOCKER_OPTS"))
        bridge = range_of(found[1]) if found else None
        if bridge and bridge.overlaps(network):
            message = f"docker's bridge {bridge} lies in flannel's {network}"
            yield place.found(message, "leave --bip to flannel", "warning")


def addresses(host: Host) -> Iterator[str]:
    """The IPv4 addresses that the machine's etcds advertise."""
    for etcd in host.etcds:
        for key in ("advertise_client_urls", "initial_advertise_peer_urls"):
            yield from (url.host for url in etcd.urls(key) if url.is_ip and ":" not in url.host)


@rule("PV547", "warning", on=Host)
def docker_waits_for_flannel(host: Host) -> Iterator[Finding]:
    """docker starts after a flannel that the config brings along.

    docker takes the range of its bridge from flannel when it starts. The units of Container Linux see to it
    (flannel-docker-opts.service); a unit of one's own has to say so. Source: coreos-overlay, `flanneld.service`.

    Bad:
      systemd:
        units:
          - name: flanneld.service
            enabled: true
            contents: |
              [Unit]
              Description=flannel
              [Service]
              ExecStart=/opt/bin/flanneld --etcd-endpoints=http://10.0.0.1:2379
              [Install]
              WantedBy=multi-user.target

    Good:
      systemd:
        units:
          - name: flanneld.service
            enabled: true
            contents: |
              [Unit]
              Description=flannel
              Before=docker.service
              [Service]
              ExecStart=/opt/bin/flanneld --etcd-endpoints=http://10.0.0.1:2379
              [Install]
              WantedBy=multi-user.target
    """
    docker = [service.source.text.words("Unit", "After") for service in host.of_kind(Docker)]
    for flannel in host.of_kind(Flannel):
        own = bool(flannel.source.unit.contents)
        before = "docker.service" in flannel.source.text.words("Unit", "Before")
        if own and not before and not any(flannel.name in after for after in docker) and not restarts_docker(host):
            yield flannel.found("nothing says that docker starts after flannel", "add Before=docker.service")


def restarts_docker(host: Host) -> bool:
    """Whether some unit restarts docker, or orders itself between the two."""
    return any(
        "flannel-docker-opts" in unit.name or "restart docker" in (unit.contents or "")
        for unit in host.config.systemd.units
    )
