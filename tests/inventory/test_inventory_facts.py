"""What is read from a config of its machine: addresses, host name, membership."""

import json
from typing import Any

import pytest

from provision.contents import data_url
from provision.ignition import Config
from provision.inventory.facts import Machine, machine_of
from provision.transpile.compile import compile_document

NETWORKD = "/etc/systemd/network/10-a.network"
NM = "/etc/NetworkManager/system-connections/a.nmconnection"
NETPLAN = "/etc/netplan/a.yaml"
IFUPDOWN = "/etc/network/interfaces"


def config(
    files: dict[str, str], arguments: list[str] | None = None, units: list[dict[str, Any]] | None = None
) -> Config:
    """A config with files, kernel arguments and units."""
    document = {
        "ignition": {"version": "3.4.0"},
        "storage": {
            "files": [{"path": path, "contents": {"source": data_url(text.encode())}} for path, text in files.items()]
        },
        "kernelArguments": {"shouldExist": arguments or []},
        "systemd": {"units": units or []},
    }
    found = compile_document(json.dumps(document).encode(), "a.ign").config
    assert found is not None
    return found


def machine(**files: str) -> Machine:
    return machine_of(config(files))


ADDRESSES = {
    "networkd": (NETWORKD, "[Match]\nName=eth0\n[Network]\nAddress=10.0.0.5/24\nGateway=10.0.0.1\nDNS=10.0.0.2\n", ["10.0.0.5"]),
    "networkd, several": (NETWORKD, "[Match]\nName=eth0\n[Network]\nAddress=10.0.0.5/24\n[Address]\nAddress=FD00:0::5/64\nPeer=10.9.9.9/32\n", ["10.0.0.5", "fd00::5"]),
    "networkd, loopback": (NETWORKD, "[Match]\nName=lo\n[Network]\nAddress=10.0.0.5/32\n", []),
    "networkd, local": (NETWORKD, "[Match]\nName=eth0\n[Network]\nAddress=169.254.1.1/16\nAddress=fe80::1/64\nAddress=127.0.0.2/8\nAddress=0.0.0.0/24\n", []),
    "networkd, nonsense": (NETWORKD, "[Match]\nName=eth0\n[Network]\nAddress=many\n", []),
    "networkd, elsewhere": ("/etc/systemd/other/10-a.network", "[Match]\nName=eth0\n[Network]\nAddress=10.0.0.5/24\n", []),
    "NetworkManager": (NM, "[connection]\ntype=ethernet\n[ipv4]\nmethod=manual\naddress1=10.0.0.5/24,10.0.0.1\naddress2=10.0.1.5/24\ndns=10.0.0.2;\n[ipv6]\naddresses=fd00::5/64;fd00::6/64;\n", ["10.0.0.5", "10.0.1.5", "fd00::5", "fd00::6"]),
    "NetworkManager, dummy": (NM, "[connection]\ntype=dummy\ninterface-name=dummy0\n[ipv4]\naddress1=10.0.0.5/24\n", []),
    "netplan": (NETPLAN, "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses:\n        - 10.0.0.5/24\n        - 10.0.0.6/24: {label: a}\n      nameservers: {addresses: [10.0.0.2]}\n    lo: {addresses: [10.0.0.9/32]}\n", ["10.0.0.5", "10.0.0.6"]),
    "netplan, nonsense": (NETPLAN, "network: [a, {b: c}]\n", []),
    "netplan, broken": (NETPLAN, "network: {a: [\n", []),
    "ifupdown": (IFUPDOWN, "auto eth0\niface eth0 inet static\n  address 10.0.0.5/24\n  gateway 10.0.0.1\niface lo inet static\n  address 10.0.0.9\niface eth1 inet static\n address 10.0.1.5\n", ["10.0.0.5", "10.0.1.5"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ADDRESSES)
def test_static_addresses_are_found(case: str) -> None:
    path, text, expected = ADDRESSES[case]
    assert [(found.address, found.by) for found in machine(**{path: text}).addresses] == [
        (address, path) for address in expected
    ]


def test_a_device_that_the_config_makes_for_itself_is_nobody_elses_business() -> None:
    netdev = "[NetDev]\nName=inner\nKind=dummy\n"
    network = "[Match]\nName=inner\n[Network]\nAddress=10.0.0.5/32\n"
    assert not machine(**{NETWORKD: network, "/etc/systemd/network/10-a.netdev": netdev}).addresses
    assert machine(**{NETWORKD: network, "/etc/systemd/network/10-a.netdev": netdev.replace("dummy", "vlan")}).addresses


KERNEL = {
    "ip=10.0.0.5::10.0.0.1:255.255.255.0:box:eth0:none": (["10.0.0.5"], "box"),
    "ip=10.0.0.5::10.0.0.1:255.255.255.0::eth0:off:10.0.0.2": (["10.0.0.5"], None),
    "ip=[fd00::5]::[fd00::1]:64:box:eth0:none": (["fd00::5"], "box"),
    "ip=10.0.0.5/24::10.0.0.1::box:eth0:none": (["10.0.0.5"], "box"),
    "ip=dhcp": ([], None),
    "ip=eth0:dhcp": ([], None),
    "ip=:::::eth0:dhcp": ([], None),
    "ip=": ([], None),
    "ip": ([], None),
    "ip=[": ([], None),
    "systemd.hostname=box": ([], "box"),
    "hostname=box": ([], "box"),
    "quiet": ([], None),
}


@pytest.mark.parametrize("argument", KERNEL)
def test_kernel_arguments_give_addresses_and_names(argument: str) -> None:
    found = machine_of(config({}, [argument]))
    assert ([each.address for each in found.addresses], found.hostname) == KERNEL[argument]


def test_the_file_has_the_host_name() -> None:
    assert machine(**{"/etc/hostname": "box\n"}).hostname == "box"
    assert machine(**{"/etc/hostname": "\n"}).hostname is None
    assert machine_of(config({"/etc/hostname": "box"}, ["systemd.hostname=other"])).hostname == "box"


def test_a_member_says_whom_it_expects() -> None:
    text = "[Service]\nEnvironment=ETCD_NAME=one ETCD_INITIAL_CLUSTER=one=http://10.0.0.1:2380,two=http://10.0.0.2:2380\nEnvironment=ETCD_INITIAL_CLUSTER_STATE={}\nExecStart=/usr/bin/etcd\n"
    for state in ("new", "existing"):
        (found,) = machine_of(config({}, units=[{"name": "etcd.service", "contents": text.format(state)}])).members
        assert found == ("one", frozenset(("one=http://10.0.0.1:2380", "two=http://10.0.0.2:2380")), state == "new")


def test_an_open_list_says_nothing() -> None:
    text = "[Service]\nEnvironment=ETCD_NAME=one ETCD_INITIAL_CLUSTER=one=http://$private_ipv4:2380\nExecStart=/usr/bin/etcd\n"
    assert not machine_of(config({}, units=[{"name": "etcd.service", "contents": text}])).members
