"""What the machines are told to become: documents for authors, and their translation by the program itself."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[3]

ROOT_WORD, ADMIN_WORD = "root-word", "admin-word"
# SHA-512 in 1000 rounds: under emulation the usual 5000 take their time.
ROOT_HASH = (
    "$6$rounds=1000$firstboot$3KQgB1BzV5p1baAYsvNXGiHPt9nqP/wGvIS8a19JqAfHRBSqfQv7RT6QYypEoO4aqipdWm8W4kOVQdoEQ1ZaY1"
)
ADMIN_HASH = (
    "$6$rounds=1000$firstboot$gTJybefYVSNmPA79tzXiZV926nBuNlQ4ju7gXri56yFTf.dLqdNGGf5QAmnTgahkxb.oR34rSAHfO9KZjqJj8."
)
ADMIN_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK3W8o16uz7pEGOFYSqHWTv5UeAut561OirEToaMIP7A admin@example.com"

USERS = f"""
passwd:
  users:
    - name: root
      password_hash: {ROOT_HASH}
    - name: admin
      uid: 1234
      gecos: Administrator
      groups: [sudo, dialout]
      shell: /bin/bash
      password_hash: {ADMIN_HASH}
      ssh_authorized_keys:
        - {ADMIN_KEY}
"""
FILES = """
  files:
    - path: /etc/motd
      overwrite: true
      mode: 0644
      contents:
        inline: |
          Provisioned on its first boot.
    - path: /var/data/share/readme
      mode: 0640
      user: {name: admin}
      group: {name: dialout}
      contents:
        inline: in the volume
    - path: /etc/ssh/sshd_config.d/20-keys.conf
      contents:
        inline: PasswordAuthentication no
      append:
        - inline: "\\nX11Forwarding no\\n"
  directories:
    - path: /var/data/share
      mode: 02775
      group: {id: 1234}
    - path: /opt/closed
      mode: 0700
  links:
    - path: /etc/localtime
      target: ../usr/share/zoneinfo/UTC
      overwrite: true
    - path: /opt/closed/again
      target: /etc/motd
      hard: true
"""
# A unit that counts how often it ran.
UNITS = """
systemd:
  units:
    - name: hello.service
      enabled: true
      contents: |
        [Unit]
        Description=Says hello
        RequiresMountsFor=/var/data

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh -c 'echo hello >> /var/data/hello'

        [Install]
        WantedBy=multi-user.target
      dropins:
        - name: 10-more.conf
          contents: |
            [Service]
            ExecStart=/bin/sh -c 'echo and more >> /var/data/hello'
    - name: systemd-timesyncd.service
      enabled: false
    - name: rescue.service
      mask: true
"""
HEAD = """
variant: fcos
version: 1.7.0
"""

# One disk for data, with a plain and an encrypted volume; and one more partition on the disk that the root is on.
SINGLE = f"""
{HEAD}
{USERS}
storage:
  disks:
    - device: /dev/disk/by-id/virtio-data
      wipe_table: true
      partitions:
        - {{number: 1, label: data, size_mib: 400}}
        - {{number: 2, label: secret, size_mib: 64}}
    - device: /dev/disk/by-id/virtio-system
      partitions:
        - {{number: 3, label: scratch, size_mib: 200}}
  luks:
    - name: secret
      device: /dev/disk/by-partlabel/secret
      key_file:
        inline: the key of the volume
      options: [--pbkdf, pbkdf2, --pbkdf-force-iterations, "1000"]
  filesystems:
    - device: /dev/disk/by-partlabel/data
      format: xfs
      label: data
      path: /var/data
      with_mount_unit: true
    - device: /dev/mapper/secret
      format: ext4
      path: /var/secret
      with_mount_unit: true
    - device: /dev/disk/by-partlabel/scratch
      format: vfat
      label: SCRATCH
      path: /var/scratch
      with_mount_unit: true
{FILES}
{UNITS}
"""

# Two disks that hold the same.
MIRROR = f"""
{HEAD}
{USERS}
storage:
  disks:
    - device: /dev/disk/by-id/virtio-one
      wipe_table: true
      partitions: [{{label: data.one, number: 1, size_mib: 300}}]
    - device: /dev/disk/by-id/virtio-two
      wipe_table: true
      partitions: [{{label: data.two, number: 1, size_mib: 300}}]
  raid:
    - name: data
      level: raid1
      devices: [/dev/disk/by-partlabel/data.one, /dev/disk/by-partlabel/data.two]
      options: [--assume-clean]
  filesystems:
    - device: /dev/md/data
      format: ext4
      label: data
      path: /var/data
      with_mount_unit: true
{FILES}
{UNITS}
"""

# Blank disks become the mirror that the system is installed on.
MIRRORED_ROOT = f"""
{HEAD}
{USERS}
storage:
  disks:
    - device: /dev/disk/by-id/virtio-one
      wipe_table: true
      partitions: [{{label: root.one, number: 1}}]
    - device: /dev/disk/by-id/virtio-two
      wipe_table: true
      partitions: [{{label: root.two, number: 1}}]
  raid:
    - name: root
      level: raid1
      devices: [/dev/disk/by-partlabel/root.one, /dev/disk/by-partlabel/root.two]
      options: [--assume-clean, --bitmap=none]
  files:
    - path: /etc/motd
      overwrite: true
      contents:
        inline: The root is a mirror.
"""
# A blank disk becomes an encrypted volume that the root is in.
ROOT_KEY = "the word of the root"
ENCRYPTED_ROOT = f"""
{HEAD}
{USERS}
storage:
  disks:
    - device: /dev/disk/by-id/virtio-one
      wipe_table: true
      partitions: [{{label: root.sealed, number: 1}}]
  luks:
    - name: root
      label: sealed
      device: /dev/disk/by-partlabel/root.sealed
      wipe_volume: true
      key_file: {{inline: {ROOT_KEY}}}
      options: [--pbkdf=pbkdf2, --pbkdf-force-iterations=1000]
  files:
    - path: /etc/motd
      overwrite: true
      contents:
        inline: The root is sealed.
"""


def transpiled(text: str | Path, *options: str) -> dict[str, Any]:
    """An Ignition config from a document for authors, by `provision transpile`."""
    name, given = (str(text), "") if isinstance(text, Path) else ("-", text)
    ended = subprocess.run(
        [sys.executable, "-m", "provision", "transpile", *options, name],
        input=given, capture_output=True, text=True, cwd=CHECKOUT, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def as_bytes(config: dict[str, Any]) -> bytes:
    """A config as a machine reads it."""
    return json.dumps(config).encode()
