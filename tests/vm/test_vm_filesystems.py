"""File systems: made, kept where they match, replaced where they may be wiped, refused otherwise.

Kept is what still holds a file that was there before; `swap` holds none, so its UUID tells.
"""

from vm_guest import Guest
from vm_scenarios import K4, A, B, C, D, E, Scenario, apply, check, play, rows, storage

UUID = "a5f6e2d1-3c4b-4f60-9f31-0b1c2d3e4f50"
ELSE = "b6a7f3e2-4d5c-4a71-8a42-1c2d3e4f5061"
FORMATS = ("ext4", "xfs", "btrfs")


def filesystem(device: str, format: str | None, **more: object) -> dict[str, object]:
    """A config with one file system."""
    return storage(filesystems=[{"device": device, "format": format, **more}])


def make(format: str, device: str = B, label: str = "data", uuid: str = UUID) -> str:
    """The command that makes a file system like the one that a scenario wants."""
    return {
        "ext4": f"mkfs.ext4 -q -F -L {label} -U {uuid} {device}",
        "xfs": f"mkfs.xfs -q -f -L {label} -m uuid={uuid} {device}",
        "btrfs": f"mkfs.btrfs -q -f -L {label} -U {uuid} {device}",
        "swap": f"mkswap -q -f -L {label} -U {uuid} {device}",
        "vfat": f"mkfs.vfat -n {label} -i DEADBEEF {device} > /dev/null",
    }[format] + "; udevadm settle"


MADE = (
    *(
        Scenario(
            f"{format} is made with its label and UUID",
            filesystem(B, format, label="data", uuid=UUID),
            after=f"holds {B} {format} LABEL=data UUID={UUID}; mark {B}",
        )
        for format in FORMATS
    ),
    Scenario(
        "swap is made with its label and UUID",
        filesystem(B, "swap", label="data", uuid=UUID),
        after=f"holds {B} swap LABEL=data UUID={UUID}; swapon {B}",
    ),
    Scenario(
        "vfat is made with its label and id",
        filesystem(B, "vfat", label="DATA", uuid="2E24-EC82"),
        after=f"holds {B} vfat LABEL=DATA UUID=2E24-EC82; mark {B}",
    ),
    Scenario(
        "vfat takes an id without a dash",
        filesystem(B, "vfat", uuid="2e24ec82"),
        after=f"holds {B} vfat UUID=2E24-EC82",
    ),
    Scenario(
        "the udev links are there when the stage ends",
        filesystem(B, "ext4", label="data", uuid=UUID),
        after=f'for link in by-label/data by-uuid/{UUID}; do [ "$(readlink -f /dev/disk/$link)" = {B} ]; done',
    ),
    Scenario(
        "a UUID in capitals is the same",
        filesystem(B, "ext4", uuid=UUID.upper()),
        before=f"{make('ext4')}; mark {B}",
        after=f"holds {B} ext4 UUID={UUID}; marked {B}",
    ),
    Scenario(
        "options reach the program",
        storage(
            filesystems=[
                {"device": B, "format": "ext4", "options": ["-b", "1024", "-O", "^has_journal"]},
                {"device": C, "format": "xfs", "options": ["-m", "reflink=0"]},
                {"device": D, "format": "vfat", "options": ["-F", "16"]},
            ]
        ),
        after=f"""
            said=$(dumpe2fs -h {B} 2>/dev/null)
            grep -q '^Block size: *1024$' <<<"$said"
            ! grep -q has_journal <<<"$said"
            xfs_db -r -c version {C} | grep -vq REFLINK
            [[ "$(blkid --probe --output value --match-tag VERSION {D})" = FAT16 ]]
        """,
    ),
    Scenario(
        "file systems of several disks are made in one run",
        storage(
            filesystems=[
                {"device": device, "format": format}
                for device, format in ((A, "ext4"), (B, "xfs"), (C, "btrfs"), (D, "swap"), (E, "vfat"), (K4, "ext4"))
            ]
        ),
        after=f"holds {A} ext4; holds {B} xfs; holds {C} btrfs; holds {D} swap; holds {E} vfat; holds {K4} ext4",
    ),
    Scenario(
        "file systems lie on partitions that the same run makes",
        storage(
            disks=[
                {
                    "device": A,
                    "wipeTable": True,
                    "partitions": [{"label": "one", "number": 1, "sizeMiB": 512}, {"label": "two", "number": 2}],
                }
            ],
            filesystems=[
                {"device": "/dev/disk/by-partlabel/one", "format": "ext4", "label": "one", "wipeFilesystem": True},
                {"device": f"{A}2", "format": "xfs", "label": "two"},
            ],
        ),
        before=f"sgdisk --new=1:0:0 {A} && udevadm settle && mkfs.btrfs -q {A}1",
        after=f"holds {A}1 ext4 LABEL=one; holds {A}2 xfs LABEL=two",
    ),
    Scenario(
        "a file system without a format is not looked at",
        storage(filesystems=[{"device": B}, {"device": C, "format": "ext4"}]),
        before=make("ext4"),
        after=f"holds {B} ext4 LABEL=data; holds {C} ext4",
    ),
    Scenario("none on a blank disk has nothing to do", filesystem(B, "none"), after=f"holds {B} nothing"),
    Scenario(
        "none wipes where it may",
        filesystem(B, "none", wipeFilesystem=True),
        before=make("xfs"),
        after=f"holds {B} nothing",
    ),
    Scenario(
        "a UUID alone decides nothing of the label",
        filesystem(B, "xfs", uuid=UUID),
        before=f"{make('xfs')}; mark {B}",
        after=f"holds {B} xfs LABEL=data UUID={UUID}; marked {B}",
    ),
    Scenario(
        "what belongs to another kind is wiped with all its traces",
        filesystem(B, "ext4", wipeFilesystem=True),
        before=f"{make('btrfs')}; mark {B}",
        after=f'holds {B} ext4; [ "$(wipefs --noheadings {B} | wc -l)" = 1 ]; unmarked {B}',
    ),
    Scenario(
        "a member of an array that is stopped is wiped",
        filesystem(B, "ext4", wipeFilesystem=True),
        before=f"mdadm --create /dev/md/old --run --homehost any --level 1 --raid-devices 2 {B} missing; "
        "mdadm --stop /dev/md/old",
        after=f'holds {B} ext4; [ "$(wipefs --noheadings {B} | wc -l)" = 1 ]',
    ),
)

