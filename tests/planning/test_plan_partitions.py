"""What becomes of partitions: every row of the reuse table, and what that means for what they hold."""

from typing import Any

import pytest
from machines import HOST, blank, config, disk, part, running, server, signature

from provision.apply.devices import BlockDevice
from provision.apply.facts_file import MachineFacts
from provision.planning.disks import PartitionPlan
from provision.planning.forecast import Forecast, forecast
from provision.planning.machine import idle, recorded, renamed

LINUX_HOME = "933AC7E1-2EB4-4F13-B844-0E14E2AEF915"


def machine(*devices: BlockDevice) -> MachineFacts:
    return MachineFacts(version=1, host=HOST, devices=devices)


def planned(facts: MachineFacts, **storage: Any) -> Forecast:
    return forecast(config(storage=storage), recorded(facts, "facts.json"))


def on_vdb(*partitions: dict[str, Any], facts: MachineFacts | None = None, **more: Any) -> Forecast:
    """The plan for partitions of the server's second disk."""
    return planned(facts or server(), disks=[{"device": "/dev/vdb", "partitions": list(partitions), **more}])


def of(made: Forecast, number: int) -> PartitionPlan:
    """What becomes of a partition."""
    return next(plan for plan in made.disks[0].partitions if plan.number == number)


def lost(made: Forecast) -> list[str]:
    return [loss.subject for loss in made.destroyed]


# ---- the reuse table: should exist, exists, matches, wipePartitionEntry, resize -------------------------------------

OTHER = {"number": 2, "label": "other", "sizeMiB": 10240, "startMiB": 20481}
ROWS: list[tuple[dict[str, Any], str, str]] = [
    ({"number": 8, "sizeMiB": 64}, "make", "it does not exist"),
    ({"number": 8, "shouldExist": False}, "absent", "does not"),
    ({"number": 8, "shouldExist": False, "wipePartitionEntry": True}, "absent", "does not"),
    ({"number": 2, "shouldExist": False, "wipePartitionEntry": True}, "delete", "should not"),
    ({"number": 2}, "keep", "as the config wants it"),
    ({"number": 2, "label": "old"}, "keep", "as the config wants it"),
    ({"number": 2, "label": "old", "wipePartitionEntry": True, "sizeMiB": 10240, "startMiB": 20481}, "keep", "as the config"),
    ({"number": 2, "label": "old", "resize": True, "sizeMiB": 10240}, "keep", "as the config"),
    ({**OTHER, "wipePartitionEntry": True}, "replace", "label is 'old', not 'other'"),
    ({**OTHER, "wipePartitionEntry": True, "resize": True}, "replace", "`wipePartitionEntry` is set"),
    ({"number": 2, "typeGuid": LINUX_HOME, "wipePartitionEntry": True, "sizeMiB": 10240, "startMiB": 20481}, "replace", "typeGuid is"),
    ({"number": 3, "sizeMiB": 2048, "resize": True}, "resize", "`resize` is set"),
    ({"number": 3, "sizeMiB": 512, "resize": True}, "resize", "size is 2097152 sectors, not 1048576"),
    ({"number": 3, "sizeMiB": 0, "resize": True, "startMiB": 30721}, "resize", "`resize` is set"),
]  # fmt: skip
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"number": 2, "shouldExist": False}, "`wipePartitionEntry: true` would delete it"),
    (OTHER, "label is 'old', not 'other'"),
    ({"number": 2, "sizeMiB": 5000}, "size is 20971520 sectors"),
    ({"number": 2, "startMiB": 1}, "start is sector 41945088, not 2048"),
    ({"number": 2, "guid": "00000000-0000-4000-8000-0000000000FF"}, "guid is"),
    ({"number": 2, "typeGuid": LINUX_HOME}, "typeGuid is"),
    ({"number": 3, "label": "x", "sizeMiB": 2048, "resize": True}, "label is 'spare', not 'x'"),
    ({"number": 3, "startMiB": 30722, "sizeMiB": 2048, "resize": True}, "start is sector"),
]


@pytest.mark.parametrize(("partition", "action", "reason"), ROWS, ids=str)
def test_each_row_of_the_reuse_table_has_its_action_and_reason(
    partition: dict[str, Any], action: str, reason: str
) -> None:
    made = on_vdb(partition)
    assert not made.refusals
    plan = of(made, partition["number"])
    assert plan.action == action
    assert reason in plan.reason


