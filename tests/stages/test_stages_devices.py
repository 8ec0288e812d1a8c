"""Arrays, volumes, file systems and mounts: what is decided, and by which calls it is done."""

import json
from pathlib import Path
from typing import Any

import pytest
from stages_devices import VDA, FakeDevices, disk, entry, part, storage, surroundings
from stages_shared import DIRECTORY, facts, file, planned

from provision.apply.devices import ArrayMember, BlockDevice, Signature
from provision.apply.devices.sysfs import unescaped
from provision.apply.directory import Plan, plan
from provision.apply.facts import Facts
from provision.apply.mounting import Mounter, mounts
from provision.apply.operations.filesystems import MakeFilesystem
from provision.apply.operations.luks import BindVolume, FormatVolume, OpenVolume
from provision.apply.operations.mounts import Mount, Unmount
from provision.apply.operations.nodes import MakeDirectory, WriteFile
from provision.apply.operations.raid import AssembleArray, CreateArray
from provision.apply.plan.clevis import can_be_tried, is_bound, needs_network, pin_of
from provision.apply.plan.draft import Draft
from provision.apply.plan.filesystems import canonical, judge, plan_filesystems
from provision.apply.plan.leftovers import Leftovers, file_of
from provision.apply.plan.luks import judge as judge_volume
from provision.apply.plan.luks import plan_volumes
from provision.apply.plan.mounts import plan_mounts, plan_unmounts
from provision.apply.plan.raid import plan_arrays
from provision.apply.state import State
from provision.contents import data_url
from provision.diagnostics import ProvisionError
from provision.ignition import Clevis, Config, Filesystem, Luks

Json = dict[str, Any]
UUID = "0b4a7e7c-8e39-4d42-9b1e-9f8a1d1c2b3a"
STAGED = frozenset(("disks", "raid", "luks", "filesystems"))


def device(*holds: Signature, path: str = VDA, **more: Any) -> BlockDevice:
    """A device without a table that holds something."""
    return disk(path=path, kind="", signatures=holds, **more)


# ---- arrays ---------------------------------------------------------------------------------------------------------


def arrays(*raids: Json, devices: tuple[BlockDevice, ...] = ()) -> tuple[list[CreateArray | AssembleArray], Any]:
    """The operations for arrays, and what later steps see."""
    around = surroundings(*(devices or (device(path="/dev/vda"), device(path="/dev/vdb"), device(path="/dev/vdc"))))
    return list(plan_arrays(storage(raid=list(raids)), around)), around


@pytest.mark.parametrize(
    ("level", "spares", "mib"),
    [
        ("raid0", 0, 3072), ("stripe", 0, 3072), ("linear", 0, 3072), ("raid1", 0, 1024), ("mirror", 1, 1024),
        ("raid5", 0, 2048), ("5", 0, 2048), ("raid4", 0, 2048), ("raid6", 0, 1024), ("raid10", 0, 1536), ("raid1", 1, 1024),
    ],
)  # fmt: skip
def test_an_array_is_as_large_as_its_level_makes_it(level: str, spares: int, mib: int) -> None:
    devices = ["/dev/vda", "/dev/vdb", "/dev/vdc"]
    acts, around = arrays({"name": "data", "level": level, "devices": devices, "spares": spares})
    assert len(acts) == 1
    made = around.by_name["/dev/md/data"]
    assert made.size == mib << 20
    assert made.disks == tuple(devices)


def test_an_array_is_made_with_one_call() -> None:
    wanted = {
        "name": "data", "level": "raid1", "devices": ["/dev/vda", "/dev/vdb", "/dev/vdc"], "spares": 1,
        "options": ["--metadata=1.0", "--name=x"],
    }  # fmt: skip
    (act,), _ = arrays(wanted)
    system = FakeDevices()
    act.execute(system)
    assert system.lines() == [
        "mdadm --create /dev/md/data --force --run --homehost any --level raid1 --raid-devices 2 --spare-devices 1 --metadata=1.0 "
        "--name=x /dev/vda /dev/vdb /dev/vdc",
        "settle /dev/md/data",
    ]
    assert act.describe() == "make raid1 data of 2 devices and 1 spare: /dev/vda /dev/vdb /dev/vdc"


def test_an_array_that_is_named_by_its_path_is_waited_for_there() -> None:
    (act,), around = arrays({"name": "/dev/md0", "level": "raid0", "devices": ["/dev/vda"]})
    system = FakeDevices()
    act.execute(system)
    assert system.lines()[-1] == "settle /dev/md0"
    assert "--spare-devices" not in system.lines()[0]
    assert around.by_name["/dev/md0"].kind == "raid"


