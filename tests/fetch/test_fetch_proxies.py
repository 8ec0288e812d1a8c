"""Proxies: which requests go through them, and how."""

import pytest
from fetch_certificates import certificates
from fetch_servers import answer, forwarding, redirect, resource, serving

from provision.apply.fetch import Fetcher, Refused, Settings, TooLate
from provision.apply.fetch.proxies import uses_proxy
from provision.diagnostics import ProvisionError


def fetcher(total_s: float = 5, http_proxy: str = "", https_proxy: str = "") -> Fetcher:
    """One that trusts the servers of these tests, and has a proxy for each scheme."""
    authorities = (certificates().pem("ca"),)
    return Fetcher(Settings(total_s=total_s, http_proxy=http_proxy, https_proxy=https_proxy, authorities=authorities))


def test_http_is_asked_of_the_proxy_by_its_whole_url() -> None:
    with serving({"*": answer(200, b"abc")}) as proxy:
        assert fetcher(http_proxy=proxy.url).read(resource("http://www.fake.test/x?y=z")) == b"abc"
        (seen,) = proxy.seen
    assert seen.path == "http://www.fake.test/x?y=z"
    assert seen.headers["host"] == "www.fake.test"
    assert "proxy-authorization" not in seen.headers


def test_a_proxy_without_scheme_is_one_for_http() -> None:
    with serving({"*": answer(200, b"abc")}) as proxy:
        assert fetcher(http_proxy=proxy.place).read(resource("http://www.fake.test/")) == b"abc"


def test_the_proxys_user_is_told_to_the_proxy_only() -> None:
    with serving({"*": answer(200, b"abc")}) as proxy:
        fetcher(http_proxy=f"http://user:p%40ss@{proxy.place}").read(resource("http://www.fake.test/"))
        headers = proxy.seen[0].headers
    assert headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"
    assert "authorization" not in headers


def test_https_goes_through_a_tunnel() -> None:
    with (
        serving({"/": answer(200, b"abc")}, certificates().context("good")) as there,
        serving({"*": forwarding}) as proxy,
    ):
        found = fetcher(https_proxy=f"http://user:pass@{proxy.place}").read(
            resource(f"https://server.test:{there.server_port}/")
        )
        assert found == b"abc"
        assert (proxy.seen[0].method, proxy.seen[0].path) == ("CONNECT", f"server.test:{there.server_port}")
        assert proxy.seen[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
        assert "proxy-authorization" not in there.seen[0].headers
        assert there.seen[0].path == "/"


def test_a_proxy_may_itself_speak_tls_for_both() -> None:
    with (
        serving({"/": answer(200, b"abc" * 100_000)}, certificates().context("good")) as there,
        serving(
            {"http://www.fake.test/": answer(200, b"by http"), "*": forwarding}, certificates().context("good")
        ) as proxy,
    ):
        both = fetcher(http_proxy=proxy.url, https_proxy=proxy.url)
        assert both.read(resource(f"https://server.test:{there.server_port}/")) == b"abc" * 100_000
        assert both.read(resource("http://www.fake.test/")) == b"by http"
        assert [seen.method for seen in proxy.seen] == ["CONNECT", "GET"]


def test_a_tunnel_does_not_make_a_certificate_good() -> None:
    with (
        serving({"/": answer()}, certificates().context("good")) as there,
        serving({"*": forwarding}) as proxy,
        pytest.raises(ProvisionError, match=r"certificate of other\.test:[0-9]+ is for another host name"),
    ):
        fetcher(https_proxy=proxy.url).read(resource(f"https://other.test:{there.server_port}/"))


def test_each_scheme_has_its_own_proxy() -> None:
    with serving({"*": answer(200, b"abc")}) as proxy, pytest.raises(TooLate, match="could not be looked up"):
        fetcher(0.3, https_proxy=proxy.url).read(resource("http://www.fake.invalid/"))


def test_a_redirect_is_asked_of_the_proxy_again() -> None:
    with serving({"http://a.test/": redirect("http://b.test/"), "*": answer(200, b"abc")}) as proxy:
        assert fetcher(http_proxy=proxy.url).read(resource("http://a.test/")) == b"abc"
        assert [seen.path for seen in proxy.seen] == ["http://a.test/", "http://b.test/"]


def test_a_proxy_that_is_busy_is_tried_again() -> None:
    with serving({"*": answer(503)}) as proxy:
        for url in ("http://www.fake.test/", "https://www.fake.test/"):
            with pytest.raises(TooLate, match="status 503 Service Unavailable"):
                fetcher(0.5, http_proxy=proxy.url, https_proxy=proxy.url).read(resource(url))


def test_a_proxy_that_refuses_ends_the_fetch_and_no_password_is_shown() -> None:
    with serving({"*": answer(407)}) as proxy:
        url = f"http://user:s3cret@{proxy.place}"
        for target in ("http://www.fake.test/", "https://www.fake.test/"):
            with pytest.raises(Refused, match=r"status 407 .*: the proxy wants other credentials") as caught:
                fetcher(http_proxy=url, https_proxy=url).read(resource(target))
            assert "s3cret" not in str(caught.value)


def test_a_proxy_of_another_kind_is_refused() -> None:
    with pytest.raises(ProvisionError):
        fetcher(http_proxy="socks5://127.0.0.1:1/").read(resource("http://www.fake.test/"))


def test_what_is_on_this_machine_is_never_asked_of_a_proxy() -> None:
    with serving({"/": answer(200, b"abc")}) as server, serving({"*": answer(403)}) as proxy:
        assert fetcher(http_proxy=proxy.url).read(resource(server.url)) == b"abc"
        assert fetcher(http_proxy=proxy.url).read(resource(f"http://localhost:{server.server_port}/")) == b"abc"
        assert not proxy.seen


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"*": answer(200, b"abc")}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(TooLate):
            fetcher(0.3).read(resource("http://www.fake.invalid/"))
        monkeypatch.setenv("no_proxy", "*")
        assert fetcher(http_proxy=proxy.url).read(resource("http://www.fake.test/")) == b"abc"


