"""Ignition 2 as records: one row for one key, with the version that first had it.

The last word on what a row means has `transpile.ignition2.upgrade`, which turns these records into Ignition 3. Where a
record is read, its place and those of its keys follow from its origin. Who makes one says so with `.at(node, key=node)`,
as for records of Ignition 3: `upgrade` carries every place on, a file's `contents` and `filesystem` no less than its
`path`. What is not a pointer in Ignition's own types is never None here: an unset text is "", an unset switch False.
Source: Ignition 0.35, `config/v2_0` to `config/v2_4`.
"""

from provision.record import Record, field

VERSIONS: tuple[str, ...] = ("2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0")


class HttpHeader(Record):
    """One header of a request: `httpHeaders[]`."""

    name: str = field(keep=True, doc="Name of the header.")
    value: str = field(keep=True, doc="Value.", secret=True)


class Verification(Record):
    """How fetched content is checked: `verification`."""

    hash: str | None = field(default=None, doc="`sha512-<hex>` of the decompressed content.")


class Reference(Record):
    """Another config: `ignition.config.append[]` and `replace`. A certificate bundle looks the same."""

    http_headers: tuple[HttpHeader, ...] = field(
        default=(), since="2.4", doc="Headers of the request; http and https only."
    )
    source: str = field(keep=True, secret=True, doc="URL: http, https, tftp, s3, oem or data.")
    verification: Verification = field(factory=Verification, doc="The hash that the content must have.")


class CaReference(Reference):
    """A bundle of certificates: `ignition.security.tls.certificateAuthorities[]`."""


class FileContents(Record):
    """The content of a file."""

    compression: str = field(doc="`gzip`, or empty for none.")
    http_headers: tuple[HttpHeader, ...] = field(
        default=(), since="2.4", doc="Headers of the request; http and https only."
    )
    source: str = field(secret=True, doc="URL: http, https, tftp, s3, oem or data; empty for an empty file.")
    verification: Verification = field(factory=Verification, doc="The hash that the content must have.")


class ConfigReferences(Record):
    """Other configs that this one builds on: `ignition.config`."""

    append: tuple[Reference, ...] = field(default=(), doc="Configs laid over this one, in order.")
    replace: Reference | None = field(default=None, doc="The config that is used instead of this one.")


class Proxy(Record):
    """Proxies for all fetches: `ignition.proxy`."""

    http_proxy: str = field(doc="Proxy for http URLs.", secret=True)
    https_proxy: str = field(doc="Proxy for https URLs.", secret=True)
    no_proxy: tuple[str, ...] = field(default=(), doc="Hosts that are asked directly.")


class Tls(Record):
    """Whom to trust over TLS: `ignition.security.tls`."""

    certificate_authorities: tuple[CaReference, ...] = field(
        default=(), doc="PEM bundles to trust beside the system's own."
    )


class Security(Record):
    """`ignition.security`."""

    tls: Tls = field(factory=Tls, doc="TLS settings for fetches.")


class Timeouts(Record):
    """Deadlines for fetches: `ignition.timeouts`."""

    http_response_headers: int | None = field(
        default=None, unit="seconds", doc="Wait for response headers; 10 by default."
    )
    http_total: int | None = field(
        default=None, unit="seconds", doc="Wait for a whole fetch with its retries; 0 waits forever."
    )


class Ignition(Record):
    """What concerns the config itself: `ignition`."""

    config: ConfigReferences = field(factory=ConfigReferences, doc="Other configs to add or to use instead.")
    proxy: Proxy = field(factory=Proxy, since="2.4", doc="Proxies for all fetches.")
    security: Security = field(factory=Security, since="2.2", doc="Certificates to trust.")
    timeouts: Timeouts = field(factory=Timeouts, since="2.1", doc="Deadlines for fetches.")
    version: str = field(keep=True, doc="The version that the config is written in, for example 2.3.0.")


class NetworkdDropin(Record):
    """A drop-in of a file of networkd: `networkd.units[].dropins[]`."""

    contents: str = field(doc="The text of the drop-in.")
    name: str = field(required="2.0", keep=True, doc="File name, ends in .conf.")


class NetworkdUnit(Record):
    """A file of networkd: `networkd.units[]`."""

    contents: str = field(doc="The text of the file.")
    dropins: tuple[NetworkdDropin, ...] = field(default=(), since="2.2", doc="Drop-ins of the file.")
    name: str = field(required="2.0", keep=True, doc="File name, ends in .link, .netdev or .network.")


class Networkd(Record):
    """The network: `networkd`."""

    units: tuple[NetworkdUnit, ...] = field(default=(), doc="Files to write to /etc/systemd/network.")


