"""The inventory for people: a tree of files, units, accounts, disks as a drawing."""

from collections.abc import Callable, Iterator
from textwrap import wrap
from typing import Any

from provision.apply.paths import shown
from provision.formats import counted
from provision.ignition import Config
from provision.inspection.layout import draw_disks
from provision.inspection.tree import Entry, Strokes, draw

SIZES = ((1 << 20, "MiB"), (1 << 10, "KiB"))


def text_of(config: Config, facts: dict[str, Any], strokes: Strokes, width: int) -> Iterator[str]:
    """The lines, section by section; a section with nothing in it is left out."""
    sections: tuple[tuple[str, list[str]], ...] = (
        ("", [*machineconfig_lines(facts), *pointer_lines(facts, width)]),
        (
            "files",
            draw(entries(facts, strokes), strokes) if facts["files"] or facts["directories"] or facts["links"] else [],
        ),
        ("units", unit_lines(facts["units"])),
        ("users", [user_line(user) for user in facts["users"]]),
        ("groups", [group_line(group) for group in facts["groups"]]),
        ("kernel arguments", kernel_lines(facts["kernelArguments"])),
        ("disks", draw_disks(config, strokes, width - 2)),
        ("configs", [reference_line(each) for each in facts["references"] if not each["pool"]]),
        ("trust", [trusted(facts)] if facts["certificates"] and not facts["pointers"] else []),
    )
    for title, lines in sections:
        if lines:
            yield from ("", *([title] if title else []), *(f"  {line}" if title else line for line in lines))
    if not any(lines for _, lines in sections[1:]) and not facts["pointers"] and not asked_of_operator(facts):
        yield from ("", "nothing is in it")


EFFECTS = {
    "reboot": "reboots",
    "restart crio": "restarts crio",
    "reload crio": "reloads crio",
    "nothing": "goes on as it is",
}
# What the operator of a cluster applies itself, and how it reads.
OPERATORS: dict[str, Callable[[Any], str]] = {
    "extensions": ", ".join, "kernelType": str, "fips": lambda on: str(on).lower(), "osImageURL": str,
}  # fmt: skip


def asked_of_operator(facts: dict[str, Any]) -> list[str]:
    """What the operator applies itself; the kernel arguments stand with those of Ignition."""
    found = facts.get("machineconfig") or {}
    return [f"{key}: {shown(words(found[key]))}" for key, words in OPERATORS.items() if found.get(key)]


def machineconfig_lines(facts: dict[str, Any]) -> list[str]:
    """What is around the Ignition config."""
    found = facts.get("machineconfig")
    if not found:
        return []
    meant = f"for {shown(found['role'])}" if found["role"] else "for no role"
    whose = f"of the pool {shown(found['pool'])}" if found["pool"] else meant
    return [f"{shown(found['name'])}, {whose}; a running node {EFFECTS[found['effect']]}", *asked_of_operator(facts)]


def trusted(facts: dict[str, Any]) -> str:
    """The certificates that a config brings along."""
    return f"{counted(facts['certificates'], 'certificate')} of its own"


def pointer_lines(facts: dict[str, Any], width: int) -> list[str]:
    """What a pointer config means."""
    return [
        line
        for each in facts["pointers"]
        for line in wrap(
            f"a pointer: the machine fetches the config of the pool {shown(each['pool'])} from {shown(each['host'])}"
            f":{each['port'] or 443} over {each['scheme']}, trusting {trusted(facts)}",
            width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False,
        )
    ]  # fmt: skip


# ---- files ------------------------------------------------------------------------------------------------------


def entries(facts: dict[str, Any], strokes: Strokes) -> Iterator[Entry]:
    """Everything that has a path, by its path."""
    found = [Entry(shown(each["path"]), (each["mode"] or "0755", owner(each)), "/") for each in facts["directories"]]
    found += [Entry(shown(each["path"]), file_columns(each)) for each in facts["files"]]
    for each in facts["links"]:
        arrow = "=" if each["hard"] else strokes.arrow
        found.append(Entry(shown(each["path"]), (), f" {arrow} {shown(each['target'] or '?')}"))
    return iter(sorted(found, key=lambda entry: entry.path.split("/")))


