"""`provision apply --image` and `--disks` as processes: on real images at loop devices, and what keeps them from starting."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_console import provision

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
pytestmark = pytest.mark.skipif(not shutil.which("sgdisk"), reason="needs sgdisk (apt-get install gdisk)")

FILE = """\
  files:
    - path: /etc/motd
      mode: 0644
      contents:
        inline: hello
"""
TREE = f"variant: flatcar\nversion: 1.0.0\nstorage:\n{FILE}"
DISK = f"""\
variant: flatcar
version: 1.0.0
storage:
  disks:
    - device: /dev/vda
      partitions:
        - number: 1
          label: boot
          size_mib: 16
        - number: 2
          label: system
  filesystems:
    - device: /dev/disk/by-partlabel/boot
      format: ext4
      path: /boot
    - device: /dev/vda2
      format: ext4
      path: /
{FILE}    - path: /boot/entry
      mode: 0600
      contents:
        inline: secret
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A blank disk of 64 MiB."""
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    return path


def said(*command: str | Path) -> str:
    """What a program prints."""
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


def in_partition(image: Path, start_sector: int, request: str) -> str:
    """What debugfs says of a file system inside an image, without mounting it."""
    return said("debugfs", "-R", request, f"{image}?offset={start_sector * 512}")


def attached(image: Path) -> str:
    """The loop devices of an image."""
    return said("losetup", "--associated", image)


@as_root
def test_a_blank_image_becomes_a_disk_with_a_system(image: Path, tmp_path: Path) -> None:
    ran = provision("apply", "-", "--image", str(image), stdin=DISK)
    assert (ran.code, ran.err.splitlines()[-1]) == (0, f"provisioned {image}"), ran.err
    table = said("sgdisk", "-p", image)
    assert [line.split()[-1] for line in table.splitlines()[-2:]] == ["boot", "system"]
    assert in_partition(image, 34816, "cat /etc/motd") == "hello"
    assert in_partition(image, 2048, "cat /entry") == "secret"
    assert "Mode:  0600" in in_partition(image, 2048, "stat /entry")
    assert not attached(image)


@as_root
def test_what_an_image_holds_is_named_and_given_up_only_with_yes(image: Path) -> None:
    said("mkfs.ext4", "-q", "-L", "precious", image)
    before = image.read_bytes()
    config = DISK.replace("device: /dev/vda\n", "device: /dev/vda\n      wipe_table: true\n")
    ran = provision("apply", "-", "--image", str(image), stdin=config)
    assert ran.code == 2
    assert "would erase" in ran.err
    assert "precious" in ran.err
    assert "confirm with --yes" in ran.err
    assert image.read_bytes() == before
    assert provision("apply", "-", "--image", str(image), "--yes", stdin=config).code == 0
    assert in_partition(image, 34816, "cat /etc/motd") == "hello"
    assert not attached(image)


@as_root
def test_the_root_of_an_image_is_found(image: Path) -> None:
    said("mkfs.ext4", "-q", image)
    ran = provision("apply", "-", "--image", str(image), stdin=TREE)
    assert ran.code == 0, ran.err
    assert said("debugfs", "-R", "cat /etc/motd", image) == "hello"


@as_root
@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (TREE, "the image's root file system cannot be told"),
        (DISK.replace("/dev/vda2", "/dev/sdb1"), "/dev/sdb1"),
        (DISK.replace("  filesystems:", "    - device: /dev/vdb\n  filesystems:"), "an image is one disk, and the config partitions 2"),
    ],
)  # fmt: skip
def test_what_does_not_fit_an_image_is_refused_and_nothing_stays_attached(
    config: str, reason: str, image: Path
) -> None:
    ran = provision("apply", "-", "--image", str(image), stdin=config, env={"PROVISION_DEVICE_TIMEOUT": "1"})
    assert ran.code == 3
    assert reason in ran.err
    assert not attached(image)


@as_root
def test_an_image_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = provision("apply", "-", "--image", str(tmp_path / "none.img"), stdin=TREE)
    assert ran.code in (2, 3)
    assert "none.img" in ran.err
    assert "No such file" in ran.err


@as_root
def test_disks_that_are_not_there_are_refused_before_anything_is_changed(tmp_path: Path) -> None:
    config = DISK.replace("/dev/vda", "/dev/no-such-disk")
    ran = provision(
        "apply", "-", "--disks", "--root", str(tmp_path), stdin=config, env={"PROVISION_DEVICE_TIMEOUT": "1"}
    )
    assert ran.code in (2, 3)
    assert "/dev/no-such-disk" in ran.err
    assert not list(tmp_path.iterdir())
