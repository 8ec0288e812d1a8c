"""Beside Debian's own `ignition` (2.14): one config, two machines that start alike and end alike; and what only ours does.

The peer relabels for SELinux whether there is one or not, so both machines get an SELinux configuration with an empty list
of contexts; without it the peer fails, and ours is shown on such a machine in test_firstboot_dracut.py.
"""

import re

from firstboot_console import Console
from firstboot_disks import partitions, probed, root_of
from firstboot_documents import USERS, as_bytes, transpiled
from firstboot_fixtures import NewComputer, computer
from firstboot_initramfs import initramfs, peer_initramfs
from firstboot_machine import BOOT_S, Computer, switch_off
from firstboot_stories import log_in, time_to_pivot_s

from provision.apply.programs import FRAGMENT_VARIABLE

__all__ = ["computer"]

# What both can do, in a version that both know.
BOTH = f"""
variant: fcos
version: 1.4.0
{USERS}
  groups:
    - name: operators
      gid: 2345
storage:
  disks:
    - device: /dev/disk/by-id/virtio-data
      wipe_table: true
      partitions:
        - {{number: 1, label: data, size_mib: 320, guid: 6f2a70dc-0000-4000-8000-000000000001}}
        - {{number: 2, label: logs, size_mib: 64, guid: 6f2a70dc-0000-4000-8000-000000000002,
            type_guid: 4d21b016-b534-45c2-a9fb-5c16e091fd2d}}
        - {{number: 3, label: swap, guid: 6f2a70dc-0000-4000-8000-000000000003}}
  filesystems:
    - device: /dev/disk/by-partlabel/data
      format: xfs
      label: data
      uuid: 6f2a70dc-0000-4000-8000-00000000000a
      path: /var/data
      with_mount_unit: true
    - device: /dev/disk/by-partlabel/logs
      format: ext4
      label: logs
      uuid: 6f2a70dc-0000-4000-8000-00000000000b
      path: /var/data/logs
    - device: /dev/disk/by-partlabel/swap
      format: swap
      label: swap
      uuid: 6f2a70dc-0000-4000-8000-00000000000c
  directories:
    - path: /var/data/share
      mode: 0775
      user: {{name: admin}}
      group: {{name: operators}}
    - path: /opt/deep/er
      mode: 0700
    - path: /var/data/logs/empty
  files:
    - path: /etc/motd
      overwrite: true
      contents: {{inline: the same}}
    - path: /var/data/share/readme
      mode: 0640
      user: {{id: 1234}}
      group: {{name: operators}}
      contents: {{inline: in the volume}}
    - path: /var/data/logs/first
      mode: 0600
      contents: {{inline: in the second volume}}
    - path: /etc/profile
      append:
        - inline: "# one\\n"
        - inline: "# two\\n"
    - path: /opt/deep/packed
      mode: 0755
      contents:
        compression: gzip
        source: "data:;base64,H4sIAAAAAAACA0tNzshXyM/jAgBxxqBACAAAAA=="
    - path: /opt/empty
  links:
    - path: /etc/alias
      target: /opt/deep/packed
    - path: /opt/relative
      target: ../etc/motd
      user: {{name: admin}}
    - path: /opt/hard
      target: /etc/motd
      hard: true
systemd:
  units:
    - name: hello.service
      enabled: true
      contents: |
        [Service]
        Type=oneshot
        ExecStart=/bin/true
        [Install]
        WantedBy=multi-user.target
      dropins:
        - name: 10-more.conf
          contents: |
            [Unit]
            Description=Says hello
    - name: "worker@.service"
      contents: |
        [Service]
        ExecStart=/bin/true
        [Install]
        WantedBy=multi-user.target
    - name: "worker@one.service"
      enabled: true
    - name: rescue.service
      mask: true
"""
# Keys go where the peer has them, not where /etc/provision/environment says.
WORDS = f"ignition.firstboot=1 ignition.platform.id=qemu systemd.setenv={FRAGMENT_VARIABLE}=true"
SELINUX = {
    "/etc/selinux/config": "SELINUX=disabled\nSELINUXTYPE=targeted\n",
    "/etc/selinux/targeted/contexts/files/file_contexts": "",
}
# All that a config can reach: kind, mode, owner, group, target of a link, then the sums of the files.
LOOK = """
mount /dev/disk/by-partlabel/data /var/data 2>/dev/null || mountpoint -q /var/data
mount /dev/disk/by-partlabel/logs /var/data/logs
cd /
find etc home opt root var/data usr/lib/systemd/system -printf '%p %y %m %U:%G %l\n' | sort
find etc home opt root var/data -type f -print0 | sort -z | xargs -0 sha256sum
"""
# Files of which only a part must be the same: the words of presets (the peer doubles blanks where instances are), and all
# of a group but its password, for which one writes * and the other ! where there is none.
PARTS = r"""
sed 's/  */ /g; s/ $//; s/^/preset: /' etc/systemd/system-preset/20-ignition.preset | sort
sed 's/:[*!]*:/:none:/; s/^/gshadow: /' etc/gshadow
"""
# What differs by its nature: times, random numbers, who wrote it, how often users were changed; and what is in PARTS.
OF_THE_BOOT = re.compile(
    r"etc/(\.ignition-result\.json|machine-id|ld\.so\.cache|\.pwd\.lock|\.updated)\b|etc/(passwd|group|g?shadow|sub[ug]id)-$|"
    r"etc/gshadow$|etc/systemd/system-preset/20-ignition\.preset$"
)
# The peer leaves it to systemd to enable units, which an empty /etc/machine-id keeps from it; ours makes the links.
ENABLED = {
    "ours: etc/systemd/system/local-fs.target.requires d 755 0:0",
    "ours: etc/systemd/system/local-fs.target.requires/var-data.mount l 777 0:0 /etc/systemd/system/var-data.mount",
    "ours: etc/systemd/system/multi-user.target.wants/hello.service l 777 0:0 /etc/systemd/system/hello.service",
    "ours: etc/systemd/system/multi-user.target.wants/worker@one.service l 777 0:0 /etc/systemd/system/worker@.service",
}


