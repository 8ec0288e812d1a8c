"""What the templates write into files: each text is one that its reader takes, also where parameters ask for the other way."""

import configparser
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from library_shared import NAMES, TEMPLATES, changed, compiled, sample_values
from ruamel.yaml import YAML

from provision.schema.machine.file_text import text_of
from provision.units import parse

# Keys of a container's quadlet. Source: podman-systemd.unit(5) of Podman 5.4.
CONTAINER_KEYS = set(re.findall(r"\w+", """
    AddCapability AddDevice AddHost Annotation AutoUpdate CgroupsMode ContainerName ContainersConfModule DNS DNSOption
    DNSSearch DropCapability Entrypoint Environment EnvironmentFile EnvironmentHost Exec ExposeHostPort GIDMap GlobalArgs Group
    GroupAdd HealthCmd HealthInterval HealthLogDestination HealthMaxLogCount HealthMaxLogSize HealthOnFailure HealthRetries
    HealthStartPeriod HealthStartupCmd HealthStartupInterval HealthStartupRetries HealthStartupSuccess HealthStartupTimeout
    HealthTimeout HostName IP IP6 Image Label LogDriver LogOpt Mask Mount Network NetworkAlias NoNewPrivileges Notify PidsLimit
    Pod PodmanArgs PublishPort Pull ReadOnly ReadOnlyTmpfs Rootfs RunInit SeccompProfile Secret SecurityLabelDisable
    SecurityLabelFileType SecurityLabelLevel SecurityLabelNested SecurityLabelType ShmSize StartWithPod StopSignal StopTimeout
    SubGIDMap SubUIDMap Sysctl Timezone Tmpfs UIDMap Ulimit Unmask User UserNS Volume WorkingDir
"""))  # fmt: skip

# Values that lead to the parts of templates that the samples do not have.
OTHERS: dict[str, list[dict[str, Any]]] = {
    "test-cluster": [{"role": "worker"}],
    "updates-flatcar": [{"strategy": "off"}, {"strategy": "etcd-lock", "etcd_endpoints": ["http://192.0.2.11:2379"]}],
    "registry-mirror": [{"account": {"name": "machines", "password": "example-password"}}],
    "registry-client": [{"ca_certificate": None}],
    "flannel": [{"interface": "eth1", "backend": "host-gw"}],
    "container-service": [{"data": None, "settings": {}, "secrets": {}, "ports": []}],
    "k3s-agent": [{"labels": {}}],
    "kubeadm-worker": [{"certificate_key": "0" * 64}],
    "vpn-join": [{"routes": [], "ssh": True, "login_server": "https://vpn.example.com"}],
    "node-exporter": [{"tls": None, "address": "2001:db8::1"}],
    "log-shipping": [{"account": None, "ca_certificate": None, "labels": {}}],
    "encrypted-data": [{"opened_by": {"tpm2": True, "tang": [], "threshold": 1}}],
    "mirrored-boot": [{"tpm2": False}],
    "static-network": [{"addresses": ["2001:db8::10/64"], "gateway": None}, {"addresses": ["192.0.2.10/24"], "gateway6": None}],
    "bond-vlan": [{"networks": [{"vlan": 20, "addresses": ["192.0.2.10/24"]}], "mode": "active-backup"}],
    "bond-vlan-networkd": [{"networks": [{"vlan": 20, "addresses": ["192.0.2.10/24"]}], "mode": "active-backup"}],
    "time-servers": [{"nts": False, "dhcp": True}],
    "ssh-hardening": [{"addresses": [], "forwarding": True}],
    "updates-fcos": [{"strategy": "immediate"}, {"strategy": "fleet_lock", "lock_manager": "https://lock.example.com/"}],
    "debian-server": [{"packages": [], "reboot_at": None, "hostname": "server1"}],
    "debian-raspberry-pi": [{"wifi": None, "spare_card": False}],
    "debian-data-disk": [{"folders": []}],
}  # fmt: skip
CASES: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in NAMES] + [
    (name, values) for name, several in OTHERS.items() for values in several
]


def files(name: str, values: dict[str, Any]) -> dict[str, str]:
    """The texts of all files that a template writes, by path. It compiles without a word."""
    made = compiled(name, changed(name, **values))
    assert {found.code for found in made.diagnostics} <= {"PV673"}, made.diagnostics
    assert made.config is not None
    found = {file.path: text_of(file) for file in made.config.storage.files}
    return {path: text for path, text in found.items() if text is not None}


def yaml(text: str) -> object:
    """The plain value of all documents of a YAML."""
    return list(YAML(typ="safe", pure=True).load_all(text))


def keyfile(text: str) -> object:
    """A keyfile of NetworkManager."""
    found = configparser.ConfigParser(delimiters="=", comment_prefixes="#", strict=True, interpolation=None)
    found.read_string(text)
    return found


def script(text: str) -> None:
    """A shell script, as far as bash and shellcheck can tell without running it."""
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "--severity=warning", "--shell=bash", "-"], input=text, text=True, check=True)


def quadlet(text: str) -> None:
    """A unit that podman makes a service of."""
    unit = parse(text)
    assert not unit.faults
    assert {option.name for option in unit.options("Container")} <= CONTAINER_KEYS
    assert unit.value("Install", "WantedBy") == "multi-user.target"


def variables(text: str) -> None:
    """A file of variables."""
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=.*", line) for line in text.splitlines())


