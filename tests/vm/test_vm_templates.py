"""The templates of the library that are about disks, on the guest's blank ones: all stages of a first boot, with their own
parameters, and where they promise it, a second one that finds the data again.
"""

import json
from typing import Any

import pytest
from library_shared import changed, compiled, ignition
from vm_guest import Guest
from vm_scenarios import ALL, ROOT, A, B, C, D, E, Scenario, apply, check, play, prepare_root, rows

from provision.units import parse

# One process for all stages: what is looked at here is what templates make of the disks.
STAGES = (",".join(ALL),)
TANG = "http://tang.example:7500"
# What a first boot leaves in the target, and a machine that is installed again does not have.
FORGET = "umount -R /sysroot 2>/dev/null || :; rm -rf /sysroot/*"


def config(template: str, **values: object) -> dict[str, object]:
    """What a template makes of its sample with these values."""
    return ignition(compiled(template, changed(template, **values)))


def scenario(title: str, template: str, values: dict[str, object], after: str, **more: object) -> Scenario:
    """All stages of a first boot with a template."""
    return Scenario(title, config(template, **values), after=after, **{"stages": STAGES, **more})  # type: ignore[arg-type]


MADE = (
    scenario(
        "data disk",
        "data-disk",
        {"device": B, "path": "/var/lib/data", "label": "data"},
        f"""
            partition {B} 1 label=data start_mib=1; partitions {B} 1; holds {B}1 xfs LABEL=data
            grep -qx What=/dev/disk/by-partlabel/data {ROOT}/etc/systemd/system/var-lib-data.mount
            grep -qx Options=noatime,nodev,nosuid {ROOT}/etc/systemd/system/var-lib-data.mount
        """,
    ),
    scenario(
        "data disk with ext4 in place of what was there",
        "data-disk",
        {"device": B, "path": "/var/lib/data", "format": "ext4", "wipe": True},
        f"partitions {B} 1; holds {B}1 ext4 LABEL=data",
        before=f"sgdisk --new=1:0:+100M --new=2:0:+100M {B}; udevadm settle; mkfs.ext4 -q {B}2",
    ),
    scenario(
        "two disks that mirror each other",
        "raid1-data",
        {"devices": [B, C], "label": "store", "path": "/var/lib/store"},
        f"""
            array /dev/md/store raid1 2 0; holds /dev/md/store xfs LABEL=store
            for disk in {B} {C}; do partition $disk 1 type=A19D880F-05FC-4D3B-A006-743F0F84911E; done
            partition {C} 1 label=store-2
            mdadm --manage /dev/md/store --fail {B}1; mount /dev/md/store /mnt; touch /mnt/written; umount /mnt
        """,
    ),
    scenario(
        "four disks as two mirrors, and a spare",
        "raid10-data",
        {"devices": [A, B, C, D, E], "spares": 1, "format": "ext4"},
        "array /dev/md/data raid10 4 1; holds /dev/md/data ext4 LABEL=data",
    ),
    scenario(
        "swap partition",
        "swap-partition",
        {"device": B, "size_mib": 300},
        f"""
            partition {B} 1 label=swap size_mib=300 type=0657FD6D-A4AB-43C4-84E5-0933C84B4F4F; holds {B}1 swap LABEL=swap
            swapon {B}1; swapoff {B}1
            grep -qx What=/dev/disk/by-partlabel/swap '{ROOT}/etc/systemd/system/dev-disk-by\\x2dpartlabel-swap.swap'
        """,
    ),
    scenario(
        "data disk of Debian with a folder for the web server",
        "debian-data-disk",
        {"device": B, "folders": [{"name": "www", "owner": "www-data"}, {"name": "own", "mode": "0700"}]},
        f"holds {B}1 ext4 LABEL=data; mount {B}1 /mnt; node /mnt/www directory 750 33:0; node /mnt/own directory 700 0:0; umount /mnt",
        root="debian",
    ),
    scenario(
        "mirrored boot disk",
        "mirrored-boot",
        {"devices": [A, B], "tpm2": False},
        f"""
            array /dev/md/md-boot raid1 2 0; array /dev/md/md-root raid1 2 0
            holds /dev/md/md-boot ext4 LABEL=boot; holds /dev/md/md-root xfs LABEL=root
            for disk in {A} {B}; do partitions $disk 1 2 3 4; done
            holds {A}2 vfat; holds {B}2 vfat
        """,
        stages=("fetch,disks",),
    ),
)  # fmt: skip


