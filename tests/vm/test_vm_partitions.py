"""Partitions: each row of the table that decides between keeping, making, resizing and deleting, and what is refused.

Sizes are MiB in configs and sectors where scripts look. Source: Ignition, `docs/operator-notes.md`, partition reuse.
"""

from vm_guest import Guest
from vm_scenarios import K4, A, B, C, Scenario, apply, check, disk, play, rows, storage

LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"
HOME = "933AC7E1-2EB4-4F13-B844-0E14E2AEF915"
GUID = "05AE8E67-96C1-4E1E-9C7B-0D4E9B4C3D5F"
OTHER = "1E4A0B9C-7F0D-4F0A-8C3B-5E2D6A7B8C9D"

# One partition of 128 MiB at 1 MiB with everything set, and what says so.
ONE = f"sgdisk --new=1:2048:+262144 --change-name=1:var --typecode=1:{HOME} --partition-guid=1:{GUID} {A} && udevadm settle"
IS_ONE = f"partition {A} 1 label=var start=2048 size=262144 type={HOME} guid={GUID}"
# The same with a second one behind it.
TWO = (
    f"sgdisk --new=1:2048:+262144 --change-name=1:var --new=2:264192:+262144 --change-name=2:usr {A} && udevadm settle"
)
IS_TWO = f"partition {A} 1 label=var start=2048 size=262144 && partition {A} 2 label=usr start=264192 size=262144"

