"""The cluster that an etcd joins: its size and state, the discovery URL, and what a member says of itself.

Source: etcd 2.3 and 3.4, `etcdmain/config.go`, `embed/config.go`; etcd's clustering guide and FAQ.
"""

import re
from collections.abc import Iterator

from provision.diagnostics import Severity
from provision.schema.machine.services import Etcd, Setting
from provision.schema.rules import Finding, rule

PUBLIC_DISCOVERY = "discovery.etcd.io"
STATES = ("new", "existing")
TOKEN = re.compile(r"[0-9a-f]{32}")
# Tokens that manuals, articles and examples show: whoever copies one meets others who did.
PUBLISHED_TOKENS = frozenset((
    "00000000000000000000000000000000", "3e86b59982e49066c5d813af1c2e2579cbf573de", "5480377e1e51f25e11dd78f525ba1122",
    "6a28e078895c5ec737174db2419bb2f3", "827c73219eeb2fa5530027c37bf18877", "86a9ff6c8cb8b4c4544c1a2f88f8b801",
    "a81b5818e67a6ea83e9d4daea5ecbc92",
))  # fmt: skip
# What tells a text that somebody is to replace from one that is meant.
UNFILLED = re.compile(r"[@%#<>{}\[\]$_]|^[A-Z0-9-]+$|placeholder", re.ASCII)
FAKE_TOKEN = re.compile(r"<.*>?|\[.*\]|x{3,}|y{3,}|your[-_ ]?token.*|token|example.*|todo|changeme|\.\.\.|…", re.I)


@rule("PV515", "warning", on=Etcd)
def cluster_has_a_useful_size(etcd: Etcd) -> Iterator[Finding]:
    """A cluster has an odd number of members, at most seven.

    An even number needs a greater majority and survives no more failures than one member less; beyond seven each write
    gets slower. Source: etcd's FAQ, "Why an odd number of cluster members?", "What is maximum cluster size?".

    Bad:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380,two=http://10.0.0.2:2380

    Good:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380,two=http://10.0.0.2:2380,three=http://10.0.0.3:2380
    """
    cluster, discovery = etcd.get("initial_cluster"), etcd.get("discovery")
    size = re.search(r"[?&]size=(\d{1,3})\b", discovery.value) if discovery else None
    place, members = (discovery, int(size[1])) if size else (cluster, len(etcd.names))
    if place is None or etcd.legacy:
        return
    if members % 2 == 0 and members:
        failing = (members - 1) // 2
        message = f"a cluster of {members} survives {failing or 'no'} failing member{'s' * (failing > 1)}, as one of {members - 1} does"
        yield place.found(message, f"take {members - 1} or {members + 1} members")
    elif members > 7:
        yield place.found(
            f"a cluster of {members} is slow to write to",
            "take 3, 5 or 7 members",
            "warning" if members > 9 else "info",
        )


@rule("PV516", "error", on=Etcd)
def cluster_state_is_new_or_existing(etcd: Etcd) -> Iterator[Finding]:
    """`initial_cluster_state` is `new` or `existing`, and a cluster that exists is not looked up by discovery.

    Source: etcd, `embed/config.go`, Validate; `etcdserver/config.go`, VerifyJoinExisting.

    Bad:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380
        initial_cluster_state: fresh

    Good:
      # Container Linux Config
      etcd:
        name: one
        initial_advertise_peer_urls: http://10.0.0.1:2380
        initial_cluster: one=http://10.0.0.1:2380
        initial_cluster_state: existing
    """
    state, discovery = etcd.get("initial_cluster_state"), etcd.get("discovery")
    if state is None or not state.known or etcd.legacy:
        return
    if state.value not in STATES:
        yield state.found(f"`{state.value}` is no state of a cluster; etcd exits", "write `new` or `existing`")
    elif state.value == "existing" and discovery:
        yield state.found(
            "an existing cluster is not joined by discovery; etcd exits", "list its members in `initial_cluster`"
        )


