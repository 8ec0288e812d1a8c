"""A disk before and after, drawn: partitions and free space side by side, with what they hold. Pure."""

from collections.abc import Iterator

from provision.apply.devices import MIB, BlockDevice, TableEntry
from provision.apply.paths import shown
from provision.apply.plan.devices import partition_path
from provision.inspection.layout import Box, side_by_side
from provision.inspection.tree import Strokes
from provision.planning.disks import DiskPlan
from provision.planning.forecast import Forecast
from provision.planning.losses import content_words
from provision.planning.storage import ThingPlan

# What stands in a box below a partition that is not simply kept.
STATES = {"make": "new", "replace": "replaced", "resize": "resized"}
# What will be there, of what the config wants on a device.
SETTLED = ("keep", "make")
# Smaller gaps are for alignment and the tables themselves.
LEAST_FREE_BYTES = 2 * MIB
UNITS = ((1 << 50, "PiB"), (1 << 40, "TiB"), (1 << 30, "GiB"), (MIB, "MiB"), (1 << 10, "KiB"))


def draw_disk(disk: DiskPlan, forecast: Forecast, strokes: Strokes, width: int) -> Iterator[str]:
    """The lines: one picture where nothing changes, else two."""
    device = disk.device
    if device is None:
        return
    is_same = disk.is_refused or not (disk.operations or any(uses_of(disk, forecast, ("make",)).values()))
    yield f"now: {table_words(device)}" if not is_same else table_words(device)
    if disk.before:
        yield from picture(device, disk.before, dict(disk.held), {}, strokes, width)
    if not is_same:
        yield "afterwards:"
        states = {plan.number: STATES[plan.action] for plan in disk.partitions if plan.action in STATES}
        yield from picture(device, disk.after, contents_after(disk, forecast), states, strokes, width)


def table_words(device: BlockDevice) -> str:
    """What table a disk has, and what it holds without one."""
    kind = device.table.kind
    words = {"": "no partition table", "unknown": "an unknown partition table"}.get(
        kind, f"a {shown(kind)} partition table"
    )
    held = content_words(device.signatures) if kind != "unknown" else ""
    return f"{words}, {held}" if held else words


def uses_of(disk: DiskPlan, forecast: Forecast, actions: tuple[str, ...] = SETTLED) -> dict[int, str]:
    """What the config makes of the partitions of a disk, by number; of things with one of some actions."""
    uses = device_uses(forecast, actions)
    if disk.device is None:
        return {}
    return {entry.number: uses.get(partition_path(disk.device.path, entry.number), "") for entry in disk.after}


def device_uses(forecast: Forecast, actions: tuple[str, ...]) -> dict[str, str]:
    """What is made of each device, by the kernel's name for it."""
    found: dict[str, str] = {}

    def note(name: str, words: str) -> None:
        device = forecast.devices.by_name.get(name)
        if device is not None and words:
            found[device.path] = words

    for plan in with_action(forecast.filesystems, actions):
        note(plan.device, filesystem_words(plan))
    for plan in with_action(forecast.volumes, actions):
        note(plan.device, f"luks {shown(getattr(plan.record, 'name', ''))}")
    for plan in with_action(forecast.arrays, actions):
        for member in getattr(plan.record, "devices", ()):
            note(member, f"raid {shown(getattr(plan.record, 'name', ''))}")
    return found


def with_action(plans: tuple[ThingPlan, ...], actions: tuple[str, ...]) -> Iterator[ThingPlan]:
    """The plans with one of some actions."""
    return (plan for plan in plans if plan.action in actions)


def filesystem_words(plan: ThingPlan) -> str:
    """A file system in a box: format and place."""
    format, path = getattr(plan.record, "format", None) or "", getattr(plan.record, "path", None) or ""
    return "wiped" if format == "none" and plan.action == "make" else shown(f"{format} {path}".strip())


def contents_after(disk: DiskPlan, forecast: Forecast) -> dict[int, str]:
    """What partitions hold afterwards: what the config makes of them, else what stays there."""
    if disk.device is None:
        return {}
    uses = uses_of(disk, forecast)
    found = {}
    for entry in disk.after:
        part = forecast.devices.by_name.get(partition_path(disk.device.path, entry.number))
        found[entry.number] = uses[entry.number] or (content_words(part.signatures) if part is not None else "")
    return found


def picture(
    device: BlockDevice, entries: tuple[TableEntry, ...], held: dict[int, str], states: dict[int, str],
    strokes: Strokes, width: int,
) -> list[str]:  # fmt: skip
    """The boxes of a disk."""
    sector = device.sector_size
    boxes = []
    end = device.table.first_usable
    for entry in entries:
        boxes += free_box(end, entry.start, sector)
        title = f"{entry.number} {shown(entry.label)}".strip()
        lines = (title, size_text(entry.size * sector), held.get(entry.number, ""), states.get(entry.number, ""))
        boxes.append(Box(lines, entry.size * sector))
        end = max(end, entry.start + entry.size)
    boxes += free_box(end, device.size // sector, sector)
    return side_by_side(boxes, strokes, width)


def free_box(start: int, end: int, sector_size: int) -> list[Box]:
    """Free space between two sectors, if it is worth a box."""
    size = (end - start) * sector_size
    return [Box(("free", size_text(size), "", ""), size)] if size >= LEAST_FREE_BYTES else []


def size_text(size: int) -> str:
    """A size in bytes as people say it, with one decimal at most."""
    factor, unit = next(((factor, unit) for factor, unit in UNITS if size >= factor), (1, "B"))
    tenths = size * 10 // factor
    return f"{tenths // 10} {unit}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} {unit}"