READERS: dict[str, Callable[[str], object]] = {
    r".*\.ya?ml": yaml,
    r".*\.json": json.loads,
    r".*\.toml|/etc/(crio|containers)/.*\.conf": tomllib.loads,
    r".*\.nmconnection": keyfile,
    r"/opt/bin/.*": script,
    r".*\.container": quadlet,
    r".*\.env": variables,
}


@pytest.mark.parametrize(("name", "values"), CASES, ids=[f"{name}-{'-'.join(values)}" for name, values in CASES])
def test_a_file_is_what_its_reader_takes(name: str, values: dict[str, Any]) -> None:
    for path, text in files(name, values).items():
        assert text.endswith("\n") or path == "/etc/hostname", path
        assert "\n\n\n" not in text
        assert not re.search(r"[ \t]$", text, re.M), path
        for pattern, reader in READERS.items():
            if re.fullmatch(pattern, path):
                reader(text)


def test_every_template_with_choices_has_its_other_ones_tried() -> None:
    choosing = {name for name in NAMES if re.search(r"\{%\s*(if|for|elif)\b", TEMPLATES[name].text.split("#}", 1)[1])}
    loops = {
        name for name in choosing if not re.search(r"\{%\s*(if|elif|else)\b(?![^%]*\bfail\b)", TEMPLATES[name].text)
    }
    asked = {name for name in choosing - loops if "{% if" in TEMPLATES[name].text.replace("{% if not own", "")}
    only_refusals = {"raid1-data", "raid10-data", "static-network-networkd", "users"}
    assert asked - set(OTHERS) - only_refusals == set()


# ---- what a template itself refuses -----------------------------------------------------------------------------

MEMBERS = [{"name": f"m{number}", "address": f"192.0.2.{number}"} for number in range(1, 8)]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("central-services", {"name": "central-4"}, "`name` is not among"),
    ("etcd-cluster", {"name": "etcd-4"}, "`name` is not among"),
    ("fleet-web", {"name": "web-4"}, "`name` is not among"),
    ("raid1-data", {"spares": 1}, "of 2 disks 1 are spares, and RAID 1 needs 2 more"),
    ("raid10-data", {"spares": 2}, "of 5 disks 2 are spares, and RAID 10 needs 4 more"),
    ("encrypted-data", {"opened_by": {"tpm2": True, "tang": [], "threshold": 2}}, "is 2, and there are 1 to open it"),
    ("static-network", {"addresses": ["192.0.2.10/24"]}, "a gateway needs an address of its version"),
    ("static-network-networkd", {"addresses": ["2001:db8::10/64"]}, "a gateway needs an address of its version"),
    ("bond-vlan", {"networks": [{"addresses": ["192.0.2.1/24"]}, {"addresses": ["192.0.3.1/24"]}]}, "one network only"),
    ("bond-vlan-networkd", {"networks": [{"addresses": ["192.0.2.1/24"]}, {"addresses": ["192.0.3.1/24"]}]}, "one network only"),
    ("users", {"password_hashes": {}}, "bob has no hash"),
    ("updates-fcos", {"strategy": "fleet_lock"}, "fleet_lock needs a `lock_manager`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "said"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_what_can_not_be_is_refused_with_the_reason(name: str, values: dict[str, Any], said: str) -> None:
    made = compiled(name, changed(name, **values))
    (found,) = made.diagnostics
    assert (found.code, found.file) == ("PV786", TEMPLATES[name].file)
    assert said in found.message
    assert "fail(" in TEMPLATES[name].text.splitlines()[found.span.line - 1]


# ---- single promises --------------------------------------------------------------------------------------------


def test_each_of_seven_central_machines_reboots_on_a_day_of_its_own() -> None:
    days = set()
    for member in MEMBERS:
        values = {"name": member["name"], "members": MEMBERS}
        text = files("central-services", values)["/etc/flatcar/update.conf"]
        days |= set(re.findall(r'WINDOW_START="(\w+) 04:00"', text))
    assert len(days) == 7


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_a_number_of_members_that_is_no_use_is_refused(count: int) -> None:
    made = compiled("central-services", changed("central-services", members=MEMBERS[:count], name="m1"))
    assert {found.code for found in made.diagnostics} == {"PV785"}


def test_an_update_strategy_that_is_off_says_nothing_of_windows() -> None:
    assert "WINDOW" not in files("updates-flatcar", {"strategy": "off"})["/etc/flatcar/update.conf"]


def test_the_pids_limit_is_that_of_the_text_that_it_goes_back_to() -> None:
    (text,) = files("openshift-pids-limit", {}).values()
    assert tomllib.loads(text) == {"crio": {"runtime": {"pids_limit": 1500}}}


def several(text: str, key: str) -> Iterator[str]:
    """The values of a key that may stand several times."""
    return (line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}="))


def test_addresses_of_both_versions_go_where_they_belong() -> None:
    text = files("static-network", {})["/etc/NetworkManager/system-connections/enp1s0.nmconnection"]
    v4, v6 = text.split("[ipv6]")
    assert list(several(v4, "address1")) == ["192.0.2.10/24"]
    assert list(several(v6, "address1")) == ["2001:db8::10/64"]
    assert list(several(v4, "dns")) == ["192.0.2.53;"]
    assert list(several(v6, "gateway")) == ["2001:db8::1"]


def test_nobody_gets_a_password_that_the_sample_does_not_give() -> None:
    for name in NAMES:
        made = compiled(name, sample_values(name))
        assert made.config is not None
        with_password = {user.name for user in made.config.passwd.users if user.password_hash}
        assert with_password == ({"bob"} if name == "users" else set())
