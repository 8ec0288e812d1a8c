"""Keys that come to nothing: those that nothing can stand for, and those about cloud-init itself."""

from typing import NamedTuple

from provision.diagnostics import Severity
from provision.transpile.cloud_init.build import Build
from provision.transpile.cloud_init.spellings import complain_of_key
from provision.transpile.user_data.parts import Archive


class Reason(NamedTuple):
    """Why a key can't be carried, and what to do instead."""

    why: str
    instead: str


NO_APT = Reason("apt is no part of the system", "use `packages` with --target-os, or a container")
NO_GRUB = Reason("dpkg's grub package is no part of the system", "drop it; the image brings its boot loader")
UBUNTU = "it belongs to Ubuntu"
MANAGED = "needs its agent on the machine and cloud-init to set it up"
CONTAINER = "run its agent as a container, with a unit of its own under `runcmd` or in Butane"

REFUSED: dict[str, Reason] = {
    "ansible": Reason("it needs Ansible on the machine", "run ansible-pull from a container in `runcmd`"),
    "apk_repos": Reason("apk belongs to Alpine", "use `packages` with --target-os"),
    "apt": NO_APT,
    "apt_pipelining": NO_APT,
    "autoinstall": Reason("it is read by Ubuntu's installer, not by the machine", "drop it"),
    "byobu_by_default": Reason(UBUNTU, "write the profile with `write_files`"),
    "chef": Reason(f"it {MANAGED}", CONTAINER),
    "drivers": Reason(UBUNTU, "build the driver into the image"),
    "fan": Reason("fan networking belongs to Ubuntu", "configure the network with NetworkManager or networkd"),
    "grub_dpkg": NO_GRUB,
    "old_grub_dpkg": NO_GRUB,
    "landscape": Reason("Landscape belongs to Ubuntu", "drop it"),
    "lxd": Reason("it needs LXD on the machine", "use podman, or build LXD into the image"),
    "mcollective": Reason(f"it {MANAGED}", CONTAINER),
    "puppet": Reason(f"it {MANAGED}", CONTAINER),
    "rpi": Reason("config.txt is read by the firmware before Ignition runs", "change config.txt in the image"),
    "salt_minion": Reason(f"it {MANAGED}", CONTAINER),
    "snap": Reason("snapd is no part of the system", "run the program as a container"),
    "spacewalk": Reason("it needs Spacewalk's client on the machine", "drop it"),
    "ubuntu_advantage": Reason(UBUNTU, "drop it"),
    "ubuntu_pro": Reason(UBUNTU, "drop it"),
    "updates": Reason(
        "only a running cloud-init configures the network anew", "write the network's files with `write_files`"
    ),
    "vendor_data": Reason(
        "the platform's own data reaches cloud-init only", "copy what you need of it into this document"
    ),
}

ITSELF = "it steers cloud-init itself, which does not run here"
IMAGE = "a new machine has no host keys, and its image makes them"
# Key, why it may be dropped. A stage that lists modules is told louder: somebody may rely on one that it leaves out.
DROPPED: dict[str, str] = {
    "cloud_init_modules": ITSELF,
    "cloud_config_modules": ITSELF,
    "cloud_final_modules": ITSELF,
    "launch_index": "this is compiled for one machine",
    "merge_how": "there is nothing to merge with",
    "merge_type": "there is nothing to merge with",
    "migrate": ITSELF,
    "output": "the output of the generated services goes to the journal",
    "reporting": ITSELF,
    "system_info": ITSELF,
    "version": ITSELF,
    "ssh_deletekeys": IMAGE,
    "ssh_quiet_keygen": IMAGE,
    "ssh_key_console_blacklist": "host keys are printed only with `ssh: {emit_keys_to_console: true}`",
    "ssh_fp_console_blacklist": "fingerprints of host keys are printed with the keys only",
    "no_ssh_fingerprints": "no fingerprints of users' keys are printed",
    "authkey_hash": "no fingerprints of users' keys are printed",
}
LOUD = ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")


def refused(build: Build) -> None:
    """Say so at each of these keys."""
    root, author = build.root, build.author
    for row, _ in root.given():
        reason = REFUSED.get(row.name)
        if reason is not None:
            said = f"`{row.snake}` can't be carried: {reason.why}"
            complain_of_key("PV725", "error", root, row.name, said, reason.instead, author)
            author.fate(root, row.name, "lost", reason.why)
        elif row.name in DROPPED and not is_used(row.name, build):
            severity: Severity = "warning" if row.name in LOUD else "info"
            said = f"`{row.snake}` is left out: {DROPPED[row.name]}"
            complain_of_key("PV726", severity, root, row.name, said, None, author)
            author.fate(root, row.name, "lost", DROPPED[row.name])
    platform(build)


def is_used(name: str, build: Build) -> bool:
    """Whether a key counts after all: the way of merging in an archive, and what is hidden where keys are printed."""
    if name == "ssh_key_console_blacklist":
        return build.root.ssh is not None and bool(build.root.ssh.emit_keys_to_console)
    return name in ("merge_how", "merge_type") and isinstance(build.author.document, Archive)


def platform(build: Build) -> None:
    """What is about the keys that the platform gives or gets."""
    root, author = build.root, build.author
    if root.allow_public_ssh_keys is False:
        said = "the platform's keys are put in place by Afterburn, not by this config"
        author.complain(
            "PV725", "error", root, "allow_public_ssh_keys", said, "mask afterburn-sshkeys@.service instead"
        )
        author.fate(root, "allow_public_ssh_keys", "lost", said)
    publish = root.ssh_publish_hostkeys
    if publish is not None and publish.enabled is not False:
        said = "only a running cloud-init can tell the platform the host keys"
        author.complain("PV725", "error", root, "ssh_publish_hostkeys", said, "drop it, or write `enabled: false`")
        author.fate(root, "ssh_publish_hostkeys", "lost", said)
