"""Rules of file systems, and of what they mean for the disks that they are made on."""

from collections.abc import Iterator

from provision.ignition import Filesystem, Storage
from provision.record import Spec
from provision.schema.rules import Finding, rule
from provision.schema.rules.labels import label_fault

# First spec of each format. Source: Ignition, `storage.filesystems[].format`.
FORMATS: dict[str, Spec] = {
    "ext4": (3, 0), "btrfs": (3, 0), "xfs": (3, 0), "vfat": (3, 0), "swap": (3, 0), "none": (3, 3), "virtiofs": (3, 7),
}  # fmt: skip

# Bytes of a label. Source: the manuals of mkfs.ext4, mkfs.btrfs, mkfs.xfs and mkfs.fat; mkswap cuts longer ones off.
LABEL_LIMITS = {"ext4": 16, "btrfs": 256, "xfs": 12, "swap": 15, "vfat": 11}
VIRTIOFS_TAG_LIMIT = 36


@rule("PV340", "error", on=Filesystem)
def filesystem_in_use_has_a_format(filesystem: Filesystem) -> Iterator[Finding]:
    """A file system that has a path, label, UUID or options, or is wiped, has a format.

    Without a format Ignition leaves the device alone, so that nothing of this would happen.
    Source: Ignition 3.0.0, `storage.filesystems[].format`.

    Bad:
      storage:
        filesystems:
          - device: /dev/vdb
            path: /var/lib/data

    Good:
      storage:
        filesystems:
          - device: /dev/vdb
            path: /var/lib/data
            format: xfs
    """
    if filesystem.format:
        return
    given = [
        word
        for word, is_given in (
            ("path", filesystem.path),
            ("label", filesystem.label),
            ("UUID", filesystem.uuid),
            ("options", filesystem.options),
            ("mount options", filesystem.mount_options),
            ("wipe", filesystem.wipe_filesystem),
        )
        if is_given
    ]
    if given:
        message = f"the file system of {filesystem.device or 'this device'} gives {', '.join(given)}, but no format"
        yield Finding("format", message, "name the format, or leave the rest out")
    if filesystem.label:
        yield Finding("label", f"the label {filesystem.label} is given, but no format that it could be written to")


@rule("PV341", "error", on=Filesystem)
def format_is_known(filesystem: Filesystem, at: Spec) -> Iterator[Finding]:
    """A file system's format is one of ext4, btrfs, xfs, vfat, swap, from Ignition 3.3.0 none, from 3.7.0 virtiofs.

    Source: Ignition, `storage.filesystems[].format`.

    Bad:
      storage:
        filesystems:
          - device: /dev/vdb
            format: ext3

    Good:
      storage:
        filesystems:
          - device: /dev/vdb
            format: none
    """
    format = filesystem.format
    if not format:
        return
    since = FORMATS.get(format)
    if since is None:
        known = [name for name, first in FORMATS.items() if first <= at]
        yield Finding("format", f"`{format}` is no format that Ignition can make", f"choose one of {', '.join(known)}")
    elif since > at:
        message = f"format {format} needs Ignition {since[0]}.{since[1]}.0, this config is for {at[0]}.{at[1]}.0"
        yield Finding("format", message, "use a release that targets it")


@rule("PV342", "error", on=Filesystem)
def label_fits_format(filesystem: Filesystem) -> Iterator[Finding]:
    """A file system's label is as short as its format wants it: ext4 16, btrfs 256, xfs 12, swap 15, vfat 11 bytes.

    Source: mkfs.ext4(8), mkfs.btrfs(8), mkfs.xfs(8), mkfs.fat(8); Ignition 3.0.0, `storage.filesystems[].label`.

    Bad:
      storage:
        filesystems:
          - device: /dev/vdb
            format: vfat
            label: EFI-SYSTEM-2

    Good:
      storage:
        filesystems:
          - device: /dev/vdb
            format: ext4
            label: EFI-SYSTEM-2
    """
    format = filesystem.format or ""
    fault = label_fault(filesystem.label, LABEL_LIMITS[format], format) if format in LABEL_LIMITS else None
    if fault:
        yield Finding("label", fault, "shorten it")


