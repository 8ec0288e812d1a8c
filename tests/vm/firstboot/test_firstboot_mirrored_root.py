"""From blank disks to a login prompt: two become the mirror that the system is installed on, as a labelled disk tells it.

The step of an installer (firstboot_deploy.sh) copies the system, after provisioning has made the array and before the root
is mounted; all else is what every machine does.
"""

import subprocess
from pathlib import Path

from firstboot_disks import partitions, probed
from firstboot_documents import MIRRORED_ROOT, as_bytes, transpiled
from firstboot_fixtures import NewComputer, computer
from firstboot_initramfs import initramfs
from firstboot_machine import switch_off
from firstboot_stories import ASKED, IS_SOUND, admin_logs_in, first_boot_is_done, log_in, nothing_strange

__all__ = ["computer"]

# The root is waited for before provisioning has made it.
ROOT = "root=/dev/md/root rootdelay=10"
ROOT_IS_THE_MIRROR = """
equal 'the root' "$(readlink -f "$(findmnt -no SOURCE /)")" "$(readlink -f /dev/md/root)"
array /dev/md/root raid1 2 0
content /etc/motd 'The root is a mirror.'
"""


def test_blank_disks_become_the_mirror_that_the_system_boots_from(computer: NewComputer) -> None:
    machine = computer("initramfs-tools", one=1, two=1)
    machine.disks["config"] = labelled_disk(machine.folder, as_bytes(transpiled(MIRRORED_ROOT)))
    words = (
        f"{ASKED} {ROOT} deploy.to=/dev/md/root ignition.config.device=MACHINE ignition.config.path=/machines/first.ign"
    )
    with machine.on(initramfs("initramfs-tools"), words) as console:
        admin_logs_in(console)
        log_in(console)
        console.check(ROOT_IS_THE_MIRROR + IS_SOUND)
        first_boot_is_done(console)
        nothing_strange(console)
        switch_off(console)
    for name in ("one", "two"):
        disk = machine.disks[name]
        (found,) = partitions(disk).values()
        assert (found.label, probed(disk, found.start)["TYPE"]) == (f"root.{name}", "linux_raid_member")

    # The medium that was installed from is gone, and so is the disk with the config; the words on the command line stay.
    del machine.disks["system"], machine.disks["config"]
    with machine.on(initramfs("initramfs-tools"), words) as console:
        log_in(console)
        console.check(ROOT_IS_THE_MIRROR + IS_SOUND + "absent /run/ignition.json")
        nothing_strange(console)


def labelled_disk(folder: Path, config: bytes) -> Path:
    """A disk without partitions, with a labelled file system that a config is on."""
    tree, disk = folder / "config", folder / "config.disk"
    (tree / "machines").mkdir(parents=True)
    (tree / "machines" / "first.ign").write_bytes(config)
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-L", "MACHINE", "-d", tree, disk, "8M"], check=True)
    return disk
