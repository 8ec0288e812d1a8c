"""From bytes to nodes: reads YAML and JSON documents whose every part knows its place.

Nodes are ruamel.yaml's own; scalars keep their spelling and are resolved later, by the type that their field expects
(`scalars`). What can't be read is a diagnostic, never an exception. Knows nothing of what a document means.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from provision.diagnostics import WHOLE_FILE, Diagnostic, Severity, Span, declare, span_of
from provision.record import BAD, Kind
from provision.scalars import PLAIN, QUOTED, resolve

# Limits against documents that are made to exhaust a machine. Real configs stay far below them.
MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 200
MAX_NODES = 2_000_000  # after aliases are expanded
# libyaml recurses on the C stack: a text that might nest deeper than this has its depth counted before it is composed.
SAFE_DEPTH = 1000

MERGE_KEY = "<<"
SECOND = "a second document starts here; a file holds one config"
LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")

PV001 = declare(
    "PV001", "error", "encoding",
    """A document is UTF-8 text without control characters.

    Configs travel through tools that read UTF-8 only. Save the file as UTF-8; put binary content into `!!binary` or a
    local file. Source: YAML 1.2, 5.1 and 5.2.
    """, silenceable=False,
)  # fmt: skip
PV002 = declare(
    "PV002", "error", "syntax",
    """A document is well-formed YAML, or JSON.

    Bad:
        variant: fcos
        version: 1.6.0
        storage: {files: [

    Good:
        variant: fcos
        version: 1.6.0
        storage: {files: []}
    """, silenceable=False,
)  # fmt: skip
PV003 = declare(
    "PV003", "error", "duplicate key",
    """A key stands once in its mapping.

    The second value would replace the first or be dropped, depending on who reads it.
    Source: YAML 1.2, 3.2.1.3.

    Bad:
        storage:
          files:
            - path: /etc/motd
              mode: 0644
              mode: 0600

    Good:
        storage:
          files:
            - path: /etc/motd
              mode: 0644
    """, silenceable=False,
)  # fmt: skip
PV004 = declare(
    "PV004", "error", "second document",
    """A file holds one document.

    Other tools read the first and ignore the rest without a word. Put each config into its own file.

    Bad:
        variant: fcos
        version: 1.6.0
        ---
        variant: fcos
        version: 1.6.0

    Good:
        ---
        variant: fcos
        version: 1.6.0
    """, silenceable=False,
)  # fmt: skip
PV005 = declare(
    "PV005", "error", "limits",
    f"A document stays within {MAX_BYTES // 1024**2} MiB, {MAX_DEPTH} levels and {MAX_NODES} nodes, aliases expanded."
    """

    A few lines of aliases to aliases can stand for billions of nodes; an alias inside its own anchor never ends.

    Bad:
        variant: fcos
        version: 1.6.0
        storage: &a
          files: [*a]

    Good:
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - &a {path: /a}
            - {<<: *a, path: /b}
    """, silenceable=False,
)  # fmt: skip


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
        return Diagnostic(code, severity, message, self.file, span, hint, self.paths.get(id(place)) or None)


class ReadingError(Exception):
    """Why a text has no nodes: caught in `read`."""

    def __init__(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.hint = code, message, span, hint


def read(data: bytes, file: str) -> Document:
    """Read one document. A text that is JSON, or looks like an attempt at it, is read as JSON (RFC 8259)."""
    text, as_json = "", False
    try:
        text = decode_text(data)
        from_json = None
        if text.lstrip("\ufeff \t\r\n")[:1] == "{":
            from provision.json_document import read_json  # a YAML document does not pay for it

            as_json, from_json = read_json(text)
        root, more = (from_json, None) if as_json else compose(text)
        if root is not None:
            measure(root)
        found = (
            Diagnostic("PV004", "error", SECOND, file, span_of(more), "move it to a file of its own") if more else None
        )
        return Document(file, text, root, as_json, (found,) if found else ())
    except ReadingError as error:
        why = Diagnostic(error.code, "error", error.message, file, error.span, error.hint)
        return Document(file, text, None, as_json, (why,))


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


def place_of(text: str, position: int) -> Span:
    """The line and column of a character, one character wide."""
    line, start = 1, 0
    for end in LINE_END.finditer(text, 0, position):
        line, start = line + 1, end.end()
    return Span(line, position - start + 1, line, position - start + 2)


# ---- YAML -------------------------------------------------------------------------------------------------------


class KeepSpelling:
    """The part of a loader that gives tags to nodes; here it says no more than plain or quoted."""

    def resolve(self, kind: object, value: object, implicit: Any) -> str:
        return QUOTED if implicit is not True and implicit and not implicit[0] else PLAIN

    def descend_resolver(self, current: object, index: object) -> None: ...
    def ascend_resolver(self) -> None: ...


def c_parser() -> type[Any] | None:
    """libyaml's parser, or None where the C extension is missing."""
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        return None

    class CLoader(KeepSpelling, CParser):  # type: ignore[misc]  # the extension has no types
        """ruamel.yaml's C parser and composer."""

    return CLoader


def loader(text: str) -> Any:
    """Something with `check_node` and `get_node` over the documents of a text."""
    found = c_parser()
    if found is not None:
        return found(text)
    from ruamel.yaml import YAML
    from ruamel.yaml.resolver import BaseResolver

    class Resolver(KeepSpelling, BaseResolver):
        """The pure parser's resolver, without its regular expressions."""

    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = Resolver
    constructor, _ = yaml.get_constructor_parser(text)
    return constructor.composer


OTHER_YAML = re.compile(r"^%YAML[ \t]+(?!1\.1\b)", re.M)


def compose(text: str) -> tuple[Node | None, Node | None]:
    """The first document of a YAML text, None where it is empty, and the second, None where there is none or it is empty."""
    guard_depth(text)
    directive = OTHER_YAML.search(text)
    if directive and not text[: directive.start()].strip("\ufeff \r\n\t"):
        place = place_of(text, directive.start())
        raise ReadingError(
            "PV002", "the %YAML directive asks for a version other than 1.1", place, "remove the directive"
        )
    try:
        documents = loader(text)
        root: Node | None = documents.get_node() if documents.check_node() else None
        second: Node | None = documents.get_node() if documents.check_node() else None
        if isinstance(second, ScalarNode) and second.tag == PLAIN and second.value == "":
            second = None
        return root, second
    except ReaderError as error:
        raise ReadingError(
            "PV001", f"the control character U+{ord_of(error.character):04X} is not allowed in YAML",
            place_of(text, error.position), "remove it, or write it as an escape in a double-quoted string",
        ) from None  # fmt: skip
    except MarkedYAMLError as error:
        raise syntax_error(error, text) from None
    except YAMLError as error:
        raise ReadingError("PV002", f"not YAML: {str(error).splitlines()[0]}", WHOLE_FILE) from None


def ord_of(character: object) -> int:
    """ruamel's readers give a character or its number."""
    return ord(character) if isinstance(character, str) else int(str(character))


# What the parser says, and what it mostly means to the person who wrote the line.
ADVICE = (
    ("mapping values are not allowed", "a `:` where no key can stand", "quote the value, or check the indentation of the line above"),
    ("could not find expected ':'", "a key without its `:`", "write `key: value`, or indent the line as part of the text above"),
    ("did not find expected key", "this line does not continue the mapping that it is in", "align it with the keys above; text of several lines needs `|` after its key"),
    ("did not find expected '-' indicator", "this line does not continue the list that it is in", "align the `-` of all elements"),
    ("did not find expected ',' or ']'", "a `[` list is not closed", "close it with `]`"),
    ("did not find expected ',' or '}'", "a `{` mapping is not closed", "close it with `}`"),
    ("found unexpected end of stream", "a quoted string is not closed", "add the closing quote"),
    ("found undefined alias", "an alias names an anchor that does not exist", "define it with `&name` further up"),
    ("block sequence entries are not allowed", "a `-` where no list can stand", "put the list on the lines below its key"),
    ("found unknown escape character", "an escape that double-quoted YAML does not know", "use single quotes, or double the backslash"),
    ("found incompatible YAML document", "the %YAML directive asks for a version that is not 1.1 or 1.2", "remove the directive"),
)  # fmt: skip


def syntax_error(error: MarkedYAMLError, text: str) -> ReadingError:
    """The parser's complaint, at its place and in words that help."""
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or error.context)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = LINE_END.split(text)
    here = lines[line] if line < len(lines) else ""
    span = Span(line + 1, column + 1, line + 1, column + 2)
    if here[column : column + 1] == "\t" or "tab character" in problem or here[:column].strip(" ") == "\t":
        return ReadingError("PV002", "a tab cannot indent YAML", span, "use spaces")
    said = next((row for row in ADVICE if row[0] in problem), None)
    if said:
        return ReadingError("PV002", f"not YAML: {said[1]}", span, said[2])
    if "cannot start any token" in problem and here[column : column + 1]:
        return ReadingError(
            "PV002", f"not YAML: `{here[column]}` cannot start a plain value", span, "put the value into quotes"
        )
    return ReadingError("PV002", f"not YAML: {problem}", span)


def guard_depth(text: str) -> None:
    """Refuse a text that nests so deep that composing it would overflow the C stack."""
    opened = text.count("[") + text.count("{")
    steps = max(map(len, re.findall(r"^[ \-?:]+", text, re.M)), default=0)
    if opened + steps <= SAFE_DEPTH:
        return
    found = c_parser()
    if found is None:
        return
    depth = 0
    events = found(text)
    try:
        while events.check_event():
            event = events.get_event()
            kind = type(event).__name__
            if kind in ("MappingStartEvent", "SequenceStartEvent"):
                depth += 1
                if depth > MAX_DEPTH:
                    raise too_deep(span_of(event))
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                depth -= 1
    except YAMLError:
        return  # composing will say it better, and stops at the same place


def too_deep(span: Span) -> ReadingError:
    """The one wording of the depth limit."""
    return ReadingError("PV005", f"nested deeper than {MAX_DEPTH} levels", span)


def children(node: Node) -> Sequence[Node]:
    """The nodes directly below a node, keys included."""
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, SequenceNode) else ()