class Group(Record):
    """One group of the system: `passwd.groups[]`."""

    gid: int | None = field(default=None, doc="Numeric id.")
    name: str = field(keep=True, doc="Name of the group.")
    password_hash: str = field(secret=True, doc="Hash of the group's password.")
    system: bool = field(doc="Whether a new group takes its id from the system range.")


class UserCreate(Record):
    """How an account is made, in the spelling of 2.0: `passwd.users[].create`."""

    gecos: str = field(doc="Comment: full name and the like.")
    groups: tuple[str, ...] = field(default=(), doc="Supplementary groups.")
    home_dir: str = field(doc="Home directory.")
    no_create_home: bool = field(doc="Do not make the home directory.")
    no_log_init: bool = field(doc="Leave the user out of lastlog and faillog.")
    no_user_group: bool = field(doc="Do not make a group with the user's name.")
    primary_group: str = field(doc="Name or id of the primary group.")
    shell: str = field(doc="Login shell.")
    system: bool = field(doc="Whether a new user takes its id from the system range.")
    uid: int | None = field(default=None, doc="Numeric id.")


class User(Record):
    """One account: `passwd.users[]`."""

    create: UserCreate | None = field(default=None, doc="How the account is made; the keys beside it replace it.")
    gecos: str = field(since="2.1", doc="Comment: full name and the like.")
    groups: tuple[str, ...] = field(default=(), since="2.1", doc="Supplementary groups.")
    home_dir: str = field(since="2.1", doc="Home directory.")
    name: str = field(keep=True, doc="Login name.")
    no_create_home: bool = field(since="2.1", doc="Do not make the home directory.")
    no_log_init: bool = field(since="2.1", doc="Leave the user out of lastlog and faillog.")
    no_user_group: bool = field(since="2.1", doc="Do not make a group with the user's name.")
    password_hash: str | None = field(default=None, secret=True, doc="Hash of the password, as crypt(3) writes it.")
    primary_group: str = field(since="2.1", doc="Name or id of the primary group.")
    ssh_authorized_keys: tuple[str, ...] = field(default=(), doc="Public keys that may log in.")
    shell: str = field(since="2.1", doc="Login shell.")
    system: bool = field(since="2.1", doc="Whether a new user takes its id from the system range.")
    uid: int | None = field(default=None, since="2.1", doc="Numeric id.")


class Passwd(Record):
    """Users and groups: `passwd`."""

    groups: tuple[Group, ...] = field(default=(), doc="Groups to make or change.")
    users: tuple[User, ...] = field(default=(), doc="Users to make or change.")


class NodeUser(Record):
    """The owner of a file, directory or link."""

    id: int | None = field(default=None, doc="Numeric user id.")
    name: str = field(since="2.1", doc="User name, looked up on the machine.")


class NodeGroup(Record):
    """The group of a file, directory or link."""

    id: int | None = field(default=None, doc="Numeric group id.")
    name: str = field(since="2.1", doc="Group name, looked up on the machine.")


class Node(Record):
    """What files, directories and links have in common."""

    filesystem: str = field(required="2.0", keep=True, doc="Name of the file system that it is on, often `root`.")
    group: NodeGroup | None = field(default=None, doc="Group of the entry.")
    overwrite: bool | None = field(
        default=None, since="2.2", doc="Delete what is at the path first; true by default for files."
    )
    path: str = field(required="2.0", keep=True, doc="Absolute path in its file system.")
    user: NodeUser | None = field(default=None, doc="Owner of the entry.")


class Directory(Node):
    """A directory: `storage.directories[]`."""

    mode: int | None = field(default=None, ge=0, le=0o7777, doc="Permission bits, 0 to 0o7777.")


class File(Node):
    """A regular file: `storage.files[]`."""

    append: bool = field(since="2.2", doc="Add the content to what is there already.")
    contents: FileContents = field(factory=FileContents, doc="The content.")
    mode: int | None = field(default=None, ge=0, le=0o7777, doc="Permission bits, 0 to 0o7777.")


class Link(Node):
    """A symbolic or hard link: `storage.links[]`."""

    hard: bool = field(doc="A hard link instead of a symbolic one.")
    target: str = field(keep=True, doc="What the link points at.")


class Partition(Record):
    """One partition of a disk: `storage.disks[].partitions[]`."""

    guid: str = field(since="2.1", doc="Unique id of the partition.")
    label: str | None = field(default=None, doc="GPT name.")
    number: int = field(default=0, doc="Number in the table; 0 takes the next free one.")
    should_exist: bool | None = field(default=None, since="2.3", doc="false deletes the partition.")
    size: int | None = field(default=None, unit="sectors", doc="Size in sectors of 512 bytes; sizeMiB replaces it.")
    size_mib: int | None = field(
        "sizeMiB", default=None, since="2.3", unit="MiB", doc="Size; 0 fills the free space."
    )  # fmt: skip
    start: int | None = field(default=None, unit="sectors", doc="Start in sectors of 512 bytes; startMiB replaces it.")
    start_mib: int | None = field(
        "startMiB", default=None, since="2.3", unit="MiB", doc="Start; 0 takes the largest free space."
    )
    type_guid: str = field(doc="Type of the partition; a Linux file system by default.")
    wipe_partition_entry: bool = field(since="2.3", doc="Replace a partition that does not match instead of failing.")


