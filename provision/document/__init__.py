"""From bytes to nodes: reads YAML and JSON documents whose every part knows its place.

Nodes are ruamel.yaml's own; scalars keep their spelling and are resolved later, by the type that their field expects
(`scalars`). What can't be read is a diagnostic, never an exception. Knows nothing of what a document means.
"""

from collections.abc import Sequence
from functools import cached_property

from ruamel.yaml.nodes import Node, ScalarNode

from provision.diagnostics import LINE_END, WHOLE_FILE, Diagnostic, Severity, Span, span_of
from provision.document.aliases import MAX_COPIED, anchored_at, has_aliases
from provision.document.graph import measure, paths_below
from provision.document.reading import MAX_BYTES, Mark, ReadingError, place_of, unpacked
from provision.document.scalars import QUOTED
from provision.document.typography import blamed, harmful
from provision.document.yaml_reader import compose, compose_aliases, is_object

# The style of the one node of a file that is text as a whole, such as a script or a unit.
WHOLE_TEXT = "file"
SECOND = "a second document starts here; a file holds one config"


class Document:
    """A file that was read: its nodes, if it could be read, and the diagnostics of reading it.

    `more` are the objects of Kubernetes behind the first. Each can be had as a document that is a `part` of the file:
    the range of its lines.
    """

    def __init__(
        self, file: str, text: str, root: Node | None, json: bool, diagnostics: tuple[Diagnostic, ...],
        more: tuple[Node, ...] = (), part: range | None = None,
    ) -> None:  # fmt: skip
        self.file, self.text, self.root, self.json, self.diagnostics = file, text, root, json, diagnostics
        self.more, self.part = more, part

    def parts(self, roots: Sequence[Node]) -> "list[Document]":
        """Documents of single nodes of this one; the lines before the first node are the first one's."""
        starts = [1, *(span_of(root).line for root in roots[1:]), len(self.lines) + 1]
        parts = [
            Document(self.file, self.text, root, self.json, () if at else self.diagnostics, (), range(first, end))
            for at, (root, first, end) in enumerate(zip(roots, starts, starts[1:], strict=False))
        ]
        for part in parts:
            part.lines = self.lines
        return parts

    @cached_property
    def paths(self) -> dict[int, str]:
        """The path of every node, by the node's `id`, as people write it: `storage.files[0].mode`."""
        return {id(node): path for node, path in paths_below(self.root, "")} if self.root is not None else {}

    @property
    def texts(self) -> dict[str, str]:
        """The text of every file that a diagnostic may name."""
        return {self.file: self.text}

    def diagnostic(
        self, place: object, code: str, severity: Severity, message: str, hint: str | None = None
    ) -> Diagnostic:
        """A diagnostic at a node or span of this document; anything else stands for the document as a whole."""
        original = anchored_at(place)
        if original is not None:
            written = f"the value is written on line {span_of(original).line}"
            hint = f"{written}; {hint}" if hint else written
        return Diagnostic(code, severity, message, self.file, self.span(place), hint, self.paths.get(id(place)) or None)

    def span(self, place: object) -> Span:
        """Where a place is: a node, a span, or the document as a whole."""
        if isinstance(place, Span):
            return place
        if isinstance(place, Node) and place is not self.root:
            return span_of(place)
        start = span_of(self.root) if self.root is not None else WHOLE_FILE
        return Span(start.line, start.column, start.line, start.column + 1)

    def line_inside(self, node: object, line: int) -> object:
        """The place of a line (from 1) of a text value: that line of the document where it is written out, else the node."""
        if not isinstance(node, ScalarNode) or node.style not in ("|", WHOLE_TEXT) or anchored_at(node):
            return node
        at = node.start_mark.line + line + (node.style == "|")
        text = self.lines[at - 1] if at <= len(self.lines) else ""
        first = len(text) - len(text.lstrip()) + 1
        return Span(at, first, at, max(first + len(text.strip()), first + 1))

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return LINE_END.split(self.text)


def read_text(data: bytes, file: str) -> Document:
    """Read a file that is one text, such as a script: its root is a scalar that spans it."""
    try:
        text = decode_text(unpacked(data))
    except ReadingError as error:
        return unreadable(error, data, "", file, as_json=False)
    end = place_of(text, len(text))
    root = ScalarNode(QUOTED, text, Mark(0, 0), Mark(end.line - 1, end.column - 1), style=WHOLE_TEXT)
    return Document(file, text, root, False, ())


def read(data: bytes, file: str) -> Document:
    """Read one document. A text that is JSON, or looks like an attempt at it, is read as JSON (RFC 8259)."""
    text, as_json = "", False
    try:
        text = decode_text(unpacked(data))
        from_json = None
        if text.lstrip("\ufeff \t\r\n")[:1] == "{":
            from provision.document.json_reader import read_json  # a YAML document does not pay for it

            as_json, from_json = read_json(text)
        root, more = (from_json, []) if as_json else compose(text)
        if root is not None:
            size = sum(map(measure, (root, *more)))
            if not as_json and not more and size <= MAX_COPIED and has_aliases(text):
                root = compose_aliases(text)
        found = [
            Diagnostic("PV004", "error", SECOND, file, span_of(second), "move it to a file of its own")
            for second in more
            if not (is_object(root) and is_object(second))
        ]
        roots = () if root is None or as_json or text.isascii() else (root, *more)
        odd = [each for one in roots for each in harmful(one, text, file)]
        return Document(file, text, root, as_json, (*found, *odd), () if found else tuple(more))
    except ReadingError as error:
        return unreadable(error if as_json else blamed(text, error, compose), data, text, file, as_json=as_json)


def unreadable(error: ReadingError, data: bytes, text: str, file: str, *, as_json: bool) -> Document:
    """The document of a file that can't be read: its text as far as it can be shown, and why."""
    why = Diagnostic(error.code, "error", error.message, file, error.span, error.hint)
    shown = text or (data.decode("utf-8", "replace") if len(data) <= MAX_BYTES else "")
    return Document(file, shown, None, as_json, (why,))


def decode_text(data: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 with its byte order mark."""
    if len(data) > MAX_BYTES:
        raise ReadingError("PV005", f"the file has {len(data)} bytes; the limit is {MAX_BYTES}", WHOLE_FILE)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        raise ReadingError(
            "PV001", f"byte 0x{data[error.start]:02x} is not valid {encoding.upper()}", place_of(before, len(before)),
            "save the file as UTF-8",
        ) from None  # fmt: skip
