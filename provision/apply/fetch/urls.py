"""URLs as they go on the wire. Whether a config may name one is for `schema.rules.urls` to say."""

import re

from provision.apply.sources import shown_url
from provision.contents import unescape
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

PORTS = {"http": 80, "https": 443, "tftp": 69}
# Source: RFC 3986, 2.2 and 2.3, with the percent sign: what is escaped already stays so.
NOT_IN_URL = re.compile(rb"[^A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]")
LABEL = re.compile(r"[^\s/\\?#@:\[\]]{1,63}")


class Target(NamedTuple):
    """A URL in the parts that are needed to ask for it.

    `user` is `name:password`, decoded; `host` without brackets and in ASCII, with the zone of an IPv6 address;
    `path` is escaped and holds the query.
    """

    scheme: str
    user: bytes
    host: str
    port: int
    path: str
    has_port: bool

    @property
    def bare_host(self) -> str:
        """The host as a server knows it: the zone is this machine's own affair (RFC 6874, 1)."""
        return self.host.partition("%")[0]

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.bare_host}]" if ":" in self.host else self.bare_host
        return f"{host}:{self.port}" if self.has_port else host

    @property
    def host_and_port(self) -> str:
        """The same with the port always there, for CONNECT."""
        return self.authority if self.has_port else f"{self.authority}:{self.port}"


def scheme_of(url: str) -> str:
    """The scheme in lower case, empty where there is none."""
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon and "/" not in scheme else ""


def split(url: str) -> Target:
    """Take a URL with a host apart. Raises ProvisionError for one that nothing can be asked for."""
    scheme = scheme_of(url)
    if scheme not in PORTS:
        raise ProvisionError(f"{shown_url(url)}: nothing fetches from {scheme or 'URLs without a scheme'}")
    rest = url[len(scheme) + 1 :].partition("#")[0]
    authority, path = split_authority(rest)
    if not rest.startswith("//") or not authority:
        raise ProvisionError(f"{shown_url(url)}: the URL names no host")
    user, _, place = authority.rpartition("@")
    try:
        host, port = split_port(place)
        return Target(scheme, unescape(user), ascii_host(host), int(port or PORTS[scheme]), escape(path), bool(port))
    except UnicodeError:
        raise ProvisionError(f"{shown_url(url)}: the URL has a character that must be escaped") from None
    except ValueError as reason:
        raise ProvisionError(f"{shown_url(url)}: {reason}") from None


def split_authority(rest: str) -> tuple[str, str]:
    """What stands between `//` and the path, and the path with the query, which starts with a slash."""
    found = re.search(r"[/?]", rest[2:])
    end = found.start() + 2 if found else len(rest)
    path = rest[end:]
    return rest[2:end], path if path.startswith("/") else f"/{path}"


def split_port(place: str) -> tuple[str, str]:
    """Host, without brackets, and port of `host:port`. Raises ValueError for a port that is none."""
    if place.startswith("["):
        host, bracket, rest = place[1:].rpartition("]")
        if not bracket or rest[:1] not in ("", ":"):
            raise ValueError("the IPv6 address is not in brackets")
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = place.rpartition(":") if ":" in place else (place, "", "")
    if colon and port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("the port is not a number from 1 to 65535")
    return host, port


def ascii_host(host: str) -> str:
    """A host as the resolver takes it. Raises ValueError for what is none.

    A zone comes as %25eth0 (RFC 6874) or, from platforms, as %eth0.
    """
    if ":" in host:
        address, percent, zone = host.partition("%")
        return f"{address}%{unescape(zone.removeprefix('25')).decode()}" if percent else address
    name = unescape(host).decode() if host.isascii() else host
    if not name.isascii():
        # Its tables are large, and names outside ASCII rare.
        name = name.encode("idna").decode()
    if not all(LABEL.fullmatch(label) for label in name.removesuffix(".").split(".")):
        raise ValueError("the host is not a name that can be looked up")
    return name


def escape(path: str) -> str:
    """A path and query with all signs escaped that no URL may hold."""
    return escape_bytes(path.encode(errors="surrogatepass"))


def escape_bytes(path: bytes) -> str:
    """The same for what is no text yet."""
    return NOT_IN_URL.sub(lambda found: b"%%%02X" % found[0][0], path).decode("ascii")


def joined(base: str, location: str) -> str:
    """Where an answer from `base` sends on to. Servers write the bytes of a path as they are; header values come as
    Latin-1 from `http.client`.
    """
    from urllib.parse import urljoin

    return urljoin(base, escape_bytes(location.partition("#")[0].encode("latin-1", errors="replace")))


def plain(url: str, path: str) -> bytes:
    """The bytes that a path of a URL stands for. Raises ProvisionError for a % without two digits."""
    try:
        return unescape(escape(path))
    except ValueError:
        raise ProvisionError(f"{shown_url(url)}: the path has a % without two hex digits after it") from None


def escaped(data: bytes, kept: str) -> str:
    """Percent-encoding of all but letters, digits, `-._~` and what is `kept`."""
    from urllib.parse import quote

    return quote(data, safe=kept)
