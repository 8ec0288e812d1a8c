"""Rules of files, directories and links: their modes, their owners, and what they are to each other."""

from collections.abc import Iterator

from provision.ignition import Config, Directory, File, Link, NodeGroup, NodeUser, Storage
from provision.record import Spec
from provision.schema.rules import Finding, rule
from provision.schema.rules.paths import cleaned

UNIT_DIRECTORY = "/etc/systemd/system/"


# The rows say what a mode may be, for the JSON Schemas too.
LEAST, GREATEST = File.rows["mode"].ge or 0, File.rows["mode"].le or 0


@rule("PV350", "error", on=File)
@rule("PV350", "error", on=Directory)
def mode_has_permission_bits_only(node: File | Directory) -> Iterator[Finding]:
    """A mode lies between 0 and 0o7777.

    There are nine permission bits and three special ones; more usually means a decimal number that was meant octal.
    Source: Ignition 3.0.0, `storage.files[].mode` and `storage.directories[].mode`.

    Bad:
      storage:
        files:
          - path: /etc/motd
            mode: 0100644

    Good:
      storage:
        files:
          - path: /etc/motd
            mode: 0644
    """
    mode = node.mode
    if mode is None or LEAST <= mode <= GREATEST:
        return
    if mode < 0:
        yield Finding("mode", f"mode {mode} is negative", "write an octal number from 0 to 07777")
    else:
        yield Finding("mode", f"mode {mode:#o} has bits above 0o7777", "write an octal number from 0 to 07777")


@rule("PV351", "warning", on=File, until="3.6")
@rule("PV351", "warning", on=Directory, until="3.6")
def special_bits_have_effect(node: File | Directory) -> Iterator[Finding]:
    """Setuid, setgid and sticky bits are set only where they have an effect: from Ignition 3.6.0 on.

    Before, Ignition took them away without a word, and for the sake of old configs it still does.
    Source: Ignition 3.6.0, release notes.

    Bad:
      storage:
        directories:
          - path: /srv/drop
            mode: 01777

    Good:
      variant: fcos
      version: 1.7.0
      storage:
        directories:
          - path: /srv/drop
            mode: 01777
    """
    mode = node.mode
    if mode is not None and mode & 0o7000 and LEAST <= mode <= GREATEST:
        yield Finding(
            "mode",
            f"mode {mode:#o} has setuid, setgid or sticky bits, which have no effect before Ignition 3.6.0",
            f"write {mode & 0o777:#o}, or use a release that targets Ignition 3.6.0",
        )


@rule("PV352", "error", on=File)
def overwriting_file_has_contents(file: File) -> Iterator[Finding]:
    """A file that overwrites has contents to overwrite with.

    Without a source the file on disk would be deleted and nothing put in its place. An empty source stands for an
    empty file. Source: Ignition 3.0.0, `storage.files[].overwrite`.

    Bad:
      storage:
        files:
          - path: /etc/motd
            overwrite: true

    Good:
      storage:
        files:
          - path: /etc/motd
            overwrite: true
            contents:
              source: ""
    """
    if file.overwrite and file.contents.source is None:
        yield Finding(
            "overwrite", "overwrite is true, but the file has no contents", "give it contents, or leave overwrite out"
        )


@rule("PV353", "error", on=NodeUser)
@rule("PV353", "error", on=NodeGroup)
def owner_is_named_once(owner: NodeUser | NodeGroup) -> Iterator[Finding]:
    """An owner is given by id or by name, not by both.

    The two could contradict each other. Source: Ignition 3.0.0, `storage.files[].user` and the like.

    Bad:
      storage:
        files:
          - path: /home/core/note
            user:
              id: 1000
              name: core

    Good:
      storage:
        files:
          - path: /home/core/note
            user:
              name: core
    """
    if owner.id is not None and owner.name:
        yield Finding(None, f"the owner has the id {owner.id} and the name `{owner.name}`", "keep one of the two")


@rule("PV354", "error", on=Storage)
def path_is_not_below_a_link(storage: Storage) -> Iterator[Finding]:
    """No file, directory or link lies below a link of the same config.

    Where the entry ended up would depend on where the link points at that time.
    Source: Ignition 3.0.0, `storage`.

    Bad:
      storage:
        links:
          - path: /etc/app
            target: /opt/app/etc
        files:
          - path: /etc/app/app.conf

    Good:
      storage:
        links:
          - path: /etc/app
            target: /opt/app/etc
        files:
          - path: /opt/app/etc/app.conf
    """
    links = {link.path for link in storage.links}
    if not links:
        return
    for nodes in (storage.directories, storage.files, storage.links):
        for node in nodes:
            path = node.path
            cut = path.rfind("/")
            while cut > 0:
                if path[:cut] in links:
                    message = f"{path} lies below {path[:cut]}, which is a link in this config"
                    yield Finding(None, message, "put the path that the link points at", on=node)
                cut = path.rfind("/", 0, cut)