def test_members_in_use_and_missing_ones_are_refused() -> None:
    busy = device(path="/dev/vda", used_by=("md0",))
    acts, around = arrays({"name": "data", "level": "raid1", "devices": ["/dev/vda", "/dev/none"]}, devices=(busy,))
    assert acts == []
    assert around.refusals == [
        "storage.raid data: there is no device /dev/none", "storage.raid data: /dev/vda is in use (md0)",
    ]  # fmt: skip


def test_an_array_whose_node_does_not_come_is_an_error() -> None:
    (act,), _ = arrays({"name": "data", "level": "raid0", "devices": ["/dev/vda"]})
    with pytest.raises(ProvisionError, match="/dev/md/data"):
        act.execute(FakeDevices(gone=("/dev/md/data",)))


def test_a_member_that_vanished_ends_it_before_mdadm_is_called() -> None:
    (act,), _ = arrays({"name": "data", "level": "raid1", "devices": ["/dev/vda", "/dev/vdb"]})
    system = FakeDevices(gone=("/dev/vdb",))
    with pytest.raises(ProvisionError, match="/dev/vdb"):
        act.execute(system)
    assert system.calls == []


# ---- volumes --------------------------------------------------------------------------------------------------------

LUKS2 = Signature(type="crypto_LUKS", usage="crypto", label="secret", uuid=UUID, version="2")
LUKS1 = LUKS2.changed(version="1")
EXT4 = Signature(type="ext4", usage="filesystem", label="data", uuid=UUID)
KEY = {"source": "data:,key"}


def luks(**more: Any) -> Luks:
    """The record of a volume."""
    (found,) = storage(luks=[{"name": "data", "device": VDA, **more}]).storage.luks
    return found


VOLUMES: dict[str, tuple[Luks, BlockDevice, str, str]] = {
    "a blank device": (luks(), device(), "make", "it holds nothing"),
    "another content": (luks(keyFile=KEY), device(EXT4), "refuse", "it holds ext4 with the label 'data'"),
    "another content, wiped": (luks(wipeVolume=True), device(EXT4), "make", "`wipeVolume` is set"),
    "a volume, wiped": (luks(keyFile=KEY, wipeVolume=True), device(LUKS2), "make", "`wipeVolume` is set"),
    "a volume of version 1": (luks(keyFile=KEY), device(LUKS1), "refuse", "version 1, which cannot be reused"),
    "the same volume": (luks(keyFile=KEY, label="secret", uuid=UUID), device(LUKS2), "keep", "the config wants"),
    "nothing said": (luks(keyFile=KEY), device(LUKS2), "keep", "the config wants"),
    "no key": (luks(), device(LUKS2), "refuse", "the config has no key file"),
    "an empty key": (luks(keyFile={"source": ""}), device(LUKS2), "refuse", "the config has no key file"),
    "another label": (luks(keyFile=KEY, label="x"), device(LUKS2), "refuse", "its label is 'secret', not 'x'"),
    "another UUID": (luks(keyFile=KEY, uuid="x"), device(LUKS2), "refuse", f"its UUID is {UUID}, not x"),
    "bound": (luks(keyFile=KEY, clevis={"tpm2": True}), device(LUKS2), "refuse", "the config binds it with Clevis"),
    "discards wanted": (
        luks(keyFile=KEY, discard=True), device(LUKS2, discard=False), "refuse", "its allow-discards flag is not set",
    ),
    "discards not wanted": (luks(keyFile=KEY), device(LUKS2, discard=True), "refuse", "its allow-discards flag is set"),
    "discards as wanted": (luks(keyFile=KEY, discard=True), device(LUKS2, discard=True), "keep", ""),
    "unreadable": (luks(keyFile=KEY), device(Signature(type="unknown")), "refuse", "it holds unknown"),
}  # fmt: skip


@pytest.mark.parametrize("name", VOLUMES)
def test_a_device_is_judged_for_a_volume(name: str) -> None:
    wanted, found, action, reason = VOLUMES[name]
    verdict = judge_volume(wanted, found)
    assert verdict.action == action
    assert reason in verdict.reason
    assert ("`wipeVolume: true` would replace it" in verdict.reason) is (action == "refuse")


def test_all_that_hinders_is_said_at_once() -> None:
    reason = judge_volume(luks(label="x", clevis={"tpm2": True}), device(LUKS2)).reason
    assert reason.count(";") == 3