def owner(each: dict[str, Any]) -> str:
    """Owner and group as `ls` shows them; what is not said is root's."""
    return ":".join(shown(str(each[part])) if each[part] not in (None, "") else "root" for part in ("user", "group"))


def file_columns(file: dict[str, Any]) -> tuple[str, ...]:
    """Mode, owner, size, and what the content is."""
    return str(file["mode"] or "0644"), owner(file), size_of(file["size"]), content_words(file)


def size_of(size: int | None) -> str:
    """A size in a few characters."""
    if size is None:
        return "?"
    unit = next(((factor, unit) for factor, unit in SIZES if size >= factor), None)
    return f"{size / unit[0]:.1f} {unit[1]}" if unit else f"{size} B"


def content_words(file: dict[str, Any]) -> str:
    """What a file's content is, piece by piece where there are several."""
    words = [piece_words(piece) for piece in file["pieces"]]
    appended = f"{counted(file['appends'], 'piece')} appended" if file["appends"] else ""
    return ", ".join([*dict.fromkeys(words), *([appended] if appended else [])])


def piece_words(piece: dict[str, Any]) -> str:
    """One content in words."""
    if piece["kind"] == "remote":
        checked = f", {piece['hash'][:15]}…" if piece["hash"] else ", unchecked"
        return f"from {piece['source']}{shown(checked)}"
    if piece["kind"] == "damaged":
        return f"damaged: {piece['fault']}"
    packed = " (packed)" if piece["compression"] else ""
    kind = str(piece["kind"])
    return {"none": "no content", "gzip": "gzip data"}.get(kind, kind) + packed


# ---- the rest ---------------------------------------------------------------------------------------------------


def unit_lines(units: list[dict[str, Any]]) -> list[str]:
    """Units with their drop-ins below them."""
    width = max((len(shown(unit["name"])) for unit in units), default=0)
    lines = []
    for unit in units:
        size = counted(unit["lines"], "line") if unit["lines"] else ""
        state = unit["state"] or "as it is"
        lines.append(f"{shown(unit['name']):{width}}  {state:8}  {size}".rstrip())
        lines += [f"  {shown(each['name'])}  {counted(each['lines'], 'line')}" for each in unit["dropins"]]
    return lines


def user_line(user: dict[str, Any]) -> str:
    """An account in words."""
    known = ("name", "uid", "password", "keys", "groups")
    uid = [f"uid {user['uid']}"] * (user["uid"] is not None)
    groups = [f"in {shown(', '.join(user.get('groups', ())))}"] * bool(user.get("groups"))
    more = [f"{key} {shown(str(value))}" for key, value in user.items() if key not in known and value is not None]
    words = [*uid, *groups, f"password {user['password']}", counted(user["keys"], "key"), *more]
    return f"{shown(user['name'])}: {', '.join(words)}"


def group_line(group: dict[str, Any]) -> str:
    """A group in words."""
    gid = f" (gid {group['gid']})" if group["gid"] is not None else ""
    return shown(group["name"]) + gid + (" is deleted" if group["shouldExist"] is False else "")


def kernel_lines(arguments: dict[str, list[str]]) -> list[str]:
    """Arguments that are added, and those that are taken away."""
    both = [f"+ {shown(each)}" for each in arguments["shouldExist"]]
    return both + [f"- {shown(each)}" for each in arguments["shouldNotExist"]]


def reference_line(reference: dict[str, Any]) -> str:
    """Another config in words."""
    hash = f", {shown(reference['hash'][:15])}…" if reference["hash"] else ""
    return f"{'merged' if reference['use'] == 'merge' else 'used instead'}: {reference['source']}{hash}"
