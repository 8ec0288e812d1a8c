"""Mounting the config's file systems below the root, writing to them, and unmounting them; whole first boots."""

import pytest
from vm_guest import Guest
from vm_scenarios import ALL, ROOT, A, B, C, D, E, Json, Scenario, apply, check, play, rows, storage

MOUNT = ("fetch", "disks", "mount")
PARTITIONED = f"sgdisk --new=1:0:+400M --change-name=1:ROOT --new=2:0:+400M --change-name=2:VAR --new=3:0:+200M {A}; udevadm settle; "


def mounted(*mounts: tuple[str, str, str], **more: object) -> Json:
    """A config that makes and mounts file systems: device, format, path."""
    return storage(
        filesystems=[{"device": device, "format": format, "path": path} for device, format, path in mounts], **more
    )


SCENARIOS = (
    Scenario(
        "nested mounts come in the order of their depth",
        mounted((D, "vfat", "/var/lib/data/deep"), (B, "ext4", "/var"), (C, "xfs", "/var/lib/data")),
        stages=MOUNT,
        after=f"""
            [ "$(findmnt -rno TARGET,SOURCE | grep {ROOT} | xargs)" = \\
              "{ROOT}/var {B} {ROOT}/var/lib/data {C} {ROOT}/var/lib/data/deep {D}" ] || fail "$(findmnt -rno TARGET,SOURCE)"
            node {ROOT}/var/lib directory 755 0:0
        """,
    ),
    Scenario(
        "umount takes back what mount did",
        mounted((B, "ext4", "/var"), (C, "xfs", "/var/lib/data")),
        stages=ALL,
        after=f"! findmnt -rno TARGET | grep {ROOT}/var; test -d {ROOT}/var",
    ),
    Scenario(
        "files land on the file systems that are mounted",
        mounted(
            (B, "ext4", "/var"),
            (C, "btrfs", "/var/lib"),
            files=[
                {"path": "/var/on-b", "contents": {"source": "data:,b"}, "mode": 0o600},
                {"path": "/var/lib/on-c", "contents": {"source": "data:,c"}},
                {"path": "/etc/on-root", "contents": {"source": "data:,root"}},
            ],
        ),
        stages=ALL,
        after=f"""
            content {ROOT}/etc/on-root root
            absent {ROOT}/var/on-b
            mount {B} {ROOT}/var; content {ROOT}/var/on-b b; node {ROOT}/var/on-b file 600 0:0; absent {ROOT}/var/lib/on-c
            mount {C} {ROOT}/var/lib; content {ROOT}/var/lib/on-c c
        """,
    ),
    Scenario(
        "mount options are passed on",
        storage(
            filesystems=[
                {"device": B, "format": "ext4", "path": "/data", "mountOptions": ["noatime", "data=journal"]},
                {"device": C, "format": "vfat", "path": "/esp", "mountOptions": ["umask=0077"]},
            ]
        ),
        stages=MOUNT,
        after=f"""
            findmnt -rno OPTIONS {ROOT}/data | grep noatime | grep -q data=journal
            node {ROOT}/esp directory 700 0:0
        """,
    ),
    Scenario(
        "swap and file systems without a path are not mounted",
        storage(
            filesystems=[
                {"device": B, "format": "swap", "path": ""},
                {"device": C, "format": "ext4"},
                {"device": D, "format": "none"},
                {"device": E, "format": "ext4", "path": "/data"},
            ]
        ),
        stages=MOUNT,
        after=f'[ "$(findmnt -rno TARGET | grep {ROOT})" = {ROOT}/data ]; [ "$(wc -l < /proc/swaps)" = 1 ]',
    ),
    Scenario(
        "a file system that is there is mounted with what it holds",
        mounted((B, "ext4", "/data")),
        before=f"mkfs.ext4 -q {B}; mark {B}",
        stages=MOUNT,
        after=f"content {ROOT}/data/mark kept",
    ),
    Scenario(
        "a root that the config makes holds all the rest",
        storage(
            disks=[
                {
                    "device": A,
                    "partitions": [{"number": 1, "label": "ROOT", "sizeMiB": 500}, {"number": 2, "label": "VAR"}],
                }
            ],
            filesystems=[
                {"device": "/dev/disk/by-partlabel/ROOT", "format": "ext4", "label": "ROOT", "path": "/"},
                {"device": "/dev/disk/by-partlabel/VAR", "format": "xfs", "label": "VAR", "path": "/var"},
            ],
            files=[
                {"path": "/etc/a", "contents": {"source": "data:,a"}},
                {"path": "/var/b", "contents": {"source": "data:,b"}},
            ],
        ),
        stages=ALL,
        after=f"""
            ! findmnt -rno TARGET | grep {ROOT}
            mount /dev/disk/by-label/ROOT {ROOT}; content {ROOT}/etc/a a; absent {ROOT}/var/b
            mount /dev/disk/by-label/VAR {ROOT}/var; content {ROOT}/var/b b
        """,
    ),
    Scenario(
        "an encrypted array is mounted",
        storage(
            raid=[{"name": "pair", "level": "raid1", "devices": [B, C]}],
            luks=[{"name": "secret", "device": "/dev/md/pair", "keyFile": {"source": "data:,word"}}],
            filesystems=[{"device": "/dev/mapper/secret", "format": "ext4", "path": "/srv"}],
            files=[{"path": "/srv/a", "contents": {"source": "data:,a"}}],
        ),
        stages=ALL,
        after=f"mount /dev/mapper/secret {ROOT}/srv; content {ROOT}/srv/a a; grep -q '^secret UUID=' {ROOT}/etc/crypttab",
    ),
    Scenario(
        "a home on a file system of its own belongs to its user",
        {
            **mounted((B, "ext4", "/home/deep/anna"), (C, "ext4", "/home/deep/anna/work")),
            "passwd": {
                "users": [
                    {
                        "name": "anna",
                        "homeDir": "/home/deep/anna",
                        "uid": 1700,
                        "sshAuthorizedKeys": ["ssh-ed25519 AAAA anna"],
                    }
                ]
            },
        },
        stages=(*MOUNT, "files"),
        root="debian",
        after=f"""
            node {ROOT}/home/deep/anna directory 700 1700:1700
            node {ROOT}/home/deep/anna/work directory 700 1700:1700
            node {ROOT}/home/deep directory 755 0:0
            node {ROOT}/home/deep/anna/.ssh directory 700 1700:1700
        """,
    ),
    Scenario(
        "a file system that is full is no matter for the others",
        storage(
            disks=[{"device": A, "partitions": [{"number": 1, "label": "tiny", "sizeMiB": 2}]}],
            filesystems=[
                {"device": "/dev/disk/by-partlabel/tiny", "format": "ext4", "path": "/tiny"},
                {"device": B, "format": "ext4", "path": "/large"},
            ],
            files=[{"path": "/large/zeros", "contents": {"source": "data:;base64," + "AAAA" * 10_000}}],
        ),
        stages=ALL,
        after=f'mount {B} {ROOT}/large; [ "$(stat -c %s {ROOT}/large/zeros)" = 30000 ]',
    ),
)

