"""HTTP: what is sent, which answers count, redirects, retries and timeouts."""

import gzip
import io
import time
from pathlib import Path

import pytest
from fetch_servers import (
    Handler,
    Route,
    answer,
    by_turns,
    free_port,
    logged,
    raw,
    redirect,
    resource,
    serving,
    short,
    silent,
    stalling,
)  # fmt: skip

from provision.apply.fetch import Fetcher, NeedsNetwork, NotFound, Refused, Request, Settings, TooLate, retrying
from provision.diagnostics import ProvisionError

ACCEPT = "application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1"


def fetcher(total_s: float = 5, response_headers_s: float = 10, idle_s: float = 10) -> Fetcher:
    """One that no test waits for too long."""
    return Fetcher(Settings(total_s=total_s, response_headers_s=response_headers_s, idle_s=idle_s))


# ---- requests ---------------------------------------------------------------------------------------------------


def test_the_body_of_a_200_is_what_was_asked_for() -> None:
    with serving({"/config": answer(200, b"abc")}) as server:
        assert fetcher().read(resource(f"{server.url}/config")) == b"abc"


def test_a_204_is_no_bytes() -> None:
    with serving({"/config": answer(204)}) as server:
        assert fetcher().read(resource(f"{server.url}/config")) == b""


def test_the_default_headers_are_those_that_servers_look_for() -> None:
    with serving({"/": answer()}) as server:
        fetcher().read(resource(server.url))
        (seen,) = server.seen
    assert seen.headers["user-agent"].startswith("Ignition/2.")
    assert seen.headers["accept"] == ACCEPT
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["host"] == server.place
    assert (seen.method, seen.path) == ("GET", "/")


def test_headers_of_the_config_come_before_the_defaults() -> None:
    headers = {"user-agent": "MyUA", "Accept": "application/json", "X-Auth": "r8", "Keep-Alive": "300"}
    with serving({"/": answer()}) as server:
        fetcher().read(resource(server.url, headers=headers))
        (seen,) = server.seen
    assert {name.lower(): value for name, value in headers.items()}.items() <= seen.headers.items()


def test_of_headers_of_one_name_the_last_one_is_sent() -> None:
    with serving({"/": answer()}) as server:
        fetcher().request(Request(server.url, headers=(("X-A", "1"), ("x-a", "2"))))
        assert server.seen[0].headers["x-a"] == "2"


def test_a_host_header_of_the_config_has_no_effect() -> None:
    with serving({"/": answer()}) as server:
        fetcher().read(resource(server.url, headers={"Host": "evil.test"}))
        assert server.seen[0].headers["host"] == server.place


@pytest.mark.parametrize(("name", "value"), [("X A", "1"), ("", "1"), ("X:", "1"), ("X", "a\r\nY: b"), ("X", "a\0b")])
def test_headers_that_would_forge_others_are_refused_without_their_value(name: str, value: str) -> None:
    with serving({"/": answer()}) as server:
        with pytest.raises(ProvisionError, match="header") as caught:
            fetcher().request(Request(server.url, headers=((name, value),)))
        assert value not in str(caught.value) or value == "1"
        assert not server.seen


def test_signs_that_no_url_may_hold_are_escaped_and_escapes_are_kept() -> None:
    with serving({"*": answer()}) as server:
        fetcher().read(resource(f"{server.url}/a b/%2F/ä?q=ö 1&r=%20#fragment"))
        assert server.seen[0].path == "/a%20b/%2F/%C3%A4?q=%C3%B6%201&r=%20"


def test_the_user_in_a_url_becomes_basic_authorization() -> None:
    with serving({"/": answer()}) as server:
        fetcher().read(resource(f"http://us%65r:pa%3Ass@{server.place}/"))
        assert server.seen[0].headers["authorization"] == "Basic dXNlcjpwYTpzcw=="
        fetcher().read(resource(f"http://user:pass@{server.place}/", headers={"Authorization": "Bearer x"}))
        assert server.seen[1].headers["authorization"] == "Bearer x"


def test_a_put_sends_its_body() -> None:
    with serving({"/token": answer(200, b"t0ken", X_Mark="a")}) as server:
        answered = fetcher().request(Request(f"{server.url}/token", method="PUT", body=b"abc"))
        assert (answered.status, answered.body, answered.headers["x-mark"]) == (200, b"t0ken", "a")
        assert (server.seen[0].method, server.seen[0].body) == ("PUT", b"abc")


