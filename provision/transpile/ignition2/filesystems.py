"""`storage.filesystems`: what is made on which device, and where what had a name only is mounted."""

from collections.abc import Iterable

from provision.diagnostics import declare
from provision.ignition import Filesystem
from provision.schema import ignition2 as old
from provision.schema.rules.paths import cleaned
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import carried, place_of, refuse
from provision.transpile.ignition2.disks import tidy
from provision.units import escape_path, parse

ROOT = "root"
# Where the initramfs of Container Linux has the root. Source: Ignition 0.35, `doc/configuration-v2_0.md`, `path`.
SYSROOT = "/sysroot"
# What Container Linux itself mounts. Source: its disk layout.
MOUNTED = {
    f"/dev/disk/by-{kind}/{label}": where
    for kind in ("label", "partlabel")
    for label, where in (("ROOT", "/"), ("OEM", "/usr/share/oem"))
}

declare(
    "PV205", "error", "file system without a place",
    """A file system that files are written to is mounted at a path that is known.

    Ignition 2 mounted it somewhere to write the files; Ignition 3 wants the path that it has in the running system.
    `--fsmap NAME=/PATH` gives it. Without that it follows from `path`, from a mount unit in the config whose `What=` is
    the same device, or from the name root.
    Source: Ignition 3.0.0, `storage.filesystems[].path`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "filesystems": [{"name": "data", "mount": {"device": "/dev/vdb", "format": "ext4"}}],
          "files": [{"filesystem": "data", "path": "/readme", "mode": 420, "contents": {"source": "data:,hello"}}]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "filesystems": [{"name": "data", "mount": {"device": "/dev/vdb", "format": "ext4"}}],
          "files": [{"filesystem": "data", "path": "/readme", "mode": 420, "contents": {"source": "data:,hello"}}]
        },
        "systemd": {
          "units": [{
            "name": "srv-data.mount",
            "enabled": true,
            "contents": "[Mount]\\nWhat=/dev/vdb\\nWhere=/srv/data\\n[Install]\\nWantedBy=local-fs.target\\n"
          }]
        }
      }
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV210", "info", "file system that nothing mounts at boot",
    """A file system that gets files is mounted at boot by a unit of the same config.

    Ignition mounts it to write the files and unmounts it again. Butane writes such a unit with `with_mount_unit`.
    Source: Ignition 3.0.0, `storage.filesystems[].path`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "filesystems": [{"name": "/srv/data", "mount": {"device": "/dev/vdb", "format": "ext4"}}],
          "files": [{"filesystem": "/srv/data", "path": "/a", "mode": 420, "contents": {"source": "data:,hello"}}]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "filesystems": [{"name": "/srv/data", "mount": {"device": "/dev/vdb", "format": "ext4"}}],
          "files": [{"filesystem": "/srv/data", "path": "/a", "mode": 420, "contents": {"source": "data:,hello"}}]
        },
        "systemd": {
          "units": [{"name": "srv-data.mount", "contents": "[Mount]\\nWhat=/dev/vdb\\nWhere=/srv/data\\n"}]
        }
      }
    """,
)  # fmt: skip


class Places:
    """Where the named file systems of a config are mounted in the running system."""

    def __init__(self, config: old.Config, author: Author) -> None:
        self.author = author
        self.named = {filesystem.name: filesystem for filesystem in config.storage.filesystems}
        self.mounts = mount_points(config.systemd.units)
        self.given = dict(author.options.fsmap)
        self.paths: dict[str, str | None] = {}
        self.used: set[str] = set()

    def join(self, node: old.Node) -> str | None:
        """A node's path in the running system; None where it can't be known, which is told once."""
        name = node.filesystem or ROOT  # that there is none is told already
        if name not in self.used:
            self.used.add(name)
            if self.path(name) is None:
                self.complain(node)
        mounted = self.path(name)
        return None if mounted is None else cleaned(f"{mounted.rstrip('/')}/{node.path.lstrip('/')}")

    def path(self, name: str) -> str | None:
        """Where the file system of a name is mounted; None where nothing says so, or more than one place does."""
        if name not in self.paths:
            self.paths[name] = self.find(name)
        return self.paths[name]

    def find(self, name: str) -> str | None:
        """The first that says where a file system is: the caller, the config itself, its name."""
        if name in self.given:
            return cleaned(f"/{self.given[name]}")
        filesystem = self.named.get(name)
        if filesystem is not None and filesystem.path is not None and filesystem.mount is None:
            return without_sysroot(cleaned(filesystem.path))
        if name == ROOT:
            return "/"
        if filesystem is None or filesystem.mount is None:
            return None
        found = self.answers(filesystem.mount)
        if not found and is_path(name):
            return cleaned(name)
        return found.pop() if len(found) == 1 else None

    def answers(self, mount: old.Mount) -> set[str]:
        """Every place where the config mounts a device."""
        names = names_of(mount)
        found = {where for name in names for where in self.mounts.get(name, ())}
        return found | {MOUNTED[name] for name in names & MOUNTED.keys()}

    def complain(self, node: old.Node) -> None:
        """Say that a node's file system has no known place."""
        name = node.filesystem
        filesystem = self.named.get(name)
        mount = filesystem.mount if filesystem else None
        if mount is None:
            said = f"no file system `{name}` is defined here, so nothing says where {node.path} belongs"
        elif len(self.answers(mount)) > 1:
            said = f"the file system `{name}` is mounted at {' and '.join(sorted(self.answers(mount)))}"
        else:
            said = f"nothing says where the file system `{name}` on {mount.device} is mounted"
        refuse(self.author, "PV205", node, "filesystem", said, f"say it with --fsmap {name or 'NAME'}=/PATH")


