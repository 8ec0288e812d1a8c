"""fleet, flannel and locksmith as clients of etcd: that there is one, on the port that they ask, with the API that they speak.

Source: the defaults of fleet 1.0, flannel 0.7 and locksmith 0.6; etcd's change logs for its v2 API.
"""

from collections.abc import Iterator

from provision.diagnostics import Severity
from provision.schema.fleet_options import FLANNEL, FLEET, LOCKSMITH
from provision.schema.machine.services import Etcd, Flannel, Fleet, Host, Locksmith, Service, Setting
from provision.schema.rules import Finding, rule

# By service: the option that names its etcd.
ENDPOINTS: dict[type[Service], str] = {Fleet: "etcd_servers", Flannel: "etcd_endpoints", Locksmith: "endpoint"}
DEFAULTS: dict[type[Service], str] = {
    kind: next(option.default for option in table if option.key == ENDPOINTS[kind])
    for kind, table in {Fleet: FLEET, Flannel: FLANNEL, Locksmith: LOCKSMITH}.items()
}


def is_client(service: Service) -> bool:
    """Whether a service runs and asks an etcd."""
    if isinstance(service, Locksmith):
        return service.value("update_reboot_strategy") == "etcd-lock"
    if isinstance(service, Flannel):
        return not service.true("kube_subnet_mgr")
    return isinstance(service, Fleet) and (service.source.started or bool(service.settings))


def clients(host: Host, *kinds: type[Service]) -> Iterator[Service]:
    """The clients of etcd on a machine, of some kinds."""
    return (service for service in host.services if isinstance(service, kinds) and is_client(service))


def mismatch(host: Host, service: Service) -> Iterator[Finding]:
    """What is wrong with the endpoints of a client: no etcd here, or one on other ports."""
    kind = type(service)
    key = ENDPOINTS[kind]
    setting = service.get(key)
    urls = [url for url in service.urls(key, DEFAULTS[kind]) if not url.open]
    local = {url.port for url in urls if url.is_local and url.port}
    if not local or len(local) < len({url.port for url in urls}) or any(not url.is_local for url in urls):
        return
    asked = " or ".join(str(port) for port in sorted(port for port in local if port))
    if not host.etcds:
        message = f"{service.name} asks an etcd on this machine, and the config sets up none"
        yield at(service, setting, message, f"add an etcd (a proxy will do), or name one in `{key}`")
        return
    ports = [etcd.client_ports for etcd in host.etcds]
    if all(ports) and not any(local & some for some in ports):
        listening = ", ".join(str(port) for port in sorted(set().union(*ports)))
        message = f"{service.name} asks etcd on port {asked}, and etcd listens on {listening}"
        yield at(service, setting, message, f"set `{key}` to the port of etcd")


def at(service: Service, setting: Setting | None, message: str, hint: str) -> Finding:
    """A finding at an option, or at the service where the option is not given."""
    return setting.found(message, hint) if setting else service.found(message, hint)


@rule("PV540", "warning", on=Host)
def fleet_finds_its_etcd(host: Host) -> Iterator[Finding]:
    """fleet has an etcd: one on this machine, on a port that it asks, or those in `etcd_servers`.

    By default it asks 127.0.0.1 on 2379 and 4001. Source: fleet 1.0, `config/config.go`.

    Bad:
      systemd:
        units:
          - name: fleet.service
            enabled: true

    Good:
      systemd:
        units:
          - name: fleet.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=FLEET_ETCD_SERVERS=http://10.0.0.1:2379
    """
    for service in clients(host, Fleet):
        yield from mismatch(host, service)


