"""The words of a unit's values: quotes and escapes. Source: "Quoting" in systemd.service(5), `extract_first_word`."""

import re
from collections.abc import Iterator
from functools import lru_cache

ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " ", "\\": "\\"} | {
    '"': '"',
    "'": "'",
}
WORD_PIECE = re.compile(
    r"(?P<blank>[ \t\r\n]+)"
    r'|"(?P<double>(?:[^"\\]|\\.)*)"'
    r"|'(?P<single>(?:[^'\\]|\\.)*)'"
    r"|(?P<bare>(?:[^ \t\r\n\"'\\]|\\.)+)"
    r"|(?P<odd>.)",
    re.DOTALL,
)
CHARACTER = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})|(.))", re.DOTALL)


@lru_cache(maxsize=256)  # several rules look at the same commands
def split_words(value: str) -> tuple[str, ...]:
    """The words of a value as systemd parts them: quotes taken off, escapes resolved, unknown escapes kept.

    A quote that nothing closes stands for itself; `has_open_quote` tells of it.

    >>> split_words(r'-e "A=one two" B=\\x41')
    ('-e', 'A=one two', 'B=A')
    """
    if value.isascii() and value.isprintable() and not any(mark in value for mark in "\"'\\"):
        return tuple(value.split())
    return tuple("".join(map(piece_of, pieces)) for pieces in raw_words(value))


def split_commands(value: str) -> tuple[tuple[str, ...], ...]:
    """The words of each command of a line. A semicolon parts two commands where it is a word without quotes; `\\;`, written
    just so, is the word that is a semicolon. Source: systemd, `config_parse_exec`.

    >>> split_commands('/bin/find -exec /bin/rm {} ";" ; /bin/true')
    (('/bin/find', '-exec', '/bin/rm', '{}', ';'), ('/bin/true',))
    """
    if ";" not in value:
        return (split_words(value),)
    commands: list[list[str]] = [[]]
    for pieces in raw_words(value):
        written = "".join(piece[0] for piece in pieces)
        if written == ";":
            commands.append([])
        else:
            commands[-1].append(";" if written == "\\;" else "".join(map(piece_of, pieces)))
    return tuple(tuple(words) for words in commands if words)


def raw_words(value: str) -> Iterator[list[re.Match[str]]]:
    """The pieces of each word: quoted and bare ones, as they are written."""
    pieces: list[re.Match[str]] = []
    for found in WORD_PIECE.finditer(value):
        if found["blank"] is None:
            pieces.append(found)
        elif pieces:
            yield pieces
            pieces = []
    if pieces:
        yield pieces


def piece_of(found: re.Match[str]) -> str:
    """What a piece of a word stands for."""
    return CHARACTER.sub(character, found[found.lastgroup or 0])


def has_open_quote(value: str) -> bool:
    """Whether a quote is never closed; systemd then refuses the whole value."""
    if '"' not in value and "'" not in value:
        return False
    return any(found["odd"] in ('"', "'") for found in WORD_PIECE.finditer(value))


def character(found: re.Match[str]) -> str:
    """The character that one escape stands for."""
    two, four, eight, octal, letter = found.groups()
    if letter is not None:
        return ESCAPED.get(letter, found[0])
    number = int(octal, 8) if octal else int(two or four or eight, 16)
    return chr(number) if number < 0xD800 or 0xDFFF < number < 0x110000 else found[0]
