"""One disk, from blank to used: partitions, file systems, files, a person who logs in, a unit that runs. And the boot after."""

from firstboot_disks import partitions, probed, root_of
from firstboot_documents import SINGLE, as_bytes, transpiled
from firstboot_fixtures import NewComputer, computer
from firstboot_initramfs import initramfs
from firstboot_machine import Computer, switch_off
from firstboot_stories import (
    ASKED,
    FILES_ARE_THERE,
    IS_SOUND,
    RESULT,
    admin_logs_in,
    first_boot_is_done,
    is_marked,
    log_in,
    nothing_strange,
    time_to_pivot_s,
)

__all__ = ["computer"]

DISKS_ARE_AS_WANTED = """
data=$(readlink -f /dev/disk/by-id/virtio-data)
system=$(readlink -f /dev/disk/by-id/virtio-system)
partitions $data 1 2
partition $data 1 label=data size_mib=400
partition $data 2 label=secret size_mib=64
partitions $system 1 2 3
partition $system 3 label=scratch size_mib=200
equal 'the volume for data' "$(findmnt -no SOURCE,FSTYPE /var/data | xargs)" "$(readlink -f /dev/disk/by-partlabel/data) xfs"
equal 'the secret volume' "$(findmnt -no SOURCE,FSTYPE /var/secret | xargs)" "/dev/mapper/secret ext4"
equal 'the volume behind the root' "$(findmnt -no SOURCE,FSTYPE /var/scratch | xargs)" "$(readlink -f /dev/disk/by-partlabel/scratch) vfat"
node /etc/crypttab file 600 0:0
node /etc/luks/secret file 600 0:0
content /etc/luks/secret 'the key of the volume'
node /home/admin/.ssh/authorized_keys file 600 1234:1234
"""


def test_a_single_disk_and_the_boot_after(computer: NewComputer) -> None:
    machine = computer("initramfs-tools", data=1)
    config = as_bytes(transpiled(SINGLE))
    with machine.on(initramfs("initramfs-tools"), ASKED, config=config) as console:
        admin_logs_in(console)
        log_in(console)
        console.check(DISKS_ARE_AS_WANTED + FILES_ARE_THERE + IS_SOUND)
        console.check(
            "content /var/data/hello 'hello\nand more'; echo kept > /var/secret/mark; echo changed > /etc/motd"
        )
        first_boot_is_done(console)
        print(f"kernel start to pivot: {time_to_pivot_s(console):.1f} s")
        nothing_strange(console)
        switch_off(console)
    the_disks_hold_it(machine)

    before = root_of(machine.disks["system"]).read(RESULT)
    # The same words, and a config that would do something else: the machine is provisioned already.
    other = as_bytes({"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/second"}]}})
    with machine.on(initramfs("initramfs-tools"), ASKED, config=other) as console:
        log_in(console)
        console.check(DISKS_ARE_AS_WANTED + IS_SOUND)
        console.check("""
            content /var/secret/mark kept
            content /etc/motd changed
            content /var/data/hello 'hello
and more
hello
and more'
            absent /etc/second /run/ignition.json
        """)
        print(f"kernel start to pivot of the boot after: {time_to_pivot_s(console):.1f} s")
        nothing_strange(console)
        switch_off(console)
    assert root_of(machine.disks["system"]).read(RESULT) == before


def the_disks_hold_it(machine: Computer) -> None:
    """The disks of the machine that is off."""
    data, system = machine.disks["data"], machine.disks["system"]
    found = partitions(data)
    assert {number: (each.label, each.size_mib) for number, each in found.items()} == {
        1: ("data", 400),
        2: ("secret", 64),
    }
    assert probed(data, found[1].start)["TYPE"] == "xfs"
    assert probed(data, found[2].start)["TYPE"] == "crypto_LUKS"
    behind = partitions(system)
    assert [each.label for each in behind.values()] == ["boot", "root", "scratch"]
    assert probed(system, behind[3].start)["LABEL"] == "SCRATCH"
    root = root_of(system)
    assert is_marked(root)
    assert root.node("/etc/crypttab") == ("regular", "0600", 0, 0)
    assert "enable hello.service" in root.read("/etc/systemd/system-preset/20-ignition.preset")
