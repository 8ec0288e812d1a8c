"""The survey of block devices: on recorded trees, and on the machine that the tests run on."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trees
from sgdisk import entry, loop_device, made, write_table

from provision.apply.devices import BlockDevice, PartitionTable, Signature, TableEntry
from provision.apply.devices.survey import block_devices, device, image, in_use, partitions_of
from provision.apply.devices.sysfs import Sysfs, unescaped
from provision.diagnostics import ProvisionError
from provision.record import JsonSource, View, decode, encode

MIB = 1 << 20
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SERVER = (
    "/dev/cciss/c0d0", "/dev/cciss/c0d0p1", "/dev/dm-0", "/dev/dm-1", "/dev/dm-2", "/dev/md127", "/dev/sda", "/dev/sda1",
    "/dev/sda2", "/dev/sda10", "/dev/sdb", "/dev/sdb2", "/dev/sdc", "/dev/sdd", "/dev/sr0",
)  # fmt: skip


def plant(folder: Path) -> Path:
    """A recorded server; its devices hold nothing."""
    trees.planted("server", folder)
    for path in SERVER:
        trees.device(folder, path[1:], 20 * MIB)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that no test changes."""
    return plant(tmp_path_factory.mktemp("server"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One that a test may change."""
    return plant(tmp_path)


def found(root: Path, path: str) -> BlockDevice:
    (device,) = (each for each in block_devices(Sysfs(str(root))) if each.path == path)
    return device


# ---- what there is --------------------------------------------------------------------------------------------------


def test_every_device_with_a_size_is_found_in_the_order_of_numbers(server: Path) -> None:
    assert tuple(each.path for each in block_devices(Sysfs(str(server)))) == SERVER


@pytest.mark.parametrize(
    ("path", "kind", "disks"),
    [
        ("/dev/sda", "disk", ["sda"]),
        ("/dev/sda2", "partition", ["sda"]),
        ("/dev/md127", "raid", ["sda", "sdb"]),
        ("/dev/dm-0", "crypt", ["sda", "sdb"]),
        ("/dev/dm-1", "dm", ["sdc", "sdd"]),
        ("/dev/dm-2", "partition", ["sdc", "sdd"]),
        ("/dev/sr0", "rom", ["sr0"]),
        ("/dev/cciss/c0d0p1", "partition", ["cciss/c0d0"]),
    ],
)
def test_a_device_is_of_a_kind_and_lies_on_disks(path: str, kind: str, disks: list[str], server: Path) -> None:
    device = found(server, path)
    assert (device.kind, [disk.removeprefix("/dev/") for disk in device.disks]) == (kind, disks)


def test_a_disk_has_size_sectors_and_a_model(server: Path) -> None:
    disk = found(server, "/dev/sda")
    assert (disk.size, disk.sector_size, disk.model, disk.read_only) == (20 * MIB, 512, "QEMU HARDDISK", False)
    assert (disk.parent, disk.number, disk.start, disk.remark) == ("", 0, 0, "")
    assert found(server, "/dev/sdb").read_only


def test_a_partition_knows_its_disk_number_and_place(server: Path) -> None:
    partition = found(server, "/dev/sda10")
    assert (partition.parent, partition.number, partition.start) == ("/dev/sda", 10, 26624)


def test_a_place_counts_in_the_sectors_of_the_disk(server: Path) -> None:
    partition = found(server, "/dev/cciss/c0d0p1")
    assert (partition.parent, partition.number) == ("/dev/cciss/c0d0", 1)
    assert (partition.sector_size, partition.start, partition.size) == (4096, 256, 4 * MIB)


def test_a_partition_of_a_mapped_disk_is_one_of_that_disk(server: Path) -> None:
    partition = found(server, "/dev/dm-2")
    assert (partition.parent, partition.number, partition.start) == ("/dev/dm-1", 3, 0)
    assert partition.names == ("/dev/disk/by-id/dm-name-mpathap3", "/dev/mapper/mpathap3")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/dev/sda", ("/dev/disk/by-id/ata-QEMU_HARDDISK_QM00001",)),
        ("/dev/sda1", ("/dev/disk/by-id/ata-QEMU_HARDDISK_QM00001-part1", "/dev/disk/by-partlabel/boot")),
        ("/dev/md127", ("/dev/disk/by-id/md-name-any:data", "/dev/md/data")),
        ("/dev/dm-0", ("/dev/mapper/data",)),
        ("/dev/sdb", ()),
    ],
)
def test_a_device_has_the_names_that_lead_to_it(path: str, names: tuple[str, ...], server: Path) -> None:
    assert found(server, path).names == names


# ---- what is in use -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "uses"),
    [
        ("/dev/sda", ()),
        ("/dev/sda1", ("/boot",)),
        ("/dev/sda2", ("/dev/md127",)),
        ("/dev/sda10", ("swap",)),
        ("/dev/md127", ("/dev/dm-0",)),
        ("/dev/dm-0", ("/srv/my data", "/srv/sub", "btrfs")),
        ("/dev/sdc", ("/dev/dm-1",)),
        ("/dev/dm-1", ()),
        ("/dev/dm-2", ()),
    ],
)
def test_what_keeps_a_device_busy_is_known(path: str, uses: tuple[str, ...], server: Path) -> None:
    assert found(server, path).used_by == uses
    assert in_use(path, Sysfs(str(server))) == uses


def test_a_device_in_use_is_known_by_any_of_its_names(server: Path) -> None:
    sysfs = Sysfs(str(server))
    assert in_use("/dev/disk/by-partlabel/boot", sysfs) == ("/boot",)
    assert in_use("/run/ignition/dev_aliases/dev/disk/by-partlabel/boot", sysfs) == ("/boot",)
    assert in_use("/dev/disk/by-label/gone", sysfs) == ()


@pytest.mark.parametrize(
    ("field", "text"), [(rb"/a\040b", "/a b"), (rb"/a\134x\011", "/a\\x\t"), (b"/a\\9", "/a\\9"), (b"\xff", "\ufffd")]
)
def test_escapes_of_the_kernel_are_undone(field: bytes, text: str) -> None:
    assert unescaped(field) == text


# ---- one device -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/dev/sda1", "/dev/disk/by-partlabel/boot", "/run/ignition/dev_aliases/dev/disk/by-partlabel/boot"]
)
def test_a_single_device_is_found_by_any_of_its_names_and_is_the_same(path: str, server: Path) -> None:
    assert device(path, Sysfs(str(server))) == found(server, "/dev/sda1")


@pytest.mark.parametrize(
    "path",
    ["/dev/sdz", "/dev/disk/by-label/gone", "/run/loop/a", "/etc", "", "/dev/", "/dev/..", "/dev/a\0b", "x" * 5000],
)
def test_what_is_no_device_is_refused(path: str, server: Path) -> None:
    with pytest.raises(ProvisionError, match="is no block device of this machine"):
        device(path, Sysfs(str(server)))
    assert in_use(path, Sysfs(str(server))) == ()


def test_links_of_a_tree_stay_in_the_tree(root: Path) -> None:
    trees.link(root, "dev/disk/by-label/out", "../../../../../../../../../../../../dev/null")
    trees.link(root, "dev/disk/by-label/absolute", "/dev/sdb")
    assert found(root, "/dev/sdb").names == ("/dev/disk/by-label/absolute",)
    with pytest.raises(ProvisionError):
        device("/dev/disk/by-label/out", Sysfs(str(root)))


@pytest.mark.parametrize(
    ("disk", "numbers"), [("/dev/sda", [1, 2, 10]), ("/dev/cciss/c0d0", [1]), ("/dev/dm-1", [3]), ("/dev/md127", [])]
)
def test_the_partitions_of_a_disk_are_found_by_number(disk: str, numbers: list[int], server: Path) -> None:
    sysfs = Sysfs(str(server))
    partitions = partitions_of(device(disk, sysfs), sysfs)
    assert [each.number for each in partitions] == numbers
    assert partitions == tuple(each for each in block_devices(sysfs) if each.parent == disk)


# ---- what devices hold ----------------------------------------------------------------------------------------------


def test_a_disk_is_read_with_its_table(root: Path) -> None:
    with open(root / "dev/sda", "r+b") as file:
        write_table(file, 40960, {1: entry(2048, 10239, name="boot")})
    table = found(root, "/dev/sda").table
    assert (table.kind, table.damage) == ("gpt", "")
    assert [(each.number, each.label, each.start) for each in table.entries] == [(1, "boot", 2048)]


def test_a_disk_is_read_with_its_own_sectors(root: Path) -> None:
    with open(root / "dev/cciss/c0d0", "r+b") as file:
        file.truncate(81920 * 512)
        write_table(file, 10240, {1: entry(256, 999)}, sector_size=4096)
    assert found(root, "/dev/cciss/c0d0").table.entries == (
        TableEntry(number=1, start=256, size=744, type_guid="54545454-5454-5454-5454-545454545454", guid="50505050-5050-5050-5050-505050505050"),
    )  # fmt: skip


def test_a_partition_is_not_looked_at_for_a_table_of_its_own(root: Path) -> None:
    with open(root / "dev/sda1", "r+b") as file:
        file.truncate(4 * MIB)
        write_table(file, 8192, {1: entry(2048, 4095)})
    assert found(root, "/dev/sda1").table == PartitionTable()


def test_a_partition_is_read_with_what_it_holds(root: Path) -> None:
    subprocess.run(["/usr/sbin/mkswap", "--label", "my swap", str(root / "dev/sda10")], check=True, capture_output=True)
    (swap,) = found(root, "/dev/sda10").signatures
    assert (swap.type, swap.usage, swap.label, swap.version) == ("swap", "other", "my swap", "1")


def test_a_table_that_only_libblkid_knows_is_named(root: Path) -> None:
    with open(root / "dev/sdb", "r+b") as file:  # Sun: magic at 508, a checksum over all words, version and sanity.
        label = bytearray(512)
        label[128:132], label[142:144], label[188:192] = b"\0\0\0\1", b"\0\x08", b"\x60\x0d\xde\xee"
        label[508:510] = b"\xda\xbe"
        for at in range(0, 510, 2):
            label[510] ^= label[at]
            label[511] ^= label[at + 1]
        file.write(label)
    assert found(root, "/dev/sdb").table.kind == "sun"


def test_a_device_without_a_node_is_unknown_and_not_empty(root: Path) -> None:
    (root / "dev/sdb").unlink()
    disk = found(root, "/dev/sdb")
    assert disk.table == PartitionTable(kind="unknown", damage="it cannot be opened: No such file or directory")
    assert disk.signatures == (Signature(type="unknown"),)
    assert disk.remark == "its content is unknown: it cannot be opened: No such file or directory"
    assert disk.size == 20 * MIB


def test_a_suspended_map_is_not_touched(root: Path) -> None:
    (root / "sys/devices/virtual/block/dm-0/dm/suspended").write_text("1\n")
    assert found(root, "/dev/dm-0").remark == "its content is unknown: it is suspended"


def test_without_blkid_the_facts_go_as_far_as_they_go(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_BLKID", "/nonexistent/blkid")
    disk = found(root, "/dev/sda")
    assert "/nonexistent/blkid was not found on this machine" in disk.remark
    assert (disk.kind, disk.table.kind, disk.size) == ("disk", "unknown", 20 * MIB)


@as_root
def test_a_user_who_may_not_read_disks_is_told_that_root_may() -> None:
    with TemporaryDirectory() as folder:
        remark_for_a_user(plant(Path(folder)))


def remark_for_a_user(root: Path) -> None:
    os.chmod(root, 0o755)
    os.chmod(root / "dev/sda", 0o600)
    os.seteuid(65534)
    try:
        remark = device("/dev/sda", Sysfs(str(root))).remark
    finally:
        os.seteuid(0)
    assert remark == "its content is unknown: it cannot be opened: Permission denied; root may read it"


# ---- devices that vanish --------------------------------------------------------------------------------------------


class Vanishing(Sysfs):
    """A tree from which a device is unplugged after so many reads: a fake hand at the cable."""

    def __init__(self, root: Path, name: str, reads: int) -> None:
        super().__init__(str(root))
        self.name, self.reads = name, reads

    def reached(self, path: str) -> str:
        self.reads -= 1
        if self.reads == 0:
            trees.unplug(Path(self.root), self.name)
            (Path(self.root) / "dev" / self.name).unlink(missing_ok=True)
        return super().reached(path)


def test_a_disk_that_vanishes_while_it_is_looked_at_is_left_out(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Without nodes the other devices are not read, which takes time. The last device is the one that vanishes.
    others = [path for path in SERVER if path != "/dev/sr0"]
    for path in others:
        (root / path[1:]).unlink()
    counted = Vanishing(root, "sr0", 0)
    block_devices(counted)
    seen = []
    for reads in range(1, -counted.reads, 11):
        copy = tmp_path_factory.mktemp("vanishing") / "root"
        shutil.copytree(root, copy, symlinks=True, copy_function=os.link)
        devices = block_devices(Vanishing(copy, "sr0", reads))
        assert [each.path for each in devices if each.path != "/dev/sr0"] == others
        seen += [each.remark for each in devices if each.path == "/dev/sr0"]
        shutil.rmtree(copy)
    assert seen == []


def test_nothing_at_all_is_a_machine_without_devices(tmp_path: Path) -> None:
    assert block_devices(Sysfs(str(tmp_path))) == ()


def test_devices_that_lie_on_one_another_in_a_circle_are_no_trap(root: Path) -> None:
    trees.link(root, "sys/devices/virtual/block/md127/slaves/dm-0", "../../dm-0")
    assert {"/dev/sda", "/dev/sdb"} <= set(found(root, "/dev/md127").disks)


def test_a_mapped_partition_without_a_disk_is_a_map(root: Path) -> None:
    (root / "sys/devices/virtual/block/dm-2/slaves/dm-1").unlink()
    device = found(root, "/dev/dm-2")
    assert (device.kind, device.parent, device.number, device.disks) == ("dm", "", 0, ("/dev/dm-2",))


def test_a_place_that_is_mounted_over_counts_once(root: Path) -> None:
    trees.write(root, "proc/self/mountinfo", "27 22 8:1 / /boot rw - ext4 /dev/sda1 rw\n")
    assert found(root, "/dev/sda1").used_by == ("/boot",)


def test_names_that_are_no_text_are_passed_over(root: Path) -> None:
    for name in ("\udcff", "a\nb"):
        trees.link(root, f"dev/disk/by-label/{name}", "../../sdb")
    assert found(root, "/dev/sdb").names == ()


@as_root
def test_a_node_instead_of_a_link_is_a_name_too_and_of_another_kind_is_none(root: Path) -> None:
    trees.link(root, "sys/dev/block/253:0", "../../devices/virtual/block/dm-0")
    (root / "dev/mapper/data").unlink()
    os.mknod(root / "dev/mapper/data", 0o060600, os.makedev(253, 0))
    os.mknod(root / "dev/mapper/other", 0o020600, os.makedev(253, 0))
    assert found(root, "/dev/dm-0").names == ("/dev/mapper/data",)


@pytest.mark.parametrize("garbage", ["", "x", "-1", "9" * 30, "\0", "é", "1 2"])
def test_garbage_in_sysfs_is_read_as_nothing(garbage: str, root: Path) -> None:
    folder = root / "sys/devices/pci0000:00/0000:00:05.0/host0/target0:0:1/0:0:1:0/block/sdb"
    for name in ("size", "ro", "dev", "sdb2/partition", "sdb2/start", "queue/logical_block_size"):
        (folder / name).write_text(garbage)
    (root / "proc/self/mountinfo").write_text(garbage)
    (root / "proc/swaps").write_text(f"Filename\n{garbage}\n")
    assert "/dev/sda" in [each.path for each in block_devices(Sysfs(str(root)))]


# ---- records --------------------------------------------------------------------------------------------------------


def test_what_was_found_can_be_written_as_json_and_read_again(root: Path) -> None:
    with open(root / "dev/sda", "r+b") as file:
        write_table(file, 40960, {1: entry(2048, 10239, name="ß", attributes=1 << 63)})
    subprocess.run(["/usr/sbin/mkswap", str(root / "dev/sda10")], check=True, capture_output=True)
    (root / "dev/sdb").unlink()
    for each in block_devices(Sysfs(str(root))):
        document = json.loads(json.dumps(encode(each, (3, 6))))
        problems: list[object] = []
        assert decode(BlockDevice, document, View((3, 6)), JsonSource(), problems) == each  # type: ignore[arg-type]
        assert problems == []


# ---- images ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sector_size", [512, 4096])
def test_an_image_is_read_with_its_table(sector_size: int, tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    with open(path, "w+b") as file:
        file.truncate(8192 * sector_size)
        write_table(file, 8192, {1: entry(2048, 4095, name="root")}, sector_size=sector_size)
    disk = image(str(path))
    assert (disk.path, disk.size, disk.sector_size, disk.kind) == (str(path), 8192 * sector_size, sector_size, "image")
    assert [each.label for each in disk.table.entries] == ["root"]
    assert disk.signatures == ()


def test_an_image_of_a_file_system_is_read_with_its_signature(tmp_path: Path) -> None:
    path = made(tmp_path / "-disk.img", 40960)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-L", "root", str(path)], check=True, capture_output=True)
    disk = image(os.path.relpath(path))
    assert [(each.type, each.label) for each in disk.signatures] == [("ext4", "root")]
    assert disk.table == PartitionTable()


@pytest.mark.parametrize("what", ["missing", "folder", "pipe", "nul"])
def test_what_is_no_image_is_refused(what: str, tmp_path: Path) -> None:
    path = str(tmp_path / what) + "\0" * (what == "nul")
    if what == "folder":
        os.mkdir(path)
    elif what == "pipe":
        os.mkfifo(path)
    with pytest.raises(ProvisionError, match="give a disk image that exists") as caught:
        image(path)
    assert caught.value.exit_code == 2


def test_an_empty_image_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "disk.img").touch()
    assert image(str(tmp_path / "disk.img")).table == PartitionTable()


# ---- the machine itself ---------------------------------------------------------------------------------------------


def test_this_machine_is_looked_at_without_an_error() -> None:
    devices = block_devices()
    assert all(each.path.startswith("/dev/") and each.size > 0 and each.disks for each in devices)
    assert [each.path for each in devices] == list(dict.fromkeys(each.path for each in devices))


def test_a_loop_device_of_this_machine_is_read(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    with open(path, "w+b") as file:
        file.truncate(8192 * 4096)
        write_table(file, 8192, {1: entry(256, 4095, name="root")}, sector_size=4096)
    with loop_device(path, 4096) as node:
        link = tmp_path / "alias"
        link.symlink_to(node)
        disk = device(str(link))
        other = tmp_path / "node"
        os.mknod(other, 0o600 | 0o060000, os.stat(node).st_rdev)
        assert device(str(other)) == disk
        assert disk in block_devices()
    assert (disk.path, disk.kind, disk.size, disk.sector_size) == (node, "loop", 8192 * 4096, 4096)
    assert (disk.model, disk.disks, disk.used_by) == (str(path), (node,), ())
    assert [each.label for each in disk.table.entries] == ["root"]


def test_a_mounted_loop_device_of_this_machine_is_in_use(tmp_path: Path) -> None:
    path = made(tmp_path / "disk.img", 40960)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", str(path)], check=True, capture_output=True)
    point = tmp_path / "mount point"
    point.mkdir()
    with loop_device(path, 512) as node:
        if subprocess.run(["mount", "-o", "ro", node, str(point)], check=False, capture_output=True).returncode != 0:
            pytest.skip("this machine mounts nothing")
        try:
            assert in_use(node) == (str(point),)
        finally:
            subprocess.run(["umount", str(point)], check=True)
        assert in_use(node) == ()
