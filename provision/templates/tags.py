"""The tags of a template: where each begins and ends, and which are not closed. Jinja itself only knows lines."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jinja2 import nodes

from provision.templates.positions import Source

# How a tag begins, and the pairs of those that have an end.
ENDS = {f"end{name}": name for name in ("for", "if", "macro", "call", "filter", "set", "block", "with", "autoescape")}


class Position(int):
    """The line of a token, as Jinja counts them, that also knows the token's offset in the text."""

    offset: int


class Tags(NamedTuple):
    """The tags of one file: where each begins and ends, and of those of statements the first word."""

    starts: list[int]
    ends: list[int]
    words: list[tuple[int, str, bool]]
    """Offset of the tag, its first word, and whether it has a `=`."""
    reached: list[int]
    """The offset behind the last token, for errors in what comes next."""


def offset_of(node: nodes.Node) -> int:
    """Where a node begins."""
    return getattr(node.lineno, "offset", 0)


def placed(tokens: Iterable[tuple[int, str, str]], file: Source, tags: Tags) -> Iterator[tuple[int, str, str]]:
    """Tokens with positions that know their offset; between tokens, white space may have been left out."""
    text, at, expects_word = file.text, 0, False
    for _, kind, value in tokens:
        while not text.startswith(value, at) and at < len(text):
            at += 1
        position = Position(file.line_of(at))
        position.offset = at
        if kind in ("variable_begin", "block_begin", "raw_begin"):
            tags.starts.append(at)
            expects_word = kind == "block_begin"
        elif expects_word and kind == "name":
            tags.words.append((tags.starts[-1], value, False))
            expects_word = False
        elif kind == "operator" and value == "=" and tags.words and tags.words[-1][0] == tags.starts[-1]:
            tags.words[-1] = (*tags.words[-1][:2], True)
        at += len(value)
        tags.reached[0] = at - len(value) if kind in ("comment_begin", "raw_begin") else at
        if kind in ("variable_end", "block_end", "raw_begin"):
            tags.ends.append(at - len(value) + len(value.rstrip()))
        yield position, kind, value


def unclosed(tags: Tags) -> tuple[int, str] | None:
    """The innermost tag that has no end: its offset, and its word."""
    stack: list[tuple[int, str]] = []
    for offset, word, assigns in tags.words:
        if word in ENDS:
            if stack and stack[-1][1] == ENDS[word]:
                stack.pop()
        elif word in ENDS.values() and not (word == "set" and assigns):
            stack.append((offset, word))
    return stack[-1] if stack else None
