"""Rules of disks: what their partitions are to each other."""

from collections.abc import Iterator

from provision.ignition import Disk, Partition
from provision.schema.rules import Finding, rule
from provision.typed import NamedTuple


@rule("PV312", "error", on=Disk)
def partition_numbers_are_unique(disk: Disk) -> Iterator[Finding]:
    """No two partitions of a disk have the same number; only 0, the next free one, may be given often.

    Source: Ignition 3.0.0, `partitions[].number`.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                label: logs
              - number: 1
                label: data

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                label: logs
              - number: 2
                label: data
    """
    seen: set[int] = set()
    for partition in disk.partitions:
        if partition.number in seen:
            message = f"partition {partition.number} of {disk.device} is there already"
            yield Finding(None, message, "give it another number, or 0 for the next free one", on=partition)
        elif partition.number:
            seen.add(partition.number)


@rule("PV313", "error", on=Disk)
def partition_labels_are_unique(disk: Disk) -> Iterator[Finding]:
    """No two partitions of a disk have the same label.

    `/dev/disk/by-partlabel/LABEL` could be either of them. Source: Ignition 3.0.0, `partitions[].label`.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                label: data
              - number: 2
                label: data

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                label: data
              - number: 2
                label: data2
    """
    seen: set[str] = set()
    for partition in disk.partitions:
        label = partition.label
        if label in seen:
            yield Finding(
                None, f"another partition of {disk.device} has the label `{label}`", "rename one", on=partition
            )
        elif label is not None:
            seen.add(label)


class Stretch(NamedTuple):
    """The MiBs that a partition takes, both ends included, and its place in the list."""

    start: int
    end: int
    place: int


@rule("PV314", "error", on=Disk)
def partitions_do_not_overlap(disk: Disk) -> Iterator[Finding]:
    """No two partitions of a disk share space, as far as their start and size say.

    A partition without a start, or with start 0, is placed where there is room, so it is left out; with size 0 it
    takes what is free after its start. Source: Ignition 3.0.0, `partitions[].startMiB` and `sizeMiB`.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                start_mib: 1
                size_mib: 1024
              - number: 2
                start_mib: 1024
                size_mib: 1024

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 1
                start_mib: 1
                size_mib: 1024
              - number: 2
                start_mib: 1025
                size_mib: 1024
    """
    stretches: list[Stretch] = []
    for index, partition in enumerate(disk.partitions):
        start, size = partition.start_mib, partition.size_mib
        if start and size is not None:
            end = start + size - 1 if size else start
            stretches.append(Stretch(min(start, end), max(start, end), index))
    stretches.sort()
    later: dict[int, int] = {}
    for furthest, stretch in running_pairs(stretches):
        if stretch.start <= furthest.end:
            later.setdefault(max(furthest.place, stretch.place), min(furthest.place, stretch.place))
    for index, earlier in sorted(later.items()):
        message = (
            f"the partition overlaps {name_of(disk.partitions[earlier], earlier)}: {extent(disk.partitions[earlier])}"
        )
        yield Finding(None, message, "move its start or shrink its size", on=disk.partitions[index])


def running_pairs(stretches: list[Stretch]) -> Iterator[tuple[Stretch, Stretch]]:
    """Each stretch after the first, with the one before it that reaches furthest; they come sorted by start."""
    for index, stretch in enumerate(stretches):
        if index == 0:
            furthest = stretch
            continue
        yield furthest, stretch
        furthest = max(furthest, stretch, key=lambda it: it.end)


def name_of(partition: Partition, index: int) -> str:
    """How a message speaks of a partition."""
    if partition.number:
        return f"partition {partition.number}"
    return f"partition `{partition.label}`" if partition.label else f"the partition at position {index + 1}"


def extent(partition: Partition) -> str:
    """Where a partition with start and size lies."""
    start, size = partition.start_mib or 0, partition.size_mib or 0
    return f"MiB {start} to {start + size - 1}" if size else f"from MiB {start} on"


@rule("PV318", "error", on=Disk)
def deletion_stands_with_numbers(disk: Disk) -> Iterator[Finding]:
    """A disk whose partitions are deleted gives a number to every other one.

    Which number is the next free one would depend on whether the deletion comes first.
    Source: Ignition 2.26.0, `storage.disks[].partitions`, and so Butane up to 0.29; later Ignition allows it.

    Bad:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 4
                should_exist: false
              - label: data

    Good:
      storage:
        disks:
          - device: /dev/vda
            partitions:
              - number: 4
                should_exist: false
              - label: data
                number: 5
    """
    partitions = disk.partitions
    if any(it.should_exist is False for it in partitions) and any(it.number == 0 for it in partitions):
        message = "one partition is deleted while another takes the next free number"
        yield Finding("partitions", message, "give every partition of the disk its number")