def is_path(name: str) -> bool:
    """Whether a file system is named by where it is mounted, as ign-converter and `--target` name it."""
    return name.startswith("/")


def without_sysroot(path: str) -> str:
    """A path of the initramfs as the running system sees it."""
    return path.removeprefix(SYSROOT) or "/" if f"{path}/".startswith(f"{SYSROOT}/") else path


def mount_points(units: Iterable[old.Unit]) -> dict[str, set[str]]:
    """Where the mount units of a config mount each device, by the device as the unit spells it."""
    found: dict[str, set[str]] = {}
    for unit in units:
        text = parse(unit.contents) if unit.name.endswith(".mount") and not unit.broken else None
        what, where = (text.value("Mount", "What"), text.value("Mount", "Where")) if text else (None, None)
        if what and where and where.startswith("/"):
            found.setdefault(what, set()).add(cleaned(where))
    return found


def names_of(mount: old.Mount) -> set[str]:
    """What a mount unit may call the device of a file system."""
    names = {mount.device, tidy(mount.device)}
    for kind, value in (("label", mount.label), ("uuid", mount.uuid)):
        if value:
            names |= {f"/dev/disk/by-{kind}/{value}", f"{kind.upper()}={value}"}
    return names


def filesystems(config: old.Config, places: Places, author: Author) -> tuple[Filesystem, ...]:
    """Every file system that is on a device; one that only has a name is in the paths of its files already."""
    units = {unit.name for unit in config.systemd.units}
    made = []
    for filesystem in config.storage.filesystems:
        if filesystem.mount is None:
            author.fate(filesystem, "path", "exact", "in the paths of its files")
            continue
        name = filesystem.name
        needed = name == ROOT or is_path(name) or name in places.used or name in places.given
        path = places.path(name) if needed else None
        made.append(on_device(filesystem, filesystem.mount, path, author))
        if path not in (None, *MOUNTED.values()) and f"{escape_path(path or '')}.mount" not in units:
            message = f"nothing here mounts {path} at boot; Ignition mounts it only while it writes files"
            author.complain("PV210", "info", filesystem, "name", message, "add a mount unit, if nothing else mounts it")
    return tuple(made)


def on_device(filesystem: old.Filesystem, mount: old.Mount, path: str | None, author: Author) -> Filesystem:
    """A file system on its device; the old `create` says by `force` what `wipeFilesystem` says now."""
    create = mount.create
    options = mount.options if create is None else create.options
    wipe = mount.wipe_filesystem if create is None else create.force
    new = carried(
        Filesystem, mount, "format label uuid",
        device=tidy(mount.device), options=options, path=path, wipe_filesystem=wipe or None,
    )  # fmt: skip
    if create is not None:
        author.fate(mount, "create", "exact", "as options and wipeFilesystem")
        for name, field in (("options", "options"), ("wipe_filesystem", "force")):
            new = new.spotted(**{name: place_of(author, create, field) or create.origin})
    new = new.spotted(path=author.place(filesystem, "name"))
    return new.as_broken() if filesystem.broken or (create is not None and create.broken) else new
