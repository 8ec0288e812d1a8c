"""Disks as a drawing: partitions side by side, as wide as they are large, with what is made of each."""

from collections.abc import Sequence
from typing import NamedTuple

from provision.apply.paths import shown
from provision.ignition import Config, Disk, Filesystem, Luks, Partition, Raid
from provision.inspection.contents import public
from provision.inspection.devices import Devices, Mount, mounts_of, names_of, raid_device
from provision.inspection.tree import Strokes, aligned

LEAST_WIDTH = 6
MIB_IN = (("TiB", 1 << 20), ("GiB", 1 << 10), ("MiB", 1))


def draw_disks(config: Config, strokes: Strokes, width: int) -> list[str]:
    """The lines that show all of a config's disks, and what stands on them."""
    uses = Uses(config)
    lines: list[str] = []
    for disk in config.storage.disks:
        lines += [shown(disk.device) + (", new partition table" if disk.wipe_table else "")]
        lines += boxes(disk, uses, strokes, width)
    for raid in config.storage.raid:
        lines.append(f"raid {shown(raid.name)}: {raid_words(raid)}{uses.behind(raid_device(raid), strokes)}")
    for volume in config.storage.luks:
        behind = uses.behind(f"/dev/mapper/{volume.name}", strokes)
        lines.append(f"luks {shown(volume.name)}: {luks_words(volume)}{behind}")
    return lines + [f"{shown(each.device)}: {uses.words(each)}" for each in config.storage.filesystems]


# ---- what is made of a device -----------------------------------------------------------------------------------


class Uses:
    """What is made of each device, whatever the name by which it is called."""

    def __init__(self, config: Config) -> None:
        self.devices = Devices(config)
        self.mounts: dict[str, list[Mount]] = {}
        for mount in mounts_of(config):
            self.mounts.setdefault(self.devices.one(mount.what), []).append(mount)
        self.found = {device: place_words(mounts) for device, mounts in self.mounts.items()}
        for filesystem in config.storage.filesystems:
            device, made = self.devices.one(filesystem.device), shown(filesystem.format or "as it is")
            path = shown(filesystem.path or "") or self.found.get(device, "")
            self.found[device] = f"{made} {path}".rstrip() if path != made else made
        for volume in config.storage.luks:
            self.found[self.devices.one(volume.device or "")] = f"luks {shown(volume.name)}"
        for raid in config.storage.raid:
            self.found.update((self.devices.one(device), f"raid {shown(raid.name)}") for device in raid.devices)

    def of(self, device: str) -> str:
        """What is made of a device, in a few words."""
        return self.found.get(self.devices.one(device), "")

    def behind(self, device: str, strokes: Strokes) -> str:
        """What is made of a device, behind an arrow."""
        made = self.of(device)
        return f" {strokes.arrow} {made}" if made else ""

    def words(self, filesystem: Filesystem) -> str:
        """A file system in words, with the units that mount it."""
        mounts = self.mounts.get(self.devices.one(filesystem.device), [])
        by_units = [
            f"{'used' if each.where is None else f'at {shown(each.where)}'} by {shown(each.unit)}" for each in mounts
        ]
        is_said = not filesystem.path or filesystem.path in [each.where for each in mounts]
        places = by_units if is_said else [f"at {shown(filesystem.path or '')}", *by_units]
        words = [shown(filesystem.format or "as it is"), *(places or ["not mounted"])]
        words += [f"label {shown(filesystem.label)}"] if filesystem.label else []
        return ", ".join(words + ["made anew"] * bool(filesystem.wipe_filesystem))


def place_words(mounts: Sequence[Mount]) -> str:
    """Where units put a device."""
    return " ".join("swap" if each.where is None else shown(each.where) for each in mounts)


def raid_words(raid: Raid) -> str:
    """An array in words."""
    spares = f", {raid.spares} of them spare" if raid.spares else ""
    return f"{shown(raid.level or 'no level')} of {', '.join(map(shown, raid.devices)) or 'nothing'}{spares}"


def luks_words(volume: Luks) -> str:
    """An encrypted volume in words: what it is on, and what opens it."""
    clevis = volume.clevis
    keys = ["TPM2"] * bool(clevis and clevis.tpm2) + [
        f"Tang {public(each.url) if each.url else '?'}" for each in (clevis.tang if clevis else ())
    ]
    keys += ["Clevis"] * bool(clevis and clevis.custom and clevis.custom.pin) + ["CEX"] * bool(volume.cex.enabled)
    opened = ", ".join(keys) or ("a given key" if volume.key_file.source else "a key made at first boot")
    return f"on {shown(volume.device or '?')}, opened by {opened}" + (", made anew" if volume.wipe_volume else "")


