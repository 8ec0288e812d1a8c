"""A forecast for people: section by section, and at the end what counts."""

from collections.abc import Callable, Iterable, Iterator

from provision.apply.paths import shown
from provision.formats import counted, paint, visible
from provision.ignition import Filesystem, Luks, Raid
from provision.inspection.layout import luks_words, raid_words
from provision.inspection.text import size_of
from provision.inspection.tree import Entry, draw
from provision.planning.accounts import AccountPlan
from provision.planning.disks import DiskPlan, PartitionPlan
from provision.planning.drawing import draw_disk, size_text
from provision.planning.forecast import Forecast
from provision.planning.rows import NodePlan, UnitPlan, octal
from provision.planning.storage import ThingPlan
from provision.planning.table import BOLD, COLORS, DIM, INDENT, RED, Row, Style, table, wrapped

# What is done to nodes, units and accounts, as it is said of them.
WORDS = {
    "keep": "kept", "make": "new", "replace": "replaced", "append": "appended", "change": "changed", "refuse": "refused",
    "delete": "deleted", "absent": "absent", "mask": "masked", "unmask": "unmasked",
}  # fmt: skip


def text_of(forecast: Forecast, name: str, style: Style) -> str:
    """All lines."""
    lines = wrapped(f"what {visible(name)} would do to {forecast.machine.title}", style, "")
    for title, section in SECTIONS:
        found = list(section(forecast, style))
        if found:
            lines += ["", paint(title, BOLD, style.color), *(INDENT + line if line else line for line in found)]
    return "\n".join([*lines, "", *summary(forecast, style)]) + "\n"


# ---- disks ----------------------------------------------------------------------------------------------------------


def disk_lines(forecast: Forecast, style: Style) -> Iterator[str]:
    """Each disk, drawn and in rows."""
    for at, disk in enumerate(forecast.disks):
        yield from [""] * bool(at)
        yield from wrapped(disk_title(disk), style, "")
        yield from draw_disk(disk, forecast, style.strokes, style.width - len(INDENT))
        yield from table([partition_row(plan, disk) for plan in disk.partitions], style)
        on_disk = [loss for loss in disk.losses if all(loss is not plan.lost for plan in disk.partitions)]
        yield from (paint(visible(f"DESTROYS {loss.words()}"), RED, style.color) for loss in on_disk)


def disk_title(disk: DiskPlan) -> str:
    """The disk by the name of the config, and what it is."""
    device, name = disk.device, shown(disk.disk.device)
    if device is None:
        return f"{name}: there is no such device"
    names = [f"is {device.path}"] if device.path != disk.disk.device else []
    sized = [size_text(device.size), *([shown(device.model)] if device.model else [])]
    return ", ".join([" ".join([name, *names]), *sized, *(["a new partition table"] if disk.disk.wipe_table else [])])


def partition_row(plan: PartitionPlan, disk: DiskPlan) -> Row:
    """A partition with its size, before and after where that differs."""
    entry = plan.after or plan.before
    name = f"{plan.number} {shown(entry.label)}" if entry is not None else str(plan.number)
    sector = disk.device.sector_size if disk.device is not None else 512
    sizes = list(dict.fromkeys(each.size for each in (plan.before, plan.after) if each is not None))
    size = " to ".join(size_text(size * sector) for size in sizes) if plan.action != "delete" else ""
    said = ": ".join(filter(None, (size, plan.reason)))
    return Row(name.strip(), plan.action, plan.action, said, (plan.lost,) if plan.lost is not None else ())


def thing_rows(plans: Iterable[ThingPlan]) -> list[Row]:
    """Arrays, volumes or file systems, each with what it is and why it becomes so."""
    return [
        Row(thing_name(plan), plan.action, plan.action, f"{thing_words(plan)}: {plan.reason}", plan.losses)
        for plan in plans
    ]


def thing_name(plan: ThingPlan) -> str:
    """What a thing is called: the name of an array or volume, the device of a file system."""
    return shown(plan.record.name if isinstance(plan.record, Raid | Luks) else plan.device)


def thing_words(plan: ThingPlan) -> str:
    """What it is, as the config has it."""
    record = plan.record
    if isinstance(record, Raid):
        return raid_words(record)
    return luks_words(record) if isinstance(record, Luks) else format_words(record)


def format_words(filesystem: Filesystem) -> str:
    """A file system: its format, label and place."""
    path = f"at {shown(filesystem.path)}" if filesystem.path else ""
    label = f"label {shown(filesystem.label)}" if filesystem.label else ""
    return ", ".join(filter(None, (shown(filesystem.format or "as it is"), label, path)))


def mount_lines(forecast: Forecast, style: Style) -> Iterator[str]:
    """What is mounted while files are written, in its order."""
    for mount in forecast.mounts:
        act = mount.operation
        options = f" ({','.join(act.options)})" if act.options else ""
        yield from wrapped(
            f"{shown(act.path)}: {shown(act.device)} as {shown(act.format)}{shown(options)}", style, "    ", ""
        )


def kernel_lines(forecast: Forecast, style: Style) -> Iterator[str]:
    """Kernel arguments; the distribution's helper knows whether they are there already."""
    arguments = forecast.kernel_arguments
    if arguments is not None:
        yield from (f"+ {shown(each)}" for each in arguments.should_exist)
        yield from (f"- {shown(each)}" for each in arguments.should_not_exist)
        yield from wrapped("the machine reboots once if that changes its command line", style, "")


# ---- the root -------------------------------------------------------------------------------------------------------


