"""How an etcd finds its cluster: one method, its own name and URLs in the list, a usable discovery URL.

Source: etcd 2.3 and 3.4, `etcdmain/config.go`, `embed/config.go`, `etcdserver/config.go`; etcd's clustering guide.
"""

from collections.abc import Iterator
from ipaddress import ip_address

from provision.diagnostics import Severity, nearest
from provision.schema.machine.addresses import BLANK, OPEN, Url, read_url
from provision.schema.machine.services import Etcd, Setting
from provision.schema.rules import Finding, rule

METHODS = ("initial_cluster", "discovery", "discovery_srv")


@rule("PV511", "error", on=Etcd)
def cluster_is_found_one_way(etcd: Etcd) -> Iterator[Finding]:
    """An etcd finds its cluster in one way: by a list, a discovery URL or DNS.

    With more than one of `initial_cluster`, `discovery` and `discovery_srv` etcd exits at its start.
    Source: etcd, `etcdmain/config.go`, ErrConflictBootstrapFlags.

    Bad:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380
        discovery_srv: example.com

    Good:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380
    """
    given = [setting for key in METHODS if (setting := etcd.get(key))]
    if len(given) > 1 and not etcd.legacy:
        names = " and ".join(f"`{setting.key}`" for setting in given)
        yield given[1].found(f"{names} are set; etcd takes one of them", "keep one of them")


@rule("PV512", "error", on=Etcd)
def member_is_in_its_cluster(etcd: Etcd) -> Iterator[Finding]:
    """A member's own name is among those in `initial_cluster`.

    etcd exits where it does not find itself in the list. Container Linux's units name a member after its machine id
    where no name is given. Source: etcd, `etcdserver/config.go`, VerifyBootstrap.

    Bad:
      # Container Linux Config
      etcd:
        name: two
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380

    Good:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380
    """
    cluster, name = etcd.get("initial_cluster"), etcd.get("name")
    if cluster is None or etcd.is_proxy or etcd.legacy or any(OPEN.search(member) for member in etcd.names):
        return
    known = ", ".join(sorted(etcd.names))
    if name is None:
        if etcd.source.whole:
            message = f"no name is given, so that the machine's id or `default` is looked for among {known}"
            yield cluster.found(message, "give `name`", "warning")
    elif name.known and name.value not in etcd.names:
        yield name.found(
            f"`{name.value}` is not in `initial_cluster`, which names {known}; etcd exits", hint_for(name, etcd)
        )


def hint_for(name: Setting, etcd: Etcd) -> str | None:
    """What a name that is not in the list may have been."""
    stripped = {known.strip(): known for known in etcd.names}
    if name.value in stripped:
        return "there is a blank beside the name in `initial_cluster`; take it away"
    meant = nearest(name.value, list(etcd.names))
    return f"did you mean `{meant}`?" if meant else None


@rule("PV513", "error", on=Etcd)
def member_advertises_what_its_cluster_lists(etcd: Etcd) -> Iterator[Finding]:
    """A new member advertises to its peers the URLs that `initial_cluster` has under its name.

    etcd exits where they differ. Where neither list nor discovery is given, etcd 2 compares with a list of its own, which
    has localhost. Source: etcd, `etcdserver/config.go`, verifyLocalMember.

    Bad:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.2:2380

    Good:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380,two=http://10.0.0.2:2380,three=http://10.0.0.3:2380
    """
    advertised, cluster = etcd.get("initial_advertise_peer_urls"), etcd.get("initial_cluster")
    if etcd.is_proxy or etcd.legacy or etcd.value("initial_cluster_state", "new") != "new":
        return
    if cluster is None:
        if advertised and etcd.before((3, 0)) and etcd.source.whole and not etcd.first(*METHODS):
            yield alone(advertised)
        return
    listed = tuple(map(read_url, etcd.names.get(etcd.value("name"), ())))
    if not listed:
        return
    if advertised is None:
        if etcd.source.whole and not any(url.is_local or url.open or url.fault for url in listed):
            severity: Severity = "error" if etcd.before((3, 0)) else "warning"
            message = "no `initial_advertise_peer_urls` is given, so that localhost is compared with this list"
            yield cluster.found(message, f"set it to {','.join(url.text for url in listed)}", severity)
    elif differ(listed, etcd.urls("initial_advertise_peer_urls")):
        message = f"`initial_cluster` has {', '.join(url.text for url in listed)} under the name {etcd.value('name')}"
        yield advertised.found(f"{message}, not what is advertised here; etcd exits", "write the same URLs in both")


def alone(advertised: Setting) -> Finding:
    """What is found of a member of etcd 2 that advertises itself to nobody."""
    message = "peers are told these URLs, but no `initial_cluster` or `discovery` says who they are; etcd 2 exits"
    return advertised.found(message, "add `initial_cluster`, also for a cluster of one")


def differ(listed: tuple[Url, ...], advertised: tuple[Url, ...]) -> bool:
    """Whether two lists of URLs are certainly not the same; names may stand for any address."""
    both = (*listed, *advertised)
    if any(url.open or url.fault for url in both):
        return False
    if any(not url.is_ip for url in both):
        shapes = [sorted((url.scheme, url.port) for url in side) for side in (listed, advertised)]
        return shapes[0] != shapes[1]
    return {place_of(url) for url in listed} != {place_of(url) for url in advertised}


def place_of(url: Url) -> tuple[str, object, int | None]:
    """What two spellings of a URL with an address have in common."""
    return url.scheme, ip_address(url.host.partition("%")[0]), url.port


@rule("PV514", "error", on=Etcd)
def initial_cluster_is_a_list_of_members(etcd: Etcd) -> Iterator[Finding]:
    """`initial_cluster` is a list of name=URL, and no URL stands in it twice.

    Source: etcd, `pkg/types/urlsmap.go`; `etcdserver/config.go`, checkDuplicateURL.

    Bad:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380,two,three=http://10.0.0.3:2380

    Good:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380,two=http://10.0.0.2:2380,three=http://10.0.0.3:2380
    """
    cluster = etcd.get("initial_cluster")
    if cluster is None or OPEN.fullmatch(cluster.value) or etcd.legacy:
        return
    seen: dict[str, str] = {}
    for part in cluster.value.split(","):
        name, _, text = part.partition("=")
        url = read_url(text.strip())
        if OPEN.fullmatch(part.strip()):
            continue
        if not text:
            yield cluster.found(f"`{part}` is no name=URL", "write each member as name=http://address:2380")
        elif url.fault:
            # coreos-cloudinit took such lines, and systemd then dropped them: clusters ran in spite of them.
            severity: Severity = "warning" if url.fault == BLANK else "error"
            yield cluster.found(f"the URL `{url.text}` of `{name}` {url.fault}; etcd refuses it", None, severity)
        elif url.text in seen:
            whose = "twice" if seen[url.text] == name else f"also under {seen[url.text]}"
            yield cluster.found(f"{url.text} stands under {name} and {whose}; etcd exits")
        seen.setdefault(url.text, name)
