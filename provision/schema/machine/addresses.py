"""URLs and addresses in the options of services, read as etcd reads them.

An address that holds a variable is open: nobody knows it before the machine runs. Source: etcd, `client/pkg/types/urls.go`.
"""

import ipaddress
import re
from typing import NamedTuple

# What only the machine, or whoever fills in a template, knows: $private_ipv4, ${COREOS_PRIVATE_IPV4}, {PRIVATE_IPV4}, %H,
# {{ip}}, <ip>, @ip@, __ip__, HOST_IP.
OPEN = re.compile(
    r"\$\{?\w+\}?|\{\{[^{}]*\}\}|\{\w+\}|<\w[^<>]*>|%[A-Za-z]|@@?\w+@@?|__\w+__|(?<![\w.])[A-Z][A-Z0-9]*_[A-Z0-9_]+(?![\w.])"
)
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# A variable may stand in braces and hold no colon or slash.
AUTHORITY = re.compile(
    r"(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|(?:\$?\{+[^{}]*\}+|[^:/?#{}])*)(?::(?P<port>[^/?#]*))?(?P<rest>.*)", re.S
)
PASSWORD = re.compile(r"(://[^/?#@:]*:)[^/?#@]+@")
PORT = re.compile(r"[0-9]{1,5}")
SCHEMES = ("http", "https", "unix", "unixs")
BLANK = "has a blank in it"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
WILDCARD = ("0.0.0.0", "::", "")


class Url(NamedTuple):
    """One URL; `fault` says why etcd would refuse it, `open` that a variable stands in it. `text` has no password."""

    text: str
    scheme: str = ""
    host: str = ""
    port: int | None = None
    fault: str | None = None
    open: bool = False

    @property
    def is_wildcard(self) -> bool:
        """Whether it means every address of the machine."""
        return not self.fault and not self.open and self.scheme in ("http", "https") and self.host in WILDCARD

    @property
    def is_local(self) -> bool:
        """Whether only the machine itself can reach it."""
        return self.host in LOOPBACK or self.host.startswith("127.")

    @property
    def is_ip(self) -> bool:
        """Whether the host is an address, not a name."""
        return is_address(self.host)


def is_address(host: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(host.partition("%")[0] if ":" in host else host)
    except ValueError:
        return False
    return True


def read_urls(value: str) -> tuple[Url, ...]:
    """The URLs of a list with commas; blanks around them are cut off."""
    return tuple(read_url(part.strip()) for part in value.split(",")) if value else ()


def read_url(text: str) -> Url:
    """One URL, with the first thing that is wrong with it."""
    is_open = OPEN.search(text) is not None
    if OPEN.fullmatch(text):
        return Url(text, open=True)
    found = SCHEME.match(text)
    if found is None:
        return Url(text, fault="is empty" if not text else "has no scheme, such as http://", open=is_open)
    scheme = found[1].lower()
    parts = AUTHORITY.fullmatch(text, found.end())
    if parts is None:
        return Url(text, scheme, open=is_open)
    host, port = parts["host"].strip("[]"), parts["port"] or ""
    shown = PASSWORD.sub(r"\1…@", text)
    number = int(port) if PORT.fullmatch(port) else None
    return Url(shown, scheme, host, number, fault_of(text, scheme, port, parts["rest"]), is_open)


def fault_of(text: str, scheme: str, port: str, rest: str) -> str | None:
    """Why etcd refuses a URL."""
    if scheme not in SCHEMES:
        return f"has the scheme {scheme}; http and https are known"
    if scheme.startswith("unix"):
        return None
    if re.search(r"\s", text):
        return BLANK
    if not port:
        return "names no port"
    if not OPEN.search(port) and not (PORT.fullmatch(port) and int(port) < 65536):
        return f"has the port {port}, which is none"
    return "has a path" if rest else None
