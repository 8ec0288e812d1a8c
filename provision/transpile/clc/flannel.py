"""`flannel`: the drop-in that starts flanneld.service with the section's options, and writes its network to etcd.

Source: ct 0.9, `config/types/flannel.go`.
"""

import json
from collections.abc import Iterator

from provision.schema import ignition2
from provision.schema.clc import NEWEST_FLANNEL, Flannel
from provision.schema.fleet_options import flannel_options
from provision.schema.rules import Finding, rule
from provision.transpile.author import Author
from provision.transpile.clc.dynamic_data import DynamicData
from provision.transpile.clc.go_text import quoted
from provision.transpile.clc.services import drop_unknown, dropin, flags, started
from provision.transpile.clc.versions import FLANNEL, usable

DEFAULT = (0, 6)
VERSIONS = ((0, 5), DEFAULT, NEWEST_FLANNEL)
COMMAND = "/usr/lib/coreos/flannel-wrapper $FLANNEL_OPTS"
PREFIX = "/coreos.com/network"
# Options of etcdctl, with the options of flannel that say the same.
ETCDCTL = {
    "endpoints": "etcd_endpoints", "ca-file": "etcd_cafile", "cert-file": "etcd_certfile", "key-file": "etcd_keyfile",
}  # fmt: skip


@rule("PV688", "error", on=Flannel)
def network_config_is_an_object(flannel: Flannel) -> Iterator[Finding]:
    """The configuration of flannel's network is a JSON object, and is not given beside `kube_subnet_mgr`.

    It is written to etcd as it stands, before flannel starts; with `kube_subnet_mgr` flannel does not look there, but
    asks Kubernetes. Source: ct 0.9, `config/types/flannel.go`.

    Bad:
        # Container Linux Config
        etcd:
          listen_client_urls: http://127.0.0.1:2379
          advertise_client_urls: http://127.0.0.1:2379
        flannel:
          etcd_endpoints: http://127.0.0.1:2379
          network_config: '{"Network": "10.1.0.0/16"'

    Good:
        # Container Linux Config
        etcd:
          listen_client_urls: http://127.0.0.1:2379
          advertise_client_urls: http://127.0.0.1:2379
        flannel:
          etcd_endpoints: http://127.0.0.1:2379
          network_config: '{"Network": "10.1.0.0/16"}'
    """
    if not flannel.network_config:
        return
    if not is_object(flannel.network_config):
        yield Finding("network_config", "this is not a JSON object", 'write it as {"Network": "10.1.0.0/16"}')
    version = usable(flannel.version, FLANNEL, DEFAULT)
    if flannel.option("kube_subnet_mgr") and version is not None and version >= NEWEST_FLANNEL:
        fault = "with kube_subnet_mgr flannel takes its network from Kubernetes, not from here"
        yield Finding("network_config", fault, "give one of the two")


def is_object(text: str) -> bool:
    """Whether a text is a JSON object, or the null that Go takes for an empty one."""
    try:
        return isinstance(json.loads(text), dict | None)
    except (ValueError, RecursionError):
        return False


def unit(flannel: Flannel, author: Author) -> ignition2.Unit | None:
    """The unit with its drop-in; None where the version is refused."""
    wanted = usable(flannel.version, FLANNEL, DEFAULT)
    if wanted is None:
        return None
    tables = {version: flannel_options(version) for version in VERSIONS}
    at = max(version for version in VERSIONS if version <= wanted)
    drop_unknown(flannel, "flannel", tables, at, author)
    data = DynamicData(flannel, author)
    given = flags(flannel, tables[at], data)
    written = [network_line(flannel, data)] if is_object(flannel.network_config) else []
    made = dropin(flannel, "20-clct-flannel.conf", COMMAND, "FLANNEL_IMAGE_TAG", given, data, written)
    if flannel.network_config:
        made = made.spotted(NETWORK_CONFIG=author.place(flannel, "network_config"))
    return started(flannel, "flanneld.service", made, author)


def network_line(flannel: Flannel, data: DynamicData) -> str:
    """The line that writes the network's configuration to the place where flannel will look for it.

    ct writes it below the default prefix in any case, and leaves dynamic data in braces; either keeps flannel waiting.
    """
    words = []
    for option, key in ETCDCTL.items():
        value = flannel.option(key)
        if isinstance(value, str):
            words.append(f"--{option}={quoted(data.fill(value, key))} ")
    prefix = flannel.option("etcd_prefix")
    place = data.fill(prefix, "etcd_prefix").rstrip("/") if isinstance(prefix, str) else PREFIX
    return f"ExecStartPre=/usr/bin/etcdctl {''.join(words)}set {place}/config {quoted(flannel.network_config)}"
