"""Config drives: devices with a label. Mounting is a fake that copies a folder, except where the kernel does it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from provider_fakes import CONFIG, FakeMachine

from provision.apply.providers import PROVIDERS, asked
from provision.apply.providers.labels import MOUNT_OPTIONS
from provision.diagnostics import ProvisionError

OPENSTACK = "/openstack/latest/user_data"
# Platform, label, file: those that ask for nothing else.
DRIVES = [
    ("ibmcloud", "cidata", "/user-data"),
    ("kubevirt", "cidata", "/user-data"),
    ("kubevirt", "config-2", OPENSTACK),
    ("nutanix", "config-2", OPENSTACK),
    ("powervs", "config-2", OPENSTACK),
    ("proxmoxve", "cidata", "/user-data"),
    ("proxmoxve", "cidata", "/vendor-data"),
]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


@pytest.mark.parametrize(("platform", "label", "path"), DRIVES)
def test_the_config_is_on_the_drive(platform: str, label: str, path: str, machine: FakeMachine) -> None:
    machine.label(label, {path: CONFIG})
    assert asked(PROVIDERS[platform], machine.host(offline=True)) == CONFIG
    mount, unmount = machine.calls
    folder = unmount.removeprefix("umount ")
    assert mount == f"mount -o {MOUNT_OPTIONS} -t auto /dev/disk/by-label/{label} {folder}"
    assert machine.leftovers() == []


@pytest.mark.parametrize(("platform", "label", "path"), DRIVES)
def test_a_drive_without_the_file_is_no_config(platform: str, label: str, path: str, machine: FakeMachine) -> None:
    machine.label(label, {"/meta-data": b"{}"})
    assert asked(PROVIDERS[platform], machine.host()) is None
    assert machine.leftovers() == []


@pytest.mark.parametrize(("platform", "label", "path"), DRIVES)
def test_a_drive_may_come_late(platform: str, label: str, path: str, machine: FakeMachine) -> None:
    events = {3: lambda: machine.attach(label, {path: CONFIG})}
    assert asked(PROVIDERS[platform], machine.host(events=events)) == CONFIG


@pytest.mark.parametrize("platform", ["ibmcloud", "proxmoxve"])
def test_a_drive_that_does_not_come_in_thirty_seconds_is_no_config(
    platform: str, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    host = machine.host()
    assert asked(PROVIDERS[platform], host) is None
    assert host.waits == 30
    assert "did not appear in 30 s; continuing without a config" in capsys.readouterr().err


@pytest.mark.parametrize("platform", ["nutanix", "powervs"])
def test_a_drive_that_is_always_there_is_waited_for(platform: str, machine: FakeMachine) -> None:
    class Enough(BaseException):
        """The test has seen enough."""

    def stop() -> None:
        raise Enough

    with pytest.raises(Enough):
        asked(PROVIDERS[platform], machine.host(events={100: stop}))


@pytest.mark.parametrize("platform", ["ibmcloud", "proxmoxve"])
def test_a_drive_that_cannot_be_mounted_is_no_config_where_it_is_optional(
    platform: str, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.put("/dev/disk/by-label/cidata", b"garbage")
    assert asked(PROVIDERS[platform], machine.host()) is None
    assert "wrong fs type" in capsys.readouterr().err
    assert machine.leftovers() == []


def test_a_drive_that_cannot_be_mounted_is_an_error_where_it_must_be_there(machine: FakeMachine) -> None:
    machine.put("/dev/disk/by-label/config-2", b"garbage")
    with pytest.raises(
        ProvisionError, match=r"^the config drive config-2: mount ended with status 32: .*wrong fs type"
    ):
        asked(PROVIDERS["nutanix"], machine.host())
    assert machine.leftovers() == []


@pytest.mark.parametrize(
    ("user", "vendor", "config"),
    [
        (b"#cloud-config\nusers: []\n", CONFIG, CONFIG),
        (b"", CONFIG, CONFIG),
        (CONFIG, b"other", CONFIG),
        (b"#cloud-config\n", b"#cloud-config\n", None),
        (b"", b"", None),
        (b"#cloud-configuration", b"", b"#cloud-configuration"),
    ],
)
def test_proxmox_passes_over_cloud_configs_and_empty_files(
    user: bytes, vendor: bytes, config: bytes | None, machine: FakeMachine
) -> None:
    machine.label("cidata", {"/user-data": user, "/vendor-data": vendor})
    assert asked(PROVIDERS["proxmoxve"], machine.host()) == config


def test_a_link_on_the_drive_stays_on_the_drive(machine: FakeMachine) -> None:
    machine.put("/etc/shadow", b"outside")
    drive = machine.label("config-2", {"/etc/shadow": b"inside"})
    (drive / "openstack/latest").mkdir(parents=True)
    (drive / "openstack/latest/user_data").symlink_to("/etc/shadow")
    assert asked(PROVIDERS["nutanix"], machine.host()) == b"inside"


def test_a_link_that_would_climb_out_stays_on_the_drive(machine: FakeMachine) -> None:
    drive = machine.label("cidata", {})
    (drive / "user-data").symlink_to("../../../../../../../../etc/passwd")
    assert asked(PROVIDERS["ibmcloud"], machine.host()) is None


def test_a_loop_of_links_is_an_error(machine: FakeMachine) -> None:
    drive = machine.label("config-2", {})
    (drive / "openstack").symlink_to("openstack")
    with pytest.raises(ProvisionError, match="most likely a loop"):
        asked(PROVIDERS["nutanix"], machine.host())
    assert machine.leftovers() == []


def test_a_folder_in_the_place_of_the_file_is_an_error(machine: FakeMachine) -> None:
    machine.label("config-2", {f"{OPENSTACK}/oops": b""})
    with pytest.raises(ProvisionError, match="user_data cannot be read: Is a directory"):
        asked(PROVIDERS["nutanix"], machine.host())


def test_a_huge_file_is_refused_before_it_is_read(machine: FakeMachine) -> None:
    drive = machine.label("config-2", {OPENSTACK: b""})
    with (drive / OPENSTACK[1:]).open("wb") as file:
        file.truncate(65 << 20)
    # A sparse copy stays sparse.
    with pytest.raises(ProvisionError, match=r"/openstack/latest/user_data has more than 64 MiB"):
        asked(PROVIDERS["nutanix"], machine.host())


def test_unmounting_is_tried_three_times(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.add("umount", f'test $(grep -c umount {machine.journal}) = 3 && find "$1" -mindepth 1 -delete')
    machine.label("config-2", {OPENSTACK: CONFIG})
    with pytest.MonkeyPatch.context() as patch:
        # The fake mount is none that the kernel knows of.
        patch.setattr(os.path, "ismount", lambda _: True)
        assert asked(PROVIDERS["nutanix"], machine.host()) == CONFIG
    assert len(machine.calls) == 4
    assert machine.leftovers() == []
    assert capsys.readouterr().err == ""


def test_a_mount_that_stays_is_told_and_the_config_used(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add("umount", "exit 32")
    machine.label("config-2", {OPENSTACK: CONFIG})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os.path, "ismount", lambda _: True)
        assert asked(PROVIDERS["nutanix"], machine.host()) == CONFIG
    assert "could not be unmounted" in capsys.readouterr().err


def test_the_mount_point_is_closed_to_others(machine: FakeMachine) -> None:
    machine.add("mount", 'stat -c %a "$6" > "$5/mode"; cp -a "$5/." "$6"')
    drive = machine.label("config-2", {OPENSTACK: CONFIG})
    asked(PROVIDERS["nutanix"], machine.host())
    assert (drive / "mode").read_text() == "700\n"


def test_a_missing_mount_program_is_named(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.label("config-2", {OPENSTACK: CONFIG})
    monkeypatch.setenv("PROVISION_MOUNT", "/nowhere/mount")
    with pytest.raises(ProvisionError, match=r"/nowhere/mount was not found"):
        asked(PROVIDERS["nutanix"], machine.host())


def can_mount(image: Path) -> bool:
    """Whether this process may mount images of ext4."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return False
    image.with_suffix(".d").mkdir()
    subprocess.run(["truncate", "-s", "4M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    mounted = subprocess.run(["mount", "-o", "ro", image, image.with_suffix(".d")], check=False, capture_output=True)
    return mounted.returncode == 0 and subprocess.run(["umount", image], check=False).returncode == 0


def test_a_real_file_system_is_mounted_read_and_unmounted(
    tmp_path: Path, machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fake in ("mount", "umount"):
        (machine.bin / fake).unlink()
    if not can_mount(tmp_path / "try.img"):
        pytest.skip("needs root, mkfs.ext4 and a kernel with loop devices")
    content = tmp_path / "content"
    (content / "openstack/latest").mkdir(parents=True)
    (content / "openstack/latest/user_data").write_bytes(CONFIG)
    image = machine.put("/dev/disk/by-label/config-2")
    subprocess.run(["truncate", "-s", "4M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-d", content, "-L", "config-2", image], check=True)
    assert asked(PROVIDERS["nutanix"], machine.host()) == CONFIG
    assert machine.leftovers() == []
    assert str(machine.root) not in Path("/proc/mounts").read_text()
