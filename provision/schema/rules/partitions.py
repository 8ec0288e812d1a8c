"""Rules of single partitions."""

import re
from collections.abc import Iterator

from provision.ignition import Partition
from provision.schema.rules import Finding, rule
from provision.schema.rules.labels import label_fault

GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
GUID_FORM = "01234567-89AB-CDEF-0123-456789ABCDEF"


@rule("PV310", "error", on=Partition)
def label_fits_gpt(partition: Partition) -> Iterator[Finding]:
    """A partition label takes at most 36 bytes.

    The name field of a GPT entry has 72 bytes, 36 units of UTF-16. Ignition counts bytes of UTF-8 instead, so a label
    with other letters than ASCII ends sooner. Source: UEFI 2.10, 5.3.3; Ignition 3.0.0, `partitions[].label`.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                label: 0123456789-0123456789-0123456789-abcd

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                label: 0123456789-0123456789-0123456789-abc
    """
    fault = label_fault(partition.label, 36, "a GPT name")
    if fault:
        yield Finding("label", fault, "shorten it")


@rule("PV311", "error", on=Partition)
def label_has_no_colon(partition: Partition) -> Iterator[Finding]:
    """A partition label has no colon.

    sgdisk takes number and name as `NUMBER:NAME` and cuts the name off at a second colon.
    Source: Ignition 3.0.0, `partitions[].label`; sgdisk(8), --change-name.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                label: data:1

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                label: data-1
    """
    if partition.label and ":" in partition.label:
        yield Finding(
            "label", f"the label `{partition.label}` has a colon, where sgdisk would cut it off", "leave it out"
        )


@rule("PV315", "error", on=Partition)
def absent_partition_has_no_properties(partition: Partition) -> Iterator[Finding]:
    """A partition that should not exist says nothing of label, GUIDs, start or size.

    Deletion goes by number; whoever writes more may think that only a matching partition is deleted.
    Source: Ignition 3.0.0, `partitions[].shouldExist`.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 4
                label: scratch
                should_exist: false

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 4
                should_exist: false
    """
    if partition.should_exist is not False:
        return
    given = [
        word
        for word, is_given in (
            ("label", partition.label is not None),
            ("start", partition.start_mib is not None),
            ("size", partition.size_mib is not None),
            ("GUID", bool(partition.guid)),
            ("type GUID", bool(partition.type_guid)),
        )
        if is_given
    ]
    if given:
        message = f"the partition is to be deleted, but has a {', '.join(given)}"
        yield Finding(None, message, "leave its number and should_exist only")


@rule("PV316", "error", on=Partition)
def partition_is_identified(partition: Partition) -> Iterator[Finding]:
    """A partition has a number or a label.

    Without either nothing says which of the existing partitions is meant. Source: Ignition 3.0.0, `partitions[]`.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - size_mib: 1024

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - size_mib: 1024
                number: 1
    """
    if partition.number == 0 and partition.label is None:
        yield Finding(None, "the partition has neither a number nor a label", "give it one of them")


@rule("PV317", "error", on=Partition)
def guid_has_its_form(partition: Partition) -> Iterator[Finding]:
    """A partition's GUID or type GUID has the form of a GUID: 8-4-4-4-12 hex digits.

    An empty one counts as none. Source: RFC 4122, section 3; Ignition 3.0.0, `partitions[].guid` and `typeGuid`.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                type_guid: 0FC63DAF84834772-8E793D69D8477DE4

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                type_guid: 0FC63DAF-8483-4772-8E79-3D69D8477DE4
    """
    for name, guid in (("guid", partition.guid), ("type_guid", partition.type_guid)):
        if guid and not re.fullmatch(GUID, guid):
            yield Finding(name, f"`{guid}` is not a GUID: {GUID_FORM}", "write hex digits in groups of 8-4-4-4-12")


@rule("PV319", "warning", on=Partition)
def partition_has_no_negative_number(partition: Partition) -> Iterator[Finding]:
    """A partition's number, start and size are not negative.

    sgdisk would take a negative start for a distance from the end of the disk, or fail. Source: sgdisk(8), --new.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                size_mib: -1

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                size_mib: 0
    """
    for name in ("number", "start_mib", "size_mib"):
        value = getattr(partition, name)
        if value is not None and value < 0:
            yield Finding(
                name, f"{value} is negative", "0 takes the next number, the first free place or all that is free"
            )
