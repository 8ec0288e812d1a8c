"""The options of fleet's daemon. Source: fleet 1.0, `config/config.go`, `machine/state.go`, `fleetd/fleetd.go`."""

from collections.abc import Iterator

from provision.schema.machine.services import Fleet
from provision.schema.rules import Finding, rule

TLS_FILES = ("etcd_cafile", "etcd_certfile", "etcd_keyfile")


@rule("PV544", "warning", on=Fleet)
def fleet_has_all_files_for_tls(fleet: Fleet) -> Iterator[Finding]:
    """fleet speaks https to etcd with a CA, a certificate and its key.

    It exits where it has a certificate without the key, or the key alone. Source: fleet 1.0, `pkg/http.go`,
    ReadTLSConfigFiles.

    Bad:
      systemd:
        units:
          - name: fleet.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=FLEET_ETCD_SERVERS=https://10.0.0.1:2379

    Good:
      systemd:
        units:
          - name: fleet.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=FLEET_ETCD_SERVERS=https://10.0.0.1:2379
                  Environment=FLEET_ETCD_CAFILE=/etc/ssl/ca.pem
                  Environment=FLEET_ETCD_CERTFILE=/etc/ssl/fleet.pem
                  Environment=FLEET_ETCD_KEYFILE=/etc/ssl/fleet-key.pem
    """
    ca, cert, key = (fleet.get(name) for name in TLS_FILES)
    servers = fleet.get("etcd_servers")
    if not fleet.source.whole:
        return
    half = (cert or key) if bool(cert) != bool(key) else None
    if half:
        other = "etcd_keyfile" if cert else "etcd_certfile"
        yield half.found(f"`{half.key}` is given without `{other}`; fleet exits", f"add `{other}`", "error")
    elif servers and any(url.scheme == "https" for url in fleet.urls("etcd_servers")) and not (ca and cert):
        missing = ", ".join(f"`{name}`" for name in TLS_FILES if not fleet.get(name))
        yield servers.found(f"etcd is asked over https, but {missing} {'are' if ',' in missing else 'is'} not given")


@rule("PV545", "warning", on=Fleet)
def fleet_metadata_are_pairs(fleet: Fleet) -> Iterator[Finding]:
    """fleet's metadata are pairs key=value with commas between them, each key once.

    fleet drops a part without an equals sign, and of two values for one key the first, without a word; units that ask for
    them then find no machine. Source: fleet 1.0, `config/config.go`, Metadata.

    Bad:
      systemd:
        units:
          - name: fleet.service
            enabled: true
            dropins:
              - name: options.conf
                contents: |
                  [Service]
                  Environment=FLEET_ETCD_SERVERS=http://10.0.0.1:2379
                  Environment=FLEET_METADATA=role=worker,ssd

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
                  Environment=FLEET_METADATA=role=worker,disk=ssd
    """
    metadata = fleet.get("metadata")
    seen: set[str] = set()
    for part in metadata.value.split(",") if metadata else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if metadata is None or "$" in part:
            continue
        if not equals:
            yield metadata.found(f"`{part.strip()}` has no equals sign; fleet drops it", "write key=value")
        elif not key or not value:
            yield metadata.found(f"`{part.strip()}` has an empty {'key' if not key else 'value'}", "write key=value")
        elif key in seen:
            yield metadata.found(
                f"`{key}` is given twice; fleet keeps the last", "a unit may ask for several values, a machine has one"
            )
        seen.add(key)
