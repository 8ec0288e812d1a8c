"""Facts: what one config says that must fit with the other configs of the same call.

Each family of facts has a `gather`, which looks at one config, and a `judge`, which looks at the facts of all of them.
Facts are plain values, so that configs can be read in several processes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from provision.diagnostics import Diagnostic, Severity, Span
from provision.ignition import Config
from provision.record import Record

# Where a field of a record stands in the author's document; `line` is a line of a text value.
Locate = Callable[[Record, str | None, int | None], Span]


class Fact(NamedTuple):
    """One thing that a config says: a kind such as `machine-of`, what it is about, what is said of it, and where."""

    kind: str
    key: str
    value: str
    file: str
    span: Span

    def moved(self, place: Callable[[Span], tuple[str, Span]]) -> "Fact":
        """The fact where its place is in what the document was rendered from."""
        file, span = place(self.span)
        return self._replace(file=file, span=span)

    def diagnostic(self, code: str, severity: Severity, message: str, hint: str | None = None) -> Diagnostic:
        """A diagnostic at the place of this fact."""
        return Diagnostic(code, severity, message, self.file, self.span, hint)


class Said(NamedTuple):
    """A fact before its place in the document was looked up."""

    kind: str
    key: str
    value: str
    record: Record
    field: str | None = None
    line: int | None = None


class Family(NamedTuple):
    """One kind of facts, or several that belong together: who gathers them, and who judges all of them."""

    gather: Callable[[Config], Iterator[Said]]
    judge: Callable[[Sequence[Fact]], Iterator[Diagnostic]]


FAMILIES: list[Family] = []


def family(gather: Callable[[Config], Iterator[Said]], judge: Callable[[Sequence[Fact]], Iterator[Diagnostic]]) -> None:
    """Register a family of facts. Its `judge` sees all facts and picks its own by their kinds."""
    FAMILIES.append(Family(gather, judge))


def facts_of(config: Config, file: str, locate: Locate) -> list[Fact]:
    """What one config says that others must fit with."""
    return [
        Fact(said.kind, said.key, said.value, file, locate(said.record, said.field, said.line))
        for each in FAMILIES
        for said in each.gather(config)
    ]


def check_together(facts: Sequence[Fact]) -> list[Diagnostic]:
    """What is wrong between the configs of one call."""
    found = {diagnostic for each in FAMILIES for diagnostic in each.judge(facts)}
    return sorted(found, key=Diagnostic.sort_key)
