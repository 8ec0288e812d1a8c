"""The guest itself: what scenarios rely on, with plain tools. If one of these fails, look here first."""

import json

import pytest
from vm_guest import Guest, GuestError
from vm_scenarios import A, B, check


def test_a_script_tells_its_status_and_both_outputs(guest: Guest) -> None:
    ended = guest.run("cat; echo wrong >&2; exit 3", stdin=b"right\n")
    assert ended == (3, "right\n", "wrong\n")


def test_a_table_and_a_file_system_are_there_for_the_next_command(guest: Guest) -> None:
    script = f"""
        sgdisk --new=1:2048:+65536 --change-name=1:var {A} && udevadm settle && mkfs.ext4 -q -L var {A}1
        partition {A} 1 label=var start=2048 size=65536
        partitions {A} 1
        udevadm settle
        holds {A}1 ext4 LABEL=var
        [ "$(readlink -f /dev/disk/by-partlabel/var)" = {A}1 ]
    """
    check(guest, script)


def test_a_check_that_does_not_hold_says_what_is_there(guest: Guest) -> None:
    guest.do(f"sgdisk --new=1:2048:+65536 --change-name=1:var {A}")
    ended = guest.run(f". /vm/checks.sh\npartition {A} 1 label=usr\necho not reached")
    assert ended.status == 1
    assert ended.stderr == f"label of partition 1 of {A} is 'var', not 'usr'\n"
    assert not ended.stdout


def test_nothing_of_a_scenario_is_left_for_the_next(guest: Guest) -> None:
    guest.do(
        f"mdadm --create /dev/md/pair --run --homehost any --level 1 --metadata 1.2 --raid-devices 2 {A} {B} 2>&1 && "
        "echo secret > /tmp/key && cryptsetup luksFormat -q --type luks2 --key-file /tmp/key /dev/md/pair && "
        "cryptsetup luksOpen --key-file /tmp/key /dev/md/pair opened && mkfs.xfs -q /dev/mapper/opened && "
        "mount /dev/mapper/opened /mnt && touch /etc/crypttab /mnt/file && (sleep 1000 > /mnt/log & )"
    )
    machine = guest.running
    guest.reset()
    assert guest.machine is machine
    assert guest.do("ls /sys/block") == "\n".join(f"vd{letter}" for letter in "abcdefg")
    assert "absent" in guest.do(
        f"test -e /etc/crypttab || test -e /tmp/key || blkid -p {A} || grep -qx sleep /proc/[0-9]*/comm || echo absent"
    )


def test_a_script_without_end_is_ended(guest: Guest) -> None:
    with pytest.raises(GuestError, match=r"did not end in 0\.5 s"):
        guest.run("echo begun; sleep 1000", timeout_s=0.5)
    assert guest.do("echo alive") == "alive"


def test_a_guest_that_died_is_replaced_and_its_console_shown(guest: Guest) -> None:
    with pytest.raises(GuestError, match="Kernel panic"):
        guest.run("echo c > /proc/sysrq-trigger")
    assert guest.do("echo alive") == "alive"


def test_the_tpm_and_the_tang_server_are_real(guest: Guest) -> None:
    guest.do("serve-tang")
    config = json.dumps(
        {"t": 2, "pins": {"tpm2": {}, "tang": [{"url": "http://tang.example:7500", "adv": "/vm/tang.adv"}]}}
    )
    script = f"""
        echo -n word > key
        cryptsetup luksFormat -q --type luks2 --key-file key {A}
        clevis luks bind -f -k key -d {A} sss '{config}'
        cryptsetup luksRemoveKey {A} key
        clevis luks unlock -d {A} -n opened
        test -b /dev/mapper/opened
    """
    check(guest, script)