def measure(root: Node) -> None:
    """Refuse a graph that is too deep, contains itself, or is too large once its aliases are expanded."""
    size: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[Node, Iterator[Node], int]] = []

    def enter(node: Node) -> None:
        if len(stack) >= MAX_DEPTH:
            raise too_deep(span_of(node))
        open_nodes.add(id(node))
        size[id(node)] = 1
        stack.append((node, iter(children(node)), 1))

    enter(root)
    while stack:
        node, rest, _ = stack[-1]
        total = size[id(node)]
        for child in rest:
            if type(child) is ScalarNode:
                total += 1
                continue
            known = size.get(id(child))
            if id(child) in open_nodes:
                raise ReadingError("PV005", "an anchor contains itself", span_of(child), "take the alias out of it")
            if known is None:
                size[id(node)] = total
                enter(child)
                break
            total += known
        else:
            stack.pop()
            open_nodes.discard(id(node))
            size[id(node)] = total
            if total > MAX_NODES:
                raise ReadingError(
                    "PV005", f"more than {MAX_NODES} nodes once the aliases are expanded", span_of(node),
                    "write it out, or use a template",
                )  # fmt: skip
            if stack:
                size[id(stack[-1][0])] += total


# ---- looking into nodes -----------------------------------------------------------------------------------------