@rule("PV517", "error", on=Etcd)
def discovery_url_names_a_cluster(etcd: Etcd) -> Iterator[Finding]:
    """A discovery URL ends in the token of one cluster.

    A token is made once for each cluster, by a look at https://discovery.etcd.io/new?size=3; that URL itself in a config
    would give every machine a cluster of its own, if etcd took it. Source: etcd's clustering guide, "Discovery".

    Bad:
      # Container Linux Config
      etcd:
        discovery: https://discovery.etcd.io/new?size=3

    Good:
      # Container Linux Config
      etcd:
        discovery: https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
    """
    discovery = etcd.get("discovery")
    if discovery is None or discovery.value.startswith(("$", "{")):
        return  # a template is filled in before etcd sees it
    found = re.fullmatch(r"(\w+)://([^/?#]+)/*([^?#]*)(.*)", discovery.value)
    if found is None and UNFILLED.search(discovery.value):
        yield from no_token(discovery, discovery.value)
        return
    if found is None or found[1] not in ("http", "https"):
        severity: Severity = "warning" if etcd.legacy else "error"
        yield discovery.found("this is no discovery URL", "write it as https://discovery.etcd.io/<token>", severity)
        return
    host, path = found[2], found[3].rstrip("/")
    token = path.rpartition("/")[2]
    if not token:
        yield discovery.found("the discovery URL has no token", "make one: curl https://discovery.etcd.io/new?size=3")
    elif FAKE_TOKEN.fullmatch(token):
        yield from no_token(discovery, token)
    elif host == PUBLIC_DISCOVERY:
        yield from public_discovery(discovery, found[1], token)


def no_token(discovery: Setting, text: str) -> Iterator[Finding]:
    """What is found of words that wait for somebody to put a token there."""
    message = f"`{text}` stands in the place of a token; etcd will not find its cluster"
    yield discovery.found(message, "make one: curl https://discovery.etcd.io/new?size=3", "warning")


def public_discovery(discovery: Setting, scheme: str, token: str) -> Iterator[Finding]:
    """What is wrong with a token of the public discovery service."""
    if token == "new":
        message = "this URL makes a new token each time it is asked; it is none itself"
        yield discovery.found(message, "ask it once, and write down the URL that it answers")
    elif discovery.known and not TOKEN.fullmatch(token):
        message = f"the token has {len(token)} characters, not 32 hexadecimal digits"
        if len(token) == 32:
            message = "the token has characters that are no hexadecimal digits"
        yield discovery.found(message, "copy it again from the discovery service", "warning")
    elif scheme == "http":
        yield discovery.found("the token goes over the network in clear", "write https://", "warning")


@rule("PV518", "warning", on=Etcd)
def token_belongs_to_one_cluster(etcd: Etcd) -> Iterator[Finding]:
    """A token belongs to one cluster: no other has it, and no manual shows it.

    Machines with one discovery token become one cluster, and those of a cluster that is gone still count. Of static
    clusters each has an `initial_cluster_token` of its own, so that their members never mix; it is told where the files
    of several machines are checked at once. Source: etcd's clustering guide.

    Bad:
      # Container Linux Config
      etcd:
        discovery: https://discovery.etcd.io/6a28e078895c5ec737174db2419bb2f3

    Good:
      # Container Linux Config
      etcd:
        discovery: https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
    """
    discovery = etcd.get("discovery")
    if discovery and discovery.value.rstrip("/").rpartition("/")[2] in PUBLISHED_TOKENS:
        message = "this token is printed in manuals or articles; others have used it for clusters of theirs"
        yield discovery.found(message, "make one: curl https://discovery.etcd.io/new?size=3")


@rule("PV519", "error", on=Etcd)
def listening_member_advertises_itself(etcd: Etcd) -> Iterator[Finding]:
    """Who says where to listen for clients also says what clients are told: `advertise_client_urls`.

    etcd exits without it, unless it is a proxy or may become one. Source: etcd, `embed/config.go`,
    ErrUnsetAdvertiseClientURLsFlag.

    Bad:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379

    Good:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379
        advertise_client_urls: http://10.0.0.1:2379
    """
    listening = etcd.get("listen_client_urls")
    may_be_proxy = etcd.is_proxy or (etcd.get("discovery") and etcd.value("discovery_fallback", "proxy") == "proxy")
    if (
        listening
        and etcd.source.whole
        and not (etcd.legacy or may_be_proxy or etcd.first("advertise_client_urls", "addr"))
    ):
        yield listening.found(
            "`listen_client_urls` is given, but not `advertise_client_urls`; etcd exits",
            "add `advertise_client_urls` with the address by which clients reach this machine",
        )


@rule("PV537", "warning", on=Etcd)
def old_data_is_kept(etcd: Etcd) -> Iterator[Finding]:
    """`force_new_cluster` is not part of a config.

    It makes a cluster of one out of the data of a member, to save what can be saved, and would do so at each start.
    Source: etcd's manual on disaster recovery.

    Bad:
      # Container Linux Config
      etcd:
        force_new_cluster: true

    Good:
      # Container Linux Config
      etcd:
        force_new_cluster: false
    """
    setting = etcd.get("force_new_cluster")
    if setting and etcd.true("force_new_cluster"):
        yield setting.found(
            "each start would throw away all other members", "give it by hand, once, when a cluster is lost"
        )
