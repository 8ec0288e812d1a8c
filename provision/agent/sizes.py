"""What the agent adds to an initramfs, part by part: `make size` prints it, and a test holds it to the limits.

Measured as the system itself has it: an archive as the kernel unpacks, compressed by `zstd -19`. What an initramfs of
Debian 12 has in any case does not count.
"""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from provision.agent.building import build
from provision.apply.fetch.tls import BUNDLES
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

SYSTEM_PYTHON = "/usr/bin/python3"
# Where Debian's package has its binary, stripped as it comes.
PEER = "/usr/lib/dracut/modules.d/30ignition/ignition"
# In every initramfs of Debian 12: the C library, and its mathematical part, which libdevmapper and systemd need. So is
# libcrypto, for libkmod; it counts all the same where OpenSSL is not there.
ALWAYS_THERE = ("libc.so.6", "libm.so.6", "ld-linux")
OPENSSL = ("libcrypto.so", "libssl.so")
# A library that has both names counts once, under the long one.
PARTS: dict[str, tuple[str, ...]] = {
    "interpreter": ("usr/bin/python3",),
    "modules": ("usr/lib/python", "usr/lib64/python"),
    "agent": ("usr/lib/provision/", "usr/bin/provision-agent"),
    "OpenSSL": OPENSSL,
    "CA bundle": tuple(bundle.lstrip("/") for bundle in BUNDLES),
    "libraries": ("",),
}
COMPRESS = ("zstd", "-19", "-q", "-c")
# Source: Linux, `Documentation/driver-api/early-userspace/buffer-format.rst`.
CPIO_MAGIC, CPIO_FIELDS, CPIO_ALIGN = b"070701", 13, 4


class Case(NamedTuple):
    """An initramfs, with what may be added to it at most."""

    title: str
    https: bool
    has_openssl: bool
    limit: int


CASES = (
    Case("without HTTPS", False, False, 3_300_000),
    Case("with HTTPS, OpenSSL is there", True, True, 4_200_000),
    Case("with HTTPS, OpenSSL is not there", True, False, 5_200_000),
)


class Measured(NamedTuple):
    """A case with the bytes that are added, by part and in all. The whole is less than its parts: they are compressed
    together.
    """

    case: Case
    parts: dict[str, int]
    total: int


def main() -> int:
    """Print the table; 1 where a limit is broken."""
    try:
        measured = measure(SYSTEM_PYTHON)
    except ProvisionError as error:
        print(f"make size: {error}", file=sys.stderr)
        return error.exit_code
    peer = compressed([(PEER.lstrip("/"), Path(PEER))]) if os.path.isfile(PEER) else None
    print(as_table(measured, peer))
    return int(any(each.total > each.case.limit for each in measured))


def measure(program: str) -> list[Measured]:
    """What the agent of an interpreter adds in each case. Raises ProvisionError."""
    with tempfile.TemporaryDirectory(prefix="provision-size-") as folder:
        agent = Path(folder) / "agent.pyz"
        agent.write_bytes(build(program).content)
        return [measure_case(program, agent, case, Path(folder) / str(number)) for number, case in enumerate(CASES)]


def measure_case(program: str, agent: Path, case: Case, tree: Path) -> Measured:
    """Fill a tree as a hook does, and see what is in it."""
    tree.mkdir()
    ended = subprocess.run(
        [program, "-I", "-S", agent, "pack", "--destination", tree, "--https", "yes" if case.https else "no"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise ProvisionError(ended.stderr.strip().removeprefix("error: "), exit_code=ended.returncode)
    there = (*ALWAYS_THERE, *(OPENSSL * case.has_openssl))
    added = [
        (name, path)
        for path in sorted(tree.rglob("*"))
        if not path.is_dir() and not path.name.startswith(there) and (name := str(path.relative_to(tree)))
    ]
    parts = {part: [(name, path) for name, path in added if part_of(name) == part] for part in PARTS}
    return Measured(case, {part: compressed(files) for part, files in parts.items() if files}, compressed(added))


def part_of(name: str) -> str:
    """The part that a file belongs to."""
    return next(
        part for part, starts in PARTS.items() if name.startswith(starts) or os.path.basename(name).startswith(starts)
    )


def compressed(files: list[tuple[str, Path]]) -> int:
    """The bytes of an archive of files, compressed. Raises ProvisionError where `zstd` is missing."""
    return compressed_size(archived(files))


@cache
def compressed_size(data: bytes) -> int:
    """The size of data that is compressed; several cases have parts in common, and this takes its time."""
    try:
        done = subprocess.run(COMPRESS, input=data, capture_output=True, check=True)
    except FileNotFoundError:
        raise ProvisionError("zstd is missing; install it with: sudo apt-get install zstd") from None
    return len(done.stdout)


def archived(files: list[tuple[str, Path]]) -> bytes:
    """A cpio archive as the kernel takes it."""
    entries = [entry(name, content(path), path.lstat().st_mode) for name, path in files]
    return b"".join([*entries, entry("TRAILER!!!", b"", 0)])


def content(path: Path) -> bytes:
    """What an archive holds of a node."""
    return os.readlink(path).encode() if path.is_symlink() else path.read_bytes()


def entry(name: str, data: bytes, mode: int) -> bytes:
    """One node of an archive."""
    full_name = name.encode() + b"\0"
    fields = [0] * CPIO_FIELDS
    fields[1], fields[4], fields[6], fields[11] = mode, 1, len(data), len(full_name)
    head = CPIO_MAGIC + b"".join(b"%08X" % field for field in fields) + full_name
    return padded(head) + padded(data)


def padded(data: bytes) -> bytes:
    """Filled with zeros to a whole number of words."""
    return data + b"\0" * (-len(data) % CPIO_ALIGN)


def as_table(measured: list[Measured], peer: int | None) -> str:
    """A row for each part, a column for each case."""
    titles = [each.case.title for each in measured]
    rows = [("bytes, zstd -19", *titles)]
    for part in PARTS:
        rows.append((part, *(number(each.parts.get(part)) for each in measured)))
    rows.append(("in all", *(number(each.total) for each in measured)))
    rows.append(("limit", *(number(each.case.limit) for each in measured)))
    lines = [f"{row[0]:18}" + "".join(f"{cell:>{len(title) + 3}}" for cell, title in zip(row[1:], titles, strict=True)) for row in rows]  # fmt: skip
    told = number(peer) if peer is not None else "not installed (Debian's package ignition)"
    return "\n".join([*lines, f"Ignition's binary {told}"])


def number(value: int | None) -> str:
    """A number for people, or a dash."""
    return f"{value:,}" if value is not None else "-"


if __name__ == "__main__":
    sys.exit(main())
