"""Names of devices. Source: cloud-init 25, modules mounts and disk_setup, `util.expand_dotted_devname`."""

import re

from provision.transpile.cloud_init.build import Build

# Names that the platform's metadata stand for.
METADATA = re.compile(r"(?:ami|root|swap|(?:ephemeral|ebs)[0-9]*)(?:\.[0-9]+)?")
SHORT = re.compile(r"(?:x?[shv]d[a-z][0-9]*|sr[0-9]+|nvme[0-9]+n[0-9]+(?:p[0-9]+)?|mmcblk[0-9]+(?:p[0-9]+)?)")
DOTTED = re.compile(r"(.+)\.([0-9]+)")
TAGS = {"UUID": "by-uuid", "LABEL": "by-label", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel", "ID": "by-id"}
ODD = re.compile(r"[\x00-\x7f](?<![A-Za-z0-9#+.:=@_-])")
LINKS = re.compile(r"/dev/disk/by-(?!part)[a-z]+/")


def device(name: str, place: object, build: Build) -> tuple[str, str | None] | None:
    """The path of a device and the partition that a dotted name asks for; None, and an error, where nobody knows it."""
    aliases = build.root.device_aliases or {}
    whole = name.startswith("/dev/disk/") or name.partition("=")[0] in TAGS
    dotted = None if whole else DOTTED.fullmatch(name)
    base, partition = (dotted[1], dotted[2]) if dotted else (name, None)
    path = aliases.get(name) or aliases.get(base) or base
    if aliases.get(name):
        partition = None
    if path.startswith("/dev/"):
        return path, partition
    tag, equals, value = path.partition("=")
    if equals and tag in TAGS and value:
        return f"/dev/disk/{TAGS[tag]}/{as_link(value.strip(chr(34)))}", partition
    if SHORT.fullmatch(path):
        return f"/dev/{path}", partition
    if METADATA.fullmatch(path):
        said = f"what device `{name}` is, only the platform's metadata tells"
        hint = "name the device by its path, or give it a name in `device_aliases`"
        build.shapes.complain(place, "PV732", "error", said, hint)
    else:
        build.shapes.complain(place, "PV738", "error", f"`{name}` is no path of a device", "for example /dev/vdb")
    return None


def as_link(name: str) -> str:
    """A label as udev spells it in the name of a link. Source: systemd, `encode_devnode_name`."""
    return ODD.sub(lambda found: f"\\x{ord(found[0]):02x}", name)


def partition_path(disk: str, number: str) -> str:
    """The path of a disk's partition."""
    if LINKS.match(disk):
        return f"{disk}-part{number}"
    return f"{disk}p{number}" if disk[-1:].isdigit() else f"{disk}{number}"
