"""Which options the version of an etcd knows, and how they go together.

An unknown flag stops etcd; an unknown variable it mentions in its log and passes over. Source: etcd, `pkg/flags/flag.go`,
`etcdmain/config.go` at the release branches.
"""

import re
from collections.abc import Iterator

from provision.diagnostics import Severity, nearest
from provision.schema.etcd_options import BY_VARIABLE, OPTIONS, Option, Version
from provision.schema.machine.services import Etcd, Setting
from provision.schema.rules import Finding, rule

# What Container Linux's own units set as variables. Source: coreos-overlay, `app-admin/etcd-wrapper`.
VENDOR_VARIABLES = ("name", "data_dir")
OLD_CA = ("ca_file", "peer_ca_file")
MAX_ELECTION_MS = 50_000
# etcd holds these in 64 bits.
WHOLE_NUMBER = re.compile(r"[0-9]{1,19}")
NEWEST: Version = (3, 7)


@rule("PV529", "warning", on=Etcd)
def clients_are_checked_the_new_way(etcd: Etcd) -> Iterator[Finding]:
    """`trusted_ca_file` with `client_cert_auth` stands in the place of `ca_file` since etcd 2.1; 3.4 took `ca_file` away.

    Source: etcd 2.1 and 3.4, `etcdmain/config.go`.

    Bad:
      # Container Linux Config
      etcd:
        ca_file: /etc/ssl/certs/ca.pem

    Good:
      # Container Linux Config
      etcd:
        trusted_ca_file: /etc/ssl/certs/ca.pem
        client_cert_auth: true
    """
    for key in () if etcd.legacy else OLD_CA:
        setting = etcd.get(key)
        if setting:
            gone = etcd.since((3, 4))
            said = "is gone since etcd 3.4" if gone else "is deprecated since etcd 2.1"
            severity: Severity = "error" if gone and setting.given == "flag" else "warning"
            yield setting.found(f"`{key}` {said}", f"use {OPTIONS[key].successor}", severity)


@rule("PV530", "error", on=Etcd)
def election_waits_for_heartbeats(etcd: Etcd) -> Iterator[Finding]:
    """An election starts after at least five heartbeats, and within 50 seconds.

    The defaults are 100 ms and 1000 ms; both are whole numbers above zero. Source: etcd, `embed/config.go`, Validate.

    Bad:
      # Container Linux Config
      etcd:
        heartbeat_interval: 500

    Good:
      # Container Linux Config
      etcd:
        heartbeat_interval: 500
        election_timeout: 2500
    """
    heartbeat, election = etcd.get("heartbeat_interval"), etcd.get("election_timeout")
    given = [setting for setting in (heartbeat, election) if setting]
    if not given or etcd.legacy or not all(setting.known for setting in given):
        return
    for setting in given:
        if not WHOLE_NUMBER.fullmatch(setting.value) or int(setting.value) == 0:
            yield setting.found(f"`{setting.key}` is `{setting.value}`, no whole number above 0; etcd exits")
            return
    beat, wait = int(heartbeat.value) if heartbeat else 100, int(election.value) if election else 1000
    if wait < 5 * beat:
        message = f"elections start after {wait} ms, less than five heartbeats of {beat} ms; etcd exits"
        yield given[-1].found(message, f"set `election_timeout` to {5 * beat} or more")
    elif wait > MAX_ELECTION_MS and election:
        yield election.found(f"{wait} ms is more than {MAX_ELECTION_MS}, the longest that etcd takes")


@rule("PV531", "warning", on=Etcd)
def options_are_known_to_their_etcd(etcd: Etcd) -> Iterator[Finding]:
    """Each option exists in the version of etcd that gets it, and has an effect there.

    An unknown flag stops etcd; an unknown variable is passed over. Source: etcd, `etcdmain/config.go`, by release.

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
                  Environment=ETCD_LOG_PACKAGE_LEVELS=etcdserver=WARNING

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
                  Environment=ETCD_LOG_LEVEL=warn
    """
    for key, setting in etcd.settings.items():
        option = BY_VARIABLE.get(f"ETCD_{key.upper()}")
        if option is None:
            yield from unknown_option(etcd, setting)
        elif etcd.version and not (etcd.legacy or key in OLD_CA):
            yield from unfit_option(etcd, setting, option, etcd.version)


