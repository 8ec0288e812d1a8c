"""A source of values for parameters: a document, texts of the command line or the environment, or a program.

Each knows the place that a value, or a part of it, came from.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.diagnostics import WHOLE_FILE, Diagnostic, Severity, Span
from provision.document import Document, read
from provision.document.nodes import NodeSource, child, key_node
from provision.templates.parameters import Parameter, plain, types_of
from provision.templates.positions import Place


class Layer(ABC):
    """The values of one source. Names that the template does not have are an error, or, as `severity` says, less."""

    severity: Severity | None = "error"
    file: str

    @abstractmethod
    def names(self) -> Iterable[str]:
        """The names of the values."""

    @abstractmethod
    def value(self, parameter: Parameter) -> Any:
        """The plain value of a parameter that it has."""

    @abstractmethod
    def place(self, name: str, path: Sequence[str | int] = (), key: str | None = None) -> Place | None:
        """Where a value, a part of it, or a key in it, was written; None for a part that this source does not have."""

    @abstractmethod
    def raw(self, name: str) -> Iterable[object]:
        """Whatever stands for a name, fit or not: what has to be hidden where it is secret."""

    @abstractmethod
    def name_place(self, name: str) -> Place:
        """Where the name itself stands."""

    def diagnostics(self) -> Iterable[Diagnostic]:
        """What is wrong with the source itself."""
        return ()

    @property
    def sources(self) -> Mapping[str, str]:
        """The texts that its places speak of."""
        return {}


class NodeLayer(Layer):
    """Values that stand in a document: a file of values, or a part of an inventory."""

    def __init__(
        self,
        document: Document,
        root: Node | None,
        *,
        severity: Severity | None = "error",
        source: NodeSource | None = None,
    ) -> None:
        self.document, self.root, self.severity = document, root, severity
        self.file = document.file
        self.source = source or NodeSource(document)
        self.read: dict[tuple[int, str], Any] = {}

    @cached_property
    def entries(self) -> dict[str, Node]:
        """The nodes of the values."""
        return dict(self.source.entries(self.root) or ())

    def names(self) -> Iterable[str]:
        return self.entries

    def value(self, parameter: Parameter) -> Any:
        key = id(parameter.schema), parameter.name
        if key not in self.read:
            self.read[key] = plain(self.entries[parameter.name], parameter.schema, self.source)
        return self.read[key]

    def place(self, name: str, path: Sequence[str | int] = (), key: str | None = None) -> Place | None:
        node: Node | None = self.entries.get(name)
        if node is None:
            return None
        if not path and key is None:
            return Place(self.file, self.document.span(node))
        found = exactly_at(node, path)
        if found is None:
            return None
        wanted = found if key is None else key_node(found, key)
        return Place(self.file, self.document.span(wanted)) if wanted is not None else None

    def raw(self, name: str) -> Iterable[object]:
        return scalars_below(self.entries[name]) if name in self.entries else ()

    def name_place(self, name: str) -> Place:
        return Place(self.file, self.document.span(key_node(self.root, name) or self.entries[name]))

    def diagnostics(self) -> Iterable[Diagnostic]:
        yield from self.document.diagnostics
        if self.document.root is not None and not self.document.diagnostics and self.source.entries(self.root) is None:
            yield self.document.diagnostic(
                self.root,
                "PV785",
                "error",
                "values are a mapping of names to values",
                "write `name: value` on lines of their own",
            )
        yield from self.source.found.values()

    @property
    def sources(self) -> Mapping[str, str]:
        return self.document.texts


class TextLayer(Layer):
    """Values that came as `name=text`: arguments of the command line, or variables of the environment.

    Reports show them as a file with a line for each. A text is taken for YAML where the parameter is no string.
    """

    def __init__(
        self, file: str, pairs: Sequence[tuple[str, str]], *, prefix: str = "", severity: Severity | None = "error"
    ) -> None:
        self.file, self.pairs, self.prefix, self.severity = file, pairs, prefix, severity
        self.found: list[Diagnostic] = []

    def names(self) -> Iterable[str]:
        return dict.fromkeys(name.split(".", 1)[0] for name, _ in self.pairs)

    def lines_of(self, name: str) -> Iterator[tuple[int, list[str], str]]:
        """Line, keys below the name, and text of all pairs that set a name or a part of it."""
        for line, (given, text) in enumerate(self.pairs, 1):
            first, *rest = given.split(".")
            if first == name:
                yield line, rest, text

    def value(self, parameter: Parameter) -> Any:
        whole: Any = None
        for line, keys, text in self.lines_of(parameter.name):
            schema: Any = parameter.schema
            for key in keys:
                properties = schema.get("properties") if isinstance(schema, dict) else None
                schema = (properties or {}).get(key) or (
                    schema.get("additionalProperties") if isinstance(schema, dict) else None
                )
            value = self.text_value(line, text, schema)
            for key in reversed(keys):
                value = {key: value}
            whole = merged(whole, value)
        return whole

    def text_value(self, line: int, text: str, schema: Any) -> Any:
        """A text as the value that its schema expects."""
        types = types_of(schema) if isinstance(schema, dict) else frozenset()
        if types == {"string"}:
            return text
        start = self.start_of(line)
        document = read(("\n" * (line - 1) + " " * (start - 1) + text).encode("utf-8", "surrogateescape"), self.file)
        if document.diagnostics or document.root is None:
            if "string" in types or (not document.diagnostics and not text.strip()):
                return text
            for each in document.diagnostics:
                span = Span(line, start, line, start + max(len(text), 1))
                self.found.append(each._replace(file=self.file, span=span))
            return text
        return plain(document.root, schema, NodeSource(document))

    def start_of(self, line: int) -> int:
        """The column that the text of a line begins in."""
        return len(self.prefix) + len(self.pairs[line - 1][0]) + 2

    def place(self, name: str, path: Sequence[str | int] = (), key: str | None = None) -> Place | None:
        found = None
        wanted = [*path, *([key] if key is not None else [])]
        for line, keys, text in self.lines_of(name):
            if keys == wanted[: len(keys)]:  # the part itself, or what it is in
                start = self.start_of(line)
                if key is not None and keys == wanted:
                    found = Place(self.file, Span(line, start - 1 - len(key), line, start - 1))
                    continue
                found = Place(self.file, Span(line, start, line, start + max(1, len(text.split("\n", 1)[0]))))
        return found

    def raw(self, name: str) -> Iterable[object]:
        return [text for _, _, text in self.lines_of(name)]

    def name_place(self, name: str) -> Place:
        line, _, _ = next(iter(self.lines_of(name)))
        start = len(self.prefix) + 1
        return Place(self.file, Span(line, start, line, start + len(name)))

    def diagnostics(self) -> Iterable[Diagnostic]:
        return self.found

    @property
    def sources(self) -> Mapping[str, str]:
        return {
            self.file: "\n".join(f"{self.prefix}{name}={text.split(chr(10), 1)[0]}" for name, text in self.pairs) + "\n"
        }


class PlainLayer(Layer):
    """Values from a program, all of one place."""

    def __init__(
        self, values: Mapping[str, object], place: Place | None = None, *, severity: Severity | None = "error"
    ) -> None:
        self.given, self.severity = values, severity
        self.where = place or Place("values", WHOLE_FILE)
        self.file = self.where.file

    def names(self) -> Iterable[str]:
        return self.given

    def value(self, parameter: Parameter) -> Any:
        return self.given[parameter.name]

    def place(self, name: str, path: Sequence[str | int] = (), key: str | None = None) -> Place | None:
        return self.where if name in self.given else None

    def raw(self, name: str) -> Iterable[object]:
        return [self.given[name]] if name in self.given else ()

    def name_place(self, name: str) -> Place:
        return self.where


def merged(old: Any, new: Any) -> Any:
    """A value over another: of mappings key by key, else the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    return new


def exactly_at(node: Node, path: Sequence[str | int]) -> Node | None:
    """The node at a path, None where the path is not there."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(node, SequenceNode) or step >= len(node.value):
                return None
            node = node.value[step]
        else:
            below = child(node, step) if isinstance(node, MappingNode) else None
            if below is None:
                return None
            node = below
    return node


def scalars_below(node: Node) -> Iterator[str]:
    """The texts of all scalars of a node, without the keys."""
    if isinstance(node, ScalarNode):
        yield node.value
        return
    for each in [value for _, value in node.value] if isinstance(node, MappingNode) else node.value:
        yield from scalars_below(each)