@rows(*MADE)
def test_a_template_sets_up_disks(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


@pytest.mark.parametrize(
    ("template", "values", "device"),
    [
        ("data-disk", {"device": B, "path": "/var/lib/data"}, f"{B}1"),
        ("raid1-data", {"devices": [B, C], "wipe": False}, "/dev/md/data"),
    ],
)
def test_a_machine_that_is_installed_again_finds_its_data(
    guest: Guest, template: str, values: dict[str, object], device: str
) -> None:
    for script in (f"mark {device}", f"marked {device}"):
        applied = apply(guest, config(template, **values), STAGES)
        assert not applied.failed, applied.output
        check(guest, f"{script}; {FORGET}", applied.output)


def opened_by(guest: Guest, *pins: str, threshold: int = 1) -> None:
    """Set up the encrypted disk with these pins, and open it by them alone."""
    found: dict[str, object] = {"threshold": threshold, "tpm2": "tpm2" in pins, "tang": []}
    if "tang" in pins:
        guest.do("serve-tang")
        found["tang"] = [{"url": TANG, "thumbprint": guest.read("/vm/tang.thp").decode().strip()}]
    applied = apply(guest, config("encrypted-data", device=B, opened_by=found, wipe=True), STAGES)
    assert not applied.failed, applied.output
    check(
        guest,
        f"""
        holds {B}1 crypto_LUKS LABEL=luks-secure; holds /dev/mapper/secure ext4 LABEL=secure
        grep -q '^secure UUID=.* none luks,.*x-initrd.attach$' {ROOT}/etc/crypttab
        absent {ROOT}/etc/luks
        cryptsetup close secure; clevis luks unlock -d {B}1 -n secure; mount /dev/mapper/secure /mnt; umount /mnt
        """,
        applied.output,
    )


def test_an_encrypted_disk_opens_in_its_machine(guest: Guest) -> None:
    opened_by(guest, "tpm2")


def test_an_encrypted_disk_stays_closed_away_from_its_network(guest: Guest) -> None:
    opened_by(guest, "tpm2", "tang", threshold=2)
    guest.do("kill $(cat /tmp/tang.pid); cryptsetup close secure")
    assert guest.run(f"clevis luks unlock -d {B}1 -n secure").status


def test_the_commands_of_the_swap_file_make_one(guest: Guest) -> None:
    """The service's commands in their order, on a file system of the guest."""
    prepare_root(guest, "empty")
    units: Any = config("swap-file", size_mib=64)["systemd"]
    (text,) = (unit["contents"] for unit in units["units"] if unit["name"] == "make-swap-file.service")
    commands = [option.value for option in parse(text).options("Service") if option.name == "ExecStart"]
    assert len(commands) == 6
    script = "\n".join(
        f"{command[1:]} 2>/dev/null || :" if command.startswith("-") else command for command in commands
    )
    check(
        guest,
        f"""
        mkfs.ext4 -q {B}; mkdir -p /run/var; mount {B} /run/var; umask 0077
        {script.replace(" /var/", " /run/var/")}
        node /run/var/vm/swapfile1 file 600 0:0; holds /run/var/vm/swapfile1 swap; absent /run/var/vm/swapfile1.new
        swapon /run/var/vm/swapfile1; grep -q swapfile1 /proc/swaps; swapoff /run/var/vm/swapfile1; umount /run/var
        """,
        json.dumps(commands),
    )