def unknown_option(etcd: Etcd, setting: Setting) -> Iterator[Finding]:
    """What is found of an option that no etcd has."""
    name = setting.name or setting.key
    meant = nearest(setting.key, list(OPTIONS))
    hint = f"did you mean `{meant}`?" if meant else None
    if setting.given == "flag":
        sure = etcd.version is not None and etcd.version <= NEWEST
        yield setting.found(f"etcd has no option {name}, and exits", hint, "error" if sure else "warning")
    elif meant:
        yield setting.found(f"etcd has no option {name}, and passes over it", hint)


def unfit_option(etcd: Etcd, setting: Setting, option: Option, version: Version) -> Iterator[Finding]:
    """What is found of an option that a version does not have, or passes over."""
    which = f"etcd {version[0]}.{version[1]}"
    hint = f"use `{option.successor}`" if option.successor else None
    if not option.known_in(version):
        first, last = option.since, option.until
        when = f"came with {first[0]}.{first[1]}" if version < first else f"went with {last[0]}.{last[1]}"
        end = "exits" if setting.given == "flag" else "passes over it"
        severity: Severity = "error" if setting.given == "flag" else "warning"
        yield setting.found(f"{which} has no `{option.key}`, which {when}; it {end}", hint, severity)
    elif version >= option.ignored:
        yield setting.found(f"{which} passes over `{option.key}`", hint)
    elif version >= option.deprecated:
        yield setting.found(f"`{option.key}` is deprecated in {which}", hint)


@rule("PV532", "error", on=Etcd)
def option_is_given_once(etcd: Etcd) -> Iterator[Finding]:
    """From etcd 3.4 on an option is given as a flag or as a variable, not as both.

    It exits where a flag shadows a variable. The unit etcd-member.service sets ETCD_NAME and ETCD_DATA_DIR itself.
    Source: etcd 3.4, `pkg/flags/flag.go`, verifyEnv.

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
                  ExecStart=
                  ExecStart=/usr/lib/coreos/etcd-wrapper $ETCD_OPTS --name=one

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
    """
    if not etcd.since((3, 4)):
        return
    unset = {word.partition("=")[0] for word in etcd.source.text.words("Service", "UnsetEnvironment")}
    vendor = VENDOR_VARIABLES if etcd.name == "etcd-member.service" and not etcd.source.unit.contents else ()
    for key, setting in etcd.settings.items():
        variable = f"ETCD_{key.upper()}"
        if setting.given == "flag" and variable not in unset and (key in etcd.source.shadowed or key in vendor):
            whose = "the unit sets" if key in vendor else "there is also"
            message = f"`{setting.name}` is given as a flag, and {whose} {variable}; etcd 3.4 and newer exit"
            yield setting.found(message, f"set {variable} instead, or add UnsetEnvironment={variable}")


@rule("PV534", "warning", on=Etcd)
def etcd_0_4_gets_its_own_options(etcd: Etcd) -> Iterator[Finding]:
    """Options of etcd 2 are given to etcd 2: the section `etcd` and etcd.service are about etcd 0.4.

    etcd 0.4 never knew the options with URLs, and starts without them. Source: coreos-cloudinit, `config/etcd.go`.

    Bad:
      systemd:
        units:
          - name: etcd.service
            enabled: true
            dropins:
              - name: 20-cloudinit.conf
                contents: |
                  [Service]
                  Environment=ETCD_ADDR=10.0.0.1:4001
                  Environment=ETCD_HEARTBEAT_INTERVAL=200

    Good:
      systemd:
        units:
          - name: etcd.service
            enabled: true
            dropins:
              - name: 20-cloudinit.conf
                contents: |
                  [Service]
                  Environment=ETCD_ADDR=10.0.0.1:4001
                  Environment=ETCD_PEER_HEARTBEAT_INTERVAL=200
    """
    for key, setting in etcd.settings.items() if etcd.legacy else ():
        option = OPTIONS.get(key)
        if option and option.since > (0, 4) and setting.name != "ETCD_SNAPSHOTCOUNT":
            message = f"`{key}` is an option of etcd {option.since[0]}.{option.since[1]}; the etcd 0.4 of etcd.service passes over it"
            yield setting.found(message, "put it under `etcd2`, and start etcd2.service")
