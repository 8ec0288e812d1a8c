"""Contents: data URLs, compression and hashes."""

import gzip
import hashlib
import time
import zlib
from base64 import b64encode
from typing import Any

import pytest

from provision import contents
from provision.contents import Blobs, content_of, decompress
from provision.diagnostics import ProvisionError
from provision.ignition import FileContents, Verification


def resource(source: str | None, compression: str | None = None, hash: str | None = None) -> FileContents:
    return FileContents(source=source, compression=compression, verification=Verification(hash=hash))


def base64(content: bytes) -> str:
    return "data:;base64," + b64encode(content).decode()


@pytest.mark.parametrize(
    ("source", "content"),
    [
        (None, b""),
        ("", b""),
        ("data:,", b""),
        ("data:,a%20b%0A", b"a b\n"),
        ("data:text/plain;charset=utf-8,%C3%A4", "ä".encode()),
        ("data:text/plain;charset=utf-8;base64,w6Q=", "ä".encode()),
        ('data:text/plain;x="a,b",c', b"c"),
        ("data:,a,b;base64,c", b"a,b;base64,c"),
    ],
)
def test_data_urls_hold_their_content(source: str | None, content: bytes) -> None:
    assert content_of(resource(source)) == content


@pytest.mark.parametrize(
    "source", ["data:x", "data:;base64,YQ", "data:;base64,Y*==", "data:,%zz", "data:,%2", "data:,ä"]
)
def test_damaged_data_urls_are_refused(source: str) -> None:
    with pytest.raises(ProvisionError, match="data URL"):
        content_of(resource(source))


def test_gzip_is_unpacked_with_all_its_members() -> None:
    packed = gzip.compress(b"a" * 1000, mtime=0) + gzip.compress(b"b", mtime=0)
    assert content_of(resource(base64(packed), "gzip")) == b"a" * 1000 + b"b"
    assert content_of(resource("", "gzip")) == b""


@pytest.mark.parametrize(
    "packed", [b"", b"plain", gzip.compress(b"abc", mtime=0)[:-1], gzip.compress(b"abc", mtime=0) + b"x"]
)
def test_damaged_gzip_is_refused(packed: bytes) -> None:
    with pytest.raises(ProvisionError, match="gzip"):
        content_of(resource(base64(packed), "gzip"))


def test_tampered_gzip_is_refused() -> None:
    packed = bytearray(gzip.compress(b"abc" * 100, mtime=0))
    packed[-6] ^= 1
    with pytest.raises(ProvisionError, match="gzip"):
        content_of(resource(base64(bytes(packed)), "gzip"))


def test_many_members_take_time_in_proportion() -> None:
    start = time.process_time()
    assert decompress(gzip.compress(b"a", mtime=0) * 100_000, 1 << 20) == b"a" * 100_000
    assert time.process_time() - start < 2


def test_a_gzip_bomb_ends_at_the_limit() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    assert len(bomb) < 1 << 20
    with pytest.raises(ProvisionError, match="unpacks to more than 256 MiB"):
        content_of(resource(base64(bomb), "gzip"))


def test_many_small_bombs_share_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_UNPACKED_BYTES", 3 << 20)
    blobs = Blobs()
    packed = resource(base64(gzip.compress(bytes(1 << 20), mtime=0)), "gzip")
    for _ in range(3):
        blobs.fetch(packed)
    with pytest.raises(ProvisionError, match="unpacks to more than"):
        blobs.fetch(packed)


@pytest.mark.parametrize("function", ["sha512", "sha256"])
def test_the_hash_is_that_of_the_unpacked_content(function: str) -> None:
    packed = base64(gzip.compress(b"abc", mtime=0))
    good = hashlib.new(function, b"abc").hexdigest()
    assert content_of(resource(packed, "gzip", f"{function}-{good.upper()}")) == b"abc"
    with pytest.raises(ProvisionError, match=f"the content has the {function} hash"):
        content_of(resource(packed, "gzip", f"{function}-{'0' * len(good)}"))


@pytest.mark.parametrize("hash", ["md5-00", "sha512", "sha512-"])
def test_a_hash_that_cannot_be_checked_is_refused(hash: str) -> None:
    with pytest.raises(ProvisionError, match="hash"):
        content_of(resource("data:,a", hash=hash))


@pytest.mark.parametrize("source", ["https://user:pass@host/?token=x", "file:///etc/shadow", "DATA:,x", "x"])
def test_remote_sources_are_refused_without_being_quoted(source: str) -> None:
    with pytest.raises(ProvisionError) as caught:
        content_of(resource(source))
    assert source not in str(caught.value)


def test_blobs_go_by_their_hash() -> None:
    blobs: Any = Blobs()
    assert blobs[blobs.add(b"abc")] == b"abc"
    assert list(blobs) == [hashlib.sha512(b"abc").hexdigest()]
