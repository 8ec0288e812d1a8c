"""Rows of a plan in columns, with colours, and reasons wrapped to the width of the terminal. Pure."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

from provision.formats import paint, visible
from provision.inspection.tree import Strokes
from provision.planning.losses import Loss

BOLD, RED, GREEN, YELLOW, DIM = "1", "1;31", "32", "33", "2"
COLORS = {
    "keep": DIM, "make": GREEN, "replace": RED, "resize": YELLOW, "delete": RED, "absent": DIM, "refuse": RED,
    "unknown": YELLOW, "append": YELLOW, "change": YELLOW, "mask": YELLOW, "unmask": YELLOW,
}  # fmt: skip
# A reason beside its row is no narrower than this; else it stands below.
LEAST_WIDTH = 28
INDENT = "  "


class Style(NamedTuple):
    """How a text looks: the characters of drawings, the room, and whether there are colours."""

    strokes: Strokes
    width: int
    color: bool


class Row(NamedTuple):
    """A thing with its action and what is said of it; what it destroys stands below."""

    name: str
    action: str
    word: str
    said: str
    losses: tuple[Loss, ...] = ()


def wrapped(text: str, style: Style, indent: str, first: str | None = None) -> list[str]:
    """A text over as many lines as it needs; words stay whole."""
    return wrap(
        visible(text), max(style.width - len(INDENT), LEAST_WIDTH), initial_indent=indent if first is None else first,
        subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def table(rows: Sequence[Row], style: Style) -> Iterator[str]:
    """Rows below each other, in columns; reasons go on in their column."""
    names = max((len(visible(row.name)) for row in rows), default=0)
    words = max((len(row.word) for row in rows), default=0)
    column = names + 2 + words + 2
    for row in rows:
        word = paint(f"{row.word:{words}}", COLORS.get(row.action, DIM), style.color)
        head = f"{visible(row.name):{names}}  {word}"
        if style.width - len(INDENT) - column >= LEAST_WIDTH:
            first, *more = wrapped(row.said, style, " " * column) or [""]
            yield f"{head}  {first[column:]}".rstrip()
            yield from more
            below = " " * column
        else:
            yield head.rstrip()
            yield from wrapped(row.said, style, "    ")
            below = "    "
        for loss in row.losses:
            for line in wrapped(f"DESTROYS {loss.words()}", style, below):
                yield paint(line, RED, style.color)