REFUSED = (
    Scenario(
        "a mount point that is a link",
        mounted((B, "ext4", "/data")),
        before=f"mkdir {ROOT}/other; ln -s other {ROOT}/data",
        stages=MOUNT,
        after=f"! findmnt {ROOT}/data; ! findmnt {ROOT}/other",
        fails="/data.*(link|not a directory|directory)",
    ),
    Scenario(
        "a mount point under a link that leads out of the root",
        mounted((B, "ext4", "/data/deep")),
        before=f"mkdir /tmp/outside; ln -s /tmp/outside {ROOT}/data",
        stages=MOUNT,
        after="absent /tmp/outside/deep",
        fails="/data.*(link|directory)",
    ),
    Scenario(
        "a mount point that is a file",
        mounted((B, "ext4", "/data")),
        before=f"echo kept > {ROOT}/data",
        stages=MOUNT,
        after=f"content {ROOT}/data kept",
        fails="/data.*directory",
    ),
    Scenario(
        "options that the file system does not know",
        storage(filesystems=[{"device": B, "format": "ext4", "path": "/data", "mountOptions": ["nosuchoption"]}]),
        stages=MOUNT,
        fails="mount.*/data|/data.*mount",
    ),
    Scenario(
        "a file system that something keeps busy",
        mounted((B, "ext4", "/data")),
        before=f"(while ! mountpoint -q {ROOT}/data; do sleep 0.1; done; cd {ROOT}/data; sleep 1000) > /dev/null 2>&1 &",
        # The files stage gives the loop the time that it needs.
        stages=(*MOUNT, "files", "umount"),
        fails="/data.*busy|busy.*/data",
        after=f"mountpoint -q {ROOT}/data",
    ),
    Scenario(
        "a file that does not fit",
        storage(
            disks=[{"device": A, "partitions": [{"number": 1, "label": "tiny", "sizeMiB": 2}]}],
            filesystems=[{"device": "/dev/disk/by-partlabel/tiny", "format": "ext4", "path": "/tiny"}],
            files=[
                {"path": "/tiny/zeros", "contents": {"source": "http://files.example/zeros?4194304"}},
            ],
        ),
        before="serve",
        stages=ALL,
        after=f'mount {A}1 {ROOT}/tiny; [ "$(ls -A {ROOT}/tiny)" = lost+found ] || fail "$(ls -lA {ROOT}/tiny)"',
        fails="/tiny/zeros.*(space|room|free)",
    ),
    Scenario(
        "a root that takes no writes",
        mounted((B, "ext4", "/data")),
        before=f"mkdir {ROOT}/data; mount -o bind {ROOT} {ROOT}; mount -o remount,bind,ro {ROOT}",
        stages=(*MOUNT, "files"),
        fails="read-only|Read-only",
    ),
)


