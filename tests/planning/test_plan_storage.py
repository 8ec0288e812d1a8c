"""What becomes of arrays, volumes and file systems, and what that does to the root that was recorded."""

from typing import Any

import pytest
from machines import HOST, account, blank, config, data, directory, file, server, signature

from provision.apply.devices import BlockDevice, Signature
from provision.apply.facts_file import MachineFacts, RecordedNode, RecordedRoot
from provision.planning.forecast import Forecast, forecast
from provision.planning.machine import idle, recorded

LUKS = signature("crypto_LUKS", "secret", "crypto", version="2")
KEY = data("not-to-be-shown")


def planned(*devices: BlockDevice, root: RecordedRoot | None = None, **storage: Any) -> Forecast:
    facts = MachineFacts(version=1, host=HOST, devices=devices, root=root)
    return forecast(config(storage=storage), recorded(facts, "facts.json"))


def on_sda(*held: Signature, **filesystem: Any) -> Forecast:
    """The plan for a file system on a disk that holds something."""
    return planned(blank("/dev/sda", 10, *held), filesystems=[{"device": "/dev/sda", **filesystem}])


@pytest.mark.parametrize(
    ("held", "wanted", "action", "reason", "lost"),
    [
        ((), {"format": "ext4"}, "make", "it holds nothing", 0),
        ((signature("ext4", "a"),), {"format": "ext4"}, "keep", "as the config wants it", 0),
        ((signature("ext4", "a"),), {"format": "ext4", "label": "a"}, "keep", "as the config wants it", 0),
        ((signature("ext4", "a"),), {"format": "ext4", "label": "b"}, "refuse", "the label 'b' is wanted", 0),
        ((signature("ext4", "a"),), {"format": "xfs"}, "refuse", "xfs is wanted", 0),
        ((signature("ext4", "a"),), {"format": "xfs", "wipeFilesystem": True}, "make", "`wipeFilesystem` is set", 1),
        ((signature("ext4", "a"),), {"format": "none", "wipeFilesystem": True}, "make", "`wipeFilesystem` is set", 1),
        ((), {"format": "ext4", "wipeFilesystem": True}, "make", "it holds nothing", 0),
        ((Signature(type="unknown"),), {"format": "ext4", "wipeFilesystem": True}, "make", "unknown", 1),
    ],
)
def test_a_file_system_is_kept_made_or_refused(
    held: tuple[Signature, ...], wanted: dict[str, Any], action: str, reason: str, lost: int
) -> None:
    made = on_sda(*held, **wanted)
    (plan,) = made.filesystems
    assert (plan.action, len(made.destroyed), bool(made.refusals)) == (action, lost, action == "refuse")
    assert reason in plan.reason


def test_what_members_of_an_array_hold_is_lost() -> None:
    wanted = [{"name": "r", "level": "raid1", "devices": ["/dev/sda", "/dev/sdb"]}]
    made = planned(blank("/dev/sda", 10, signature("xfs", "a")), blank("/dev/sdb", 10), raid=wanted)
    assert [(loss.subject, loss.holds) for loss in made.destroyed] == [("/dev/sda", "xfs 'a'")]
    assert made.devices.by_name["/dev/md/r"].size == 10 << 30


def test_a_member_that_has_a_table_is_lost_with_its_partitions() -> None:
    facts = server()
    wanted = config(storage={"raid": [{"name": "r", "level": "raid1", "devices": ["/dev/vdb", "/dev/vdc"]}]})
    made = forecast(wanted, recorded(facts, "f"))
    assert [loss.subject for loss in made.destroyed] == ["/dev/vdb1", "/dev/vdb2", "/dev/vdb3"]


def test_a_volume_that_is_kept_hides_what_it_holds() -> None:
    made = planned(
        blank("/dev/sda", 10, LUKS),
        luks=[{"name": "v", "device": "/dev/sda", "keyFile": KEY}],
        filesystems=[{"device": "/dev/mapper/v", "format": "ext4"}],
    )
    assert ([plan.action for plan in made.volumes], [plan.action for plan in made.filesystems]) == (
        ["keep"],
        ["unknown"],
    )
    assert not made.refusals
    assert any("cannot be told before" in note for note in made.notes)


def test_a_volume_that_was_open_shows_what_it_holds() -> None:
    opened = BlockDevice(
        path="/dev/dm-0", names=("/dev/mapper/v",), size=1 << 30, sector_size=512, kind="crypt",
        signatures=(signature("ext4", "x"),),
    )  # fmt: skip
    made = planned(
        blank("/dev/sda", 10, LUKS), opened,
        luks=[{"name": "v", "device": "/dev/sda", "keyFile": KEY}],
        filesystems=[{"device": "/dev/mapper/v", "format": "ext4"}],
    )  # fmt: skip
    assert [plan.action for plan in made.filesystems] == ["keep"]


