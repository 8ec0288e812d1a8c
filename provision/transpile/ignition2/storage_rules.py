"""What Ignition 2 asks of disks, file systems and nodes, and the rules of Ignition 3, which see what became of them, do not.

Source: Ignition 0.35, `config/v2_0/types` to `config/v2_4/types`, each with its version's checks.
"""

from collections.abc import Iterator

from provision.record import Spec
from provision.schema.ignition2 import Directory, Disk, File, Filesystem, Mount, Node, Partition, Storage
from provision.schema.rules import Finding, load, rule
from provision.schema.rules.paths import cleaned
from provision.transpile.ignition2.disks import SECTORS_PER_MIB
from provision.transpile.ignition2.filesystems import ROOT

load()  # a code that is shared has its manual there

NEW_FORMATS = ("swap", "vfat")


@rule("PV359", "error", on=Filesystem)
def filesystem_is_made_or_there(filesystem: Filesystem) -> Iterator[Finding]:
    """A file system has either a `mount` or a `path`.

    `mount` says on which device it is, `path` where it is mounted already. Source: Ignition 2.0.0,
    `storage.filesystems[]`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {"filesystems": [{"name": "data"}]}
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {"filesystems": [{"name": "data", "path": "/srv/data"}]}
      }
    """
    if filesystem.mount is None and filesystem.path is None:
        yield Finding(None, "the file system has neither mount nor path", "add mount with device and format")
    if filesystem.mount is not None and filesystem.path is not None:
        hint = "keep mount; where it is mounted in the running system, say with --fsmap"
        yield Finding("path", "the file system has both mount and path", hint)


@rule("PV301", "error", on=Filesystem)
def mount_point_is_absolute(filesystem: Filesystem) -> Iterator[Finding]:
    """Where a file system is mounted already is an absolute path."""
    if filesystem.path is not None and not filesystem.path.startswith("/"):
        yield Finding("path", f"`{filesystem.path}` is not absolute", f"write {cleaned('/' + filesystem.path)}")


@rule("PV365", "warning", on=Storage)
def filesystem_names_are_unique(storage: Storage) -> Iterator[Finding]:
    """Each file system has a name of its own; `root` is there already.

    Files go to the last one of a name. Source: Ignition 2.0.0, `storage.filesystems[].name`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "filesystems": [
            {"name": "a", "mount": {"device": "/dev/vdb", "format": "ext4"}},
            {"name": "a", "mount": {"device": "/dev/vdc", "format": "xfs"}}
          ]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "filesystems": [
            {"name": "a", "mount": {"device": "/dev/vdb", "format": "ext4"}},
            {"name": "b", "mount": {"device": "/dev/vdc", "format": "xfs"}}
          ]
        }
      }
    """
    seen = {ROOT}
    for filesystem in storage.filesystems:
        if filesystem.name in seen and not is_the_root(filesystem):
            message = f"the name `{filesystem.name}` is taken already; files go to this file system"
            yield Finding("name", message, "give it another name", on=filesystem)
        seen.add(filesystem.name)


def is_the_root(filesystem: Filesystem) -> bool:
    """Whether it says of the root only what is known of it."""
    return filesystem.name == ROOT and filesystem.mount is None and filesystem.path in ("/sysroot", "/")


@rule("PV341", "error", on=Mount)
def old_format_is_known(mount: Mount, at: Spec) -> Iterator[Finding]:
    """A file system has a format, of which the oldest version knew ext4, btrfs and xfs."""
    if not mount.format:
        yield Finding("format", "the file system has no format", "write ext4, btrfs or xfs")
    elif mount.format in NEW_FORMATS and at < (2, 1):
        yield Finding("format", f"{mount.format} needs Ignition 2.1.0, this config is for 2.0.0", "raise the version")


@rule("PV362", "error", on=Node)
def node_names_its_filesystem(node: Node) -> Iterator[Finding]:
    """A file, directory or link names its file system.

    The root's is called `root`. Source: Ignition 2.0.0, `storage.files[].filesystem`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [{"filesystem": "", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}}]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}}
          ]
        }
      }
    """
    if not node.filesystem:
        yield Finding("filesystem", "the name of the file system is empty", "write root")