class NodeSource:
    """How `record.decode` looks into nodes. Duplicate keys and keys that are no strings are collected as diagnostics.

    Null elements of lists are passed over, as go-yaml does. A `strict` source reads as Go reads JSON: a null element is
    an empty one, and a string is a string only in quotes.
    """

    def __init__(self, document: Document, *, strict: bool = False) -> None:
        self.document = document
        self.strict = strict
        self.found: dict[tuple[Span, str], Diagnostic] = {}

    def entries(self, node: Any) -> Sequence[tuple[str, Node]] | None:
        if type(node) is not MappingNode:
            return () if self.null(node) else None
        try:
            pairs = {key.value: value for key, value in node.value}
        except TypeError:  # a key that is a list or a mapping
            pairs = {}
        if len(pairs) != len(node.value) or MERGE_KEY in pairs:
            pairs = self.careful_entries(node)
        return pairs.items()  # type: ignore[return-value]  # a view of a dict is as good as a list here

    def careful_entries(self, node: MappingNode) -> dict[str, Node]:
        """The pairs of a mapping that has duplicates, odd keys or merges."""
        pairs: dict[str, Node] = {}
        first: dict[str, Node] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.complain("PV002", "a key must be a string; this one is a list or a mapping", key)
            elif key.value == MERGE_KEY and key.tag == PLAIN and not self.document.json:
                merged.append(value)
            elif key.value in first:
                line = span_of(first[key.value]).line
                self.complain("PV003", f"`{key.value}` is set twice in one mapping; the first is on line {line}", key)
            else:
                first[key.value], pairs[key.value] = key, value
        for value in merged:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                inherited = self.entries(source) if isinstance(source, MappingNode) else None
                if inherited is None:
                    self.complain("PV002", "`<<` merges a mapping, or a list of mappings", source)
                for name, child in inherited or ():
                    pairs.setdefault(name, child)
        return pairs

    def items(self, node: Any) -> Sequence[Node] | None:
        if type(node) is SequenceNode:
            elements: list[Node] = node.value
            return elements if self.strict else [element for element in elements if not self.null(element)]
        return () if self.null(node) else None

    def scalar(self, node: Any, kind: Kind) -> Any:
        if type(node) is not ScalarNode:
            return BAD
        tag: Any = node.tag
        if kind == "str" and tag == QUOTED:
            return node.value
        if self.strict and kind == "str":
            return None if node.value == "null" else BAD
        return resolve(node.value, tag, kind)

    def null(self, node: Any) -> bool:
        """Whether a node is a plain null, which stands for an empty section."""
        return type(node) is ScalarNode and resolve(node.value, str(node.tag), "str") is None

    def complain(self, code: str, message: str, node: Node) -> None:
        """Note a problem once, however often the node is read."""
        self.found[span_of(node), message] = self.document.diagnostic(node, code, "error", message)


