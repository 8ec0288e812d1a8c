"""The report for people: a table that fits a terminal."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from provision.formats import counted, visible
from provision.migration.entries import TITLES, Entry, Report

# The fewest characters that the table gives to its last column.
LEAST_ROOM = 20


def print_table(report: Report, width: int) -> None:
    """The report for people: a line for each field, the counts, and what holds for all."""
    for line in table_of(report.entries, width) if report.entries else ():
        print(line)
    counts = ", ".join(f"{count} {TITLES[mark]}" for mark, count in report.counts.items())
    print(f"{report.file} ({report.dialect}): {counted(len(report.entries), 'field')}, {counts}")
    for remark in report.remarks:
        print("\n".join(wrap(remark, width)))


def table_of(entries: list[Entry], width: int) -> Iterator[str]:
    """The lines of the table. Fields of one section stand below its name, and what holds for all of them beside it."""
    cells = list(cells_of(entries))
    number, name, mark = (max(map(len, column)) for column in zip(*(cell[:3] for cell in cells), strict=True))
    for line, field, title, how in cells:
        left = f"{line:>{number}}  {field:{name}}  {title:{mark}}  "
        room = max(width - len(left), LEAST_ROOM)
        first, *more = wrap(how, room, break_long_words=False, break_on_hyphens=False) or [""]
        yield (left + first).rstrip()
        yield from (" " * len(left) + each for each in more)


def cells_of(entries: list[Entry]) -> Iterator[tuple[str, str, str, str]]:
    """The cells of the table's rows."""
    yield "line", "field", "carried", "how"
    for section, found in groupby(entries, key=lambda entry: section_of(entry.path)):
        rows = list(found)
        if not section or len(rows) == 1:
            yield from ((str(row.line), visible(row.path), TITLES[row.mark], visible(row.how)) for row in rows)
            continue
        shared = shared_by(rows)
        yield "", visible(section), "", visible(shared)
        for row in rows:
            how = "" if row.how == shared else row.how.removeprefix(f"{shared}: ")
            yield str(row.line), visible(f"  {row.path[len(section) + 1 :]}"), TITLES[row.mark], visible(how)


def section_of(path: str) -> str:
    """What a field stands in: the element of a list, or else the section; empty where it stands at the top."""
    element, end, _ = path.rpartition("].")
    return element + "]" if end else path.rpartition(".")[0]


def shared_by(rows: list[Entry]) -> str:
    """What is to be said of most fields of a section; empty where that is nothing, or of one only."""
    where = [row.how.partition(": ")[0] for row in rows]
    found, count = Counter(where).most_common(1)[0]
    return found if count > 1 and all(where) else ""