@rule("PV301", "error", on=Node)
def old_path_is_absolute(node: Node) -> Iterator[Finding]:
    """The path of a node is absolute; Ignition 2 takes longer forms of it than Ignition 3."""
    if not node.path.startswith("/"):
        said = f"`{node.path}` is not absolute" if node.path else "the path is empty"
        yield Finding("path", said, f"write {cleaned('/' + node.path)}" if node.path else None)


@rule("PV364", "warning", on=File, since="2.2")
@rule("PV364", "warning", on=Directory, since="2.2")
def node_has_a_mode(node: File | Directory) -> Iterator[Finding]:
    """A file or directory has a mode.

    Ignition 2 makes it 0 where none is given, so that only root can use it. Ignition 3 makes a file 0644 and a directory
    0755, and so does what comes out here. Source: Ignition 2.2.0, `storage.files[].mode`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [{"filesystem": "root", "path": "/etc/motd", "contents": {"source": "data:,hello"}}]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}}
          ]
        }
      }
    """
    if node.mode is None:
        mode, hint = ("0644", "420") if isinstance(node, File) else ("0755", "493")
        message = f"{node.path} has no mode: 0000 to Ignition 2, {mode} to Ignition 3 and in what comes out here"
        yield Finding("mode", message, f"write {hint}, which is {mode}, or another")


@rule("PV366", "error", on=File)
def appended_file_is_kept(file: File) -> Iterator[Finding]:
    """A file that is appended to is not overwritten.

    Source: Ignition 2.2.0, `storage.files[].append`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}, "append": true, "overwrite": true}
          ]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [
            {"filesystem": "root", "path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}, "append": true}
          ]
        }
      }
    """
    if file.append and file.overwrite:
        yield Finding("overwrite", "append and overwrite are both true", "keep one of the two")


def in_sectors(partition: Partition) -> list[str]:
    """The fields of a partition that count sectors."""
    return [name for name in ("start", "size") if getattr(partition, name) is not None]


def is_mixed(disk: Disk) -> bool:
    """Whether a disk counts in MiB and in sectors."""
    in_mib = any(part.start_mib is not None or part.size_mib is not None for part in disk.partitions)
    return in_mib and any(map(in_sectors, disk.partitions))


@rule("PV367", "error", on=Disk)
def partitions_are_measured_alike(disk: Disk) -> Iterator[Finding]:
    """All partitions of a disk count in MiB, or all in sectors.

    Source: Ignition 2.3.0, `partitions[].sizeMiB`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "disks": [
            {"device": "/dev/vdb", "partitions": [{"number": 1, "sizeMiB": 1}, {"number": 2, "size": 2048}]}
          ]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "disks": [
            {"device": "/dev/vdb", "partitions": [{"number": 1, "sizeMiB": 1}, {"number": 2, "sizeMiB": 1}]}
          ]
        }
      }
    """
    if is_mixed(disk):
        first = next(part for part in disk.partitions if in_sectors(part))
        message = "this counts sectors, other partitions of the disk count MiB"
        yield Finding(in_sectors(first)[0], message, "write startMiB and sizeMiB everywhere", on=first)


@rule("PV363", "info", on=Disk, since="2.3")
def partitions_are_measured_in_mib(disk: Disk) -> Iterator[Finding]:
    """A partition's start and size are given in MiB: `startMiB` and `sizeMiB`.

    The older `start` and `size` count sectors of 512 bytes, whatever the disk has. Source: Ignition 2.3.0,
    `partitions[].size`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {"disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "size": 2048}]}]}
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {"disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "sizeMiB": 1}]}]}
      }
    """
    for part in () if is_mixed(disk) else disk.partitions:
        for name in in_sectors(part):
            sectors = getattr(part, name)
            hint = f"write {name}MiB: {sectors // SECTORS_PER_MIB}" if sectors % SECTORS_PER_MIB == 0 else None
            yield Finding(name, f"{name} counts sectors; {name}MiB replaces it", hint, on=part)
