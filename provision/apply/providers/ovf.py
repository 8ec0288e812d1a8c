"""The OVF environment: properties that a virtual machine was deployed with, as XML. Source: DMTF DSP0243, 9."""

from collections.abc import Collection

from provision.apply import log
from provision.typed import NamedTuple

NAMESPACE = "http://schemas.dmtf.org/ovf/environment/1"
# Names as the parser gives them: namespace, blank, local name.
PROPERTY = [f"{NAMESPACE} {name}" for name in ("Environment", "PropertySection", "Property")]
KEY = f"{NAMESPACE} key"


class Element(NamedTuple):
    """A property element: names of it and of those around it, attributes, and the bytes that it takes."""

    path: list[str]
    attributes: dict[str, str]
    start: int
    end: int


def properties(document: bytes) -> dict[str, str]:
    """The properties by their keys, in whatever namespace. What stands before damage counts."""
    found = {}
    for element in elements(document):
        if [local(name) for name in element.path[1:]] == ["PropertySection", "Property"]:
            attributes = {local(name): value for name, value in element.attributes.items()}
            found[attributes.get("key", "")] = attributes.get("value", "")
    return found


def without(document: bytes, keys: Collection[str]) -> bytes:
    """The document without the properties of these keys; all else keeps its bytes. Namespaces must be the right ones."""
    left, at = b"", 0
    for element in elements(document):
        if element.path == PROPERTY and element.attributes.get(KEY) in keys:
            left, at = left + document[at : element.start], element.end
    return left + document[at:]


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(" ")[2]


def elements(document: bytes) -> list[Element]:
    """All elements three levels deep, in their order."""
    from xml.parsers.expat import ExpatError, ParserCreate

    found: list[Element] = []
    opened: list[tuple[str, dict[str, str], int]] = []
    parser = ParserCreate(namespace_separator=" ")

    def start(name: str, attributes: dict[str, str]) -> None:
        opened.append((name, attributes, parser.CurrentByteIndex))

    def end(_: str) -> None:
        path = [name for name, _, _ in opened]
        _, attributes, first = opened.pop()
        if len(path) == len(PROPERTY):
            found.append(Element(path, attributes, first, end_of(document, first, parser.CurrentByteIndex)))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(document, True)
    except ExpatError as error:
        log.warning(f"the OVF environment is damaged in line {error.lineno}")
    return found


def end_of(document: bytes, start: int, at: int) -> int:
    """Where an element ends: the parser stands behind an empty tag, and in front of the tag that closes another."""
    name = document[start + 1 : at].split(None, 1)[0].partition(b">")[0].rstrip(b"/")
    closing = document[at : at + 2 + len(name)]
    is_closed_by_it = closing == b"</" + name and document[at + len(closing) : at + len(closing) + 1] in b"> \t\r\n"
    return document.index(b">", at) + 1 if is_closed_by_it else at