def test_one_config_has_the_same_result_under_both(computer: NewComputer) -> None:
    config = as_bytes(transpiled(BOTH, "--target", "3.3.0"))
    looks, times, machines = [], [], []
    for made in (peer_initramfs(), initramfs("dracut")):
        machine = computer("dracut", data=0.5)
        machines.append(machine)
        for path, content in SELINUX.items():
            root_of(machine.disks["system"]).put(path, content)
        with machine.on(made, WORDS, config=config) as console:
            log_in(console)
            times.append(time_to_pivot_s(console))
            looks.append(seen(console))
            switch_off(console)
    peer, ours = looks
    print(f"kernel start to pivot: Debian's ignition {times[0]:.1f} s, provision {times[1]:.1f} s")
    found = set(differences(peer, ours))
    assert found == ENABLED, "\n".join(sorted(found ^ ENABLED))
    assert drives(machines[1]) == drives(machines[0])


def seen(console: Console) -> dict[str, set[str]]:
    """What is in the system, by path."""
    found: dict[str, set[str]] = {}
    for line in console.do(LOOK + PARTS, limit_s=180).splitlines():
        # A sum has its path behind it, all else begins with it.
        path = line.split("  ", 1)[1] if re.match(r"[0-9a-f]{64}  ", line) else line.split(" ", 1)[0]
        if not OF_THE_BOOT.match(path):
            found.setdefault(path, set()).add(line)
    return found


def differences(peer: dict[str, set[str]], ours: dict[str, set[str]]) -> list[str]:
    """What only one of them has."""
    return [
        f"{who}: {line.rstrip()}"
        for path in sorted({*peer, *ours})
        for who, one, other in (("peer", peer, ours), ("ours", ours, peer))
        for line in sorted(one.get(path, set()) - other.get(path, set()))
    ]


def drives(machine: Computer) -> dict[int, object]:
    """The partitions of the disk for data, and what they hold."""
    disk = machine.disks["data"]
    return {
        number: (
            each,
            {key: value for key, value in probed(disk, each.start).items() if key in ("TYPE", "LABEL", "UUID")},
        )
        for number, each in partitions(disk).items()
    }


def test_the_peer_fails_where_there_is_no_selinux(computer: NewComputer) -> None:
    machine = computer("dracut", data=0.5)
    config = as_bytes(transpiled(BOTH, "--target", "3.3.0"))
    with machine.on(peer_initramfs(), WORDS, config=config) as console:
        console.expect(r"Failed to start .*Ignition \(mount\)|login: $", BOOT_S)
        assert "login: " not in console.text, "the peer finishes: the comparison needs no SELinux any more"
