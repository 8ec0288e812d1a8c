"""The comments of a document, and the elements of another document that they are moved to.

A comment goes with what it stands at: the key or item below it, the line that it ends, or the one before it where it is
indented like that. If that has not come through, it goes to the first part of it that has, else, with the name of its key,
to what was around it; what has no such place goes to the end. None is lost.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.decompile.tree import Element, Mode, walk
from provision.document import Document
from provision.suppressions import scalars_of
from provision.transpile.user_data.parts import Archive

# What stands before a comment that has its line for itself, be it that of an item's dash.
BLANK = re.compile(r"[\ufeff \t]*(?:-[ \t]+)*")
START = re.compile(r"(?:(?<=\s)|^)#")
# The first line of a cloud-config, which says what the file is.
COOKIE = re.compile(r"\s*#cloud-config(?:-archive)?\s*")
END = 1 << 30
# The keys of cloud-init whose items are commands; they become the lines of one script.
COMMANDS = frozenset(("runcmd", "bootcmd"))
# A line that was commented out says itself what it is about.
ASSIGNMENT = re.compile(r"(?:- )?[\w-]+\s*[:=]")


class Comment(NamedTuple):
    """Lines of comment that belong together, with their place, counted from 0.

    `alone` says whether they stand on lines of their own, `apart` whether there is a blank line before them.
    """

    line: int
    end: int
    column: int
    lines: list[str]
    alone: bool
    apart: bool


class Spot(NamedTuple):
    """A key with its value, or an item (with the key of its list): where it starts, and the number of the spot around it."""

    line: int
    column: int
    key: str
    node: Node
    parent: int


def comments_in(document: Document) -> list[Comment]:
    """All comments of a document. What looks like one inside a text is part of the text."""
    if document.json or not isinstance(document.root, MappingNode) or "#" not in document.text:
        return []
    if isinstance(document, Archive) and document.owners:
        return []  # parts that were encoded have no lines in the file
    covered = covered_columns(document)
    lines = document.part or range(1, len(document.lines) + 1)
    found: list[Comment] = []
    behind = -1  # the column of the last comment itself: it may stand behind the dash of the item that it is above
    for number in range(lines.start - 1, lines.stop - 1):
        line = document.lines[number]
        if COOKIE.fullmatch(line) and isinstance(document, Archive):
            continue
        for start in START.finditer(line):
            column = start.start()
            if any(first <= column < end for first, end in covered.get(number, ())):
                continue
            text, alone = line[column:].rstrip(), BLANK.fullmatch(line[:column]) is not None
            last = found[-1] if found else None
            if last and alone and last.alone and last.end == number - 1 and column in (last.column, behind):
                found[-1] = last._replace(end=number, lines=[*last.lines, text])
            else:
                apart = number > 0 and not document.lines[number - 1].strip()
                dash = line.find("-", 0, column) if alone else -1
                behind = column
                found.append(Comment(number, number, dash if dash >= 0 else column, [text], alone, apart))
            break
    return found


def covered_columns(document: Document) -> dict[int, list[tuple[int, int]]]:
    """The columns of each line that belong to a scalar."""
    covered: dict[int, list[tuple[int, int]]] = {}
    scripts = [script.node for script in document.scripts] if isinstance(document, Archive) else []
    for node in (*scalars_of(document), *scripts):
        start, end = node.start_mark, node.end_mark
        block = node.style in ("|", ">")  # a comment may stand behind the | itself
        for line in range(start.line + block, end.line + 1):
            first = start.column if line == start.line else 0
            covered.setdefault(line, []).append((first, end.column if line == end.line else END))
    return covered


def spots_in(root: Node) -> list[Spot]:
    """All keys and items of a document, in its order; what is in a spot comes behind it."""
    spots: list[Spot] = []

    def enter(node: Node, parent: int, key: str) -> None:
        for spot in entries(node, parent, key):
            spots.append(spot)
            if not isinstance(spot.node, ScalarNode):
                enter(spot.node, len(spots) - 1, spot.key)

    enter(root, -1, "")
    return spots


def entries(node: Node, parent: int, name: str) -> Iterator[Spot]:
    """What is directly in a node; a line starts with the key, or with the dash of an item."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield Spot(key.start_mark.line, key.start_mark.column, str(key.value), value, parent)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            column = item.start_mark.column if node.flow_style else node.start_mark.column
            yield Spot(item.start_mark.line, column, name, item, parent)


def attach(found: Sequence[Comment], tree: list[Element], document: Document) -> tuple[list[str], list[str]]:
    """Move comments to the elements of a tree; the answer is what stands above the whole document, and what below."""
    root = document.root
    header: list[str] = []
    footer: list[str] = []
    if document.json or not isinstance(root, MappingNode):
        return header, footer
    first = root.start_mark.line
    places = Places(tree, spots_in(root))
    for comment in found:
        if comment.alone and comment.line < first:
            cookie = comment.line == 0 and COOKIE.fullmatch(comment.lines[0])
            header += [""] * (comment.apart and bool(header)) + comment.lines[1 if cookie else 0 :]
        elif not places.take(comment):
            footer += [""] * (comment.apart and bool(footer)) + comment.lines
    alone = {line for comment in found if comment.alone for line in range(comment.line, comment.end + 1)}
    places.part(document.lines, alone)
    return [*header, ""] if header and first - 1 not in alone else header, footer


