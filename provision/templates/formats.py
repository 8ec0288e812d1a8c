"""What `format` in the schema of a parameter can ask of a text. jsonschema's own checks need libraries for half of these."""

import re
from collections.abc import Callable
from datetime import date, datetime
from ipaddress import ip_address, ip_interface, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(?:\.{LABEL})*")
MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
SSH_KEY = re.compile(
    r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) "
    r"[A-Za-z0-9+/]{16,}={0,3}(?: [^\n]*)?"
)
UNIT = re.compile(
    r"[A-Za-z0-9:_.\\@-]{1,240}\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope)"
)
# Source: systemd.time(7).
TIME_UNITS = r"(?:usec|us|µs|msec|ms|seconds?|sec|s|minutes?|min|m|hours?|hr|h|days?|d|weeks?|w|months?|M|years?|y)"
TIMESPAN = re.compile(rf"\d+(?:\.\d+)?|(?:\d+(?:\.\d+)? ?{TIME_UNITS} ?)+")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class Format(NamedTuple):
    """A format: what it is, in words for a message, with an example, and whether a text is that."""

    what: str
    example: str
    holds: Callable[[str], object]


def matches(pattern: re.Pattern[str]) -> Callable[[str], object]:
    """Whether a pattern matches a text as a whole."""
    return pattern.fullmatch


def understood(read: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether a function takes a text without complaint."""

    def holds(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return holds


def of_version(version: int, read: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether a function reads a text as something of one version of IP."""

    def holds(text: str) -> bool:
        try:
            return getattr(read(text), "version", 0) == version
        except ValueError:
            return False

    return holds


def with_prefix(text: str) -> bool:
    """Whether a text is an address with the length of its network's prefix."""
    return "/" in text and understood(ip_interface)(text)


def is_uri(text: str) -> bool:
    """Whether a text is a URL with a scheme, and, where that has hosts, a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    bare = parts.scheme in ("data", "arn", "file")
    return bool(parts.scheme and (parts.netloc or bare)) and not re.search(r"\s", text)


def is_path(text: str) -> bool:
    """Whether a text is an absolute path without `.` and `..`."""
    return text.startswith("/") and "\0" not in text and not {".", ".."} & set(text.split("/"))


def is_regex(text: str) -> bool:
    """Whether a text is a regular expression."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


FORMATS: dict[str, Format] = {
    "hostname": Format("a host name", "node-1.example.com", matches(HOSTNAME)),
    "ip": Format("an IP address", "10.0.0.5", understood(ip_address)),
    "ipv4": Format("an IPv4 address", "10.0.0.5", of_version(4, ip_address)),
    "ipv6": Format("an IPv6 address", "fd00::5", of_version(6, ip_address)),
    "ip-network": Format("a network", "10.0.0.0/24", understood(ip_network)),
    "ipv4-network": Format("an IPv4 network", "10.0.0.0/24", of_version(4, ip_network)),
    "ipv6-network": Format("an IPv6 network", "fd00::/64", of_version(6, ip_network)),
    "ip-interface": Format("an address with the length of its prefix", "10.0.0.5/24", with_prefix),
    "mac": Format("a MAC address", "52:54:00:12:34:56", matches(MAC)),
    "uri": Format("a URL", "https://example.com/x", is_uri),
    "email": Format("an e-mail address", "ops@example.com", matches(EMAIL)),
    "date": Format("a date", "2026-01-31", understood(date.fromisoformat)),
    "date-time": Format("a date with a time", "2026-01-31T12:00:00Z", understood(datetime.fromisoformat)),
    "timespan": Format("a time span as systemd writes it", "1h 30min", matches(TIMESPAN)),
    "path": Format("an absolute path", "/var/lib/data", is_path),
    "ssh-key": Format("a public SSH key", "ssh-ed25519 AAAA… me@example.com", matches(SSH_KEY)),
    "user": Format("a user's name", "core", matches(USER)),
    "unit": Format("the name of a unit", "web.service", matches(UNIT)),
    "uuid": Format("a UUID", "8c9a1e2e-2b0b-4d0a-9d4b-0e4f6d0b8a51", matches(UUID)),
    "regex": Format("a regular expression", "^web-[0-9]+$", is_regex),
}