# Source: Go, `golang.org/x/net/http/httpproxy`, the documentation of NoProxy.
@pytest.mark.parametrize(
    ("host", "port", "entry", "proxied"),
    [
        ("example.com", 80, "", True),
        ("example.com", 80, "example.com", False),
        ("Example.COM", 80, "exAmple.com", False),
        ("a.example.com", 80, "example.com", False),
        ("badexample.com", 80, "example.com", True),
        ("example.com", 80, ".example.com", True),
        ("a.example.com", 80, ".example.com", False),
        ("a.b.example.com", 80, "*.example.com", False),
        ("example.com", 80, "*.example.com", True),
        ("example.com", 80, "*", False),
        ("10.1.2.3", 80, "*", False),
        ("example.com", 80, "example.com:80", False),
        ("example.com", 8080, "example.com:80", True),
        ("example.com", 8080, "other.com, example.com:8080 ", False),
        ("10.1.2.3", 80, "10.1.2.3", False),
        ("10.1.2.4", 80, "10.1.2.3", True),
        ("10.1.2.3", 80, "10.1.2.3:80", False),
        ("10.1.2.3", 81, "10.1.2.3:80", True),
        ("10.1.2.3", 80, "10.0.0.0/8", False),
        ("10.1.2.3", 80, "10.9.9.9/8", False),
        ("11.1.2.3", 80, "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", 80, "10.0.0.0/8", False),
        ("2001:db8::1", 80, "2001:db8::/32", False),
        ("2001:db8::1", 80, "2001:DB8:0::1", False),
        ("2001:db8::1", 80, "[2001:db8::1]:80", False),
        ("2001:db8::1", 81, "[2001:db8::1]:80", True),
        ("2001:db8::1", 80, "[2001:db8::1]", True),
        ("10.1.2.3", 80, "1.2.3", True),
        ("x.10.1.2.3.test", 80, "10.1.2.3", True),
        ("example.com", 80, ":80", True),
        ("example.com", 80, "10.0.0.0/99", True),
        ("bücher.example".encode("idna").decode(), 80, "bücher.example", False),
        ("localhost", 80, "", False),
        ("127.9.9.9", 80, "", False),
        ("::1", 80, "", False),
        ("::ffff:127.0.0.1", 80, "", False),
        ("localhost.example.com", 80, "", True),
    ],
)
def test_no_proxy_follows_gos_rules(host: str, port: int, entry: str, proxied: bool) -> None:
    assert uses_proxy(host, port, (entry,)) is proxied


def test_each_entry_of_no_proxy_counts() -> None:
    assert not uses_proxy("b.test", 80, ("a.test", "b.test"))
    assert not uses_proxy("b.test", 80, ("a.test,b.test",))
    assert uses_proxy("c.test", 80, ("a.test", "b.test"))
