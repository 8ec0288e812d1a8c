"""Fetchers for configs: timeouts, proxies and certificate authorities."""

import gzip
import hashlib
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from fetch_certificates import certificates
from fetch_servers import answer, resource, serving

import provision
from provision.apply.fetch import Credentials, Fetcher, NeedsNetwork, NotFound, Settings, Untrusted
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Ignition, Proxy, Resource, Security, Timeouts, Tls

SOURCE = Path(provision.__file__).parent.parent


def config(*authorities: Resource, timeouts: Timeouts | None = None, proxy: Proxy | None = None) -> Config:
    return Config(
        ignition=Ignition(
            version="3.4.0",
            timeouts=timeouts or Timeouts(),
            proxy=proxy or Proxy(),
            security=Security(tls=Tls(certificate_authorities=authorities)),
        )
    )


def data_url(content: bytes) -> str:
    return "data:;base64," + b64encode(content).decode()


def test_what_a_config_does_not_set_is_as_by_default() -> None:
    before = Fetcher(Settings(response_headers_s=1, total_s=1, http_proxy="http://p.test", no_proxy=("a",)))
    assert before.for_config(config()).settings == Settings()


def test_timeouts_and_proxies_of_a_config_are_taken_over() -> None:
    found = Fetcher().for_config(
        config(
            timeouts=Timeouts(http_response_headers=0, http_total=7),
            proxy=Proxy(http_proxy="http://p.test", https_proxy="https://q.test", no_proxy=("a", "b")),
        )
    )
    assert found.settings == Settings(0, 7, "http://p.test", "https://q.test", ("a", "b"))


def test_enormous_timeouts_are_none() -> None:
    found = Fetcher().for_config(config(timeouts=Timeouts(http_response_headers=10**400, http_total=10**400)))
    with serving({"/": answer(200, b"abc")}) as server:
        assert found.read(resource(server.url)) == b"abc"


def test_an_authority_of_a_config_is_trusted() -> None:
    with serving({"/": answer(200, b"abc")}, certificates().context("good")) as server:
        before = Fetcher(Settings(total_s=5))
        trusting = before.for_config(config(resource(data_url(certificates().pem("ca")))))
        assert trusting.read(resource(server.url)) == b"abc"
        with pytest.raises(Untrusted):
            before.read(resource(server.url))


def test_an_authority_is_fetched_once_with_its_headers_compression_and_hash() -> None:
    bundle = certificates().pem("ca")
    digest = "sha256-" + hashlib.sha256(bundle).hexdigest()
    with (
        serving({"/": answer(200, b"abc")}, certificates().context("good")) as server,
        serving({"/ca": answer(200, gzip.compress(bundle))}) as keeper,
    ):
        authority = resource(f"{keeper.url}/ca", "gzip", digest, {"X-Auth": "r8"})
        trusting = Fetcher(Settings(total_s=5)).for_config(config(authority))
        trusting = trusting.for_config(config(authority))
        assert trusting.read(resource(server.url)) == b"abc"
        assert trusting.authority(authority) == bundle
        assert [seen.headers["x-auth"] for seen in keeper.seen] == ["r8"]


def test_authorities_may_be_several_and_one_is_fetched_through_the_trust_before() -> None:
    with (
        serving({"/ca": answer(200, certificates().pem("self"))}, certificates().context("good")) as keeper,
        serving({"/": answer(200, b"abc")}, certificates().context("self")) as server,
    ):
        before = Fetcher().for_config(config(resource(data_url(certificates().pem("ca")))))
        after = before.for_config(config(resource(f"{keeper.url}/ca"), resource("data:,")))
        assert after.read(resource(server.url)) == b"abc"


def test_a_config_without_authorities_keeps_those_before_it() -> None:
    with serving({"/": answer(200, b"abc")}, certificates().context("good")) as server:
        before = Fetcher().for_config(config(resource(data_url(certificates().pem("ca")))))
        assert before.for_config(config()).read(resource(server.url)) == b"abc"


@pytest.mark.parametrize("bundle", [b"no certificate", certificates().pem("ca") + b"more"])
def test_an_authority_that_is_no_pem_is_refused_by_its_url(bundle: bytes) -> None:
    with (
        serving({"/ca": answer(200, bundle)}) as keeper,
        pytest.raises(ProvisionError, match=r"^http://\S+/ca: .*not PEM"),
    ):
        Fetcher().for_config(config(resource(f"{keeper.url}/ca?secret")))


def test_an_authority_that_cannot_be_had_is_an_error() -> None:
    with serving({}) as keeper, pytest.raises(NotFound):
        Fetcher().for_config(config(resource(f"{keeper.url}/ca")))
    with pytest.raises(ProvisionError, match="has no source"):
        Fetcher().for_config(config(Resource()))


def test_an_authority_elsewhere_needs_the_network() -> None:
    with pytest.raises(NeedsNetwork):
        Fetcher(offline=True).for_config(config(resource("http://h/ca")))
    Fetcher(offline=True).for_config(config(resource(data_url(certificates().pem("ca")))))


def test_credentials_and_being_offline_are_handed_on() -> None:
    credentials = Credentials()
    found = Fetcher(offline=True, credentials=credentials).for_config(config())
    assert found.offline
    assert found.credentials is credentials


def loaded(code: str) -> set[str]:
    """The modules that code loads."""
    script = f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_what_speaks_over_networks_is_loaded_when_it_is_needed() -> None:
    costly = {"socket", "ssl", "http.client", "hashlib", "urllib.parse", "ipaddress", "select", "email.parser"}
    assert not costly & loaded("import provision.apply.fetch")
    data = (
        "from provision.apply.fetch import Fetcher; from provision.ignition import Resource\n"
        "assert Fetcher(offline=True).read(Resource(source='data:,abc')) == b'abc'"
    )
    assert not costly & loaded(data)


def test_plain_http_loads_no_program_of_other_schemes() -> None:
    with serving({"/": answer(200, b"abc")}) as server:
        code = (
            "from provision.apply.fetch import Fetcher; from provision.ignition import Resource\n"
            f"assert Fetcher().read(Resource(source={server.url!r})) == b'abc'"
        )
        names = loaded(code)
    assert "http.client" in names
    assert not {"provision.apply.fetch.tftp", "provision.apply.fetch.signing", "hmac", "subprocess"} & names
