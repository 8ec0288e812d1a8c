"""The Ignition config as records: one row for one key, with the spec that first had it.

The rows stand in the order in which Ignition writes them. Everything that a release of a dialect shows, requires or
forbids is derived from here. Source: Ignition's `config/v3_0` to `config/v3_7_experimental` schemas.
"""

from provision.record import Record, Spec, field, itself, spec
from provision.typed import TypeVar

SPECS: tuple[str, ...] = (
    "3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.4.0", "3.5.0", "3.6.0", "3.7.0-experimental",
)  # fmt: skip
NEWEST: Spec = spec(SPECS[-1])


def full_version(at: Spec) -> str:
    """'3.7.0-experimental' for (3, 7)."""
    return next(version for version in SPECS if spec(version) == at)


class HttpHeader(Record):
    """One header of a request: `httpHeaders[]`."""

    name: str = field(keep=True, doc="Name of the header.")
    value: str | None = field(
        default=None, doc="Value; null takes away the header that a parent config set.", secret=True
    )


class Verification(Record):
    """How fetched content is checked: `verification`."""

    hash: str | None = field(
        default=None, doc="`sha512-<hex>`, from spec 3.1 also `sha256-<hex>`, of the decompressed content."
    )


class Resource(Record):
    """Something to fetch, or a data URL that holds it."""

    compression: str | None = field(default=None, since="3.1", doc="`gzip`, or empty for none.")
    http_headers: tuple[HttpHeader, ...] = field(
        default=(), since="3.1", by=lambda h: h.name, removed_by=lambda h: h.value is None,
        doc="Headers of the request; http and https only.",
    )  # fmt: skip
    source: str | None = field(default=None, secret=True, doc="URL: http, https, tftp, s3, arn, gs or data.")
    verification: Verification = field(factory=Verification, doc="The hash that the content must have.")


class FileContents(Resource):
    """The content of a file. Unlike other resources it could be compressed from the first spec on."""

    compression: str | None = field(default=None, doc="`gzip`, or empty for none.")


class ConfigReference(Resource):
    """Another config. Before 3.1 its source was written even where it is null."""

    source: str | None = field(
        default=None, null_until="3.1", secret=True, doc="URL: http, https, tftp, s3, arn, gs or data."
    )


def source_of(resource: Resource) -> str:
    """A resource's identity in a merge: its URL."""
    return resource.source or ""


class ConfigReferences(Record):
    """Other configs that this one builds on: `ignition.config`."""

    merge: tuple[ConfigReference, ...] = field(default=(), by=source_of, doc="Configs merged over this one, in order.")
    replace: ConfigReference = field(factory=ConfigReference, doc="The config that is used instead of this one.")


class Proxy(Record):
    """Proxies for all fetches: `ignition.proxy`."""

    http_proxy: str | None = field(default=None, doc="Proxy for http URLs, itself an http or https URL.", secret=True)
    https_proxy: str | None = field(default=None, doc="Proxy for https URLs, itself an http or https URL.", secret=True)
    no_proxy: tuple[str, ...] = field(default=(), by=itself, doc="Hosts that are asked directly.")


