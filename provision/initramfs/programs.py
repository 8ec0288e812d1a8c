"""The programs that the initramfs has beside the agent: all that the applier may call, as far as the system has them."""

from collections.abc import Iterator

from provision.apply.programs import ACCOUNT_PROGRAMS, PROGRAMS
from provision.initramfs.kinds import has
from provision.typed import NamedTuple

FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin")
CLEVIS = ("clevis", "clevis-luks")


class Program(NamedTuple):
    """A program, the packages of Debian that have it, and what a config cannot do without it; empty for what is special."""

    name: str
    packages: tuple[str, ...]
    serves: str = ""


# Of what is special to a kind of machine, or comes from the distribution itself, nobody is told that it is missing.
ROWS = (
    *(Program(name, ("passwd",), "users and groups") for name in ACCOUNT_PROGRAMS),
    Program("sgdisk", ("gdisk",), "partitions"),
    Program("partx", ("util-linux",), "partitions"),
    Program("udevadm", ("udev",), "all devices"),
    Program("blkid", ("util-linux",), "all devices"),
    Program("dmsetup", ("dmsetup",), "partitions of device-mapper's disks"),
    Program("losetup", ("mount",)),
    Program("blockdev", ("util-linux",)),
    Program("wipefs", ("util-linux",), "file systems"),
    Program("mkfs.ext4", ("e2fsprogs",), "ext4"),
    Program("mkfs.btrfs", ("btrfs-progs",), "btrfs"),
    Program("mkfs.xfs", ("xfsprogs",), "xfs"),
    Program("mkfs.vfat", ("dosfstools",), "vfat"),
    Program("fsck.fat", ("dosfstools",), "vfat"),
    Program("mkswap", ("util-linux",), "swap"),
    Program("mdadm", ("mdadm",), "RAID"),
    Program("cryptsetup", ("cryptsetup-bin",), "encrypted volumes"),
    Program("clevis", CLEVIS, "volumes that Tang or a TPM unlocks"),
    Program("mount", ("mount",), "file systems"),
    Program("umount", ("mount",), "file systems"),
    Program("modprobe", ("kmod",), "kernel modules"),
    Program("setfiles", ("policycoreutils",)),
    Program("ignition-kargs-helper", ()),
    Program("is-live-image", ()),
    Program("zkey", ("s390-tools",)),
    Program("zkey-cryptsetup", ("s390-tools",)),
    Program("vmur", ("s390-tools",)),
    Program("chccwdev", ("s390-tools",)),
    Program("cio_ignore", ("s390-tools",)),
    Program("vmware-rpctool", ("open-vm-tools",)),
)
# The applier itself calls it nowhere in an initramfs.
LEFT_OUT = ("systemctl",)
# Those without which hardly a config can be carried out; the hooks warn of them each time.
NEEDED = (
    *ACCOUNT_PROGRAMS,
    "blkid",
    "mkfs.ext4",
    "mkswap",
    "modprobe",
    "mount",
    "partx",
    "sgdisk",
    "udevadm",
    "umount",
    "wipefs",
)

# What `clevis` is made of: scripts that bind and unlock, and what they call. Source: latchset/clevis, src.
CLEVIS_PARTS = (
    "bash", "clevis-decrypt", "clevis-decrypt-null", "clevis-decrypt-sss", "clevis-decrypt-tang", "clevis-decrypt-tpm2",
    "clevis-encrypt-null", "clevis-encrypt-sss", "clevis-encrypt-tang", "clevis-encrypt-tpm2", "clevis-luks-bind",
    "clevis-luks-common-functions", "clevis-luks-unlock", "cut", "curl", "grep", "head", "jose", "luksmeta", "mktemp",
    "pwmake", "sed", "sha256sum", "sort", "tail", "tpm2_create", "tpm2_createprimary", "tpm2_flushcontext", "tpm2_getcap",
    "tpm2_load", "tpm2_pcrlist", "tpm2_pcrread", "tpm2_policypcr", "tpm2_unseal", "tr",
)  # fmt: skip
HEAD = """\
# What the initramfs gets beside the agent, for the hooks of provision; a minus before what need not be there.
# Written by `provision initramfs install`.
"""


def listed() -> str:
    """The list that the hooks read."""
    names = [name for name in PROGRAMS if name not in LEFT_OUT]
    return HEAD + "".join(f"{name if name in NEEDED else f'-{name}'}\n" for name in names)


def listed_for_clevis() -> str:
    """The list that the hooks read where there is clevis."""
    return HEAD + "".join(f"-{name}\n" for name in CLEVIS_PARTS)


def missing_from(root: str) -> Iterator[Program]:
    """The programs that people should know a root lacks."""
    for program in ROWS:
        if program.serves and not any(has(root, f"{folder}/{program.name}") for folder in FOLDERS):
            yield program
