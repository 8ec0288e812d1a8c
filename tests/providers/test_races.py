"""Platforms with several places for a config: OpenStack, Brightbox, CloudStack, KubeVirt."""

import threading
from pathlib import Path

import pytest
from provider_fakes import CONFIG, FakeMachine, Reply, metadata_server

from provision.apply.fetch import NeedsNetwork
from provision.apply.providers import PROVIDERS, asked
from provision.apply.providers.host import Host
from provision.apply.providers.networks import dhcp_server, ipv6_interfaces
from provision.apply.providers.provider import Provider
from provision.apply.providers.race import Race
from provision.diagnostics import ProvisionError

OPENSTACK = "/openstack/latest/user_data"
CLOUDSTACK = "/cloudstack/userdata/user_data.txt"
LEASES = "/run/systemd/netif/leases"
LEASE = b"# This is private data. Do not parse.\nADDRESS=10.0.0.7\nSERVER_ADDRESS=10.0.0.1\nROUTER=10.0.0.1\n"

IF_INET6 = b"""\
00000000000000000000000000000001 01 80 10 80       lo
fe8000000000000000fc00fffe000001 02 40 20 80     eth0
fd000000000000000000000000000002 02 40 00 80     eth0
fe8000000000000000fc00fffe000002 03 40 20 80     down
fe8000000000000000fc00fffe000003 04 40 20 80     eth1
garbage
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


def interfaces(machine: FakeMachine) -> None:
    """Two interfaces with IPv6 that count and two that do not."""
    machine.put("/proc/net/if_inet6", IF_INET6)
    for name, flags in {"lo": b"0x9", "eth0": b"0x1003\n", "down": b"0x1002", "eth1": b"0x1003"}.items():
        machine.put(f"/sys/class/net/{name}/flags", flags)


class Said(Provider):
    """A source that says what it is told, after a while."""

    def __init__(self, what: str, content: bytes | Exception | None, waits: int = 0) -> None:
        self.what, self.content, self.waits = what, content, waits

    def fetch(self, host: Host) -> bytes | None:
        for _ in range(self.waits):
            host.wait(1)
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


@pytest.mark.parametrize("platform", ["openstack", "brightbox"])
def test_openstack_has_a_metadata_server(platform: str, machine: FakeMachine) -> None:
    with metadata_server({f"GET {OPENSTACK}": Reply(CONFIG)}) as server:
        assert asked(PROVIDERS[platform], machine.host(server)) == CONFIG


@pytest.mark.parametrize("platform", ["openstack", "brightbox"])
@pytest.mark.parametrize("label", ["config-2", "CONFIG-2"])
def test_openstack_has_a_config_drive(platform: str, label: str, machine: FakeMachine) -> None:
    machine.label(label, {OPENSTACK: CONFIG})
    with metadata_server({f"GET {OPENSTACK}": Reply(status=503)}) as server:
        assert asked(PROVIDERS[platform], machine.host(server, total_s=0.5)) == CONFIG
    assert machine.leftovers() == []


def test_openstack_without_user_data_is_no_config(machine: FakeMachine) -> None:
    with metadata_server({}) as server:
        assert asked(PROVIDERS["openstack"], machine.host(server)) is None


def test_an_openstack_drive_without_user_data_is_no_config(machine: FakeMachine) -> None:
    machine.label("config-2", {"/openstack/latest/meta_data.json": b"{}"})
    with metadata_server({f"GET {OPENSTACK}": Reply(status=503)}) as server:
        assert asked(PROVIDERS["openstack"], machine.host(server, total_s=0.5)) is None


def test_an_openstack_server_that_fails_leaves_it_to_a_late_drive(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = threading.Event()

    def answer(_: object) -> Reply:
        failed.set()
        return Reply(status=403)

    def attach() -> None:
        failed.wait(5)
        machine.attach("CONFIG-2", {OPENSTACK: CONFIG})

    with metadata_server({f"GET {OPENSTACK}": answer}) as server:
        thread = threading.Thread(target=attach)
        thread.start()
        assert asked(PROVIDERS["openstack"], machine.host(server)) == CONFIG
        thread.join()
    assert f"warning: the metadata server's http://169.254.169.254{OPENSTACK}: " in capsys.readouterr().err


def test_openstack_is_asked_through_each_interface_with_ipv6(machine: FakeMachine) -> None:
    interfaces(machine)
    with (
        metadata_server({f"GET {OPENSTACK}": Reply(status=503)}) as v4,
        metadata_server({f"GET {OPENSTACK}": Reply(CONFIG)}) as v6,
    ):
        host = machine.host(v4, total_s=0.5)
        host.addresses = {
            **host.addresses,
            "http://[fe80::a9fe:a9fe%eth0]": v4.origin,
            "http://[fe80::a9fe:a9fe%eth1]": v6.origin,
        }
        assert asked(PROVIDERS["openstack"], host) == CONFIG


def test_interfaces_that_are_down_or_loop_back_do_not_count(machine: FakeMachine) -> None:
    assert ipv6_interfaces(machine.host()) == []
    interfaces(machine)
    assert ipv6_interfaces(machine.host()) == ["eth0", "eth1"]
    machine.put("/sys/class/net/eth0/flags", b"?")
    assert ipv6_interfaces(machine.host()) == ["eth1"]


def test_the_interfaces_of_this_very_machine_can_be_listed(machine: FakeMachine) -> None:
    assert "lo" not in ipv6_interfaces(machine.host(prefix=""))


def test_cloudstack_asks_the_server_of_its_lease(machine: FakeMachine) -> None:
    machine.put(f"{LEASES}/2", LEASE)
    with metadata_server({"GET /latest/user-data": Reply(CONFIG)}) as server:
        assert asked(PROVIDERS["cloudstack"], machine.host(server)) == CONFIG


def test_cloudstack_without_user_data_is_no_config(machine: FakeMachine) -> None:
    machine.put(f"{LEASES}/2", LEASE)
    with metadata_server({}) as server:
        assert asked(PROVIDERS["cloudstack"], machine.host(server)) is None


@pytest.mark.parametrize("label", ["config-2", "CONFIG-2"])
def test_cloudstack_has_a_config_drive(label: str, machine: FakeMachine) -> None:
    machine.label(label, {CLOUDSTACK: CONFIG})
    assert asked(PROVIDERS["cloudstack"], machine.host()) == CONFIG


def test_a_lease_may_come_late_and_that_of_the_first_interface_counts(machine: FakeMachine) -> None:
    machine.put(f"{LEASES}/.#temporary", b"")

    def leased() -> None:
        machine.put(f"{LEASES}/10", b"SERVER_ADDRESS=10.0.0.10\n")
        machine.put(f"{LEASES}/9", b"SERVER_ADDRESS=10.0.0.9\n")

    host = machine.host(events={3: leased})
    assert dhcp_server(host) == "10.0.0.9"
    assert host.waits == 3


@pytest.mark.parametrize(
    ("lease", "reason"),
    [
        (b"ADDRESS=10.0.0.7\n", "has no SERVER_ADDRESS"),
        (b"SERVER_ADDRESS=\n", "no IPv4 address"),
        (b"SERVER_ADDRESS=10.0.0.1/../x@evil\n", "no IPv4 address"),
        (b"\xff\x00", "has no SERVER_ADDRESS"),
    ],
)
def test_a_lease_that_makes_no_sense_is_an_error(lease: bytes, reason: str, machine: FakeMachine) -> None:
    machine.put(f"{LEASES}/2", lease)
    with pytest.raises(ProvisionError, match=reason):
        dhcp_server(machine.host())


def test_kubevirt_needs_no_network(machine: FakeMachine) -> None:
    machine.label("cidata", {"/user-data": CONFIG})
    assert asked(PROVIDERS["kubevirt"], machine.host(offline=True)) == CONFIG


def test_the_first_answer_wins_and_the_others_end(machine: FakeMachine) -> None:
    before = set(threading.enumerate())
    slow = Said("slow", b"late", waits=10_000)
    slow.ends_when_overtaken = True
    assert Race(slow, Said("quick", b"early", waits=1)).fetch(machine.host()) == b"early"
    assert not set(threading.enumerate()) - before


def test_no_config_is_an_answer_too(machine: FakeMachine) -> None:
    assert Race(Said("a", None), Said("b", b"late", waits=10_000)).fetch(machine.host()) is None


def test_where_all_fail_there_is_no_config_and_each_failure_is_told(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    race = Race(Said("a", ProvisionError("one")), Said("b", ProvisionError("two"), waits=3))
    assert race.fetch(machine.host()) is None
    assert capsys.readouterr().err.splitlines() == ["warning: a: one", "warning: b: two"]


def test_what_we_broke_ourselves_is_no_failure_of_a_source(machine: FakeMachine) -> None:
    with pytest.raises(ZeroDivisionError):
        Race(Said("a", ZeroDivisionError()), Said("b", b"late", waits=10_000)).fetch(machine.host())


def test_a_race_that_needs_the_network_does_not_start_without(machine: FakeMachine) -> None:
    race = Race(Said("a", b"early"), online=True)
    with pytest.raises(NeedsNetwork):
        race.fetch(machine.host(offline=True))
    assert race.fetch(machine.host()) == b"early"
