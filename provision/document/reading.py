"""Why a text can't be read: the codes, the limits, and where in the text it is."""

import zlib
from typing import NamedTuple

from provision.diagnostics import LINE_END, WHOLE_FILE, Span, declare

# Limits against documents that are made to exhaust a machine. Real configs stay far below them.
MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 200
MAX_NODES = 2_000_000  # after aliases are expanded
CHUNK_BYTES = 1 << 16
TOO_LARGE = f"the gzip stream holds more than {MAX_BYTES} bytes"

declare(
    "PV001", "error", "encoding",
    """A document is UTF-8 text without control characters.

    Configs travel through tools that read UTF-8 only. Save the file as UTF-8; put binary content into `!!binary` or a
    local file. Source: YAML 1.2, 5.1 and 5.2.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV002", "error", "syntax",
    """A document is well-formed YAML, or JSON.

    Bad:
        variant: fcos
        version: 1.6.0
        storage: {files: [

    Good:
        variant: fcos
        version: 1.6.0
        storage: {files: []}
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV003", "error", "duplicate key",
    """A key stands once in its mapping.

    The second value would replace the first or be dropped, depending on who reads it.
    Source: YAML 1.2, 3.2.1.3.

    Bad:
        storage:
          files:
            - path: /etc/motd
              mode: 0644
              mode: 0600

    Good:
        storage:
          files:
            - path: /etc/motd
              mode: 0644
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV004", "error", "second document",
    """A file holds one document.

    Other tools read the first and ignore the rest without a word. Put each config into its own file.

    Bad:
        variant: fcos
        version: 1.6.0
        ---
        variant: fcos
        version: 1.6.0

    Good:
        ---
        variant: fcos
        version: 1.6.0
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV005", "error", "limits",
    f"A document stays within {MAX_BYTES // 1024**2} MiB, {MAX_DEPTH} levels and {MAX_NODES} nodes, aliases expanded."
    """

    A few lines of aliases to aliases can stand for billions of nodes; an alias inside its own anchor never ends.

    Bad:
        variant: fcos
        version: 1.6.0
        storage: &a
          files: [*a]

    Good:
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - &a {path: /a}
            - {<<: *a, path: /b}
    """, silenceable=False,
)  # fmt: skip


class Mark(NamedTuple):
    """A place as nodes have it: line and column from 0."""

    line: int
    column: int


class ReadingError(Exception):
    """Why a text has no nodes: caught in `read`."""

    def __init__(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.hint = code, message, span, hint


def unpacked(data: bytes) -> bytes:
    """The bytes of a file, decompressed where it is gzip."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gunzip(data)
    except ValueError as error:
        raise ReadingError("PV005" if str(error) == TOO_LARGE else "PV001", str(error), WHOLE_FILE) from None


def gunzip(data: bytes) -> bytes:
    """The content of gzip streams one behind the other, up to the largest document. Raises ValueError with the reason.

    Source: RFC 1952, 2.2.
    """
    pieces: list[bytes] = []
    room, at = MAX_BYTES, 0
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    while at < len(data):
        if inflater.eof:
            inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        chunk = data[at : at + CHUNK_BYTES]  # what follows a member is copied, so only a little of it at a time
        try:
            pieces.append(inflater.decompress(chunk, room + 1))
        except zlib.error as error:
            raise ValueError(f"the gzip stream is damaged: {str(error).split(': ')[-1]}") from None
        room -= len(pieces[-1])
        if room < 0:
            raise ValueError(TOO_LARGE)
        at += len(chunk) - len(inflater.unused_data)
        while inflater.eof and data[at : at + 1] == b"\0":  # padding
            at += 1
    if not inflater.eof:
        raise ValueError("the gzip stream ends in the middle")
    return b"".join(pieces)


def too_deep(span: Span) -> ReadingError:
    """The one wording of the depth limit."""
    return ReadingError("PV005", f"nested deeper than {MAX_DEPTH} levels", span)


def place_of(text: str, position: int) -> Span:
    """The line and column of a character, one character wide."""
    line, start = 1, 0
    for end in LINE_END.finditer(text, 0, position):
        line, start = line + 1, end.end()
    return Span(line, position - start + 1, line, position - start + 2)