class Disk(Record):
    """A disk and its partition table: `storage.disks[]`."""

    device: str = field(required="2.0", keep=True, doc="Absolute path of the device.")
    partitions: tuple[Partition, ...] = field(default=(), doc="Partitions and their state.")
    wipe_table: bool = field(doc="Start from an empty partition table.")


class Create(Record):
    """How a file system is made, in the spelling of 2.0: `storage.filesystems[].mount.create`."""

    force: bool = field(doc="Make it even where there is another one.")
    options: tuple[str, ...] = field(default=(), doc="Options for the mkfs program.")


class Mount(Record):
    """A file system on a device: `storage.filesystems[].mount`."""

    create: Create | None = field(default=None, doc="How it is made; options and wipeFilesystem replace it.")
    device: str = field(required="2.0", keep=True, doc="Absolute path of the device.")
    format: str = field(required="2.0", keep=True, doc="ext4, btrfs or xfs; from 2.1 on also swap and vfat.")
    label: str | None = field(default=None, since="2.1", doc="Label of the file system.")
    options: tuple[str, ...] = field(default=(), since="2.1", doc="Options for the mkfs program.")
    uuid: str | None = field(default=None, since="2.1", doc="UUID of the file system.")
    wipe_filesystem: bool = field(since="2.1", doc="Make it anew even where one exists.")


class Filesystem(Record):
    """A file system under a name, by which files refer to it: `storage.filesystems[]`."""

    mount: Mount | None = field(default=None, doc="The device that it is on, and how it is made.")
    name: str = field(doc="The name by which files refer to it.")
    path: str | None = field(default=None, doc="Where it is mounted already; instead of `mount`.")


class Raid(Record):
    """A software RAID: `storage.raid[]`."""

    devices: tuple[str, ...] = field(default=(), doc="Member devices, absolute paths.")
    level: str = field(required="2.0", keep=True, doc="linear, raid0, raid1, raid4, raid5, raid6 or raid10.")
    name: str = field(keep=True, doc="Name of the array.")
    options: tuple[str, ...] = field(default=(), since="2.2", doc="Options for mdadm.")
    spares: int = field(default=0, doc="How many of the devices are spares.")


class Storage(Record):
    """Disks and all that is on them: `storage`."""

    directories: tuple[Directory, ...] = field(default=(), since="2.1", doc="Directories to make.")
    disks: tuple[Disk, ...] = field(default=(), doc="Disks to partition.")
    files: tuple[File, ...] = field(default=(), doc="Files to write.")
    filesystems: tuple[Filesystem, ...] = field(default=(), doc="File systems to make, and names for those there are.")
    links: tuple[Link, ...] = field(default=(), since="2.1", doc="Links to make.")
    raid: tuple[Raid, ...] = field(default=(), doc="RAID arrays to make.")


class Dropin(Record):
    """A drop-in of a unit: `systemd.units[].dropins[]`."""

    contents: str = field(doc="The text of the drop-in.")
    name: str = field(required="2.0", keep=True, doc="File name, ends in .conf.")


class Unit(Record):
    """A systemd unit: `systemd.units[]`."""

    contents: str = field(doc="The text of the unit.")
    dropins: tuple[Dropin, ...] = field(default=(), doc="Drop-ins of the unit.")
    enable: bool = field(doc="Start the unit at boot; enabled replaces it.")
    enabled: bool | None = field(
        default=None, since="2.1", doc="Whether the unit starts at boot, by its [Install] section."
    )
    mask: bool = field(doc="Link the unit to /dev/null.")
    name: str = field(required="2.0", keep=True, doc="Name with its extension, for example web.service.")


class Systemd(Record):
    """Units: `systemd`."""

    units: tuple[Unit, ...] = field(default=(), doc="Units to write, enable or mask.")


class Config(Record):
    """A whole config of Ignition 2."""

    ignition: Ignition = field(factory=Ignition, keep=True, doc="About the config itself.")
    networkd: Networkd = field(factory=Networkd, doc="Files of networkd.")
    passwd: Passwd = field(factory=Passwd, doc="Users and groups.")
    storage: Storage = field(factory=Storage, doc="Disks, file systems, files.")
    systemd: Systemd = field(factory=Systemd, doc="systemd units.")
