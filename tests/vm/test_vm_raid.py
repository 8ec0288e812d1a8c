"""RAID: arrays by level, with spares, options, on partitions, and with something on them."""

from vm_guest import Guest
from vm_scenarios import A, B, C, D, E, Scenario, play, rows, storage

UUID = "a5f6e2d1-3c4b-4f60-9f31-0b1c2d3e4f50"


def raid(level: str, *devices: str, name: str = "data", **more: object) -> dict[str, object]:
    """A config with one array."""
    return storage(raid=[{"name": name, "level": level, "devices": list(devices), **more}])


MADE = (
    Scenario("raid0", raid("raid0", B, C), after="array /dev/md/data raid0 2 0"),
    Scenario("stripe is raid0", raid("stripe", B, C, D), after="array /dev/md/data raid0 3 0"),
    Scenario(
        "raid1", raid("raid1", B, C), after="array /dev/md/data raid1 2 0; mkfs.ext4 -q /dev/md/data; mark /dev/md/data"
    ),
    Scenario("mirror of three", raid("mirror", B, C, D), after="array /dev/md/data raid1 3 0"),
    Scenario("raid1 with a spare", raid("raid1", B, C, D, spares=1), after="array /dev/md/data raid1 2 1"),
    Scenario("raid5", raid("raid5", B, C, D), after="array /dev/md/data raid5 3 0"),
    Scenario("raid5 with a spare", raid("5", B, C, D, E, spares=1), after="array /dev/md/data raid5 3 1"),
    Scenario("raid4", raid("raid4", B, C, D), after="array /dev/md/data raid4 3 0"),
    Scenario("raid6", raid("raid6", B, C, D, E), after="array /dev/md/data raid6 4 0"),
    Scenario("raid10 with a spare", raid("raid10", A, B, C, D, E, spares=1), after="array /dev/md/data raid10 4 1"),
    Scenario("linear", raid("linear", B, C), after="array /dev/md/data linear 2 0"),
    Scenario(
        "options reach mdadm",
        raid("raid0", B, C, options=["--chunk=64", "--metadata=1.0"]),
        after="mdadm --detail /dev/md/data | grep -q 'Chunk Size : 64K'; mdadm --detail /dev/md/data | grep -q 'Version : 1.0'",
    ),
    Scenario("a name may be a path", raid("raid1", B, C, name="/dev/md/named"), after="array /dev/md/named raid1 2 0"),
    Scenario(
        "members may be partitions of the same run, and a file system lies on the array",
        storage(
            disks=[
                {
                    "device": device,
                    "wipeTable": True,
                    "partitions": [{"label": f"raid.{place}", "sizeMiB": 400, "number": 1}],
                }
                for place, device in enumerate((B, C), 1)
            ],
            raid=[{"name": "data", "level": "raid1", "devices": ["/dev/disk/by-partlabel/raid.1", f"{C}1"]}],
            filesystems=[{"device": "/dev/md/data", "format": "xfs", "label": "data", "uuid": UUID}],
        ),
        after=f"array /dev/md/data raid1 2 0; holds /dev/md/data xfs LABEL=data UUID={UUID}",
    ),
    Scenario(
        "two arrays in one run",
        storage(
            raid=[
                {"name": "one", "level": "raid1", "devices": [A, B]},
                {"name": "two", "level": "raid0", "devices": [C, D]},
            ]
        ),
        after="array /dev/md/one raid1 2 0; array /dev/md/two raid0 2 0",
    ),
    Scenario(
        "an array of members that held a file system",
        raid("raid1", B, C),
        before=f"mkfs.ext4 -q {B}; mkfs.xfs -q {C}",
        after="array /dev/md/data raid1 2 0",
    ),
    Scenario(
        "the array that is there is named for any host",
        raid("raid1", B, C),
        after="mdadm --stop /dev/md/data; mdadm --assemble --scan --quiet || :; udevadm settle; array /dev/md/data raid1 2 0",
    ),
)

REFUSED = (
    Scenario(
        "a member that is mounted",
        raid("raid1", B, C),
        before=f"mkfs.ext4 -q {B}; mkdir -p /mnt/held; mount {B} /mnt/held; touch /mnt/held/mark",
        after=f"test -e /mnt/held/mark; holds {B} ext4",
        fails=f"mdadm.*{B}|{B}.*(in use|busy|mounted)|busy",
    ),
    Scenario(
        "a member of an array that runs",
        raid("raid1", B, C),
        before=f"mdadm --create /dev/md/old --run --homehost any --level 1 --raid-devices 2 {B} missing",
        after="array /dev/md/old raid1 2 -1",
        fails="mdadm|in use|busy",
    ),
    Scenario(
        "a member that never comes",
        raid("raid1", B, "/dev/disk/by-id/virtio-none"),
        environ={"PROVISION_DEVICE_TIMEOUT": "2"},
        after=f"holds {B} nothing",
        fails="no device /dev/disk/by-id/virtio-none",
    ),
    Scenario(
        "options that mdadm does not know",
        raid("raid1", B, C, options=["--no-such-option"]),
        fails="mdadm.*no-such-option",
    ),
    Scenario(
        "fewer members than the level needs", raid("raid6", B, C), fails="mdadm.*(at least|raid-devices|needed|4)"
    ),
)


@rows(*MADE)
def test_raid(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


@rows(*REFUSED)
def test_raid_is_refused_for(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)