# ---- boxes ------------------------------------------------------------------------------------------------------


def size_words(mib: int | None) -> str:
    """A size as people say it; what fills the rest has none."""
    if not mib or mib < 0:
        return "the rest"
    unit, factor = next((unit, factor) for unit, factor in MIB_IN if mib % factor == 0 or mib >= 16 * factor)
    return f"{mib // factor} {unit}" if mib % factor == 0 else f"{mib / factor:.1f} {unit}"


def cell(disk: Disk, partition: Partition, uses: Uses) -> tuple[str, str, str]:
    """What stands in a partition's box: number and label, size, what is made of it."""
    title = f"{partition.number or ''} {shown(partition.label or '')}".strip() or "?"
    if partition.should_exist is False:
        return title, "deleted", ""
    made = next((made for name in names_of(disk, partition)[:1] if (made := uses.of(name))), "")
    return title, size_words(partition.size_mib), made


def widths(texts: Sequence[int], sizes: Sequence[int], room: int) -> list[int]:
    """How wide each box is: in proportion to its size, but never narrower than its text, nor than a smaller one."""
    least = [max(text, LEAST_WIDTH) for text in texts]
    level = [max(least[other] for other, size in enumerate(sizes) if size <= sizes[at]) for at in range(len(sizes))]
    if sum(level) <= room:
        least = level
    fixed: set[int] = set()
    while True:
        free = [at for at in range(len(sizes)) if at not in fixed]
        left, total = room - sum(least[at] for at in fixed), sum(sizes[at] for at in free)
        short = [at for at in free if total and left * sizes[at] // total < least[at]]
        if not short:
            break
        fixed.update(short)
    wide, passed = list(least), 0
    for at in free if total else ():  # the ends of the boxes are rounded, so that together they fill the room
        wide[at] = left * (passed + sizes[at]) // total - left * passed // total
        passed += sizes[at]
    return wide


def in_order(disk: Disk) -> list[Partition]:
    """The partitions as they lie on the disk, where that is known."""
    starts = [partition.start_mib for partition in disk.partitions]
    if not all(starts):
        return list(disk.partitions)
    return sorted(disk.partitions, key=lambda partition: partition.start_mib or 0)


class Box(NamedTuple):
    """A stretch of a disk: its lines of text, and its size in any unit; 0 takes as little room as the text needs."""

    lines: tuple[str, ...]
    size: int


def boxes(disk: Disk, uses: Uses, strokes: Strokes, width: int) -> list[str]:
    """The partitions of a disk, as the config wants them."""
    partitions = in_order(disk)
    known = [max(partition.size_mib or 0, 0) for partition in partitions]
    rest = max(sum(known), 1)
    gone = [partition.should_exist is False for partition in partitions]
    sizes = [0 if away else size or rest for size, away in zip(known, gone, strict=True)]
    cells = [cell(disk, partition, uses) for partition in partitions]
    return side_by_side([Box(lines, size) for lines, size in zip(cells, sizes, strict=True)], strokes, width)


def side_by_side(drawn: Sequence[Box], strokes: Strokes, width: int) -> list[str]:
    """Boxes beside each other, as wide as they are large, or one line for each where there is no room."""
    cells = [box.lines for box in drawn]
    texts = [max(map(len, each)) + 2 for each in cells]
    room = width - len(cells) - 1
    if not cells or sum(max(each, LEAST_WIDTH) for each in texts) > room:
        return [f"  {line}" for line in aligned(cells)]
    wide = widths(texts, [box.size for box in drawn], room)
    rows = [
        strokes.upright + strokes.upright.join(f" {text:{size - 1}}" for text, size in zip(row, wide, strict=True)) + strokes.upright
        for row in zip(*cells, strict=True)
        if any(row)
    ]  # fmt: skip
    flats = [strokes.flat * size for size in wide]
    top, bottom = strokes.top, strokes.bottom
    return [top[0] + top[1].join(flats) + top[2], *rows, bottom[0] + bottom[1].join(flats) + bottom[2]]