KEPT = (
    *(
        Scenario(
            f"{format} that matches is kept",
            filesystem(B, format, label="data", uuid=UUID),
            before=f"{make(format)}; mark {B}",
            after=f"holds {B} {format} LABEL=data UUID={UUID}; marked {B}",
        )
        for format in FORMATS
    ),
    Scenario(
        "swap that matches is kept",
        filesystem(B, "swap"),
        before=make("swap"),
        after=f"holds {B} swap LABEL=data UUID={UUID}",
    ),
    Scenario(
        "vfat that matches is kept",
        filesystem(B, "vfat", label="DATA", uuid="deadbeef"),
        before=f"{make('vfat', label='DATA')}; mark {B}",
        after=f"holds {B} vfat LABEL=DATA UUID=DEAD-BEEF; marked {B}",
    ),
    *(
        Scenario(
            f"{format} that may be wiped is made anew though it matches",
            filesystem(B, format, label="data", uuid=UUID, wipeFilesystem=True),
            before=f"{make(format)}; mark {B}",
            after=f"holds {B} {format} LABEL=data UUID={UUID}; unmarked {B}",
        )
        for format in FORMATS
    ),
    Scenario(
        "vfat that may be wiped is made anew though it matches",
        filesystem(B, "vfat", wipeFilesystem=True),
        before=f"{make('vfat')}; mark {B}",
        after=f"holds {B} vfat; unmarked {B}",
    ),
    Scenario(
        "swap that may be wiped is made anew though it matches",
        filesystem(B, "swap", wipeFilesystem=True),
        before=make("swap"),
        after=f'holds {B} swap LABEL=; [ "$(blkid --probe --output value --match-tag UUID {B})" != {UUID} ]',
    ),
)

