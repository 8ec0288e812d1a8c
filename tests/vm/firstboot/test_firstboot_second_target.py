"""Images whose initramfs cannot be changed: the same in the early boot of the system itself, before its services start."""

import re
import subprocess
import sys
from pathlib import Path

from firstboot_disks import FileSystem, partitions, root_of
from firstboot_documents import CHECKOUT, HEAD, USERS, as_bytes, transpiled
from firstboot_fixtures import NewComputer, computer
from firstboot_image import image
from firstboot_machine import BOOT_S, switch_off
from firstboot_stories import ASKED, IS_SOUND, admin_logs_in, first_boot_is_done, is_marked, log_in, nothing_strange

__all__ = ["computer"]

DOCUMENT = f"""
{HEAD}
{USERS}
storage:
  disks:
    - device: /dev/disk/by-id/virtio-data
      wipe_table: true
      partitions: [{{label: data, number: 1}}]
  filesystems:
    - device: /dev/disk/by-partlabel/data
      format: ext4
      path: /var/data
      with_mount_unit: true
  files:
    - path: /etc/hostname
      overwrite: true
      contents: {{inline: early-bird}}
    - path: /var/data/readme
      user: {{name: admin}}
      contents: {{inline: in the volume}}
systemd:
  units:
    - name: hello.service
      enabled: true
      contents: |
        [Unit]
        RequiresMountsFor=/var/data
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh -c 'echo hello >> /var/data/hello'
        [Install]
        WantedBy=multi-user.target
"""


def test_a_stock_initramfs_and_the_unit_in_the_system(computer: NewComputer) -> None:
    machine = computer("initramfs-tools", data=0.5)
    system = root_of(machine.disks["system"])
    install(system, machine.folder / "installed")
    stock = image("initramfs-tools") / "initrd"
    with machine.on(stock, ASKED, config=as_bytes(transpiled(DOCUMENT))) as console:
        admin_logs_in(console)
        log_in(console)
        console.check(f"""
            equal 'the volume' "$(findmnt -no SOURCE,FSTYPE /var/data | xargs)" "$(readlink -f /dev/disk/by-partlabel/data) ext4"
            node /var/data/readme file 644 1234:0
            content /etc/hostname early-bird
            content /var/data/hello hello
            {IS_SOUND}
        """)
        first_boot_is_done(console)
        nothing_strange(console)
        switch_off(console)
    assert is_marked(system)


# Nothing but its use keeps the root's own partition from being made anew.
ROOT_SMALLER = f"""
{HEAD}
storage:
  disks:
    - device: /dev/disk/by-id/virtio-system
      partitions: [{{number: 2, label: root, size_mib: 100, wipe_partition_entry: true}}]
  files:
    - path: /etc/issue.d/new
      contents: {{inline: provisioned}}
"""


def test_a_disk_that_holds_the_running_root_is_refused(computer: NewComputer) -> None:
    machine = computer("initramfs-tools")
    disk = machine.disks["system"]
    install(root_of(disk), machine.folder / "installed")
    stock = image("initramfs-tools") / "initrd"
    before = partitions(disk)
    with machine.on(stock, ASKED, config=as_bytes(transpiled(ROOT_SMALLER))) as console:
        console.expect(r"provision: stage disks failed(?s:.*)\n-{72}\n", BOOT_S)
        assert re.search(r"virtio-system.*in use|in use.*virtio-system", " ".join(console.text.split())), (
            console.shown()
        )
        # Its services do not start.
        console.expect("emergency mode|root account is locked|Press Enter for maintenance", BOOT_S)
        nothing_strange(console)
    assert partitions(disk) == before
    assert not is_marked(root_of(disk))
    assert not root_of(disk).exists("/etc/issue.d/new")


def install(system: FileSystem, folder: Path) -> None:
    """Put in place what `provision initramfs install --kind systemd` does."""
    folder.mkdir()
    command = [sys.executable, "-m", "provision", "initramfs", "install", "--kind", "systemd", "--root", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    for path in sorted(folder.rglob("*")):
        inside = f"/{path.relative_to(folder)}"
        if path.is_symlink():
            system.link(inside, str(path.readlink()))
        elif path.is_file():
            system.put_file(inside, path, path.stat().st_mode & 0o7777)
