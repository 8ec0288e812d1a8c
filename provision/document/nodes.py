"""Looking into nodes: by the rows of a record, or by single keys."""

from collections.abc import Sequence
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.diagnostics import Diagnostic, Severity, Span, span_of
from provision.document import Document
from provision.document.scalars import OLD_BOOLS, PLAIN, QUOTED, meaning, resolve
from provision.record import BAD, Kind

MERGE_KEY = "<<"


class NodeSource:
    """How `record.decode` looks into nodes. Duplicate keys and keys that are no strings are collected as diagnostics.

    Null elements of lists are passed over, as go-yaml does. A `strict` source reads as Go reads JSON: a null element is
    an empty one, and what YAML or JSON takes for a number or a boolean is no string. Where there may be `dashes` in keys, they stand for underscores.
    """

    def __init__(self, document: Document, *, strict: bool = False, dashes: bool = False) -> None:
        self.document = document
        self.strict = strict
        self.dashes = dashes
        self.found: dict[tuple[Span, str], Diagnostic] = {}

    def entries(self, node: Any) -> Sequence[tuple[str, Node]] | None:
        if type(node) is not MappingNode:
            return () if self.null(node) else None
        try:
            pairs = {key.value: value for key, value in node.value}
            if self.dashes:
                pairs = {key.replace("-", "_"): value for key, value in pairs.items()}
        except (TypeError, AttributeError):  # a key that is a list or a mapping
            pairs = {}
        if len(pairs) != len(node.value) or MERGE_KEY in pairs:
            pairs = self.careful_entries(node)
        if self.strict and len({key.lower() for key in pairs}) != len(pairs):
            self.complain_of_capitals(node)
        return pairs.items()  # type: ignore[return-value]  # a view of a dict is as good as a list here

    def keys(self, node: Any) -> dict[str, Node]:
        """The first node of every key of a mapping, by its name."""
        keys = [key for key, _ in reversed(node.value) if isinstance(key, ScalarNode)]
        return {key.value.replace("-", "_") if self.dashes else key.value: key for key in keys}

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
            else:
                name = key.value.replace("-", "_") if self.dashes else key.value
                if name in first and self.dashes:
                    pairs[name] = self.repeated(key, first[name], pairs[name], value)
                elif name in first:
                    line = span_of(first[name]).line
                    self.complain(
                        "PV003", f"`{key.value}` is set twice in one mapping; the first is on line {line}", key
                    )
                else:
                    first[name], pairs[name] = key, value
        for value in merged:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                inherited = self.entries(source) if isinstance(source, MappingNode) else None
                if inherited is None:
                    self.complain("PV002", "`<<` merges a mapping, or a list of mappings", source)
                for name, child in inherited or ():
                    pairs.setdefault(name, child)
        return pairs

    def repeated(self, key: Node, first: Node, old: Node, new: Node) -> Node:
        """What coreos-cloudinit makes of a key that stands twice: both lists or mappings, or the last value."""
        both = type(old) is type(new) and isinstance(new, (SequenceNode, MappingNode))
        line = span_of(first).line
        taken = "both are taken, one after the other" if both else "the last one counts"
        self.complain("PV701", f"`{key.value}` is set on line {line} too; {taken}", key, "warning")
        return type(new)(new.tag, [*old.value, *new.value], old.start_mark, new.end_mark) if both else new

    def complain_of_capitals(self, node: MappingNode) -> None:
        """Note keys that differ in their capitals only: Go's JSON decoder takes them for one."""
        first: dict[str, Any] = {}
        for key in (key for key, _ in node.value if isinstance(key, ScalarNode)):
            other = first.setdefault(key.value.lower(), key)
            if other.value != key.value:
                said = f"`{key.value}` is the same key as `{other.value}` on line {span_of(other).line} to Ignition"
                self.complain("PV003", said, key)

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
        if self.strict and kind == "str" and tag == PLAIN:
            what = meaning(node.value, tag)
            return None if what == "null" else node.value if what == "str" and node.value not in OLD_BOOLS else BAD
        return BAD if (self.strict or self.dashes) and tag == QUOTED else resolve(node.value, tag, kind)

    def null(self, node: Any) -> bool:
        """Whether a node is a plain null, which stands for an empty section."""
        return type(node) is ScalarNode and resolve(node.value, str(node.tag), "str") is None

    def complain(self, code: str, message: str, node: Node, severity: Severity = "error") -> None:
        """Note a problem once, however often the node is read."""
        self.found[span_of(node), message] = self.document.diagnostic(node, code, severity, message)


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
