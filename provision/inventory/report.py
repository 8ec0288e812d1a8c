"""What came of building an inventory, for people and for other programs."""

from collections.abc import Iterator
from typing import NamedTuple

from provision.diagnostics import Diagnostic
from provision.formats import counted

NAMES_SHOWN = 2


class Report(NamedTuple):
    """What came of it. `total` is how many hosts were to be built; `stale` files are of hosts that are gone."""

    diagnostics: list[Diagnostic]
    sources: dict[str, str]
    total: int = 0
    checked: bool = False
    """Whether nothing was to be written."""
    written: tuple[str, ...] = ()
    unchanged: int = 0
    failed: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    """Hosts that could not be built, and have a file of an earlier build."""
    stale: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Stale files that were to be removed, and have been changed since they were built."""

    @property
    def built(self) -> int:
        """How many hosts have a config now."""
        return len(self.written) + self.unchanged

    @property
    def is_wrong(self) -> bool:
        """Whether anything is: a host that failed, or an error."""
        return bool(self.failed) or any(found.severity == "error" for found in self.diagnostics)

    def as_plain(self) -> dict[str, object]:
        """As `--json` prints it."""
        names = ("written", "failed", "outdated", "stale", "removed", "kept")
        return {
            "hosts": self.total, "built": self.built, "unchanged": self.unchanged, **{name: list(getattr(self, name)) for name in names},
        }  # fmt: skip


def words(report: Report) -> Iterator[str]:
    """The report for people, line by line."""
    for name in report.outdated[:NAMES_SHOWN]:
        yield f"{name}.ign is of an earlier build: {name} could not be built"
    if len(report.outdated) > NAMES_SHOWN:
        yield f"and so are {len(report.outdated) - NAMES_SHOWN} more"
    for name in report.removed:
        yield f"{name}.ign removed: {name} is no host any more"
    for name in report.stale:
        why = (
            "was changed since it was built, and stays"
            if name in report.kept
            else "is no host any more; --prune removes its file"
        )
        yield f"{name}.ign is stale: {name} {why}"
    done = (
        [f"{report.built} right"]
        if report.checked
        else [f"{len(report.written)} written", f"{report.unchanged} unchanged"]
    )
    failed = [f"{len(report.failed)} failed"] * bool(report.failed)
    yield f"{counted(report.total, 'host')}: {', '.join([*done, *failed])}"
