"""Looking at a machine's block devices. Read-only; what cannot be read is said in a `remark`, and never raised.

`sysfs` knows what the kernel says, `gpt` partition tables, `probe` signatures, `luks` headers; here it becomes records.
"""

import os
import re
import stat

from provision.apply.devices import ArrayMember, BlockDevice, PartitionTable, Signature
from provision.apply.devices.gpt import read_table
from provision.apply.devices.luks import allows_discards
from provision.apply.devices.md import read_member
from provision.apply.devices.probe import Probed, probe
from provision.apply.devices.sysfs import BLOCK, KERNEL_SECTOR, Sysfs, device_path
from provision.apply.devices.unfinished import is_unfinished
from provision.apply.paths import shown
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

HERE = Sysfs()
UNKNOWN = "unknown"
# libblkid's names for what `gpt` judges better itself: a GPT, and a protective MBR alone.
OUR_KINDS = ("", "gpt", "PMBR")
# Floppy drives are slow, and the kernel shows them where there are none. Source: Linux, Documentation/admin-guide/devices.txt.
FLOPPY_MAJOR = "2:"
# Source: Linux, include/scsi/scsi_proto.h, TYPE_ROM.
SCSI_ROM = 5
# The sizes of sectors with which an image's table is looked for; the first is taken for an image without one.
IMAGE_SECTORS = (512, 4096)


class Overview(NamedTuple):
    """What is looked up once for all devices: their other names, and what keeps them busy."""

    links: dict[str, tuple[str, ...]]
    uses: dict[str, tuple[str, ...]]


class Content(NamedTuple):
    """What reading a device itself tells."""

    table: PartitionTable = PartitionTable()
    signatures: tuple[Signature, ...] = ()
    discard: bool | None = None
    unfinished: bool = False
    member: ArrayMember = ArrayMember()
    remark: str = ""


def block_devices(sysfs: Sysfs = HERE) -> tuple[BlockDevice, ...]:
    """Every block device that has a size, by name. Those that vanish while they are looked at are left out."""
    overview = Overview(sysfs.links(), sysfs.uses())
    names = sorted(sysfs.names(BLOCK), key=by_numbers)
    found = (describe(sysfs, name, overview) for name in names if is_shown(sysfs, name))
    return tuple(device for device in found if device.size and sysfs.has(kernel_name_of(device)))


def device(path: str, sysfs: Sysfs = HERE) -> BlockDevice:
    """The device that a path leads to, by any of its names; raises ProvisionError where it leads to none."""
    name = sysfs.kernel_name(path)
    if not name:
        raise ProvisionError(f"{shown(path)} is no block device of this machine")
    return describe(sysfs, name, Overview(sysfs.links(), sysfs.uses()))


def partitions_of(disk: BlockDevice, sysfs: Sysfs = HERE) -> tuple[BlockDevice, ...]:
    """The partitions of a disk as the kernel has them, or device-mapper, by number."""
    disk_name = kernel_name_of(disk)
    names = [name for name in sysfs.names(BLOCK) if partition_of(sysfs, name)[0] == disk_name]
    if not names:
        return ()
    overview = Overview(sysfs.links(), sysfs.uses())
    found = [describe(sysfs, name, overview) for name in names]
    return tuple(sorted((each for each in found if each.size), key=lambda each: each.number))


def in_use(path: str, sysfs: Sysfs = HERE) -> tuple[str, ...]:
    """What keeps a device itself busy, its partitions left aside; nothing for what is no device."""
    return sysfs.uses().get(sysfs.kernel_name(path), ())


def image(path: str) -> BlockDevice:
    """A disk image: size, table, and what it holds without a table. Raises ProvisionError where it cannot be read."""
    host_path = os.path.abspath(path)
    fd = open_image(host_path)
    try:
        size = os.lseek(fd, 0, os.SEEK_END)
        sector_size = next((each for each in IMAGE_SECTORS if has_gpt(fd, size, each)), IMAGE_SECTORS[0])
        content = read_content(fd, host_path, size, sector_size)
    finally:
        os.close(fd)
    return BlockDevice(
        path=host_path,
        size=size,
        sector_size=sector_size,
        kind="image",
        disks=(host_path,),
        read_only=not os.access(host_path, os.W_OK),
        **content._asdict(),
    )


