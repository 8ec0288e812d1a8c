"""cloud-init's keys for files, disks, mounts and swap. Source: cloud-init 25, modules write_files, disk_setup, mounts."""

from provision.record import Record, field


class FileSource(Record):
    """Where a file's content is fetched from: `write_files[].source`."""

    uri: str = field(required="1.0", secret=True, doc="URL of the content.")
    headers: dict[str, str] | None = field(default=None, secret=True, doc="Headers of the request.")


class FileEntry(Record):
    """A file to write: `write_files[]`."""

    path: str = field(required="1.0", doc="Absolute path.")
    content: str | None = field(default=None, secret=True, doc="The content, in the encoding that `encoding` names.")
    source: FileSource | None = field(default=None, doc="Where the content is fetched from, instead of `content`.")
    owner: str | None = field(default=None, doc="`user:group`; root:root by default.")
    permissions: str | None = field(
        default=None, doc="Mode: octal digits in quotes, as '0644'; a number without quotes is decimal."
    )
    encoding: str | None = field(default=None, doc="gzip, base64, gzip+base64 or text/plain.")
    append: bool | None = field(default=None, doc="Append to what is there instead of replacing it.")
    defer: bool | None = field(default=None, doc="Write it late, when users exist and packages are installed.")


class FilesystemEntry(Record):
    """A file system to make: `fs_setup[]`."""

    label: str | None = field(default=None, doc="Label of the file system.")
    filesystem: str | None = field(default=None, doc="Type: ext4, xfs and so on.")
    device: str | None = field(default=None, doc="Path of the device, or of the disk that `partition` counts on.")
    partition: str | None = field(default=None, doc="Number of the partition, or auto, any, none.")
    overwrite: bool | None = field(default=None, doc="Make it anew even where one exists.")
    replace_fs: str | None = field(default=None, doc="Replace only a file system of this type.")
    extra_opts: tuple[str, ...] = field(default=(), alone=True, doc="More options for mkfs.")
    cmd: tuple[str, ...] = field(default=(), alone=True, doc="A command of one's own instead of mkfs.")


class Swap(Record):
    """A swap file: `swap`."""

    filename: str | None = field(default=None, doc="Path of the file; /swap.img by default.")
    size: str | None = field(default=None, doc="Bytes, a number with B, K, M, G or T, or auto.")
    maxsize: str | None = field(default=None, doc="What an automatic size does not exceed.")


class Growpart(Record):
    """Partitions that grow: `growpart`."""

    mode: str | None = field(default=None, doc="auto, growpart, gpart, or off.")
    devices: tuple[str, ...] = field(default=(), doc="Mount points or devices; / by default.")
    ignore_growroot_disabled: bool | None = field(default=None, doc="Grow even where /etc/growroot-disabled exists.")
