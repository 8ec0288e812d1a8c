"""`disk_setup`, `fs_setup`, `growpart`, `resize_rootfs`. Source: cloud-init 25, the modules of these names."""

import re
from typing import Any

from provision.diagnostics import declare
from provision.ignition import Disk, Filesystem, Partition
from provision.schema.cloud_init.storage import FilesystemEntry
from provision.transpile.cloud_init.build import Build, shell_word
from provision.transpile.cloud_init.devices import device, partition_path

declare(
    "PV739", "error", "layout of a disk",
    """A disk's partitions can be made.

    Ignition makes GPT only. Shares of a disk are percentages that add up to 100 at most. Source: cloud-init 25, module
    disk_setup; Ignition, `storage.disks[]`.

    Bad:
        #cloud-config
        disk_setup:
          /dev/vdb: {table_type: mbr, layout: true}

    Good:
        #cloud-config
        disk_setup:
          /dev/vdb: {table_type: gpt, layout: true}
    """,
)  # fmt: skip

SWAP_TYPE = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"
LINUX_TYPE = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
# The MBR types that cloud-init turns into GPT types. Source: module disk_setup.
TYPES: dict[str | None, str | None] = {
    None: None,
    "83": LINUX_TYPE,
    "8300": LINUX_TYPE,
    "82": SWAP_TYPE,
    "8200": SWAP_TYPE,
    "Linux": LINUX_TYPE,
}
GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
FORMATS = ("ext4", "btrfs", "xfs", "vfat", "swap")


def disks(build: Build) -> None:
    """Partition tables, file systems, and what grows."""
    node = build.root.disk_setup
    if node is not None:
        for name, settings in build.shapes.pairs(node, "disk_setup"):
            disk(name, settings, build)
    for entry in build.root.fs_setup:
        if not entry.broken:
            filesystem(entry, build)
    growpart(build)
    resize_rootfs(build)


def disk(name: str, node: Any, build: Build) -> None:
    """One disk's partition table."""
    shapes = build.shapes
    values = dict(shapes.pairs(node, "disk_setup"))
    for key in values.keys() - {"table_type", "layout", "overwrite"}:
        shapes.complain(
            values[key],
            "PV101",
            "warning",
            f"unknown key `{key}`; it is dropped",
            "known here: table_type, layout, overwrite",
        )
    found = device(name, node, build)
    layout = values.get("layout")
    if found is None or layout is None:
        return
    overwrite = shapes.truth(values.get("overwrite")) is True
    table = shapes.text(values["table_type"], "table_type") if "table_type" in values else "mbr"
    if shapes.of(layout) == "text" and shapes.text(layout, "layout") == "remove":
        build.disks.append(Disk(device=found[0], wipe_table=True).at(node, wipe_table=layout))
    elif shapes.truth(layout) is not False:
        partitions = sliced(layout, build)
        if table != "gpt":
            said = (
                "`table_type` is mbr where it is not written; Ignition makes GPT only"
                if "table_type" not in values
                else f"Ignition makes GPT only, not {table}"
            )
            shapes.complain(values.get("table_type", node), "PV739", "error", said, "write `table_type: gpt`")
        elif partitions is not None:
            build.disks.append(Disk(device=found[0], wipe_table=overwrite or None, partitions=partitions).at(node))


def sliced(layout: Any, build: Build) -> tuple[Partition, ...] | None:
    """The partitions that a layout asks for; None, and an error, where they can't be told."""
    shapes = build.shapes
    if shapes.of(layout) != "list":
        if shapes.truth(layout) is None:
            shapes.wrong(layout, "layout", "true, false, remove or a list of percentages")
            return None
        return (Partition(number=1, size_mib=0, start_mib=0).at(layout),)
    parts: list[Partition] = []
    items = shapes.items(layout, "layout")
    for number, item in enumerate(items, 1):
        share, kind = item, None
        if shapes.of(item) == "list":
            pair = shapes.items(item, "layout")
            if len(pair) != 2:
                shapes.wrong(item, "layout", "a percentage, or a pair of percentage and type")
                return None
            share, kind = pair[0], shapes.text(pair[1], "layout")
            if kind not in TYPES and not GUID.fullmatch(kind or ""):
                said = f"the type {kind} of a partition is not known here"
                shapes.complain(
                    pair[1], "PV728", "error", said, f"give its GUID, or one of {', '.join(filter(None, TYPES))}"
                )
                return None
        percent = shapes.source.scalar(share, "int")
        if not isinstance(percent, int) or not 0 < percent <= 100:
            shapes.complain(share, "PV739", "error", "a share of a disk is a whole number from 1 to 100")
            return None
        if number < len(items) or (percent != 100 and number == 1):
            said = f"{percent} % of a disk whose size is not known here"
            shapes.complain(
                share, "PV732", "error", said, "write Butane with `size_mib`, or let one partition take the disk"
            )
            return None
        parts.append(Partition(number=number, size_mib=0, start_mib=0, type_guid=TYPES.get(kind, kind)).at(item))
    return tuple(parts)


