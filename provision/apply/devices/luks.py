"""Reading LUKS2 headers, as far as a plan needs them: the flags that are kept in them.

Source of every offset: LUKS2 On-Disk Format Specification 1.1, 2.1 and 3.4.
"""

import struct
from collections.abc import Iterator
from os import pread

from provision.typed import NamedTuple

HEADER = struct.Struct(">6sHQQ48s32s64s40s48sQ184s64s")
CHECKSUM_AT, CHECKSUM_BYTES = 448, 64
BINARY_BYTES = 4096
PRIMARY, SECONDARY = b"LUKS\xba\xbe", b"SKUL\xba\xbe"
VERSION = 2
# The sizes that a header may have, and so the places where the second one may start.
SIZES = tuple(0x4000 << power for power in range(9))
ALLOW_DISCARDS = "allow-discards"


class Metadata(NamedTuple):
    """A sound header: its sequence number and the flags of its JSON area."""

    sequence: int
    flags: frozenset[str]


def allows_discards(fd: int) -> bool | None:
    """Whether a LUKS2 volume says that discards may pass; None where it has no sound header. Never raises for garbage."""
    newest = max(headers(fd), key=lambda header: header.sequence, default=None)
    return None if newest is None else ALLOW_DISCARDS in newest.flags


def headers(fd: int) -> Iterator[Metadata]:
    """The sound ones of the two headers."""
    for offset, magic in ((0, PRIMARY), *((size, SECONDARY) for size in SIZES)):
        found = header_at(fd, offset, magic)
        if found is not None:
            yield found


def header_at(fd: int, offset: int, magic: bytes) -> Metadata | None:
    """The header at a place, None where there is none that is sound."""
    try:
        binary = pread(fd, BINARY_BYTES, offset)
        if len(binary) < BINARY_BYTES:
            return None
        found_magic, version, size, sequence, _, algorithm, *_, said_offset, _, checksum = HEADER.unpack_from(binary)
        if (found_magic, version, said_offset) != (magic, VERSION, offset) or size not in SIZES:
            return None
        area = pread(fd, size - BINARY_BYTES, offset + BINARY_BYTES)
    except OSError:
        return None
    if not checksum.startswith(digest(algorithm, binary, area) or b"none"):
        return None
    return Metadata(sequence, flags(area))


def digest(algorithm: bytes, binary: bytes, area: bytes) -> bytes:
    """The checksum of both areas, the checksum's own field counted as zero; empty for an algorithm that is not known."""
    import hashlib

    try:
        sums = hashlib.new(algorithm.partition(b"\0")[0].decode("ascii"))
    except ValueError:
        return b""
    sums.update(binary[:CHECKSUM_AT] + bytes(CHECKSUM_BYTES) + binary[CHECKSUM_AT + CHECKSUM_BYTES :])
    sums.update(area)
    return sums.digest()


def flags(area: bytes) -> frozenset[str]:
    """The flags of `config` in the JSON area, which ends at its first NUL."""
    import json

    try:
        document = json.loads(area.partition(b"\0")[0])
    except (ValueError, RecursionError):
        return frozenset()
    config = document.get("config") if isinstance(document, dict) else None
    found = config.get("flags") if isinstance(config, dict) else None
    return frozenset(flag for flag in found if isinstance(flag, str)) if isinstance(found, list) else frozenset()