def test_wiping_a_closed_volume_loses_what_nobody_has_seen() -> None:
    made = planned(
        blank("/dev/sda", 10, LUKS),
        luks=[{"name": "v", "device": "/dev/sda", "keyFile": KEY}],
        filesystems=[{"device": "/dev/mapper/v", "format": "ext4", "wipeFilesystem": True}],
    )
    assert [(loss.subject, loss.holds) for loss in made.destroyed] == [
        ("/dev/mapper/v", "what the volume holds shows only when it is open")
    ]


def test_a_volume_made_anew_loses_the_old_one_and_holds_nothing() -> None:
    made = planned(
        blank("/dev/sda", 10, LUKS),
        luks=[{"name": "v", "device": "/dev/sda", "wipeVolume": True}],
        filesystems=[{"device": "/dev/mapper/v", "format": "ext4"}],
    )
    assert [loss.holds for loss in made.destroyed] == ["a LUKS volume 'secret'"]
    assert [plan.action for plan in made.filesystems] == ["make"]


def test_keys_and_crypttab_are_planned_without_telling_the_key() -> None:
    made = planned(blank("/dev/sda", 10), luks=[{"name": "v", "device": "/dev/sda", "keyFile": KEY}])
    described = [priced.operation.describe() for priced in made.operations]
    assert "write a volume's key to /etc/luks/v: mode 0600" in described
    assert any("/etc/crypttab" in line for line in described)
    assert "not-to-be-shown" not in repr(made.operations) + "".join(described)


# ---- the root under what is mounted ---------------------------------------------------------------------------------


def data_root(*nodes: RecordedNode) -> RecordedRoot:
    """A root with a mounted /srv that has a file."""
    folders = [directory(path) for path in ("/", "/etc", "/srv")]
    return RecordedRoot(
        path="/", users=(account("root", 0, "/root"),), nodes=(*folders, file("/srv/list", "old"), *nodes)
    )


FILES = [{"path": "/srv/list", "contents": data("new")}]


def on_srv(held: Signature, used: tuple[str, ...], **filesystem: Any) -> Forecast:
    """The plan for a file in what is mounted at /srv."""
    device = blank("/dev/sda", 10, held).changed(used_by=used)
    facts = MachineFacts(version=1, host=HOST, devices=(device,), root=data_root())
    wanted = {"filesystems": [{"device": "/dev/sda", "path": "/srv", **filesystem}], "files": FILES}
    return forecast(config(storage=wanted), idle(recorded(facts, "facts.json")))


def test_a_fresh_file_system_hides_what_was_recorded_at_its_place() -> None:
    made = on_srv(signature("ext4", "a"), ("/srv",), format="xfs", wipeFilesystem=True)
    assert [plan.action for plan in made.nodes] == ["make"]
    assert [loss.kind for loss in made.destroyed] == ["file system"]


def test_a_kept_file_system_that_was_mounted_shows_what_was_recorded() -> None:
    made = on_srv(signature("ext4", "a"), ("/srv",), format="ext4")
    assert [plan.action for plan in made.nodes] == ["refuse"]
    assert "/srv/list: a file is there already" in made.refusals[0]


def test_a_kept_file_system_that_was_not_mounted_is_taken_for_empty_and_said_so() -> None:
    made = on_srv(signature("ext4", "a"), (), format="ext4")
    assert [plan.action for plan in made.nodes] == ["make"]
    assert "what /dev/sda holds is not known: /srv is taken for empty" in made.notes


def test_a_new_root_leaves_recorded_files_and_users_aside() -> None:
    wanted = config(
        storage={
            "filesystems": [{"device": "/dev/vdc", "path": "/", "format": "xfs"}],
            "files": [{"path": "/etc/hostname", "contents": data("x"), "user": {"name": "core"}}],
        },
        passwd={"users": [{"name": "core"}]},
    )
    made = forecast(wanted, recorded(server(), "facts.json"))
    assert (made.refusals, [plan.action for plan in made.nodes], made.users[0].action) == ((), ["make"], "make")
    assert any("the root itself is another file system" in note for note in made.notes)


def test_a_mount_point_that_is_a_link_is_refused_as_the_applier_does() -> None:
    root = data_root(RecordedNode(path="/var", kind="link", mode="0777", owner="0:0", target="srv"))
    made = planned(
        blank("/dev/sda", 1), root=root, filesystems=[{"device": "/dev/sda", "path": "/var/x", "format": "xfs"}]
    )
    assert "/var is a symbolic link, not a directory to mount at" in made.refusals[0]
