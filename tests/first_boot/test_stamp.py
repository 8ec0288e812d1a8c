"""Stamps: found on the boot partition and in the root, removed for good at the end."""

import os
from pathlib import Path

import pytest
from first_boot_machine import FakeMachine, asked, machine

from provision.apply.first_boot import run_file, stamp
from provision.apply.first_boot.run_file import FirstBoot
from provision.apply.first_boot.stamp import Stamp, clear, find, parse
from provision.diagnostics import ProvisionError

__all__ = ["machine"]

LABEL, NAME = stamp.BOOT_DEVICES


def touched(folder: Path, *paths: str) -> None:
    """Empty files."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def test_there_is_none_on_a_machine_that_nobody_wants_to_provision(machine: FakeMachine, tmp_path: Path) -> None:
    machine.add(LABEL)
    (tmp_path / "root/boot").mkdir(parents=True)
    assert find(str(tmp_path / "root")) == find(None) == []


def test_stamps_are_found_on_both_file_systems(machine: FakeMachine, tmp_path: Path) -> None:
    touched(machine.add(LABEL), "ignition.firstboot", "grub/grub.cfg")
    touched(tmp_path / "root", "boot/provision.firstboot", "boot/ignition.firstboot", "provision.firstboot")
    assert find(str(tmp_path / "root")) == [
        Stamp(LABEL, "/ignition.firstboot"),
        Stamp("root", "/boot/provision.firstboot"),
        Stamp("root", "/boot/ignition.firstboot"),
    ]
    assert machine.log == [f"ro {LABEL}"]


def test_a_boot_partition_with_both_names_is_looked_at_once(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched(machine.add(LABEL), "provision.firstboot")
    touched(machine.add(NAME), "provision.firstboot")
    monkeypatch.setattr(stamp, "device_number", lambda device: 7)
    assert find(None) == [Stamp(LABEL, "/provision.firstboot")]


def test_what_cannot_be_mounted_or_is_no_file_has_none(machine: FakeMachine, tmp_path: Path) -> None:
    machine.add(LABEL)
    machine.broken.add(LABEL)
    (tmp_path / "root/boot/provision.firstboot").mkdir(parents=True)
    assert find(str(tmp_path / "root")) == []


def test_a_link_at_boot_stays_in_the_root(machine: FakeMachine, tmp_path: Path) -> None:
    touched(tmp_path, "efi/provision.firstboot", "root/efi/ignition.firstboot")
    (tmp_path / "root/boot").symlink_to("/efi")
    assert find(str(tmp_path / "root")) == [Stamp("root", "/boot/ignition.firstboot")]


@pytest.mark.parametrize("each", [Stamp(LABEL, "/provision.firstboot"), Stamp("root", "/boot/ignition.firstboot")])
def test_a_stamp_is_written_down_and_read_again(each: Stamp) -> None:
    assert parse(str(each)) == each


# ---- clearing ----------------------------------------------------------------------------------------------------


def began(*stamps: Stamp) -> None:
    """Say that this is a first boot."""
    run_file.write(FirstBoot("qemu", tuple(map(str, stamps)), "there is a stamp"))


def test_all_that_asked_are_removed_and_synced(
    machine: FakeMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot, root = machine.add(LABEL), tmp_path / "root"
    touched(boot, "provision.firstboot", "other")
    touched(root, "boot/provision.firstboot", "boot/vmlinuz")
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        real(fd)

    began(*find(str(root)))
    monkeypatch.setattr(os, "fsync", fsync)
    clear(str(root))
    assert synced[:2] == [str(boot), str(root / "boot")]
    assert os.listdir(boot) == ["other"]
    assert os.listdir(root / "boot") == ["vmlinuz"]
    assert machine.log[-1] == f"rw {LABEL}"
    clear(str(root))  # again, which finds nothing


def test_nothing_is_done_where_it_is_no_first_boot(machine: FakeMachine, tmp_path: Path) -> None:
    touched(tmp_path / "root", "boot/provision.firstboot")
    clear(str(tmp_path / "root"))
    assert (tmp_path / "root/boot/provision.firstboot").exists()
    began()
    clear(str(tmp_path / "root"))
    assert (tmp_path / "root/boot/provision.firstboot").exists()


def test_a_root_that_is_not_named_is_found_by_the_kernel_command_line(machine: FakeMachine) -> None:
    asked(machine, "root=/dev/vda")
    root = machine.add("/dev/vda")
    touched(root, "boot/provision.firstboot")
    began(Stamp("root", "/boot/provision.firstboot"))
    clear()
    assert not (root / "boot/provision.firstboot").exists()


def test_a_stamp_that_another_file_system_hides_is_removed_too(machine: FakeMachine, tmp_path: Path) -> None:
    asked(machine, "root=/dev/vda")
    root = machine.add("/dev/vda")
    touched(root, "boot/provision.firstboot")
    (tmp_path / "seen/boot").mkdir(parents=True)
    began(Stamp("root", "/boot/provision.firstboot"))
    clear(str(tmp_path / "seen"))
    assert not (root / "boot/provision.firstboot").exists()


@pytest.mark.parametrize("each", [Stamp(LABEL, "/provision.firstboot"), Stamp("root", "/boot/provision.firstboot")])
def test_a_stamp_that_stays_is_an_error_for_the_next_boot_would_begin_anew(each: Stamp, machine: FakeMachine) -> None:
    machine.add(LABEL)
    machine.broken.add(LABEL)
    began(each)
    with pytest.raises(ProvisionError, match=r"cannot be removed: .*; remove it by hand"):
        clear()
