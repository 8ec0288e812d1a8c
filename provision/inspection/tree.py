"""Files as a tree of text."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Strokes(NamedTuple):
    """The characters that pictures are drawn with."""

    branch: str
    last: str
    down: str
    blank: str
    arrow: str
    top: str
    """The corners of a row of boxes: left, between, right."""
    bottom: str
    flat: str
    upright: str


BOX = Strokes("├── ", "└── ", "│   ", "    ", "→", "┌┬┐", "└┴┘", "─", "│")
ASCII = Strokes("|-- ", "`-- ", "|   ", "    ", "->", "+++", "+++", "-", "|")


class Entry(NamedTuple):
    """Something at a path, with what is said of it in columns; `suffix` follows its name."""

    path: str
    columns: tuple[str, ...]
    suffix: str = ""


class Branch:
    """A directory of the tree, or what is at its end."""

    def __init__(self) -> None:
        self.below: dict[str, Branch] = {}
        self.entry: Entry | None = None


def planted(entries: Iterable[Entry]) -> Branch:
    """The entries as a tree. Further entries of one path stand beside the first."""
    root = Branch()
    for entry in entries:
        here = root
        parts = [part for part in entry.path.split("/") if part] or ["/"]
        for part in parts:
            here = here.below.setdefault(part, Branch())
        name = entry.path
        while here.entry is not None:
            name += " (again)"
            here = root.below.setdefault(name, Branch())
        here.entry = entry
    return root


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equally many cells as lines, with the cells of a column below each other."""
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{size}}" for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows]


def draw(entries: Iterable[Entry], strokes: Strokes) -> list[str]:
    """The lines of the tree, columns aligned."""
    rows = list(walk(planted(entries), strokes))
    width = max((len(name) for name, entry in rows if entry and entry.columns), default=0)
    sizes: list[int] = []
    for _, entry in rows:
        for at, column in enumerate(entry.columns if entry else ()):
            sizes[at : at + 1] = [max(len(column), sizes[at] if at < len(sizes) else 0)]
    return [line(name, entry, width, sizes) for name, entry in rows]


def line(name: str, entry: Entry | None, width: int, sizes: list[int]) -> str:
    """One line."""
    if entry is None:
        return name
    columns = "  ".join(f"{column:{size}}" for column, size in zip(entry.columns, sizes, strict=False))
    return f"{name:{width}}  {columns}".rstrip()


def walk(root: Branch, strokes: Strokes) -> Iterator[tuple[str, Entry | None]]:
    """The names with their strokes, and the entries; directories with nothing but one thing in them share a line."""
    yield "/", None
    stack = [("", name, branch, False) for name, branch in reversed(root.below.items())]
    stack = [(prefix, name, branch, at == 0) for at, (prefix, name, branch, _) in enumerate(stack)]
    while stack:
        prefix, name, branch, last = stack.pop()
        while branch.entry is None and len(branch.below) == 1:
            ((more, branch),) = branch.below.items()
            name = f"{name}/{more}"
        suffix = branch.entry.suffix if branch.entry else ""
        yield f"{prefix}{strokes.last if last else strokes.branch}{name}{suffix}", branch.entry
        deeper = prefix + (strokes.blank if last else strokes.down)
        below = list(reversed(branch.below.items()))
        stack += [(deeper, name, each, at == 0) for at, (name, each) in enumerate(below)]
