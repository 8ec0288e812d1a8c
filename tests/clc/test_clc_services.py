"""The drop-ins that Container Linux Config sets up etcd and flannel with: options and their order by version, versions, places."""

import json
from typing import Any

import pytest

from provision.ignition import Dropin
from provision.record import Record
from provision.schema.clc import Etcd, Flannel
from provision.transpile.author import Options
from provision.transpile.clc.versions import numbers
from provision.transpile.compile import Compiled, compile_document


def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


ETCD_2_3 = words(
    """advertise-client-urls ca-file cert-file client-cert-auth cors data-dir debug discovery discovery-fallback
discovery-srv discovery-proxy election-timeout enable-pprof force-new-cluster heartbeat-interval
initial-advertise-peer-urls initial-cluster initial-cluster-state initial-cluster-token key-file listen-client-urls
listen-peer-urls log-package-levels max-snapshots max-wals name peer-ca-file peer-cert-file peer-key-file
peer-client-cert-auth peer-trusted-ca-file proxy proxy-dial-timeout proxy-failure-wait proxy-read-timeout
proxy-refresh-interval proxy-write-timeout snapshot-count strict-reconfig-check trusted-ca-file wal-dir"""
)
ETCD_3_3 = words(
    """name data-dir wal-dir snapshot-count heartbeat-interval election-timeout enable-pprof enable-v2
listen-peer-urls listen-client-urls max-snapshots max-wals cors quota-backend-bytes max-txn-ops max-request-bytes
grpc-keepalive-min-time grpc-keepalive-interval grpc-keepalive-timeout initial-advertise-peer-urls initial-cluster
initial-cluster-state initial-cluster-token advertise-client-urls discovery discovery-srv discovery-fallback
discovery-proxy strict-reconfig-check auto-compaction-retention auto-compaction-mode proxy proxy-failure-wait
proxy-refresh-interval proxy-dial-timeout proxy-write-timeout proxy-read-timeout ca-file cert-file key-file
client-cert-auth client-crl-file trusted-ca-file auto-tls peer-ca-file peer-cert-file peer-key-file
peer-client-cert-auth peer-crl-file peer-trusted-ca-file peer-auto-tls peer-cert-allowed-cn auth-token debug
log-package-levels force-new-cluster metrics log-output listen-metrics-urls experimental-initial-corrupt-check
experimental-corrupt-check-time experimental-enable-v2v3"""
)
# What each table has that the one before it had not.
NEW_IN_3_3 = words(
    """quota-backend-bytes max-txn-ops max-request-bytes grpc-keepalive-min-time grpc-keepalive-interval
grpc-keepalive-timeout auto-compaction-mode client-crl-file peer-crl-file peer-cert-allowed-cn listen-metrics-urls
experimental-initial-corrupt-check experimental-corrupt-check-time experimental-enable-v2v3"""
)
NEW_IN_3_2 = ["enable-v2", "auth-token"]
NEW_IN_3_1 = ["metrics", "log-output"]
ETCD_3_2 = [option for option in ETCD_3_3 if option not in NEW_IN_3_3]
ETCD_3_1 = [option for option in ETCD_3_2 if option not in NEW_IN_3_2]
ETCD_3_0 = [option for option in ETCD_3_1 if option not in NEW_IN_3_1]

FLANNEL_0_5 = words(
    """etcd-endpoints etcd-cafile etcd-certfile etcd-keyfile etcd-prefix ip-masq subnet-file iface
public-ip"""
)
FLANNEL_0_6 = ["etcd-username", "etcd-password", *FLANNEL_0_5]
FLANNEL_0_7 = [*FLANNEL_0_6, "kube-subnet-mgr"]

ETCD_VERSIONS: dict[str | None, list[str]] = {
    None: ETCD_3_0, "2.3.0": ETCD_2_3, "2.4.0": ETCD_2_3, "3.0.0": ETCD_3_0, "3.1.0": ETCD_3_1, "3.2.0": ETCD_3_2,
    "3.3.0": ETCD_3_3, "3.4.0": ETCD_3_3,
}  # fmt: skip
FLANNEL_VERSIONS: dict[str | None, list[str]] = {
    None: FLANNEL_0_6, "0.5.0": FLANNEL_0_5, "0.6.0": FLANNEL_0_6, "0.7.0": FLANNEL_0_7, "0.8.0": FLANNEL_0_7,
}  # fmt: skip