MADE = (
    Scenario(
        "partitions are made as they are described",
        disk(
            A,
            {"number": 1, "label": "boot", "startMiB": 1, "sizeMiB": 64, "guid": GUID},
            {"number": 2, "label": "swap", "startMiB": 65, "sizeMiB": 128, "typeGuid": SWAP},
            {"number": 5, "label": "home", "startMiB": 1024, "sizeMiB": 512, "typeGuid": HOME.lower()},
        ),
        after=f"""
            partitions {A} 1 2 5
            partition {A} 1 label=boot start_mib=1 size_mib=64 guid={GUID} type={LINUX}
            partition {A} 2 label=swap start_mib=65 size_mib=128 type={SWAP}
            partition {A} 5 label=home start_mib=1024 size_mib=512 type={HOME}
            [ "$(readlink -f /dev/disk/by-partlabel/home)" = {A}5 ]
            sgdisk --verify {A}
        """,
    ),
    Scenario(
        "a size of zero takes the rest and a start of zero the largest gap",
        disk(A, {"number": 1, "label": "a", "sizeMiB": 100}, {"number": 2, "label": "b", "sizeMiB": 0}),
        after=f"""
            partition {A} 1 start=2048 size_mib=100
            partition {A} 2 start_mib=101 size_mib=1946
        """,
    ),
    Scenario(
        "the number zero is the lowest that is free",
        disk(A, {"number": 0, "label": "new", "sizeMiB": 64}),
        before=f"sgdisk --new=1:2048:+65536 --new=3:0:+65536 {A} && udevadm settle",
        after=f"partitions {A} 1 2 3; partition {A} 2 label=new size_mib=64",
    ),
    Scenario(
        "numbers that are given go before those that are not",
        disk(
            A,
            {"number": 0, "label": "second", "sizeMiB": 32},
            {"number": 0, "label": "third", "sizeMiB": 32},
            {"number": 1, "label": "first", "sizeMiB": 32},
        ),
        after=f"""
            partitions {A} 1 2 3
            partition {A} 1 label=first start_mib=1
            partition {A} 2 label=second start_mib=33
            partition {A} 3 label=third start_mib=65
        """,
    ),
    Scenario(
        "the number of a partition that goes is free at once",
        disk(
            A,
            {"number": 1, "shouldExist": False, "wipePartitionEntry": True},
            {"number": 0, "label": "new", "sizeMiB": 32, "wipePartitionEntry": True},
        ),
        before=TWO,
        after=f"partitions {A} 1 2; partition {A} 1 label=new size_mib=32; partition {A} 2 label=usr",
    ),
    Scenario(
        "what is not there and need not be is left so",
        disk(A, {"number": 4, "shouldExist": False}),
        before=ONE,
        after=f"{IS_ONE}; partitions {A} 1",
    ),
    Scenario(
        "what should not be there and may be wiped goes",
        disk(A, {"number": 1, "shouldExist": False, "wipePartitionEntry": True}),
        before=TWO,
        after=f"partitions {A} 2; partition {A} 2 label=usr start=264192 size=262144; absent {A}1",
    ),
    Scenario(
        "a partition that matches keeps its data",
        disk(
            A,
            {
                "number": 1,
                "label": "var",
                "startMiB": 1,
                "sizeMiB": 128,
                "typeGuid": HOME.lower(),
                "guid": GUID.lower(),
            },
        ),
        before=f"{ONE}; mkfs.ext4 -q {A}1; mark {A}1",
        after=f"{IS_ONE}; marked {A}1",
    ),
    Scenario(
        "a partition that matches keeps its data where it might have been wiped",
        disk(A, {"number": 1, "label": "var", "startMiB": 1, "sizeMiB": 128, "wipePartitionEntry": True}),
        before=f"{ONE}; mkfs.ext4 -q {A}1; mark {A}1",
        after=f"{IS_ONE}; marked {A}1",
    ),
    Scenario(
        "what is not said of a partition that is there is as it was",
        disk(A, {"number": 1, "label": "var"}),
        before=ONE,
        after=IS_ONE,
    ),
    Scenario(
        "a partition grows and keeps all else with its data",
        disk(A, {"number": 1, "label": "var", "sizeMiB": 512, "resize": True}),
        before=f"{ONE}; mkfs.ext4 -q {A}1; mark {A}1",
        after=f"partition {A} 1 label=var start=2048 size_mib=512 type={HOME} guid={GUID}; marked {A}1",
    ),
    Scenario(
        "a partition grows to the end of the disk",
        disk(A, {"number": 1, "label": "var", "sizeMiB": 0, "resize": True}),
        before=ONE,
        after=f"partition {A} 1 label=var start=2048 size_mib=2046 type={HOME} guid={GUID}",
    ),
    Scenario(
        "a partition shrinks",
        disk(A, {"number": 1, "label": "var", "startMiB": 1, "sizeMiB": 64, "resize": True}),
        before=ONE,
        after=f"partition {A} 1 label=var start=2048 size_mib=64 type={HOME} guid={GUID}",
    ),
    Scenario(
        "a partition that does not match and may be wiped is made anew",
        disk(A, {"number": 1, "label": "new", "startMiB": 8, "sizeMiB": 64, "wipePartitionEntry": True}),
        before=ONE,
        after=f"""
            partition {A} 1 label=new start_mib=8 size_mib=64 type={LINUX}
            [ "$(guid_of {A} 1)" != {GUID} ] || fail "the GUID is the old one"
        """,
    ),
    Scenario(
        "a partition of another type that may be wiped is made anew",
        disk(A, {"number": 1, "label": "var", "typeGuid": SWAP, "wipePartitionEntry": True}),
        before=TWO,
        after=f"partition {A} 1 label=var type={SWAP}; partition {A} 2 label=usr start=264192 size=262144",
    ),
    Scenario(
        "a table that is wiped takes its partitions along",
        disk(A, {"number": 1, "label": "only", "sizeMiB": 32}, wipeTable=True),
        before=TWO,
        after=f"partitions {A} 1; partition {A} 1 label=only size_mib=32; absent {A}2",
    ),
    Scenario(
        "a table that is wiped without partitions to make is gone",
        disk(A, wipeTable=True),
        before=TWO,
        after=f"absent {A}1 {A}2; holds {A} nothing",
    ),
    Scenario(
        "a table of the old kind is wiped for a new one",
        disk(A, {"number": 1, "label": "new", "sizeMiB": 32}, wipeTable=True),
        before=f"echo ',100M,L' | sfdisk -q --label dos {A}; udevadm settle",
        after=f"partitions {A} 1; partition {A} 1 label=new; sgdisk --verify {A}",
    ),
    Scenario(
        "a damaged table is wiped for a new one",
        disk(A, {"number": 1, "label": "new", "sizeMiB": 32}, wipeTable=True),
        before=f"{ONE}; dd if=/dev/urandom of={A} bs=512 seek=2 count=4 conv=notrunc status=none",
        after=f"partitions {A} 1; partition {A} 1 label=new; sgdisk --verify {A}",
    ),
    Scenario(
        "sizes hold on a disk with sectors of 4096 bytes",
        disk(
            K4,
            {"number": 1, "label": "one", "startMiB": 4, "sizeMiB": 128},
            {"number": 2, "label": "two", "sizeMiB": 64},
            {"number": 3, "label": "rest"},
        ),
        after=f"""
            partition {K4} 1 label=one start=1024 size=32768
            partition {K4} 2 label=two size_mib=64
            partition {K4} 3 label=rest size_mib=827
            partitions {K4} 1 2 3
        """,
    ),
    Scenario(
        "a partition on sectors of 4096 bytes is resized",
        disk(K4, {"number": 1, "label": "one", "startMiB": 1, "sizeMiB": 256, "resize": True}),
        before=f"sgdisk --new=1:256:+32768 --change-name=1:one --partition-guid=1:{GUID} {K4} && udevadm settle",
        after=f"partition {K4} 1 label=one start=256 size=65536 guid={GUID}",
    ),
    Scenario(
        "a disk of which one partition is mounted gets another",
        disk(A, {"number": 3, "label": "new", "sizeMiB": 64}),
        before=f"{TWO}; mkfs.ext4 -q {A}1; mkdir -p /mnt/held; mount {A}1 /mnt/held",
        after=f"{IS_TWO}; partition {A} 3 label=new size_mib=64; partitions {A} 1 2 3; mountpoint -q /mnt/held",
    ),
    Scenario(
        "a partition that is mounted stays where it matches",
        disk(
            A,
            {"number": 1, "label": "var", "startMiB": 1, "sizeMiB": 128},
            {"number": 2, "shouldExist": False, "wipePartitionEntry": True},
        ),
        before=f"{TWO}; mkfs.ext4 -q {A}1; mkdir -p /mnt/held; mount {A}1 /mnt/held",
        after=f"partitions {A} 1; mountpoint -q /mnt/held",
    ),
    Scenario(
        "partitions that something has open for a moment are changed all the same",
        disk(
            A,
            {"number": 1, "label": "var", "startMiB": 1, "sizeMiB": 128},
            {"number": 2, "shouldExist": False, "wipePartitionEntry": True},
            {"number": 3, "label": "grown", "sizeMiB": 64, "resize": True},
        ),
        before=f"""
            {TWO}; sgdisk --new=3:+0:+32M --change-name=3:grown {A}; udevadm settle
            mkfs.ext4 -q {A}1; mkdir -p /mnt/held; mount {A}1 /mnt/held
            (sleep 4 < {A}2 & sleep 4 < {A}3 &) > /dev/null 2>&1
        """,
        after=f"partitions {A} 1 3; partition {A} 3 label=grown size_mib=64; mountpoint -q /mnt/held",
    ),
    Scenario(
        "a disk is known by a name that udev gives it",
        disk("/dev/disk/by-id/virtio-b", {"number": 1, "label": "one", "sizeMiB": 32}),
        after=f'partition {B} 1 label=one; [ "$(readlink -f /dev/disk/by-id/virtio-b-part1)" = {B}1 ]',
    ),
    Scenario(
        "several disks are partitioned in one run",
        storage(
            disks=[
                {"device": device, "partitions": [{"number": 1, "label": f"on-{device[-1]}", "sizeMiB": 32}]}
                for device in (A, B, C)
            ]
        ),
        after=f"for disk in {A} {B} {C}; do partition $disk 1 label=on-${{disk: -1}} size_mib=32; done",
    ),
    Scenario(
        "a disk that is an array has partitions of its own",
        disk(
            "/dev/md/pair", {"number": 1, "label": "one", "sizeMiB": 64}, {"number": 2, "label": "two", "sizeMiB": 64}
        ),
        before=f"mdadm --create /dev/md/pair --run --homehost any --level 0 --raid-devices 2 {A} {B}; udevadm settle",
        after="partition /dev/md/pair 1 label=one; partition /dev/md/pair 2 label=two; test -b $(readlink -f /dev/md/pair)p2",
    ),
    Scenario(
        "an entry that goes gives way to one that is made under its number",
        disk(A, {"number": 1, "label": "again", "startMiB": 600, "sizeMiB": 32, "wipePartitionEntry": True}),
        before=TWO,
        after=f"partitions {A} 1 2; partition {A} 1 label=again start_mib=600 size_mib=32",
    ),
    Scenario(
        "a label has spaces and letters of other languages",
        disk(A, {"number": 1, "label": "Größe & $HOME 'x'", "sizeMiB": 32}),
        after=f"""[ "$(blkid --probe --output value --match-tag PART_ENTRY_NAME {A}1)" = "Größe & \\$HOME 'x'" ] ||
            fail "$(blkid --probe --output value --match-tag PART_ENTRY_NAME {A}1)" """,
    ),
    Scenario(
        "an empty disk with nothing to make stays blank",
        disk(A),
        after=f"holds {A} nothing",
    ),
)

