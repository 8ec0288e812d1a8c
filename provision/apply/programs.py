"""Every path and program name that a distribution may want to change, and the variables that change them.

Pure: the environment is handed in. An empty variable counts as unset.
"""

from collections.abc import Mapping

from provision.diagnostics import ProvisionError

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

# The programs for users and groups, each with the variable that names another one. chpasswd and chgpasswd read hashes
# from their input, so that those never stand in a command line, which every process may read.
PROGRAMS = {
    "useradd": "PROVISION_USERADD",
    "usermod": "PROVISION_USERMOD",
    "userdel": "PROVISION_USERDEL",
    "groupadd": "PROVISION_GROUPADD",
    "groupmod": "PROVISION_GROUPMOD",
    "groupdel": "PROVISION_GROUPDEL",
    "chpasswd": "PROVISION_CHPASSWD",
    "chgpasswd": "PROVISION_CHGPASSWD",
}

# Where the programs are on every distribution, though a user's own PATH may leave them out.
SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")


def program(name: str, environ: Mapping[str, str]) -> str:
    """What to call for one of PROGRAMS: a name for PATH, or a path."""
    return environ.get(PROGRAMS[name]) or name


def search_path(environ: Mapping[str, str]) -> str:
    """PATH with the system's folders behind it."""
    return ":".join(filter(None, (environ.get("PATH", "/usr/bin:/bin"), *SYSTEM_FOLDERS)))


def keys_file(environ: Mapping[str, str]) -> str:
    """Where the authorized keys of a user go, below the home directory. Source: Ignition, its environment switch."""
    value = environ.get(FRAGMENT_VARIABLE, "")
    if value not in SWITCHES:
        raise ProvisionError(f"{FRAGMENT_VARIABLE} is {value!r}; it takes true, 1, false or 0", exit_code=2)
    return KEYS_FRAGMENT if SWITCHES[value] else KEYS_FILE
