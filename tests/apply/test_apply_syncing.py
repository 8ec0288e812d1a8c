"""That what was changed is on the disks when a run ends: one call for each file system."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.apply import syncing, system
from provision.apply.system import Machine
from provision.diagnostics import ProvisionError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The devices that were synced, each as often as it was; the calls are made, too."""
    devices: list[int] = []

    def note(fd: int) -> None:
        devices.append(os.fstat(fd).st_dev)
        syncing.sync_filesystem(fd)

    monkeypatch.setattr(system, "sync_filesystem", note)
    return devices


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "etc").mkdir()
    made = Machine(str(tmp_path), {})
    yield made
    made.close()


def test_many_files_are_synced_at_once(machine: Machine, synced: list[int], tmp_path: Path) -> None:
    machine.make_directory("/etc/app", 0o755, "")
    for number in range(50):
        machine.replace(f"/etc/app/{number}", b"content", 0o644, "")
    assert not synced
    machine.sync()
    assert synced == [os.stat(tmp_path).st_dev]


def test_nothing_is_synced_where_nothing_was_changed(machine: Machine, synced: list[int]) -> None:
    assert machine.look("/etc").kind == "directory"
    machine.sync()
    machine.replace("/etc/a", b"content", 0o644, "")
    machine.sync()
    machine.sync()
    assert len(synced) == 1


@as_root
def test_every_file_system_that_was_changed_is_synced_and_no_other(
    machine: Machine, synced: list[int], tmp_path: Path
) -> None:
    places = [tmp_path / name for name in ("var", "srv", "opt")]
    for place in places:
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
    try:
        machine.replace("/var/a", b"content", 0o644, "")
        machine.change("/srv", 0o711, "")  # of which only the top is changed
        assert machine.look("/opt/a").kind == "missing"
        machine.sync()
        assert set(synced) == {os.stat(place).st_dev for place in (tmp_path, places[0], places[1])}
        assert len(synced) == 3
    finally:
        machine.close()
        machine.__init__(str(tmp_path), {})  # type: ignore[misc]  # closed again by the fixture
        for place in places:
            subprocess.run(["umount", str(place)], check=True)


def test_what_was_taken_away_again_does_not_keep_the_rest_from_the_disk(
    machine: Machine, synced: list[int], tmp_path: Path
) -> None:
    machine.make_directory("/etc/app", 0o755, "")
    machine.replace("/etc/app/a", b"content", 0o644, "")
    machine.remove("/etc/app")
    machine.replace("/etc/app", b"a file now", 0o644, "")
    machine.sync()
    assert synced == [os.stat(tmp_path).st_dev]


def test_a_link_in_the_place_of_a_directory_is_not_followed(
    machine: Machine, synced: list[int], tmp_path: Path
) -> None:
    machine.make_directory("/etc/app", 0o755, "")
    machine.replace("/etc/app/a", b"content", 0o644, "")
    machine.forget()
    (tmp_path / "etc/app/a").unlink()
    (tmp_path / "etc/app").rmdir()
    (tmp_path / "etc/app").symlink_to("/proc")
    machine.sync()
    assert synced == [os.stat(tmp_path).st_dev]


def test_a_file_system_that_cannot_be_synced_is_an_error() -> None:
    fd = os.open("/", os.O_PATH)
    try:
        with pytest.raises(OSError, match="Bad file descriptor"):
            syncing.sync_filesystem(fd)
    finally:
        os.close(fd)


def test_what_did_not_reach_the_disk_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(system, "sync_filesystem", fail)
    machine.replace("/etc/a", b"content", 0o644, "")
    with pytest.raises(ProvisionError, match="what was written did not reach the disk: Input/output error; look"):
        machine.sync()


def test_without_ctypes_everything_is_synced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[str] = []
    monkeypatch.setitem(sys.modules, "ctypes", None)
    monkeypatch.setattr(os, "sync", lambda: calls.append("sync"))
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        syncing.sync_filesystem(fd)
    finally:
        os.close(fd)
    assert calls == ["sync"]
