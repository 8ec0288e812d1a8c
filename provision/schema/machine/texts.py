"""The texts of a config's units as rules look at them: parsed, with drop-ins laid over, findings at the very line."""

from typing import NamedTuple, Self

from provision.diagnostics import Severity
from provision.ignition import Dropin, Unit
from provision.schema.rules import Finding
from provision.units import Option, UnitFile, overlaid, parse


class PlainUnit(Unit):
    """A unit that was given as a file of its own, maybe one for fleet; `contents` lacks what is not systemd's."""

    def written_as(self, text: str) -> Self:
        """Remember the text that the author wrote."""
        self.__dict__["_text"] = text
        return self

    @property
    def text(self) -> str:
        """The text that the author wrote."""
        found: str = self.__dict__.get("_text", self.contents or "")
        return found


class Whole(NamedTuple):
    """A unit with its drop-ins, and the records that their texts stand in: the first is the unit's own."""

    unit: UnitFile
    records: tuple[Unit | Dropin, ...]

    def is_written(self, option: Option) -> bool:
        """Whether the author wrote an option as it is, instead of a key that a drop-in was generated from."""
        on = self.records[option.source]
        return "contents" in on.spots or not on.spots

    def finding(
        self, option: Option, message: str, hint: str | None = None, severity: Severity | None = None
    ) -> Finding:
        """A finding at the line of an option."""
        on = self.records[option.source]
        return Finding("contents", message, hint, on=on, line=option.line, severity=severity)


def text_of(record: Unit | Dropin) -> str:
    """The text of a unit or drop-in as its author wrote it."""
    return record.text if isinstance(record, PlainUnit) else record.contents or ""


def read(record: Unit | Dropin) -> UnitFile:
    """The text of a unit or drop-in, parsed."""
    return parse(text_of(record))


def whole(unit: Unit) -> Whole:
    """A unit and its drop-ins in the order in which systemd reads them."""
    if not unit.dropins:
        return Whole(read(unit), (unit,))
    dropins = sorted((dropin for dropin in unit.dropins if not dropin.broken), key=lambda dropin: dropin.name)
    records: tuple[Unit | Dropin, ...] = (unit, *dropins)
    return Whole(overlaid(tuple(text_of(record) for record in records)), records)


def kind_of(name: str) -> str:
    """The type of a unit, by its name: `service` for web.service."""
    return name.rpartition(".")[2]