def account_rows(plans: Iterable[AccountPlan]) -> list[Row]:
    """Users or groups."""
    return [
        Row(shown(plan.name), plan.action, WORDS.get(plan.action, plan.action), ", ".join(plan.words), (plan.lost,) if plan.lost else ())
        for plan in plans
    ]  # fmt: skip


def file_lines(forecast: Forecast, style: Style) -> Iterator[str]:
    """The nodes as a tree, with what happens to each."""
    entries = [file_entry(plan, style) for plan in forecast.nodes]
    for line in draw(entries, style.strokes) if entries else ():
        yield painted(line, style)


def file_entry(plan: NodePlan, style: Style) -> Entry:
    """One node."""
    word = WORDS.get(plan.action, plan.action)
    if plan.kind in ("link", "hard link"):
        arrow = style.strokes.arrow if plan.kind == "link" else "="
        return Entry(shown(plan.path), (word, "", "", f"{arrow} {shown(plan.target or '?')}"))
    former = ", ".join(change.split()[1] for change in plan.changes)
    details = f"was {former}" if former else node_words(plan)
    suffix = "/" if plan.kind == "directory" else ""
    return Entry(shown(plan.path), (word, octal(plan.mode), owner_words(plan.owner), details), suffix)


def owner_words(owner: str) -> str:
    """An owner `uid:gid` as `ls` shows it, as far as names are known."""
    return ":".join("root" if part == "0" else shown(part) for part in owner.split(":")) if owner else "?"


def node_words(plan: NodePlan) -> str:
    """The size of what is written, or that it is fetched."""
    if plan.sources:
        return "fetched"
    if plan.kind != "file" or plan.size is None:
        return ""
    return f"{'+' * (plan.action == 'append')}{size_of(plan.size)}"


def painted(line: str, style: Style) -> str:
    """A line of the tree with its action in colour."""
    for action, word in WORDS.items():
        before, found, after = line.rpartition(f"  {word}")
        if found and (not after or after.startswith(" ")):
            return f"{before}  {paint(word, COLORS.get(action, DIM), style.color)}{after}"
    return line


def unit_rows(plans: Iterable[UnitPlan]) -> list[Row]:
    """Units, with their drop-ins below them."""
    rows = []
    for plan in plans:
        word = WORDS.get(plan.action, "")
        said = plan.state if plan.state and plan.state != word else ""
        rows.append(Row(shown(plan.name), plan.action, word, said, plan.losses))
        rows += [Row(f"  {shown(name)}", action, WORDS.get(action, action), "") for name, action in plan.dropins]
    return rows


def preset_lines(forecast: Forecast, style: Style) -> Iterator[str]:
    """What is added to the presets."""
    if forecast.presets:
        yield from wrapped(f"presets: {', '.join(forecast.presets)}", style, "    ", "")


def fetch_lines(forecast: Forecast, style: Style) -> Iterator[str]:
    """What is fetched, and what for."""
    for fetch in forecast.fetches:
        yield from wrapped(f"{fetch.source}: for {fetch.what}", style, "    ", "")


# ---- the end --------------------------------------------------------------------------------------------------------


def note_lines(forecast: Forecast, style: Style) -> Iterator[str]:
    """What people should know."""
    for note in forecast.notes:
        yield from wrapped(note, style, "  ", "- ")


def error_lines(forecast: Forecast, style: Style) -> Iterator[str]:
    """Every reason not to start."""
    for reason in forecast.refusals:
        for line in wrapped(reason, style, "  ", "- "):
            yield paint(line, RED, style.color)


def summary(forecast: Forecast, style: Style) -> list[str]:
    """How much would be done, and what would be gone."""
    lines = [operations_line(forecast, style)]
    destroyed = forecast.destroyed
    if not destroyed:
        what = "of what could be planned" if forecast.refusals else "that exists"
        return [
            *lines,
            paint(f"Nothing {what} would be destroyed.", BOLD if forecast.refusals else "1;32", style.color),
        ]
    still = "Otherwise " if forecast.refusals else ""
    lines.append(paint(f"{still}{counted(len(destroyed), 'thing')} WOULD BE DESTROYED:", RED, style.color))
    for loss in destroyed:
        said = wrapped(f"{loss.kind} {loss.words()} ({loss.why})", style, "      ", "    ")
        lines += [paint(line, RED, style.color) for line in said]
    return lines


def operations_line(forecast: Forecast, style: Style) -> str:
    """The number of operations, or of reasons against them."""
    number = len(forecast.operations)
    if forecast.refusals:
        reasons = counted(len(forecast.refusals), "error")
        return paint(f"{reasons}: the config cannot be applied to this machine as it is.", RED, style.color)
    return paint(f"{counted(number, 'operation')}." if number else "Nothing to do: all is as the config wants it.", BOLD, style.color)  # fmt: skip


Section = Callable[[Forecast, Style], Iterable[str]]
SECTIONS: tuple[tuple[str, Section], ...] = (
    ("kernel arguments", kernel_lines),
    ("disks", disk_lines),
    ("arrays", lambda forecast, style: table(thing_rows(forecast.arrays), style)),
    ("encrypted volumes", lambda forecast, style: table(thing_rows(forecast.volumes), style)),
    ("file systems", lambda forecast, style: table(thing_rows(forecast.filesystems), style)),
    ("mounted while files are written", mount_lines),
    ("groups", lambda forecast, style: table(account_rows(forecast.groups), style)),
    ("users", lambda forecast, style: table(account_rows(forecast.users), style)),
    ("files", file_lines),
    ("units", lambda forecast, style: [*table(unit_rows(forecast.units), style), *preset_lines(forecast, style)]),
    ("fetched", fetch_lines),
    ("notes", note_lines),
    ("errors", error_lines),
)