def filesystem(entry: FilesystemEntry, build: Build) -> None:
    """One file system."""
    author = build.author
    if entry.cmd:
        said = "a command of one's own can't be run before the machine starts"
        author.complain("PV725", "error", entry, "cmd", said, "use `filesystem` and `extra_opts`")
        return
    if not entry.device:
        author.complain("PV103", "error", entry, None, "an element of `fs_setup` needs `device`")
        return
    found = device(entry.device, author.place(entry, "device"), build)
    if found is None:
        return
    path = located(entry, *found, build)
    if entry.filesystem not in FORMATS:
        said = f"Ignition makes {', '.join(FORMATS)}, not {entry.filesystem or 'a file system without type'}"
        author.complain("PV728", "error", entry, "filesystem" if entry.filesystem else None, said)
        return
    always = entry.partition == "none" or bool(entry.overwrite)
    if entry.replace_fs:
        said = "`replace_fs` looks at what is there first; here a file system of another type stops the start"
        author.complain("PV734", "warning", entry, "replace_fs", said, "write `overwrite: true` if it may go")
        author.fate(entry, "replace_fs", "lost", said)
    build.filesystems.append(
        Filesystem(
            device=path, format=entry.filesystem, label=entry.label, wipe_filesystem=always or None,
            options=tuple(word for text in entry.extra_opts for word in text.split()),
        ).at(entry.origin, **{
            name: author.place(entry, source)
            for name, source in (("device", "device"), ("format", "filesystem"), ("label", "label"), ("options", "extra_opts"))
        })
    )  # fmt: skip


def located(entry: FilesystemEntry, path: str, dotted: str | None, build: Build) -> str:
    """The path of the device with its partition."""
    partition = dotted or entry.partition
    if partition is None or partition == "none":
        return path
    if partition.isascii() and partition.isdigit():
        return path if partition == "0" else partition_path(path, partition)
    if partition in ("auto", "any"):
        build.author.fate(entry, "partition", "exact", "the device itself; one that matches is kept")
        return path
    said = f"`partition` is a number, auto, any or none, not {partition}"
    build.author.complain("PV728", "error", entry, "partition", said)
    return path


def growpart(build: Build) -> None:
    """Partitions that grow: the root's grows by itself on systems that are made for Ignition."""
    wanted, author = build.root.growpart, build.author
    if wanted is None or (wanted.mode or "auto").lower() in ("off", "false"):
        return
    if wanted.mode not in (None, "auto", "growpart"):
        said = f"`mode` is auto, growpart or off, not {wanted.mode}"
        author.complain("PV728", "error", wanted, "mode", said)
        return
    others = [name for name in wanted.devices if name != "/"]
    if not others:
        author.fate(build.root, "growpart", "exact", "the image grows its root by itself")
        return
    guard = "" if wanted.ignore_growroot_disabled else "[ -e /etc/growroot-disabled ] && exit 0\n"
    lines = "".join(f"grow {shell_word(name)}\n" for name in others)
    place = author.place(wanted, "devices")
    build.step("growpart", f"#!/bin/sh\n{guard}{GROW}{lines}", place, when="boot", once=False)
    author.fate(build.root, "growpart", "unit", "by cloud-init-growpart.service")


# A partition's disk and number stand in sysfs. growpart(1) says 1 where there is nothing to do.
GROW = """grow() {
  device=$1
  case "$device" in /dev/*) ;; *) device=$(findmnt -n -o SOURCE --target "$1") ;; esac
  name=$(basename "$(readlink -f "$device")")
  number=$(cat "/sys/class/block/$name/partition") || return 0
  disk=$(basename "$(dirname "$(readlink -f "/sys/class/block/$name")")")
  growpart "/dev/$disk" "$number" || [ $? -eq 1 ]
}
"""


def resize_rootfs(build: Build) -> None:
    """The root's file system grows by itself on these systems."""
    root = build.root
    value = (root.resize_rootfs or "true").lower()
    if value not in ("true", "false", "noblock", "yes", "no", "on", "off"):
        said = f"`resize_rootfs` is true, false or noblock, not {root.resize_rootfs}"
        build.author.complain("PV728", "error", root, "resize_rootfs", said)
    elif value in ("false", "no", "off"):
        said = "the image grows its root file system by itself; nothing here stops it"
        build.author.complain("PV734", "warning", root, "resize_rootfs", said)
        build.author.fate(root, "resize_rootfs", "lost", said)
    elif root.resize_rootfs:
        build.author.fate(root, "resize_rootfs", "exact", "the image grows its root file system by itself")