def test_a_put_without_body_says_so() -> None:
    with serving({"/token": answer()}) as server:
        fetcher().request(Request(f"{server.url}/token", method="PUT"))
        assert server.seen[0].headers["content-length"] == "0"


def test_a_request_can_come_from_a_port_in_a_range() -> None:
    ports = range(free_port(), 65535)[:200]
    with serving({"/": answer()}) as server:
        for _ in range(3):
            fetcher().request(Request(server.url, local_ports=ports))
        assert all(seen.port in ports for seen in server.seen)


def test_a_port_that_is_taken_is_passed_over() -> None:
    with serving({"/": answer()}) as server, serving({}) as other:
        taken = other.server_port
        fetcher().request(Request(server.url, local_ports=range(taken, min(taken + 50, 65536))))
        assert server.seen[0].port > taken


def test_ipv6_addresses_with_and_without_a_zone_work() -> None:
    with serving({"/": answer()}, host="::1") as server:
        for host in ("::1", "::1%251", "::1%1"):
            assert fetcher().read(resource(f"http://[{host}]:{server.server_port}/")) == b""
        assert [seen.headers["host"] for seen in server.seen] == [f"[::1]:{server.server_port}"] * 3


def test_a_link_local_address_takes_the_name_of_its_interface() -> None:
    links = [line.split() for line in Path("/proc/net/if_inet6").read_text().splitlines() if line.startswith("fe80")]
    if not links:
        pytest.skip("this machine has no link-local IPv6 address")
    digits, *_, name = links[0]
    address = ":".join(digits[at : at + 4] for at in range(0, 32, 4))
    with serving({"/": answer(200, b"abc")}, host="::") as server:
        url = f"http://[{address}%{name}]:{server.server_port}/"
        assert fetcher().read(resource(url)) == b"abc"
        assert "%" not in server.seen[0].headers["host"]


@pytest.mark.parametrize(
    "url",
    ["http:///x", "http:x", "http://h:0/", "http://h:65536/", "http://h:x/", "http://[::1/", "http://a..b/",
     "http://" + "a" * 64 + "/", "http://a%zz/", "file:///etc/shadow", "relative/path", "http://us er@/"],
)  # fmt: skip
def test_urls_that_nothing_can_be_asked_for_are_refused_at_once(url: str) -> None:
    with pytest.raises(ProvisionError) as caught:
        Fetcher().read(resource(url))
    assert not isinstance(caught.value, TooLate)


# ---- answers ----------------------------------------------------------------------------------------------------


def test_404_is_not_found() -> None:
    with serving({}) as server, pytest.raises(NotFound, match=r"http://127.0.0.1:\d+/x was not found there"):
        fetcher().read(resource(f"{server.url}/x?token=secret"))


@pytest.mark.parametrize("status", [400, 401, 403, 410, 418, 429])
def test_other_refusals_are_final_and_name_status_and_url_only(status: int) -> None:
    with serving({"/x": answer(status, b"why")}) as server:
        with pytest.raises(Refused) as caught:
            Fetcher().read(resource(f"http://user:secret@{server.place}/x?token=secret"))
        assert len(server.seen) == 1
    assert caught.value.status == status
    assert f"http://{server.place}/x answered with status {status} " in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_status_that_is_accepted_is_an_answer() -> None:
    with serving({"/x": answer(404, b"none")}) as server:
        answered = fetcher().request(Request(f"{server.url}/x", accept=frozenset((200, 404))))
        assert (answered.status, answered.body) == (404, b"none")


def test_a_chunked_body_is_put_together() -> None:
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    with serving({"/": raw(body)}) as server:
        assert fetcher().read(resource(server.url)) == b"abcde"


def test_a_body_without_length_ends_with_the_connection() -> None:
    with serving({"/": raw(b"HTTP/1.0 200 OK\r\n\r\nabc")}) as server:
        assert fetcher().read(resource(server.url)) == b"abc"


def test_interim_answers_are_skipped() -> None:
    body = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    with serving({"/": raw(body)}) as server:
        assert fetcher().read(resource(server.url)) == b"abc"


def test_a_content_encoding_is_left_as_it_is() -> None:
    with serving({"/": answer(200, gzip.compress(b"abc"), Content_Encoding="gzip")}) as server:
        assert gzip.decompress(fetcher().read(resource(server.url))) == b"abc"


