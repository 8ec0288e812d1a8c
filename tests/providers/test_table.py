"""The table of platforms is complete, and what its rows say of themselves can be shown."""

from pathlib import Path

import pytest
from provider_fakes import FakeMachine

from provision.apply.fetch import NeedsNetwork
from provision.apply.providers import PROVIDERS, asked
from provision.diagnostics import ProvisionError

LINES = [
    line.split()
    for line in (Path(__file__).parent / "answers/platforms.txt").read_text().splitlines()
    if not line.startswith("#")
]
IDS = [platform for platform, *_ in LINES]
ONLINE = [platform for platform, *needs in LINES if needs]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


def test_each_platform_has_its_row_and_no_other_is_there() -> None:
    assert len(IDS) == 31
    assert list(PROVIDERS) == IDS


@pytest.mark.parametrize("platform", IDS)
def test_a_row_says_where_it_looks(platform: str) -> None:
    assert PROVIDERS[platform].what.isprintable()
    assert "?" not in PROVIDERS[platform].what


@pytest.mark.parametrize("platform", ONLINE)
def test_a_metadata_server_needs_the_network(platform: str, machine: FakeMachine) -> None:
    with pytest.raises(NeedsNetwork):
        asked(PROVIDERS[platform], machine.host(offline=True))


@pytest.mark.parametrize("platform", sorted({*IDS} - {"virtualbox", "vmware"}))
def test_a_platform_that_cannot_forget_says_so(platform: str, machine: FakeMachine) -> None:
    with pytest.raises(ProvisionError, match="no way to delete") as caught:
        PROVIDERS[platform].delete(machine.host())
    assert caught.value.exit_code == 1


def test_hardware_has_no_config(machine: FakeMachine) -> None:
    assert PROVIDERS["metal"].fetch(machine.host(offline=True)) is None


def test_what_goes_wrong_names_the_source(machine: FakeMachine) -> None:
    with pytest.raises(ProvisionError, match=r"^the config file: the config /nowhere/x\.ign does not exist"):
        asked(PROVIDERS["file"], machine.host(environ={"IGNITION_CONFIG_FILE": "/nowhere/x.ign"}))
