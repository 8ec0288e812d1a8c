"""`mounts` and `mount_default_fields`: a mount unit for each line. Source: cloud-init 25, module mounts; fstab(5)."""

import re
from typing import Any, NamedTuple

from provision.diagnostics import declare
from provision.transpile.cloud_init.build import Build, Options
from provision.transpile.cloud_init.devices import device, partition_path
from provision.units import escape_path

declare(
    "PV738", "error", "line of fstab",
    """A mount has a device and a place, both of them such that systemd can mount them.

    Source: cloud-init 25, module mounts; systemd.mount(5).

    Bad:
        #cloud-config
        mounts:
          - [/dev/vdb, var/data]

    Good:
        #cloud-config
        mounts:
          - [/dev/vdb, /var/data]
    """,
)  # fmt: skip

FIELDS = 6
DEFAULTS: tuple[str | None, ...] = (
    None, None, "auto", "defaults,nofail,x-systemd.after=cloud-init-network.service", "0", "2",
)  # fmt: skip
NETWORK = re.compile(r"[^/].*:.*|//.+")
NETWORK_TYPES = ("nfs", "nfs4", "cifs", "ceph", "glusterfs", "smb3", "9p", "virtiofs")
VIRTUAL_TYPES = (
    "tmpfs",
    "overlay",
    "proc",
    "sysfs",
    "devtmpfs",
    "none",
    "9p",
    "virtiofs",
    "hugetlbfs",
    "debugfs",
    "tracefs",
)

DROPPED = ("defaults", "auto", "nobootwait", "comment=cloudconfig")
# What options of fstab come to in a unit. Source: systemd.mount(5), "fstab".
UNIT_OPTIONS = {
    "x-systemd.requires": ("Requires", "After"), "x-systemd.before": ("Before",), "x-systemd.after": ("After",),
    "x-systemd.wanted-by": (), "x-systemd.required-by": (), "x-systemd.requires-mounts-for": ("RequiresMountsFor",),
}  # fmt: skip


KNOWN_OPTIONS = (
    *UNIT_OPTIONS, "x-systemd.automount", "x-systemd.idle-timeout", "x-systemd.mount-timeout", "x-systemd.device-timeout",
)  # fmt: skip


class Mount(NamedTuple):
    """One line, its fields filled in."""

    what: str
    where: str
    type: str
    options: tuple[str, ...]
    passno: str
    place: Any


def mounts(build: Build) -> None:
    """All lines."""
    defaults, node = default_fields(build), build.root.mounts
    for line in build.shapes.items(node, "mounts") if node is not None else ():
        mount = read(line, defaults, build)
        if mount is not None:
            check_options(mount, build)
            swap_unit(mount, build) if mount.type == "swap" else mount_unit(mount, build)


def check_options(mount: Mount, build: Build) -> None:
    """Say which options for systemd come to nothing."""
    for option in mount.options:
        name = option.partition("=")[0]
        if name.startswith("x-systemd.") and name not in KNOWN_OPTIONS:
            said = f"the option `{name}` is not carried into the unit of {mount.what}"
            build.shapes.complain(mount.place, "PV734", "warning", said, "write the unit with `write_files`")


def default_fields(build: Build) -> tuple[str | None, ...]:
    """What stands for fields that a line lacks."""
    node = build.root.mount_default_fields
    if node is None:
        return DEFAULTS
    if build.shapes.of(node) == "null":
        return DEFAULTS
    items = build.shapes.items(node, "mount_default_fields")
    if len(items) != FIELDS:
        if build.shapes.of(node) == "list":
            said = f"`mount_default_fields` has {FIELDS} fields, this has {len(items)}"
            build.shapes.complain(node, "PV738", "error", said, "write null for those without a default")
        return DEFAULTS
    return tuple(build.shapes.text(item, "mount_default_fields") for item in items)


def read(line: Any, defaults: tuple[str | None, ...], build: Build) -> Mount | None:
    """One line; None where it takes a mount away, or an error was said."""
    shapes = build.shapes
    if shapes.of(line) != "list":
        shapes.wrong(line, "mounts", "a list of lists")
        return None
    items = shapes.items(line, "mounts")
    if not 0 < len(items) <= FIELDS:
        shapes.complain(line, "PV738", "error", f"a line has one to {FIELDS} fields, this one has {len(items)}")
        return None
    texts = [shapes.text(item, "mounts") for item in items]
    if len(texts) > 1 and texts[1] is None:
        return None  # an entry of the image's that is not wanted
    fields = [text if text is not None else defaults[at] for at, text in enumerate(texts)] + list(
        defaults[len(texts) :]
    )
    what, where, kind, options, _, passno = fields
    if not what or not where:
        if len(texts) > 1 or not what:
            shapes.complain(line, "PV738", "error", "a mount needs a device and a place")
        return None
    source = located(what, kind or "auto", items[0], build)
    if source is None:
        return None
    if kind != "swap" and not is_place(where):
        shapes.complain(
            items[1] if len(items) > 1 else line, "PV738", "error", f"`{where}` is no absolute path to mount at"
        )
        return None
    return Mount(source, where, kind or "auto", tuple(filter(None, (options or "").split(","))), passno or "0", line)