REFUSED = (
    Scenario(
        "what should not be there and may not be wiped",
        disk(A, {"number": 1, "shouldExist": False}),
        before=ONE,
        after=IS_ONE,
        fails="partition 1 .*exist.*wipePartitionEntry",
    ),
    Scenario(
        "another size",
        disk(A, {"number": 1, "label": "var", "sizeMiB": 256}),
        before=ONE,
        after=IS_ONE,
        fails="partition 1 .*size",
    ),
    Scenario(
        "another start",
        disk(A, {"number": 1, "label": "var", "startMiB": 4, "sizeMiB": 128}),
        before=ONE,
        after=IS_ONE,
        fails="partition 1 .*start",
    ),
    Scenario(
        "another label",
        disk(A, {"number": 1, "label": "usr"}),
        before=ONE,
        after=IS_ONE,
        fails="partition 1 .*label.*var",
    ),
    Scenario(
        "another type",
        disk(A, {"number": 1, "label": "var", "typeGuid": SWAP}),
        before=ONE,
        after=IS_ONE,
        fails=f"partition 1 .*type.*{HOME}",
    ),
    Scenario(
        "another GUID",
        disk(A, {"number": 1, "label": "var", "guid": OTHER}),
        before=ONE,
        after=IS_ONE,
        fails=f"partition 1 .*GUID.*{GUID}",
    ),
    Scenario(
        "a new size where more than the size differs",
        disk(A, {"number": 1, "label": "usr", "sizeMiB": 256, "resize": True}),
        before=ONE,
        after=IS_ONE,
        fails="partition 1 .*label",
    ),
    Scenario(
        "a new size for a partition that is mounted",
        disk(A, {"number": 1, "label": "var", "sizeMiB": 256, "resize": True}),
        before=f"{ONE}; mkfs.ext4 -q {A}1; mkdir -p /mnt/held; mount {A}1 /mnt/held",
        after=f"{IS_ONE}; mountpoint -q /mnt/held",
        fails="(in use|mounted)",
    ),
    Scenario(
        "a partition that an array holds",
        disk(A, {"number": 1, "shouldExist": False, "wipePartitionEntry": True}),
        before=f"{ONE}; mdadm --create /dev/md/held --run --homehost any --level 1 --raid-devices 2 {A}1 missing",
        after=IS_ONE,
        fails="in use|used by|held",
    ),
    Scenario(
        "a table of which a partition is mounted",
        disk(A, wipeTable=True),
        before=f"{TWO}; mkfs.ext4 -q {A}2; mkdir -p /mnt/held; mount {A}2 /mnt/held",
        after=IS_TWO,
        fails="in use|mounted",
    ),
    Scenario(
        "a disk that is mounted as a whole",
        disk(A, {"number": 1, "label": "new"}, wipeTable=True),
        before=f"mkfs.ext4 -q {A}; mkdir -p /mnt/held; mount {A} /mnt/held",
        after=f"holds {A} ext4",
        fails="in use|mounted",
    ),
    Scenario(
        "a table of the old kind that may not be wiped",
        disk(A, {"number": 1, "label": "new", "sizeMiB": 32}),
        before=f"echo ',100M,L' | sfdisk -q --label dos {A}; udevadm settle",
        after=f'[ "$(blkid --probe --output value --match-tag PTTYPE {A})" = dos ]; test -b {A}1',
        fails="(dos|MBR|GPT).*wipeTable",
    ),
    Scenario(
        "a partition that is larger than the disk",
        disk(A, {"number": 1, "label": "big", "sizeMiB": 4096}),
        after=f"holds {A} nothing",
        fails="partition 1|fit|sgdisk",
    ),
    Scenario(
        "a partition over another that is there",
        disk(A, {"number": 3, "label": "new", "startMiB": 100, "sizeMiB": 64}),
        before=TWO,
        after=f"{IS_TWO}; partitions {A} 1 2",
        fails="partition 3|overlap|sgdisk",
    ),
    Scenario(
        "a disk that never comes",
        disk("/dev/disk/by-id/virtio-none", {"number": 1, "label": "new"}),
        environ={"PROVISION_DEVICE_TIMEOUT": "2"},
        fails="no device /dev/disk/by-id/virtio-none",
    ),
    Scenario(
        "a disk that cannot be written",
        disk(A, {"number": 1, "label": "new", "sizeMiB": 32}),
        before=f"blockdev --setro {A}",
        after=f"blockdev --setrw {A}; holds {A} nothing",
        fails=f"{A}.*(read-only|written|writ)|(read-only|writ).*{A}|sgdisk",
    ),
    Scenario(
        "a partition that is no disk",
        disk(f"{A}1", {"number": 1, "label": "new", "sizeMiB": 8}),
        before=f"{ONE}; mkfs.ext4 -q {A}1; mkdir -p /mnt/held; mount {A}1 /mnt/held",
        after=IS_ONE,
        fails=f"{A}1",
    ),
)


