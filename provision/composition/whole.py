"""The author of a config that several documents make: each problem of the whole goes to the document that it stands in."""

from provision.composition.placing import Spot, spot_of
from provision.diagnostics import Diagnostic, Severity, Span
from provision.ignition import full_version
from provision.record import Record, Spec
from provision.transpile.author import Author, Options
from provision.versions import BY_NAME


class Whole(Author):
    """Stands for all documents of a build. What it is told is in `told`, by the author of the document that it is about."""

    def __init__(self, first: Author, spec: Spec, options: Options) -> None:
        release = BY_NAME["ignition", full_version(spec)]
        super().__init__(first.document, release, options, first.compile_local)
        self.first = first
        self.told: dict[int, list[Diagnostic]] = {}

    def complain(
        self, code: str, severity: Severity, record: Record, field: str | None, message: str,
        hint: str | None = None, item: int | None = None, line: int | None = None,
    ) -> None:  # fmt: skip
        """Note a problem with a field of a record, in the document where it was written."""
        self.tell(self.spot(record, field, item).line(line), code, severity, message, hint)

    def tell(self, spot: Spot, code: str, severity: Severity, message: str, hint: str | None = None) -> None:
        """Note a problem at a place."""
        found = spot.diagnostic(code, severity, message, hint)
        self.told.setdefault(id(spot.author), []).append(found)
        self.diagnostics.append(found)

    def spot(self, record: Record, field: str | None, item: int | None = None) -> Spot:
        """The place of a field of a record; the first document as a whole for what no document wrote."""
        return spot_of(record, field, item) or Spot(self.first, self.first.document.root)

    def locate(self, record: Record, field: str | None, line: int | None = None) -> Span:
        """Where a field of a record stands in its document."""
        return self.spot(record, field).line(line).span
