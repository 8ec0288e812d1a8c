"""`swap`: a file that is made on the machine. Source: cloud-init 25, module mounts, `suggested_swapsize`."""

import re

from provision.diagnostics import declare
from provision.schema.cloud_init.storage import Swap
from provision.transpile.cloud_init.build import Build, shell_word
from provision.units import escape_path

declare(
    "PV737", "error", "size of the swap file",
    """A size is a number of bytes, or a number with B, K, M, G or T.

    Source: cloud-init 25, module mounts.

    Bad:
        #cloud-config
        swap:
          size: 2 GiB

    Good:
        #cloud-config
        swap:
          size: 2G
    """,
)  # fmt: skip

SIZE = re.compile(r"([0-9]*\.?[0-9]+)([KMGT]?)B?")
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
DEFAULT_FILE = "/swap.img"
COREOS_FILE = "/var/swap.img"  # the root of an rpm-ostree system takes no files


def swap(build: Build) -> None:
    """A service that makes the file once, and a unit that turns it on."""
    wanted, author = build.root.swap, build.author
    if wanted is None:
        return
    size, limit = size_of(wanted, "size", build), size_of(wanted, "maxsize", build)
    if size is None or limit is None or size == 0:
        return
    path = wanted.filename or (COREOS_FILE if "rpm-ostree" in (build.target.install or "") else DEFAULT_FILE)
    if not path.startswith("/") or re.search(r"[\s%\\\x00-\x1f]", path) or path.endswith("/"):
        author.complain("PV738", "error", wanted, "filename", f"`{path}` is no absolute path for a swap file")
        return
    if wanted.filename is None and path != DEFAULT_FILE:
        author.fate(build.root, "swap", "unit", f"at {path}, since the root takes no files")
    else:
        author.fate(build.root, "swap", "unit", "by cloud-init-swap.service")
    unit = f"{escape_path(path)}.swap"
    script = SCRIPT.format(path=shell_word(path), size="auto" if size < 0 else size, limit=limit if limit > 0 else "")
    options = (
        ("RequiresMountsFor", path.rpartition("/")[0] or "/"),
        ("Before", unit),
        ("ConditionPathExists", f"!{path}"),
    )
    build.step("swap", script, wanted.origin, when="settings", once=False, unit=options)
    # tmp.mount waits for swap.target: a swap unit with the usual dependencies would wait for itself.
    dependencies = (
        ("DefaultDependencies", "no"), ("Requires", "cloud-init-swap.service"), ("After", "cloud-init-swap.service"),
        ("Before", "umount.target"), ("Conflicts", "umount.target"),
    )  # fmt: skip
    install = (("WantedBy", "multi-user.target"),)
    sections = (("Unit", dependencies), ("Swap", (("What", path),)), ("Install", install))
    build.unit(unit, sections, wanted.origin)


def size_of(wanted: Swap, field: str, build: Build) -> int | None:
    """Bytes; -1 for auto, 0 where nothing is given, None, and an error, for what is no size."""
    text = getattr(wanted, field)
    if text is None or text == "":
        return 0
    if field == "size" and text.lower() == "auto":
        return -1
    found = SIZE.fullmatch(text)
    if not found or len(text) > 20:
        said = f"`{field}` must be bytes, or a number with B, K, M, G or T{', or auto' if field == 'size' else ''}, not {text!r}"
        build.author.complain("PV737", "error", wanted, field, said, "for example 2G")
        return None
    return int(float(found[1]) * UNITS[found[2]])


# An automatic size: memory below 4 GiB, 4 GiB below 16, then the root of the memory in GiB; at most a quarter of the free
# space and twice the memory, or `maxsize`, of which at most nine tenths of the free space are taken.
SCRIPT = """#!/bin/sh
set -eu
file={path}
size={size}
limit={limit}
mkdir -p "$(dirname "$file")"
if [ "$size" = auto ]; then
  memory=$(awk '/^MemTotal:/ {{ printf "%.0f", $2 * 1024 }}' /proc/meminfo)
  free=$(df -B1 --output=avail "$(dirname "$file")" | tail -n 1)
  size=$(awk -v memory="$memory" -v free="$free" -v limit="$limit" 'BEGIN {{
    gib = 1024 ^ 3
    if (limit == "") {{ limit = free / 4; if (limit > memory * 2) limit = memory * 2 }}
    else if (limit + 0 > free * 0.9) limit = free * 0.9
    least = memory < 4 * gib ? memory : memory < 16 * gib ? 4 * gib : int(sqrt(memory / gib) + 0.5) * gib
    printf "%.0f", (least < limit + 0 ? least : limit)
  }}')
fi
mib=$(awk -v size="$size" 'BEGIN {{ printf "%d", size / 1048576 }}')
[ "$mib" -gt 0 ] || exit 0
trap 'rm -f "$file.new"' EXIT
rm -f "$file.new"
: > "$file.new"
chmod 600 "$file.new"
chattr +C "$file.new" 2> /dev/null || true
fallocate -l "${{mib}}M" "$file.new" || dd if=/dev/zero of="$file.new" bs=1M count="$mib"
chcon -t swapfile_t "$file.new" 2> /dev/null || true
mkswap "$file.new"
mv "$file.new" "$file"
"""
