"""TFTP, against a server that loses, doubles and refuses."""

import gzip
import hashlib
import os
import time

import pytest
from fetch_servers import resource, tftp

from provision.apply.fetch import Fetcher, NotFound, Settings, TooLate
from provision.apply.fetch import tftp as client
from provision.apply.fetch.clock import Clock
from provision.diagnostics import ProvisionError


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024, 100_000])
def test_files_of_every_length_arrive(size: int) -> None:
    content = os.urandom(size)
    with tftp({"/file": content}) as server:
        assert Fetcher().read(resource(f"tftp://127.0.0.1:{server.port}/file")) == content


def test_the_request_is_for_the_decoded_path_in_octet_mode() -> None:
    with tftp({"/a b/ä": b"abc"}) as server:
        assert Fetcher().read(resource(f"tftp://127.0.0.1:{server.port}/a%20b/ä?x#y")) == b"abc"
        assert server.asked == [b"\0\1" + "/a b/ä".encode() + b"\0octet\0"]


def test_without_a_port_it_is_69() -> None:
    from provision.apply.fetch.urls import split

    assert split("tftp://host/x").port == 69


def test_lost_blocks_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(3000)
    with tftp({"/file": content}, lose={1, 3, 6}) as server:
        assert Fetcher().read(resource(f"tftp://127.0.0.1:{server.port}/file")) == content


def test_doubled_blocks_count_once() -> None:
    content = os.urandom(30_000)
    with tftp({"/file": content}, double=True) as server:
        assert Fetcher().read(resource(f"tftp://127.0.0.1:{server.port}/file")) == content


def test_numbers_of_blocks_start_again() -> None:
    content = os.urandom(1 << 16) * 513
    with tftp({"/file": content}) as server:
        digest = hashlib.sha256(content).hexdigest()
        found = Fetcher().read(resource(f"tftp://127.0.0.1:{server.port}/file", hash=f"sha256-{digest}"))
        assert len(found) == len(content) == 513 << 16


def test_a_missing_file_is_not_found() -> None:
    with tftp({}) as server, pytest.raises(NotFound, match=rf"tftp://127.0.0.1:{server.port}/none was not found there"):
        Fetcher().read(resource(f"tftp://127.0.0.1:{server.port}/none"))


def test_gzip_is_undone() -> None:
    with tftp({"/file": gzip.compress(b"abc" * 10_000)}) as server:
        assert Fetcher().read(resource(f"tftp://127.0.0.1:{server.port}/file", "gzip")) == b"abc" * 10_000


def test_a_server_that_does_not_answer_is_asked_again_and_then_given_up() -> None:
    with tftp({}, deaf=True) as server:
        pieces = client.blocks(f"tftp://127.0.0.1:{server.port}/file", Clock(0), (0.05, 0.05, 0.05))
        with pytest.raises(ProvisionError, match="did not answer, although asked 3 times"):
            list(pieces)
        time.sleep(0.1)
        assert len(server.asked) >= 3


def test_the_total_timeout_holds_for_tftp_too() -> None:
    with tftp({}, deaf=True) as server, pytest.raises(TooLate, match="when the time was over"):
        Fetcher(Settings(total_s=0.3)).read(resource(f"tftp://127.0.0.1:{server.port}/file"))


def test_the_limit_holds_for_tftp_too() -> None:
    with tftp({"/file": bytes(5000)}) as server, pytest.raises(ProvisionError, match="more than 1000 bytes"):
        Fetcher().read(resource(f"tftp://127.0.0.1:{server.port}/file"), limit=1000)


def test_a_nul_in_the_name_is_refused() -> None:
    with pytest.raises(ProvisionError, match="NUL"):
        Fetcher().read(resource("tftp://127.0.0.1:1/a%00b"))