def child(node: object, *names: str) -> Node | None:
    """The value of the first of these keys in a mapping, also through merge keys."""
    if not isinstance(node, MappingNode):
        return None
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value in names:
            found: Node = value
            return found
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value == MERGE_KEY:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                inherited = child(source, *names)
                if inherited is not None:
                    return inherited
    return None


def key_node(node: object, name: str) -> Node | None:
    """The node of a key itself, also through merge keys."""
    if not isinstance(node, MappingNode):
        return None
    for key, value in node.value:
        if isinstance(key, ScalarNode):
            if key.value == name:
                return key
            if key.value == MERGE_KEY:
                for source in value.value if isinstance(value, SequenceNode) else [value]:
                    found = key_node(source, name)
                    if found is not None:
                        return found
    return None


def text_of(node: Node | None) -> str | None:
    """A scalar's spelling; None for anything else and for null."""
    if not isinstance(node, ScalarNode):
        return None
    value = resolve(node.value, str(node.tag), "str")
    return value if isinstance(value, str) else None


def paths_below(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    """A node and all below it with their paths; a node behind several aliases keeps the last."""
    yield node, path
    if isinstance(node, MappingNode):
        for key, value in node.value:
            here = f"{path}.{key.value}" if path else str(key.value)
            yield key, here
            yield from paths_below(value, here)
    elif isinstance(node, SequenceNode):
        for i, item in enumerate(node.value):
            yield from paths_below(item, f"{path}[{i}]")
