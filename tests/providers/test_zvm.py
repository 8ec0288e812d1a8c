"""IBM z/VM: the virtual card reader. Its programs are fakes of shell."""

from pathlib import Path

import pytest
from provider_fakes import CONFIG, FakeMachine

from provision.apply.providers import PROVIDERS, asked
from provision.diagnostics import ProvisionError

HEADER = "ORIGINID FILE CLASS RECORDS  CPY HOLD DATE  TIME     NAME      TYPE     DIST\n"
LISTING = f"""{HEADER}\
MAINT    0003 A PUN 00000012  001 NONE 12/01 10:10:10 NOTES    txt      VM1
SHORT    0004 A PUN
MAINT    0005 A PUN 00000042  001 NONE 12/01 10:10:10 ../evil  ign      VM1
MAINT    0006 A PUN 00000042  001 NONE 12/01 10:10:10 second   ign      VM1
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    machine = FakeMachine(tmp_path, monkeypatch)
    for program in ("chccwdev", "cio_ignore", "udevadm"):
        machine.add(program)
    return machine


def vmur(machine: FakeMachine, listing: str, content: bytes = CONFIG, status: int = 0) -> None:
    """A reader with files."""
    machine.put("/listing", listing.encode())
    machine.put("/content", content)
    machine.add(
        "vmur",
        f'case $1 in li) cat {machine.root}/listing;; re) cp {machine.root}/content "$4"; exit {status};; esac',
    )


def test_the_first_file_of_the_type_ign_is_received(machine: FakeMachine) -> None:
    vmur(machine, LISTING, CONFIG + bytes(80 - len(CONFIG) % 80))
    assert asked(PROVIDERS["zvm"], machine.host(offline=True)) == CONFIG
    assert machine.calls == [
        "modprobe vmur",
        "chccwdev -e 000c",
        "udevadm settle",
        "vmur li",
        "vmur re -f 0005 config.ign",
    ]
    assert machine.leftovers() == []


@pytest.mark.parametrize("listing", ["", HEADER, LISTING.replace(" ign ", " exec ")])
def test_a_reader_without_a_config_is_no_config(listing: str, machine: FakeMachine) -> None:
    vmur(machine, listing)
    assert asked(PROVIDERS["zvm"], machine.host()) is None


def test_what_stands_behind_an_empty_line_does_not_count(machine: FakeMachine) -> None:
    vmur(machine, f"{HEADER}\n{LISTING}")
    assert asked(PROVIDERS["zvm"], machine.host()) is None


def test_a_reader_that_is_ignored_is_freed_first(machine: FakeMachine) -> None:
    vmur(machine, LISTING)
    machine.add("chccwdev", f"grep -q cio_ignore {machine.journal}")
    assert asked(PROVIDERS["zvm"], machine.host()) == CONFIG
    assert machine.calls[1:5] == ["chccwdev -e 000c", "cio_ignore -r 000c", "chccwdev -e 000c", "udevadm settle"]


def test_a_reader_that_stays_offline_is_an_error(machine: FakeMachine) -> None:
    machine.add("chccwdev", "echo 'Device 0.0.000c not found' >&2; exit 1")
    with pytest.raises(ProvisionError, match=r"the z/VM reader 000c: chccwdev ended with status 1: .*not found"):
        asked(PROVIDERS["zvm"], machine.host())


def test_a_file_that_cannot_be_received_is_an_error(machine: FakeMachine) -> None:
    vmur(machine, LISTING, status=2)
    with pytest.raises(ProvisionError, match="vmur ended with status 2"):
        asked(PROVIDERS["zvm"], machine.host())
    assert machine.leftovers() == []


def test_a_file_that_is_received_nowhere_is_an_error(machine: FakeMachine) -> None:
    machine.put("/listing", LISTING.encode())
    machine.add("vmur", f"test $1 = re || cat {machine.root}/listing")
    with pytest.raises(ProvisionError, match="wrote nothing"):
        asked(PROVIDERS["zvm"], machine.host())
    assert machine.leftovers() == []


def test_a_missing_module_is_an_error(machine: FakeMachine) -> None:
    machine.add("modprobe", "exit 1")
    with pytest.raises(ProvisionError, match="modprobe ended with status 1"):
        asked(PROVIDERS["zvm"], machine.host())


def test_a_missing_program_is_named(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_VMUR", "/nowhere/vmur")
    with pytest.raises(ProvisionError, match="/nowhere/vmur was not found"):
        asked(PROVIDERS["zvm"], machine.host())
