"""Whether what is configured also runs, and does not get in its own way. Source: the units of Container Linux, coreos-overlay."""

from collections.abc import Iterator

from provision.schema.machine.services import Etcd, Flannel, Fleet, Host, Service
from provision.schema.rules import Finding, rule

# Units that conflict with each other, with the directory that each one's data is in.
DATA_DIRS = {
    "etcd.service": "/var/lib/etcd", "etcd2.service": "/var/lib/etcd2", "etcd-member.service": "/var/lib/etcd",
}  # fmt: skip


def of_vendor(service: Service) -> bool:
    """Whether the unit comes with the system, and the config only adds to it."""
    return not service.source.unit.contents


@rule("PV533", "error", on=Host)
def one_etcd_runs(host: Host) -> Iterator[Finding]:
    """One of etcd.service, etcd2.service and etcd-member.service is started.

    These units of Container Linux conflict: systemd stops one to start the other. Source: coreos-overlay,
    `etcd2.service`, `etcd-member.service`, Conflicts=.

    Bad:
      systemd:
        units:
          - name: etcd2.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=ETCD_NAME=one
          - name: etcd-member.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=ETCD_NAME=one

    Good:
      systemd:
        units:
          - name: etcd2.service
            mask: true
          - name: etcd-member.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=ETCD_NAME=one
    """
    started = [etcd for etcd in host.etcds if etcd.name in DATA_DIRS and of_vendor(etcd) and etcd.source.started]
    for etcd in started[1:]:
        yield etcd.found(f"{etcd.name} and {started[0].name} conflict, and both are started", "start one of them")


@rule("PV535", "warning", on=Host)
def configured_service_is_started(host: Host) -> Iterator[Finding]:
    """A service that gets options is started, and an etcd that is started gets options.

    The units of etcd, fleet and flannel on Container Linux start only where a config says so; an etcd without options is
    a cluster of one, on localhost. Source: coreos-overlay; coreos-cloudinit's manual, `units`.

    Bad:
      systemd:
        units:
          - name: etcd2.service
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=ETCD_NAME=one

    Good:
      systemd:
        units:
          - name: etcd2.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=ETCD_NAME=one
    """
    fleet_runs = any(service.source.started for service in host.of_kind(Fleet))
    for service in host.services:
        if not of_vendor(service) or not isinstance(service, (Etcd, Fleet, Flannel)):
            continue
        by_fleet = fleet_runs and isinstance(service, Etcd) and service.legacy
        by_socket = service.name.replace(".service", ".socket") in host.started
        runs = service.source.started or by_fleet or by_socket
        if service.settings and not runs:
            yield service.found(
                f"{service.name} gets options, but nothing starts it", f"start or enable {service.name}"
            )
        elif isinstance(service, Etcd) and service.source.started and len(service.source.parts) == 1:
            message = f"{service.name} is started without options: a cluster of one, on localhost"
            yield service.found(message, "give it options, or leave it out")


@rule("PV536", "warning", on=Host)
def data_is_where_its_unit_expects_it(host: Host) -> Iterator[Finding]:
    """An etcd keeps its data in the directory that its unit makes for it, and shares it with no other etcd.

    The units of Container Linux make /var/lib/etcd (etcd-member) and /var/lib/etcd2, own them to etcd, and show only
    these to a container. Source: coreos-overlay, `etcd2.conf` (tmpfiles), `etcd-wrapper`.

    Bad:
      # Container Linux Config
      etcd:
        data_dir: /data/etcd

    Good:
      # Container Linux Config
      etcd:
        data_dir: /var/lib/etcd
    """
    seen: dict[str, Etcd] = {}
    for etcd in host.etcds:
        default = DATA_DIRS.get(etcd.name, "") if of_vendor(etcd) else ""
        setting = etcd.get("data_dir")
        path = (setting.value if setting else default).rstrip("/")
        if setting and setting.known and default and path != default:
            yield setting.found(f"{etcd.name} makes {default} for its data, and is told {path}", "leave `data_dir` out")
        other = seen.setdefault(path, etcd)
        place = setting or other.get("data_dir")
        if path and other is not etcd and place and place.known and etcd.source.started:
            message = f"{path} is the data of {etcd.name} and of {other.name}"
            yield place.found(message, "give each etcd a directory of its own")


@rule("PV538", "warning", on=Host)
def members_differ(host: Host) -> Iterator[Finding]:
    """Each member of a cluster has a name and an address of its own.

    It is told of two etcds on one machine, and where the files of several machines are checked at once.
    Source: etcd's clustering guide.

    Bad:
      systemd:
        units:
          - name: etcd-a.service
            contents: |
              [Service]
              Environment=ETCD_DISCOVERY=https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
              ExecStart=/usr/bin/etcd --name=one --data-dir=/var/lib/a
          - name: etcd-b.service
            contents: |
              [Service]
              Environment=ETCD_DISCOVERY=https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
              ExecStart=/usr/bin/etcd --name=one --data-dir=/var/lib/b

    Good:
      systemd:
        units:
          - name: etcd-a.service
            contents: |
              [Service]
              Environment=ETCD_DISCOVERY=https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
              ExecStart=/usr/bin/etcd --name=one --data-dir=/var/lib/a
          - name: etcd-b.service
            contents: |
              [Service]
              Environment=ETCD_DISCOVERY=https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5
              ExecStart=/usr/bin/etcd --name=two --data-dir=/var/lib/b
    """
    seen: dict[tuple[str, str], Etcd] = {}
    for etcd in host.etcds:
        method = etcd.first("discovery", "initial_cluster", "discovery_srv")
        for key in ("name", "initial_advertise_peer_urls") if method and not etcd.is_proxy else ():
            setting = etcd.get(key)
            if method is None or setting is None or not setting.known:
                continue
            other = seen.setdefault((method.value, setting.value), etcd)
            if other is not etcd:
                yield setting.found(
                    f"`{key}` is {setting.value} here and in {other.name}", "let each member have its own"
                )
