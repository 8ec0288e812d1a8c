"""Comments that silence a diagnostic: `# provision: ignore[PV310] reason`, on its line or the line above.

Within a text, such as a unit's, such a comment stands on a line of its own; behind the `|` it speaks for the whole text.

A comment that silences nothing, or gives no reason, is a warning itself, so that none outlives its cause.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ruamel.yaml.nodes import ScalarNode

from provision.diagnostics import CODES, Diagnostic, Span, declare, span_of
from provision.document import WHOLE_TEXT, Document
from provision.document.graph import children

declare(
    "PV010", "warning", "unused suppression",
    """A comment that silences a code stands at a line where that code is reported.

    Bad:
        # provision: ignore[PV605] copied from the old machine
        variant: fcos
        version: 1.6.0

    Good:
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path: /etc/motd
              # provision: ignore[PV605] the group of this file is 640 by accident, and must stay so
              mode: 640
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV011", "warning", "suppression without a reason",
    """A comment that silences a code says why.

    Bad:
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path: /etc/motd
              mode: 640 # provision: ignore[PV605]

    Good:
        variant: fcos
        version: 1.6.0
        storage:
          files:
            - path: /etc/motd
              mode: 640 # provision: ignore[PV605] it was decimal on the old machines, too
    """, silenceable=False,
)  # fmt: skip

COMMENT = re.compile(r"(?:^|\s)#\s*provision:\s*ignore\[([^\]]*)\][ \t]*(.*?)\s*$")


# Codes of what only a build sees, of several documents together: a comment that silences one is no mistake elsewhere.
OF_A_BUILD = frozenset(("PV790", "PV792"))


class Suppression(NamedTuple):
    """One comment: the codes it names, the lines it speaks for, and its own place."""

    codes: tuple[str, ...]
    lines: range
    reason: str
    span: Span
    inside: bool = False
    """Whether it stands in a text, where it may be meant for others: it is no mistake if it silences nothing."""


def suppressions_in(document: Document) -> list[Suppression]:
    """All such comments of a document. A comment on a line of its own speaks for the next line, too."""
    if document.json or (document.part is None and "provision:" not in document.text):
        return []
    found = []
    for number in range(1, len(document.lines) + 1) if document.part is None else document.part:
        line = document.lines[number - 1]
        comment = COMMENT.search(line)
        start = line.index("#", comment.start()) + 1 if comment else 0
        if not comment:
            continue
        alone = not line[: start - 1].strip()
        inside = text_at(document, number, start)
        if inside and not (alone and inside.style in ("|", WHOLE_TEXT)):
            continue
        codes = tuple(code.strip() for code in comment[1].split(",") if code.strip())
        lines = range(number, number + 2) if alone else range(number, text_end(document, number) + 1)
        place = Span(number, start, number, len(line) + 1)
        found.append(Suppression(codes, lines, comment[2], place, inside is not None))
    return found


def scalars_of(document: Document) -> Iterator[ScalarNode]:
    """All scalars of a document."""
    rest = [document.root] if document.root is not None else []
    while rest:
        node = rest.pop()
        rest.extend(children(node))
        if isinstance(node, ScalarNode):
            yield node


def text_at(document: Document, line: int, column: int = 1 << 30) -> ScalarNode | None:
    """The scalar whose text a place lies in, so that what looks like a comment there is part of it."""
    for node in scalars_of(document):
        span = span_of(node)
        block = node.style in ("|", ">")  # a comment may stand on the line of the | itself
        starts = (span.line + 1, 1) if block else (span.line, span.column)
        if starts <= (line, column) < (span.end_line, span.end_column):
            return node
    return None


def text_end(document: Document, line: int) -> int:
    """The last line of the text that a `|` on a line begins; the line itself where there is none."""
    ends = [
        span_of(node).end_line
        for node in scalars_of(document)
        if node.style in ("|", ">") and span_of(node).line == line
    ]
    return max(ends, default=line + 1) - 1 if ends else line


def suppress(document: Document, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics that no comment silences, with those about the comments themselves."""
    comments = suppressions_in(document)
    if not comments:
        return diagnostics
    used: set[tuple[int, str]] = set()
    kept = []
    for diagnostic in diagnostics:
        by = [
            i for i, comment in enumerate(comments)
            if diagnostic.code in comment.codes and diagnostic.span.line in comment.lines and diagnostic.file == document.file
        ]  # fmt: skip
        if by and CODES[diagnostic.code].silenceable:
            used.update((i, diagnostic.code) for i in by)
        else:
            kept.append(diagnostic)
    for i, comment in enumerate(comments):
        if comment.inside and not any(at == i for at, _ in used):
            continue
        kept += about(comment, {code for at, code in used if at == i}, document.file)
    return kept


def about(comment: Suppression, used: set[str], file: str) -> list[Diagnostic]:
    """What is wrong with a comment itself."""
    found = []
    for code in comment.codes or ("",):
        if code in used or code in OF_A_BUILD:
            continue
        if code not in CODES:
            why, hint = f"`{code}` is no code", "`provision rules` lists the codes"
        elif not CODES[code].silenceable:
            why, hint = f"{code} can't be silenced", "a document that can't be read has to be mended"
        else:
            why, hint = f"{code} is not reported here", "remove the comment"
        found.append(Diagnostic("PV010", "warning", f"unused suppression: {why}", file, comment.span, hint))
    if not comment.reason:
        hint = "write why after the closing bracket"
        found.append(Diagnostic("PV011", "warning", "a suppression gives no reason", file, comment.span, hint))
    return found
