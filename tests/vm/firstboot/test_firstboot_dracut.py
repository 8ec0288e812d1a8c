"""The same under dracut: a mirror for data, files, a person, a unit; a config by HTTP with an address of its own; and the
boots after.
"""

from firstboot_disks import partitions, probed, root_of
from firstboot_documents import HEAD, MIRROR, USERS, as_bytes, transpiled
from firstboot_fixtures import NewComputer, Web, computer, web
from firstboot_initramfs import initramfs
from firstboot_machine import switch_off, user_network
from firstboot_stories import (
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

__all__ = ["computer", "web"]

MIRROR_IS_USED = """
array /dev/md/data raid1 2 0
equal 'the volume for data' "$(findmnt -no SOURCE,FSTYPE /var/data | xargs)" "$(readlink -f /dev/md/data) ext4"
"""


def test_a_mirror_on_a_plain_system_and_the_boot_after(computer: NewComputer) -> None:
    machine = computer("dracut", one=0.5, two=0.5)
    asked = "ignition.firstboot=1 ignition.platform.id=qemu"
    with machine.on(initramfs("dracut"), asked, config=as_bytes(transpiled(MIRROR))) as console:
        admin_logs_in(console)
        log_in(console)
        console.check(MIRROR_IS_USED + FILES_ARE_THERE + IS_SOUND)
        console.check("content /var/data/hello 'hello\nand more'; echo changed > /etc/motd; absent /etc/selinux/config")
        first_boot_is_done(console)
        print(f"kernel start to pivot: {time_to_pivot_s(console):.1f} s")
        nothing_strange(console)
        switch_off(console)
    system = root_of(machine.disks["system"])
    assert is_marked(system)
    for name in ("one", "two"):
        disk = machine.disks[name]
        (found,) = partitions(disk).values()
        assert (found.label, found.size_mib) == (f"data.{name}", 300)
        assert probed(disk, found.start)["TYPE"] == "linux_raid_member"

    before = system.read(RESULT)
    other = as_bytes({"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/second"}]}})
    with machine.on(initramfs("dracut"), asked, config=other) as console:
        log_in(console)
        console.check(MIRROR_IS_USED + IS_SOUND)
        console.check(
            "content /etc/motd changed; absent /etc/second /run/ignition.json; grep -c hello /var/data/hello | grep -qx 2"
        )
        print(f"kernel start to pivot of the boot after: {time_to_pivot_s(console):.1f} s")
        nothing_strange(console)
        switch_off(console)
    assert system.read(RESULT) == before


def test_a_server_is_asked_from_the_address_that_the_command_line_gives(computer: NewComputer, web: Web) -> None:
    machine = computer("dracut")
    web.files = {
        "/payload": b"from the server\n",
        "/machine.ign": as_bytes(transpiled(f"""
{HEAD}
{USERS}
storage:
  files:
    - path: /opt/payload
      contents:
        source: {web.url}/payload
""")),
    }  # fmt: skip
    # Client, server, gateway, mask, name, interface, protocol: nothing is asked of a DHCP server.
    words = f"provision.firstboot ip=10.0.2.77::10.0.2.2:255.255.255.0:fixed::none ignition.config.url={web.url}/machine.ign"
    with machine.on(initramfs("dracut"), words, network=user_network()) as console:
        log_in(console)
        console.check("content /opt/payload 'from the server'" + IS_SOUND)
        said = console.do(
            "journalctl --boot --no-pager --output cat --unit systemd-networkd; ip -4 -o address; cat /run/systemd/network/*"
        )
        assert "10.0.2.77" in said, said
        first_boot_is_done(console)
        nothing_strange(console)
        switch_off(console)
    assert web.asked == ["/machine.ign", "/payload"]
