"""The codes of what can be wrong with cloud-init user-data, and of what it comes to."""

from provision.diagnostics import declare

declare(
    "PV725", "error", "key without counterpart",
    """A key is one that a system without cloud-init can be set up by.

    Some of cloud-init's modules need programs that the systems that Ignition provisions do not have, such as apt, snap
    or Puppet, or need cloud-init itself while the machine runs. Source: cloud-init 25, its modules.

    Bad:
        #cloud-config
        snap:
          commands: [snap install hello]

    Good:
        #cloud-config
        runcmd:
          - podman run --rm quay.io/podman/hello
    """,
)  # fmt: skip
declare(
    "PV726", "info", "key about cloud-init itself",
    """A key does more than steer cloud-init itself.

    What steers its modules, logs or reports has no meaning where no cloud-init runs, and is left out.

    Bad:
        #cloud-config
        timezone: Europe/Berlin
        output: {all: '| tee -a /var/log/cloud-init-output.log'}

    Good:
        #cloud-config
        timezone: Europe/Berlin
    """,
)  # fmt: skip
declare(
    "PV727", "info", "old spelling",
    """A key has the spelling that cloud-init uses today.

    The old one means the same, and cloud-init announces its end. Source: cloud-init 25, `deprecated` in its schema.

    Bad:
        #cloud-config
        timezone: UTC
        users:
          - name: ada
            lock-passwd: true

    Good:
        #cloud-config
        timezone: UTC
        users:
          - name: ada
            lock_passwd: true
    """,
)  # fmt: skip
declare(
    "PV728", "error", "unknown value",
    """A value is one of those that its key knows.

    cloud-init logs a warning and passes over such a value, so that the machine comes up without what was meant.
    Source: cloud-init 25, `enum` in its schema.

    Bad:
        #cloud-config
        power_state:
          mode: sleep

    Good:
        #cloud-config
        power_state:
          mode: poweroff
    """,
)  # fmt: skip
declare(
    "PV732", "error", "known on the machine only",
    """A value can be told before the machine runs.

    Passwords that are made up, names that the platform gives to devices and shares of a disk whose size nobody knows
    are found out by cloud-init on the machine.

    Bad:
        #cloud-config
        mounts:
          - [ephemeral0, /var/scratch]

    Good:
        #cloud-config
        mounts:
          - [/dev/vdb, /var/scratch]
    """,
)  # fmt: skip
declare(
    "PV733", "error", "system not named",
    """What differs between systems needs `--target-os`.

    Package managers, for example. Systems without one, like Flatcar, take software as containers or system extensions.

    Bad:
        #cloud-config
        packages: [vim]

    Good:
        #cloud-config
        runcmd:
          - [rpm-ostree, install, vim]
    """,
)  # fmt: skip
declare(
    "PV734", "warning", "not quite the same",
    """A key comes to exactly what cloud-init does.

    The message says what is different; the rest of the key is carried.

    Bad:
        #cloud-config
        final_message: up after $UPTIME seconds

    Good:
        #cloud-config
        final_message: the machine is up
    """,
)  # fmt: skip
declare(
    "PV736", "error", "keys without a home",
    """A user with ssh keys has a home directory to keep them in.

    cloud-init makes none for a system user, nor with `no_create_home`, and refuses keys for such a user.
    Source: cloud-init 25, module users_groups, NO_HOME and NEED_HOME.

    Bad:
        #cloud-config
        timezone: UTC
        users:
          - name: backup-agent
            system: true
            ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX7vRPTxSDfyqXy1ZG5RS+hFgnCVPHN6S+5qLnwVwJp]

    Good:
        #cloud-config
        timezone: UTC
        users:
          - name: backup-agent
            ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX7vRPTxSDfyqXy1ZG5RS+hFgnCVPHN6S+5qLnwVwJp]
    """,
)  # fmt: skip
declare(
    "PV745", "warning", "nobody to apply to",
    """What is set up for a user is for one that the document makes, or the system's default user.

    A list `users` without `default` makes no default user, and then `ssh_authorized_keys` and `password` at the top are
    for nobody. Source: cloud-init 25, `distros/ug_util.py`.

    Bad:
        #cloud-config
        timezone: UTC
        users:
          - name: ada
        ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX7vRPTxSDfyqXy1ZG5RS+hFgnCVPHN6S+5qLnwVwJp]

    Good:
        #cloud-config
        timezone: UTC
        users:
          - default
          - name: ada
        ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX7vRPTxSDfyqXy1ZG5RS+hFgnCVPHN6S+5qLnwVwJp]
    """,
)  # fmt: skip
declare(
    "PV747", "error", "name of a setting",
    """A time zone, a locale, a group and the name of an interface are spelled such that the system can find them.

    They become parts of paths and of other configuration files.

    Bad:
        #cloud-config
        timezone: ../../shadow

    Good:
        #cloud-config
        timezone: America/Argentina/Buenos_Aires
    """,
)  # fmt: skip
