"""`boot_device`: a boot disk that is mirrored, encrypted, or both."""

import re
from collections.abc import Iterator

from provision.diagnostics import Severity
from provision.ignition import (
    Cex,
    Clevis,
    Config,
    Disk,
    Filesystem,
    Luks,
    Partition,
    Raid,
    Storage,
    Tang,
)
from provision.record import Record, field, merge
from provision.schema.dialects import extend
from provision.schema.rules import Finding
from provision.transpile.author import Author
from provision.transpile.source_rules import source_rule
from provision.versions import Release


class BootMirror(Record):
    """The disks of a mirrored boot disk: `boot_device.mirror`."""

    devices: tuple[str, ...] = field(default=(), doc="Two or more disks, which are wiped.")


class BootLuks(Record):
    """How the root file system is encrypted: `boot_device.luks`."""

    tang: tuple[Tang, ...] = field(default=(), doc="Tang servers that unlock it.")
    tpm2: bool | None = field(default=None, doc="Unlock it with the machine's TPM 2.")
    threshold: int | None = field(default=None, doc="How many of the servers and the TPM are needed; 1 by default.")
    discard: bool | None = field(default=None, since="3.4", doc="Pass discards through; shows which blocks are free.")
    device: str | None = field(default=None, since="3.5", doc="The disk, for the s390x layouts eckd and zfcp.")
    cex: Cex = field(factory=Cex, since="3.5", doc="Crypto Express on IBM Z.")

    @property
    def wanted(self) -> bool:
        """Whether anything is said about how to unlock it."""
        return bool(self.tpm2 or self.tang or self.cex.enabled)


class BootDevice(Record):
    """The disk that the machine boots from: `boot_device`."""

    layout: str | None = field(
        default=None, doc="x86_64, aarch64 or ppc64le; s390x-eckd, -zfcp and -virt from spec 3.5."
    )
    luks: BootLuks = field(factory=BootLuks, doc="Encryption of the root file system.")
    mirror: BootMirror = field(factory=BootMirror, doc="Mirroring of the boot disk.")


extend(
    Config, "boot_device", BootDevice, factory=BootDevice, variants={"fcos": "1.3.0", "openshift": "4.8.0"},
    doc="The disk that the machine boots from.",
)  # fmt: skip

BIOS, ESP = "21686148-6449-6E6F-744E-656564454649", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
RESERVED, PREP = "8DA63339-0007-60C0-C436-083AC8230908", "9E1A2D38-C612-4316-AA26-8B49521E5A8B"
BOOT_MIB = 384
ESP_MIB = 127


class FirstPartitions(tuple[tuple[str, int, str], ...]):
    """The partitions before boot and root: name, MiB, type GUID."""


# Source: the disk layouts of Fedora CoreOS images, by architecture.
LAYOUTS: dict[str, FirstPartitions] = {
    "x86_64": FirstPartitions((("bios", 1, BIOS), ("esp", ESP_MIB, ESP))),
    "aarch64": FirstPartitions((("reserved", 1, RESERVED), ("esp", ESP_MIB, ESP))),
    "ppc64le": FirstPartitions((("prep", 4, PREP), ("reserved", 1, RESERVED))),
}
S390X = ("s390x-eckd", "s390x-virt", "s390x-zfcp")
# The partition of the root file system on s390x disks, by layout.
S390X_ROOT = {"s390x-eckd": "2", "s390x-zfcp": "4"}
S390X_DISK = {"s390x-eckd": "/dev/dasd", "s390x-zfcp": "/dev/sd"}


def layouts(release: Release) -> tuple[str, ...]:
    """The layouts that a release knows."""
    return (*LAYOUTS, *(S390X if release.spec >= (3, 5) else ()))


@source_rule("PV650", "error", on=BootLuks, since="3.6")
def boot_luks_can_be_unlocked(luks: BootLuks) -> Iterator[Finding]:
    """An encrypted boot device names how it is unlocked: Tang, TPM 2 or CEX.

    Bad:
        variant: fcos
        version: 1.7.0
        boot_device:
          layout: s390x-eckd
          luks:
            device: /dev/dasda

    Good:
        variant: fcos
        version: 1.7.0
        boot_device:
          layout: s390x-eckd
          luks:
            device: /dev/dasda
            tpm2: true
    """
    if luks.device and not luks.tpm2 and not luks.cex.enabled and all(tang.empty() for tang in luks.tang):
        yield Finding(
            "device", f"{luks.device} is to be encrypted, and nothing says how it is unlocked", "add tpm2, tang or cex"
        )


