"""What became of a document's fields: the rows of the report, and their counts."""

from collections import Counter
from typing import Literal, NamedTuple

Mark = Literal["exact", "unit", "lost"]
MARKS: tuple[Mark, ...] = ("exact", "unit", "lost")
TITLES: dict[Mark, str] = {"exact": "exact", "unit": "by a unit", "lost": "lost"}


class Entry(NamedTuple):
    """One field of the document."""

    path: str
    line: int
    mark: Mark
    how: str


class Report(NamedTuple):
    """All fields in the order of the document; `remarks` hold for all of it."""

    file: str
    dialect: str
    entries: list[Entry]
    remarks: list[str]

    @property
    def counts(self) -> dict[Mark, int]:
        """How many fields there are of each mark."""
        found = Counter(entry.mark for entry in self.entries)
        return {mark: found[mark] for mark in MARKS}
