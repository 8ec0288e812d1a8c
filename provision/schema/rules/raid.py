"""Rules of RAID arrays."""

from collections.abc import Iterator

from provision.ignition import Raid
from provision.schema.rules import Finding, rule

# Levels with the spellings that mdadm(8) knows for them, and whether a failed member can be replaced.
RAID_LEVELS = {
    "linear": False, "raid0": False, "0": False, "stripe": False,
    "raid1": True, "1": True, "mirror": True, "raid4": True, "4": True, "raid5": True, "5": True,
    "raid6": True, "6": True, "raid10": True, "10": True,
}  # fmt: skip


@rule("PV320", "error", on=Raid)
def raid_level_is_known(raid: Raid) -> Iterator[Finding]:
    """A RAID has a level, one of linear, raid0, raid1, raid4, raid5, raid6 and raid10.

    Source: Ignition 3.0.0, `storage.raid[].level`, which also takes mdadm's other names: 0, stripe, 1, mirror…

    Bad:
      storage:
        raid:
          - name: data
            level: raid7
            devices: [/dev/vdb, /dev/vdc]

    Good:
      storage:
        raid:
          - name: data
            level: mirror
            devices: [/dev/vdb, /dev/vdc]
    """
    if raid.level not in RAID_LEVELS:
        fault = f"`{raid.level}` is no RAID level" if raid.level else "the RAID has no level"
        yield Finding("level", fault, "write linear, raid0, raid1, raid4, raid5, raid6 or raid10")


@rule("PV321", "error", on=Raid)
def spares_can_stand_in(raid: Raid) -> Iterator[Finding]:
    """Only a RAID with redundancy has spares.

    A linear or raid0 array is lost with its first member, so that nothing is left for a spare to take over.
    Source: Ignition 3.0.0, `storage.raid[].spares`.

    Bad:
      storage:
        raid:
          - name: data
            level: raid0
            devices: [/dev/vdb, /dev/vdc, /dev/vdd]
            spares: 1

    Good:
      storage:
        raid:
          - name: data
            level: raid1
            devices: [/dev/vdb, /dev/vdc, /dev/vdd]
            spares: 1
    """
    if raid.spares and RAID_LEVELS.get(raid.level or "") is False:
        message = f"level {raid.level} has no redundancy, so its {raid.spares} spare devices would be of no use"
        yield Finding("level", message, "leave spares out, or choose another level")


@rule("PV322", "error", on=Raid)
def raid_has_devices(raid: Raid) -> Iterator[Finding]:
    """A RAID has devices.

    Source: Ignition 3.0.0, `storage.raid[].devices`.

    Bad:
      storage:
        raid:
          - name: data
            level: raid1
            devices: []

    Good:
      storage:
        raid:
          - name: data
            level: raid1
            devices: [/dev/vdb, /dev/vdc]
    """
    if not raid.devices:
        yield Finding("devices", "the RAID has no devices", "list its members by their absolute paths")
