"""Paths in the names of units. Source: systemd.unit(5), string escaping for unit names; systemd-escape(1)."""

import re

NAME_BYTES = re.compile(rb"[A-Za-z0-9:_.]")
HEX_ESCAPE = re.compile(rb"\\x([0-9A-Fa-f]{2})")


def escape_path(path: str) -> str:
    """A path as it stands in a unit's name, like `systemd-escape --path` writes it.

    >>> print(escape_path("/var/my data"), escape_path("/"))
    var-my\\x20data -
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    escaped = "-".join(escape(part) for part in parts)
    return "\\x2e" + escaped[1:] if escaped.startswith(".") else escaped or "-"


def escape(text: str) -> str:
    """A text without its slashes as it stands in a unit's name."""
    return "".join(
        chr(byte) if NAME_BYTES.match(bytes([byte])) else f"\\x{byte:02x}"
        for byte in text.encode("utf-8", "surrogateescape")
    )


def unescape_path(name: str) -> str:
    """The path that a unit's name (without its type) stands for.

    >>> unescape_path("var-my\\\\x20data")
    '/var/my data'
    """
    return "/" if name == "-" else "/" + unescape(name)


def unescape(name: str) -> str:
    """A part of a unit's name as text: `-` is a slash, `\\xNN` a byte."""
    data = name.replace("-", "/").encode("utf-8", "surrogateescape")
    whole = HEX_ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), data)
    return whole.decode("utf-8", "surrogateescape")
