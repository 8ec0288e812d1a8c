"""Gives every use of an alias its own place.

A composed graph has one node for an anchor and all its aliases, which knows the anchor's place only. Here each alias
becomes a copy that stands where the alias stands, so that a problem is reported where the value is used; `anchored_at`
tells where it was written.
"""

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

NAME = re.compile(r"(?<![^\s\[{,:-])([&*])([^\s\[\]{},]+)")
# Copies are made of graphs of up to this many nodes; in larger ones aliases keep the places of their anchors.
MAX_COPIED = 100_000


def has_aliases(text: str) -> bool:
    """Whether a text may have an alias: a name stands behind `&` and behind `*`. Scripts in a config seldom have both."""
    names: dict[str, set[str]] = {"&": set(), "*": set()}
    for sign, name in NAME.findall(text):
        names[sign].add(name)
    return not names["&"].isdisjoint(names["*"])


def anchored_at(node: object) -> Node | None:
    """The node that a copy stands for, None for a node that is no copy."""
    original = getattr(node, "anchor", None)
    return original if isinstance(original, Node) else None


class Composer:
    """Builds the nodes of documents from a parser's events. The text was composed before, so it has no mistakes."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser
        self.anchors: dict[str, Node] = {}

    def documents(self) -> Iterator[Node]:
        """The root node of every document."""
        self.parser.get_event()  # the start of the stream
        while type(self.parser.get_event()).__name__ == "DocumentStartEvent":
            yield self.node(self.parser.get_event())
            self.parser.get_event()  # the end of the document

    def node(self, event: Any) -> Node:
        """The node that begins with an event."""
        kind = type(event).__name__
        if kind == "AliasEvent":
            return copy_at(self.anchors[event.anchor], event)
        if kind == "ScalarEvent":
            tag = event.tag
            if tag is None or tag == "!":
                tag = self.parser.resolve(ScalarNode, event.value, event.implicit)
            node: Any = ScalarNode(tag, event.value, event.start_mark, event.end_mark, style=event.style or "")
            return self.remember(event, node)
        cls = MappingNode if kind == "MappingStartEvent" else SequenceNode
        node = cls(event.tag or self.parser.resolve(cls, None, True), [], event.start_mark, event.end_mark)
        done = self.remember(event, node)
        parts = []
        while not type(event := self.parser.get_event()).__name__.endswith("EndEvent"):
            parts.append(self.node(event))
        node.value = list(zip(parts[::2], parts[1::2], strict=True)) if cls is MappingNode else parts
        node.end_mark = event.end_mark
        return done

    def remember(self, event: Any, node: Node) -> Node:
        """Keep an anchor's node for its aliases."""
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node


def copy_at(node: Any, place: Any) -> Node:
    """A copy of a node and all below it that stands at another place and remembers its own."""
    value = node.value
    if isinstance(node, MappingNode):
        value = [(copy_at(key, place), copy_at(item, place)) for key, item in value]
    elif isinstance(node, SequenceNode):
        value = [copy_at(item, place) for item in value]
    copy: Any = type(node)(node.tag, value, place.start_mark, place.end_mark)
    if isinstance(node, ScalarNode):
        copy.style = node.style
    copy.anchor = anchored_at(node) or node
    return copy  # type: ignore[no-any-return]  # a node of the same class
