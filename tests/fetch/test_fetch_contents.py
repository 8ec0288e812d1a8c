"""What is done with bytes on their way: gzip, hashes, limits, files."""

import gzip
import hashlib
import io
import os
import threading
import tracemalloc
import zlib
from pathlib import Path

import pytest
from fetch_servers import Handler, Route, answer, by_turns, raw, resource, serving, short

from provision.apply.fetch import Fetcher, NotFound, Request, Settings
from provision.diagnostics import ProvisionError

SHA512 = "sha512-" + hashlib.sha512(b"abc").hexdigest()
SHA256 = "sha256-" + hashlib.sha256(b"abc").hexdigest()


def fetcher() -> Fetcher:
    return Fetcher(Settings(total_s=20))


def streamed(piece: bytes, count: int) -> Route:
    """A large body, made while it is sent."""

    def route(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(piece) * count))
        handler.end_headers()
        for _ in range(count):
            handler.wfile.write(piece)

    return route


def bomb(mib: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mib)) + packer.flush()


def test_no_source_is_no_bytes() -> None:
    assert Fetcher(offline=True).read(resource("")) == b""


@pytest.mark.parametrize("hash", [SHA512, SHA256, SHA512.upper().replace("SHA", "sha"), None])
def test_data_urls_need_no_network(hash: str | None) -> None:
    assert Fetcher(offline=True).read(resource("data:,abc", hash=hash)) == b"abc"
    assert Fetcher(offline=True).read(resource("data:;base64,YWJj", hash=hash)) == b"abc"


@pytest.mark.parametrize("source", ["DATA:,abc", "data:abc", "data:;base64,x", "data:,%zz"])
def test_damaged_data_urls_are_refused(source: str) -> None:
    with pytest.raises(ProvisionError, match="data URL"):
        Fetcher().read(resource(source))


@pytest.mark.parametrize("hash", [SHA512, SHA256, "sha256-" + SHA256[7:].upper()])
def test_the_right_hash_is_that_of_the_unpacked_bytes_in_any_case(hash: str) -> None:
    with serving({"/": answer(200, b"abc"), "/z": answer(200, gzip.compress(b"abc"))}) as server:
        assert fetcher().read(resource(server.url, hash=hash)) == b"abc"
        assert fetcher().read(resource(f"{server.url}/z", "gzip", hash)) == b"abc"


def test_with_another_hash_nothing_is_written_and_nothing_tried_again() -> None:
    with serving({"/": answer(200, b"abd")}) as server:
        file = io.BytesIO(b"before")
        file.seek(6)
        with pytest.raises(
            ProvisionError, match=r"http://\S+: the content has the sha512 hash [0-9a-f]{16}…, the config"
        ):
            fetcher().save(resource(server.url, hash=SHA512), file)
        assert file.getvalue() == b"before"
        assert len(server.seen) == 1


@pytest.mark.parametrize("hash", ["md5-00", "sha512", "sha512-"])
def test_hashes_that_cannot_be_checked_are_refused(hash: str) -> None:
    with serving({"/": answer(200, b"abc")}) as server, pytest.raises(ProvisionError, match="hash"):
        fetcher().read(resource(server.url, hash=hash))


def test_all_members_of_a_gzip_stream_are_unpacked() -> None:
    packed = gzip.compress(b"a" * 100_000) + gzip.compress(b"") + gzip.compress(b"b")
    with serving({"/": answer(200, packed)}) as server:
        assert fetcher().read(resource(server.url, "gzip")) == b"a" * 100_000 + b"b"


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (gzip.compress(b"abc" * 1000)[:-1], "gzip that was cut off"),
        (gzip.compress(b"abc")[:5], "gzip that was cut off"),
        (b"", "gzip that was cut off"),
        (b"plain text", "not valid gzip"),
        (gzip.compress(b"abc") + b"garbage", "not valid gzip"),
        (gzip.compress(b"abc")[:-6] + b"\0" * 6, "not valid gzip"),
    ],
    ids=["no-end", "head", "empty", "plain", "garbage", "checksum"],
)
def test_damaged_gzip_is_refused_once(packed: bytes, message: str) -> None:
    with serving({"/": answer(200, packed)}) as server:
        with pytest.raises(ProvisionError, match=f"http://\\S+: the content is {message}"):
            fetcher().read(resource(server.url, "gzip"))
        assert len(server.seen) == 1


def test_a_compression_that_is_not_known_is_refused() -> None:
    with serving({"/": answer()}) as server, pytest.raises(ProvisionError, match="compression 'xz' is unknown"):
        fetcher().read(resource(server.url, "xz"))


