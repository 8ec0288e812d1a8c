"""From a blank disk to a login prompt in an encrypted root: the key comes with the config, and from a person ever after."""

from firstboot_disks import partitions, probed
from firstboot_documents import ENCRYPTED_ROOT, ROOT_KEY, as_bytes, transpiled
from firstboot_fixtures import NewComputer, computer
from firstboot_initramfs import initramfs
from firstboot_machine import BOOT_S, switch_off
from firstboot_stories import ASKED, IS_SOUND, admin_logs_in, first_boot_is_done, log_in, nothing_strange

__all__ = ["computer"]

# The root is waited for before provisioning has made it.
ROOT = "root=/dev/mapper/root rootdelay=10"
# What Debian's own scripts open the root by. Source: cryptsetup-initramfs, README.initramfs, "The cryptopts boot argument".
UNLOCK = "cryptopts=target=root,source=/dev/disk/by-partlabel/root.sealed"
ROOT_IS_SEALED = """
equal 'the root' "$(readlink -f "$(findmnt -no SOURCE /)")" "$(readlink -f /dev/mapper/root)"
equal 'what it lies in' "$(cryptsetup status root | sed -n 's/^ *type: *//p')" LUKS2
content /etc/motd 'The root is sealed.'
node /etc/crypttab file 600 0:0
"""


def test_a_blank_disk_becomes_the_encrypted_root_that_the_system_boots_from(computer: NewComputer) -> None:
    machine = computer("initramfs-tools", one=1)
    config = as_bytes(transpiled(ENCRYPTED_ROOT))
    with machine.on(
        initramfs("initramfs-tools"), f"{ASKED} {ROOT} deploy.to=/dev/mapper/root", config=config
    ) as console:
        admin_logs_in(console)
        log_in(console)
        console.check(ROOT_IS_SEALED + IS_SOUND)
        first_boot_is_done(console)
        nothing_strange(console)
        switch_off(console)
    (found,) = partitions(machine.disks["one"]).values()
    assert (found.label, probed(machine.disks["one"], found.start)["TYPE"]) == ("root.sealed", "crypto_LUKS")

    # The medium that was installed from is gone; the words that ask for a first boot stay, and are not heeded again.
    del machine.disks["system"]
    with machine.on(initramfs("initramfs-tools"), f"{ASKED} {ROOT} {UNLOCK}", config=config) as console:
        console.expect(r"Please unlock disk root: ?$", BOOT_S)
        console.type(f"{ROOT_KEY}\n")
        log_in(console)
        console.check(ROOT_IS_SEALED + IS_SOUND + "absent /run/ignition.json")
        nothing_strange(console)