# ---- redirects --------------------------------------------------------------------------------------------------


def test_ten_redirects_are_followed() -> None:
    steps = {f"/{n}": redirect(f"/{n + 1}") for n in range(10)}
    with serving({**steps, "/10": answer(200, b"there")}) as server:
        assert fetcher().read(resource(f"{server.url}/0")) == b"there"


def test_the_eleventh_redirect_is_refused_at_once() -> None:
    steps = {f"/{n}": redirect(f"/{n + 1}") for n in range(11)}
    with serving({**steps, "/11": answer(200, b"there")}) as server:
        with pytest.raises(ProvisionError, match="/0: more than 10 redirects"):
            Fetcher().read(resource(f"{server.url}/0"))
        assert len(server.seen) == 11


def test_a_redirect_to_itself_ends() -> None:
    with serving({"/": redirect("/")}) as server, pytest.raises(ProvisionError, match="most likely a loop"):
        Fetcher().read(resource(server.url))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_headers_of_the_config_are_dropped_on_a_redirect(status: int) -> None:
    headers = {"X-Auth": "r8", "Authorization": "Bearer x", "User-Agent": "MyUA", "Accept": "a/b"}
    with (
        serving({"/there": answer(200, b"abc")}) as there,
        serving({"/": redirect(f"{there.url}/there", status)}) as here,
    ):
        assert fetcher().read(resource(here.url, headers=headers)) == b"abc"
        (seen,) = there.seen
    assert set(seen.headers) == {"host", "user-agent", "accept-encoding", "connection"}
    assert seen.headers["user-agent"].startswith("Ignition/")


@pytest.mark.parametrize(("status", "method", "body"), [(303, "GET", b""), (302, "GET", b""), (307, "PUT", b"abc")])
def test_a_redirect_keeps_method_and_body_only_where_it_says_so(status: int, method: str, body: bytes) -> None:
    with serving({"/": redirect("/there", status), "/there": answer()}) as server:
        fetcher().request(Request(server.url, method="PUT", body=b"abc"))
        assert (server.seen[1].method, server.seen[1].body) == (method, body)


def test_a_redirect_without_a_place_is_a_refusal() -> None:
    with serving({"/": answer(302)}) as server, pytest.raises(Refused, match="status 302 Found"):
        Fetcher().read(resource(server.url))


@pytest.mark.parametrize("place", ["file:///etc/shadow", "ftp://h/x", "data:,abc"])
def test_a_redirect_out_of_http_is_refused(place: str) -> None:
    with serving({"/": redirect(place)}) as server, pytest.raises(ProvisionError, match="neither http nor https"):
        Fetcher().read(resource(server.url))


def test_a_redirect_with_bytes_outside_ascii_and_a_fragment_is_followed() -> None:
    location = "/ä b#x".encode().decode("latin-1")
    with serving({"/": redirect(location), "/%C3%A4%20b": answer(200, b"abc")}) as server:
        assert fetcher().read(resource(server.url)) == b"abc"


def test_after_a_redirect_to_a_busy_server_it_starts_over() -> None:
    with serving({"/": redirect("/there"), "/there": by_turns(answer(503), answer(200, b"abc"))}) as server:
        assert fetcher().read(resource(server.url)) == b"abc"
        assert [seen.path for seen in server.seen] == ["/", "/there", "/", "/there"]


# ---- retries and timeouts ---------------------------------------------------------------------------------------


def test_a_500_is_tried_again() -> None:
    with serving({"/": by_turns(answer(500), answer(599), answer(200, b"abc"))}) as server:
        assert fetcher().read(resource(server.url)) == b"abc"
        assert len(server.seen) == 3


def test_statuses_that_a_platform_names_are_tried_again() -> None:
    with serving({"/": by_turns(answer(404), answer(429), answer(200, b"abc"))}) as server:
        assert fetcher().request(Request(server.url, retry=frozenset((404, 429)))).body == b"abc"


def test_a_503_for_ever_ends_with_the_total_timeout() -> None:
    with serving({"/x": answer(503)}) as server:
        with pytest.raises(TooLate) as caught:
            fetcher(total_s=1).read(resource(f"{server.url}/x?secret"))
        assert len(server.seen) >= 2
    message = str(caught.value)
    assert message.startswith(f"{server.url}/x could not be fetched in time")
    assert "in 1 s" in message
    assert "status 503 Service Unavailable" in message
    assert "secret" not in message


