"""Reads JSON (RFC 8259) into the same nodes as YAML, so that JSON problems have places too.

YAML's parser would do for most JSON, but not for surrogate pairs, long keys and tabs, and it lets slips pass that
Ignition refuses.
"""

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]  # missing in typeshed

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.document.reading import MAX_DEPTH, Mark, ReadingError, place_of, too_deep
from provision.document.scalars import PLAIN, QUOTED

SPACE = re.compile(r"[ \t\r\n]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
WORD = re.compile(r"true|false|null")
KEY = re.compile(r'\{[ \t\r\n]*(?:\}|"[^"\n]*"[ \t\r\n]*:)')


def read_json(text: str) -> tuple[bool, Node | None]:
    """Whether the text is meant as JSON, and its nodes if so. YAML's `{variant: fcos}` is not."""
    start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    ignition = '"ignition"' in text and '"variant"' not in text
    if not ignition and not KEY.match(text, start):
        return False, None
    reader = JsonReader(text)
    try:
        root, end = reader.value(start, 0)
        end = reader.space(end)
        if end < len(text):
            raise reader.error(end, "text after the end of the JSON document")
    except ReadingError:
        if ignition:
            raise
        return False, None  # a flow-style YAML document that starts like JSON
    return True, root


class JsonReader:
    """A recursive reader over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def mark(self, position: int) -> Mark:
        line = bisect_right(self.starts, position) - 1
        return Mark(line, position - self.starts[line])

    def space(self, position: int) -> int:
        found = SPACE.match(self.text, position)
        return found.end() if found else position

    def error(self, position: int, message: str) -> ReadingError:
        return ReadingError("PV002", f"not JSON: {message}", place_of(self.text, position))

    def value(self, position: int, depth: int) -> tuple[Node, int]:
        """The value at a position, and where it ends."""
        if depth > MAX_DEPTH:
            raise too_deep(place_of(self.text, position))
        first = self.text[position : position + 1]
        if first == "{":
            return self.object(position, depth)
        if first == "[":
            return self.array(position, depth)
        if first == '"':
            return self.string(position)
        found = NUMBER.match(self.text, position) or WORD.match(self.text, position)
        if not found:
            what = f"`{first}` cannot start a value" if first else "the text ends in the middle"
            raise self.error(position, what)
        return self.scalar(PLAIN, found[0], position, found.end()), found.end()

    def scalar(self, tag: str, text: str, start: int, end: int) -> ScalarNode:
        return ScalarNode(tag, text, self.mark(start), self.mark(end))

    def string(self, position: int) -> tuple[Node, int]:
        try:
            text, end = scanstring(self.text, position + 1, True)
        except JSONDecodeError as error:
            raise self.error(
                min(error.pos, len(self.text)), error.msg.lower().removesuffix(" at").removesuffix(" starting")
            ) from None
        return self.scalar(QUOTED, text, position, end), end

    def object(self, start: int, depth: int) -> tuple[Node, int]:
        pairs: list[tuple[Node, Node]] = []
        position = self.space(start + 1)
        if self.text[position : position + 1] != "}":
            while True:
                if self.text[position : position + 1] != '"':
                    raise self.error(position, "a key in double quotes is due here")
                key, position = self.string(position)
                position = self.space(position)
                if self.text[position : position + 1] != ":":
                    raise self.error(position, "a `:` is due after the key")
                value, position = self.value(self.space(position + 1), depth + 1)
                pairs.append((key, value))
                position = self.next_part(position, "}")
                if self.text[position - 1] == "}":
                    break
                position = self.space(position)
        else:
            position += 1
        return MappingNode(PLAIN, pairs, self.mark(start), self.mark(position)), position

    def array(self, start: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        position = self.space(start + 1)
        if self.text[position : position + 1] != "]":
            while True:
                item, position = self.value(position, depth + 1)
                items.append(item)
                position = self.next_part(position, "]")
                if self.text[position - 1] == "]":
                    break
                position = self.space(position)
        else:
            position += 1
        return SequenceNode(PLAIN, items, self.mark(start), self.mark(position)), position

    def next_part(self, position: int, closing: str) -> int:
        """Past the comma or the closing bracket that follows an element."""
        position = self.space(position)
        if self.text[position : position + 1] not in (",", closing):
            raise self.error(position, f"a `,` or `{closing}` is due here")
        return position + 1