@pytest.mark.parametrize(("partition", "reason"), REFUSED, ids=str)
def test_what_the_table_refuses_is_an_error_and_changes_nothing(partition: dict[str, Any], reason: str) -> None:
    made = on_vdb(partition)
    assert any(refusal.startswith("/dev/vdb: ") and reason in refusal for refusal in made.refusals)
    assert (of(made, partition["number"]).action, made.operations, made.destroyed) == ("refuse", (), ())
    assert made.disks[0].before == made.disks[0].after


def test_every_refused_partition_is_told_not_only_the_first() -> None:
    made = on_vdb({"number": 1, "label": "x"}, {"number": 2, "label": "y"}, {"number": 3, "label": "spare"})
    assert [plan.action for plan in made.disks[0].partitions] == ["refuse", "refuse", "keep"]
    assert len(made.refusals) == 2


def test_partitions_that_the_config_does_not_name_are_kept_and_listed() -> None:
    made = on_vdb({"number": 1, "label": "data"})
    assert [(plan.number, plan.action) for plan in made.disks[0].partitions] == [(1, "keep"), (2, "keep"), (3, "keep")]
    assert of(made, 3).reason == "the config does not name it"


# ---- what is lost ---------------------------------------------------------------------------------------------------


def test_a_deleted_partition_is_lost_with_what_it_holds() -> None:
    made = on_vdb({"number": 2, "shouldExist": False, "wipePartitionEntry": True})
    assert [(loss.kind, loss.subject, loss.holds) for loss in made.destroyed] == [
        ("partition", "/dev/vdb2", "xfs 'old'")
    ]


def test_a_partition_that_only_gets_another_name_keeps_its_content() -> None:
    made = on_vdb({**OTHER, "wipePartitionEntry": True})
    assert lost(made) == []
    assert "its content stays where it is (xfs 'old')" in of(made, 2).reason


def test_a_partition_that_moves_is_lost() -> None:
    assert lost(on_vdb({"number": 2, "startMiB": 40000, "sizeMiB": 10240, "wipePartitionEntry": True})) == ["/dev/vdb2"]


def test_growing_loses_nothing_and_shrinking_does() -> None:
    assert lost(on_vdb({"number": 3, "sizeMiB": 2048, "resize": True})) == []
    assert lost(on_vdb({"number": 3, "sizeMiB": 512, "resize": True})) == ["/dev/vdb3"]


def test_a_new_table_loses_what_is_not_made_again_in_its_place() -> None:
    made = on_vdb({"number": 5, "startMiB": 1, "sizeMiB": 20480}, wipeTable=True)
    assert lost(made) == ["/dev/vdb2", "/dev/vdb3"]
    assert "stays where it is (ext4 'data')" in of(made, 1).reason
    assert "begins where partition 1 did, and with what that held: ext4 'data'" in of(made, 5).reason


def test_a_file_system_made_on_what_stayed_is_lost_then() -> None:
    filesystem = {"device": "/dev/vdb5", "format": "xfs", "wipeFilesystem": True}
    table = {"device": "/dev/vdb", "wipeTable": True, "partitions": [{"number": 5, "startMiB": 1, "sizeMiB": 20480}]}
    made = planned(server(), disks=[table], filesystems=[filesystem])
    assert lost(made) == ["/dev/vdb2", "/dev/vdb3", "/dev/vdb5"]
    assert made.destroyed[-1].holds == "ext4 'data'"


def test_a_file_system_on_a_partition_that_was_lost_is_not_counted_twice() -> None:
    table = {"device": "/dev/vdb", "wipeTable": True, "partitions": [{"number": 1, "startMiB": 1, "sizeMiB": 100}]}
    made = planned(
        server(), disks=[table], filesystems=[{"device": "/dev/vdb1", "format": "xfs", "wipeFilesystem": True}]
    )
    assert sorted(lost(made)) == ["/dev/vdb1", "/dev/vdb2", "/dev/vdb3"]


