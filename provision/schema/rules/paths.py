"""The rule of paths and devices: absolute and in their shortest form. Whether they exist is the machine's business."""

from collections.abc import Iterator

from provision.ignition import Disk, Filesystem, Luks, Node, Raid
from provision.record import Spec
from provision.schema.rules import Finding, rule


@rule("PV301", "error", on=Node)
def path_is_absolute_and_short(node: Node) -> Iterator[Finding]:
    """A path or device is absolute and written in its shortest form.

    Two spellings of one path would escape the check for duplicates, and a relative one has no place to start from. So
    neither `.` nor `..` nor a doubled or trailing slash may be in it. It holds for devices as well as for mount points.
    Source: Ignition 3.0.0, `storage.files[].path` and the like.

    Bad:
      storage:
        files:
          - path: etc//motd

    Good:
      storage:
        files:
          - path: /etc/motd
    """
    fault = path_fault(node.path)
    if fault:
        yield Finding("path", fault, path_hint(node.path))


@rule("PV301", "error", on=Disk)
@rule("PV301", "error", on=Luks)
def device_is_absolute_and_short(owner: Disk | Luks) -> Iterator[Finding]:
    """The same of the device of a disk or an encrypted volume."""
    fault = path_fault(owner.device or "")
    if fault:
        yield Finding("device", fault, path_hint(owner.device or ""))


@rule("PV301", "error", on=Raid)
def members_are_absolute_and_short(raid: Raid) -> Iterator[Finding]:
    """The same of the devices of a RAID."""
    for index, device in enumerate(raid.devices):
        fault = path_fault(device)
        if fault:
            yield Finding("devices", fault, path_hint(device), item=index)


@rule("PV301", "error", on=Filesystem)
def device_and_mount_point_are_absolute_and_short(filesystem: Filesystem, at: Spec) -> Iterator[Finding]:
    """The same of a file system's mount point, if it has one, and of its device, unless that is a tag of virtiofs."""
    if filesystem.path:
        fault = path_fault(filesystem.path)
        if fault:
            yield Finding("path", fault, path_hint(filesystem.path))
    if filesystem.format == "virtiofs" and at >= (3, 7):
        return
    fault = path_fault(filesystem.device)
    if fault:
        yield Finding("device", fault, path_hint(filesystem.device))


def path_fault(path: str) -> str | None:
    """What keeps a path from being absolute and in its shortest form; None where nothing does."""
    if not path.startswith("/"):
        return f"`{path}` is not absolute" if path else "the path is empty"
    if cleaned(path) != path:
        return f"`{path}` is not in its shortest form"
    return None


def path_hint(path: str) -> str | None:
    """The remedy for a path that has a fault; None where only the author can know it."""
    return f"write {cleaned('/' + path)}" if path.strip("/") else None


def cleaned(path: str) -> str:
    """The shortest path with the same meaning, taken as text: without `.`, `..` and doubled slashes."""
    rooted = path.startswith("/")
    if rooted and not path.endswith("/") and "//" not in path and "/." not in path:
        return path  # nearly every path: spared the walk over its parts
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts and parts[-1] != "..":
            parts.pop()
        elif not rooted:
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."