@rule("PV355", "error", on=Link, since="3.3")
def link_has_a_target(link: Link) -> Iterator[Finding]:
    """A link has a target.

    Source: Ignition 3.3.0, `storage.links[].target`.

    Bad:
      storage:
        links:
          - path: /etc/localtime
            target: ""

    Good:
      storage:
        links:
          - path: /etc/localtime
            target: ../usr/share/zoneinfo/UTC
    """
    if not link.target:
        yield Finding("target", "the link has no target", "write the path that it points at")


@rule("PV356", "error", on=Storage)
def hard_link_is_not_to_a_directory(storage: Storage) -> Iterator[Finding]:
    """A hard link does not point at a directory of the same config.

    No file system of Linux has hard links to directories. Source: Ignition 3.0.0, `storage.links[]`, which takes a
    relative target from the link's own path; link(2), EPERM.

    Bad:
      storage:
        directories:
          - path: /srv/www
        links:
          - path: /var/www
            target: /srv/www
            hard: true

    Good:
      storage:
        directories:
          - path: /srv/www
        links:
          - path: /var/www
            target: /srv/www
    """
    directories: set[str] | None = None
    for link in storage.links:
        # From spec 3.3 on an empty target is PV355's; before, it stood for the link itself.
        if not link.hard or not link.target or link.broken:
            continue
        if directories is None:
            directories = {directory.path for directory in storage.directories}
        target = cleaned(link.target if link.target.startswith("/") else f"{link.path}/{link.target}")
        if target in directories:
            message = f"the hard link points at {target}, which is a directory in this config"
            yield Finding(None, message, "leave out hard: a symbolic link can point at a directory", on=link)


@rule("PV357", "warning", on=Link)
def hard_link_has_no_owner(link: Link, at: Spec) -> Iterator[Finding]:
    """A hard link names no owner of its own.

    It is another name of a file that has an owner already, so Ignition ignores this one.
    Source: Ignition 3.0.0, `storage.links[].user` and `group`.

    Bad:
      storage:
        files:
          - path: /srv/a
        links:
          - path: /srv/b
            target: /srv/a
            hard: true
            user:
              name: core

    Good:
      storage:
        files:
          - path: /srv/a
            user:
              name: core
        links:
          - path: /srv/b
            target: /srv/a
            hard: true
    """
    if not link.hard or (not link.target and at >= (3, 3)):
        return
    hint = "set the owner of the file that it points at"
    for word, owner in (("user", link.user), ("group", link.group)):
        for name, value in (("id", owner.id), ("name", owner.name)):
            if value is not None:
                yield Finding(name, f"the {word} of a hard link has no effect", hint, on=owner)


@rule("PV358", "error", on=Config)
def path_is_not_a_unit(config: Config) -> Iterator[Finding]:
    """No file, directory or link has the path of a unit or drop-in that the same config writes.

    Both would be written, and the later one would stay. Source: Ignition 3.0.0, `systemd.units[].contents`.

    Bad:
      storage:
        files:
          - path: /etc/systemd/system/app.service
      systemd:
        units:
          - name: app.service
            contents: |
              [Service]
              ExecStart=/usr/bin/app

    Good:
      storage:
        files:
          - path: /etc/systemd/system/other.service
      systemd:
        units:
          - name: app.service
            contents: |
              [Service]
              ExecStart=/usr/bin/app
    """
    written: dict[str, str] = {}
    for unit in config.systemd.units:
        if unit.contents:
            written[UNIT_DIRECTORY + unit.name] = f"unit {unit.name}"
        for dropin in unit.dropins:
            if dropin.contents:
                written[f"{UNIT_DIRECTORY}{unit.name}.d/{dropin.name}"] = f"drop-in {dropin.name} of {unit.name}"
    if not written:
        return
    storage = config.storage
    for nodes in (storage.files, storage.directories, storage.links):
        for node in nodes:
            if node.path in written:
                message = f"{node.path} is written by the {written[node.path]} of this config too"
                yield Finding("path", message, "keep one of the two", on=node)