def is_place(where: str) -> bool:
    """Whether something can be mounted at a path."""
    return where.startswith("/") and ".." not in where.split("/") and not re.search(r"[\x00-\x1f]", where)


def located(what: str, kind: str, place: Any, build: Build) -> str | None:
    """What is mounted: a path, a share, or nothing that has one."""
    if kind in VIRTUAL_TYPES or kind in NETWORK_TYPES or NETWORK.fullmatch(what):
        return what
    if what.startswith("/") and not what.startswith("/dev/"):
        return what  # a bind mount, or an image
    found = device(what, place, build)
    if found is None:
        return None
    return partition_path(*found) if found[1] else found[0]  # type: ignore[arg-type]  # it has a partition


def mount_unit(mount: Mount, build: Build) -> None:
    """The unit of a mount, and one for its automount if it is asked for."""
    options, unit = translated(mount)
    remote = is_remote(mount)
    body = [("What", plain(mount.what)), ("Where", plain(mount.where)), ("Type", mount.type)]
    body = [pair for pair in body if pair != ("Type", "auto")]
    body += [("Options", ",".join(options).replace("%", "%%"))] if options else []
    timeout = value_of(mount, "x-systemd.mount-timeout") or value_of(mount, "x-systemd.device-timeout")
    body += [("TimeoutSec", timeout)] if timeout else []
    if mount.passno not in ("", "0") and mount.what.startswith("/dev/"):
        check = f"systemd-fsck@{escape_path(mount.what)}.service"
        unit += [("Requires", check), ("After", check)]
    target = "remote-fs.target" if remote else "local-fs.target"
    name = escape_path(mount.where)
    lazy = "x-systemd.automount" in mount.options or "noauto" in mount.options
    sections: list[tuple[str, Options]] = [("Unit", unit)] if unit else []
    sections.append(("Mount", body))
    if not lazy:
        sections.append(("Install", install(mount, target)))
    made = build.unit(f"{name}.mount", sections, mount.place)
    if lazy:
        build.units[made.name] = made.changed(enabled=None)
    if "x-systemd.automount" in mount.options:
        idle = value_of(mount, "x-systemd.idle-timeout")
        auto = [("Where", plain(mount.where)), *([("TimeoutIdleSec", idle)] if idle else [])]
        parts = (("Automount", auto), ("Install", install(mount, target)))
        build.unit(f"{name}.automount", parts, mount.place)
    build.author.fate(build.root, "mounts", "exact", "as mount units instead of lines of fstab")


def swap_unit(mount: Mount, build: Build) -> None:
    """The unit of a swap device."""
    options = [
        name for name in mount.options if name not in ("sw", "defaults", "noauto") and not name.startswith("x-systemd.")
    ]
    body = [("What", plain(mount.what)), *([("Options", ",".join(options))] if options else [])]
    name = f"{escape_path(mount.what)}.swap"
    lazy = "noauto" in mount.options
    sections: list[tuple[str, Options]] = [("Swap", body)]
    sections += [] if lazy else [("Install", install(mount, "swap.target"))]
    made = build.unit(name, sections, mount.place)
    if lazy:
        build.units[name] = made.changed(enabled=None)


def install(mount: Mount, target: str) -> list[tuple[str, str]]:
    """Whether the machine starts without it."""
    more = [
        (key, value)
        for option, key in (("x-systemd.wanted-by", "WantedBy"), ("x-systemd.required-by", "RequiredBy"))
        if (value := value_of(mount, option))
    ]
    return more or [("WantedBy" if "nofail" in mount.options else "RequiredBy", target)]


def translated(mount: Mount) -> tuple[list[str], list[tuple[str, str]]]:
    """The options for mount(8), and what the others are in the unit."""
    kept, unit = [], []
    for option in mount.options:
        name, _, value = option.partition("=")
        if name in UNIT_OPTIONS:
            if value and not value.startswith("cloud-init"):
                unit += [(key, value) for key in UNIT_OPTIONS[name]]
        elif name != "noauto" and option not in DROPPED and not name.startswith("x-systemd."):
            kept.append(option)
    return kept, unit


def is_remote(mount: Mount) -> bool:
    """Whether it needs the network. A local device with cloud-init's default options does not."""
    return mount.type in NETWORK_TYPES[:-2] or ("_netdev" in mount.options and not mount.what.startswith("/"))


def value_of(mount: Mount, option: str) -> str:
    """The value of an option, empty where it is not there."""
    return next((one.partition("=")[2] for one in mount.options if one.startswith(option + "=")), "")


def plain(path: str) -> str:
    """A path as mount units take it: blanks and all, without quotes."""
    return path.replace("%", "%%")
