"""The parts of an archive, and where each stands in its file."""

import re
from bisect import bisect_right
from typing import Any, Literal, NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.diagnostics import LINE_END, Diagnostic, Severity, Span
from provision.document import WHOLE_TEXT, Document
from provision.document.reading import Mark
from provision.document.scalars import QUOTED

Kind = Literal["script", "boothook", "per-boot", "per-instance", "per-once"]
CONFIG = "text/cloud-config"
# How a part that names no type of its own is told: by its first characters. Source: `handlers/__init__.py`.
BEGINNINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"##\s*template:\s*jinja", re.I), "text/jinja2"),
    (re.compile(r"#cloud-config-archive", re.I), "text/cloud-config-archive"),
    (re.compile(r"#cloud-config-jsonp", re.I), "text/cloud-config-jsonp"),
    (re.compile(r"#cloud-boothook", re.I), "text/cloud-boothook"),
    (re.compile(r"#include-once", re.I), "text/x-include-once-url"),
    (re.compile(r"#part-handler", re.I), "text/part-handler"),
    (re.compile(r"#cloud-config", re.I), CONFIG),
    (re.compile(r"#include", re.I), "text/x-include-url"),
    (re.compile(r"#!"), "text/x-shellscript"),
)
SCRIPTS: dict[str, Kind] = {
    "text/x-shellscript": "script",
    "text/cloud-boothook": "boothook",
    "text/x-shellscript-per-boot": "per-boot",
    "text/x-shellscript-per-instance": "per-instance",
    "text/x-shellscript-per-once": "per-once",
}
# Forms that can't be carried, with what to do instead.
REFUSED: dict[str, tuple[str, str]] = {
    "text/jinja2": (
        "a Jinja template is filled in on the machine, with values that only the platform knows",
        "render it first, for example with `cloud-init devel render`, and give what comes out",
    ),
    "text/x-include-url": ("a list of URLs is fetched on the machine", "fetch the documents and give them instead"),
    "text/x-include-once-url": (
        "a list of URLs is fetched on the machine",
        "fetch the documents and give them instead",
    ),
    "text/part-handler": ("a part handler is Python code for cloud-init", "do what it does in a script"),
    "text/cloud-config-jsonp": (
        "a JSON patch changes what cloud-init has read before",
        "write the outcome as cloud-config",
    ),
}


class Shift(NamedTuple):
    """Where a part's first character stands in the whole file: lines and columns to add."""

    lines: int
    columns: int

    def span(self, span: Span) -> Span:
        """A span of the part as one of the whole file."""
        return Span(
            span.line + self.lines, span.column + self.columns, span.end_line + self.lines, span.end_column + self.columns
        )  # fmt: skip


class Part(NamedTuple):
    """One part. Without `shift` its lines do not stand in the file as such, so that it is shown as a file of its own."""

    type: str
    name: str
    data: bytes
    place: Span
    shift: Shift | None
    merge: str = ""
    launch_index: str = ""


class Script(NamedTuple):
    """A part that is a program, with its node."""

    kind: Kind
    name: str
    node: ScalarNode


class Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(found.end() for found in LINE_END.finditer(text))]

    def number(self, position: int) -> int:
        """The line of a character, from 0."""
        return bisect_right(self.starts, position) - 1

    def span(self, position: int) -> Span:
        """The place of one character."""
        line = self.number(position)
        column = position - self.starts[line] + 1
        return Span(line + 1, column, line + 1, column + 1)


class Archive(Document):
    """Several documents as one. Nodes of parts that were encoded are reported in files of their own."""

    def __init__(self, file: str, text: str) -> None:
        super().__init__(file, text, None, False, ())
        self.scripts: list[Script] = []
        self.owners: dict[int, Document] = {}
        self.own_texts: dict[str, str] = {}

    @property
    def texts(self) -> dict[str, str]:
        """The text of every file that a diagnostic may name."""
        return {self.file: self.text, **self.own_texts}

    def hold(self, root: Node) -> None:
        """Take the root of all parts, when they were read."""
        self.root = root
        self.__dict__.pop("paths", None)  # a problem that was said before may have asked for them

    def own(self, document: Document) -> None:
        """Take the nodes of a part that has a file of its own."""
        self.own_texts[document.file] = document.text
        for node in nodes_of(document.root):
            self.owners[id(node)] = document

    def diagnostic(
        self, place: object, code: str, severity: Severity, message: str, hint: str | None = None
    ) -> Diagnostic:
        owner = self.owners.get(id(place))
        if owner is None or owner is self:
            return super().diagnostic(place, code, severity, message, hint)
        return owner.diagnostic(place, code, severity, message, hint)

    def line_inside(self, node: object, line: int) -> object:
        return node if id(node) in self.owners else super().line_inside(node, line)

    def say(self, code: str, severity: Severity, place: object, message: str, hint: str | None = None) -> None:
        """Note a problem of the archive itself."""
        self.diagnostics = (*self.diagnostics, self.diagnostic(place, code, severity, message, hint))


def type_by_beginning(text: str) -> str | None:
    """The type that a text's first characters stand for."""
    start = text.lstrip("\ufeff \t\r\n")[:80]
    return next((kind for pattern, kind in BEGINNINGS if pattern.match(start)), None)


def nodes_of(root: Node | None) -> list[Any]:
    """A node and all below it, each once, keys among them."""
    found: dict[int, Any] = {}
    rest: list[Any] = [] if root is None else [root]
    while rest:
        node = rest.pop()
        if id(node) in found:
            continue
        found[id(node)] = node
        if isinstance(node, MappingNode):
            rest += [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            rest += node.value
    return list(found.values())


def move(root: Node | None, shift: Shift) -> None:
    """Give all nodes of a part their places in the whole file."""
    for node in nodes_of(root):
        for side in ("start_mark", "end_mark"):
            mark = getattr(node, side)
            setattr(node, side, Mark(mark.line + shift.lines, mark.column + shift.columns))


def text_node(text: str, shift: Shift | None) -> ScalarNode:
    """A node for a part that is one text."""
    shift = shift or Shift(0, 0)
    end = shift.lines + max(0, len(text.splitlines()) - 1)
    return ScalarNode(QUOTED, text, Mark(shift.lines, shift.columns), Mark(end, shift.columns + 1), style=WHOLE_TEXT)
