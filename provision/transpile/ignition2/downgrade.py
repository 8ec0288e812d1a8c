"""Ignition 3.1 taken down to Ignition 2.4, 2.3 or 2.2: each section in the older spelling, with every place.

A file system gets its path for a name, and the files below it refer to it by that. Pieces to append become files of their
own. Source: Ignition 0.35, `config/v2_4/types` and `internal/exec`.
"""

from provision.ignition import Config, Disk, Group, Partition, Raid, Unit, User
from provision.record import Spec, spec
from provision.schema import ignition2 as old
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import carried, place_of, refuse
from provision.transpile.ignition2.disks import SECTORS_PER_MIB
from provision.transpile.ignition2.lowered_nodes import Nodes
from provision.transpile.ignition2.lowered_resources import reference
from provision.transpile.newer_fields import without_newer

IN_MIB: Spec = (2, 3)
PASSWD = "groups name password_hash ssh_authorized_keys system uid gecos home_dir no_create_home no_log_init no_user_group primary_group shell"


def downgrade(config: Config, target: str, author: Author) -> old.Config:
    """A config of the spec 3.1 as one of Ignition 2."""
    at = spec(target)
    storage, nodes = config.storage, Nodes(config.storage, author)
    new = carried(
        old.Config, config,
        ignition=ignition(config, target, author),
        passwd=passwd(config),
        storage=carried(
            old.Storage, storage,
            directories=nodes.directories,
            disks=tuple(disk(each, at, author) for each in storage.disks),
            files=nodes.files,
            filesystems=nodes.filesystems,
            links=nodes.links,
            raid=tuple(map(raid, storage.raid)),
        ),
        systemd=carried(
            old.Systemd, config.systemd, units=tuple(unit(each, author) for each in config.systemd.units)
        ),
    )  # fmt: skip
    return without_newer(new, at, target, author)


def ignition(config: Config, target: str, author: Author) -> old.Ignition:
    """The section: what is merged is appended again."""
    section = config.ignition
    replace = section.config.replace
    references = carried(
        old.ConfigReferences, section.config,
        append=tuple(reference(each, old.Reference, author) for each in section.config.merge),
        replace=None if replace.source is None else reference(replace, old.Reference, author),
    )  # fmt: skip
    tls = section.security.tls
    authorities = tuple(reference(each, old.CaReference, author) for each in tls.certificate_authorities)
    return carried(
        old.Ignition, section,
        config=references,
        proxy=carried(old.Proxy, section.proxy, "http_proxy https_proxy no_proxy"),
        security=carried(
            old.Security, section.security,
            tls=carried(old.Tls, tls, certificate_authorities=authorities),
        ),
        timeouts=carried(old.Timeouts, section.timeouts, "http_response_headers http_total"),
        version=target,
    )  # fmt: skip


def passwd(config: Config) -> old.Passwd:
    """Users and groups."""

    def user(account: User) -> old.User:
        return carried(old.User, account, PASSWD)

    def group(each: Group) -> old.Group:
        return carried(old.Group, each, "gid name password_hash system")

    section = config.passwd
    return carried(
        old.Passwd, section, groups=tuple(map(group, section.groups)), users=tuple(map(user, section.users))
    )  # fmt: skip


def disk(disk: Disk, at: Spec, author: Author) -> old.Disk:
    """A disk; before 2.3 partitions count sectors."""

    def lowered(part: Partition) -> old.Partition:
        names = "guid label number should_exist type_guid wipe_partition_entry"
        if at >= IN_MIB:
            return carried(old.Partition, part, f"{names} start_mib size_mib")
        if part.number and not disk.wipe_table:
            tell_unset(part, author)
        start, size = in_sectors(part.start_mib), in_sectors(part.size_mib)
        new = carried(old.Partition, part, names, start=start, size=size)
        places = {"start": place_of(author, part, "start_mib"), "size": place_of(author, part, "size_mib")}
        return new.spotted(**{name: place for name, place in places.items() if place is not None})

    return carried(old.Disk, disk, "device wipe_table", partitions=tuple(map(lowered, disk.partitions)))


def tell_unset(part: Partition, author: Author) -> None:
    """Say where a partition may stay as it is, which the older versions can't express."""
    for name in ("start_mib", "size_mib"):
        if getattr(part, name) is None and part.should_exist is not False:
            key = part.rows[name].key
            message = f"without {key} a partition that is there stays; Ignition 2.2.0 takes it for 0, the free space"
            refuse(author, "PV213", part, None, message, f"write {key}, or wipeTable for the disk")


def in_sectors(mib: int | None) -> int | None:
    """MiB as sectors of 512 bytes."""
    return None if mib is None else mib * SECTORS_PER_MIB


def raid(raid: Raid) -> old.Raid:
    """A RAID array."""
    return carried(old.Raid, raid, "devices level name options spares")


def unit(unit: Unit, author: Author) -> old.Unit:
    """A unit. Its `enabled` Ignition 2 knows under the same name."""
    if unit.mask is False and not unit.contents:
        message = f"Ignition 2 can't take a mask of {unit.name} away"
        refuse(author, "PV213", unit, "mask", message, "leave mask out if nothing masks the unit")
    for dropin in unit.dropins:
        if dropin.contents == "":
            message = f"Ignition 2 writes no empty drop-in, so that {dropin.name} would not be there"
            refuse(author, "PV213", dropin, "contents", message, "put a comment into it, or take it away")
    dropins = tuple(carried(old.Dropin, dropin, "contents name") for dropin in unit.dropins)
    return carried(old.Unit, unit, "contents enabled mask name", dropins=dropins)
