"""TLS: whom a fetcher trusts, and what it says of those that it does not."""

import socket
import ssl
import sys

import pytest
from fetch_certificates import certificates
from fetch_servers import answer, by_turns, logged, raw, redirect, resource, serving

from provision.apply.fetch import Fetcher, Settings, TooLate, Untrusted, tls
from provision.diagnostics import ProvisionError


def fetcher(*authorities: str, total_s: float = 5) -> Fetcher:
    """One that trusts certificates by their names in `fetch_certificates`."""
    return Fetcher(Settings(total_s=total_s, authorities=tuple(certificates().pem(name) for name in authorities)))


def test_a_server_is_trusted_by_its_authority() -> None:
    with serving({"/": answer(200, b"abc")}, certificates().context("good")) as server:
        assert fetcher("ca").read(resource(server.url)) == b"abc"
        assert fetcher("ca").read(resource(f"https://localhost:{server.server_port}/")) == b"abc"


def test_an_authority_is_found_behind_others_and_behind_text() -> None:
    bundle = (
        b"# self: \xc3\xa4\n" + certificates().pem("self") + b"\nthe authority:\n" + certificates().pem("ca") + b"\n\n"
    )
    with serving({"/": answer(200, b"abc")}, certificates().context("good")) as server:
        assert Fetcher(Settings(total_s=5, authorities=(bundle,))).read(resource(server.url)) == b"abc"


def test_a_certificate_may_be_trusted_by_itself() -> None:
    for name in ("self", "good"):
        with serving({"/": answer(200, b"abc")}, certificates().context(name)) as server:
            assert fetcher(name).read(resource(server.url)) == b"abc"


@pytest.mark.parametrize(
    ("server_name", "authorities", "message"),
    [
        ("good", (), "is signed by an authority that is not known here; add its authority to ignition.security"),
        ("self", ("ca",), "is signed by itself, and not among the authorities"),
        ("expired", ("ca",), "has expired; renew it, or see whether this machine's clock"),
        ("elsewhere", ("ca",), "is for another address"),
        ("nameless", ("ca",), "is for another address"),
    ],
)
def test_certificates_that_do_not_hold_end_the_fetch(
    server_name: str, authorities: tuple[str, ...], message: str
) -> None:
    with serving({"/": answer(200, b"abc")}, certificates().context(server_name)) as server:
        with pytest.raises(Untrusted, match=message) as caught:
            fetcher(*authorities, total_s=0).read(resource(f"{server.url}/?secret"))
        assert f"the certificate of {server.place} " in str(caught.value)
        assert not server.seen


def test_another_host_name_is_told_from_another_address() -> None:
    with (
        serving({"/": answer()}, certificates().context("elsewhere")) as server,
        pytest.raises(Untrusted, match=r"localhost:[0-9]+ is for another host name"),
    ):
        fetcher("ca").read(resource(f"https://localhost:{server.server_port}/"))


def test_a_certificate_that_is_not_valid_yet_is_waited_for() -> None:
    with (
        serving({"/": answer()}, certificates().context("early")) as server,
        pytest.raises(TooLate, match="not valid yet"),
    ):
        fetcher("ca", total_s=0.5).read(resource(server.url))


def test_a_server_without_tls_is_tried_again() -> None:
    with serving({"/": answer()}) as server, pytest.raises(TooLate, match="does not speak TLS at this port"):
        fetcher("ca", total_s=0.5).read(resource(f"https://{server.place}/"))


def test_a_handshake_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener, logged(monkeypatch) as lines:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(TooLate, match="TLS handshake"):
            fetcher("ca", total_s=1).read(resource(url))
    assert "GET error: no TLS handshake in 0.2 s" in lines


def test_a_body_without_length_has_to_end_inside_tls() -> None:
    cut = raw(b"HTTP/1.0 200 OK\r\n\r\nabc")
    with serving({"/": by_turns(cut, answer(200, b"abcdef"))}, certificates().context("good")) as server:
        assert fetcher("ca").read(resource(server.url)) == b"abcdef"


def test_a_large_body_comes_over_tls() -> None:
    body = bytes(range(256)) * 20_000
    with serving({"/": answer(200, body)}, certificates().context("good")) as server:
        assert fetcher("ca").read(resource(server.url)) == body


def test_a_redirect_leads_from_http_to_https() -> None:
    with (
        serving({"/": answer(200, b"abc")}, certificates().context("good")) as there,
        serving({"/": redirect(there.url)}) as here,
    ):
        assert fetcher("ca").read(resource(here.url)) == b"abc"


def test_an_old_tls_is_refused() -> None:
    context = certificates().context("good")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving({"/": answer()}, context) as server, pytest.raises(TooLate, match="TLS"):
        fetcher("ca", total_s=0.5).read(resource(server.url))


@pytest.mark.parametrize(
    ("bundle", "message"),
    [
        (b"not a certificate", "not PEM"),
        (b"\xff\xfe\0", "not PEM"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA", "not PEM"),
        (b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", "not base64"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a certificate in it is damaged"),
        (b"-----END CERTIFICATE-----\n", "something else than certificates"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not PEM"),
    ],
)
def test_what_is_no_bundle_of_certificates_is_refused(bundle: bytes, message: str) -> None:
    with pytest.raises(ProvisionError, match=message):
        tls.check_bundle(bundle)


def test_a_private_key_before_a_certificate_is_refused() -> None:
    key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    with pytest.raises(ProvisionError, match="something else than certificates"):
        tls.check_bundle(key + certificates().pem("ca"))


def test_the_systems_authorities_are_found_where_the_interpreter_does_not_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(tls, "BUNDLES", (f"{tmp_path}/none", str(certificates().folder / "ca.pem")))
    monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}/none")
    with serving({"/": answer(200, b"abc")}, certificates().context("good")) as server:
        assert fetcher().read(resource(server.url)) == b"abc"


def test_the_systems_authorities_hold_beside_those_of_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates().folder / "ca.pem"))
    with serving({"/": answer(200, b"abc")}, certificates().context("good")) as server:
        assert fetcher("self").read(resource(server.url)) == b"abc"


def test_without_tls_in_the_interpreter_https_is_refused_and_http_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ssl", None)
    with serving({"/": answer(200, b"abc")}) as server:
        assert Fetcher().read(resource(server.url)) == b"abc"
        with pytest.raises(ProvisionError, match="https: URLs need TLS, and this Python was built without it"):
            Fetcher().read(resource(f"https://{server.place}/"))