def compiled(text: str, **options: str) -> Compiled:
    return compile_document(text.encode(), "config.yaml", Options(**options))  # type: ignore[arg-type]  # texts only


def section(name: str, version: str | None, options: dict[str, str]) -> str:
    """A section of a document with these options."""
    lines = [f"{name}:", *([f'  version: "{version}"'] if version else [])]
    return "\n".join([*lines, *(f"  {key}: {value}" for key, value in options.items())]) + "\n"


def dropin_of(result: Compiled) -> Dropin:
    """The one drop-in of the config."""
    assert result.config is not None
    ((dropin,),) = (unit.dropins for unit in result.config.systemd.units)
    return dropin


def flags_of(result: Compiled) -> list[str]:
    """The options in a drop-in's command, in their order."""
    lines = (dropin_of(result).contents or "").split("\n")
    return [line.strip().removeprefix("--").partition("=")[0] for line in lines if line.startswith("  --")]


def line_of(record: Record, name: str) -> int:
    """The line that a record's field, or a variable in its text, comes from."""
    place: Any = record.spot(name)
    return int(place.start_mark.line) + 1


def every_option(cls: type[Etcd] | type[Flannel]) -> dict[str, str]:
    """A value for each option of any version; those that the version does not have are dropped."""
    values = {"str": "1", "int": "1", "bool": "true"}
    return {row.snake: values[row.kind] for row in cls.rows.values() if row.snake not in ("version", "network_config")}


@pytest.mark.parametrize("version", ETCD_VERSIONS)
def test_etcd_gets_the_options_of_its_version_in_the_order_of_ct(version: str | None) -> None:
    result = compiled(section("etcd", version, every_option(Etcd)))
    assert flags_of(result) == ETCD_VERSIONS[version]
    dropped = [found for found in result.diagnostics if found.code == "PV101"]
    assert len(dropped) == len(ETCD_3_3) - len(ETCD_VERSIONS[version])


@pytest.mark.parametrize("version", FLANNEL_VERSIONS)
def test_flannel_gets_the_options_of_its_version_in_the_order_of_ct(version: str | None) -> None:
    result = compiled(section("flannel", version, every_option(Flannel)))
    assert flags_of(result) == FLANNEL_VERSIONS[version]
    dropped = [found for found in result.diagnostics if found.code == "PV101"]
    assert len(dropped) == len(FLANNEL_0_7) - len(FLANNEL_VERSIONS[version])


@pytest.mark.parametrize(
    ("name", "version", "severity"),
    [
        ("etcd", "2.2.9", "error"), ("etcd", "2.3.0-rc.1", "error"), ("etcd", "2.3.0", None), ("etcd", "2.4.0", "warning"),
        ("etcd", "3.0.0", None), ("etcd", "3.3.99", None), ("etcd", "3.4.0", "warning"), ("etcd", "4.0.0", "error"),
        ("etcd", "1.0.0", "error"), ("etcd", "3.3", "error"), ("etcd", "v3.3.0", "error"), ("etcd", "", "error"),
        ("etcd", "3.x.0", "error"), ("etcd", "3.3.0+build", None), ("etcd", "3.3.0.1", "error"),
        ("flannel", "0.4.9", "error"), ("flannel", "0.5.0", None), ("flannel", "0.7.1", None),
        ("flannel", "0.8.0", "warning"), ("flannel", "1.0.0", "error"),
    ],
)  # fmt: skip
def test_versions_outside_the_known_ones_are_told(name: str, version: str, severity: str | None) -> None:
    text = f'{name}:\n  version: "{version}"\n'
    found = [each for each in compiled(text).diagnostics if each.code == "PV685"]
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert [each.span.line for each in found] == [2] * len(found)


def test_a_refused_version_is_all_that_is_said_of_a_section() -> None:
    assert [found.code for found in compiled(section("etcd", "4.0.0", every_option(Etcd))).diagnostics] == ["PV685"]