@rule("PV541", "warning", on=Host)
def neighbours_find_their_etcd(host: Host) -> Iterator[Finding]:
    """flannel and locksmith ask etcd on a port on which it listens.

    By default they ask 127.0.0.1 on 2379 and 4001. Source: flannel 0.7, `main.go`; locksmith 0.6, `locksmithctl`.

    Bad:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379
        advertise_client_urls: http://10.0.0.1:2379
      flannel:
        etcd_endpoints: http://127.0.0.1:2389

    Good:
      # Container Linux Config
      etcd:
        listen_client_urls: http://0.0.0.0:2379
        advertise_client_urls: http://10.0.0.1:2379
      flannel:
        etcd_endpoints: http://127.0.0.1:2379
    """
    for service in clients(host, Flannel, Locksmith):
        if host.etcds:
            yield from mismatch(host, service)


@rule("PV542", "warning", on=Host)
def reboot_lock_has_its_etcd(host: Host) -> Iterator[Finding]:
    """A reboot strategy is one that locksmith knows, and `etcd-lock` has an etcd to keep the lock in.

    `best-effort` took the lock where etcd ran; locksmith 0.6 knows it no more. Source: locksmith, `locksmithctl/daemon.go`.

    Bad:
      # Container Linux Config
      locksmith:
        reboot_strategy: etcd-lock

    Good:
      # Container Linux Config
      locksmith:
        reboot_strategy: etcd-lock
        etcd_endpoints: http://10.0.0.1:2379
    """
    for service in host.of_kind(Locksmith):
        strategy = service.get("update_reboot_strategy")
        if strategy is None or not strategy.known:
            continue
        if strategy.value == "etcd-lock" and not (host.etcds or service.get("endpoint")):
            message = "the lock is kept in an etcd on this machine, and the config sets up none"
            yield strategy.found(message, "add an etcd, name one by its endpoint, or use `reboot`")
        elif strategy.value == "best-effort":
            meant = "etcd-lock" if host.etcds else "reboot"
            yield strategy.found("`best-effort` is gone since locksmith 0.6", f"here it meant `{meant}`")
        elif strategy.value.lower() not in ("etcd-lock", "reboot", "off"):
            yield strategy.found(f"`{strategy.value}` is no strategy; no update would ever reboot the machine")


@rule("PV543", "warning", on=Host)
def clients_find_the_v2_api(host: Host) -> Iterator[Finding]:
    """fleet, flannel and locksmith speak etcd's v2 API, which is off from 3.4 on unless `enable_v2` is set, and gone in 3.6.

    Source: etcd's change logs for 3.4 and 3.6.

    Bad:
      systemd:
        units:
          - name: etcd-member.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=ETCD_IMAGE_TAG=v3.5.0
                  Environment=ETCD_NAME=one
          - name: flanneld.service
            enabled: true

    Good:
      systemd:
        units:
          - name: etcd-member.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=ETCD_IMAGE_TAG=v3.5.0
                  Environment=ETCD_NAME=one
                  Environment=ETCD_ENABLE_V2=true
          - name: flanneld.service
            enabled: true
    """
    asking = [service for service in clients(host, Fleet, Flannel, Locksmith) if not remote(service)]
    for etcd in host.etcds if asking else ():
        if lacks_v2(etcd) and etcd.version:
            names = " and ".join(service.name for service in asking)
            which = f"etcd {etcd.version[0]}.{etcd.version[1]}"
            gone = etcd.since((3, 6))
            verb = "needs" if len(asking) == 1 else "need"
            message = f"{names} {verb} the v2 API, which {which} {'does not have' if gone else 'leaves off'}"
            severity: Severity = "error" if gone else "warning"
            yield etcd.found(message, "use etcd 3.5 or older" if gone else "set `enable_v2` to true", severity)


def lacks_v2(etcd: Etcd) -> bool:
    """Whether an etcd certainly does not serve the v2 API."""
    return etcd.since((3, 6)) or (etcd.since((3, 4)) and etcd.source.whole and not etcd.true("enable_v2"))


def remote(service: Service) -> bool:
    """Whether a client asks another machine's etcd."""
    return any(not url.is_local for url in service.urls(ENDPOINTS[type(service)]))