@source_rule("PV651", "error", on=BootDevice)
def mirror_names_layout(device: BootDevice, release: Release) -> Iterator[Finding]:
    """A mirrored boot device names its layout.

    Before fcos 1.7.0 and openshift 4.23.0 it is x86_64 by default, and leaving it out is a warning.

    Bad:
        variant: fcos
        version: 1.7.0
        boot_device:
          mirror:
            devices: [/dev/vda, /dev/vdb]

    Good:
        variant: fcos
        version: 1.7.0
        boot_device:
          layout: x86_64
          mirror:
            devices: [/dev/vda, /dev/vdb]
    """
    if device.mirror.devices and device.layout is None:
        severity: Severity = "error" if release.spec >= (3, 6) else "warning"
        known = ", ".join(LAYOUTS)
        yield Finding(
            "mirror", "a mirrored boot device needs `boot_device.layout`", f"add one of {known}", severity=severity
        )


@source_rule("PV652", "error", on=BootDevice)
def layout_is_known(device: BootDevice, release: Release) -> Iterator[Finding]:
    """The layout is one that the release knows.

    Bad:
        boot_device:
          layout: riscv64

    Good:
        boot_device:
          layout: ppc64le
    """
    if device.layout is not None and device.layout not in layouts(release):
        yield Finding(
            "layout",
            f"`{device.layout}` is no layout that {release.name} knows",
            f"use one of {', '.join(layouts(release))}",
        )


@source_rule("PV653", "error", on=BootDevice, since="3.5")
def s390x_layout_names_its_disk(device: BootDevice) -> Iterator[Finding]:
    """The layouts s390x-eckd and s390x-zfcp name the disk: /dev/dasda and the like, /dev/sda and the like.

    Bad:
        boot_device:
          layout: s390x-eckd
          luks:
            device: /dev/sda
            tpm2: true

    Good:
        boot_device:
          layout: s390x-zfcp
          luks:
            device: /dev/sda
            tpm2: true
    """
    prefix = S390X_DISK.get(device.layout or "")
    if prefix and not re.search(f"{prefix}[a-z]$", device.luks.device or ""):
        have = f"luks.device is {device.luks.device}" if device.luks.device else "luks.device is not set"
        yield Finding("layout", f"{device.layout} needs a disk {prefix}a to {prefix}z; {have}")


@source_rule("PV654", "error", on=BootDevice, since="3.5")
def s390x_is_not_mirrored(device: BootDevice) -> Iterator[Finding]:
    """A boot disk on s390x can't be mirrored.

    Bad:
        boot_device:
          layout: s390x-virt
          mirror:
            devices: [/dev/vda, /dev/vdb]

    Good:
        boot_device:
          layout: aarch64
          mirror:
            devices: [/dev/vda, /dev/vdb]
    """
    if (device.layout or "").startswith("s390x") and device.mirror.devices:
        yield Finding("layout", f"a boot disk can't be mirrored with the layout {device.layout}")


@source_rule("PV655", "error", on=BootDevice, since="3.5")
def cex_is_for_s390x(device: BootDevice) -> Iterator[Finding]:
    """CEX is for the s390x layouts.

    Bad:
        boot_device:
          layout: x86_64
          luks:
            cex:
              enabled: true

    Good:
        boot_device:
          layout: s390x-virt
          luks:
            cex:
              enabled: true
    """
    if not device.luks.cex.enabled:
        return
    if device.layout is None:
        yield Finding(
            "cex", "cex needs an s390x layout; none is set", f"set layout to one of {', '.join(S390X)}", on=device.luks
        )
    elif not device.layout.startswith("s390x"):
        yield Finding("layout", f"cex needs an s390x layout, not {device.layout}", f"use one of {', '.join(S390X)}")


@source_rule("PV656", "error", on=BootDevice, since="3.5")
def boot_cex_stands_alone(device: BootDevice) -> Iterator[Finding]:
    """CEX is used instead of Tang and TPM 2, not beside them.

    Bad:
        boot_device:
          layout: s390x-virt
          luks:
            tpm2: true
            cex:
              enabled: true

    Good:
        boot_device:
          layout: s390x-virt
          luks:
            tpm2: false
            cex:
              enabled: true
    """
    if device.luks.cex.enabled and (device.luks.tang or device.luks.tpm2):
        yield Finding("luks", "cex can't be combined with tang or tpm2")


