"""The root file system before it is mounted: which device it is on, and what it tells."""

import json
from pathlib import Path

import pytest
from first_boot_machine import FakeMachine, machine

from provision.apply.first_boot.recognition import Target
from provision.apply.first_boot.target import link_name, looked_at, root_device, root_options, state_of

__all__ = ["machine"]

UUID = "c1b9d5a2-f162-11cf-9ece-0020afc76f16"


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("root=/dev/vda2", "/dev/vda2"),
        ("root=LABEL=root ro", "/dev/disk/by-label/root"),
        (f"root=UUID={UUID}", f"/dev/disk/by-uuid/{UUID}"),
        # udev has these in small letters, whatever the boot loader writes.
        (f"root=PARTUUID={UUID.upper()}", f"/dev/disk/by-partuuid/{UUID}"),
        ("root=PARTLABEL=my\\x20root", "/dev/disk/by-partlabel/my\\x5cx20root"),
        ('root="LABEL=root"', "/dev/disk/by-label/root"),
        ("root=block:LABEL=root", "/dev/disk/by-label/root"),
        ("root=/dev/sda root=/dev/sdb", "/dev/sdb"),
        ("", ""),
        ("root=", ""),
        ("root=/dev/nfs", ""),
        ("root=nfs4:server:/export", ""),
        ("root=gpt-auto", ""),
        ("root=tmpfs", ""),
    ],
)
def test_the_device_is_the_one_that_the_boot_loader_names(text: str, device: str) -> None:
    assert root_device(text) == device


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("root", "root"),
        ("my root", "my\\x20root"),
        ("a/b", "a\\x2fb"),
        ("A-b_c.1:2=3+#@", "A-b_c.1:2=3+#@"),
        ("größe", "größe"),
    ],
)
def test_labels_are_written_as_udev_writes_them(label: str, name: str) -> None:
    assert link_name(label) == name


def test_options_do_not_say_whether_it_is_for_writing() -> None:
    assert root_options("rootflags=rw,subvol=@,compress=zstd") == "subvol=@,compress=zstd"
    assert root_options("quiet") == ""


def test_it_is_mounted_for_looking_with_its_own_options(machine: FakeMachine) -> None:
    path = machine.add("/dev/disk/by-label/root")
    with looked_at("root=LABEL=root rootflags=rw,subvol=@") as host_path:
        assert host_path == str(path)
    with looked_at("root=LABEL=other", device="/dev/disk/by-label/root") as host_path:
        assert host_path == str(path)
    assert machine.log == ["ro,subvol=@ /dev/disk/by-label/root", "ro /dev/disk/by-label/root"]


@pytest.mark.parametrize("text", ["root=LABEL=root", "root=LABEL=broken", "root=/dev/nfs", ""])
def test_what_cannot_be_looked_at_is_none(text: str, machine: FakeMachine) -> None:
    machine.add("/dev/disk/by-label/broken")
    machine.broken.add("/dev/disk/by-label/broken")
    with looked_at(text) as host_path:
        assert host_path is None


def test_a_device_is_waited_for_as_long_as_was_said(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if now[0] > 2 and "/dev/vda" not in machine.filesystems:
            machine.add("/dev/vda")

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", sleep)
    with looked_at("root=/dev/vda", wait_s=1) as host_path:
        assert host_path is None
    with looked_at("root=/dev/vda", wait_s=5) as host_path:
        assert host_path is not None


@pytest.mark.parametrize(
    ("result", "journal", "state"),
    [
        (None, None, Target()),
        ('{"provisioningDate": "2026-01-02T03:04:05Z"}', None, Target("2026-01-02T03:04:05Z")),
        ('{"provisioningDate": "2026-01-02T03:04:05Z", "failure": {}}', None, Target()),
        ("{}", None, Target("at a time unknown")),
        ("torn {", None, Target()),
        ("[]", None, Target()),
        (None, "etc/.provision-journal", Target("", True)),
        (None, ".provision-journal", Target("", True)),
    ],
)
def test_the_root_tells_what_became_of_it(
    result: str | None, journal: str | None, state: Target, tmp_path: Path
) -> None:
    (tmp_path / "etc").mkdir()
    if result is not None:
        (tmp_path / "etc/.ignition-result.json").write_text(result)
    if journal is not None:
        (tmp_path / journal).write_text("anything")
    assert state_of(str(tmp_path)) == state


def test_links_in_the_root_do_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/.ignition-result.json").write_text(json.dumps({"provisioningDate": "now"}))
    (tmp_path / "root").mkdir()
    (tmp_path / "root/etc").symlink_to(tmp_path / "outside")
    assert state_of(str(tmp_path / "root")) == Target()


def test_an_empty_root_was_not_provisioned(tmp_path: Path) -> None:
    assert state_of(str(tmp_path)) == Target()
