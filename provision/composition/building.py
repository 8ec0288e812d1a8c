"""Putting documents together: merged in their order, checked as the one config that they make, written as one."""

from collections.abc import Sequence
from typing import NamedTuple

from provision.composition.conflicts import Conflict, conflicts
from provision.composition.parts import Part, Piece
from provision.composition.placing import Spot
from provision.composition.whole import Whole
from provision.diagnostics import Diagnostic, Severity
from provision.ignition import Config
from provision.record import Record, Spec, encode, merge, walk
from provision.source_map import Place, SourceMap, subject_of
from provision.transpile.author import Options
from provision.transpile.compile import check_whole, retargeted
from provision.transpile.convert import raised
from provision.transpile.output import to_json

OVERRIDE = "change one of them, or say with --override that the later one counts"


class Built(NamedTuple):
    """What became of the documents. `config` is None where one of them is wrong by itself."""

    parts: Sequence[Part]
    config: Config | None
    whole: Whole | None
    diagnostics: list[Diagnostic]
    written: Record | None = None
    """What is written where that is not `config`: the config in an older spec."""

    @property
    def failed(self) -> bool:
        """Whether there are errors, so that there is no output."""
        return self.config is None or any(found.severity == "error" for found in self.diagnostics)

    @property
    def sources(self) -> dict[str, str]:
        """The text of every file that a diagnostic may name."""
        return {file: text for piece in pieces_of(self.parts) for file, text in piece.sources.items()}

    def output(self) -> bytes:
        """The config in its final form. Only for a build without errors."""
        if self.config is None or self.whole is None:
            raise ValueError("documents that could not be read have no output")
        return to_json(encode(self.written or self.config, self.whole.spec), pretty=self.whole.options.pretty)

    def place(self, spot: Spot) -> tuple[str, int, int]:
        """File, line and column of a place, as its author knows it."""
        return place_in(self.parts, spot)

    def places(self) -> SourceMap:
        """The place of every file, unit, user, disk… of the config, by its section and identity."""
        found: SourceMap = {}
        for record in walk(self.config) if self.config is not None else ():
            subject = subject_of(record)
            if subject and isinstance(record.origin, Spot):
                found.setdefault(subject, Place(*self.place(record.origin)))
        return found


def compose(parts: Sequence[Part], options: Options, *, override: bool = False) -> Built:
    """The config that parts make, each laid over those before. With `override` the later of two values counts without a word."""
    first = next((piece.author for piece in pieces_of(parts) if piece.author is not None), None)
    configs = [part.config for part in parts if part.config is not None]
    if first is None or len(configs) < len(parts):
        return Built(parts, None, None, settled(parts, None))
    spec: Spec = max(part.spec for part in parts)
    whole = Whole(first, spec, options._replace(raw=True))
    level = [raised(config, part.spec, spec) for config, part in zip(configs, parts, strict=True)]
    merged = level[0]
    for child in level[1:]:
        tell_conflicts(merged, child, parts, whole, override=override)
        merged = merge(merged, child)
    check_whole(merged, whole)
    built = Built(parts, merged, whole, settled(parts, whole))
    if options.target is None or built.failed:
        return built
    whole.diagnostics.clear()  # what a comment silenced is no reason to write nothing
    written = retargeted(merged, whole)
    return built._replace(written=written, diagnostics=settled(parts, whole))


def tell_conflicts(parent: Config, child: Config, parts: Sequence[Part], whole: Whole, *, override: bool) -> None:
    """Note where a document sets something to another value than those before it."""
    for found in conflicts(parent, child):
        if found.code == "PV790" and override:
            continue
        later = found.later or Spot(whole.first, whole.first.document.root)
        whole.tell(later, found.code, *words(found, parts))


def words(found: Conflict, parts: Sequence[Part]) -> tuple[Severity, str, str]:
    """How a conflict is told: severity, message and remedy."""
    file, line, column = place_in(parts, found.earlier) if found.earlier else ("another document", 1, 1)
    where = f"{file}:{line}:{column}"
    if found.code == "PV792":
        message = f"the content of {found.subject} is written here, and its {found.field} stays that of {where}"
        return "warning", message, f"write the {found.field} here, too"
    if found.values is None:
        return "error", f"{found.name} is set to something else at {where}", OVERRIDE
    earlier, later = found.values
    return "error", f"{found.name} is {later} here and {earlier} at {where}", OVERRIDE


def pieces_of(parts: Sequence[Part]) -> list[Piece]:
    """All documents, those that others bring in as well."""
    return [piece for part in parts for piece in part.pieces]


def place_in(parts: Sequence[Part], spot: Spot) -> tuple[str, int, int]:
    """File, line and column of a place, as its author knows it."""
    span = spot.span
    file = spot.author.document.file
    for piece in pieces_of(parts):
        if piece.author is spot.author:
            file, span = piece.place(span)
    return file, span.line, span.column


def settled(parts: Sequence[Part], whole: Whole | None) -> list[Diagnostic]:
    """All that was found in the documents and in the whole, in order, without the secrets of any of them."""
    told = whole.told if whole is not None else {}
    pieces = pieces_of(parts)
    found = [each for piece in pieces for each in piece.settled(told.get(id(piece.author), ()))]
    for piece in pieces:
        if piece.rendered is not None and piece.rendered.secrets:
            found = [piece.rendered.secrets.hide_in(each) for each in found]
    # A value that no template takes is told by each of them.
    once = {(each.file, each.span) if each.code == "PV784" else each: each for each in reversed(found)}
    return sorted(once.values(), key=Diagnostic.sort_key)
