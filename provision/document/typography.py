"""Characters that look like YAML's own and are none: no-break spaces, full-width punctuation, quotes of word processors.

Web pages and word processors put them in where text is copied from. `blamed` finds the one that a syntax error comes
from; `harmful` finds those that YAML took for text where the author meant structure.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.diagnostics import LINE_END, Diagnostic, Span, declare
from provision.document.reading import ReadingError
from provision.document.scalars import PLAIN

declare(
    "PV006", "error", "typographic character",
    """Blanks, colons, dashes and quotes that make up the structure of a document are the plain ones of ASCII.

    Text that was copied from a web page or a word processor often has no-break spaces (U+00A0), full-width punctuation
    or curly quotes in their place. To YAML these are letters. Within comments and texts they do no harm.
    Source: YAML 1.2, 5.3 and 6.1.

    Bad:
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path:\u00a0/etc/motd
              mode: 0644

    Good:
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path: /etc/motd
              mode: 0644
              contents:
                inline: “Willkommen”
    """, silenceable=False,
)  # fmt: skip

SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\u200b\u2060"
# What people mean by each.
MEANT: dict[str, str] = {
    **dict.fromkeys(SPACES, " "),
    **dict.fromkeys("：﹕꞉", ":"),
    **dict.fromkeys("‐‑‒–—―−－", "-"),
    **dict.fromkeys("“”„‟«»＂", '"'),
    **dict.fromkeys("‘’‚‛＇", "'"),
    "｜": "|",
    "＃": "#",
    "［": "[",
    "］": "]",
    "｛": "{",
    "｝": "}",
    "，": ",",
    "＞": ">",
}
WORDS = {" ": "a space", ":": "a colon", "-": "a hyphen", '"': "a quote", "'": "a single quote"}
ANY = re.compile(f"[{''.join(MEANT)}]")
PLAIN_TEXT = str.maketrans({**MEANT, **dict.fromkeys("：﹕꞉", ": ")})
# In the blanks before a line's first word, around its dash, or around the colon behind its key.
STRUCTURAL = re.compile(
    rf"^[ \t]*(?:[-?][ \t]+)*(?:"
    rf"(?P<blank>[{SPACES}])|(?P<dash>[‐‑‒–—―−－])(?=[ {SPACES}])|(?P<quote>[“”„‟«»＂‘’‚‛＇])"
    rf"|-(?P<after_dash>[{SPACES}])"
    rf"|[^\s#:：﹕꞉\"'|>{{\[]+(?:(?P<colon>[：﹕꞉])|:(?P<after>[{SPACES}])|:[ \t]+(?P<opening>[“”„‟«»＂‘’‚‛＇｜＞［｛])|(?P<before>[{SPACES}])[ {SPACES}]*:))"
)
# A plain value in which a key, a dash or a pair of quotes was taken for text.
TAKEN_FOR_TEXT = re.compile(rf"[\w.-]+(?:[：﹕꞉]|:[{SPACES}])|(?:^|\n)[{SPACES}]*[-‐‑‒–—―−－][{SPACES}]")
TRIES = 8


class Found(NamedTuple):
    """One such character: where it stands, counted from 1."""

    character: str
    line: int
    column: int

    @property
    def span(self) -> Span:
        return Span(self.line, self.column, self.line, self.column + 1)

    @property
    def message(self) -> str:
        """What the character is, and what was meant."""
        import unicodedata

        name = unicodedata.name(self.character, "unnamed").lower()
        meant = MEANT[self.character]
        return f"U+{ord(self.character):04X} ({name}) stands where {WORDS.get(meant, f'`{meant}`')} is meant"

    @property
    def hint(self) -> str:
        """What to do."""
        meant = MEANT[self.character]
        return f"replace it by {WORDS.get(meant, f'`{meant}`')}; text copied from a web page often has more of them"


def structural(lines: list[str], last: int) -> list[Found]:
    """The first such character of each line up to number `last` (from 1) that has one in its structure."""
    found = []
    for number, line in enumerate(lines[:last], start=1):
        if not line.isascii():
            match = STRUCTURAL.match(line)
            if match and match.lastgroup:
                at = match.start(match.lastgroup)
                found.append(Found(line[at], number, at + 1))
    return found


def blamed(text: str, error: ReadingError, compose: Callable[[str], object]) -> ReadingError:
    """The syntax error itself, or one that names the character that it comes from.

    A character is to blame if the text gets further once its line is written plainly.
    """
    if error.code != "PV002" or text.isascii():
        return error
    lines = LINE_END.split(text)
    found = structural(lines, error.span.line)
    # A long run of such lines begins where the trouble begins; beyond that only the nearest lines are worth a try.
    near = found[-TRIES:]
    candidates = [*found[:1], *(one for one in near if one is not found[0])]
    for candidate in candidates:
        if gets_further(lines, candidate, error, compose):
            return ReadingError("PV006", candidate.message, candidate.span, candidate.hint)
    return error


def gets_further(lines: list[str], candidate: Found, error: ReadingError, compose: Callable[[str], object]) -> bool:
    """Whether the text without the characters of one line has its first error later, or none."""
    at = candidate.line - 1
    plainer = [*lines[:at], lines[at].translate(PLAIN_TEXT), *lines[at + 1 :]]
    try:
        compose("\n".join(plainer))
    except ReadingError as other:
        return (other.span.line, other.span.column) > (error.span.line, error.span.column)
    return True


def harmful(root: Node, text: str, file: str) -> Iterator[Diagnostic]:
    """What there is to say of keys and plain values in which structure was taken for text: an error where it is all text."""
    if not ANY.search(text):
        return
    lines = LINE_END.split(text)
    if isinstance(root, ScalarNode):
        odd = [ReadingError("PV006", one.message, one.span, one.hint) for one in structural(lines, len(lines))]
        if odd:
            raise odd[0]
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if isinstance(key, ScalarNode) and ANY.search(key.value):
                    yield from told(key, lines, file)
                stack.append(value)
        elif isinstance(node, SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, ScalarNode) and node.tag == PLAIN and TAKEN_FOR_TEXT.search(node.value):
            yield from told(node, lines, file)


def told(node: ScalarNode, lines: list[str], file: str) -> Iterator[Diagnostic]:
    """One warning at the first such character of a node."""
    first, last = node.start_mark.line, min(node.end_mark.line, len(lines) - 1)
    for number in range(first, last + 1):
        match = ANY.search(lines[number], node.start_mark.column if number == first else 0)
        if match:
            found = Found(match[0], number + 1, match.start() + 1)
            yield Diagnostic("PV006", "warning", found.message, file, found.span, found.hint)
            return
