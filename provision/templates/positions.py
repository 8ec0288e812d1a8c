"""Where rendered text came from: texts that remember the places of a template that made them.

Jinja puts its output together from pieces, in buffers for macros and blocks. Here a piece is a `str` that also knows its
origin, so that whatever a template does with it as a text, it stays right; an operation that makes a new text of it gives
one without origin, which then counts as made by the expression that it is written by.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from provision.diagnostics import LINE_END, Span

# Marks a run of characters that stand in the source just as they were written out.
VERBATIM = -1


class Source:
    """A text and its lines, as reports count them."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text

    @cached_property
    def starts(self) -> list[int]:
        """The offset of the first character of every line."""
        return [0, *(end.end() for end in LINE_END.finditer(self.text))]

    def line_of(self, offset: int) -> int:
        """The number of the line, from 1, that an offset lies in."""
        return bisect_right(self.starts, offset)

    def span(self, start: int, end: int) -> Span:
        """The stretch between two offsets."""
        first, last = self.line_of(start), self.line_of(end)
        return Span(first, start - self.starts[first - 1] + 1, last, end - self.starts[last - 1] + 1)

    def line(self, number: int) -> str:
        """The text of a line."""
        return LINE_END.split(self.text[self.starts[number - 1] :], 1)[0] if 0 < number <= len(self.starts) else ""


class Run(NamedTuple):
    """Characters in a row of one origin: verbatim from `start` on, or made by the expression from `start` to `end`."""

    length: int
    source: Source
    start: int
    end: int


class Place(NamedTuple):
    """A stretch of a file of templates."""

    file: str
    span: Span


class Piece(str):
    """A text that knows where each of its characters came from."""

    __slots__ = ("_runs",)
    _runs: tuple[Run, ...]

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, ("".join(self),)


def piece(text: str, runs: tuple[Run, ...]) -> Piece:
    """A text with its origin."""
    made = Piece(text)
    made._runs = runs
    return made


def verbatim(source: Source, start: int, text: str) -> Piece:
    """A text of a template that is written out as it stands."""
    return piece(text, (Run(len(text), source, start, VERBATIM),))


def runs_of(texts: Iterable[str], length_only: Run | None = None) -> list[Run]:
    """The origins of texts put together; one without origin takes that of `length_only`, or none."""
    runs: list[Run] = []
    for text in texts:
        if type(text) is Piece:
            runs.extend(text._runs)
        elif text and length_only is not None:
            runs.append(length_only._replace(length=len(text)))
    return runs


def joined(texts: Sequence[str]) -> str:
    """Texts put together, as a piece if they have an origin."""
    if len(texts) == 1 and type(texts[0]) is Piece:
        return texts[0]
    runs: list[Run] = []
    for text in texts:
        if type(text) is not Piece:
            return "".join(texts) if text else joined([each for each in texts if each])
        runs.extend(text._runs)
    return piece("".join(texts), tuple(runs))


def cut(text: Piece, start: int, end: int) -> Piece:
    """A part of a piece, with its origin."""
    return piece(str.__getitem__(text, slice(start, end)), tuple(cut_runs(text._runs, start, end)))


def cut_runs(runs: Iterable[Run], start: int, end: int) -> Iterable[Run]:
    """The runs between two positions."""
    at = 0
    for run in runs:
        first, last = max(start, at), min(end, at + run.length)
        if first < last:
            moved = run.start + (first - at) if run.end == VERBATIM else run.start
            yield Run(last - first, run.source, moved, run.end)
        at += run.length


def trimmed(text: Piece) -> Piece:
    """A piece without the white space around it."""
    start = len(text) - len(text.lstrip())
    return cut(text, start, max(start, len(text.rstrip())))


def indented(text: Piece, result: str) -> str:
    """The result of indenting a piece: its lines with something before each. It has the origin of the piece, line by line."""
    old, new = text.split("\n"), result.split("\n")
    if len(old) != len(new) or not text._runs:
        return result
    runs: list[Run] = []
    at = 0
    for was, now in zip(old, new, strict=True):
        mine = list(cut_runs(text._runs, at, at + len(was) + 1))
        added = len(now) - len(was)
        if added > 0:
            beside = mine[0] if mine else text._runs[-1]
            runs.append(Run(added, beside.source, beside.start, max(beside.end, beside.start)))
        runs.extend(mine)
        at += len(was) + 1
    return piece(result, tuple(runs))


class Origins:
    """Finds the place in the templates that made a place in the rendered text."""

    def __init__(self, pieces: Sequence[str], fallback: Source) -> None:
        self.pieces, self.fallback = pieces, fallback

    @cached_property
    def text(self) -> str:
        """The rendered text."""
        return "".join(self.pieces)

    @cached_property
    def runs(self) -> list[Run]:
        """All runs in their order; what no template wrote belongs to the top of the first one."""
        return runs_of(self.pieces, Run(0, self.fallback, 0, 0))

    @cached_property
    def ends(self) -> list[int]:
        """The offset behind each run."""
        return list(accumulate(run.length for run in self.runs))

    @cached_property
    def rendered(self) -> Source:
        """The rendered text, with its lines."""
        return Source(self.fallback.file, self.text)

    def at(self, offset: int) -> tuple[Source, int, int]:
        """Source, start and end of what made a character; behind the last, of what made that."""
        if not self.runs:
            return self.fallback, 0, 0
        index = min(bisect_right(self.ends, offset), len(self.runs) - 1)
        run = self.runs[index]
        if run.end != VERBATIM:
            return run.source, run.start, run.end
        moved = run.start + min(offset - (self.ends[index] - run.length), run.length)
        return run.source, moved, moved + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a place in the rendered text; one that is not there is moved to where the text is."""
        starts = self.rendered.starts
        if line > len(starts):
            return len(self.text)
        end = starts[line] if line < len(starts) else len(self.text)
        return min(starts[max(line, 1) - 1] + max(column, 1) - 1, end)

    def place(self, span: Span) -> Place:
        """The stretch of a template that made a stretch of the rendered text."""
        begin = self.offset(span.line, span.column)
        source, start, end = self.at(begin)
        last = self.offset(span.end_line, span.end_column)
        if last > begin:
            other, _, stop = self.at(last - 1)
            if other is source and stop > start:
                end = stop
        return Place(source.file, source.span(start, max(end, start + 1)))

    def line_place(self, line: int) -> Place:
        """The place that made a rendered line: that of its first character which shows, or of its end."""
        text = self.rendered.line(line)
        column = len(text) - len(text.lstrip()) + 1
        return self.place(Span(line, column, line, column + 1))
