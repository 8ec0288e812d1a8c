"""What expressions of templates can do with values: the filters that are ours. Each gives the same for the same input."""

import base64
import hashlib
import ipaddress
import json
from collections.abc import Callable

from provision import passwords
from provision.templates.faults import RenderingError
from provision.templates.yaml_text import to_yaml as yaml_of
from provision.units.names import escape, escape_path

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

MIN_ROUNDS, MAX_ROUNDS = 1000, 1_000_000
# What Jinja has for HTML, and what would give another result each time.
REMOVED = ("e", "escape", "forceescape", "random", "safe", "striptags", "urlize", "xmlattr", "tojson", "pprint")


def to_yaml(value: object) -> str:
    """A value as YAML: a scalar on one line, in quotes where it needs them, a list or a mapping in block style."""
    try:
        return yaml_of(value)
    except TypeError:
        raise unwritable(value, "YAML") from None


def to_json(value: object, indent: int | None = None) -> str:
    """A value as JSON, which is YAML on one line; `indent` spreads it over lines."""
    try:
        separators = (",", ": ") if indent else (", ", ": ")
        return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)
    except (TypeError, ValueError):
        raise unwritable(value, "JSON") from None


def unwritable(value: object, what: str) -> RenderingError:
    """The answer to a value that a format has no form for."""
    return RenderingError(f"{what} has no form for this value, which is {kind_of(value)}")


KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"), (int, "an integer"), (float, "a number"), (str, "a text"), ((list, tuple), "a list"), (dict, "a mapping"),
    (type(None), "null"),
)  # fmt: skip


def kind_of(value: object) -> str:
    """A value's kind, for messages."""
    return next((name for cls, name in KINDS if isinstance(value, cls)), "no plain value")


def is_plain(value: object) -> bool:
    """Whether a value is of a kind that YAML has."""
    return any(isinstance(value, cls) for cls, _ in KINDS)