def test_waits_double_up_to_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(retrying, "sleep", waits.append)
    with serving({"/": by_turns(*[answer(500)] * 7, answer(200, b"abc"))}) as server:
        assert Fetcher().read(resource(server.url)) == b"abc"
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_server_that_is_not_there_yet_is_waited_for() -> None:
    port = free_port()
    with pytest.raises(TooLate, match="connection refused"):
        fetcher(total_s=0.5).read(resource(f"http://127.0.0.1:{port}/"))


def test_a_host_that_is_not_known_is_waited_for() -> None:
    with pytest.raises(TooLate, match=r"host nowhere\.invalid could not be looked up"):
        fetcher(total_s=0.3).read(resource("http://nowhere.invalid/"))


def test_headers_that_come_too_late_are_asked_for_again() -> None:
    with serving({"/": by_turns(silent, answer(200, b"abc"))}) as server:
        assert fetcher(response_headers_s=0.2).read(resource(server.url)) == b"abc"


def test_a_head_that_drips_is_too_late_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def dripping(handler: Handler) -> None:
        for _ in range(100):
            handler.wfile.write(b"H")
            if handler.server.stopping.wait(0.05):
                break

    with serving({"/": dripping}) as server, logged(monkeypatch) as lines:
        with pytest.raises(TooLate):
            fetcher(total_s=1, response_headers_s=0.3).read(resource(server.url))
        assert "GET error: no answer in 0.3 s" in lines


def test_the_total_timeout_ends_a_body_that_stands_still() -> None:
    with serving({"/": stalling(b"abc")}) as server:
        start = time.monotonic()
        with pytest.raises(TooLate, match="further byte"):
            fetcher(total_s=0.5).read(resource(server.url))
        assert time.monotonic() - start < 5


def test_a_body_that_stands_still_for_too_long_is_asked_for_again() -> None:
    with serving({"/": by_turns(stalling(b"abc"), answer(200, b"abcdef"))}) as server:
        assert fetcher(idle_s=0.2).read(resource(server.url)) == b"abcdef"


@pytest.mark.parametrize(
    "broken",
    [
        short(b"abc", 6),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnumber\r\n"),
        raw(b"HTTP/1.1 2"),
        raw(b"nonsense\r\n\r\n"),
        raw(b""),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
    ],
    ids=["short", "chunk", "no-end", "no-number", "head", "nonsense", "nothing", "headers"],
)
def test_what_broke_off_is_fetched_again_from_the_start(broken: Route) -> None:
    with serving({"/": by_turns(broken, answer(200, b"abcdef"))}) as server:
        file = io.BytesIO(b"before, and more")
        file.seek(6)
        fetcher().save(resource(server.url), file)
        assert file.getvalue() == b"beforeabcdef"


def test_a_transfer_that_always_breaks_off_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "sleep", lambda _: None)
    with serving({"/": short(b"abc", 6)}) as server:
        with pytest.raises(ProvisionError, match="broke off after 3 of 6 bytes; it was tried 10 times"):
            Fetcher().read(resource(server.url))
        assert len(server.seen) == 10


def test_a_failed_request_for_an_answer_is_repeated_too() -> None:
    with serving({"/": by_turns(short(b"abc", 6), answer(200, b"abcdef"))}) as server:
        assert fetcher().request(Request(server.url)).body == b"abcdef"


# ---- offline, log -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://h/", "https://h/", "tftp://h/x", "s3://b/k", "arn:aws:s3:::b/k", "gs://b/o"])
def test_offline_nothing_is_asked_for(url: str) -> None:
    with pytest.raises(NeedsNetwork, match="without the network"):
        Fetcher(offline=True).read(resource(url))
    with pytest.raises(NeedsNetwork):
        Fetcher(offline=True).request(Request(url))


def test_the_log_tells_of_each_attempt_and_of_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"/x": by_turns(answer(500), answer(200, b"abc"))}) as server, logged(monkeypatch) as lines:
        url = f"http://name:s3cret@{server.place}/x?token=s3cret"
        fetcher().read(resource(url, headers={"X-Auth": "s3cret"}))
    assert lines == [
        f"GET {server.url}/x: attempt #1",
        "GET result: Internal Server Error",
        f"GET {server.url}/x: attempt #2",
        "GET result: OK",
    ]
