"""The inventory for people: a tree of files, units, accounts, disks as a drawing."""

from collections.abc import Callable, Iterator
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
        ("", [*machineconfig_lines(facts), *pointer_lines(facts)]),
        (
            "files",
            draw(entries(facts, strokes), strokes) if facts["files"] or facts["directories"] or facts["links"] else [],
        ),
        ("units", unit_lines(facts["units"])),
        ("users", [user_line(user) for user in facts["users"]]),
        ("groups", [group_line(group) for group in facts["groups"]]),
        ("kernel arguments", kernel_lines(facts["kernelArguments"])),
        ("disks", draw_disks(config, strokes, width - 2)),
        ("configs", [reference_line(each) for each in facts["references"]]),
    )
    for title, lines in sections:
        if lines:
            yield from ("", *([title] if title else []), *(f"  {line}" if title else line for line in lines))
    if not any(lines for _, lines in sections):
        yield from ("", "nothing is in it")


def machineconfig_lines(facts: dict[str, Any]) -> list[str]:
    """What is around the Ignition config."""
    found = facts.get("machineconfig")
    if not found:
        return []
    rows: dict[str, Callable[[Any], str]] = {
        "kernelArguments": " ".join, "extensions": ", ".join, "kernelType": str, "osImageURL": str,
    }  # fmt: skip
    lines = [f"{shown(found['name'])}, for {shown(found['role'] or 'no role')}; a running node: {found['effect']}"]
    lines += [f"{key}: {shown(words(found[key]))}" for key, words in rows.items() if found[key]]
    return lines + ["fips: true"] * bool(found["fips"])


def pointer_lines(facts: dict[str, Any]) -> list[str]:
    """What a pointer config means."""
    trust = f"trusting {counted(facts['certificates'], 'certificate')} of its own"
    return [
        f"a pointer: the machine fetches the config of the pool {each['pool']} from {shown(each['host'])}"
        f":{each['port'] or 443} over {each['scheme']}, {trust}"
        for each in facts["pointers"]
    ]


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
