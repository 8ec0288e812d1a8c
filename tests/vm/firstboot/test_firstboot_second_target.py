"""Images whose initramfs cannot be changed: the same in the early boot of the system itself, before its services start."""

import subprocess
import sys
from pathlib import Path

from firstboot_disks import FileSystem, root_of
from firstboot_documents import CHECKOUT, HEAD, USERS, as_bytes, transpiled
from firstboot_fixtures import NewComputer, computer
from firstboot_image import image
from firstboot_machine import switch_off
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
