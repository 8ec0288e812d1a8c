"""Comments that silence a diagnostic: `# provision: ignore[PV310] reason`, on its line or the line above.

A comment that silences nothing, or gives no reason, is a warning itself, so that none outlives its cause.
"""

import re
from typing import NamedTuple

from ruamel.yaml.nodes import ScalarNode

from provision.diagnostics import CODES, LINE_END, Diagnostic, Span, declare, span_of
from provision.document import Document
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


class Suppression(NamedTuple):
    """One comment: the codes it names, the lines it speaks for, and its own place."""

    codes: tuple[str, ...]
    lines: tuple[int, ...]
    reason: str
    span: Span


def suppressions_in(document: Document) -> list[Suppression]:
    """All such comments of a document. A comment on a line of its own speaks for the next line, too."""
    if document.json or "provision:" not in document.text:
        return []
    found = []
    for number, line in enumerate(LINE_END.split(document.text), 1):
        comment = COMMENT.search(line)
        start = line.index("#", comment.start()) + 1 if comment else 0
        if comment and not is_content(document, number, start):
            alone = not line[: start - 1].strip()
            codes = tuple(code.strip() for code in comment[1].split(",") if code.strip())
            lines = (number, number + 1) if alone else (number,)
            found.append(Suppression(codes, lines, comment[2], Span(number, start, number, len(line) + 1)))
    return found


def is_content(document: Document, line: int, column: int) -> bool:
    """Whether a place lies in the text of a scalar, so that what looks like a comment there is none."""
    rest = [document.root] if document.root is not None else []
    while rest:
        node = rest.pop()
        rest.extend(children(node))
        if isinstance(node, ScalarNode):
            span = span_of(node)
            block = node.style in ("|", ">")  # a comment may stand on the line of the | itself
            starts = (span.line + 1, 1) if block else (span.line, span.column)
            if starts <= (line, column) < (span.end_line, span.end_column):
                return True
    return False


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
        kept += about(comment, {code for at, code in used if at == i}, document.file)
    return kept


def about(comment: Suppression, used: set[str], file: str) -> list[Diagnostic]:
    """What is wrong with a comment itself."""
    found = []
    for code in comment.codes or ("",):
        if code in used:
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
