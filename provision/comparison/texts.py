"""Unified diffs of texts, in bounded time.

Lines that both texts have just once are matched first, as far as they stand in one order ("patience diff"); difflib, whose
time grows with the square of the lines, only sees what is between them.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import Match, SequenceMatcher

from provision.comparison.changes import Text
from provision.comparison.hiding import masked

# How many pairs of lines difflib may look at, in one text; what is left is told as replaced.
MAX_PAIRS = 4_000_000
LINE = re.compile(r"[^\n]*\n|[^\n]+")
NO_LINE_FEED = "\\ No newline at end of file"
Lines = Sequence[str]


def text_diff(name: str, old: str, new: str) -> Text:
    """What differs between two texts, without the secrets in them."""
    return Text(name, tuple(diff_lines(LINE.findall(old), LINE.findall(new))))


def diff_lines(old: Lines, new: Lines) -> Iterator[str]:
    """The lines of a unified diff, without the two that name the files."""
    for hunk in Matcher(old, new).get_grouped_opcodes():
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = hunk[0], hunk[-1]
        yield f"@@ -{span(old_start, old_end)} +{span(new_start, new_end)} @@"
        for verb, start, end, other_start, other_end in hunk:
            if verb == "equal":
                yield from signed(" ", old[start:end])
            else:
                yield from signed("-", old[start:end])
                yield from signed("+", new[other_start:other_end])


def span(start: int, end: int) -> str:
    """The lines of a hunk. Source: POSIX, diff, "Diff -u Output Format": an empty one is told by the line before it."""
    length = end - start
    return str(start + 1) if length == 1 else f"{start + 1 if length else start},{length}"


def signed(sign: str, lines: Lines) -> Iterator[str]:
    """Lines of the diff, and a remark where one ends the file without a line feed."""
    for line in lines:
        yield sign + masked(line.removesuffix("\n"))
        if not line.endswith("\n"):
            yield NO_LINE_FEED


class Matcher(SequenceMatcher[str]):
    """Finds what two texts have in common."""

    def __init__(self, old: Lines, new: Lines) -> None:
        super().__init__(None, "", "")
        self.a, self.b = old, new
        self.pairs_left = MAX_PAIRS

    def get_matching_blocks(self) -> list[Match]:
        """Stretches that are the same, in order; the last is empty and at the end."""
        found: list[Match] = []
        for match in self.matches():
            before = found[-1] if found else None
            if before and (before.a + before.size, before.b + before.size) == (match.a, match.b):
                found[-1] = before._replace(size=before.size + match.size)
            else:
                found.append(match)
        return [*found, Match(len(self.a), len(self.b), 0)]

    def matches(self) -> Iterator[Match]:
        """The same, in smaller pieces."""
        at, other = 0, 0
        for start, end in [*anchors(self.a, self.b), (len(self.a), len(self.b))]:
            yield from self.between(at, start, other, end)
            if start < len(self.a):
                yield Match(start, end, 1)
            at, other = start + 1, end + 1

    def between(self, start: int, end: int, other_start: int, other_end: int) -> Iterator[Match]:
        """What is the same between two anchors."""
        old, new = self.a[start:end], self.b[other_start:other_end]
        ahead = common(old, new)
        behind = common(old[ahead:][::-1], new[ahead:][::-1])
        if ahead:
            yield Match(start, other_start, ahead)
        old, new = old[ahead : len(old) - behind], new[ahead : len(new) - behind]
        if old and new and len(old) * len(new) <= self.pairs_left:
            self.pairs_left -= len(old) * len(new)
            for match in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()[:-1]:
                yield Match(start + ahead + match.a, other_start + ahead + match.b, match.size)
        if behind:
            yield Match(end - behind, other_end - behind, behind)


def common(old: Lines, new: Lines) -> int:
    """How many lines two texts begin with together."""
    shorter = min(len(old), len(new))
    return next((at for at in range(shorter) if old[at] != new[at]), shorter)


def anchors(old: Lines, new: Lines) -> list[tuple[int, int]]:
    """Lines that both texts have just once, by their places: the most of them that stand in one order in both."""
    counts = Counter(old), Counter(new)
    places = {line: at for at, line in enumerate(new) if counts[0][line] == counts[1][line] == 1}
    candidates = [(at, places[line]) for at, line in enumerate(old) if line in places]
    # The longest increasing sequence: for each length the one that ends at the least place, and who comes before whom.
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(candidates):
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [number]
        before.append(last[length - 1] if length else -1)
    found: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        found.append(candidates[at])
        at = before[at]
    return found[::-1]