def text_for(value: object, name: str) -> str:
    """The text that a filter is given. Numbers are taken as they are written."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise RenderingError(f"`{name}` takes a text, not {kind_of(value)}", word=name)


def b64(value: object) -> str:
    """The base64 of a text in UTF-8."""
    return base64.b64encode(text_for(value, "b64").encode("utf-8", "surrogateescape")).decode()


def sha512(value: object) -> str:
    """The SHA-512 of a text in UTF-8, in hex."""
    return hashlib.sha512(text_for(value, "sha512").encode("utf-8", "surrogateescape")).hexdigest()


def sha256(value: object) -> str:
    """The SHA-256 of a text in UTF-8, in hex."""
    return hashlib.sha256(text_for(value, "sha256").encode("utf-8", "surrogateescape")).hexdigest()


def systemd_escape(value: object, path: bool = False) -> str:
    """A text as it stands in the name of a unit, as systemd-escape(1) gives it; a path with `path=true`."""
    text = text_for(value, "systemd_escape")
    if path:
        return escape_path(text)
    escaped = "-".join(escape(part) for part in text.split("/"))
    return "\\x2e" + escaped[1:] if escaped.startswith(".") else escaped


# ---- passwords ---------------------------------------------------------------------------------------------------


def password_hash(value: object, name: str, salt: str | None = None, rounds: int = passwords.ROUNDS) -> str:
    """A password as crypt(3) keeps it, by SHA-512; `name` is the template's.

    Equal passwords in one template have equal hashes; `salt=hostname` makes them differ between machines.
    """
    text = text_for(value, "password_hash")
    if "\0" in text:
        raise RenderingError("a password has no NUL character", word="password_hash")
    if isinstance(rounds, bool) or not isinstance(rounds, int) or not MIN_ROUNDS <= rounds <= MAX_ROUNDS:
        raise RenderingError(f"`rounds` is a number from {MIN_ROUNDS} to {MAX_ROUNDS}", word="rounds")
    if salt is not None and not (isinstance(salt, str) and salt):
        raise RenderingError(f"`salt` is a text, not {'an empty one' if salt == '' else kind_of(salt)}", word="salt")
    return passwords.password_hash(text, name, salt, rounds)


# ---- addresses ---------------------------------------------------------------------------------------------------


def interface(value: object, name: str) -> Interface:
    """An address with its network: `10.0.0.5/24`; an address alone is a network of one."""
    try:
        return ipaddress.ip_interface(text_for(value, name))
    except ValueError:
        raise RenderingError(
            f"`{name}` takes an address or a network", "write it like 10.0.0.5/24 or fd00::5/64", word=name
        ) from None


def ip_address(value: object) -> str:
    """`10.0.0.5/24` → `10.0.0.5`."""
    return str(interface(value, "ip_address").ip)


def ip_network(value: object) -> str:
    """`10.0.0.5/24` → `10.0.0.0/24`."""
    return str(interface(value, "ip_network").network)


def ip_netmask(value: object) -> str:
    """`10.0.0.5/24` → `255.255.255.0`."""
    return str(interface(value, "ip_netmask").netmask)


def ip_prefix(value: object) -> int:
    """`10.0.0.5/24` → 24."""
    return interface(value, "ip_prefix").network.prefixlen


def ip_broadcast(value: object) -> str:
    """`10.0.0.5/24` → `10.0.0.255`."""
    return str(interface(value, "ip_broadcast").network.broadcast_address)


def ip_version(value: object) -> int:
    """4 or 6."""
    return interface(value, "ip_version").version


def ip_reverse(value: object) -> str:
    """The name of an address in reverse DNS: `5.0.0.10.in-addr.arpa`."""
    return interface(value, "ip_reverse").ip.reverse_pointer


def ip_host(value: object, number: int) -> str:
    """The address with a number in its network, from 0; negative numbers count from the end."""
    network = interface(value, "ip_host").network
    try:
        return str(network[number])
    except (IndexError, TypeError):
        raise RenderingError(
            f"{network} has {network.num_addresses} addresses; there is no number {number}", word="ip_host"
        ) from None


def ip_add(value: object, number: int) -> str:
    """The address so many behind this one."""
    try:
        return str(interface(value, "ip_add").ip + number)
    except (ValueError, TypeError):
        raise RenderingError(f"there is no address {number} behind {value}", word="ip_add") from None


def ip_subnet(value: object, prefix: int, number: int = 0) -> str:
    """The subnet of a length with a number, from 0: `10.0.0.0/16 | ip_subnet(24, 3)` → `10.0.3.0/24`."""
    network = interface(value, "ip_subnet").network
    if not isinstance(prefix, int) or not network.prefixlen <= prefix <= network.max_prefixlen:
        raise RenderingError(
            f"a subnet of {network} has a prefix from {network.prefixlen} to {network.max_prefixlen}", word="ip_subnet"
        )
    count = 1 << (prefix - network.prefixlen)
    if not isinstance(number, int) or not 0 <= number < count:
        raise RenderingError(
            f"{network} has {count} subnets of /{prefix}; there is no number {number}", word="ip_subnet"
        )
    step = 1 << (network.max_prefixlen - prefix)
    return f"{network.network_address + number * step}/{prefix}"


def in_network(value: object, network: object) -> bool:
    """The test `address is in_network("10.0.0.0/8")`."""
    address, wanted = interface(value, "in_network").ip, interface(network, "in_network").network
    return address.version == wanted.version and address in wanted


FILTERS: dict[str, Callable[..., object]] = {
    each.__name__: each
    for each in (
        to_yaml, to_json, b64, sha512, sha256, systemd_escape, ip_address, ip_network, ip_netmask, ip_prefix, ip_broadcast,
        ip_version, ip_reverse, ip_host, ip_add, ip_subnet,
    )
}  # fmt: skip
TESTS: dict[str, Callable[..., bool]] = {"in_network": in_network}
