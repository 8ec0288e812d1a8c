"""How diagnostics look: chooses the format, and draws the frame that people read on a terminal.

What other programs read is in `formats`. Nothing here prints.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from provision import formats
from provision.diagnostics import LINE_END, Diagnostic, ProvisionError, Span
from provision.formats import LEVELS, Run, Writer, counted, paint, tally, title, visible

CONTEXT_LINES = 2
LINE_CHARACTERS = 120  # a longer line is cut around the span
TAB = "    "

BLUE = "1;34"
CYAN = "1;36"
GREEN = "1;32"


def choose(format: str, *, terminal: bool, environ: Mapping[str, str]) -> str:
    """The format to write: `auto` is github under GitHub Actions, full on a terminal, else concise.

    Raises ProvisionError (usage) for a name that is no format.
    """
    if format in FORMATS:
        return format
    if format != "auto":
        raise ProvisionError(f"no such format: {format!r}; use {', '.join(FORMATS)} or auto", exit_code=2)
    if environ.get("GITHUB_ACTIONS"):
        return "github"
    return "full" if terminal else "concise"


def render(
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, str],
    format: str,
    *,
    color: bool = False,
    files: Sequence[str] = (),
) -> str:
    """The diagnostics in one of FORMATS, in the order given: whole lines, or nothing where there is nothing to say.

    `sources` has the text of each file for the excerpts; a file without one gets none. `files` are all that were
    checked: junit lists those that pass, json counts them.
    """
    sound = [one._replace(span=sound_span(one.span)) for one in diagnostics]
    return WRITERS[format](Run(sound, sources, files, color))


def summary(diagnostics: Sequence[Diagnostic], files_checked: int, *, color: bool = False) -> str:
    """`2 errors, 1 warning in 3 files`, or `3 files: no problems`; no line end."""
    files = counted(files_checked, "file")
    found = [(severity, count) for severity, count in tally(diagnostics).items() if count]
    if not found:
        return f"{files}: {paint('no problems', GREEN, color)}"
    listed = ", ".join(paint(counted(count, severity), LEVELS[severity].color, color) for severity, count in found)
    return f"{listed} in {files}"


def sound_span(span: Span) -> Span:
    """The span with positions from 1 and an end that is not before its start, which SARIF's schema demands."""
    line, column = max(1, span.line), max(1, span.column)
    return Span(line, column, *max((line, column), (max(1, span.end_line), max(1, span.end_column))))


def full(run: Run) -> str:
    """A block for each diagnostic: what, where, the lines around it with a caret below, and the hint."""
    wanted = {one.file for one in run.diagnostics}
    lines = {file: LINE_END.split(text) for file, text in run.sources.items() if file in wanted}
    blocks = ("\n".join(block(one, lines.get(one.file, []), run.color)) + "\n" for one in run.diagnostics)
    return "\n".join(blocks)


def block(one: Diagnostic, lines: Sequence[str], color: bool) -> Iterator[str]:
    """The lines of one diagnostic's block; no `lines`, no excerpt."""
    excerpt = list(rows(lines, one.span)) if lines else []
    width = max([2, *(len(row.label) for row in excerpt)])
    yield f"{title(one, color)}: {paint(visible(one.message), '1', color)}"
    yield f"{' ' * width}{paint('-->', BLUE, color)} {visible(one.file)}:{one.span.line}:{one.span.column}"
    for row in excerpt:
        gutter = paint(f"{row.label:>{width}} |", BLUE, color)
        yield f"{gutter} {paint(row.text, BLUE, color) if row.caret else row.text}" if row.text else gutter
    if one.hint:
        yield f"{' ' * width} {paint('=', BLUE, color)} {paint('help', CYAN, color)}: {visible(one.hint)}"


class Row(NamedTuple):
    """One line of the excerpt: the number in its gutter, if any, and its text as it is shown."""

    label: str
    text: str
    caret: bool = False


def rows(lines: Sequence[str], span: Span) -> Iterator[Row]:
    """The excerpt around a span; one beyond the end of the text is shown at the end."""
    at = min(span.line, len(lines))
    first, last = max(1, at - CONTEXT_LINES), min(len(lines), at + CONTEXT_LINES)
    if last > at and last == len(lines) and not lines[-1]:
        last -= 1  # what stands after the last line end is no line
    yield Row("", "")
    for number in range(first, last + 1):
        line = lines[number - 1]
        if number == at:
            text, caret = underlined(line, *columns(line, span, at))
            yield Row(str(number), text)
            yield Row("", caret, caret=True)
        else:
            yield Row(str(number), underlined(line, 0, 0)[0])
    yield Row("", "")


def columns(line: str, span: Span, at: int) -> tuple[int, int]:
    """Start and end of the span in its first line, counted from 0, inside the line and the place after it."""
    start = len(line) if span.line > at else min(span.column - 1, len(line))
    end = len(line.rstrip()) if span.end_line > span.line else min(span.end_column - 1, len(line))
    return start, max(start, end)


def underlined(line: str, start: int, end: int) -> tuple[str, str]:
    """The line as it is shown, cut around the span if it is long, and the carets to put below it."""
    far = len(line) > LINE_CHARACTERS and start > LINE_CHARACTERS * 2 // 3
    left = start - LINE_CHARACTERS // 3 if far else 0
    right = min(len(line), left + LINE_CHARACTERS)
    before, marked, after = line[left:start], line[start : min(end, right)], line[start:right]
    lead, tail = "…" if left else "", "…" if right < len(line) else ""
    indent = " " * cells(lead + shown(before))
    return f"{lead}{shown(before)}{shown(after)}{tail}".rstrip(), indent + "^" * max(1, cells(shown(marked)))


def shown(text: str) -> str:
    """A piece of a source line as it appears in an excerpt."""
    return visible(text.replace("\t", TAB))


def cells(text: str) -> int:
    """How many columns of a terminal a printable text takes (Unicode, UAX 11; combining marks take none)."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(0 if category(char) in ("Mn", "Me") else 2 if east_asian_width(char) in "WF" else 1 for char in text)


WRITERS: dict[str, Writer] = {"full": full, **formats.WRITERS}
FORMATS = tuple(WRITERS)
