"""What the services of one machine say that must fit with those of other machines. `cluster` judges it."""

from collections.abc import Iterator

from provision.ignition import Config
from provision.schema.etcd_options import OPTIONS
from provision.schema.machine.facts import Said
from provision.schema.machine.reading import read_host
from provision.schema.machine.services import Etcd, Fleet


def told_by(config: Config) -> Iterator[Said]:
    """What the services of a machine say."""
    for service in read_host(config).services:
        if isinstance(service, Fleet):
            metadata = service.get("metadata")
            place = (metadata.record, metadata.field, metadata.line) if metadata else (service.source.unit, None, None)
            yield Said("metadata", service.name, metadata.value if metadata else "", *place)
        elif isinstance(service, Etcd) and not service.legacy and not service.is_proxy:
            yield from member(service)


def member(etcd: Etcd) -> Iterator[Said]:
    """What a member says to the other members."""
    method = etcd.first("discovery", "initial_cluster", "discovery_srv")
    if method is None or not method.known:
        return
    cluster = f"{method.key} {','.join(sorted(method.value.split(',')))}"
    token = etcd.get("initial_cluster_token")
    if token and method.key == "initial_cluster":
        yield Said("token", token.value, cluster, token.record, token.field, token.line)
    for key in ("name", "initial_advertise_peer_urls"):
        setting = etcd.get(key)
        if setting and setting.known:
            yield Said(f"member {key}", cluster, setting.value, setting.record, setting.field, setting.line)
    for key in ("heartbeat_interval", "election_timeout"):
        setting = etcd.get(key) or method
        yield Said(
            f"timing {key}", cluster, etcd.value(key, OPTIONS[key].default), setting.record, setting.field, setting.line
        )