@rows(*MADE)
def test_partitions(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


@rows(*REFUSED)
def test_partitions_are_refused_for(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


def test_a_second_run_changes_nothing(guest: Guest) -> None:
    config = disk(
        A, {"number": 1, "label": "var", "startMiB": 1, "sizeMiB": 128}, {"number": 2, "label": "usr", "sizeMiB": 64}
    )
    for _ in range(2):
        applied = apply(guest, config, ("fetch", "disks"))
        assert not applied.failed, applied.output
        before = check(guest, f"guid_of {A} 1; guid_of {A} 2; mkfs.ext4 -qF {A}1")
        applied = apply(guest, config, ("disks",))
        assert not applied.failed, applied.output
        assert check(guest, f"guid_of {A} 1; guid_of {A} 2") == before
        check(guest, f"holds {A}1 ext4")


def test_a_failing_sgdisk_leaves_the_table_as_it_was(guest: Guest) -> None:
    """The n-th call of sgdisk fails, for each n: whatever is asked of it first, nothing is half done."""
    config = disk(
        A, {"number": 1, "label": "var", "sizeMiB": 256, "resize": True}, {"number": 3, "label": "new", "sizeMiB": 32}
    )
    guest.write("/scenario/sgdisk", FAILING_SGDISK, 0o755)
    check(guest, f"{TWO.replace('--new=2:264192', '--new=2:1050624')}")
    for nth in range(1, 10):
        guest.do("rm -f /scenario/calls")
        environ = {"PROVISION_SGDISK": "/scenario/sgdisk", "NTH": str(nth)}
        applied = apply(guest, config, ("fetch", "disks"), environ=environ)
        if not applied.failed:
            break
        assert "sgdisk" in applied.output
        check(
            guest,
            f"partition {A} 1 label=var size=262144; partition {A} 2 label=usr; partitions {A} 1 2",
            applied.output,
        )
    assert nth > 1, "sgdisk was never called"
    check(guest, f"partition {A} 1 label=var size_mib=256; partition {A} 3 label=new", applied.output)


FAILING_SGDISK = """#!/bin/sh
echo call >> /scenario/calls
if [ "$(wc -l < /scenario/calls)" = "$NTH" ]; then
  echo 'Problem opening the disk for reading!' >&2
  exit 2
fi
exec /usr/sbin/sgdisk "$@"
"""
