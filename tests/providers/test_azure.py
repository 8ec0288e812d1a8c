"""Azure: user data from the metadata server, custom data from a CD. The drive's answer to an ioctl is a fake."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from provider_fakes import CONFIG, FakeMachine, PatientHost, Reply, metadata_server

from provision.apply.providers import PROVIDERS, asked
from provision.diagnostics import ProvisionError

USER_DATA = "GET /metadata/instance/compute/userData?api-version=2021-01-01&format=text"
DISC_OK, NO_DISC = 4, 1

# What is on a device is told by its folder's name; a device with an extra file `locked` cannot be probed.
FAKE_BLKID = """
for device; do :; done
test -e "$device/kind" || exit 2
cat "$device/kind"
"""


class Drives(PatientHost):
    """A host on which the fake devices have drive states, by their paths; what is no drive refuses the question."""

    states: dict[str, int]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.opened = ""

    def open(self, path: str, flags: int) -> int:
        self.opened = path
        return super().open(path, flags)

    def ioctl(self, fd: int, request: int, argument: Any = 0) -> int:
        assert (request, argument) == (0x5326, 0)
        if self.opened not in self.states:
            raise OSError(25, "Inappropriate ioctl for device")
        return self.states[self.opened]


class AzureMachine(FakeMachine):
    """A machine with CD drives."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        self.add("blkid", FAKE_BLKID)
        self.states: dict[str, int] = {}

    def disc(self, name: str, kind: str, files: dict[str, bytes], state: int | None = DISC_OK) -> None:
        """A device with content; without a state it is no drive."""
        self.put(f"/sys/class/block/{name}/size")
        self.put(f"/dev/{name}/kind", kind.encode() + b"\n")
        for path, content in files.items():
            self.put(f"/dev/{name}{path}", content)
        if state is not None:
            self.states[f"/dev/{name}"] = state

    def drives(self, *arguments: Any, **more: Any) -> Drives:
        """The host of this machine."""
        plain = self.host(*arguments, **more)
        host = Drives(
            plain.fetcher,
            prefix=plain.prefix,
            environ={},
            addresses=plain.addresses,
            pace=plain.pace,
            events=plain.events,
        )
        host.states = self.states
        return host


CD = {"/ovf-env.xml": b"<Environment/>", "/CustomData.bin": CONFIG}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AzureMachine:
    return AzureMachine(tmp_path, monkeypatch)


def test_user_data_is_base64_from_the_metadata_server(machine: AzureMachine) -> None:
    with metadata_server({USER_DATA: Reply(b64encode(CONFIG))}) as server:
        assert asked(PROVIDERS["azure"], machine.drives(server)) == CONFIG
    assert server.asked[0].headers["metadata"] == "true"


@pytest.mark.parametrize("status", [404, 410, 429, 500])
def test_a_new_machine_asks_again(status: int, machine: AzureMachine) -> None:
    with metadata_server({USER_DATA: [Reply(status=status), Reply(b64encode(CONFIG))]}) as server:
        assert asked(PROVIDERS["azure"], machine.drives(server)) == CONFIG


def test_user_data_that_is_never_found_ends_with_the_time(machine: AzureMachine) -> None:
    with (
        metadata_server({}) as server,
        pytest.raises(ProvisionError, match="in time"),
    ):
        asked(PROVIDERS["azure"], machine.drives(server, total_s=0.1))


def test_a_refusal_is_an_error_and_no_reason_to_look_for_custom_data(machine: AzureMachine) -> None:
    machine.disc("sr0", "udf", CD)
    with (
        metadata_server({USER_DATA: Reply(status=403)}) as server,
        pytest.raises(ProvisionError, match="403"),
    ):
        asked(PROVIDERS["azure"], machine.drives(server))
    assert machine.calls == []


def test_user_data_that_is_not_base64_is_an_error(machine: AzureMachine) -> None:
    with (
        metadata_server({USER_DATA: Reply(b"#cloud-config")}) as server,
        pytest.raises(ProvisionError, match="not base64"),
    ):
        asked(PROVIDERS["azure"], machine.drives(server))


def test_without_user_data_the_config_is_custom_data(machine: AzureMachine) -> None:
    machine.disc("sr0", "udf", CD)
    with metadata_server({USER_DATA: Reply()}) as server:
        assert asked(PROVIDERS["azure"], machine.drives(server)) == CONFIG
    mount = next(call for call in machine.calls if call.startswith("mount"))
    assert " -t udf /dev/sr0 " in mount
    assert machine.leftovers() == []


def test_a_cd_without_custom_data_is_no_config(machine: AzureMachine) -> None:
    machine.disc("sr0", "udf", {"/ovf-env.xml": b""})
    assert asked(PROVIDERS["azurestack"], machine.drives()) is None


@pytest.mark.parametrize("kind", ["udf", "iso9660"])
def test_azure_stack_takes_both_kinds_of_cds(kind: str, machine: AzureMachine) -> None:
    machine.disc("sr0", kind, CD)
    assert asked(PROVIDERS["azurestack"], machine.drives()) == CONFIG


def test_azure_takes_no_iso9660(machine: AzureMachine) -> None:
    machine.disc("sr0", "iso9660", CD)
    insert = {5: lambda: machine.disc("sr1", "udf", {**CD, "/CustomData.bin": b"late"})}
    with metadata_server({USER_DATA: Reply()}) as server:
        assert asked(PROVIDERS["azure"], machine.drives(server, events=insert)) == b"late"


def test_a_disk_that_looks_like_a_cd_is_not_believed(machine: AzureMachine) -> None:
    machine.disc("sda", "udf", {**CD, "/CustomData.bin": b"from a user's disk"}, state=None)
    machine.disc("sr0", "udf", CD)
    assert asked(PROVIDERS["azurestack"], machine.drives()) == CONFIG


def test_an_empty_drive_is_waited_for(machine: AzureMachine) -> None:
    machine.disc("sr0", "udf", CD, state=NO_DISC)
    host = machine.drives(events={3: lambda: machine.states.update({"/dev/sr0": DISC_OK})})
    assert asked(PROVIDERS["azurestack"], host) == CONFIG
    assert host.waits == 3


def test_another_cd_is_looked_at_once(machine: AzureMachine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.disc("sr0", "udf", {"/CustomData.bin": b"not this"})
    host = machine.drives(events={4: lambda: machine.disc("sr1", "udf", CD)})
    assert asked(PROVIDERS["azurestack"], host) == CONFIG
    assert capsys.readouterr().err.count("/dev/sr0: it has no /ovf-env.xml, so it is no provisioning CD") == 1
    assert len([call for call in machine.calls if call.startswith("mount")]) == 2


def test_a_drive_with_an_unknown_file_system_is_passed_over(machine: AzureMachine) -> None:
    machine.disc("sr0", "udf", CD)
    (machine.root / "dev/sr0/kind").unlink()
    machine.disc("sr1", "udf", CD)
    assert asked(PROVIDERS["azurestack"], machine.drives()) == CONFIG


def test_a_device_that_is_gone_is_passed_over(machine: AzureMachine) -> None:
    machine.put("/sys/class/block/sr9/size")
    machine.disc("sr1", "udf", CD)
    assert asked(PROVIDERS["azurestack"], machine.drives()) == CONFIG


def test_a_machine_without_block_devices_waits(machine: AzureMachine) -> None:
    host = machine.drives(events={2: lambda: machine.disc("sr0", "udf", CD)})
    assert asked(PROVIDERS["azurestack"], host) == CONFIG