def volumes(config: Config, *devices: BlockDevice) -> tuple[list[Any], Any]:
    around = surroundings(*devices)
    return list(plan_volumes(config, around)), around


def test_a_new_volume_is_made_opened_and_known_to_later_steps() -> None:
    wanted = storage(luks=[{"name": "data", "device": VDA}, {"name": "inner", "device": "/dev/mapper/data"}])
    acts, around = volumes(wanted, device())
    assert [act.describe() for act in acts] == [
        "encrypt /dev/vda as data", "open /dev/vda as data", "encrypt /dev/mapper/data as inner",
        "open /dev/mapper/data as inner",
    ]  # fmt: skip
    assert around.by_name["/dev/mapper/inner"].disks == (VDA,)
    assert around.by_name["/dev/disk/by-id/dm-name-data"].size == (1 << 30) - (16 << 20)


def test_a_volume_that_is_kept_is_only_opened() -> None:
    acts, _ = volumes(storage(luks=[{"name": "data", "device": VDA, "keyFile": KEY}]), device(LUKS2))
    assert [act.describe() for act in acts] == ["open the existing volume /dev/vda as data"]


def test_a_device_in_use_is_not_encrypted() -> None:
    acts, around = volumes(
        storage(luks=[{"name": "data", "device": VDA, "wipeVolume": True}]), device(used_by=("/boot",))
    )
    assert acts == []
    assert around.refusals == ["storage.luks data: /dev/vda: it is in use (/boot)"]


def test_a_bound_volume_is_bound_after_it_was_opened() -> None:
    acts, _ = volumes(storage(luks=[{"name": "data", "device": VDA, "clevis": {"tpm2": True}}]), device())
    assert [type(act) for act in acts] == [FormatVolume, OpenVolume, BindVolume]
    assert acts[2].is_tried
    assert acts[2].drops_key


CLEVIS: dict[str, tuple[Json, bool, bool, bool]] = {
    # bound, needs the network, can be tried
    "nothing": ({}, False, False, False),
    "tpm2": ({"tpm2": True}, True, False, True),
    "no tpm2": ({"tpm2": False}, False, False, False),
    "a server": ({"tang": [{"url": "http://a", "thumbprint": "t"}]}, True, True, True),
    "a server with an advertisement": (
        {"tang": [{"url": "http://a", "thumbprint": "t", "advertisement": "{}"}]}, True, True, False,
    ),
    "two of two": ({"threshold": 2, "tpm2": True, "tang": [{"url": "http://a", "thumbprint": "t"}]}, True, True, True),
    "two of one": ({"threshold": 2, "tpm2": True}, True, False, False),
    "a pin": ({"custom": {"pin": "tpm2", "config": "{}"}}, True, False, False),
    "a pin that needs the network": ({"custom": {"pin": "tang", "config": "{}", "needsNetwork": True}}, True, True, False),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEVIS)
def test_what_a_volume_is_bound_to_says_what_it_needs(name: str) -> None:
    given, bound, network, tried = CLEVIS[name]
    clevis = luks(clevis=given).clevis
    assert clevis is not None
    assert (is_bound(clevis), needs_network(clevis), can_be_tried(clevis)) == (bound, network, tried)


def test_pins_share_the_secret() -> None:
    tang = [
        {"url": "http://a", "thumbprint": "t"}, {"url": "http://b", "thumbprint": "u", "advertisement": '{"payload": "x"}'},
    ]  # fmt: skip
    pin, config = pin_of(luks(clevis={"tang": tang, "tpm2": True, "threshold": 2}).clevis or Clevis())
    assert pin == "sss"
    assert json.loads(config) == {
        "pins": {"tang": [{"url": "http://a", "thp": "t"}, {"url": "http://b", "thp": "u", "adv": {"payload": "x"}}], "tpm2": {}},
        "t": 2,
    }  # fmt: skip


def test_the_threshold_is_one_and_tpm2_only_where_it_is_wanted() -> None:
    _, config = pin_of(
        luks(clevis={"tang": [{"url": "http://a", "thumbprint": "t"}], "tpm2": False}).clevis or Clevis()
    )
    assert json.loads(config) == {"pins": {"tang": [{"url": "http://a", "thp": "t"}]}, "t": 1}


def test_a_pin_of_the_author_s_own_is_taken_as_it_is() -> None:
    custom = {"custom": {"pin": "tpm2", "config": '{"pcr_ids": "7"}'}}
    assert pin_of(luks(clevis=custom).clevis or Clevis()) == ("tpm2", '{"pcr_ids": "7"}')


