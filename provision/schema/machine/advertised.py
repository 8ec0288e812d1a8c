"""The URLs of etcd: where it listens, and what it tells clients and peers.

Source: etcd, `embed/config.go` (checkBindURLs, checkHostURLs), `client/pkg/types/urls.go`.
"""

from collections.abc import Iterator

from provision.diagnostics import Severity
from provision.schema.machine.addresses import Url
from provision.schema.machine.services import Etcd, Setting
from provision.schema.rules import Finding, rule

LISTENING = ("listen_client_urls", "listen_peer_urls")
ADVERTISED = ("advertise_client_urls", "initial_advertise_peer_urls")
URLS = (*LISTENING, *ADVERTISED, "listen_metrics_urls")
# Ports that belong to the other kind of traffic. Source: IANA, etcd-client and etcd-server; etcd 0.4 for the older ones.
FOREIGN_PORTS = {
    "listen_client_urls": (2380, 7001), "advertise_client_urls": (2380, 7001),
    "listen_peer_urls": (2379, 4001), "initial_advertise_peer_urls": (2379, 4001),
}  # fmt: skip
LEGACY_PORTS = {"listen_client_urls": (4001, 2379), "listen_peer_urls": (7001, 2380)}


def urls_of(etcd: Etcd, keys: tuple[str, ...]) -> Iterator[tuple[Setting, Url]]:
    """Every URL under some options, with its option."""
    for key in () if etcd.legacy else keys:
        setting = etcd.get(key)
        for url in etcd.urls(key) if setting else ():
            if setting:
                yield setting, url


@rule("PV520", "warning", on=Etcd)
def advertised_address_is_one(etcd: Etcd) -> Iterator[Finding]:
    """What is advertised is an address of this machine, not 0.0.0.0.

    Whoever gets 0.0.0.0 or [::] from etcd asks itself instead. An empty host is refused from etcd 3.4 on.
    Source: etcd's manual, `--advertise-client-urls`.

    Bad:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379
        advertise_client_urls: http://0.0.0.0:2379

    Good:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379
        advertise_client_urls: http://10.0.0.1:2379
    """
    for setting, url in urls_of(etcd, ADVERTISED):
        if url.is_wildcard and not etcd.is_proxy:
            message = f"`{setting.key}` tells others {url.text}, which is no address of this machine"
            severity: Severity = "error" if not url.host and etcd.since((3, 4)) else "warning"
            yield setting.found(message, "advertise an address by which others reach it", severity)
            return


@rule("PV521", "warning", on=Etcd)
def members_reach_each_other(etcd: Etcd) -> Iterator[Finding]:
    """In a cluster of several members none advertises localhost.

    Source: etcd's clustering guide.

    Bad:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380,two=http://10.0.0.2:2380,three=http://10.0.0.3:2380
        listen_client_urls: http://0.0.0.0:2379
        advertise_client_urls: http://localhost:2379

    Good:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://127.0.0.1:2380
        initial_cluster: one=http://127.0.0.1:2380
        listen_client_urls: http://localhost:2379
        advertise_client_urls: http://localhost:2379
    """
    members = [url for urls in etcd.names.values() for url in urls]
    on_one_host = members and all("://localhost" in url or "://127." in url for url in members)
    if etcd.is_proxy or on_one_host or not (len(etcd.names) > 1 or etcd.get("discovery") or etcd.get("discovery_srv")):
        return
    for setting, url in urls_of(etcd, ADVERTISED):
        if url.is_local and not url.open:
            message = (
                f"`{setting.key}` tells the other machines of the cluster {url.text}, where they find only themselves"
            )
            yield setting.found(message, "advertise an address by which others reach it")
            return


@rule("PV522", "error", on=Etcd)
def etcd_listens_on_an_address(etcd: Etcd) -> Iterator[Finding]:
    """etcd listens on addresses; no name but localhost is taken.

    From etcd 3.1 on it exits where it finds one. Source: etcd, `embed/config.go`, checkBindURLs.

    Bad:
      # Container Linux Config
      etcd:
        version: 3.3.0
        listen_peer_urls: http://node1.example.com:2380

    Good:
      # Container Linux Config
      etcd:
        version: 3.3.0
        listen_peer_urls: http://localhost:2380
    """
    for setting, url in urls_of(etcd, (*LISTENING, "listen_metrics_urls")):
        fit = url.open or url.fault or not url.host or url.is_ip or url.host == "localhost"
        if not fit and url.scheme in ("http", "https"):
            fatal = etcd.since((3, 1))
            end = "etcd exits" if fatal else "etcd 3.1 and newer exit"
            message = f"`{url.host}` is a name, and `{setting.key}` takes addresses; {end}"
            yield setting.found(message, "write the address, or 0.0.0.0 for all", "error" if fatal else "warning")


@rule("PV523", "error", on=Etcd)
def etcd_urls_are_whole(etcd: Etcd) -> Iterator[Finding]:
    """A URL of etcd is http or https, an address and a port, and nothing after it.

    Source: etcd, `client/pkg/types/urls.go`, NewURLs.

    Bad:
      # Container Linux Config
      etcd:
        listen_peer_urls: http://10.0.0.1

    Good:
      # Container Linux Config
      etcd:
        listen_peer_urls: http://10.0.0.1:2380
    """
    for setting, url in urls_of(etcd, URLS):
        if url.fault:
            yield setting.found(
                f"`{url.text}` in `{setting.key}` {url.fault}; etcd exits", "write it as http://address:port"
            )
    for key in () if etcd.legacy else URLS:
        given = etcd.get(key)
        if given and any(part != part.strip() for part in given.value.split(",")):
            yield given.found(f"there are blanks beside the commas of `{key}`", "take them away", "warning")


@rule("PV524", "warning", on=Etcd)
def ports_belong_to_their_traffic(etcd: Etcd) -> Iterator[Finding]:
    """Clients are served on 2379 (or 4001), peers on 2380 (or 7001).

    Source: IANA's registry, etcd-client and etcd-server; etcd 0.4 for the older ports.

    Bad:
      # Container Linux Config
      etcd:
        listen_peer_urls: http://10.0.0.1:2379

    Good:
      # Container Linux Config
      etcd:
        listen_peer_urls: http://10.0.0.1:2380
    """
    for setting, url in urls_of(etcd, tuple(FOREIGN_PORTS)):
        if url.port in FOREIGN_PORTS[setting.key] and not url.fault:
            kind, other = ("clients", "peers") if "client" in setting.key else ("peers", "clients")
            yield setting.found(f"`{setting.key}` is about {kind}, and {url.port} is the port for {other}")


@rule("PV525", "warning", on=Etcd)
def etcd_listens_on_its_official_ports(etcd: Etcd) -> Iterator[Finding]:
    """etcd 2 and newer listen on 2379 and 2380, not only on the ports of etcd 0.4.

    Source: etcd 2.0's upgrade notes; the old ports 4001 and 7001 were never assigned.

    Bad:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:4001
        advertise_client_urls: http://10.0.0.1:4001

    Good:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379
        advertise_client_urls: http://10.0.0.1:2379
    """
    for key, (old, official) in () if etcd.legacy else LEGACY_PORTS.items():
        setting = etcd.get(key)
        ports = [url.port for url in etcd.urls(key)] if setting else []
        if setting and ports and all(port == old for port in ports):
            yield setting.found(f"`{key}` has only the old port {old}", f"listen on {official} as well")
        elif setting and old in ports and official in ports:
            yield setting.found(f"only what was made for etcd 0.4 asks the old port {old}", None, "info")
