"""systemd.units: unit files, drop-ins, masks and presets. Source: Ignition, `internal/exec/stages/files/units.go`."""

from collections.abc import Iterable, Iterator

from provision.apply.operations import Operation
from provision.apply.operations.nodes import Remove
from provision.apply.operations.units import AppendPresets, MaskUnit, UnmaskUnit
from provision.apply.paths import WORDS, Found, joined, shown
from provision.apply.plan.draft import NEW_FILE_MODE, Draft
from provision.apply.programs import MASKED, PRESET_PATH, UNIT_DIRECTORY
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Unit


def plan_units(config: Config, draft: Draft) -> Iterator[Operation]:
    """Each unit's files in the order of the config; then what is enabled or disabled."""
    for unit in config.systemd.units:
        try:
            yield from (operation.at(unit) for operation in plan_unit(unit, draft))
        except ProvisionError as error:
            draft.refuse(f"unit {shown(unit.name)}: {error}")
    yield from plan_presets(config.systemd.units, draft)


def plan_unit(unit: Unit, draft: Draft) -> Iterator[Operation]:
    """Drop-ins, contents and mask of one unit. Contents under a mask would not survive it and are not written."""
    place = joined(UNIT_DIRECTORY, unit.name)
    for dropin in unit.dropins:
        if dropin.contents is not None:
            yield from plan_text(f"{place}.d/{dropin.name}", dropin.contents, draft)
    path = draft.resolve(place)
    if unit.mask:
        yield from plan_mask(path, draft)
    elif unit.contents:
        yield from plan_text(path, unit.contents, draft)
    elif unit.mask is False and is_masked(draft.look(path)):
        draft.take_away(path)
        yield UnmaskUnit(path=path)


def plan_text(place: str, text: str, draft: Draft) -> Iterator[Operation]:
    """Write a unit file over whatever file or link is there."""
    path, content = draft.resolve(place), text.encode(errors="replace")
    found = draft.look(path)
    if found.kind == "directory":
        draft.refuse(f"{shown(path)} is a directory, a unit's file goes there")
    elif not draft.is_as_written(path, found, content, NEW_FILE_MODE, ""):
        yield from draft.parents(path)
        yield draft.write(path, content, NEW_FILE_MODE, "")


def is_masked(found: Found) -> bool:
    """Whether a node is a link to /dev/null."""
    return (found.kind, found.target) == ("link", MASKED)


def plan_mask(path: str, draft: Draft) -> Iterator[Operation]:
    """Put a link to /dev/null into the unit's place."""
    found = draft.look(path)
    if is_masked(found):
        return
    if found.kind == "directory":
        draft.refuse(f"{shown(path)} is {WORDS[found.kind]}, a mask goes there")
        return
    yield from draft.parents(path)
    draft.put(path, Found("link", target=MASKED))
    yield MaskUnit(path=path, target=MASKED)


def plan_presets(units: Iterable[Unit], draft: Draft) -> Iterator[Operation]:
    """The preset lines, and the removal of what has disabled units started so far."""
    chosen = [unit for unit in units if unit.enabled is not None]
    if not chosen:
        return
    for unit in chosen:
        if not unit.enabled:
            yield from plan_disabling(unit.name, draft)
    path = draft.resolve(PRESET_PATH)
    found = draft.look(path)
    if found.kind not in ("missing", "file"):
        draft.refuse(f"{shown(path)} is {WORDS[found.kind]}, presets go there")
        return
    present = draft.facts.contents[path] if found.kind == "file" and path not in draft.planned else b""
    operation = AppendPresets(
        path=path, owner=found.owner if draft.facts.is_root else "", lines=tuple(preset_lines(chosen))
    )
    if operation.missing(present):
        yield from draft.parents(path)
        yield operation


def preset_lines(units: Iterable[Unit]) -> list[str]:
    """The directives for units with `enabled`, sorted as Ignition sorts them: by unit, `disabled` before `enabled`.

    Instances share a line with their template, but only to enable them: after `disable`, systemd takes the whole rest
    for one pattern (systemd.preset(5)), and a line with instances would match nothing.
    """
    instances: dict[str, list[str]] = {}
    lines: dict[str, str] = {}
    for unit in units:
        template, instance = split_instance(unit.name)
        if not unit.enabled:
            lines[f"{unit.name}-disabled"] = f"disable {unit.name}"
            continue
        named = instances.setdefault(template, [])
        named += [instance] if instance else []
        lines[f"{template}-enabled"] = " ".join(["enable", template, *named])
    return [lines[key] for key in sorted(lines)]


def split_instance(name: str) -> tuple[str, str]:
    """('getty@.service', 'tty1') for getty@tty1.service; a unit that is no instance stands for itself."""
    stem, dot, kind = name.rpartition(".")
    template, at, instance = stem.partition("@")
    return (f"{template}@{dot}{kind}", instance) if at else (name, "")


def plan_disabling(name: str, draft: Draft) -> Iterator[Operation]:
    """Remove the links that `systemctl disable` would remove: from targets that want the unit, and its aliases.

    systemd applies presets on the first boot only to units that it has not seen; without this an enabled unit stays so.
    """
    base = draft.resolve(UNIT_DIRECTORY, follow=True)
    for entry in draft.facts.names[base]:
        path = joined(base, entry)
        if entry.endswith((".wants", ".requires", ".upholds")):
            path = joined(path, name)
            reason = f"{shown(name)} is disabled"
        elif entry == name or draft.look(path).target.rpartition("/")[2] != name:
            continue
        else:
            reason = f"an alias of {shown(name)}, which is disabled"
        if draft.look(path).kind == "link":
            draft.take_away(path)
            yield Remove(path=path, what=reason)
