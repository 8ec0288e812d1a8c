"""A comparison for people: section by section, with diffs, in colour where that is wanted."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from provision.apply.paths import shown
from provision.comparison.changes import HIDDEN, SECTION_OF, Change, Comparison, Field, Text, Verb
from provision.formats import paint

SIGNS: dict[Verb, tuple[str, str]] = {"added": ("+", "32"), "removed": ("-", "31"), "changed": ("~", "33")}
LINE_COLORS = {"+": "32", "-": "31", "@": "36"}
BOLD = "1"
NOT_SET = "not set"
# As many names of configs are shown that have the same changes.
MAX_NAMES = 8


class Style(NamedTuple):
    """How lines look."""

    color: bool = False
    arrow: str = "→"


def as_text(comparison: Comparison, *, color: bool = False, ascii: bool = False) -> str:
    """All that differs; nothing where nothing does."""
    style = Style(color, "->" if ascii else "→")
    text = "".join(f"{line}\n" for line in lines_of(comparison, style))
    return text.replace(HIDDEN, "..") if ascii else text


def lines_of(comparison: Comparison, style: Style) -> Iterator[str]:
    """The lines: what only one side has, then how the others differ."""
    for verb, names in (("added", comparison.added), ("removed", comparison.removed)):
        sign, sgr = SIGNS[verb]  # type: ignore[index]  # it is one of the two
        yield from (paint(f"{sign} {shown(name)}", sgr, style.color) for name in names)
    is_first = not comparison.added and not comparison.removed
    for group in comparison.groups:
        if comparison.is_folder:
            yield from [] if is_first else [""]
            yield paint(f"{named(group.names)}:", BOLD, style.color)
        yield from section_lines(group.changes, style, "  " if comparison.is_folder else "")
        is_first = False


def named(names: Sequence[str], limit: int = MAX_NAMES) -> str:
    """Some names, and how many more there are."""
    more = [f"and {len(names) - limit} more"] if len(names) > limit else []
    return ", ".join([*map(shown, names[: limit if more else None]), *more])


def section_lines(changes: Iterable[Change], style: Style, indent: str) -> Iterator[str]:
    """The changes of one config, under the names of their sections."""
    for section, inner in groupby(changes, lambda change: SECTION_OF[change.kind]):
        yield indent + paint(section, BOLD, style.color)
        for change in inner:
            yield from (f"{indent}  {line}".rstrip() for line in change_lines(change, style))


def change_lines(change: Change, style: Style) -> Iterator[str]:
    """One subject with what differs in it."""
    sign, sgr = SIGNS[change.verb]
    yield paint(f"{sign} {change.kind} {shown(change.name)}", sgr, style.color)
    yield from (f"    {shown(field.name)}: {field_words(field, change.verb, style.arrow)}" for field in change.fields)
    for text in change.texts:
        yield from (f"    {line}" for line in text_lines(text, style))


def field_words(field: Field, verb: Verb, arrow: str) -> str:
    """What differs in one value."""
    old, new = (None if value is None else shown(value) for value in (field.old, field.new))
    if HIDDEN in (old, new):
        what = "set" if old is None else "taken away" if new is None else "changed"
        return f"{what}, not shown" if verb == "changed" else "not shown"
    if verb != "changed" and (old is None or new is None):
        return new or old or ""
    if field.is_element:
        return f"+ {new}" if old is None else f"- {old}"
    return f"{NOT_SET if old is None else old} {arrow} {NOT_SET if new is None else new}"


def text_lines(text: Text, style: Style) -> Iterator[str]:
    """A unified diff as it may be put on a terminal."""
    for line in text.lines:
        safe = "\t".join(map(shown, line.split("\t")))
        yield paint(safe, LINE_COLORS[line[0]], style.color) if line[:1] in LINE_COLORS else safe
