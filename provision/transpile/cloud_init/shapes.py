"""Values that may have several shapes: looks into nodes, and says what does not fit."""

from collections.abc import Iterator
from typing import Any, Literal

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.document.nodes import NodeSource
from provision.document.scalars import PLAIN, meaning
from provision.record import BAD
from provision.transpile.author import Author

Shape = Literal["map", "list", "text", "null"]


class Shapes:
    """The nodes of one document. What is wrong goes to the author's diagnostics, and counts as absent."""

    def __init__(self, author: Author) -> None:
        self.author = author
        self.source = NodeSource(author.document)

    def of(self, node: object) -> Shape:
        """What kind of value a node is."""
        if isinstance(node, MappingNode):
            return "map"
        if isinstance(node, SequenceNode):
            return "list"
        return "null" if self.source.null(node) else "text"

    def wrong(self, node: object, what: str, wanted: str) -> None:
        """Say that a value has a shape that its key does not take."""
        from provision.schema.structural import what_is  # loads jsonschema, which a good document does not need

        shown = what_is(node) if isinstance(node, Node) else "that"
        self.complain(node, "PV102", "error", f"`{what}` must be {wanted}, not {shown}")

    def complain(
        self, node: object, code: str, severity: Literal["error", "warning", "info"], message: str, hint: str | None = None
    ) -> None:  # fmt: skip
        """Note a problem at a node."""
        self.author.diagnostics.append(self.author.document.diagnostic(node, code, severity, message, hint))

    def pairs(self, node: object, what: str) -> list[tuple[str, Any]]:
        """The keys and values of a mapping, merges done."""
        found = self.source.entries(node)
        if found is None:
            self.wrong(node, what, "a mapping")
        self.author.diagnostics.extend(self.source.found.values())
        self.source.found.clear()
        return list(found or ())

    def items(self, node: object, what: str) -> list[Any]:
        """The elements of a list, nulls among them."""
        if isinstance(node, SequenceNode):
            return list(node.value)
        if not self.source.null(node):
            self.wrong(node, what, "a list")
        return []

    def text(self, node: object, what: str) -> str | None:
        """The text of a scalar; None for null and for anything else."""
        value = self.source.scalar(node, "str")
        if value is BAD:
            self.wrong(node, what, "a string")
            return None
        return value if isinstance(value, str) else None

    def words(self, node: object, what: str) -> list[str] | None:
        """A list of strings, None where an element is none."""
        found = [self.text(item, what) for item in self.items(node, what) if not self.source.null(item)]
        words = [word for word in found if word is not None]
        return words if len(words) == len(found) else None

    def texts(self, node: object, what: str) -> Iterator[tuple[str, Any]]:
        """The strings of a list, or the one that stands alone, each with its node."""
        for item in node.value if isinstance(node, SequenceNode) else [node]:
            text = None if self.source.null(item) else self.text(item, what)
            if text is not None:
                yield text, item

    def truth(self, node: object) -> bool | None:
        """The boolean that a scalar is, None where it is none."""
        value = self.source.scalar(node, "bool") if isinstance(node, ScalarNode) else BAD
        return value if isinstance(value, bool) else None


def is_number(node: object) -> bool:
    """Whether a scalar is written as an integer, without quotes."""
    return isinstance(node, ScalarNode) and node.tag == PLAIN and meaning(node.value, PLAIN) == "int"
