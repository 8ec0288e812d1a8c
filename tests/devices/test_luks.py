"""LUKS headers: those that cryptsetup made, with flags, damage and garbage."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sgdisk import made

from provision.apply.devices.luks import allows_discards
from provision.apply.devices.survey import image

CRYPTSETUP = shutil.which("cryptsetup", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
pytestmark = pytest.mark.skipif(CRYPTSETUP is None, reason="needs cryptsetup: apt install cryptsetup-bin")
SECTORS = 65536
UUID = "2c61678b-0008-4734-a2f8-b7c8224ab9e4"


def cryptsetup(*arguments: str, stdin: bytes = b"") -> str:
    assert CRYPTSETUP is not None
    return subprocess.run(
        [CRYPTSETUP, "--batch-mode", *arguments], input=stdin, check=True, capture_output=True
    ).stdout.decode()


def formatted(path: Path, kind: str, *options: str) -> Path:
    """A volume of a kind, its key derived in the cheapest way."""
    cheap = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--uuid", UUID)
    cryptsetup("luksFormat", "--type", kind, *cheap, *options, str(made(path, SECTORS)), "-", stdin=b"secret")
    return path


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The headers of a LUKS2 volume without flags."""
    return formatted(tmp_path_factory.mktemp("luks") / "volume", "luks2", "--label", "my volume").read_bytes()[
        : 1 << 20
    ]


@pytest.fixture
def copy(volume: bytes, tmp_path: Path) -> Path:
    """A volume that a test may change."""
    path = made(tmp_path / "disk.img", SECTORS)
    with open(path, "r+b") as file:
        file.write(volume)
    return path


def answer(path: Path) -> bool | None:
    fd = os.open(path, os.O_RDONLY)
    try:
        return allows_discards(fd)
    finally:
        os.close(fd)


def with_document(path: Path, document: Any, *, offset: int = 0, sequence: int | None = None) -> None:
    """Put another JSON document into a header, with a true checksum."""
    with open(path, "r+b") as file:
        file.seek(offset)
        header = bytearray(file.read(0x4000))
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        header[4096:] = text.ljust(0x4000 - 4096, b"\0")
        if sequence is not None:
            header[16:24] = sequence.to_bytes(8, "big")
        header[448:512] = bytes(64)
        header[448:480] = hashlib.sha256(header).digest()
        file.seek(offset)
        file.write(header)


def document_of(path: Path) -> Any:
    return json.loads(path.read_bytes()[4096:0x4000].partition(b"\0")[0])


def flagged(path: Path, *flags: str, offset: int = 0, sequence: int | None = None) -> None:
    document = document_of(path)
    document["config"]["flags"] = list(flags)
    with_document(path, document, offset=offset, sequence=sequence)


def test_a_volume_without_flags_does_not_allow_discards(copy: Path) -> None:
    assert answer(copy) is False


def test_a_volume_with_the_flag_allows_discards_as_cryptsetup_has_it(copy: Path) -> None:
    flagged(copy, "allow-discards", "no-read-workqueue", sequence=99)
    assert answer(copy) is True
    assert "allow-discards" in cryptsetup("luksDump", str(copy)).partition("Flags:")[2].splitlines()[0]


def test_the_newer_of_two_headers_counts(copy: Path) -> None:
    flagged(copy, "allow-discards", offset=0x4000, sequence=99)
    # The second header has its own magic and offset; only its document was changed.
    with open(copy, "rb") as file:
        file.seek(0x4000)
        assert file.read(6) == b"SKUL\xba\xbe"
    assert answer(copy) is True
    flagged(copy, sequence=100)
    assert answer(copy) is False


def test_a_damaged_header_does_not_count(copy: Path) -> None:
    flagged(copy, "allow-discards", sequence=99)
    with open(copy, "r+b") as file:
        file.seek(5000)
        file.write(b"x")
    assert answer(copy) is False
    with open(copy, "r+b") as file:
        file.seek(0x4000 + 5000)
        file.write(b"x")
    assert answer(copy) is None


DOCUMENTS: list[Any] = [
    b"",
    b"[" * 12000,
    b"\xff",
    b"nul",
    [],
    1,
    {},
    {"config": []},
    {"config": {"flags": 1}},
    {"config": {"flags": [[]]}},
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_a_sound_header_with_another_document_has_no_flags(document: Any, copy: Path) -> None:
    with_document(copy, document, sequence=99)
    assert answer(copy) is False


def test_the_first_version_has_no_flags(tmp_path: Path) -> None:
    path = formatted(tmp_path / "disk.img", "luks1")
    found = image(str(path))
    assert [(each.type, each.version, each.uuid) for each in found.signatures] == [("crypto_LUKS", "1", UUID)]
    assert found.discard is None
    assert answer(path) is None


def test_a_volume_is_surveyed_with_label_version_and_flag(copy: Path) -> None:
    found = image(str(copy))
    (signature,) = found.signatures
    assert (signature.type, signature.usage, signature.version) == ("crypto_LUKS", "crypto", "2")
    assert (signature.label, signature.uuid, found.discard) == ("my volume", UUID, False)
    flagged(copy, "allow-discards", sequence=99)
    assert image(str(copy)).discard is True


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A file that is written over and over."""
    fd = os.open(tmp_path_factory.mktemp("luks") / "scratch", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


@given(
    st.lists(st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=8)), max_size=5),
    st.sampled_from([100, 4096, 5000, 1 << 20]),
)
def test_garbage_is_no_header(volume: bytes, scratch: int, changes: list[tuple[int, bytes]], length: int) -> None:
    data = bytearray(volume[:length])
    for at, what in changes:
        data[at : at + len(what)] = what
        data[0x4000 + at : 0x4000 + at + len(what)] = what
    os.ftruncate(scratch, 0)
    os.pwrite(scratch, data, 0)
    assert allows_discards(scratch) in (None, False)


def test_what_cannot_be_read_is_no_header(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "disk.img", os.O_WRONLY | os.O_CREAT)
    try:
        assert allows_discards(fd) is None
    finally:
        os.close(fd)
