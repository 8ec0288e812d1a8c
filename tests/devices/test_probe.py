"""What devices hold: file systems of real tools, ambivalent devices, and blkid's words as data."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sgdisk import made

from provision.apply.devices import Signature
from provision.apply.devices.probe import parse, probe, value
from provision.diagnostics import ProvisionError

SECTORS = 614400
UUID = "2c61678b-0008-4734-a2f8-b7c8224ab9e4"
TOOLS = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-U", UUID, "-L"),
    "xfs": ("mkfs.xfs", "-q", "-f", "-m", f"uuid={UUID}", "-L"),
    "btrfs": ("mkfs.btrfs", "-q", "-f", "-U", UUID, "-L"),
    "swap": ("mkswap", "-U", UUID, "-L"),
    "vfat": ("mkfs.vfat", "-i", "abcdef01", "-n"),
}


def make(kind: str, path: Path, label: str = "LABEL") -> Path:
    """A file system of a real tool; skips the test where the tool is missing."""
    tool, *options = TOOLS[kind]
    called = shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if called is None:
        pytest.skip(f"needs {tool}")
    if not path.exists():
        made(path, SECTORS)
    subprocess.run([called, *options, label, str(path)], check=True, capture_output=True)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "disk.img"


@pytest.mark.parametrize("kind", TOOLS)
def test_a_file_system_is_found_with_type_label_and_uuid(kind: str, image: Path) -> None:
    (found,) = probe(str(make(kind, image))).signatures
    assert (found.type, found.label) == (kind, "LABEL")
    assert found.uuid == ("ABCD-EF01" if kind == "vfat" else UUID)
    assert found.usage == ("other" if kind == "swap" else "filesystem")


@pytest.mark.parametrize("label", ["a b", "größe", "x\\x20y", "'\"$`<>", "a=b;c", "\x01x"])
def test_a_label_is_found_as_it_is(label: str, image: Path) -> None:
    assert probe(str(make("ext4", image, label))).signatures[0].label == label


def test_a_label_that_is_no_text_is_still_found(image: Path) -> None:
    make("ext4", image)
    with open(image, "r+b") as file:
        file.seek(1024 + 120)
        file.write(b"\xff\xfe")
    assert probe(str(image)).signatures[0].label == "\ufffd\ufffdBEL"


@pytest.mark.parametrize("size", [0, 1, 512, 1 << 20])
def test_an_empty_device_has_no_signature(size: int, image: Path) -> None:
    image.write_bytes(bytes(size))
    assert probe(str(image)) == ((), "")


def test_of_an_ambivalent_device_every_signature_is_told_in_the_order_of_libblkid(image: Path) -> None:
    make("xfs", image)
    other = make("ext4", image.with_suffix(".other"), "second").read_bytes()
    with open(image, "r+b") as file:
        file.seek(1024)
        file.write(other[1024:2048])
    assert probe(str(image)).signatures == (
        Signature(type="xfs", usage="filesystem", label="LABEL", uuid=UUID),
        Signature(type="ext4", usage="filesystem", label="second", uuid=UUID, version="1.0"),
    )


FAKE = """#!/bin/sh
case "$*" in
*--match-types*) exit 2 ;;
*) echo 'ID_FS_AMBIVALENT=filesystem:ext4:1.0 other:LVM\\x202:a:b raid:x : nonsense'; exit 8 ;;
esac
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A blkid that answers as told, in the place of the real one."""

    def put(script: str) -> None:
        path = tmp_path / "blkid"
        path.write_text(script)
        path.chmod(0o755)
        monkeypatch.setenv("PROVISION_BLKID", str(path))

    return put


def test_an_ambivalent_signature_that_cannot_be_found_alone_is_told_as_it_was_listed(
    fake: Callable[[str], None],
) -> None:
    fake(FAKE)
    assert probe("/dev/null").signatures == (
        Signature(type="ext4", usage="filesystem", version="1.0"),
        Signature(type="LVM 2", usage="other", version="a:b"),
        Signature(type="x", usage="raid"),
    )


@pytest.mark.parametrize("status", [1, 4, 64])
def test_a_blkid_that_fails_is_named_with_what_it_says(status: int, fake: Callable[[str], None]) -> None:
    fake(f"#!/bin/sh\necho it is broken >&2\nexit {status}\n")
    with pytest.raises(ProvisionError, match=f"blkid ended with status {status}: it is broken"):
        probe("/dev/null")


@pytest.mark.parametrize(
    ("output", "key", "said"),
    [
        (b"", "A", ""),
        (b"A=b\nC=\\x20d\\xc3\\x9f\n", "C", " dß"),
        (b"no equals sign\nA=\n=x\nB=c=d\\x5c\n", "B", "c=d\\"),
        (b"no equals sign\nA=\n=x\n", "A", ""),
        (b"A=\xff\\xzz\\x4\n", "A", "\ufffd\\xzz\\x4"),
    ],
)
def test_what_blkid_prints_is_read_whatever_it_is(output: bytes, key: str, said: str) -> None:
    assert value(parse(output), key) == said


def test_a_partition_table_is_named_beside_a_signature(image: Path) -> None:
    made(image, SECTORS)
    with open(image, "r+b") as file:
        file.seek(446)
        file.write(b"\0\0\x21\0\x83\0\0\0\x00\x08\0\0\0\x08\0\0".ljust(64, b"\0") + b"\x55\xaa")
    assert probe(str(image)) == ((), "dos")