@pytest.mark.parametrize(
    ("holds", "table", "lost_kinds"),
    [((), "", []), ((signature("ext4", "x"),), "", ["file system"]), ((), "dos", ["table"]), ((), "gpt", [])],
)
def test_a_disk_without_gpt_loses_what_it_holds_by_itself(holds: Any, table: str, lost_kinds: list[str]) -> None:
    wanted = {"device": "/dev/sda", "wipeTable": True, "partitions": [{"number": 1}]}
    made = planned(machine(blank("/dev/sda", 10, *holds, table=table)), disks=[wanted])
    assert [loss.kind for loss in made.destroyed] == lost_kinds


def test_partitions_of_an_old_table_are_lost_as_the_kernel_knows_them() -> None:
    whole = blank("/dev/sda", 10, table="dos")
    old = BlockDevice(
        path="/dev/sda1", size=1 << 30, sector_size=512, kind="partition", parent="/dev/sda", number=1, start=63,
        signatures=(signature("vfat", "DOS"),),
    )  # fmt: skip
    made = planned(
        machine(whole, old), disks=[{"device": "/dev/sda", "wipeTable": True, "partitions": [{"number": 1}]}]
    )
    assert [(loss.subject, loss.holds) for loss in made.destroyed] == [("/dev/sda1", "vfat 'DOS'")]


# ---- names and use --------------------------------------------------------------------------------------------------


def test_a_content_keeps_its_names_when_its_partition_grows() -> None:
    grown = {
        "device": "/dev/vdb",
        "partitions": [{"number": 2, "sizeMiB": 10240}, {"number": 3, "sizeMiB": 4096, "resize": True}],
    }
    facts = machine(
        *disk("/dev/vdb", 100, part(2, 1, 10240, "a"), part(3, 10241, 1024, "b"), holds={3: signature("xfs", "b")})
    )
    made = planned(
        facts, disks=[grown], filesystems=[{"device": "/dev/disk/by-label/b", "format": "xfs", "label": "b"}]
    )
    assert not made.refusals
    assert [plan.action for plan in made.filesystems] == ["keep"]


def test_a_disk_in_use_is_refused_and_idle_shows_the_first_boot() -> None:
    wanted = config(storage={"disks": [{"device": "/dev/vda", "wipeTable": True, "partitions": [{"number": 1}]}]})
    busy = recorded(running(), "facts.json")
    made = forecast(wanted, busy)
    assert "in use (partition 2: /boot; partition 3: /)" in made.refusals[0]
    assert any("--idle" in note for note in made.notes)
    assert not forecast(wanted, idle(busy)).refusals


def test_an_unknown_device_is_refused_with_the_one_that_is_meant() -> None:
    made = planned(server(), disks=[{"device": "/dev/vdf", "partitions": [{"number": 1}]}])
    assert made.refusals[0].startswith("storage.disks: there is no device /dev/vdf; did you mean /dev/vd")
    made = planned(server(), disks=[{"device": "/dev/nvme0n1", "partitions": [{"number": 1}]}])
    assert "the disks are /dev/vda, /dev/vdb" in made.refusals[0]
    assert planned(machine(), disks=[{"device": "/dev/sda"}]).refusals[0].endswith("no device is known")


def test_what_depends_on_an_unknown_device_is_no_error_of_its_own() -> None:
    made = planned(
        server(),
        disks=[{"device": "/dev/vdx", "partitions": [{"number": 1, "label": "x"}]}],
        luks=[{"name": "v", "device": "/dev/disk/by-partlabel/x"}],
        raid=[{"name": "r", "level": "raid1", "devices": ["/dev/vdx1", "/dev/vdc"]}],
        filesystems=[{"device": "/dev/mapper/v", "format": "ext4"}, {"device": "/dev/md/r", "format": "ext4"}],
    )
    assert len(made.refusals) == 1
    assert [plan.action for plan in (*made.arrays, *made.volumes, *made.filesystems)] == ["unknown"] * 4


def test_a_device_can_be_given_the_name_of_the_first_boot() -> None:
    name = "/dev/disk/by-id/coreos-boot-disk"
    wanted = config(storage={"disks": [{"device": name, "partitions": [{"number": 4, "label": "root"}]}]})
    unnamed = recorded(server(), "facts.json")
    assert f"--device {name}=" in forecast(wanted, unnamed).refusals[0]
    made = forecast(wanted, renamed(unnamed, [(name, "/dev/disk/by-id/virtio-system")]))
    assert made.disks[0].device is not None
    assert (made.refusals, made.disks[0].device.path) == ((), "/dev/vda")
