"""What must fit between the machines of one call: members of a cluster, their tokens, fleet's metadata."""

from pathlib import Path

import pytest

from provision.diagnostics import Diagnostic
from provision.transpile.author import Options
from provision.validation import Selection, validate_files

CLC = "# Container Linux Config\netcd:\n"
TOKEN = "https://discovery.etcd.io/60887e46255f4ef37077ccf12b5f06a5"
LISTED = "one=http://10.0.0.1:2380,two=http://10.0.0.2:2380,three=http://10.0.0.3:2380"
FLEET = "#cloud-config\ncoreos:\n  fleet:\n    etcd_servers: http://10.0.0.9:2379\n    metadata: {}\n  units:\n    - name: fleet.service\n      command: start\n"
UNIT = "[Service]\nExecStart=/usr/bin/web\n[X-Fleet]\n"


def found(folder: Path, codes: str, **files: str) -> list[Diagnostic]:
    """What is said of files that are checked at once, by one code."""
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(text)
    paths = [str(folder / name.replace("__", ".")) for name in files]
    result = validate_files(paths, Options(), Selection(), 1, "stdin")
    return [diagnostic for diagnostic in result.diagnostics if diagnostic.code == codes]


def member(name: str, number: int, more: str = "", cluster: str = LISTED) -> str:
    url = f"http://10.0.0.{number}:2380"
    return f"{CLC}  name: {name}\n  initial_advertise_peer_urls: {url}\n  initial_cluster: {cluster}\n{more}"


def test_members_with_names_and_addresses_of_their_own_are_fine(tmp_path: Path) -> None:
    files = {f"{name}__yaml": member(name, number) for number, name in enumerate(("one", "two", "three"), 1)}
    assert not found(tmp_path, "PV538", **files)


def test_a_name_that_two_members_of_a_cluster_have_is_told_at_the_second(tmp_path: Path) -> None:
    (said,) = found(tmp_path, "PV538", a__yaml=member("one", 1), b__yaml=member("one", 2))
    assert (Path(said.file).name, said.span.line) == ("b.yaml", 3)
    assert said.message.startswith("one is the name of the member in ")


def test_an_address_that_two_members_advertise_is_told(tmp_path: Path) -> None:
    (said,) = found(tmp_path, "PV538", a__yaml=member("one", 1), b__yaml=member("two", 1))
    assert (Path(said.file).name, said.span.line) == ("b.yaml", 4)


def test_members_of_one_discovery_token_may_not_share_a_name(tmp_path: Path) -> None:
    text = f"{CLC}  name: core\n  discovery: {TOKEN}\n"
    assert found(tmp_path, "PV538", a__yaml=text, b__yaml=text)
    assert not found(tmp_path, "PV538", a__yaml=text, b__yaml=text.replace("core", "edge"))
    assert not found(tmp_path, "PV538", a__yaml=text, b__yaml=text.replace("f06a5", "f06a6"))


def test_proxies_are_no_members(tmp_path: Path) -> None:
    text = f'{CLC}  name: core\n  discovery: {TOKEN}\n  proxy: "on"\n'
    assert not found(tmp_path, "PV538", a__yaml=text, b__yaml=text)


def test_a_token_of_two_clusters_is_told(tmp_path: Path) -> None:
    other = "four=http://10.0.1.4:2380"
    token = "  initial_cluster_token: mine\n"
    first, second = member("one", 1, token), member("four", 4, token, other).replace("10.0.0.4", "10.0.1.4")
    (said,) = found(tmp_path, "PV518", a__yaml=first, b__yaml=second)
    assert said.span.line == 6
    assert not found(tmp_path, "PV518", a__yaml=first, b__yaml=second.replace("mine", "theirs"))
    grown = member("four", 4, token, f"{LISTED},four=http://10.0.0.4:2380")
    assert not found(tmp_path, "PV518", a__yaml=first, b__yaml=grown)


@pytest.mark.parametrize(("first", "second", "count"), [("200", "200", 0), ("200", "150", 1), ("100", None, 0)])
def test_timings_that_differ_between_members_are_told(
    tmp_path: Path, first: str, second: str | None, count: int
) -> None:
    one = member("one", 1, f"  heartbeat_interval: {first}\n")
    two = member("two", 2, f"  heartbeat_interval: {second}\n" if second else "")
    assert len(found(tmp_path, "PV530", a__yaml=one, b__yaml=two)) == count


def test_a_timing_that_only_one_member_gives_is_told(tmp_path: Path) -> None:
    one = member("one", 1, "  heartbeat_interval: 150\n")
    (said,) = found(tmp_path, "PV530", a__yaml=one, b__yaml=member("two", 2))
    assert (said.severity, said.message.split(" in ")[0]) == ("warning", "`heartbeat_interval` is 100 here and 150")


WISHES = {
    "MachineMetadata=role=worker": True,
    "MachineMetadata=role=services\nMachineMetadata=role=worker": True,
    'MachineMetadata="role=worker" "disk=ssd"': True,
    'MachineMetadata="role=worker" "disk=tape"': False,
    "MachineMetadata=role=services": False,
    "MachineMetadata=region=eu": False,
}


@pytest.mark.parametrize("wish", WISHES)
def test_a_fleet_unit_asks_for_metadata_that_some_machine_has(tmp_path: Path, wish: str) -> None:
    host = FLEET.format("role=worker,disk=ssd")
    said = found(tmp_path, "PV545", host__yaml=host, web__service=f"{UNIT}{wish}\n")
    assert bool(said) != WISHES[wish]
    assert all(Path(each.file).name == "web.service" for each in said)


def test_a_fleet_unit_without_machines_is_not_judged(tmp_path: Path) -> None:
    assert not found(tmp_path, "PV545", web__service=f"{UNIT}MachineMetadata=role=services\n")