@rows(*SCENARIOS)
def test_mounts(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


@rows(*REFUSED)
def test_mounts_are_refused_for(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


def test_umount_works_after_files_failed(guest: Guest) -> None:
    config = mounted((B, "ext4", "/data"), files=[{"path": "/data/x", "contents": {"source": "data:,new"}}])
    guest.do(f"mkfs.ext4 -q {B} && mount {B} /mnt && echo old > /mnt/x && umount /mnt")
    applied = apply(guest, config, ALL)
    assert applied.failed == "files", applied.output
    assert applied.stages["umount"].status == 0, applied.output
    check(guest, f"! findmnt {ROOT}/data; mount {B} /mnt; content /mnt/x old", applied.output)


def test_a_whole_first_boot_in_one_process(guest: Guest) -> None:
    """Several stages may be given to one process, which then starts once."""
    config = mounted((B, "ext4", "/data"), files=[{"path": "/data/x", "contents": {"source": "data:,new"}}])
    applied = apply(guest, config, ("fetch,disks,mount,files,umount",), root="empty")
    assert not applied.failed, applied.output
    check(guest, f"! findmnt {ROOT}/data; mount {B} /mnt; content /mnt/x new; test -s {ROOT}/etc/.ignition-result.json")


ADDED = [{"source": "data:,added%0A"}]
LAST = {"path": "/srv/last", "contents": {"source": "data:,x"}}
# What becomes of the data's file system after the cut, and the stages that are run again.
FATES = {
    "is as it was": (False, ALL[2:]),
    "cannot be read for a time": (True, ALL[2:]),
    "is made anew": (False, ALL[1:]),
}


def adding(*more: Json) -> Json:
    """A config that appends to a file in the root and to one on a file system that it makes."""
    config = mounted(
        (B, "ext4", "/data"),
        files=[{"path": "/etc/motd", "append": ADDED}, {"path": "/data/log", "append": ADDED}, *more],
    )
    config["storage"]["filesystems"][0]["wipeFilesystem"] = True
    return config


@pytest.mark.parametrize("other_config", [False, True], ids=["same-config", "other-config"])
@pytest.mark.parametrize("fate", FATES)
def test_after_a_cut_nothing_is_appended_twice_where_a_file_system(
    guest: Guest, fate: str, *, other_config: bool
) -> None:
    is_unreadable, stages = FATES[fate]
    guest.do(f"mkdir -p {ROOT}/etc && echo hello > {ROOT}/etc/motd")
    cut = apply(guest, adding(LAST), environ={"PROVISION_FAULT": "files:3:before"})
    assert cut.failed == "files", cut.output
    check(guest, f"test -s {ROOT}/etc/.provision-journal; content {ROOT}/etc/motd $'hello\\nadded'", cut.output)
    config, said = adding() if other_config else adding(LAST), ""
    if is_unreadable:
        guest.do(f"dd if={B} of=/tmp/head bs=64k count=1; dd if=/dev/zero of={B} bs=64k count=1 oflag=direct")
        broken = apply(guest, config, ("fetch", "mount"))
        assert broken.failed == "mount", broken.output
        said = broken.output
        guest.do(f"dd if=/tmp/head of={B} bs=64k count=1 oflag=direct")
    applied = apply(guest, config, ("fetch", *stages))
    said += applied.output
    assert not applied.failed, said
    told = "had another config" if other_config else "had other file systems" if fate == "is made anew" else ""
    assert told in said
    assert ("its files are written anew" in said) == bool(told), said
    check(
        guest,
        f"""
        content {ROOT}/etc/motd $'hello\\nadded'; absent {ROOT}/etc/.provision-journal
        mount {B} /mnt; content /mnt/log added
        """,
        said,
    )


LOOK = f"""python3 - <<'END'
import os, signal, sys
sys.path.insert(0, "/vm/checkout")
from provision.apply.first_boot.target import looked_at
with looked_at("", device="{B}") as outer:
    print(outer)
    KILL
    with looked_at("", device="{B}") as inner:
        assert inner == outer, (inner, outer)
    assert os.listdir(outer) == ["lost+found"], os.listdir(outer)
END
"""


def test_a_look_that_was_killed_does_not_keep_the_file_system_from_being_written_to(guest: Guest) -> None:
    guest.do(f"mkfs.ext4 -q {B}")
    killed = LOOK.replace("KILL", "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)")
    left = check(guest, f"{{ {killed} }} || findmnt --noheadings --output TARGET {B}").splitlines()
    assert left == [left[0]] * 2, left
    looked = check(guest, LOOK.replace("KILL", ""))
    assert looked != left[0]
    check(guest, f"! findmnt {B}; absent {left[0]}; absent {looked}; mount {B} /mnt; touch /mnt/x")


# Marks the last cluster of a FAT16 file system as the end of a file, and gives it no name: what a power cut may leave.
LOSE_A_CLUSTER = f"""python3 - <<'END'
import struct
with open("{B}", "r+b") as file:
    boot = file.read(512)
    sector, _, reserved, fats = struct.unpack_from("<HBHB", boot, 11)
    (length,) = struct.unpack_from("<H", boot, 22)
    for number in range(fats):
        file.seek((reserved + number * length) * sector + 2 * 20000)
        assert file.read(2) == bytes(2)
        file.seek(-2, 1)
        file.write(b"\\xff\\xff")
END
"""


def test_a_fat_that_was_cut_off_keeps_no_pieces_of_files(guest: Guest) -> None:
    config = mounted((B, "vfat", "/esp"), files=[{"path": "/esp/a", "contents": {"source": "data:,a"}}, LAST])
    guest.do(f"mkfs.vfat -F 16 {B} && mount {B} /mnt && echo mine > /mnt/FSCK0000.REC && umount /mnt")
    cut = apply(guest, config, environ={"PROVISION_FAULT": "files:2:before"})
    assert cut.failed == "files", cut.output
    check(guest, f"! findmnt {B}; {LOSE_A_CLUSTER}", cut.output)
    # What is left of a look that was killed must not be what the files are written to.
    guest.do(f"mkdir -p /run/provision/left && mount -o ro {B} /run/provision/left")
    applied = apply(guest, config, ("fetch", *ALL[2:]))
    assert not applied.failed, applied.output
    assert "FSCK0001.REC" in applied.output, applied.output
    check(
        guest,
        f"mount {B} /mnt; content /mnt/FSCK0000.REC mine; content /mnt/a a; absent /mnt/FSCK0001.REC; umount /mnt; fsck.fat -n {B}",
        applied.output,
    )