def open_image(host_path: str) -> int:
    """A descriptor of an image file; raises ProvisionError for what is none."""
    advice = "give a disk image that exists"
    try:
        fd = os.open(host_path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ProvisionError(f"{shown(host_path)} cannot be read: {reason}; {advice}", exit_code=2) from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ProvisionError(f"{shown(host_path)} is no regular file; {advice}", exit_code=2)
    return fd


def has_gpt(fd: int, size: int, sector_size: int) -> bool:
    """Whether an image has a GPT for sectors of a size."""
    try:
        return read_table(fd, size, sector_size).kind == "gpt"
    except ProvisionError:
        return False


# ---- one device -----------------------------------------------------------------------------------------------------


def describe(sysfs: Sysfs, name: str, overview: Overview) -> BlockDevice:
    """All that can be said of the device of a kernel name."""
    parent, number = partition_of(sysfs, name)
    queue = f"{BLOCK}/{name if sysfs.exists(f'{BLOCK}/{name}/queue') else parent}/queue"
    sector_size = sysfs.number(f"{queue}/logical_block_size") or KERNEL_SECTOR
    size = sysfs.number(f"{BLOCK}/{name}/size") * KERNEL_SECTOR
    kind = "partition" if number else kind_of(sysfs, name)
    return BlockDevice(
        path=device_path(name),
        names=overview.links.get(name, ()),
        size=size,
        sector_size=sector_size,
        kind=kind,
        disks=tuple(sorted(map(device_path, disks_under(sysfs, name)), key=by_numbers)),
        parent=device_path(parent) if parent else "",
        number=number,
        start=sysfs.number(f"{BLOCK}/{name}/start") * KERNEL_SECTOR // sector_size,
        model=model_of(sysfs, name),
        used_by=overview.uses.get(name, ()),
        read_only=sysfs.number(f"{BLOCK}/{name}/ro") != 0,
        **content_of(sysfs, name, size, sector_size, kind)._asdict(),
    )


def by_numbers(name: str) -> list[tuple[int, str]]:
    """A key that sorts vda10 after vda9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def kernel_name_of(device: BlockDevice) -> str:
    """The name in sysfs of a device."""
    return device.path.removeprefix("/dev/").replace("/", "!")


def is_shown(sysfs: Sysfs, name: str) -> bool:
    """Whether a device is for users: no floppy drive, and no path below a multipath device of the kernel's own."""
    is_floppy = sysfs.text(f"{BLOCK}/{name}/dev").startswith(FLOPPY_MAJOR)
    return not is_floppy and not sysfs.number(f"{BLOCK}/{name}/hidden")


def partition_of(sysfs: Sysfs, name: str) -> tuple[str, int]:
    """The disk and the number of a partition, the kernel's own or device-mapper's; nothing for other devices."""
    number = sysfs.number(f"{BLOCK}/{name}/partition")
    if number:
        # Source: sysfs(5): the folder of a partition lies in that of its disk.
        return sysfs.real(f"{BLOCK}/{name}").split("/")[-2], number
    number = sysfs.mapped_partition(name)
    slaves = sysfs.names(f"{BLOCK}/{name}/slaves")
    return (slaves[0], number) if number and len(slaves) == 1 else ("", 0)


def kind_of(sysfs: Sysfs, name: str) -> str:
    """What a device is that is no partition."""
    folder = f"{BLOCK}/{name}"
    if sysfs.exists(f"{folder}/md"):
        return "raid"
    if sysfs.exists(f"{folder}/dm"):
        return "crypt" if sysfs.text(f"{folder}/dm/uuid").startswith("CRYPT-") else "dm"
    if sysfs.exists(f"{folder}/loop") or re.fullmatch(r"loop\d+", name):
        return "loop"
    return "rom" if sysfs.number(f"{folder}/device/type") == SCSI_ROM else "disk"


def disks_under(sysfs: Sysfs, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """The whole disks that a device lies on, through partitions, arrays and maps; itself for a disk."""
    if name in seen:
        return set()
    parent, _ = partition_of(sysfs, name)
    below = [parent] if parent else sysfs.names(f"{BLOCK}/{name}/slaves")
    found = {disk for each in below for disk in disks_under(sysfs, each, seen | {name})}
    return found or {name}


def model_of(sysfs: Sysfs, name: str) -> str:
    """The maker's name of a disk, or the file behind a loop device."""
    folder = f"{BLOCK}/{name}"
    return sysfs.text(f"{folder}/device/model") or sysfs.text(f"{folder}/loop/backing_file")


# ---- what it holds --------------------------------------------------------------------------------------------------


def content_of(sysfs: Sysfs, name: str, size: int, sector_size: int, kind: str) -> Content:
    """What a device holds. What cannot be read is unknown, so that nobody takes it for empty."""
    if not size:
        return Content()
    if sysfs.number(f"{BLOCK}/{name}/dm/suspended"):
        return unknown("it is suspended")
    host_path = sysfs.reached(device_path(name))
    try:
        fd = os.open(host_path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        hint = "" if os.geteuid() == 0 else "; root may read it"
        return unknown(f"it cannot be opened: {error.strerror}{hint}")
    try:
        return read_content(fd, host_path, size, sector_size, has_table=kind != "partition")
    finally:
        os.close(fd)


def read_content(fd: int, host_path: str, size: int, sector_size: int, *, has_table: bool = True) -> Content:
    """What an open device or image holds; a partition is not looked at for a table."""
    try:
        table = read_table(fd, size, sector_size) if has_table else PartitionTable()
        found = probe(host_path)
        first = found.signatures[0] if found.signatures else Signature(type="")
        unfinished = is_unfinished(fd, first.type, first.uuid)
    except (ProvisionError, OSError) as error:
        return unknown(str(error))
    is_luks2 = (first.type, first.version) == ("crypto_LUKS", "2")
    return Content(
        agreed(table, found, has_table), found.signatures, allows_discards(fd) if is_luks2 else None, unfinished,
        read_member(fd, size) if first.type == "linux_raid_member" else ArrayMember(),
    )  # fmt: skip


def agreed(table: PartitionTable, found: Probed, has_table: bool) -> PartitionTable:
    """The table, of the kind that libblkid found where we found none."""
    if has_table and table.kind == "" and found.table_kind not in OUR_KINDS:
        return table.changed(kind=found.table_kind)
    return table


def unknown(why: str) -> Content:
    """What is said of a device that cannot be read."""
    return Content(
        PartitionTable(kind=UNKNOWN, damage=why),
        (Signature(type=UNKNOWN),),
        remark=f"its content is unknown: {why}",
    )
