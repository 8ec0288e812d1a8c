"""The tree of a document that is to be written: keys and items with their values, places and comments."""

from collections.abc import Iterator, Sequence


class Mode(int):
    """Permission bits, which people write in octal."""


class Element:
    """A key of a mapping or, where `key` is None, an item of a list.

    `value` is a scalar, or the elements below; none of them are an empty mapping. `place` is the node of the author's
    document that it stands for. Comments stand `above` it, `below` all that is in it, and `beside` its first line; each
    is a line with its `#`, and an empty one is a blank line. A `flow` list stands in brackets on one line.
    """

    __slots__ = ("above", "below", "beside", "flow", "key", "place", "value")

    def __init__(
        self, key: str | None, value: "Value", place: object = None, *, flow: bool = False
    ) -> None:  # fmt: skip
        self.key, self.value, self.place, self.flow = key, value, place, flow
        self.above: list[str] = []
        self.below: list[str] = []
        self.beside = ""

    def commented(self) -> bool:
        """Whether a comment stands at the element itself."""
        return bool(self.above or self.below or self.beside)


Value = str | int | bool | Mode | list[Element]


def walk(elements: Sequence[Element], parent: Element | None = None) -> Iterator[tuple[Element, Element | None]]:
    """All elements in the order in which they are written, each with the one that it is in."""
    for element in elements:
        yield element, parent
        if isinstance(element.value, list):
            yield from walk(element.value, element)
