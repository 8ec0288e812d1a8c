"""What a device holds, as libblkid has it. Asks the program `blkid`, which reads and never writes.

Its `udev` format is taken, for its escapes can be undone: of labels, everything but plain characters is `\\x` and two
hexadecimal digits. Sources: blkid(8); util-linux, misc-utils/blkid.c.
"""

import re
from collections.abc import Iterator, Mapping

from provision.apply.commands import run
from provision.apply.devices import Signature
from provision.typed import NamedTuple

# Source: blkid(8), "Exit status".
FOUND, NOTHING, AMBIVALENT = 0, 2, 8
# A disk that answers slower than that is broken: the kernel gives up a command after 30 s (SCSI, drivers/scsi/sd.h).
TIMEOUT_S = 60.0
ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")


# What blkid printed, its escapes still in place.
Tags = Mapping[str, bytes]


class Probed(NamedTuple):
    """What was found on a device: signatures, and libblkid's name of its partition table."""

    signatures: tuple[Signature, ...] = ()
    table_kind: str = ""


def probe(host_path: str) -> Probed:
    """What is on a device or image; several signatures where libblkid finds it ambivalent, in the order in which it looks.

    Raises ProvisionError where blkid cannot be run. A device that cannot be opened looks like an empty one: open it first.
    """
    status, tags = ask(host_path)
    found = each_of(host_path, tags) if status == AMBIVALENT else [signature(tags)]
    return Probed(tuple(each for each in found if each.type), value(tags, "ID_PART_TABLE_TYPE"))


def ask(host_path: str, *options: str) -> tuple[int, Tags]:
    """Run blkid on a device; its status and what it printed."""
    ended = run(
        "blkid",
        "--probe",
        "--output",
        "udev",
        *options,
        host_path,
        accept=(FOUND, NOTHING, AMBIVALENT),
        timeout_s=TIMEOUT_S,
    )
    return ended.status, parse(ended.stdout)


def parse(output: bytes) -> Tags:
    """The lines `KEY=value` of blkid's udev format."""
    pairs = (line.partition(b"=") for line in output.splitlines())
    return {key.decode(errors="replace"): value for key, _, value in pairs if value}


def value(tags: Tags, key: str) -> str:
    """The value of a key; empty where there is none."""
    return unescaped(tags.get(key, b""))


def unescaped(raw: bytes) -> str:
    """A value with its escapes undone."""
    return ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), raw).decode(errors="replace")


def signature(tags: Tags) -> Signature:
    """One signature; without a type where blkid found none."""
    return Signature(
        type=value(tags, "ID_FS_TYPE"),
        usage=value(tags, "ID_FS_USAGE"),
        label=value(tags, "ID_FS_LABEL_ENC"),
        uuid=value(tags, "ID_FS_UUID_ENC"),
        version=value(tags, "ID_FS_VERSION"),
    )


def each_of(host_path: str, tags: Tags) -> Iterator[Signature]:
    """The signatures of an ambivalent device, which are listed as `usage:type:version` with blanks between them."""
    for entry in tags.get("ID_FS_AMBIVALENT", b"").split():
        usage, kind, version = (*map(unescaped, entry.split(b":", 2)), "", "")[:3]
        alone = signature(ask(host_path, "--match-types", kind)[1]) if kind else Signature(type="")
        yield alone if alone.type == kind else Signature(type=kind, usage=usage, version=version)
