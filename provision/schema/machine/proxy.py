"""etcd 2 and 3 as a proxy, and TLS. Source: etcd 2.3, `etcdmain/etcd.go`, `pkg/transport/listener.go`; its proxy manual."""

from collections.abc import Iterator

from provision.schema.machine.addresses import read_url
from provision.schema.machine.services import Etcd, Setting
from provision.schema.rules import Finding, rule

MODES = ("off", "on", "readonly")
PEER_OPTIONS = ("listen_peer_urls", "initial_advertise_peer_urls")


@rule("PV526", "error", on=Etcd)
def proxy_knows_a_cluster(etcd: Etcd) -> Iterator[Finding]:
    """A proxy is `on` or `readonly`, and is told the cluster that it passes requests on to.

    Without `discovery`, `initial_cluster` or `discovery_srv` it would ask localhost. It needs no options for peers, and
    without `listen_client_urls` it serves this machine only. Source: etcd 2.3's proxy manual.

    Bad:
      # Container Linux Config
      etcd:
        listen_client_urls: http://localhost:2379
        proxy: both
        discovery: https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5

    Good:
      # Container Linux Config
      etcd:
        listen_client_urls: http://localhost:2379
        proxy: readonly
        discovery: https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
    """
    proxy = etcd.get("proxy")
    if proxy is None or not proxy.known or etcd.legacy or proxy.value == "off":
        return
    if proxy.value not in MODES:
        yield proxy.found(f"`{proxy.value}` is no mode of a proxy; etcd exits", "write `on`, `readonly` or `off`")
        return
    if etcd.source.whole and not etcd.first("discovery", "initial_cluster", "discovery_srv"):
        yield proxy.found("nothing tells the proxy which cluster it is for", "add `initial_cluster` or `discovery`")
    if not etcd.get("listen_client_urls"):
        message = "the proxy serves only this machine, for no `listen_client_urls` is given"
        yield proxy.found(message, "add `listen_client_urls`: http://localhost:2379 says so plainly", "warning")
    for key in PEER_OPTIONS:
        setting = etcd.get(key)
        if setting:
            yield setting.found(f"`{key}` means nothing to a proxy", "take it away", "warning")


@rule("PV527", "warning", on=Etcd)
def proxy_does_not_speak_of_itself(etcd: Etcd) -> Iterator[Finding]:
    """A proxy advertises nothing, and the cluster that it asks is not itself.

    `advertise_client_urls` means nothing to a proxy. Where its cluster is the proxy's own address it would ask itself
    without an end. Source: etcd 2.3's proxy manual.

    Bad:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379
        advertise_client_urls: http://10.0.0.7:2379
        discovery: https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
        proxy: "on"

    Good:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379
        discovery: https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
        proxy: "on"
    """
    if not etcd.is_proxy or etcd.legacy:
        return
    advertised, cluster = etcd.get("advertise_client_urls"), etcd.get("initial_cluster")
    if advertised:
        yield advertised.found("`advertise_client_urls` means nothing to a proxy", "take it away")
    own = {(url.host, url.port) for url in etcd.urls("listen_client_urls") if not url.open}
    for url in (read_url(text) for urls in etcd.names.values() for text in urls):
        if cluster and not url.is_wildcard and (url.host, url.port) in own:
            yield cluster.found(f"{url.text} is the proxy itself, which would ask itself without an end")


# The options of TLS for clients and for peers: URLs to listen on, certificate, key, CA, whether to ask, by itself.
TLS = {
    "listen_client_urls": ("cert_file", "key_file", "trusted_ca_file", "client_cert_auth", "auto_tls", "ca_file"),
    "listen_peer_urls": (
        "peer_cert_file", "peer_key_file", "peer_trusted_ca_file", "peer_client_cert_auth", "peer_auto_tls", "peer_ca_file",
    ),
}  # fmt: skip


@rule("PV528", "error", on=Etcd)
def https_has_its_certificate(etcd: Etcd) -> Iterator[Finding]:
    """Who listens on https has a certificate with its key, and who has one listens on https.

    etcd exits without them; on http they are passed over, and so is a demand for certificates of clients.
    Source: etcd, `client/pkg/transport/listener.go`.

    Bad:
      # Container Linux Config
      etcd:
        listen_client_urls: https://0.0.0.0:2379
        advertise_client_urls: https://10.0.0.1:2379
        cert_file: /etc/ssl/certs/etcd.pem

    Good:
      # Container Linux Config
      etcd:
        listen_client_urls: https://0.0.0.0:2379
        advertise_client_urls: https://10.0.0.1:2379
        cert_file: /etc/ssl/certs/etcd.pem
        key_file: /etc/ssl/certs/etcd-key.pem
    """
    for listening, keys in () if etcd.legacy else TLS.items():
        yield from tls_side(etcd, listening, keys)


def tls_side(etcd: Etcd, listening: str, keys: tuple[str, ...]) -> Iterator[Finding]:
    """What is wrong with TLS towards clients, or towards peers."""
    cert, key, ca, auth, auto, old_ca = (etcd.get(key) for key in keys)
    given = etcd.get(listening)
    schemes = {url.scheme for url in etcd.urls(listening)} if given else set()
    automatic = auto is not None and etcd.true(keys[4])
    if given and "https" in schemes and not automatic and etcd.source.whole and not (cert and key):
        missing = " and ".join(f"`{name}`" for name, setting in zip(keys, (cert, key), strict=False) if not setting)
        yield given.found(f"`{listening}` has https, but no {missing} is given; etcd exits")
    elif cert and not key and etcd.source.whole:
        yield cert.found(f"`{keys[0]}` is given without `{keys[1]}`", None, "warning")
    elif key and not cert and etcd.source.whole:
        yield key.found(f"`{keys[1]}` is given without `{keys[0]}`", None, "warning")
    elif cert and schemes == {"http"} and not etcd.is_proxy:
        yield cert.found(f"`{listening}` has only http, where the certificate is not used", "write https://", "warning")
    if auth and etcd.true(keys[3]) and not (ca or old_ca) and etcd.source.whole:
        yield unasked(auth, keys[2])


def unasked(auth: Setting, ca: str) -> Finding:
    """What is found of a demand for certificates that no CA answers to."""
    return auth.found(f"`{auth.key}` is on, but no `{ca}` says whose certificates are good", f"add `{ca}`", "warning")