@rule("PV343", "error", on=Filesystem, since="3.7")
def virtiofs_tag_fits(filesystem: Filesystem) -> Iterator[Finding]:
    """The device of a virtiofs file system is its tag, 1 to 36 bytes.

    Source: Virtual I/O Device 1.2, 5.11.4: the tag field has 36 bytes; Ignition 3.7.0, `storage.filesystems[].device`.

    Bad:
      {
        "ignition": {"version": "3.7.0-experimental"},
        "storage": {"filesystems": [{"device": "a-tag-that-is-longer-than-the-36-bytes", "format": "virtiofs", "path": "/var/srv"}]}
      }

    Good:
      {
        "ignition": {"version": "3.7.0-experimental"},
        "storage": {"filesystems": [{"device": "a-tag-that-is-not-longer-than-them", "format": "virtiofs", "path": "/var/srv"}]}
      }
    """
    if filesystem.format != "virtiofs":
        return
    length = len(filesystem.device.encode("utf-8", "replace"))
    if length == 0:
        yield Finding("device", "the virtiofs file system has no tag", "write the tag that the hypervisor gave it")
    elif length > VIRTIOFS_TAG_LIMIT:
        yield Finding("device", f"the tag takes {length} bytes; virtiofs holds {VIRTIOFS_TAG_LIMIT}", "shorten it")


@rule("PV344", "error", on=Filesystem, since="3.7")
def virtiofs_is_not_made(filesystem: Filesystem) -> Iterator[Finding]:
    """A virtiofs file system has no label, UUID, options or wipe: the host made it, and it's only mounted here.

    Source: Ignition 3.7.0, `storage.filesystems[]`.

    Bad:
      {
        "ignition": {"version": "3.7.0-experimental"},
        "storage": {"filesystems": [{"device": "srv", "format": "virtiofs", "path": "/var/srv", "label": "srv"}]}
      }

    Good:
      {
        "ignition": {"version": "3.7.0-experimental"},
        "storage": {"filesystems": [{"device": "srv", "format": "virtiofs", "path": "/var/srv", "mountOptions": ["ro"]}]}
      }
    """
    if filesystem.format == "virtiofs":
        for name in ("label", "uuid", "wipe_filesystem", "options"):
            if getattr(filesystem, name):
                yield Finding(name, "a virtiofs file system is only mounted, not made", "leave this key out")


@rule("PV345", "warning", on=Storage)
def partitioned_disk_has_no_filesystem(storage: Storage) -> Iterator[Finding]:
    """A file system is made on a partition, not on the disk that the same config partitions.

    It would overwrite the partition table. Source: Ignition 3.0.0, `storage.filesystems[].device`.

    Bad:
      storage:
        disks:
          - device: /dev/vdb
            partitions:
              - number: 1
                label: data
        filesystems:
          - device: /dev/vdb
            format: xfs

    Good:
      storage:
        disks:
          - device: /dev/vdb
            partitions:
              - number: 1
                label: data
        filesystems:
          - device: /dev/disk/by-partlabel/data
            format: xfs
    """
    disks = {disk.device: disk for disk in storage.disks if disk.device}
    for filesystem in storage.filesystems if disks else ():
        disk = disks.get(filesystem.device)
        if disk is not None and disk.partitions:
            message = f"the file system overwrites the partition table of {disk.device}"
            yield Finding("device", message, "make it on a partition: /dev/disk/by-partlabel/LABEL", on=filesystem)


@rule("PV346", "warning", on=Storage)
def filesystem_on_wiped_disk_is_wiped(storage: Storage) -> Iterator[Finding]:
    """A file system on a disk whose table is wiped says itself that it is wiped.

    Wiping the table takes the file system along, whatever its own key says.
    Source: Ignition 3.0.0, `storage.disks[].wipeTable`.

    Bad:
      storage:
        disks:
          - device: /dev/vdb
            wipe_table: true
        filesystems:
          - device: /dev/vdb
            format: xfs

    Good:
      storage:
        disks:
          - device: /dev/vdb
            wipe_table: true
        filesystems:
          - device: /dev/vdb
            format: xfs
            wipe_filesystem: true
    """
    disks = {disk.device: disk for disk in storage.disks if disk.device}
    for filesystem in storage.filesystems if disks else ():
        disk = disks.get(filesystem.device)
        if disk is not None and disk.wipe_table and not disk.partitions and not filesystem.wipe_filesystem:
            message = f"the table of {disk.device} is wiped, and the file system with it"
            yield Finding("device", message, "set wipe_filesystem too, or leave out wipe_table", on=filesystem)
