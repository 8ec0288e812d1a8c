"""Container Linux Config as records.

What it spells as Ignition 2.3 does are Ignition 2.3's own records (`ignition2`); those here are what differs. A text that
is not a pointer in ct's own types is never None here: an unset one is "". Source: ct 0.9, `config/types`.
"""

from collections.abc import Callable, Iterable

from provision.record import Record, field, make_row
from provision.schema import ignition2
from provision.schema.etcd_options import CT_VERSIONS, Option, ct_options
from provision.schema.fleet_options import ServiceOption, flannel_options

NEWEST_FLANNEL = (0, 7)
TYPES = {"str": str | None, "int": int | None, "bool": bool | None}


class Service(Record):
    """A section with the options of a service."""

    def option(self, key: str) -> str | int | bool | None:
        """The value of one option, None where it is not set."""
        value: str | int | bool | None = getattr(self, key)
        return value


def takes(options: Iterable[Option | ServiceOption]) -> Callable[[type[Record]], type[Record]]:
    """Give a section a row for each option of its service."""

    def complete(cls: type[Record]) -> type[Record]:
        for option in options:
            secret = isinstance(option, ServiceOption) and option.secret
            declared = field(option.key, default=None, doc=option.doc, secret=secret)
            cls.rows[option.key] = make_row(option.key, TYPES[option.kind], dict(declared.options))
            setattr(cls, option.key, None)
        return cls

    return complete


class Hash(Record):
    """The hash that content must have: `verification.hash`."""

    function: str = field(doc="`sha512`.")
    sum: str = field(doc="The hash in hex digits.")


class Verification(Record):
    """How fetched content is checked: `verification`."""

    hash: Hash = field(factory=Hash, doc="The hash that the content must have.")


class Reference(Record):
    """Another config, or a bundle of certificates."""

    source: str = field(secret=True, doc="URL: http, https, tftp, s3, oem or data.")
    verification: Verification = field(factory=Verification, doc="How the content is checked.")


class ConfigReferences(Record):
    """Other configs that this one builds on: `ignition.config`."""

    append: tuple[Reference, ...] = field(default=(), doc="Configs laid over this one, in order.")
    replace: Reference | None = field(default=None, doc="The config that is used instead of this one.")


class Tls(Record):
    """Whom to trust over TLS: `ignition.security.tls`."""

    certificate_authorities: tuple[Reference, ...] = field(
        default=(), doc="PEM bundles to trust beside the system's own."
    )


class Security(Record):
    """`ignition.security`."""

    tls: Tls = field(factory=Tls, doc="TLS settings for fetches.")


class Ignition(Record):
    """What concerns the config itself: `ignition`."""

    config: ConfigReferences = field(factory=ConfigReferences, doc="Other configs to add or to use instead.")
    timeouts: ignition2.Timeouts = field(factory=ignition2.Timeouts, doc="Deadlines for fetches.")
    security: Security = field(factory=Security, doc="Certificates to trust.")


class Partition(Record):
    """One partition of a disk: `storage.disks[].partitions[]`."""

    label: str | None = field(default=None, doc="GPT name.")
    number: int = field(default=0, doc="Number in the table; 0 takes the next free one.")
    size: str = field(doc="Size with its unit, as 512MiB or 1GiB512MiB; by default what is free.")
    start: str = field(doc="Start with its unit; by default the next free place.")
    guid: str = field(doc="Unique id of the partition.")
    type_guid: str = field(
        doc="Type: a GUID, or raid_containing_root, linux_filesystem_data, swap_partition, raid_partition."
    )


class Disk(Record):
    """A disk and its partition table: `storage.disks[]`."""

    device: str = field(required="2.0", doc="Absolute path of the device.")
    wipe_table: bool = field(doc="Start from an empty partition table.")
    partitions: tuple[Partition, ...] = field(default=(), doc="Partitions to make.")


class Remote(Record):
    """Content to fetch: `contents.remote`."""

    url: str = field(secret=True, doc="URL: http, https, tftp, s3, oem or data.")
    compression: str = field(doc="`gzip`, or empty for none.")
    verification: Verification = field(factory=Verification, doc="How the content is checked.")


class FileContents(Record):
    """The content of a file: one of three."""

    remote: Remote = field(factory=Remote, doc="Content that the machine fetches.")
    inline: str = field(doc="The content itself.")
    local: str = field(doc="A file with the content, below the files directory.")


