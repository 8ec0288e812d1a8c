r"""How a string is written in YAML: plain where it can be, in a block where it has lines, else in quotes.

Every string comes back the same to every YAML reader: what one of them could take for a number, a date or a boolean
stands in quotes, and so does what a person could take for YAML's own punctuation. Source: YAML 1.1, 5.1 (characters), 7 and 8 (styles), as libyaml and go-yaml read them.
"""

import re

from provision.document.typography import ANY as LOOKALIKE
from provision.transpile.output import AMBIGUOUS

# A block holds no carriage return, none of the line ends that readers disagree about, and nothing invisible to YAML.
BLOCK = re.compile(r"[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
# Indentation of the first line that the reader could take for the block's own.
INDENTED = re.compile(r"\n*[ \t]")
# `-` may start a plain value where no blank follows; what else has a meaning at the start stands in quotes.
PLAIN = re.compile(r"(?:-+[^\s\-]|[^\s\-?:,\[\]{}#&*!|>'\"%@`])(?:.*\S)?")
# A number to some readers of YAML 1.1: underscores count as digits there.
NOT_PLAIN = re.compile(r":(?:\s|$)|\s#|^[-+]?[_0-9]*$")
# Without colons: not all of YAML's readers take them there.
FLOW = re.compile(r"[\w./+][\w./+=@%-]*[\w./+=@%-]|[\w./+]", re.ASCII)
SHORT_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
SURROGATES = re.compile("[\ud800-\udfff]")


def block_fits(text: str) -> bool:
    """Whether a text has lines, and nothing that a block can't hold."""
    return "\n" in text and not text.isspace() and BLOCK.fullmatch(text) is not None


def lines_of(text: str, indent: int) -> list[str]:
    """A string as the lines of its YAML: the first goes behind the key, the others are indented already."""
    text = SURROGATES.sub("\ufffd", text)
    if block_fits(text):
        return block(text, " " * indent)
    if "\n" in text.rstrip("\n"):
        return quoted_lines(text, " " * indent)
    return [one_line(text)]


def block(text: str, pad: str) -> list[str]:
    """A literal block, with the digit for an indented first line and the sign for what its end is like."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    header = "|" + ("2" if INDENTED.match(text) else "") + ("-", "", "+")[min(ends, 2)]
    return [header, *(pad + line if line else "" for line in body.split("\n")), *[""] * (ends - 1)]


def quoted_lines(text: str, pad: str) -> list[str]:
    """A text in double quotes with each of its lines on a line of its own."""
    parts = [escaped(part) + "\\n" for part in text.split("\n")]
    parts[-1] = parts[-1].removesuffix("\\n")
    if not parts[-1]:
        del parts[-1]
    # A blank at the start of a continued line is layout unless it is escaped.
    lines = ['"' + parts[0], *(pad + "\\" * part.startswith(" ") + part for part in parts[1:])]
    return [*(line + "\\" for line in lines[:-1]), lines[-1] + '"']


def one_line(text: str) -> str:
    """A string on one line."""
    if not text.isprintable():
        return f'"{escaped(text)}"'
    plain = PLAIN.fullmatch(text) and not NOT_PLAIN.search(text) and not AMBIGUOUS.fullmatch(text)
    if plain and not LOOKALIKE.search(text):
        return text
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def escaped(text: str) -> str:
    """A text for double quotes: what can't be seen is escaped."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(SHORT_ESCAPES.get(char) or (char if char.isprintable() else code(char)) for char in text)


def code(char: str) -> str:
    """A character by its number."""
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def fits_flow(text: str) -> bool:
    """Whether a string can stand in a list in brackets as it is."""
    return FLOW.fullmatch(text) is not None and AMBIGUOUS.fullmatch(text) is None
