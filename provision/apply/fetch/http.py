"""One request and its answer over HTTP/1.1, and the requests that follow from redirects.

Source for what is sent: Ignition, `internal/resource/{url,http}.go`; for redirects Go, `net/http/client.go`.
"""

import http.client
import re

from provision import __version__
from provision.apply import log
from provision.apply.fetch.answers import Headers, Incoming, Response, parsed
from provision.apply.fetch.clock import Clock
from provision.apply.fetch.dialing import dial
from provision.apply.fetch.faults import Broken, Busy, NotFound, Refused
from provision.apply.fetch.lines import Line, Wire
from provision.apply.fetch.proxies import authorization, proxy_for
from provision.apply.fetch.settings import Request, Settings
from provision.apply.fetch.tls import TlsLine, Trust, needed
from provision.apply.fetch.urls import Target, joined, scheme_of, split
from provision.apply.paths import shown
from provision.apply.sources import shown_url
from provision.diagnostics import ProvisionError

MAX_REDIRECTS = 10
# Source: Go, `net/http/transport.go`, `dialConn`.
CONNECT_S = 60

# Servers tell by the version whom they talk to: Ignition 2 reads configs of spec 3. It is the release whose behaviour
# is followed here.
USER_AGENT = f"Ignition/2.26.0 provision/{__version__}"
ALWAYS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
DEFAULTS = {**ALWAYS, "Accept": "application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1"}
# What the client itself decides. Source: Go, `net/http/request.go`, `reqWriteExcludeHeader`.
OWN_HEADERS = {"host", "content-length", "transfer-encoding", "trailer"}
# Whether a redirect keeps method and body.
REDIRECTS = {301: False, 302: False, 303: False, 307: True, 308: True}

# Source: RFC 9110, 5.6.2 and 5.5.
NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
NOT_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

HINTS = {
    401: "it wants credentials; see httpHeaders",
    403: "it does not allow this; see whether the URL is right and what the server wants in httpHeaders",
    407: "the proxy wants other credentials; they stand in its URL",
}


class Client:
    """Asks HTTP servers by settings, one connection for one request."""

    def __init__(self, settings: Settings, trust: Trust) -> None:
        self.settings, self.trust = settings, trust

    def ask(self, request: Request, clock: Clock) -> Response:
        """The answer to a request, after all redirects; it has to be closed. Raises Broken and ProvisionError."""
        url, method, body = request.url, request.method, request.body
        headers = chosen(request.headers)
        for _ in range(MAX_REDIRECTS + 1):
            response = self.exchange(split(url), method, headers, body, clock, request.local_ports)
            location = response.headers.get("location", "")
            if response.status not in REDIRECTS or not location:
                return response
            response.close()
            if not REDIRECTS[response.status]:
                method, body = ("HEAD" if method == "HEAD" else "GET"), b""
            headers, url = ALWAYS, redirected(url, location)
        raise ProvisionError(f"{shown_url(request.url)}: more than {MAX_REDIRECTS} redirects, most likely a loop")

    def exchange(
        self, target: Target, method: str, headers: Headers, body: bytes, clock: Clock, local_ports: range | None
    ) -> Response:
        """One request and the head of its answer."""
        proxy = proxy_for(target, self.settings)
        line = self.connect(target, proxy, clock, local_ports)
        try:
            if proxy and target.scheme == "http":
                headers = {**headers, **proxy_headers(proxy)}
            line.allow(self.settings.response_headers_s, "room for the request")
            line.send(head(method, target, headers, len(body), by_proxy=bool(proxy)) + body)
            line.allow(self.settings.response_headers_s, "answer")
            response = Response(line, method)
            line.allow(self.settings.idle_s, "further byte", renewed=True)
            return response
        except BaseException:
            line.close()
            raise

    def connect(self, target: Target, proxy: Target | None, clock: Clock, local_ports: range | None) -> Line:
        """A line to the server, or for http to its proxy."""
        if "https" in (target.scheme, proxy and proxy.scheme):
            needed()
        nearest = proxy or target
        line: Line = Wire(dial(nearest.host, nearest.port, clock, local_ports), clock)
        try:
            if nearest.scheme == "https":
                line = self.encrypted(line, nearest)
            if proxy and target.scheme == "https":
                tunnel(line, target, proxy)
                line = self.encrypted(line, target)
        except BaseException:
            line.close()
            raise
        return line

    def encrypted(self, line: Line, target: Target) -> TlsLine:
        """TLS to a target over a line to it."""
        encrypted = TlsLine(line, self.trust.context(), target.bare_host)
        encrypted.handshake(shown(target.authority))
        return encrypted


