"""Disks as a drawing: partitions side by side, as wide as they are large, with what is made of each."""

from collections.abc import Sequence

from provision.apply.paths import shown
from provision.ignition import Config, Disk, Filesystem, Luks, Partition, Raid
from provision.inspection.tree import Strokes

LEAST_WIDTH = 6
MIB_IN = (("TiB", 1 << 20), ("GiB", 1 << 10), ("MiB", 1))


def draw_disks(config: Config, strokes: Strokes, width: int) -> list[str]:
    """The lines that show all of a config's disks, and what stands on them."""
    uses = uses_of(config)
    lines: list[str] = []
    for disk in config.storage.disks:
        lines += [shown(disk.device) + (", new partition table" if disk.wipe_table else "")]
        lines += boxes(disk, uses, strokes, width)
    lines += [
        f"raid {shown(each.name)}: {raid_words(each)}{on_it(raid_device(each), uses, strokes)}"
        for each in config.storage.raid
    ]
    lines += [
        f"luks {shown(each.name)}: {luks_words(each)}{on_it(f'/dev/mapper/{each.name}', uses, strokes)}"
        for each in config.storage.luks
    ]
    return lines + [f"{shown(each.device)}: {filesystem_words(each)}" for each in config.storage.filesystems]


# ---- what is made of a device -----------------------------------------------------------------------------------


def uses_of(config: Config) -> dict[str, str]:
    """What is made of each device, in a few words."""
    uses: dict[str, str] = {}
    for filesystem in config.storage.filesystems:
        uses[filesystem.device] = f"{filesystem.format or 'as it is'} {shown(filesystem.path or '')}".rstrip()
    for volume in config.storage.luks:
        uses[volume.device or ""] = f"luks {shown(volume.name)}"
    for raid in config.storage.raid:
        uses.update(dict.fromkeys(raid.devices, f"raid {shown(raid.name)}"))
    return uses


def devices_of(disk: Disk, partition: Partition) -> list[str]:
    """The paths by which a partition is known."""
    found = [f"/dev/disk/by-partlabel/{partition.label}"] if partition.label else []
    if partition.number:
        joint = "p" if disk.device[-1:].isdigit() else ""
        found.append(f"{disk.device}{joint}{partition.number}")
    return found + ([f"/dev/disk/by-partuuid/{partition.guid.lower()}"] if partition.guid else [])


def raid_device(raid: Raid) -> str:
    """Where an array is found."""
    return raid.name if raid.name.startswith("/dev/") else f"/dev/md/{raid.name}"


def on_it(device: str, uses: dict[str, str], strokes: Strokes) -> str:
    """What is made of a device, behind an arrow."""
    return f" {strokes.arrow} {uses[device]}" if device in uses else ""


def raid_words(raid: Raid) -> str:
    """An array in words."""
    spares = f", {raid.spares} of them spare" if raid.spares else ""
    return f"{shown(raid.level or 'no level')} of {', '.join(map(shown, raid.devices)) or 'nothing'}{spares}"


def luks_words(volume: Luks) -> str:
    """An encrypted volume in words: what it is on, and what opens it."""
    clevis = volume.clevis
    keys = ["TPM2"] * bool(clevis and clevis.tpm2) + [
        f"Tang {shown(each.url)}" for each in (clevis.tang if clevis else ())
    ]
    keys += ["Clevis"] * bool(clevis and clevis.custom and clevis.custom.pin) + ["CEX"] * bool(volume.cex.enabled)
    opened = ", ".join(keys) or ("a given key" if volume.key_file.source else "a key made at first boot")
    return f"on {shown(volume.device or '?')}, opened by {opened}" + (", made anew" if volume.wipe_volume else "")


def filesystem_words(filesystem: Filesystem) -> str:
    """A file system in words."""
    words = [filesystem.format or "as it is", f"at {shown(filesystem.path)}" if filesystem.path else "not mounted"]
    words += [f"label {shown(filesystem.label or '')}"] * bool(filesystem.label) + ["made anew"] * bool(
        filesystem.wipe_filesystem
    )
    return ", ".join(words)


# ---- boxes ------------------------------------------------------------------------------------------------------


def size_words(mib: int | None) -> str:
    """A size as people say it; what fills the rest has none."""
    if not mib or mib < 0:
        return "the rest"
    unit, factor = next((unit, factor) for unit, factor in MIB_IN if mib % factor == 0 or mib >= 16 * factor)
    return f"{mib // factor} {unit}" if mib % factor == 0 else f"{mib / factor:.1f} {unit}"


def cell(disk: Disk, partition: Partition, uses: dict[str, str]) -> tuple[str, str, str]:
    """What stands in a partition's box: number and label, size, what is made of it."""
    title = f"{partition.number or ''} {shown(partition.label or '')}".strip() or "?"
    if partition.should_exist is False:
        return title, "deleted", ""
    made = next((uses[device] for device in devices_of(disk, partition) if device in uses), "")
    return title, size_words(partition.size_mib), made


def widths(texts: Sequence[int], sizes: Sequence[int], room: int) -> list[int]:
    """How wide each box is: in proportion to its size, but never narrower than its text."""
    least = [max(text, LEAST_WIDTH) for text in texts]
    fixed: set[int] = set()
    while True:
        free = [at for at in range(len(sizes)) if at not in fixed]
        left, total = room - sum(least[at] for at in fixed), sum(sizes[at] for at in free)
        short = [at for at in free if total and left * sizes[at] // total < least[at]]
        if not short:
            break
        fixed.update(short)
    return [least[at] if at in fixed or not total else left * sizes[at] // total for at in range(len(sizes))]


def boxes(disk: Disk, uses: dict[str, str], strokes: Strokes, width: int) -> list[str]:
    """The partitions of a disk side by side, or one below the other where there is no room."""
    cells = [cell(disk, partition, uses) for partition in disk.partitions]
    texts = [max(map(len, each)) + 2 for each in cells]
    room = width - len(cells) - 1
    if not cells or sum(max(each, LEAST_WIDTH) for each in texts) > room:
        return ["  " + "  ".join(filter(None, each)) for each in cells]
    known = [max(partition.size_mib or 0, 0) for partition in disk.partitions]
    rest = max(sum(known), 1)
    wide = widths(texts, [size or rest for size in known], room)
    rows = [
        strokes.upright + strokes.upright.join(f" {text:{size - 1}}" for text, size in zip(row, wide, strict=True)) + strokes.upright
        for row in zip(*cells, strict=True)
        if any(row)
    ]  # fmt: skip
    flats = [strokes.flat * size for size in wide]
    top, bottom = strokes.top, strokes.bottom
    return [top[0] + top[1].join(flats) + top[2], *rows, bottom[0] + bottom[1].join(flats) + bottom[2]]
