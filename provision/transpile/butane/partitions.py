"""Warnings about partitions that Fedora CoreOS and RHCOS would not be happy with."""

from collections.abc import Iterator

from provision.diagnostics import declare
from provision.ignition import Config, Disk, Partition
from provision.schema.rules import Finding
from provision.transpile.author import Author
from provision.transpile.source_rules import source_rule

BOOT_DISK = "/dev/disk/by-id/coreos-boot-disk"
ROOT_MIB = 8192
# Where the images keep these partitions. Source: the disk layout of Fedora CoreOS images.
RESERVED = {"BIOS-BOOT": 1, "PowerPC-PReP-boot": 1, "EFI-SYSTEM": 2, "boot": 3, "root": 4}

declare(
    "PV660", "warning", "room for root",
    """The root partition can grow to at least 8 GiB.

    Bad:
        storage:
          disks:
            - device: /dev/disk/by-id/coreos-boot-disk
              partitions:
                - number: 4
                  label: root
                  size_mib: 4096

    Good:
        storage:
          disks:
            - device: /dev/disk/by-id/coreos-boot-disk
              partitions:
                - number: 4
                  label: root
                  size_mib: 8192
    """,
)  # fmt: skip
declare(
    "PV661", "warning", "reserved label",
    """A label that the image uses stands on the partition number that the image gives it.

    Otherwise a second partition with that label is made, and the machine may boot from the wrong one.

    Bad:
        storage:
          disks:
            - device: /dev/disk/by-id/coreos-boot-disk
              partitions:
                - number: 5
                  label: root
                  size_mib: 16384

    Good:
        storage:
          disks:
            - device: /dev/disk/by-id/coreos-boot-disk
              partitions:
                - number: 4
                  label: root
                  size_mib: 16384
    """,
)  # fmt: skip


@source_rule("PV662", "warning", on=Config, since="3.5", variants={"fcos": "1.6.0"})
def partition_is_reused_by_number(config: Config) -> Iterator[Finding]:
    """A partition that shall be reused is named by its number, not by its label.

    Without `wipe_table` a partition with a label and no number is made anew at each provisioning.

    Bad:
        storage:
          disks:
            - device: /dev/vdb
              partitions:
                - label: data

    Good:
        storage:
          disks:
            - device: /dev/vdb
              partitions:
                - number: 1
                  label: data
    """
    boot = config.extra("boot_device")
    wiped = {BOOT_DISK, *(boot.mirror.devices if boot else ())}
    for disk in config.storage.disks:
        if disk.device not in wiped and not disk.wipe_table:
            for partition in disk.partitions:
                if partition.number == 0 and partition.label is not None and not partition.broken:
                    yield Finding(
                        "number", f"partition `{partition.label}` has no number, so it can't be reused by its label",
                        "give its number, or set wipe_table: true", on=partition,
                    )  # fmt: skip


def expand(config: Config, author: Author) -> Config:
    """Look at the partitions with all sugar expanded; nothing is added."""
    if author.release.dialect not in ("fcos", "openshift"):
        return config
    boots = author.release.spec > (3, 2) or author.release.version != "1.2.0"
    for disk in config.storage.disks:
        for partition in disk.partitions:
            if partition.label is None or partition.broken:
                continue
            if partition.label == "root" and boots and author.release.spec >= (3, 2):
                check_root(partition, disk, author)
            number = RESERVED.get(partition.label)
            if number and partition.number != number and not disk.wipe_table:
                author.complain(
                    "PV661", "warning", partition, "label",
                    f"`{partition.label}` is partition {number} of the image, not {partition.number}; a second one will be made",
                    f"set number: {number}, choose another label, or wipe the table",
                )  # fmt: skip
    return config


def check_root(partition: Partition, disk: Disk, author: Author) -> None:
    """Warn where the root partition can't grow, or is small."""
    others = [other for other in disk.partitions if other is not partition]
    if not partition.size_mib:
        if any(not other.start_mib for other in others):
            author.complain(
                "PV660", "warning", partition, "label",
                "root fills the free space, and a partition without start_mib follows: root can't grow",
                "give the other partitions a start_mib, or root a size_mib",
            )  # fmt: skip
    elif partition.size_mib < ROOT_MIB:
        author.complain(
            "PV660", "warning", partition, "size_mib",
            f"root has {partition.size_mib} MiB; the system needs {ROOT_MIB} in the long run",
        )  # fmt: skip
