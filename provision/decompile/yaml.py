"""Writes a tree as YAML: lists indented below their keys, a blank line between sections, long lines left alone.

ruamel.yaml's emitter takes three times as long as the whole compilation, and has no say in where a comment goes or how
an indented block is marked; these few lines have one shape of document to write.
"""

from collections.abc import Iterator, Sequence

from provision.decompile import scalars
from provision.decompile.tree import Element, Mode

STEP = 2
FLOW_WIDTH = 60
# Readers take what is longer for no key unless a `?` says so. Source: YAML 1.1, 9.3.1.
LONGEST_KEY = 1000


def document(elements: Sequence[Element], header: Sequence[str] = (), footer: Sequence[str] = ()) -> str:
    """A whole document, with lines of comment above and below it. Scalars at its start make the first section."""
    lines = [*header]
    before: Element | None = None
    for element in elements:
        if before is not None and (isinstance(element.value, list) or isinstance(before.value, list)):
            lines.extend([] if keeps_ends(before) else [""])
        lines.extend(of_element(element, 0))
        before = element
    if footer and before is not None:
        lines.extend([*([] if keeps_ends(before) else [""]), *footer])
    return "\n".join(lines) + "\n"


def keeps_ends(element: Element) -> bool:
    """Whether an element ends in a block that would take a blank line for its own."""
    while isinstance(element.value, list) and element.value and not element.below:
        element = element.value[-1]
    return isinstance(element.value, str) and element.value.endswith("\n\n")


def of_elements(elements: Sequence[Element], indent: int) -> Iterator[str]:
    """The lines of a mapping or a list."""
    before: Element | None = None
    for element in elements:
        lines = of_element(element, indent)
        if element.above[:1] == [""] and before is not None and keeps_ends(before):
            next(lines)
        yield from lines
        before = element


def of_element(element: Element, indent: int) -> Iterator[str]:
    """The lines of a key with its value, or of an item, and of the comments around it."""
    pad = " " * indent
    yield from (pad + line if line else "" for line in element.above)
    if element.key is None:
        yield from of_item(element, indent)
    else:
        yield from of_value(element, pad + of_key(element.key, pad), indent)
    yield from (pad + line if line else "" for line in element.below)


def of_key(key: str, pad: str) -> str:
    """A key with its colon."""
    written = scalars.one_line(key)
    return f"{written}:" if len(written) <= LONGEST_KEY else f"? {written}\n{pad}:"


def of_item(element: Element, indent: int) -> Iterator[str]:
    """An item: a mapping's first key stands behind the dash."""
    if not isinstance(element.value, list) or not element.value:
        yield from of_value(element, " " * indent + "-", indent)
        return
    first, *rest = element.value
    pad = " " * (indent + STEP)
    yield from (" " * indent + line if line else "" for line in first.above)
    lines = list(of_value(first, pad + of_key(first.key or "", pad), indent + STEP))
    lines.extend(pad + line if line else "" for line in first.below)
    yield " " * indent + "- " + lines[0][len(pad) :]
    yield from lines[1:]
    yield from of_elements(rest, indent + STEP)


def of_value(element: Element, head: str, indent: int) -> Iterator[str]:
    """What stands behind a key or a dash, and below it."""
    value = element.value
    if isinstance(value, list):
        inline = "{}" if not value else flow(value) if element.flow else None
        yield (f"{head} {inline}" if inline else head) + beside(element)
        if inline is None:
            yield from of_elements(value, indent + STEP)
        return
    lines = scalars.lines_of(value, indent + STEP) if isinstance(value, str) else [number(value)]
    # Behind a line of a string in quotes a comment would be part of it.
    lines[-1 if lines[0].startswith('"') else 0] += beside(element)
    yield f"{head} {lines[0]}"
    yield from lines[1:]


def flow(items: Sequence[Element]) -> str | None:
    """A list in brackets; None where it is too long for that, or not plain enough."""
    texts = [item.value for item in items if isinstance(item.value, str) and not item.commented()]
    if len(texts) < len(items) or not all(map(scalars.fits_flow, texts)):
        return None
    out = f"[{', '.join(texts)}]"
    return out if len(out) <= FLOW_WIDTH else None


def number(value: int) -> str:
    """A boolean or a number; modes in octal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"0{value:03o}" if isinstance(value, Mode) else str(value)


def beside(element: Element) -> str:
    """The comment behind a line."""
    return f"  {element.beside}" if element.beside else ""
