"""From bytes to nodes: reads YAML and JSON documents whose every part knows its place.

Nodes are ruamel.yaml's own; scalars keep their spelling and are resolved later, by the type that their field expects
(`scalars`). What can't be read is a diagnostic, never an exception. Knows nothing of what a document means.
"""

from functools import cached_property

from ruamel.yaml.nodes import Node

from provision.diagnostics import WHOLE_FILE, Diagnostic, Severity, Span, span_of
from provision.document.aliases import MAX_COPIED, anchored_at, has_aliases
from provision.document.graph import measure, paths_below
from provision.document.reading import MAX_BYTES, ReadingError, place_of
from provision.document.yaml_reader import compose, compose_aliases

SECOND = "a second document starts here; a file holds one config"


class Document:
    """A file that was read: its nodes, if it could be read, and the diagnostics of reading it."""

    def __init__(
        self, file: str, text: str, root: Node | None, json: bool, diagnostics: tuple[Diagnostic, ...]
    ) -> None:
        self.file, self.text, self.root, self.json, self.diagnostics = file, text, root, json, diagnostics

    @cached_property
    def paths(self) -> dict[int, str]:
        """The path of every node, by the node's `id`, as people write it: `storage.files[0].mode`."""
        return {id(node): path for node, path in paths_below(self.root, "")} if self.root is not None else {}

    def diagnostic(
        self, place: object, code: str, severity: Severity, message: str, hint: str | None = None
    ) -> Diagnostic:
        """A diagnostic at a node of this document; anything else stands for the document as a whole."""
        known = isinstance(place, Node) and place is not self.root
        if known:
            span = span_of(place)  # type: ignore[arg-type]  # a composed node has its marks
        else:
            start = span_of(self.root) if self.root is not None else WHOLE_FILE
            span = Span(start.line, start.column, start.line, start.column + 1)
        original = anchored_at(place)
        if original is not None:
            written = f"the value is written on line {span_of(original).line}"
            hint = f"{written}; {hint}" if hint else written
        return Diagnostic(code, severity, message, self.file, span, hint, self.paths.get(id(place)) or None)


def read(data: bytes, file: str) -> Document:
    """Read one document. A text that is JSON, or looks like an attempt at it, is read as JSON (RFC 8259)."""
    text, as_json = "", False
    try:
        text = decode_text(data)
        from_json = None
        if text.lstrip("\ufeff \t\r\n")[:1] == "{":
            from provision.document.json_reader import read_json  # a YAML document does not pay for it

            as_json, from_json = read_json(text)
        root, more = (from_json, None) if as_json else compose(text)
        if root is not None:
            size = measure(root)
            if not as_json and size <= MAX_COPIED and has_aliases(text):
                root = compose_aliases(text)
        found = (
            Diagnostic("PV004", "error", SECOND, file, span_of(more), "move it to a file of its own") if more else None
        )
        return Document(file, text, root, as_json, (found,) if found else ())
    except ReadingError as error:
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