class Tls(Record):
    """Whom to trust over TLS: `ignition.security.tls`."""

    certificate_authorities: tuple[Resource, ...] = field(
        default=(), by=source_of, doc="PEM bundles to trust beside the system's own."
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

    config: ConfigReferences = field(factory=ConfigReferences, doc="Other configs to merge or to use instead.")
    proxy: Proxy = field(factory=Proxy, since="3.1", doc="Proxies for all fetches.")
    security: Security = field(factory=Security, doc="Certificates to trust.")
    timeouts: Timeouts = field(factory=Timeouts, doc="Deadlines for fetches.")
    version: str = field(keep=True, doc="The spec that the config is written in, for example 3.4.0.")


class KernelArguments(Record):
    """Arguments of the kernel command line: `kernelArguments`."""

    should_exist: tuple[str, ...] = field(
        default=(), by=itself, shares="arguments", doc="Arguments to add where missing."
    )
    should_not_exist: tuple[str, ...] = field(default=(), by=itself, shares="arguments", doc="Arguments to take away.")


class Group(Record):
    """One group of the system: `passwd.groups[]`."""

    gid: int | None = field(default=None, doc="Numeric id.")
    name: str = field(keep=True, doc="Name of the group.")
    password_hash: str | None = field(default=None, secret=True, doc="Hash of the group's password.")
    should_exist: bool | None = field(default=None, since="3.2", doc="false deletes the group.")
    system: bool | None = field(default=None, doc="Whether a new group takes its id from the system range.")


class User(Record):
    """One account: `passwd.users[]`."""

    gecos: str | None = field(default=None, doc="Comment: full name and the like.")
    groups: tuple[str, ...] = field(default=(), by=itself, doc="Supplementary groups.")
    home_dir: str | None = field(default=None, doc="Home directory.")
    name: str = field(keep=True, doc="Login name.")
    no_create_home: bool | None = field(default=None, doc="Do not make the home directory.")
    no_log_init: bool | None = field(default=None, doc="Leave the user out of lastlog and faillog.")
    no_user_group: bool | None = field(default=None, doc="Do not make a group with the user's name.")
    password_hash: str | None = field(default=None, secret=True, doc="Hash of the password, as crypt(3) writes it.")
    primary_group: str | None = field(default=None, doc="Name or id of the primary group.")
    ssh_authorized_keys: tuple[str, ...] = field(default=(), by=itself, doc="Public keys that may log in.")
    shell: str | None = field(default=None, doc="Login shell.")
    should_exist: bool | None = field(default=None, since="3.2", doc="false deletes the user with the home directory.")
    system: bool | None = field(default=None, doc="Whether a new user takes its id from the system range.")
    uid: int | None = field(default=None, doc="Numeric id.")


class Passwd(Record):
    """Users and groups: `passwd`."""

    groups: tuple[Group, ...] = field(default=(), by=lambda g: g.name, doc="Groups to make, change or delete.")
    users: tuple[User, ...] = field(default=(), by=lambda u: u.name, doc="Users to make, change or delete.")


class NodeUser(Record):
    """The owner of a file, directory or link."""

    id: int | None = field(default=None, doc="Numeric user id.")
    name: str | None = field(default=None, doc="User name, looked up on the machine.")


class NodeGroup(Record):
    """The group of a file, directory or link."""

    id: int | None = field(default=None, doc="Numeric group id.")
    name: str | None = field(default=None, doc="Group name, looked up on the machine.")


class Node(Record):
    """What files, directories and links have in common."""

    group: NodeGroup = field(factory=NodeGroup, doc="Group of the entry.")
    overwrite: bool | None = field(default=None, doc="Delete what is at the path first.")
    path: str = field(required="3.0", keep=True, doc="Absolute path on the machine.")
    user: NodeUser = field(factory=NodeUser, doc="Owner of the entry.")


class File(Node):
    """A regular file: `storage.files[]`."""

    append: tuple[FileContents, ...] = field(default=(), doc="Pieces to append, in order.")
    contents: FileContents = field(factory=FileContents, doc="The content.")
    mode: int | None = field(
        default=None, ge=0, le=0o7777, doc="Permission bits, 0 to 0o7777; a new file has 0644 by default."
    )


class Directory(Node):
    """A directory: `storage.directories[]`."""

    mode: int | None = field(default=None, ge=0, le=0o7777, doc="Permission bits, 0 to 0o7777; 0755 by default.")


class Link(Node):
    """A symbolic or hard link: `storage.links[]`."""

    hard: bool | None = field(default=None, doc="A hard link instead of a symbolic one.")
    target: str | None = field(default=None, plain_until="3.3", doc="What the link points at.")


class Partition(Record):
    """One partition of a disk: `storage.disks[].partitions[]`."""

    guid: str | None = field(default=None, doc="Unique id of the partition.")
    label: str | None = field(default=None, doc="GPT name.")
    number: int = field(default=0, doc="Number in the table; 0 takes the next free one.")
    resize: bool | None = field(default=None, since="3.2", doc="Grow a partition that matches in all but its size.")
    should_exist: bool | None = field(default=None, doc="false deletes the partition.")
    size_mib: int | None = field("sizeMiB", default=None, unit="MiB", doc="Size; 0 fills the free space.")
    start_mib: int | None = field("startMiB", default=None, unit="MiB", doc="Start; 0 takes the largest free space.")
    type_guid: str | None = field(default=None, doc="Type of the partition; a Linux file system by default.")
    wipe_partition_entry: bool | None = field(
        default=None, doc="Replace a partition that does not match instead of failing."
    )


def partition_key(partition: Partition) -> str:
    """A partition's identity: its number, else its label."""
    return (
        f"number:{partition.number}"
        if partition.number
        else ""
        if partition.label is None
        else f"label:{partition.label}"
    )


class Disk(Record):
    """A disk and its partition table: `storage.disks[]`."""

    device: str = field(required="3.0", keep=True, doc="Absolute path of the device.")
    partitions: tuple[Partition, ...] = field(default=(), by=partition_key, doc="Partitions and their state.")
    wipe_table: bool | None = field(default=None, doc="Start from an empty partition table.")


class Filesystem(Record):
    """A file system: `storage.filesystems[]`."""

    device: str = field(required="3.0", keep=True, doc="Absolute path of the device.")
    format: str | None = field(default=None, doc="ext4, btrfs, xfs, vfat, swap; none from spec 3.3, virtiofs from 3.7.")
    label: str | None = field(default=None, doc="Label of the file system.")
    mount_options: tuple[str, ...] = field(default=(), since="3.1", doc="Options for mount(8).")
    options: tuple[str, ...] = field(default=(), doc="Options for the mkfs program.")
    path: str | None = field(default=None, doc="Where it is mounted while files are written.")
    uuid: str | None = field(default=None, doc="UUID of the file system.")
    wipe_filesystem: bool | None = field(default=None, doc="Make it anew even where one exists.")


class Raid(Record):
    """A software RAID: `storage.raid[]`."""

    devices: tuple[str, ...] = field(default=(), by=itself, doc="Member devices, absolute paths.")
    level: str | None = field(
        default=None, plain_until="3.3", required="3.3", doc="linear, raid0, raid1, raid4, raid5, raid6 or raid10."
    )
    name: str = field(keep=True, doc="Name of the array.")
    options: tuple[str, ...] = field(default=(), doc="Options for mdadm.")
    spares: int | None = field(default=None, doc="How many of the devices are spares.")


class Tang(Record):
    """A Tang server: `storage.luks[].clevis.tang[]`."""

    advertisement: str | None = field(
        default=None, since="3.4", doc="The server's advertisement (JSON), so that it need not be asked."
    )
    thumbprint: str | None = field(default=None, required="3.2", doc="Thumbprint of the server's key.")
    url: str = field(default="", doc="URL of the server.")


class ClevisCustom(Record):
    """A Clevis pin with a config of one's own: `storage.luks[].clevis.custom`."""

    config: str | None = field(default=None, plain_until="3.3", doc="JSON for the pin.")
    needs_network: bool | None = field(default=None, doc="Whether unlocking needs the network.")
    pin: str | None = field(default=None, plain_until="3.3", doc="tpm2, tang or sss; any name from spec 3.6.")


class Clevis(Record):
    """How Clevis binds a volume: `storage.luks[].clevis`."""

    custom: ClevisCustom | None = field(default=None, plain_until="3.3", doc="A pin with a config of one's own.")
    tang: tuple[Tang, ...] = field(default=(), by=lambda t: t.url, doc="Tang servers.")
    threshold: int | None = field(default=None, doc="How many of the pins unlock the volume; 1 by default.")
    tpm2: bool | None = field(default=None, doc="Bind to the machine's TPM 2.")


class Cex(Record):
    """Crypto Express on IBM Z: `storage.luks[].cex`."""

    enabled: bool | None = field(default=None, doc="Keep the volume key in the CEX card.")


class Luks(Record):
    """An encrypted volume: `storage.luks[]`."""

    cex: Cex = field(factory=Cex, since="3.5", doc="Crypto Express on IBM Z.")
    clevis: Clevis | None = field(default=None, plain_until="3.3", doc="Unlocking by Tang, TPM2 or another Clevis pin.")
    device: str | None = field(default=None, required="3.2", doc="Absolute path of the device.")
    discard: bool | None = field(default=None, since="3.4", doc="Pass discards through; shows which blocks are free.")
    key_file: Resource = field(factory=Resource, doc="The key; a random one is made where nothing is given.")
    label: str | None = field(default=None, doc="Label in the LUKS header.")
    name: str = field(keep=True, doc="Name of the opened device.")
    open_options: tuple[str, ...] = field(default=(), by=itself, since="3.4", doc="Options for cryptsetup luksOpen.")
    options: tuple[str, ...] = field(default=(), doc="Options for cryptsetup luksFormat.")
    uuid: str | None = field(default=None, doc="UUID in the LUKS header.")
    wipe_volume: bool | None = field(default=None, doc="Make it anew even where one exists.")


class Storage(Record):
    """Disks and all that is on them: `storage`."""

    directories: tuple[Directory, ...] = field(
        default=(), by=lambda n: n.path, shares="paths", doc="Directories to make."
    )
    disks: tuple[Disk, ...] = field(default=(), by=lambda d: d.device, doc="Disks to partition.")
    files: tuple[File, ...] = field(default=(), by=lambda n: n.path, shares="paths", doc="Files to write.")
    filesystems: tuple[Filesystem, ...] = field(default=(), by=lambda f: f.device, doc="File systems to make.")
    links: tuple[Link, ...] = field(default=(), by=lambda n: n.path, shares="paths", doc="Links to make.")
    luks: tuple[Luks, ...] = field(default=(), by=lambda v: v.name, since="3.2", doc="Encrypted volumes to make.")
    raid: tuple[Raid, ...] = field(default=(), by=lambda r: r.name, doc="RAID arrays to make.")


class Dropin(Record):
    """A drop-in of a unit: `systemd.units[].dropins[]`."""

    contents: str | None = field(default=None, doc="The text of the drop-in.")
    name: str = field(keep=True, doc="File name, ends in .conf.")


class Unit(Record):
    """A systemd unit: `systemd.units[]`."""

    contents: str | None = field(default=None, doc="The text of the unit.")
    dropins: tuple[Dropin, ...] = field(default=(), by=lambda d: d.name, doc="Drop-ins of the unit.")
    enabled: bool | None = field(default=None, doc="Whether the unit starts at boot, by its [Install] section.")
    mask: bool | None = field(default=None, doc="Link the unit to /dev/null; false takes such a link away.")
    name: str = field(required="3.0", keep=True, doc="Name with its extension, for example web.service.")


class Systemd(Record):
    """Units: `systemd`."""

    units: tuple[Unit, ...] = field(default=(), by=lambda u: u.name, doc="Units to write, enable or mask.")


class Config(Record):
    """A whole Ignition config: the waist that every dialect comes down to and that the applier starts from."""

    ignition: Ignition = field(factory=Ignition, keep=True, doc="About the config itself.")
    kernel_arguments: KernelArguments = field(factory=KernelArguments, since="3.3", doc="Kernel command line.")
    passwd: Passwd = field(factory=Passwd, doc="Users and groups.")
    storage: Storage = field(factory=Storage, doc="Disks, file systems, files.")
    systemd: Systemd = field(factory=Systemd, doc="systemd units.")


HasMode = TypeVar("HasMode", File, Directory)


def upgrade(config: Config, since: Spec) -> Config:
    """A config of the spec `since` with the same meaning in the newest spec.

    Only 3.6 changed what an old value means: before it, setuid, setgid and sticky bits had no effect and are taken away.
    Source: Ignition, `config/v3_6/translate`. The other steps change spelling, which `decode` reads alike.
    """
    storage = config.storage
    if since < (3, 6):
        storage = storage.changed(
            files=tuple(map(without_special_bits, storage.files)),
            directories=tuple(map(without_special_bits, storage.directories)),
        )
    return config.changed(ignition=config.ignition.changed(version=full_version(NEWEST)), storage=storage)


def without_special_bits(node: HasMode) -> HasMode:
    """The node with its mode cut down to the permission bits."""
    return node if node.mode is None or 0 <= node.mode <= 0o777 else node.changed(mode=node.mode & 0o777)