class Places:
    """Where the parts of the author's document went."""

    def __init__(self, tree: list[Element], spots: list[Spot]) -> None:
        self.spots = spots
        self.lines = [spot.line for spot in spots]
        self.parents: dict[int, Element | None] = {}
        self.homes: dict[int, Element] = {}
        starts: dict[tuple[int, int], Element] = {}
        for element, parent in walk(tree):
            self.parents[id(element)] = parent
            node = element.place
            if isinstance(node, Node):
                self.homes.setdefault(id(node), element)
                starts.setdefault((node.start_mark.line, node.start_mark.column), element)
        self.starts = sorted(starts)
        self.started = [starts[start] for start in self.starts]

    def take(self, comment: Comment) -> bool:
        """Put a comment to where it belongs; False where nothing of its surroundings has come through."""
        if not comment.alone:
            return self.beside(comment)
        after = bisect_left(self.lines, comment.end + 1)
        if after < len(self.spots) and self.spots[after].column >= comment.column:
            return self.above(after, comment)
        if after == len(self.spots) and comment.column == 0:
            return False  # the end of the document is the end of the other one, too
        before = after - 1
        while before >= 0 and self.spots[before].column > comment.column:
            before = self.spots[before].parent
        return self.below(before, comment)

    def above(self, number: int, comment: Comment) -> bool:
        """Put a comment above the element that a spot became, else the first that a part of it or of the spot around it became."""
        lines = comment.lines
        key = self.name(number)
        while number >= 0:
            spot = self.spots[number]
            found = self.homes.get(id(spot.node)) or self.first_within(spot.node)
            if found is not None:
                found.above += [""] * (comment.apart and bool(found.above)) + lines
                return True
            lines = named(comment.lines, key)
            number = spot.parent
        return False

    def name(self, number: int) -> str:
        """What a comment that lost its spot calls it: by its key; a command in a list by the command."""
        around = spot = self.spots[number]
        while around.parent >= 0 and self.spots[around.parent].key == spot.key:
            spot, around = around, self.spots[around.parent]
        if spot is around or spot.key not in COMMANDS:
            return spot.key
        words = [spot.node] if isinstance(spot.node, ScalarNode) else spot.node.value
        command = " ".join(str(word.value) for word in words if isinstance(word, ScalarNode))
        return spot.key if "\n" in command else command

    def below(self, number: int, comment: Comment) -> bool:
        """Put a comment behind all that is in the element of a spot, or of the spot around it."""
        while number >= 0:
            element = self.homes.get(id(self.spots[number].node))
            if element is not None:
                element.below += [""] * comment.apart + comment.lines
                return True
            number = self.spots[number].parent
        return False

    def beside(self, comment: Comment) -> bool:
        """Put a comment at the end of a line behind that line, or above what has become of it."""
        last = bisect_left(self.lines, comment.line + 1) - 1
        number = last
        while number >= 0 and self.spots[number].line == comment.line:
            element = self.homes.get(id(self.spots[number].node))
            if element is not None and is_line(element) and not element.beside:
                element.beside = "" if is_repeated(comment.lines[0], element) else comment.lines[0]
                return True
            number -= 1
        return self.above(last, comment)

    def part(self, lines: Sequence[str], commented: set[int]) -> None:
        """Leave a blank line where the author left one: before a key or an item, with the comment above it."""
        line = -1
        for spot in self.spots:
            if spot.line == line:
                continue  # what begins with another spot
            line = above = spot.line
            while above - 1 in commented:
                above -= 1
            element = self.homes.get(id(spot.node))
            if above and not lines[above - 1].strip() and element is not None and not self.is_first(element):
                element.above.insert(0, "")

    def is_first(self, element: Element) -> bool:
        """Whether an element is the first of its section, or a section of the document."""
        parent = self.parents[id(element)]
        return parent is None or (isinstance(parent.value, list) and parent.value[0] is element)

    def first_within(self, node: Node) -> Element | None:
        """The first element that stands for a part of a node; for a list it is the list of the first item."""
        start, end = node.start_mark, node.end_mark
        at = bisect_left(self.starts, (start.line, start.column))
        if at == len(self.starts) or self.starts[at] >= (end.line, end.column):
            return None
        found = self.started[at]
        whole_list = isinstance(node, SequenceNode) and found.key is None and self.is_first(found)
        return self.parents[id(found)] if whole_list else found


def is_line(element: Element) -> bool:
    """Whether a comment can stand behind the first line of an element: not behind an item that begins with a key."""
    return element.key is not None or not isinstance(element.value, list)


def is_repeated(comment: str, element: Element) -> bool:
    """Whether a comment gives the mode in octal, as the document does now."""
    text = comment.strip("# ").removeprefix("0o").lstrip("0")
    return isinstance(element.value, Mode) and text == f"{element.value:o}"


def named(lines: list[str], key: str) -> list[str]:
    """A comment that has lost its key, with the key's name before it; a line that was commented out has its own."""
    first, *rest = lines
    text = first.lstrip("#").lstrip()
    return lines if ASSIGNMENT.match(text) else [f"# {key}: {text}", *rest]
