"""Which requests go through a proxy. The environment has no say. Source: Go, `golang.org/x/net/http/httpproxy`."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from provision.apply.fetch.settings import Settings
from provision.apply.fetch.urls import Target, scheme_of, split
from provision.apply.sources import shown_url
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple, Protocol

Ip = IPv4Address | IPv6Address


class Match(Protocol):
    """One entry of noProxy."""

    def covers(self, host: str, port: int, ip: Ip | None) -> bool:
        """Whether a server is asked directly."""


class Everything(NamedTuple):
    """`*`"""

    def covers(self, host: str, port: int, ip: Ip | None) -> bool:
        """As in Match."""
        return True


class Network(NamedTuple):
    """`10.0.0.0/8`"""

    network: IPv4Network | IPv6Network

    def covers(self, host: str, port: int, ip: Ip | None) -> bool:
        """As in Match."""
        return ip is not None and ip in self.network


class Address(NamedTuple):
    """`10.1.2.3` or `[fe80::1]:8080`; a port of "" is any."""

    ip: Ip
    port: str

    def covers(self, host: str, port: int, ip: Ip | None) -> bool:
        """As in Match."""
        return ip == self.ip and self.port in ("", str(port))


class Domain(NamedTuple):
    """`example.com` with all below it, `.example.com` and `*.example.com` only what is below; `name` has no dot."""

    name: str
    port: str
    itself: bool

    def covers(self, host: str, port: int, ip: Ip | None) -> bool:
        """As in Match."""
        fits = host.endswith(f".{self.name}") or (self.itself and host == self.name)
        return ip is None and fits and self.port in ("", str(port))


def proxy_for(target: Target, settings: Settings) -> Target | None:
    """The proxy that a target is asked through; None where it is asked directly."""
    proxy = settings.https_proxy if target.scheme == "https" else settings.http_proxy
    if not proxy or not uses_proxy(target.bare_host, target.port, settings.no_proxy):
        return None
    return proxy_target(proxy)


def proxy_target(proxy: str) -> Target:
    """Where a proxy is; one without a scheme is taken as http. Raises ProvisionError for what no proxy can be."""
    target = split(proxy if "://" in proxy else f"http://{proxy}")
    if target.scheme not in ("http", "https"):
        raise ProvisionError(f"the proxy {shown_url(proxy)} is for {scheme_of(proxy)}; it has to be for http or https")
    return target


def uses_proxy(host: str, port: int, no_proxy: tuple[str, ...]) -> bool:
    """Whether a server is asked through the proxy. What is on this machine never is."""
    host = host.lower()
    ip = as_ip(host)
    if host == "localhost" or (ip is not None and ip.is_loopback):
        return False
    return not any(match.covers(host, port, ip) for match in matches(no_proxy))


def matches(no_proxy: tuple[str, ...]) -> tuple[Match, ...]:
    """The entries that mean something. Those that are malformed are ignored, as Go does."""
    entries = [entry.strip().lower() for item in no_proxy for entry in item.split(",")]
    return tuple(match for entry in entries if (match := as_match(entry)) is not None)


def as_match(entry: str) -> Match | None:
    """What an entry covers, as far as it can be told."""
    if entry == "*":
        return Everything()
    if network := as_network(entry):
        return Network(network)
    host, port = host_and_port(entry)
    if ip := as_ip(host):
        return Address(ip, port)
    itself = not host.startswith((".", "*."))
    name = host.removeprefix("*").removeprefix(".") if not itself else host
    return Domain(ascii_name(name), port, itself) if host else None


def as_network(entry: str) -> IPv4Network | IPv6Network | None:
    """A network in CIDR notation."""
    address, slash, bits = entry.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()) or "%" in address:
        return None
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def as_ip(host: str) -> Ip | None:
    """An address; one of IPv4 in IPv6's clothes is taken for what it is."""
    try:
        ip = ip_address(host)
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def host_and_port(entry: str) -> tuple[str, str]:
    """Host and port of `host:port` and `[v6]:port`; anything else has no port. Source: Go, `net.SplitHostPort`."""
    host, colon, port = entry.rpartition(":")
    if colon and host.startswith("[") and host.endswith("]"):
        return host[1:-1], port
    if colon and ":" not in host and "[" not in host and "]" not in host:
        return host, port
    return entry, ""


def ascii_name(name: str) -> str:
    """A domain name as it stands in a URL's target."""
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def authorization(user: bytes) -> str:
    """The value of an Authorization header for `name:password`. Source: RFC 7617, 2."""
    from binascii import b2a_base64

    return "Basic " + b2a_base64(user if b":" in user else user + b":", newline=False).decode()
