"""A comparison for a pull request, in the Markdown of GitHub and GitLab. What a config holds can't become markup."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from provision.apply.paths import shown
from provision.comparison.changes import HIDDEN, SECTION_OF, Change, Comparison, Field, Group, Text, tally
from provision.comparison.text import NOT_SET, field_words
from provision.formats import counted

# A comment takes 65,536 characters on GitHub.
MAX_CHARACTERS = 60_000
# Longer diffs are folded, and much longer ones cut.
FOLDED_LINES, MAX_LINES = 30, 400
MAX_NAMES = 20
BACKTICKS = re.compile("`+")


def as_markdown(comparison: Comparison) -> str:
    """All that differs, as far as a comment can hold it."""
    blocks = [f"**{heading(comparison)}**", *lists(comparison)]
    room = MAX_CHARACTERS - sum(map(len, blocks))
    waiting = list(group_blocks(comparison))
    for at, block in enumerate(waiting):
        room -= len(block) + 2
        if room < 0:
            blocks.append(f"_{counted(len(waiting) - at, 'more block')} had no room here; `provision diff` shows all._")
            break
        blocks.append(block)
    return "\n\n".join(blocks) + "\n"


def heading(comparison: Comparison) -> str:
    """How much differs."""
    words = tally(comparison)
    return words[0].upper() + words[1:]


def lists(comparison: Comparison) -> Iterator[str]:
    """Configs that only one side has, and those that could not be compared."""
    for title, names in (("Added", comparison.added), ("Removed", comparison.removed), ("Not compared", comparison.failed)):  # fmt: skip
        if names:
            yield f"{title}: {listed(names)}"


def listed(names: tuple[str, ...]) -> str:
    """Some names, and how many more there are."""
    more = len(names) - MAX_NAMES
    return ", ".join(map(code, names[:MAX_NAMES])) + (f" and {more} more" if more > 0 else "")


def group_blocks(comparison: Comparison) -> Iterator[str]:
    """The changes, in pieces of which none should be cut."""
    for group in comparison.groups:
        title = [f"### {listed(group.names)}"] if comparison.is_folder else []
        for number, block in enumerate(section_blocks(group)):
            yield "\n\n".join([*title, block]) if number == 0 else block


def section_blocks(group: Group) -> Iterator[str]:
    """One piece for each subject; the first of a section brings its title."""
    for section, changes in groupby(group.changes, lambda change: SECTION_OF[change.kind]):
        for number, change in enumerate(changes):
            text = "\n".join(change_lines(change))
            yield f"#### {section.capitalize()}\n\n{text}" if number == 0 else text


def change_lines(change: Change) -> Iterator[str]:
    """One subject as an item of a list, with what differs below it."""
    yield f"- **{change.verb}** {change.kind} {code(change.name)}"
    for field in change.fields:
        yield f"  - {field_line(field, change)}"
    for text in change.texts:
        yield ""
        yield from (f"  {line}".rstrip() for line in text_lines(text))


def field_line(field: Field, change: Change) -> str:
    """One value that differs."""
    if HIDDEN in (field.old, field.new):
        return f"{code(field.name)}: {field_words(field, change.verb, '→')}"
    old, new = (NOT_SET if value is None else code(value) for value in (field.old, field.new))
    name = code(field.name)
    if change.verb != "changed" and None in (field.old, field.new):
        return f"{name}: {new if field.old is None else old}"
    if field.is_element:
        return f"{name}: added {new}" if field.old is None else f"{name}: removed {old}"
    return f"{name}: {old} → {new}"


def text_lines(text: Text) -> Iterator[str]:
    """A diff in a fence that nothing in it can close; a long one is folded."""
    lines = [safe(line) for line in text.lines[:MAX_LINES]]
    if len(text.lines) > MAX_LINES:
        lines.append(f"({len(text.lines) - MAX_LINES} more lines)")
    fence = "`" * max(3, longest_run(lines) + 1)
    block = [f"{fence}diff", *lines, fence]
    if len(lines) <= FOLDED_LINES:
        yield from block
        return
    yield from (f"<details><summary>{counted(len(text.lines), 'line')}</summary>", "", *block, "", "</details>")


def longest_run(lines: Iterable[str]) -> int:
    """The most backticks in a row."""
    return max((len(run) for line in lines for run in BACKTICKS.findall(line)), default=0)


def safe(line: str) -> str:
    """A line with all that has no glyph of its own escaped, but for tabs."""
    return "\t".join(map(shown, line.split("\t")))


def code(text: str) -> str:
    """A text as code, whatever backticks are in it."""
    words = shown(text)
    fence = "`" * (longest_run([words]) + 1)
    gap = " " if words[:1] in ("`", " ") or words[-1:] in ("`", " ") or not words else ""
    return f"{fence}{gap}{words}{gap}{fence}"
