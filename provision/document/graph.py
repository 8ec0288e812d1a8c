"""Nodes as a graph, in which an alias is a second way to the same node."""

from collections.abc import Iterator, Sequence

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.diagnostics import span_of
from provision.document.reading import MAX_DEPTH, MAX_NODES, ReadingError, too_deep


def children(node: Node) -> Sequence[Node]:
    """The nodes directly below a node, keys included."""
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, SequenceNode) else ()


def measure(root: Node) -> int:
    """The number of nodes, aliases expanded; a graph that has too many, is too deep or contains itself is refused."""
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
    return size[id(root)]


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