def executed(system: FakeDevices, **more: Any) -> FakeDevices:
    """Make a volume on a blank device."""
    acts, _ = volumes(storage(luks=[{"name": "data", "device": VDA, **more}]), device())
    for act in acts:
        act.execute(system)
    return system


def test_a_volume_is_made_by_these_calls() -> None:
    more = {
        "keyFile": KEY, "label": "l", "uuid": UUID, "options": ["--pbkdf", "pbkdf2"], "discard": True, "wipeVolume": True,
        "openOptions": ["--perf-no_read_workqueue"],
    }  # fmt: skip
    system = executed(FakeDevices(), **more)
    assert system.lines("wipefs") == ["wipefs --all /dev/vda"]
    assert system.lines("cryptsetup") == [
        f"cryptsetup luksFormat --batch-mode --type luks2 --key-file /key/data --subsystem provision-unfinished --label l --uuid {UUID} --pbkdf pbkdf2 /dev/vda",
        "cryptsetup luksOpen /dev/vda data --key-file /key/data --persistent --allow-discards --perf-no_read_workqueue",
        "cryptsetup config --label l /dev/vda",
    ]
    assert system.kept == ["data", "data"]


def test_a_blank_device_is_not_wiped() -> None:
    assert executed(FakeDevices()).lines("wipefs") == []


def test_a_bound_volume_is_opened_by_its_pin_and_forgets_the_random_key() -> None:
    system = executed(FakeDevices(), clevis={"tpm2": True})
    assert [
        line
        for line in system.lines()
        if line.startswith(("clevis", "cryptsetup luksClose", "cryptsetup luksRemoveKey"))
    ] == [
        'clevis luks bind -f -k /key/data -d /dev/vda sss {"pins":{"tpm2":{}},"t":1}',
        "cryptsetup luksClose data",
        "clevis luks unlock -d /dev/vda -n data",
        "cryptsetup luksRemoveKey --batch-mode /dev/vda /key/data",
    ]
    assert system.secret == ["clevis"]
    assert len(system.reached) == 1


def test_a_key_of_the_author_stays() -> None:
    assert "luksRemoveKey" not in " ".join(executed(FakeDevices(), keyFile=KEY, clevis={"tpm2": True}).lines())


@pytest.mark.parametrize("word", ["luksFormat", "luksOpen", "bind", "unlock", "luksRemoveKey"])
def test_key_files_are_gone_whatever_fails(word: str) -> None:
    system = FakeDevices(fails=word)
    with pytest.raises(ProvisionError):
        executed(system, clevis={"tpm2": True})
    assert system.lines("key")
    assert len(system.lines("key")) == len(system.lines("unlink"))


def test_an_existing_volume_that_the_key_does_not_open_is_told_as_such() -> None:
    acts, _ = volumes(storage(luks=[{"name": "data", "device": VDA, "keyFile": KEY}]), device(LUKS2))
    with pytest.raises(ProvisionError, match="the volume is there already, and the config's key does not open it"):
        acts[0].execute(FakeDevices(fails="luksOpen"))


def test_a_card_s_key_needs_a_card() -> None:
    with pytest.raises(ProvisionError, match="no CCA queue of a Crypto Express card is online"):
        executed(FakeDevices(), cex={"enabled": True})


def test_a_card_s_key_is_made_used_and_kept() -> None:
    system = FakeDevices()
    system.queues = ("01.0001", "02.0001")
    executed(system, cex={"enabled": True})
    assert "--apqns 01.0001,02.0001" in system.lines("zkey")[0]
    assert system.lines("cryptsetup")[0].endswith(
        "/dev/vda --volume-key-file /etc/zkey/repository/ignition-luks-data.skey --cipher paes-xts-plain64 --key-size 1088"
    )
    assert system.lines("zkey-cryptsetup") == ["zkey-cryptsetup setvp /dev/vda --key-file /key/data"]
    assert "/etc/zkey/repository/ignition-luks-data.info" in system.kept


# ---- file systems ---------------------------------------------------------------------------------------------------

VFAT = Signature(type="vfat", usage="filesystem", label="EFI", uuid="ABCD-EF12")


def filesystem(**more: Any) -> Filesystem:
    """The record of a file system."""
    (found,) = storage(filesystems=[{"device": VDA, **more}]).storage.filesystems
    return found