def test_a_gzip_bomb_ends_at_the_limit_with_little_memory() -> None:
    packed = bomb(300)
    with serving({"/": answer(200, packed)}) as server, open(os.devnull, "r+b") as nowhere:
        tracemalloc.start()
        try:
            with pytest.raises(ProvisionError, match="unpacks to more than 256 MiB"):
                fetcher().save(resource(server.url, "gzip"), Nowhere(nowhere), limit=256 << 20)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()


def test_read_has_a_limit_by_itself() -> None:
    with serving({"/": answer(200, bomb(65))}) as server, pytest.raises(ProvisionError, match="more than 64 MiB"):
        fetcher().read(resource(server.url, "gzip"))


def test_what_is_announced_to_be_too_large_is_not_fetched() -> None:
    with serving({"/": answer(200, b"abcd")}) as server:
        assert fetcher().read(resource(server.url), limit=4) == b"abcd"
        with pytest.raises(ProvisionError, match="it has 4 bytes, more than 3 bytes, the limit"):
            fetcher().read(resource(server.url), limit=3)
        with pytest.raises(ProvisionError, match="limit"):
            fetcher().request(Request(server.url), limit=3)


def test_a_body_without_length_ends_at_the_limit() -> None:
    with (
        serving({"/": raw(b"HTTP/1.0 200 OK\r\n\r\nabcd")}) as server,
        pytest.raises(ProvisionError, match="more than 3"),
    ):
        fetcher().read(resource(server.url), limit=3)


class Nowhere:
    """A file that forgets all, though it knows how much it was."""

    def __init__(self, file: io.BufferedRandom) -> None:
        self.file, self.size = file, 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return self.file.write(data)

    def seek(self, offset: int) -> int:
        self.size = offset
        return offset

    def tell(self) -> int:
        return self.size

    def truncate(self) -> int:
        return self.size

    def flush(self) -> None:
        self.file.flush()


def test_a_large_body_goes_to_a_file_in_flat_memory_while_it_is_hashed() -> None:
    piece, count = os.urandom(1 << 20), 128
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(piece)
    wanted = f"sha256-{digest.hexdigest()}"
    with serving({"/": streamed(piece, count)}) as server, open(os.devnull, "r+b") as nowhere:
        file = Nowhere(nowhere)
        tracemalloc.start()
        try:
            fetcher().save(resource(server.url, hash=wanted), file)
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()
        assert file.size == count << 20


def test_progress_counts_what_came_in_and_what_will() -> None:
    said: list[tuple[int, int | None]] = []
    with serving({"/": streamed(bytes(1 << 16), 5)}) as server:
        fetcher().save(resource(server.url), io.BytesIO(), progress=lambda done, total: said.append((done, total)))
    assert [done for done, _ in said] == sorted(done for done, _ in said)
    assert said[-1] == (5 << 16, 5 << 16)


def test_a_real_file_is_cut_back_when_a_longer_attempt_broke_off(tmp_path: Path) -> None:
    with serving({"/": by_turns(short(b"x" * 100_000, 200_000), answer(200, b"abc"))}) as server:
        with open(tmp_path / "file", "w+b") as file:
            fetcher().save(resource(server.url, hash=SHA512), file)
        assert (tmp_path / "file").read_bytes() == b"abc"


def test_after_a_failure_a_real_file_is_as_long_as_before(tmp_path: Path) -> None:
    with serving({"/": answer(200, b"x" * 100_000)}) as server, open(tmp_path / "file", "w+b") as file:
        with pytest.raises(ProvisionError, match="hash"):
            fetcher().save(resource(server.url, hash=SHA512), file)
        with pytest.raises(NotFound):
            fetcher().save(resource(f"{server.url}/none"), file)
        assert os.fstat(file.fileno()).st_size == 0


def test_a_disk_that_takes_no_more_is_told_once_and_ends_the_fetch(tmp_path: Path) -> None:
    import resource as limits

    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    with serving({"/": answer(200, b"x" * 100_000)}) as server, open(tmp_path / "file", "wb", buffering=0) as file:
        limits.setrlimit(limits.RLIMIT_FSIZE, (50_000, before[1]))
        try:
            with pytest.raises(ProvisionError, match=r"http://\S+: the content cannot be written: file too large"):
                fetcher().save(resource(server.url), file)
        finally:
            limits.setrlimit(limits.RLIMIT_FSIZE, before)
        assert len(server.seen) == 1
        assert os.fstat(file.fileno()).st_size == 0


def test_one_fetcher_serves_several_threads() -> None:
    bodies = {f"/{number}": os.urandom(200_000) for number in range(16)}
    with serving({path: answer(200, body) for path, body in bodies.items()}) as server:
        shared, found = fetcher(), dict[str, bytes]()
        threads = [
            threading.Thread(target=lambda p=path: found.update({p: shared.read(resource(server.url + p))}))
            for path in bodies
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == bodies
