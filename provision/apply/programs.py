"""Every path and program name that a distribution may want to change, and the variables that change them.

Pure: the environment is handed in. An empty variable counts as unset.
"""

from collections.abc import Mapping

from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

UNIT_DIRECTORY = "/etc/systemd/system"
PRESET_PATH = "/etc/systemd/system-preset/20-ignition.preset"
MASKED = "/dev/null"

PASSWD, GROUP, SHADOW, GSHADOW = "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"

# Where useradd puts a home directory that the config does not name.
HOMES = "/home"

# Below the home directory. The fragment is read by a sshd that is set up for it (Fedora CoreOS, Flatcar).
KEYS_FRAGMENT = ".ssh/authorized_keys.d/ignition"
KEYS_FILE = ".ssh/authorized_keys"
FRAGMENT_VARIABLE = "IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT"
SWITCHES = {"": True, "true": True, "1": True, "false": False, "0": False}

# The programs for users and groups. chpasswd and chgpasswd read hashes from their input, so that those never stand in a
# command line, which every process may read.
ACCOUNT_PROGRAMS = (
    "useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel", "chpasswd", "chgpasswd",
)  # fmt: skip

# All that is ever called. PROVISION_<NAME>, in capitals and with _ for other signs, names another one: PROVISION_MKFS_XFS.
PROGRAMS = (
    *ACCOUNT_PROGRAMS,
    "sgdisk", "partx", "udevadm", "blkid", "dmsetup", "losetup", "blockdev",
    "wipefs", "mkfs.ext4", "mkfs.btrfs", "mkfs.xfs", "mkfs.vfat", "mkswap",
    "mdadm", "cryptsetup", "clevis", "zkey", "zkey-cryptsetup",
    "mount", "umount", "fsck.fat", "setfiles", "modprobe", "systemctl",
    "ignition-kargs-helper", "is-live-image",
    "vmur", "chccwdev", "cio_ignore", "vmware-rpctool",
)  # fmt: skip

# Where the programs are on every distribution, though a user's own PATH may leave them out.
SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")

# Where zkey keeps its keys, here and in the root, and where the passphrase for volumes with such keys is expected.
ZKEY_REPOSITORY = "/etc/zkey/repository"
CEX_KEY = "/etc/luks/cex.key"

# What else a distribution may set: the variable, and what holds without it.
SETTINGS = {
    # How a user's password is set: `chpasswd` reads it from its input, `usermod` has it as an argument (for stubs).
    "PROVISION_PASSWORD_PROGRAM": "chpasswd",
    # Whether files are given their SELinux labels: auto (where the root has an SELinux configuration), true, false.
    "PROVISION_SELINUX_RELABEL": "auto",
    "PROVISION_LUKS_KEY_DIR": "/etc/luks",
    "PROVISION_RESULT_FILE": "/etc/.ignition-result.json",
    # How long a device may take to appear, in seconds; systemd's own limit for devices.
    "PROVISION_DEVICE_TIMEOUT": "90",
}


def secure_key_name(volume: str, ending: str) -> str:
    """The file of a volume in zkey's repository: `ending` is info or skey. Source: zkey(1)."""
    return f"{ZKEY_REPOSITORY}/ignition-luks-{volume}.{ending}"


class Ended(NamedTuple):
    """How a program ended: its status, and what it printed."""

    status: int
    stdout: bytes


def variable(name: str) -> str:
    """The variable that names another program: PROVISION_MKFS_XFS for mkfs.xfs."""
    return "PROVISION_" + "".join(char if char.isalnum() else "_" for char in name).upper()


def program(name: str, environ: Mapping[str, str]) -> str:
    """What to call for one of PROGRAMS: a name for PATH, or a path."""
    if name not in PROGRAMS:
        raise ValueError(f"{name} is not in programs.PROGRAMS")
    return environ.get(variable(name)) or name


def setting(name: str, environ: Mapping[str, str]) -> str:
    """The value of one of SETTINGS."""
    return environ.get(name) or SETTINGS[name]


def search_path(environ: Mapping[str, str]) -> str:
    """PATH with the system's folders behind it."""
    return ":".join(filter(None, (environ.get("PATH", "/usr/bin:/bin"), *SYSTEM_FOLDERS)))


def keys_file(environ: Mapping[str, str]) -> str:
    """Where the authorized keys of a user go, below the home directory. Source: Ignition, its environment switch."""
    value = environ.get(FRAGMENT_VARIABLE, "")
    if value not in SWITCHES:
        raise ProvisionError(f"{FRAGMENT_VARIABLE} is {value!r}; it takes true, 1, false or 0", exit_code=2)
    return KEYS_FRAGMENT if SWITCHES[value] else KEYS_FILE