@source_rule("PV657", "error", on=BootMirror)
def mirror_has_two_devices(mirror: BootMirror) -> Iterator[Finding]:
    """A mirror has at least two devices.

    Bad:
        boot_device:
          layout: x86_64
          mirror:
            devices: [/dev/vda]

    Good:
        boot_device:
          layout: x86_64
          mirror:
            devices: [/dev/vda, /dev/vdb]
    """
    if len(mirror.devices) == 1:
        yield Finding("devices", "a mirror of one device; it needs at least two")


def expand(config: Config, author: Author) -> Config:
    """Lay the author's storage over the disks, arrays and file systems that the section stands for."""
    device: BootDevice | None = config.extra("boot_device")
    if device is None or device.broken or (device.layout or "x86_64") not in layouts(author.release):
        return config
    mirrored = bool(device.mirror.devices)
    if not device.luks.wanted and not mirrored:
        return config
    if device.luks.wanted and device.layout in S390X_ROOT and not device.luks.device:
        return config  # PV653 has said so
    disks, filesystems, raids = mirror(device, author) if mirrored else ((), (), ())
    luks = encrypted(device, mirrored, author) if device.luks.wanted else ()
    root = Filesystem(
        device="/dev/mapper/root" if luks else "/dev/md/md-root", format="xfs", label="root", wipe_filesystem=True
    ).at(device.origin)
    sugar = Storage(disks=disks, filesystems=(*filesystems, root), luks=luks, raid=raids).at(device.origin)
    return config.changed(storage=merge(sugar, config.storage))


Mirrored = tuple[tuple[Disk, ...], tuple[Filesystem, ...], tuple[Raid, ...]]


def mirror(device: BootDevice, author: Author) -> Mirrored:
    """The disks of a mirror with the file systems and arrays on them, but for the root's."""
    section = device.mirror.origin
    first = LAYOUTS.get(device.layout or "x86_64", FirstPartitions())
    disks, filesystems = [], []
    for i, name in enumerate(device.mirror.devices, 1):
        place = author.place(device.mirror, "devices", i - 1)
        partitions = (
            *(Partition(label=f"{label}-{i}", size_mib=size, type_guid=kind).at(place) for label, size, kind in first),
            Partition(label=f"boot-{i}", size_mib=BOOT_MIB).at(place),
            Partition(label=f"root-{i}").at(place),
        )
        disks.append(Disk(device=name, wipe_table=True, partitions=partitions).at(place))
        if any(label == "esp" for label, _, _ in first):
            esp = f"esp-{i}"
            filesystems.append(
                Filesystem(device=f"/dev/disk/by-partlabel/{esp}", format="vfat", label=esp, wipe_filesystem=True).at(
                    place
                )
            )
    boot = Filesystem(device="/dev/md/md-boot", format="ext4", label="boot", wipe_filesystem=True).at(section)

    def array(name: str, *options: str) -> Raid:
        members = tuple(f"/dev/disk/by-partlabel/{name}-{i + 1}" for i in range(len(disks)))
        return Raid(name=f"md-{name}", level="raid1", devices=members, options=options).at(section)

    # The metadata of the boot array goes to the end, where a BIOS boot loader doesn't mind it.
    return tuple(disks), (*filesystems, boot), (array("boot", "--metadata=1.0"), array("root"))


def encrypted(device: BootDevice, mirrored: bool, author: Author) -> tuple[Luks, ...]:
    """The volume of an encrypted root file system."""
    luks = device.luks
    if device.layout in S390X_ROOT:
        below = f"{luks.device}{S390X_ROOT[device.layout]}"
    else:
        below = "/dev/md/md-root" if mirrored else "/dev/disk/by-partlabel/root"
    if luks.cex.enabled:
        how = Luks(name="root", cex=luks.cex)
    else:
        clevis = Clevis(tang=luks.tang, threshold=luks.threshold, tpm2=luks.tpm2)
        how = Luks(name="root", clevis=clevis.at(luks.origin))
    volume = how.changed(device=below, label="luks-root", wipe_volume=True, discard=luks.discard)
    return (volume.at(luks.origin),)
