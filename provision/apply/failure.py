"""What people are told when a stage fails: the act, the object, its line in the author's document, the cause, the remedy.

The lines come from a source map that travels beside the config (`provision transpile --source-map`).
"""

import errno

from provision.apply import log
from provision.apply.paths import shown
from provision.diagnostics import ProvisionError
from provision.source_map import Place, SourceMap, subject_of
from provision.typed import Any, NamedTuple

RULE = "-" * 72

# What helps against what the kernel refuses. Source: errno(3).
REMEDIES = {
    errno.ENOSPC: "make room on the file system, or make it larger in the config",
    errno.EDQUOT: "make room, or raise the quota",
    errno.EROFS: "the file system is read-only: mount it for writing, or look why the kernel made it so",
    errno.EIO: "the device fails: look at the kernel's log, replace the disk or cable",
    errno.ENXIO: "the device is gone: look at the kernel's log and the cabling",
    errno.ENODEV: "the device is gone: look at the kernel's log and the cabling",
    errno.EACCES: "run it as root",
    errno.EPERM: "run it as root; take the attribute of an immutable file away, the write protection off a disk",
    errno.ENAMETOOLONG: "shorten the path in the config",
}
AGAIN = "remove the cause and run the stage again; what is complete is not done twice"


# How long a server may take to listen, and the statuses that say that it did.
REPORT_S = 10.0
ACCEPTED = frozenset(range(200, 300))


class Report(NamedTuple):
    """A failure in its parts; empty where a part is not known."""

    stage: str
    operation: str
    subject: str
    place: Place | None
    cause: str
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON shows it."""
        place = self.place._asdict() if self.place else None
        return {**self._asdict(), "place": place}

    def message(self) -> str:
        """The report for the one who started the work."""
        rows = [
            f"could not {self.operation}",
            self.cause,
            *([f"for {self.where()}"] if self.subject else []),
            self.remedy,
        ]
        return "\n  ".join(line for row in rows for line in row.splitlines())

    def where(self) -> str:
        """What of the config it is about, and where the author wrote that."""
        return shown(f"{self.subject} ({self.place})" if self.place else self.subject)

    def block(self) -> str:
        """The report as the last thing on the console."""
        rows = {"operation": self.operation, "for": self.where(), "cause": self.cause, "what to do": self.remedy}
        lines = [f"provision: stage {self.stage} failed" if self.stage else "provision: failed"]
        for name, text in rows.items():
            first, *rest = text.splitlines() or [""]
            lines += [f"  {name:<11}{first}", *(f"  {'':<11}{line.strip()}" for line in rest)] if text else []
        return "\n".join([RULE, *lines, RULE])


def report_of(error: ProvisionError | OSError, stage: str, places: SourceMap) -> Report:
    """The parts of a failure."""
    from provision.apply.runner import OperationError  # which loads all operations

    if isinstance(error, OSError):
        place = f"{shown(str(error.filename))}: " if error.filename is not None else ""
        return Report(stage, "", "", None, f"{place}{error.strerror or error}", remedy_of(error))
    if not isinstance(error, OperationError):
        return Report(stage, "", "", None, str(error), remedy_of(error.__cause__))
    subject = subject_of(error.act.origin)
    return Report(stage, error.act.describe(), subject, places.get(subject), error.cause, remedy_of(error.__cause__))


def remedy_of(cause: BaseException | None) -> str:
    """What helps against a cause."""
    return REMEDIES.get(cause.errno or 0, AGAIN) if isinstance(cause, OSError) else AGAIN


def send_report(url: str, failure: Report | None) -> None:
    """Send how the run ended to a server, as JSON. A server that does not answer soon is only noted."""
    import json

    from provision.apply.fetch import Fetcher, Request, Settings
    from provision.apply.result import boot

    body = boot() | ({"failure": failure.as_dict()} if failure is not None else {"result": "provisioned"})
    request = Request(url, "POST", (("Content-Type", "application/json"),), json.dumps(body).encode(), accept=ACCEPTED)
    try:
        Fetcher(Settings(total_s=REPORT_S)).request(request)
    except ProvisionError as error:
        log.notice(f"the report was not sent: {error}")
