"""The texts that diagnostics speak of, without the secrets of any host."""

from collections.abc import Iterable, Iterator, Sequence

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from provision.diagnostics import LINE_END, Diagnostic, span_of
from provision.inventory.documents import Documents
from provision.inventory.reading import Inventory

HIDDEN = "…"


def texts_for(
    diagnostics: Sequence[Diagnostic], inventory: Inventory, documents: Documents, others: dict[str, str]
) -> dict[str, str]:
    """The texts of the files that diagnostics name; that of the inventory without secrets."""
    found = {**documents.sources, **others}
    wanted = {each.file for each in diagnostics}
    texts = {file: text for file, text in found.items() if file in wanted}
    if inventory.file in wanted:
        secrets = {name for template in documents.templates if template.header for name in template.header.secrets}
        texts[inventory.file] = without_secrets(inventory, secrets)
    return texts


def without_secrets(inventory: Inventory, names: set[str]) -> str:
    """The text of an inventory with `…` in the place of each value of a secret parameter."""
    levels = (inventory.top, *inventory.groups.values(), *inventory.hosts.values())
    layers = [level.variables for level in levels if level.variables is not None]
    nodes = [node for layer in layers for name, node in layer.entries.items() if name in names]
    if not nodes:
        return inventory.document.text
    lines = LINE_END.split(inventory.document.text)
    for node in sorted(scalars(nodes), key=lambda each: span_of(each), reverse=True):
        line, column, end_line, end_column = span_of(node)
        if node.style in ("|", ">"):
            for number in range(line, min(end_line - 1, len(lines))):
                text = lines[number]
                lines[number] = text[: len(text) - len(text.lstrip())] + HIDDEN
            continue
        last = lines[end_line - 1][end_column - 1 :]
        lines[line - 1] = lines[line - 1][: column - 1] + HIDDEN + (last if end_line == line else "")
        for number in range(line, end_line):
            lines[number] = HIDDEN + last if number == end_line - 1 else HIDDEN
    return "\n".join(lines)


def scalars(nodes: Iterable[Node]) -> Iterator[ScalarNode]:
    """All scalars of nodes, but for keys."""
    for node in nodes:
        if isinstance(node, ScalarNode):
            yield node
        elif isinstance(node, MappingNode):
            yield from scalars(value for _, value in node.value)
        else:
            yield from scalars(node.value)
