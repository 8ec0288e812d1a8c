"""The documents that are measured, made anew each time: nothing large lies in the repository."""

import json
from pathlib import Path

FILES_PER_FOLDER = 100
FOLDERS = "/etc/app/conf.d"


def many_files(count: int) -> str:
    """A Butane document of `count` files, eight lines each."""
    head = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n"
    return head + "".join(
        f"    - path: /etc/app/conf.d/{i // 100}/{i}.conf\n"
        "      mode: 0644\n"
        "      overwrite: true\n"
        "      user:\n"
        "        name: core\n"
        "      contents:\n"
        "        inline: |\n"
        f'          setting {i} = "value {i}"\n'
        for i in range(count)
    )


def many_cloud_files(lines: int) -> str:
    """A CoreOS cloud-config of about so many lines, eight for a file."""
    head = "#cloud-config\nwrite_files:\n"
    return head + "".join(
        f"  - path: /etc/app/conf.d/{i // 100}/{i}.conf\n"
        "    permissions: '0644'\n"
        "    owner: core\n"
        "    content: |\n"
        f"      # setting {i}\n"
        f'      setting {i} = "value {i}"\n'
        f"      other {i} = {i}\n"
        "      end\n"
        for i in range(lines // 8)
    )


def many_clc_files(lines: int) -> str:
    """A Container Linux Config of about so many lines, eight for a file."""
    head = "storage:\n  files:\n"
    return head + "".join(
        f"    - path: /etc/app/conf.d/{i // 100}/{i}.conf\n"
        "      filesystem: root\n"
        "      mode: 0644\n"
        "      user:\n"
        "        name: core\n"
        "      contents:\n"
        "        inline: |\n"
        f'          setting {i} = "value {i}"\n'
        for i in range(lines // 8)
    )


def many_ignition_files(count: int) -> str:
    """An Ignition config of `count` small files, a hundred in a directory. BARE_LOOP in `bench` writes the same."""
    folders = [{"path": f"{FOLDERS}/{i}", "mode": 0o755} for i in range(-(-count // FILES_PER_FOLDER))]
    files = [
        {
            "path": f"{FOLDERS}/{i // FILES_PER_FOLDER}/{i}.conf",
            "mode": 0o644,
            "contents": {"source": f"data:,setting%20{i}%20%3D%20%22value%20{i}%22%0A"},
        }
        for i in range(count)
    ]
    return json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"directories": folders, "files": files}})


SMALL = """variant: fcos
version: 1.6.0
passwd:
  users:
    - name: core
      ssh_authorized_keys:
        - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK3W8o16uz7pEGOFYSqHWTv5UeAut561OirEToaMIP7A host{i}
storage:
  disks:
    - device: /dev/vdb
      wipe_table: true
      partitions:
        - label: data
          number: 1
          size_mib: {size}
  filesystems:
    - device: /dev/disk/by-partlabel/data
      format: xfs
      path: /var/data
      with_mount_unit: true
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: host{i}
    - path: /etc/sysctl.d/90-app.conf
      mode: 0644
      contents:
        inline: |
          vm.max_map_count = {size}
          net.core.somaxconn = 4096
systemd:
  units:
    - name: app.service
      enabled: true
      contents: |
        [Unit]
        Description=Application {i}

        [Service]
        ExecStart=/usr/bin/podman run --rm --name app registry.example.com/app:{i}

        [Install]
        WantedBy=multi-user.target
    - name: zincati.service
      enabled: false
"""


def write_small(folder: Path, count: int) -> None:
    """`count` documents of 44 lines."""
    folder.mkdir()
    for i in range(count):
        (folder / f"host{i}.bu").write_text(SMALL.format(i=i, size=4096 + i))


HOST = """{#
description: A host.
parameters:
  hostname: {type: string, format: hostname, description: Name of the machine.}
  address: {type: string, format: ip-interface, description: Its address.}
  size: {type: integer, minimum: 1, description: Size of its data partition in MiB.}
  ssh_key: {type: string, format: ssh-key, description: Who may log in.}
#}
variant: fcos
version: 1.6.0
passwd:
  users:
    - name: core
      ssh_authorized_keys:
        - {{ ssh_key }}
storage:
  disks:
    - device: /dev/vdb
      wipe_table: true
      partitions:
        - label: data
          number: 1
          size_mib: {{ size }}
  filesystems:
    - device: /dev/disk/by-partlabel/data
      format: xfs
      path: /var/data
      with_mount_unit: true
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: {{ hostname }}
    - path: /etc/NetworkManager/system-connections/eth0.nmconnection
      mode: 0600
      contents:
        inline: |
          [connection]
          id=eth0
          type=ethernet
          interface-name=eth0

          [ipv4]
          method=manual
          address1={{ address }}
systemd:
  units:
    - name: app.service
      enabled: true
      contents: |
        [Unit]
        Description=Application of {{ hostname }}

        [Service]
        ExecStart=/usr/bin/podman run --rm --name app registry.example.com/app:{{ size }}

        [Install]
        WantedBy=multi-user.target
    - name: zincati.service
      enabled: false
"""
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK3W8o16uz7pEGOFYSqHWTv5UeAut561OirEToaMIP7A ops"


def write_inventory(folder: Path, count: int) -> Path:
    """An inventory of `count` hosts with addresses of their own, and the template of 60 lines that all are built from."""
    folder.mkdir()
    (folder / "host.bu.j2").write_text(HOST)
    hosts = "".join(
        f"  host-{i}:\n    variables:\n      address: 10.{i >> 14}.{i >> 6 & 255}.{i % 64 * 4 + 1}/16\n      size: {4096 + i}\n"
        for i in range(count)
    )
    path = folder / "hosts.yaml"
    path.write_text(f"templates: [host.bu.j2]\nvariables: {{ssh_key: {SSH_KEY}}}\nhosts:\n{hosts}")
    return path