def chosen(headers: tuple[tuple[str, str], ...]) -> Headers:
    """The default headers and those of the user, who wins; of headers of one name the last one. Raises ProvisionError
    for what no header can be; no value is shown.
    """
    found = {name.lower(): (name, value) for name, value in DEFAULTS.items()}
    for name, value in headers:
        if not NAME.fullmatch(name):
            raise ProvisionError(f"the HTTP header {name!a} has a name that no header may have")
        if NOT_IN_VALUE.search(value):
            raise ProvisionError(f"the HTTP header {name} has a value with a control character")
        if name.lower() not in OWN_HEADERS:
            found[name.lower()] = name, value.strip(" \t")
    return dict(found.values())


def head(method: str, target: Target, headers: Headers, body_size: int, *, by_proxy: bool) -> bytes:
    """The head of a request."""
    absolute = by_proxy and target.scheme == "http"
    path = f"http://{target.authority}{target.path}" if absolute else target.path
    lines = {"Host": target.authority, **headers}
    names = {name.lower() for name in lines}
    if target.user and "authorization" not in names:
        lines["Authorization"] = authorization(target.user)
    if body_size or method in ("POST", "PUT"):
        lines["Content-Length"] = str(body_size)
    if "connection" not in names:
        lines["Connection"] = "close"
    fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode(errors="surrogateescape")


def redirected(url: str, location: str) -> str:
    """Where a redirect leads, if something fetches from there. Raises ProvisionError if not."""
    there = joined(url, location)
    if scheme_of(there) not in ("http", "https"):
        raise ProvisionError(f"{shown_url(url)} redirects to {shown_url(there)}, which is neither http nor https")
    log.debug(f"redirected to {shown_url(there)}")
    if scheme_of(url) == "https" and scheme_of(there) == "http":
        log.notice(f"{shown_url(url)} redirects from https to {shown_url(there)}, which anybody on the way may change")
    return there


def proxy_headers(proxy: Target) -> Headers:
    """What a proxy itself wants to know."""
    return {"Proxy-Authorization": authorization(proxy.user)} if proxy.user else {}


def tunnel(line: Line, target: Target, proxy: Target) -> None:
    """Have a proxy pass on all that follows to a target. Raises Broken, and Refused for what will not change."""
    place = target.host_and_port
    lines = {"Host": place, "User-Agent": USER_AGENT, **proxy_headers(proxy)}
    fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    line.allow(CONNECT_S, "answer of the proxy")
    line.send(f"CONNECT {place} HTTP/1.1\r\n{fields}\r\n".encode())
    # Unbuffered: what follows the head belongs to TLS.
    with Incoming(line) as file:
        status = parsed(file, "CONNECT").status
    if status >= 500:
        raise Broken(f"the proxy {shown(proxy.authority)} answered with {named(status)}")
    if status >= 300:
        raise Refused(refusal(f"the proxy {shown(proxy.authority)}", status), status)


def named(status: int) -> str:
    """A status with its name: status 503 Service Unavailable."""
    return f"status {status} {http.client.responses.get(status, '')}".rstrip()


def refusal(name: str, status: int) -> str:
    """What to say of a status that ends a fetch."""
    return f"{name} answered with {named(status)}" + (f": {HINTS[status]}" if status in HINTS else "")


def check_status(request: Request, status: int) -> None:
    """Let a status pass that is accepted. Raises Busy, NotFound or Refused for another one."""
    log.info(f"{request.method} result: {http.client.responses.get(status, status)}")
    if status >= 500 or status in request.retry:
        raise Busy(named(status))
    if status in request.accept:
        return
    name = shown_url(request.url)
    if status == 404:
        raise NotFound(f"{name} was not found there (status 404)")
    raise Refused(refusal(name, status), status)