REFUSED = (
    Scenario(
        "what an old partition held where a new one is made",
        storage(
            disks=[{"device": A, "wipeTable": True, "partitions": [{"label": "one", "number": 1, "sizeMiB": 512}]}],
            filesystems=[{"device": "/dev/disk/by-partlabel/one", "format": "ext4"}],
        ),
        before=f"sgdisk --new=1:0:0 {A} && udevadm settle && mkfs.btrfs -q {A}1",
        after=f"partition {A} 1 label=one; holds {A}1 btrfs",
        fails="/dev/disk/by-partlabel/one.*btrfs.*wipeFilesystem",
    ),
    *(
        Scenario(
            f"{wanted} where {found} is and may not be wiped",
            filesystem(B, wanted),
            before=f"{make(found)}; {'mark ' + B if found != 'swap' else ':'}",
            after=f"holds {B} {found}; {'marked ' + B if found != 'swap' else ':'}",
            fails=f"{B}.*{found}.*wipeFilesystem",
        )
        for wanted, found in (("ext4", "xfs"), ("xfs", "btrfs"), ("btrfs", "vfat"), ("vfat", "swap"), ("swap", "ext4"))
    ),
    Scenario(
        "another label",
        filesystem(B, "ext4", label="other"),
        before=f"{make('ext4')}; mark {B}",
        after=f"holds {B} ext4 LABEL=data; marked {B}",
        fails=f"{B}.*label.*wipeFilesystem",
    ),
    Scenario(
        "another UUID",
        filesystem(B, "xfs", uuid=ELSE),
        before=f"{make('xfs')}; mark {B}",
        after=f"holds {B} xfs UUID={UUID}; marked {B}",
        fails=f"{B}.*UUID.*wipeFilesystem",
    ),
    Scenario(
        "none where something is that may not be wiped",
        filesystem(B, "none"),
        before=f"{make('ext4')}; mark {B}",
        after=f"marked {B}",
        fails=f"{B}.*ext4.*wipeFilesystem",
    ),
    Scenario(
        "options that the program does not know",
        filesystem(B, "ext4", options=["--no-such-option"]),
        fails=r"mkfs\.ext4.*no-such-option",
    ),
    Scenario(
        "a device that is too small",
        filesystem(f"{A}1", "xfs"),
        before=f"sgdisk --new=1:0:+4M {A} && udevadm settle",
        fails=r"mkfs\.xfs.*",
    ),
    Scenario(
        "a device that is mounted",
        filesystem(B, "ext4", wipeFilesystem=True),
        before=f"{make('ext4')}; mkdir -p /mnt/held; mount {B} /mnt/held; touch /mnt/held/mark",
        after=f"holds {B} ext4 UUID={UUID}; test -e /mnt/held/mark",
        fails=f"{B}.*(busy|in use|mounted)",
    ),
    Scenario(
        "a device that never comes",
        filesystem("/dev/disk/by-label/none", "ext4"),
        environ={"PROVISION_DEVICE_TIMEOUT": "2"},
        fails="no device /dev/disk/by-label/none",
    ),
    Scenario(
        "a device that takes no writes",
        filesystem(B, "ext4"),
        before=f"blockdev --setro {B}",
        after=f"blockdev --setrw {B}; holds {B} nothing",
        fails=f"{B}",
    ),
    Scenario(
        "one that fails though others were made",
        storage(
            filesystems=[{"device": B, "format": "ext4"}, {"device": C, "format": "ext4", "options": ["-b", "77"]}]
        ),
        after=f"holds {C} nothing",
        fails=r"mkfs\.ext4.*block size",
    ),
)


@rows(*MADE)
def test_filesystems(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


@rows(*KEPT)
def test_filesystems_that_are_there(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


@rows(*REFUSED)
def test_filesystems_are_refused_for(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


def test_a_run_after_a_failure_completes_the_work(guest: Guest) -> None:
    """The program that makes the second file system fails at its first call: what is made by then is kept by the next run."""
    config = storage(filesystems=[{"device": B, "format": "ext4"}, {"device": C, "format": "xfs"}])
    guest.write("/scenario/mkfs.xfs", "#!/bin/sh\necho 'the disk is tired' >&2\nexit 1\n", 0o755)
    applied = apply(guest, config, ("fetch", "disks"), environ={"PROVISION_MKFS_XFS": "/scenario/mkfs.xfs"})
    assert "the disk is tired" in applied.output
    check(guest, f"holds {C} nothing; if holds {B} ext4; then mark {B}; fi", applied.output)
    applied = apply(guest, config, ("disks",))
    assert not applied.failed, applied.output
    check(guest, f"holds {B} ext4; holds {C} xfs", applied.output)