class Node(Record):
    """What files, directories and links have in common."""

    filesystem: str = field(doc="Name of the file system that it is on; `root` by default.")
    path: str = field(required="2.0", doc="Absolute path in its file system.")
    user: ignition2.NodeUser | None = field(default=None, doc="Owner of the entry.")
    group: ignition2.NodeGroup | None = field(default=None, doc="Group of the entry.")
    overwrite: bool | None = field(default=None, doc="Delete what is at the path first; true by default for files.")


class File(Node):
    """A regular file: `storage.files[]`."""

    contents: FileContents = field(factory=FileContents, doc="The content.")
    mode: int | None = field(default=None, ge=0, le=0o7777, doc="Permission bits, 0 to 0o7777; 0644 by default.")
    append: bool = field(doc="Add the content to what is there already.")


class Directory(Node):
    """A directory: `storage.directories[]`."""

    mode: int | None = field(default=None, ge=0, le=0o7777, doc="Permission bits, 0 to 0o7777; 0755 by default.")


class Link(Node):
    """A symbolic or hard link: `storage.links[]`."""

    hard: bool = field(doc="A hard link instead of a symbolic one.")
    target: str = field(doc="What the link points at.")


class Storage(Record):
    """Disks and all that is on them: `storage`."""

    disks: tuple[Disk, ...] = field(default=(), doc="Disks to partition.")
    raid: tuple[ignition2.Raid, ...] = field(default=(), doc="RAID arrays to make.")
    filesystems: tuple[ignition2.Filesystem, ...] = field(
        default=(), doc="File systems to make, and names for those there are."
    )
    files: tuple[File, ...] = field(default=(), doc="Files to write.")
    directories: tuple[Directory, ...] = field(default=(), doc="Directories to make.")
    links: tuple[Link, ...] = field(default=(), doc="Links to make.")


@takes({option.key: option for version in CT_VERSIONS for option in ct_options(version)}.values())
class Etcd(Service):
    """A member of an etcd cluster, or its proxy: `etcd`. Which options there are depends on the version."""

    version: str | None = field(
        default=None, doc="Version of etcd, all three numbers; it decides what options there are."
    )


@takes(flannel_options(NEWEST_FLANNEL))
class Flannel(Service):
    """The network between containers: `flannel`. Which options there are depends on the version."""

    version: str | None = field(default=None, doc="Version of flannel, all three numbers; 0.6 by default.")
    network_config: str = field(doc="JSON that is written to etcd before flannel starts.")


class Docker(Record):
    """The container engine: `docker`."""

    flags: tuple[str, ...] = field(default=(), doc="Flags for the daemon.")


class Update(Record):
    """Where updates come from: `update`."""

    group: str = field(doc="Channel: stable, beta or alpha; or a group of the server.")
    server: str = field(doc="URL of the update server.")


class Locksmith(Service):
    """When a machine reboots into an update: `locksmith`."""

    reboot_strategy: str | None = field(default=None, doc="etcd-lock, reboot or off.")
    window_start: str | None = field(default=None, doc="When reboots may begin: `Sun 4:00` or `23:30`.")
    window_length: str | None = field(default=None, doc="How long they may: `1h30m`.")
    group: str | None = field(default=None, doc="Machines that share one lock.")
    etcd_endpoints: str | None = field(default=None, doc="URLs of etcd, with commas.")
    etcd_cafile: str | None = field(default=None, doc="CA of etcd's certificate.")
    etcd_certfile: str | None = field(default=None, doc="Certificate to show to etcd.")
    etcd_keyfile: str | None = field(default=None, doc="Key of that certificate.")


class ContainerLinuxConfig(Record):
    """A whole Container Linux Config."""

    version: int = field(default=0, doc="0; there was never another.")
    ignition: Ignition = field(factory=Ignition, doc="About the config itself.")
    storage: Storage = field(factory=Storage, doc="Disks, file systems, files.")
    systemd: ignition2.Systemd = field(factory=ignition2.Systemd, doc="systemd units.")
    networkd: ignition2.Networkd = field(factory=ignition2.Networkd, doc="Files of networkd.")
    passwd: ignition2.Passwd = field(factory=ignition2.Passwd, doc="Users and groups.")
    etcd: Etcd | None = field(default=None, doc="Set up etcd-member.service.")
    flannel: Flannel | None = field(default=None, doc="Set up flanneld.service.")
    update: Update | None = field(default=None, doc="Set up the update engine.")
    docker: Docker | None = field(default=None, doc="Set up docker.service.")
    locksmith: Locksmith | None = field(default=None, doc="Set up locksmithd.service.")