def test_the_image_tag_has_the_version_as_numbers() -> None:
    assert "ETCD_IMAGE_TAG=v3.3.1-rc.0+x" in (dropin_of(compiled(section("etcd", "03.3.1-rc.0+x", {}))).contents or "")
    assert numbers("3.3.1") == (3, 3, 1, "")


def test_a_later_version_is_named_for_an_option_that_it_brought() -> None:
    (found,) = compiled(section("etcd", None, {"enable_v2": "true"})).diagnostics
    assert (found.code, found.severity, found.span.line) == ("PV101", "warning", 2)
    assert "`enable_v2` exists from etcd 3.2 on, this section is for 3.0" in found.message
    assert found.hint == "set `version: 3.2.0` or a later one to use it"


def test_a_variable_in_a_dropin_has_the_authors_place() -> None:
    options = {"name": "node", "listen_client_urls": "http://127.0.0.1:2379"}
    dropin = dropin_of(compiled(section("etcd", "3.3.0", options)))
    lines = {name: line_of(dropin, name) for name in ("ETCD_NAME", "ETCD_LISTEN_CLIENT_URLS", "ETCD_IMAGE_TAG")}
    assert lines == {"ETCD_NAME": 3, "ETCD_LISTEN_CLIENT_URLS": 4, "ETCD_IMAGE_TAG": 2}


def test_a_variable_in_update_conf_has_the_authors_place() -> None:
    text = "update:\n  group: beta\n  server: https://example.com/\nlocksmith:\n  reboot_strategy: reboot\n"
    config = compiled(text).config
    assert config is not None
    (file,) = config.storage.files
    lines = {name: line_of(file, name) for name in ("GROUP", "SERVER", "REBOOT_STRATEGY")}
    assert lines == {"GROUP": 2, "SERVER": 3, "REBOOT_STRATEGY": 5}


def test_the_network_of_flannel_is_written_below_the_default_prefix() -> None:
    text = 'flannel:\n  network_config: \'{"Network": "10.1.0.0/16"}\'\n'
    line = (dropin_of(compiled(text)).contents or "").split("\n")[-1]
    assert line == (
        'ExecStartPre=/usr/bin/etcdctl set /coreos.com/network/config "{\\"Network\\": \\"10.1.0.0/16\\"}"'
    )  # fmt: skip


@pytest.mark.parametrize(("text", "good"), [("{}", True), ("null", True), ("[]", False), ("{", False), ('"a"', False)])
def test_a_network_configuration_is_a_json_object(text: str, good: bool) -> None:
    found = compiled(f"flannel:\n  network_config: '{text}'\n").diagnostics
    assert ("PV688" in [each.code for each in found]) != good


def test_a_network_configuration_beside_kube_subnet_mgr_counts_where_flannel_has_that_option() -> None:
    options = {"kube_subnet_mgr": "true", "network_config": "'{}'"}
    assert "PV688" in [found.code for found in compiled(section("flannel", "0.7.0", options)).diagnostics]
    codes = [found.code for found in compiled(section("flannel", "0.6.0", options)).diagnostics]
    assert "PV101" in codes
    assert "PV688" not in codes


def test_a_document_is_the_same_json_each_time() -> None:
    text = "etcd: {}\nflannel: {}\ndocker: {}\nupdate:\n  group: stable\n"
    units = [
        unit["name"] for unit in json.loads(compiled(text, platform="openstack-metadata").output())["systemd"]["units"]
    ]
    assert units == [
        "coreos-metadata.service", "coreos-metadata-sshkeys@.service", "docker.service", "etcd-member.service",
        "flanneld.service",
    ]  # fmt: skip


def test_a_secret_option_is_in_no_message() -> None:
    text = b'# Container Linux Config\nflannel:\n  version: 0.7.0\n  etcd_password: "hunter}2$jumble%zz{ALSO}"\n'
    found = compile_document(text, "secret.yaml").diagnostics
    assert {"PV687", "PV693"} <= {each.code for each in found}
    said = " ".join(f"{each.message} {each.hint}" for each in found)
    assert not any(part in said for part in ("hunter", "jumble", "%z", "ALSO"))
