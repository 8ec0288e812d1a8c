"""Partitions: what is decided for each, by which calls it is done, and what is found out when it was not done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stages_devices import (
    HOME,
    IDS,
    LINUX,
    NEW_GUID,
    VDA,
    FakeDevices,
    RealPrograms,
    disk,
    entry,
    part,
    storage,
    surroundings,
)
from stages_machine import environment

from provision.apply.devices import BlockDevice, PartitionTable, Signature, TableEntry
from provision.apply.operations.devices import DeviceAct
from provision.apply.operations.partitions import (
    AnnouncePartitions,
    ChangePartitions,
    NewPartition,
    WipeTable,
    derived_guid,
)
from provision.apply.plan.devices import Surroundings
from provision.apply.plan.partitions import Decision, decide, plan_partitions
from provision.apply.programs import Ended
from provision.diagnostics import ProvisionError

Partition = dict[str, Any]
MIB = 2048  # sectors

# A disk with three partitions and a hole behind each.
OLD = disk(entry(1, 1, 100, "one"), entry(2, 200, 100, "two"), entry(3, 400, 100))


def decisions(
    *partitions: Partition, device: BlockDevice = OLD, busy: dict[int, tuple[str, ...]] | None = None
) -> list[Decision]:
    """What is decided for the partitions of a config."""
    (wanted,) = storage(disks=[{"device": VDA, "partitions": list(partitions)}]).storage.disks
    return list(decide(wanted, device, device.table, busy or {}))


def decision(partition: Partition, **more: Any) -> Decision:
    (found,) = decisions(partition, **more)
    return found


def refusal(*partitions: Partition, **more: Any) -> str:
    """Why a config is refused."""
    with pytest.raises(ProvisionError) as caught:
        decisions(*partitions, **more)
    return str(caught.value)


# ---- the reuse table ------------------------------------------------------------------------------------------------

WHOLE = {"number": 1, "startMiB": 1, "sizeMiB": 100, "label": "one", "guid": f"{IDS}1", "typeGuid": LINUX.lower()}

ROWS: list[tuple[str, Partition, str]] = [
    ("no, should not", {"number": 9, "shouldExist": False}, "absent"),
    ("no, should not, wipe", {"number": 9, "shouldExist": False, "wipePartitionEntry": True}, "absent"),
    ("no, should", {"number": 9, "sizeMiB": 10}, "make"),
    ("no, should, wipe", {"number": 9, "sizeMiB": 10, "wipePartitionEntry": True}, "make"),
    ("no, should, resize", {"number": 9, "sizeMiB": 10, "resize": True}, "make"),
    ("yes, should not, wipe", {"number": 1, "shouldExist": False, "wipePartitionEntry": True}, "delete"),
    ("yes, all the same", WHOLE, "keep"),
    ("yes, all the same, wipe", {**WHOLE, "wipePartitionEntry": True}, "keep"),
    ("yes, all the same, resize", {**WHOLE, "resize": True}, "keep"),
    ("yes, nothing said", {"number": 1}, "keep"),
    ("yes, empty GUIDs", {"number": 1, "guid": "", "typeGuid": ""}, "keep"),
    ("yes, an empty label where there is none", {"number": 3, "label": ""}, "keep"),
    ("yes, another label, wipe", {**WHOLE, "label": "x", "wipePartitionEntry": True}, "replace"),
    ("yes, no label, wipe", {**WHOLE, "label": "", "wipePartitionEntry": True}, "replace"),
    ("yes, another kind, wipe", {**WHOLE, "typeGuid": HOME, "wipePartitionEntry": True}, "replace"),
    ("yes, another id, wipe", {**WHOLE, "guid": f"{IDS}9", "wipePartitionEntry": True}, "replace"),
    ("yes, another start, wipe", {**WHOLE, "startMiB": 2, "wipePartitionEntry": True}, "replace"),
    ("yes, another size, wipe", {**WHOLE, "sizeMiB": 50, "wipePartitionEntry": True}, "replace"),
    (
        "yes, another size, wipe and resize",
        {**WHOLE, "sizeMiB": 50, "wipePartitionEntry": True, "resize": True},
        "replace",
    ),
    ("yes, larger, resize", {**WHOLE, "sizeMiB": 150, "resize": True}, "resize"),
    ("yes, smaller, resize", {**WHOLE, "sizeMiB": 50, "resize": True}, "resize"),
    ("yes, size alone, resize", {"number": 1, "sizeMiB": 150, "resize": True}, "resize"),
]
REFUSED: list[tuple[str, Partition, str]] = [
    ("yes, should not", {"number": 1, "shouldExist": False}, "partition 1 exists and should not"),
    ("yes, another label", {**WHOLE, "label": "x"}, "label is 'one', not 'x'"),
    ("yes, an empty label", {"number": 1, "label": ""}, "label is 'one', not ''"),
    ("yes, another kind", {**WHOLE, "typeGuid": HOME}, f"typeGuid is {LINUX}, not {HOME}"),
    ("yes, another id", {**WHOLE, "guid": f"{IDS}9"}, f"guid is {IDS}1, not {IDS}9"),
    ("yes, another start", {**WHOLE, "startMiB": 2}, "start is sector 2048, not 4096"),
    ("yes, another size", {**WHOLE, "sizeMiB": 50}, "size is 204800 sectors, not 102400"),
    ("yes, another size and label, resize", {**WHOLE, "sizeMiB": 150, "label": "x", "resize": True}, "label is 'one'"),
    (
        "yes, another size and start, resize",
        {**WHOLE, "sizeMiB": 150, "startMiB": 2, "resize": True},
        "start is sector",
    ),
]


@pytest.mark.parametrize(("name", "partition", "action"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_of_the_reuse_table_is_decided(name: str, partition: Partition, action: str) -> None:
    assert decision(partition).action == action


@pytest.mark.parametrize(("name", "partition", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_row_of_the_reuse_table_is_refused_with_its_reason(name: str, partition: Partition, reason: str) -> None:
    assert reason in refusal(partition)
    assert "`wipePartitionEntry: true`" in refusal(partition)


def test_a_resize_keeps_all_but_the_size() -> None:
    found = decision({"number": 1, "sizeMiB": 150, "resize": True})
    assert found.after == entry(1, 1, 150, "one")
    assert not found.destroys


def test_a_replacement_takes_only_what_the_config_says() -> None:
    found = decision({"number": 1, "startMiB": 1, "sizeMiB": 50, "wipePartitionEntry": True})
    assert found.after == TableEntry(number=1, start=MIB, size=50 * MIB)
    assert found.destroys


def test_a_partition_that_moves_without_a_size_takes_the_rest_of_the_largest_hole() -> None:
    found = decision({"number": 2, "startMiB": 600, "wipePartitionEntry": True}).after
    assert found == TableEntry(number=2, start=600 * MIB, size=(1 << 21) - 34 + 1 - 600 * MIB)


def test_size_zero_grows_into_the_space_behind_it() -> None:
    found = decision({"number": 1, "startMiB": 1, "sizeMiB": 0, "resize": True}, device=disk(entry(1, 1, 100)))
    assert found.action == "resize"
    assert found.after is not None
    assert found.after.end == (1 << 21) - 34


def test_sectors_of_4096_bytes_are_counted_as_such() -> None:
    found = decision(
        {"number": 2, "startMiB": 10, "sizeMiB": 10}, device=disk(entry(1, 1, 2, sector=4096), sector=4096)
    )
    assert found.after is not None
    assert (found.after.start, found.after.size) == (2560, 2560)


# ---- numbers --------------------------------------------------------------------------------------------------------


def test_number_zero_takes_the_lowest_free_one_after_all_others() -> None:
    found = decisions(
        {"number": 0, "label": "a", "sizeMiB": 10},
        {"number": 4, "sizeMiB": 10},
        {"number": 0, "label": "b", "sizeMiB": 10},
    )
    assert [(each.number, each.after.label if each.after else "") for each in found] == [(4, ""), (5, "a"), (6, "b")]


def test_number_zero_takes_what_is_deleted() -> None:
    gone = {"number": 2, "shouldExist": False, "wipePartitionEntry": True}
    new = {"number": 0, "label": "a", "startMiB": 600, "sizeMiB": 10, "wipePartitionEntry": True}
    for order in ((gone, new), (new, gone)):
        (found,) = decisions(*order)
        assert (found.number, found.action) == (2, "replace")
        assert found.after is not None
        assert found.after.label == "a"


def test_number_zero_does_not_replace_what_is_deleted_without_saying_so() -> None:
    gone = {"number": 2, "shouldExist": False, "wipePartitionEntry": True}
    assert "partition 2 does not match" in refusal(gone, {"number": 0, "label": "a", "startMiB": 600, "sizeMiB": 10})


def test_number_zero_on_a_disk_with_holes_in_its_numbers() -> None:
    device = disk(entry(1, 1, 10), entry(3, 20, 10))
    assert decision({"number": 0, "label": "a"}, device=device).number == 2


def test_start_zero_takes_the_largest_hole() -> None:
    found = decision({"number": 0, "label": "a", "sizeMiB": 10})
    assert found.after is not None
    assert (found.after.start, found.after.size) == (500 * MIB, 10 * MIB)


def test_what_does_not_fit_is_refused_with_what_is_free() -> None:
    assert "free are" in refusal({"number": 9, "sizeMiB": 2000})


def test_partitions_of_a_blank_disk_lie_one_behind_the_other() -> None:
    found = decisions(
        {"number": 0, "label": "a", "sizeMiB": 10}, {"number": 0, "label": "b", "sizeMiB": 20}, {"number": 0, "label": "c"},
        device=disk(kind=""),
    )  # fmt: skip
    places = [(each.number, each.after.start, each.after.size) for each in found if each.after]
    assert places[:2] == [(1, MIB, 10 * MIB), (2, 11 * MIB, 20 * MIB)]
    assert places[2][:2] == (3, 31 * MIB)


# ---- disks in use ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "partition",
    [
        {"number": 1, "shouldExist": False, "wipePartitionEntry": True},
        {**WHOLE, "label": "x", "wipePartitionEntry": True},
        {**WHOLE, "sizeMiB": 150, "resize": True},
    ],
)
def test_a_partition_in_use_is_not_changed(partition: Partition) -> None:
    reason = refusal(partition, busy={1: ("/boot",)})
    assert "partition 1 is in use (/boot) and would be changed" in reason


def test_a_partition_in_use_that_matches_is_kept() -> None:
    assert decision(WHOLE, busy={1: ("/boot",)}).action == "keep"


def test_partitions_beside_one_in_use_may_be_changed() -> None:
    assert (
        decision({"number": 2, "shouldExist": False, "wipePartitionEntry": True}, busy={1: ("/",)}).action == "delete"
    )


def plan(around: Surroundings, *partitions: Partition, **more: Any) -> list[DeviceAct]:
    """The operations for a disk."""
    return list(plan_partitions(storage(disks=[{"device": VDA, "partitions": list(partitions), **more}]), around))


def test_a_table_with_a_partition_in_use_is_not_wiped() -> None:
    around = surroundings(OLD, part(OLD, 2, used_by=("/data", "swap")))
    assert plan(around, wipeTable=True) == []
    assert around.refusals == ["/dev/vda: `wipeTable` on a disk that is in use (partition 2: /data, swap)"]


@pytest.mark.parametrize("wipe", [False, True])
def test_a_disk_that_is_itself_in_use_is_left_alone(wipe: bool) -> None:
    around = surroundings(disk(kind="", used_by=("dm-0",)))
    assert plan(around, {"number": 1}, wipeTable=wipe) == []
    assert around.refusals == ["/dev/vda: the disk itself is in use (dm-0)"]


def test_a_disk_that_is_busy_through_its_partitions_can_have_more() -> None:
    busy = OLD.changed(used_by=("/boot",))
    around = surroundings(busy, part(busy, 1, used_by=("/boot",)))
    assert len(plan(around, {"number": 0, "label": "new"})) == 1
    assert around.refusals == []


# ---- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dos", "sun", "unknown"])
def test_a_table_of_another_kind_is_refused_unless_it_is_wiped(kind: str) -> None:
    around = surroundings(disk(kind=kind))
    assert plan(around, {"number": 1}) == []
    assert f"of the kind {kind}, not gpt; `wipeTable: true` replaces it" in around.refusals[0]
    assert [type(act) for act in plan(surroundings(disk(kind=kind)), {"number": 1}, wipeTable=True)] == [
        WipeTable, ChangePartitions,
    ]  # fmt: skip


def test_a_wiped_table_has_room_for_all() -> None:
    wipe, change = plan(surroundings(OLD), {"number": 1, "label": "new"}, wipeTable=True)
    assert wipe.describe() == "wipe the partition table of /dev/vda"
    assert isinstance(change, ChangePartitions)
    assert change.deletes == ()
    assert change.creates[0].start == MIB


def test_a_damaged_table_is_noted() -> None:
    damaged = OLD.changed(table=OLD.table.changed(damage="the backup copy is damaged; the first one counts"))
    around = surroundings(damaged, part(OLD, 1))
    assert plan(around, {"number": 1}) == []
    assert around.notes == ["/dev/vda: the backup copy is damaged; the first one counts"]


def test_a_disk_without_changes_is_not_touched() -> None:
    assert plan(surroundings(OLD, part(OLD, 1)), {"number": 1}, {"number": 9, "shouldExist": False}) == []


def test_a_partition_that_stays_and_that_the_kernel_does_not_know_is_announced() -> None:
    (act,) = plan(surroundings(OLD), {"number": 1})
    assert act.describe() == "tell the kernel of partition 1 of /dev/vda, which its table has"
    elsewhere = part(OLD, 1).changed(start=4096)
    assert isinstance(plan(surroundings(OLD, elsewhere), {"number": 1})[0], AnnouncePartitions)


def test_a_disk_that_is_not_there_is_refused_once() -> None:
    around = surroundings()
    assert plan(around, {"number": 1}) == []
    assert plan(around, {"number": 1}) == []
    assert around.refusals == ["storage.disks: there is no device /dev/vda"]


# ---- carrying over --------------------------------------------------------------------------------------------------

EXT4 = Signature(type="ext4", usage="filesystem", label="data")


def test_later_steps_see_what_is_made_and_not_what_is_gone() -> None:
    around = surroundings(OLD, part(OLD, 1, EXT4), part(OLD, 2, EXT4), part(OLD, 3, EXT4))
    plan(
        around, {"number": 1, "shouldExist": False, "wipePartitionEntry": True}, {"number": 2},
        {"number": 3, "startMiB": 600, "sizeMiB": 10, "wipePartitionEntry": True}, {"number": 4, "label": "new", "sizeMiB": 10},
    )  # fmt: skip
    assert "/dev/vda1" not in around.by_name
    assert around.by_name["/dev/vda2"].signatures == (EXT4,)
    assert around.by_name["/dev/vda3"].signatures == ()
    assert around.by_name["/dev/disk/by-partlabel/new"].path == "/dev/vda4"


def test_a_partition_that_is_made_where_another_started_holds_what_that_held() -> None:
    around = surroundings(OLD, part(OLD, 1, EXT4))
    plan(around, {"number": 1, "sizeMiB": 150, "resize": True})
    assert around.by_name["/dev/vda1"].signatures == (EXT4,)
    assert around.by_name["/dev/vda1"].size == 150 << 20


def test_other_names_of_the_disk_lead_to_its_partitions() -> None:
    around = surroundings(disk(kind="", names=("/dev/disk/by-id/x",)))
    plan(around, {"number": 1, "guid": f"{IDS}7".lower()})
    assert around.by_name["/dev/disk/by-id/x-part1"].path == "/dev/vda1"
    assert around.by_name[f"/dev/disk/by-partuuid/{IDS}7"].path == "/dev/vda1"


@pytest.mark.parametrize(
    ("device", "nodes"),
    [
        (disk(path="/dev/nvme0n1"), "/dev/nvme0n1p"),
        (disk(path="/dev/sda"), "/dev/sda"),
        (disk(path="/dev/loop7"), "/dev/loop7p"),
        (
            BlockDevice(path="/dev/dm-3", names=("/dev/mapper/mpatha",), size=1 << 30, sector_size=512, kind="dm"),
            "/dev/disk/by-id/dm-name-mpathap",
        ),
    ],
)
def test_nodes_are_called_after_their_disk(device: BlockDevice, nodes: str) -> None:
    acts = plan_partitions(
        storage(disks=[{"device": device.path, "partitions": [{"number": 1}]}]), surroundings(device)
    )
    (act,) = acts
    assert isinstance(act, ChangePartitions)
    assert act.nodes == nodes


# ---- carrying out ---------------------------------------------------------------------------------------------------

CHANGE = ChangePartitions(
    device=VDA, sector_size=512, nodes=VDA, deletes=("1", "2"),
    creates=(
        NewPartition(number=2, start=200 * MIB, size=150 * MIB, label="two", guid=f"{IDS}2", type_guid=HOME),
        NewPartition(number=4, start=600 * MIB, size=10 * MIB),
        NewPartition(number=5, start=700 * MIB, size=10 * MIB, label=""),
    ),
)  # fmt: skip
MADE = disk(
    entry(2, 200, 150, "two"), entry(3, 400, 100), entry(4, 600, 10), entry(5, 700, 10),
)  # fmt: skip
PARTS = tuple(part(MADE, number) for number in (2, 3, 4, 5))


def test_all_changes_of_a_disk_are_one_call_in_a_fixed_order() -> None:
    system = FakeDevices(MADE, *PARTS)
    CHANGE.execute(system)
    assert system.lines("sgdisk") == [
        "sgdisk --delete=1 --delete=2 --new=2:409600:+307200 --change-name=2:two "
        f"--typecode=2:{HOME} --partition-guid=2:{IDS}2 --new=4:1228800:+20480 --new=5:1433600:+20480 --change-name=5: /dev/vda"
    ]
    assert system.lines("partx") == [
        "partx --delete --nr 1 /dev/vda", "partx --update --nr 2 /dev/vda", "partx --update --nr 4 /dev/vda",
        "partx --update --nr 5 /dev/vda",
    ]  # fmt: skip
    assert system.lines()[-1] == "settle /dev/vda"


def test_what_partx_complains_of_is_nothing_where_the_kernel_has_all_as_it_is_due() -> None:
    system = FakeDevices(MADE, *PARTS, fails="partx")
    CHANGE.execute(system)
    assert not system.notices
    assert len(system.lines("partx")) == 4


class OpenPartitions(FakeDevices):
    """A disk with partitions that something has open: the kernel changes none of them until udev has settled so many times."""

    def __init__(self, before: BlockDevice, patience: int) -> None:
        super().__init__(MADE, *(part(before, number) for number in (1, 2, 3)), fails="partx")
        self.patience = patience

    def settle(self, path: str) -> None:
        super().settle(path)
        self.patience -= 1
        if self.patience == 0:
            self.fails = ""
            self.known = {VDA: MADE, **{each.path: each for each in PARTS}}


def test_a_partition_that_is_open_for_a_moment_is_waited_for() -> None:
    system = OpenPartitions(OLD, 3)
    CHANGE.execute(system)
    assert not system.notices
    assert system.lines("partx") == [
        *["partx --delete --nr 1 /dev/vda"] * 3, "partx --update --nr 2 /dev/vda", "partx --update --nr 4 /dev/vda",
        "partx --update --nr 5 /dev/vda",
    ]  # fmt: skip


def test_a_partition_that_stays_open_is_told_of() -> None:
    system = OpenPartitions(OLD, 1000)
    with pytest.raises(ProvisionError, match="partition 1 of /dev/vda is still there after it was deleted"):
        CHANGE.execute(system)
    assert len(system.notices) == 4
    assert "partx --delete --nr 1 /dev/vda" in system.notices[0]


WRONG: dict[str, tuple[BlockDevice, tuple[BlockDevice, ...], str]] = {
    "a partition that is not in the table": (
        disk(entry(2, 200, 150), entry(5, 700, 10)), PARTS, "partition 4 is not in the table of /dev/vda after it was made",
    ),
    "a place that is another one in the table": (
        disk(entry(2, 201, 149), entry(4, 600, 10), entry(5, 700, 10)), PARTS,
        "partition 2 of /dev/vda starts at sector 411648 with 305152 sectors; 409600 and 307200 are due",
    ),
    "a deleted partition that is in the table": (
        disk(entry(1, 1, 10), *MADE.table.entries), PARTS, "partition 1 of /dev/vda is still there after it was deleted",
    ),
    "a deleted partition that the kernel has": (
        MADE, (*PARTS, part(OLD, 1)), "partition 1 of /dev/vda is still there after it was deleted",
    ),
    "a place that is another one for the kernel": (
        MADE, (part(OLD, 2), *PARTS[1:]),
        "the kernel's partition /dev/vda2 starts at sector 409600 with 204800 sectors; 409600 and 307200 are due",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_was_committed_and_is_not_so_is_found_out(name: str) -> None:
    whole, parts, message = WRONG[name]
    with pytest.raises(ProvisionError) as caught:
        CHANGE.execute(FakeDevices(whole, *parts))
    assert str(caught.value) == message


def test_a_disk_that_vanishes_after_the_commit_is_an_error() -> None:
    with pytest.raises(ProvisionError, match="/dev/vda is no block device of this machine"):
        CHANGE.execute(FakeDevices())


def test_a_node_that_does_not_come_is_an_error() -> None:
    with pytest.raises(ProvisionError, match="there is no device /dev/vda4"):
        CHANGE.execute(FakeDevices(MADE, *PARTS, gone=("/dev/vda4",)))


def test_a_partition_of_a_mapped_disk_is_known_by_its_own_table() -> None:
    nodes = "/dev/disk/by-id/dm-name-mpathap"
    table = PartitionTable(kind="gpt", entries=(TableEntry(number=1, start=MIB, size=10 * MIB),))
    whole = BlockDevice(path="/dev/dm-0", size=1 << 30, sector_size=512, kind="dm", table=table)
    kernel = BlockDevice(path="/dev/dm-1", size=10 << 20, sector_size=512, kind="dm")
    change = ChangePartitions(
        device="/dev/dm-0", sector_size=512, nodes=nodes, creates=(NewPartition(number=1, start=MIB, size=10 * MIB),)
    )
    system = FakeDevices(whole)
    system.known[f"{nodes}1"] = kernel
    system.answers["dmsetup"] = Ended(0, b"0 20480 linear 253:0 2048\n")
    change.execute(system)
    system.answers["dmsetup"] = Ended(0, b"0 20480 linear 253:0 4096\n")
    with pytest.raises(ProvisionError, match="starts at sector 4096"):
        change.execute(system)
    system.answers["dmsetup"] = Ended(0, b"0 20480 crypt\n")
    with pytest.raises(ProvisionError, match="its table cannot be read"):
        change.execute(system)


# ---- sgdisk that fails ----------------------------------------------------------------------------------------------


def failing_sgdisk(folder: Path, *statuses: int) -> Callable[[], list[str]]:
    """A program for sgdisk whose n-th call ends with the n-th status, the last for good; what it was called with."""
    script, log = folder / "sgdisk", folder / "calls"
    cases = "".join(f"{number}) exit {status};; " for number, status in enumerate(statuses[:-1], 1))
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {log}\necho "the disk says no" >&2\ncase $(wc -l < {log}) in {cases}*) exit {statuses[-1]};; esac\n'
    )
    script.chmod(0o755)
    return lambda: log.read_text().splitlines()


def test_a_damaged_table_is_wiped_in_a_second_call(tmp_path: Path) -> None:
    calls = failing_sgdisk(tmp_path, 2, 0)
    system = RealPrograms()
    with environment({"PROVISION_SGDISK": str(tmp_path / "sgdisk")}):
        WipeTable(device=VDA).execute(system)
    assert calls() == ["--zap-all /dev/vda"] * 2
    assert "wiping it once more" in system.notices[0]


@pytest.mark.parametrize("statuses", [(2, 2), (2, 3)])
def test_a_table_that_cannot_be_wiped_is_an_error(statuses: tuple[int, ...], tmp_path: Path) -> None:
    calls = failing_sgdisk(tmp_path, *statuses)
    with (
        environment({"PROVISION_SGDISK": str(tmp_path / "sgdisk")}),
        pytest.raises(ProvisionError, match="the disk says no"),
    ):
        WipeTable(device=VDA).execute(RealPrograms())
    assert len(calls()) == 2


def test_another_complaint_about_a_table_is_not_tried_again(tmp_path: Path) -> None:
    calls = failing_sgdisk(tmp_path, 4)
    with environment({"PROVISION_SGDISK": str(tmp_path / "sgdisk")}), pytest.raises(ProvisionError, match="status 4"):
        WipeTable(device=VDA).execute(RealPrograms())
    assert len(calls()) == 1


def test_a_commit_that_fails_is_the_last_call(tmp_path: Path) -> None:
    failing_sgdisk(tmp_path, 4)
    system = RealPrograms(MADE, *PARTS)
    with environment({"PROVISION_SGDISK": str(tmp_path / "sgdisk")}), pytest.raises(ProvisionError) as caught:
        CHANGE.execute(system)
    assert str(caught.value) == f"{tmp_path}/sgdisk ended with status 4: the disk says no"
    assert [call[0] for call in system.calls] == ["save", "sgdisk"]


def test_a_missing_sgdisk_is_named_with_advice() -> None:
    with (
        environment({"PROVISION_SGDISK": "/nowhere/sgdisk"}),
        pytest.raises(ProvisionError, match="was not found on this machine; install it"),
    ):
        CHANGE.execute(RealPrograms(MADE, *PARTS))


def test_descriptions_tell_what_is_made_and_what_is_deleted() -> None:
    assert CHANGE.describe() == "partition /dev/vda: delete 1; make 2 'two' (150 MiB), 4 (10 MiB), 5 (10 MiB)"


# ---- partitions without a number ------------------------------------------------------------------------------------

DISK_ID = "6833836C-BA05-4CD2-9C58-DBAA82B4B999"
NEW = {"label": "new", "sizeMiB": 50}


def with_made(label: str = "new", size_mib: int = 50, row: str = "new #1") -> BlockDevice:
    """The disk with a partition that an earlier run has made, as its id shows."""
    made = entry(4, 600, size_mib, label).changed(guid=derived_guid(DISK_ID, row))
    return OLD.changed(table=OLD.table.changed(guid=DISK_ID, entries=(*OLD.table.entries, made)))


def test_what_an_earlier_run_made_without_a_number_is_found_again() -> None:
    (found,) = decisions(NEW, device=with_made())
    assert (found.number, found.action) == (4, "keep")
    # Not so one that only looks alike, or that is now wanted to be otherwise.
    for device in (with_made(row="new #2"), with_made(label="other"), with_made(size_mib=60)):
        (found,) = decisions(NEW, device=device)
        assert (found.number, found.action) == (5, "make")


def test_two_of_a_label_are_told_apart() -> None:
    first, second = decisions(NEW, NEW, device=with_made(row="new #2"))
    assert [(each.number, each.action) for each in (first, second)] == [(5, "make"), (4, "keep")]


def test_ids_follow_from_the_table_or_from_a_new_one() -> None:
    after = BlockDevice(path=VDA, size=1 << 40, sector_size=512, table=PartitionTable(kind="gpt", guid=DISK_ID))
    change = ChangePartitions(
        device=VDA, sector_size=512, nodes=VDA, creates=(NewPartition(number=1, start=2048, size=2048, row="new #1"),)
    )
    for table, guid, given in (
        (after.table, DISK_ID, ""),
        (PartitionTable(kind=""), NEW_GUID, f"--disk-guid={NEW_GUID} "),
    ):
        system = FakeDevices(after.changed(table=table))
        with pytest.raises(ProvisionError, match="not in the table"):
            change.execute(system)
        assert system.lines("sgdisk") == [
            f"sgdisk {given}--new=1:2048:+2048 --partition-guid=1:{derived_guid(guid, 'new #1')} {VDA}"
        ]
