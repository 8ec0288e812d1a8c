"""Metadata servers: every platform that answers by HTTP alone, against a server with recorded answers."""

import json
import os
import socket
import threading
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from provider_fakes import CONFIG, FakeMachine, Reply, metadata_server

from provision.apply.fetch import TooLate
from provision.apply.providers import PROVIDERS, asked
from provision.apply.providers.http import Http
from provision.diagnostics import ProvisionError

ROWS: dict[str, Any] = json.loads((Path(__file__).parent / "answers/http.json").read_text())

privileged = pytest.mark.skipif(os.geteuid() != 0, reason="Scaleway is asked from a port that only root may use")
PLATFORMS = [pytest.param(row, marks=privileged) if row == "scaleway" else row for row in ROWS]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


def wrapped(platform: str, content: bytes) -> bytes:
    """Content as the platform hands it out."""
    return b64encode(content) if ROWS[platform].get("encoding") == "base64" else content


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_config_is_at_its_address(platform: str, machine: FakeMachine) -> None:
    path = ROWS[platform]["path"]
    with metadata_server({f"GET {path}": Reply(wrapped(platform, CONFIG))}) as server:
        assert asked(PROVIDERS[platform], machine.host(server)) == CONFIG
    headers = server.asked[-1].headers
    for name, value in ROWS[platform].get("headers", {}).items():
        assert headers[name] == value
    assert headers["user-agent"].startswith("Ignition/")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_not_found_is_no_config(platform: str, machine: FakeMachine) -> None:
    with metadata_server({}) as server:
        assert asked(PROVIDERS[platform], machine.host(server)) is None
    assert server.paths[-1] == f"GET {ROWS[platform]['path']}"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_is_no_config(platform: str, machine: FakeMachine) -> None:
    with metadata_server({f"GET {ROWS[platform]['path']}": Reply()}) as server:
        assert not asked(PROVIDERS[platform], machine.host(server))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_refusal_is_an_error(platform: str, machine: FakeMachine) -> None:
    with (
        metadata_server({f"GET {ROWS[platform]['path']}": Reply(b"secret", 403)}) as server,
        pytest.raises(ProvisionError, match=r"^the metadata server's https?://.*403") as caught,
    ):
        asked(PROVIDERS[platform], machine.host(server))
    assert "secret" not in str(caught.value)
    assert len([path for path in server.paths if path.startswith("GET")]) == 1


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_server_that_is_not_ready_is_asked_again(platform: str, machine: FakeMachine) -> None:
    answers = [Reply(status=503), Reply(wrapped(platform, CONFIG))]
    with metadata_server({f"GET {ROWS[platform]['path']}": answers}) as server:
        assert asked(PROVIDERS[platform], machine.host(server)) == CONFIG


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_server_that_cannot_be_reached_ends_with_the_time(platform: str, machine: FakeMachine) -> None:
    with metadata_server({}) as server:
        pass
    with pytest.raises(ProvisionError, match="in time"):
        asked(PROVIDERS[platform], machine.host(server, total_s=0.1))


def test_a_server_that_does_not_answer_ends_with_the_time(machine: FakeMachine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = machine.host()
        host.addresses = {"http://169.254.169.254": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        host.fetcher = host.within(0.2)
        with pytest.raises(TooLate):
            PROVIDERS["hetzner"].fetch(host)


def test_garbage_instead_of_http_ends_with_the_time(machine: FakeMachine) -> None:
    def babble(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"\x00\xff{}\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=babble, args=(listening,))
        thread.start()
        host = machine.host()
        host.addresses = {"http://169.254.169.254": f"http://127.0.0.1:{listening.getsockname()[1]}"}
        host.fetcher = host.within(0.3)
        try:
            with pytest.raises(ProvisionError):
                PROVIDERS["hetzner"].fetch(host)
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("garbage", [b"{}", b"abc", b"YWJj=", b"\xff\xfe"])
def test_what_is_not_base64_is_refused_and_not_shown(garbage: bytes, machine: FakeMachine) -> None:
    with (
        metadata_server({f"GET {ROWS['oraclecloud']['path']}": Reply(garbage)}) as server,
        pytest.raises(ProvisionError, match=r"what the platform holds is not base64$"),
    ):
        asked(PROVIDERS["oraclecloud"], machine.host(server))


def test_base64_may_have_line_ends(machine: FakeMachine) -> None:
    with metadata_server({f"GET {ROWS['oraclecloud']['path']}": Reply(b"eyJh\r\nIjoxfQ==\n")}) as server:
        assert asked(PROVIDERS["oraclecloud"], machine.host(server)) == b'{"a":1}'


def test_oracle_is_asked_again_where_it_is_busy(machine: FakeMachine) -> None:
    answers = [Reply(status=429), Reply(b64encode(CONFIG))]
    with metadata_server({f"GET {ROWS['oraclecloud']['path']}": answers}) as server:
        assert asked(PROVIDERS["oraclecloud"], machine.host(server)) == CONFIG


@privileged
def test_scaleway_is_asked_from_a_privileged_port(machine: FakeMachine) -> None:
    with metadata_server({f"GET {ROWS['scaleway']['path']}": Reply(CONFIG)}) as server:
        asked(PROVIDERS["scaleway"], machine.host(server))
    assert 1 <= server.asked[0].port <= 1022


def test_a_config_that_is_too_long_is_refused(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.apply.providers.http.MAX_CONFIG_BYTES", 1 << 20)
    with (
        metadata_server({"GET /hetzner/v1/userdata": Reply(bytes((1 << 20) + 1))}) as server,
        pytest.raises(ProvisionError, match="limit"),
    ):
        asked(PROVIDERS["hetzner"], machine.host(server))


def test_an_address_that_is_not_overridden_stays(machine: FakeMachine) -> None:
    host = machine.host()
    for url in ("http://169.254.169.254/a?b=c://d", "data:,a://b/c", "nonsense", "http://[fe80::1%eth0]/x"):
        assert host.address(url) == url
    host.addresses = {"http://[fe80::1%eth0]": "http://127.0.0.1:1"}
    assert host.address("http://[fe80::1%eth0]/x?y") == "http://127.0.0.1:1/x?y"


def test_a_query_is_not_shown() -> None:
    assert Http("http://a/b?secret=c").what == "the metadata server's http://a/b"
