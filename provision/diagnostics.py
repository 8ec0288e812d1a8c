"""What a problem is: its code, severity, place and words. How it looks on a screen is `report`'s business.

Every code of the project is declared once, with `declare` here or through `schema.rules.rule`; `provision rules`
and `provision explain` print that registry. Families: PV0 reading, PV1 structure, PV2 versions, PV3 storage, PV4
passwd, PV5 systemd and services, PV6 sugar, PV7 other dialects and templates, PV8 fetching, PV9 applying.
"""

import re
from collections.abc import Sequence

from provision.typed import Literal, NamedTuple, Protocol, Self

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")

ISSUES_URL = "https://github.com/provision-project/provision/issues"


class ProvisionError(Exception):
    """What the machine refused, or a use that can't be served: the act, the object and what to do about it.

    `exit_code` is the process's answer: 2 for usage and unreadable input, 3 for a refusal by the machine.
    """

    def __init__(self, message: str, *, exit_code: int = 3) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def under(self, what: str) -> Self:
        """The same error, with what it is about before its words."""
        self.args = (f"{what}: {self}",)
        return self


class Mark(Protocol):
    """A place in a text, counted from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Located(Protocol):
    """Anything that knows where in its document it starts and ends: a YAML node, or a part of one."""

    @property
    def start_mark(self) -> Mark: ...
    @property
    def end_mark(self) -> Mark: ...


class Span(NamedTuple):
    """A stretch of a document. Lines and columns count characters from 1; the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


WHOLE_FILE = Span(1, 1, 1, 1)
# What ends a line for YAML readers. Source: YAML 1.1, 5.4 (libyaml).
LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")


def span_of(place: Located) -> Span:
    """Where a node stands, as people count."""
    start, end = place.start_mark, place.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


class Diagnostic(NamedTuple):
    """One problem of one document, ready to be reported."""

    code: str
    severity: Severity
    message: str
    file: str
    span: Span
    hint: str | None = None
    path: str | None = None

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """By file, line, column; then by code, so that two runs print the same."""
        return self.file, self.span.line, self.span.column, self.code, self.message


class Code(NamedTuple):
    """The registry's row for one code: `doc` is its manual, with an example under `Bad:` and one under `Good:`."""

    code: str
    severity: Severity
    name: str
    doc: str
    silenceable: bool = True

    @property
    def summary(self) -> str:
        """The manual's first line."""
        return self.doc.strip().split("\n", 1)[0]

    def example(self, which: Literal["Bad", "Good"]) -> str | None:
        """The YAML under a heading of the manual, without its indentation; None where the manual has none."""
        found = re.search(rf"^ *{which}:\n((?:[ ]+.*\n|\n)*)", dedented(self.doc) + "\n", re.M)
        return dedented(found[1]).strip("\n") + "\n" if found else None


CODES: dict[str, Code] = {}


def declare(code: str, severity: Severity, name: str, doc: str, *, silenceable: bool = True) -> Code:
    """Put a code into the registry; a code that stands there already is a mistake of ours."""
    if code in CODES:
        raise ValueError(f"{code} is declared twice: {CODES[code].name} and {name}")
    row = CODES[code] = Code(code, severity, name, doc, silenceable)
    return row


def dedented(text: str) -> str:
    """A docstring or example without its common indentation; the first line does not count towards it."""
    lines = text.expandtabs().split("\n")
    widths = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    if lines[0].strip() and lines[0][:1] == " ":
        widths.append(len(lines[0]) - len(lines[0].lstrip()))
    width = min(widths, default=0)
    return "\n".join(
        [lines[0].strip() if lines[0][:1] != " " else lines[0][width:], *(line[width:] for line in lines[1:])]
    )


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that a misspelt one most likely means, or None where none is near."""
    from difflib import get_close_matches  # only a mistake pays for the import

    flat = {name.replace("_", "").lower(): name for name in known}
    found = flat.get(word.replace("-", "").replace("_", "").lower())
    if found:
        return found
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return close[0] if close else None