FILESYSTEMS: dict[str, tuple[Filesystem, BlockDevice, str, str]] = {
    "a blank device": (filesystem(format="ext4"), device(), "make", "it holds nothing"),
    "the same": (filesystem(format="ext4", label="data", uuid=UUID.upper()), device(EXT4), "keep", "as the config wants it"),
    "nothing but the format": (filesystem(format="ext4"), device(EXT4), "keep", "as the config wants it"),
    "another format": (filesystem(format="xfs"), device(EXT4), "refuse", "xfs is wanted"),
    "another label": (filesystem(format="ext4", label="x"), device(EXT4), "refuse", "the label 'x' is wanted"),
    "an empty label": (filesystem(format="ext4", label=""), device(EXT4), "refuse", "the label '' is wanted"),
    "another UUID": (filesystem(format="ext4", uuid="x"), device(EXT4), "refuse", "the UUID x is wanted"),
    "the same, wiped": (filesystem(format="ext4", wipeFilesystem=True), device(EXT4), "make", "`wipeFilesystem` is set"),
    "nothing wanted and there": (filesystem(format="none"), device(), "keep", "it holds nothing"),
    "nothing wanted": (filesystem(format="none"), device(EXT4), "refuse", "nothing is wanted"),
    "nothing wanted, wiped": (filesystem(format="none", wipeFilesystem=True), device(EXT4), "make", ""),
    "a number with a dash": (filesystem(format="vfat", uuid="abcd-ef12"), device(VFAT), "keep", ""),
    "a number without a dash": (filesystem(format="vfat", uuid="ABCDEF12"), device(VFAT), "keep", ""),
    "another number": (filesystem(format="vfat", uuid="ABCD-EF13"), device(VFAT), "refuse", "ABCD-EF13 is wanted"),
    "a volume": (filesystem(format="ext4"), device(LUKS2), "refuse", "it holds crypto_LUKS"),
    "a member": (filesystem(format="ext4"), device(Signature(type="linux_raid_member")), "refuse", "linux_raid_member"),
    "unreadable": (filesystem(format="ext4"), device(Signature(type="unknown")), "refuse", "it holds unknown"),
    "the first of several": (filesystem(format="ext4"), device(EXT4, VFAT), "keep", "it holds ext4"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILESYSTEMS)
def test_a_device_is_judged_for_a_file_system(name: str) -> None:
    wanted, found, action, reason = FILESYSTEMS[name]
    verdict = judge(wanted, found)
    assert verdict.action == action
    assert reason in verdict.reason
    assert ("`wipeFilesystem: true` would replace it" in verdict.reason) is (action == "refuse")


@pytest.mark.parametrize(
    ("format", "given", "wanted"),
    [
        ("vfat", "ABCD-EF12", "abcdef12"), ("vfat", "abcdef12", "abcdef12"), ("vfat", "AB-CDEF12", "ab-cdef12"),
        ("ext4", UUID.upper(), UUID), ("ext4", "ABCD-EF12", "abcd-ef12"), ("vfat", "", ""),
    ],
)  # fmt: skip
def test_uuids_are_compared_in_one_spelling(format: str, given: str, wanted: str) -> None:
    assert canonical(format, given) == wanted


COMMANDS = {
    "btrfs": "mkfs.btrfs --force -x -U u -L l /dev/vda",
    "ext4": "mkfs.ext4 -F -x -U u -L l /dev/vda",
    "xfs": "mkfs.xfs -f -x -m uuid=u -L l /dev/vda",
    "swap": "mkswap -f -x -U u -L l /dev/vda",
    "vfat": "mkfs.vfat -i 50524f56 -x -n l /dev/vda",
}


def made(around: Any, **more: Any) -> list[MakeFilesystem]:
    return list(plan_filesystems(storage(filesystems=[{"device": VDA, **more}]), around))


@pytest.mark.parametrize("format", COMMANDS)
def test_a_file_system_is_made_by_one_program_on_a_wiped_device(format: str) -> None:
    (act,) = made(surroundings(device()), format=format, label="l", uuid="U", options=["-x"])
    system = FakeDevices()
    act.execute(system)
    finish = ["finish /dev/vda u"] if format == "vfat" else []
    assert system.lines() == ["wipefs --all /dev/vda", COMMANDS[format], "flush /dev/vda", *finish, "settle /dev/vda"]


def test_without_label_and_uuid_the_program_chooses() -> None:
    (act,) = made(surroundings(device()), format="ext4")
    system = FakeDevices()
    act.execute(system)
    assert system.lines()[1] == "mkfs.ext4 -F /dev/vda"
    assert act.describe() == "make ext4 on /dev/vda"


def test_none_only_wipes() -> None:
    (act,) = made(surroundings(device(EXT4)), format="none", wipeFilesystem=True)
    system = FakeDevices()
    act.execute(system)
    assert system.lines() == ["wipefs --all /dev/vda", "settle /dev/vda"]
    assert act.describe() == "wipe what /dev/vda holds"


@pytest.mark.parametrize("format", [None, "", "virtiofs"])
def test_what_is_no_file_system_of_a_device_is_passed_over(format: str | None) -> None:
    around = surroundings()
    assert made(around, format=format) == []
    assert around.refusals == []


def test_a_file_system_in_use_is_not_made_anew() -> None:
    around = surroundings(device(EXT4, used_by=("/var",)))
    assert made(around, format="ext4", wipeFilesystem=True) == []
    assert around.refusals == ["/dev/vda: it is in use (/var)"]


def test_a_file_system_in_use_that_matches_is_kept() -> None:
    around = surroundings(device(EXT4, used_by=("/var",)))
    assert made(around, format="ext4") == []
    assert around.refusals == []


def test_file_systems_keep_the_disks_busy_that_they_write_to() -> None:
    whole = disk(entry(1, 1, 10), entry(2, 20, 10))
    around = surroundings(whole, part(whole, 1), part(whole, 2), device(path="/dev/vdb"))
    wanted = [{"device": name, "format": "ext4"} for name in ("/dev/vda1", "/dev/vda2", "/dev/vdb")]
    acts = list(plan_filesystems(storage(filesystems=wanted), around))
    assert [act.lanes for act in acts] == [("/dev/vda",), ("/dev/vda",), ("/dev/vdb",)]


def test_a_device_that_vanishes_is_not_wiped() -> None:
    (act,) = made(surroundings(device()), format="ext4")
    system = FakeDevices(gone=(VDA,))
    with pytest.raises(ProvisionError, match="there is no device /dev/vda"):
        act.execute(system)
    assert system.calls == []


# ---- mounts ---------------------------------------------------------------------------------------------------------

MOUNTED = storage(
    filesystems=[
        {"device": "/dev/c", "format": "ext4", "path": "/var/lib/data", "mountOptions": ["noatime", "nodev"]},
        {"device": "/dev/b", "format": "xfs", "path": "/var"},
        {"device": "/dev/a", "format": "ext4", "path": "/"},
        {"device": "tag", "format": "virtiofs", "path": "/srv"},
        {"device": "/dev/s", "format": "swap"},
        {"device": "/dev/n", "format": "none"},
        {"device": "/dev/x", "format": "ext4"},
        {"device": "/dev/y", "format": "ext4", "path": ""},
    ]
)


def test_file_systems_are_mounted_from_the_root_down_and_unmounted_from_below() -> None:
    down = [(act.device, act.path, act.format, act.options) for act in plan_mounts(MOUNTED)]
    assert down == [
        ("/dev/a", "/", "ext4", ()), ("/dev/b", "/var", "xfs", ()), ("tag", "/srv", "virtiofs", ()),
        ("/dev/c", "/var/lib/data", "ext4", ("noatime", "nodev")),
    ]  # fmt: skip
    assert [act.path for act in plan_unmounts(MOUNTED)] == ["/var/lib/data", "/srv", "/var", "/"]


class FakeMounts:
    """A root that remembers what is mounted. Implements `operations.mounts.Mounts`."""

    def __init__(self) -> None:
        self.mounted: dict[str, str] = {}
        self.said: list[str] = []

    def is_mounted(self, device: str, path: str) -> bool:
        return self.mounted.get(path) == device

    def is_mount_point(self, path: str) -> bool:
        return path in self.mounted

    def make_mount_point(self, path: str) -> None:
        self.said.append(f"mkdir {path}")

    def mount(self, device: str, path: str, format: str, options: tuple[str, ...]) -> None:
        self.said.append(f"mount {device} {path} {format} {','.join(options)}")
        self.mounted[path] = device

    def unmount(self, path: str) -> None:
        self.said.append(f"umount {path}")
        del self.mounted[path]


def test_what_is_mounted_is_done_and_what_is_not_is_unmounted_already() -> None:
    system = FakeMounts()
    mount = Mount(device="/dev/a", path="/var", format="ext4", options=("ro",))
    unmount = Unmount(path="/var")
    assert not mount.done(system)
    assert unmount.done(system)
    mount.execute(system)
    assert mount.done(system)
    assert not Mount(device="/dev/b", path="/var", format="ext4").done(system)
    unmount.execute(system)
    assert system.said == ["mkdir /var", "mount /dev/a /var ext4 ro", "umount /var"]
    assert mount.describe() == "mount /dev/a at /var as ext4 (ro)"


def test_mount_points_are_made_and_remembered(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    state = State()
    mounter = Mounter(str(tmp_path), state)
    mounter.make_mount_point("/var/lib/data")
    mounter.make_mount_point("/var/lib/data")
    assert state.directories == ["/var/lib", "/var/lib/data"]
    assert (tmp_path / "var/lib/data").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_no_directory_on_the_way_is_refused(kind: str, tmp_path: Path) -> None:
    if kind == "link":
        (tmp_path / "var").symlink_to("/")
    else:
        (tmp_path / "var").touch()
    state = State()
    with pytest.raises(ProvisionError, match=r"/var/lib: /var is a (symbolic link|file), not a directory"):
        Mounter(str(tmp_path), state).make_mount_point("/var/lib")
    assert state.directories == []


def test_the_mounts_of_this_process_are_read() -> None:
    assert any(mounted.path == "/" for mounted in mounts())
    assert unescaped(rb"/a\040b\134c") == "/a b\\c"


# ---- what is left for the root --------------------------------------------------------------------------------------


def left_over(config: Config, left: Leftovers, known: Facts | None = None) -> Plan:
    """The plan of the stage files for what the stages before left."""
    draft = Draft(known or facts(), mount_points=left.directories)
    return plan(config, draft, "/target", handled=STAGED, left=left)


def written(found: Plan) -> dict[str, tuple[int, bytes]]:
    """Mode and content of the files that a plan writes."""
    return {act.path: (act.mode, found.blobs[act.blob]) for act in found.operations if isinstance(act, WriteFile)}


IDS = {"data": "u-1", "bound": "u-2", "far": "u-3"}
KEYS = {name: data_url(f"key of {name}".encode()) for name in IDS}


def crypttab_of(*volumes: Json, **more: Any) -> tuple[int, bytes]:
    return written(left_over(storage(luks=list(volumes)), Leftovers(key_files=KEYS, uuids=IDS), **more))[
        "/etc/crypttab"
    ]


def test_each_kind_of_volume_has_its_line() -> None:
    tang = {"tang": [{"url": "http://a", "thumbprint": "t"}]}
    mode, content = crypttab_of(
        {"name": "data", "device": VDA}, {"name": "bound", "device": VDA, "clevis": {"tpm2": True}},
        {"name": "far", "device": VDA, "clevis": tang},
    )  # fmt: skip
    assert mode == 0o600
    assert content.decode().splitlines() == [
        "data UUID=u-1 /etc/luks/data luks,x-initrd.attach",
        "bound UUID=u-2 none luks,x-initrd.attach",
        "far UUID=u-3 none luks,_netdev,x-initrd.attach",
    ]


def test_lines_go_behind_those_that_are_there() -> None:
    for before in (b"old UUID=x none luks\n", b"old UUID=x none luks"):
        known = facts(contents={"/etc/crypttab": before})
        _, content = crypttab_of({"name": "data", "device": VDA}, known=known)
        assert content == b"old UUID=x none luks\ndata UUID=u-1 /etc/luks/data luks,x-initrd.attach\n"


def test_a_line_that_is_there_is_not_added_again() -> None:
    line = b"data UUID=u-1 /etc/luks/data luks,x-initrd.attach\n"
    config = storage(luks=[{"name": "data", "device": VDA}])
    known = facts(contents={"/etc/crypttab": line})
    assert "/etc/crypttab" not in written(left_over(config, Leftovers(key_files=KEYS, uuids=IDS), known))


def test_keys_go_into_a_closed_folder_in_files_of_their_own() -> None:
    config = storage(luks=[{"name": "data", "device": VDA}, {"name": "bound", "device": VDA, "clevis": {"tpm2": True}}])
    found = left_over(config, Leftovers(key_files=KEYS, uuids=IDS))
    assert written(found)["/etc/luks/data"] == (0o600, b"key of data")
    assert "/etc/luks/bound" not in written(found)
    folders = [act for act in found.operations if isinstance(act, MakeDirectory) and act.path == "/etc/luks"]
    assert [act.mode for act in folders] == [0o700]


def test_another_key_in_the_place_of_a_key_is_refused() -> None:
    known = facts(
        nodes={"/etc/luks": DIRECTORY, "/etc/luks/data": file(b"other", 0o600)}, contents={"/etc/luks/data": b"other"}
    )
    with pytest.raises(ProvisionError, match="/etc/luks/data: a file is there already"):
        left_over(storage(luks=[{"name": "data", "device": VDA}]), Leftovers(key_files=KEYS, uuids=IDS), known)


def test_a_volume_without_key_or_header_is_refused_with_advice() -> None:
    with pytest.raises(ProvisionError) as caught:
        left_over(storage(luks=[{"name": "data", "device": VDA}]), Leftovers())
    assert "the stage `disks` left no key for it; run that stage first" in str(caught.value)
    assert "/dev/vda holds no volume; run the stage `disks` first" in str(caught.value)


def test_the_folder_for_keys_may_be_another_one() -> None:
    config = storage(luks=[{"name": "data", "device": VDA}])
    found = written(left_over(config, Leftovers(key_files=KEYS, uuids=IDS, key_folder="/var/keys")))
    assert found["/var/keys/data"][0] == 0o600
    assert b"UUID=u-1 /var/keys/data luks" in found["/etc/crypttab"][1]


def test_secure_keys_and_files_of_the_platform_are_written() -> None:
    pool = file_of({"path": "/var/lib/hyperv/.kvp_pool_0", "mode": 0o600, "contents": {"source": "data:,pool"}})
    found = written(
        left_over(Config(), Leftovers(secure_key_files={"ignition-luks-data.skey": "data:,skey"}, files=(pool,)))
    )
    assert found == {
        "/etc/zkey/repository/ignition-luks-data.skey": (0o600, b"skey"),
        "/var/lib/hyperv/.kvp_pool_0": (0o600, b"pool"),
    }


def test_without_volumes_there_is_no_crypttab() -> None:
    assert planned(Config()).operations == ()


# ---- what a run that was cut off left -------------------------------------------------------------------------------


def member(path: str, **more: Any) -> BlockDevice:
    """A disk that says of itself that it is in the array `data`."""
    fields = {"uuid": "0" * 32, "name": "data", "level": "raid1", "count": 2, "has_run": True, **more}
    return disk(path=path, kind="", signatures=(Signature(type="linux_raid_member"),), member=ArrayMember(**fields))


ARRAY = {"name": "data", "level": "mirror", "devices": ["/dev/vda", "/dev/vdb"]}


def test_an_array_that_is_there_is_started() -> None:
    (act,), around = arrays(ARRAY, devices=(member("/dev/vda"), member("/dev/vdb")))
    assert around.refusals == []
    assert act.describe() == "start the existing array data of /dev/vda /dev/vdb"
    system = FakeDevices(*around.all())
    act.execute(system)
    assert system.lines("mdadm") == ["mdadm --assemble /dev/md/data --run /dev/vda /dev/vdb"]


def test_an_array_that_is_running_is_taken_as_it_is() -> None:
    running = [member(path).changed(used_by=("/dev/md127",)) for path in ("/dev/vda", "/dev/vdb")]
    (act,), around = arrays(ARRAY, devices=tuple(running))
    assert around.refusals == []
    assert act.done(FakeDevices(disk(path="/dev/md/data")))
    assert not act.done(FakeDevices())


@pytest.mark.parametrize(
    "more",
    [{"uuid": "1" * 32}, {"name": "x"}, {"level": "raid0"}, {"count": 3}, {"has_run": False}],
    ids=["another array", "another name", "another level", "more members", "one that never ran"],
)
def test_an_array_that_is_not_the_one_wanted_is_made(more: dict[str, Any]) -> None:
    (act,), _ = arrays(ARRAY, devices=(member("/dev/vda", **more), member("/dev/vdb", **more | {"uuid": "0" * 32})))
    assert act.describe() == "make mirror data of 2 devices: /dev/vda /dev/vdb"


def test_what_is_unfinished_is_made_anew() -> None:
    xfs = disk(kind="", signatures=(Signature(type="xfs", label="l"),), unfinished=True)
    (act,) = made(surroundings(xfs), format="ext4")
    assert act.describe() == "make ext4 on /dev/vda"
    luks = disk(kind="", signatures=(Signature(type="crypto_LUKS", version="2"),), unfinished=True)
    acts, around = volumes(storage(luks=[{"name": "data", "device": VDA, "clevis": {"tpm2": True}}]), luks)
    assert around.refusals == []
    assert [type(act).__name__ for act in acts] == ["FormatVolume", "OpenVolume", "BindVolume"]
