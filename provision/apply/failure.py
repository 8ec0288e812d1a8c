"""What people are told when a stage fails: the act, the object, its line in the author's document, the cause, the remedy.

The lines come from a source map that travels beside the config (`provision transpile --source-map`). It names records by
their section and identity, `storage.files /etc/hosts`, so that they are found again after configs were merged.
"""

import errno
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from provision.apply import log
from provision.apply.paths import shown
from provision.apply.runner import OperationError
from provision.diagnostics import ProvisionError
from provision.ignition import Config
from provision.record import Record

RULE = "-" * 72
MAP_VERSION = 1

# What helps against what the kernel refuses. Source: errno(3).
REMEDIES = {
    errno.ENOSPC: "make room on the file system, or make it larger in the config",
    errno.EDQUOT: "make room, or raise the quota",
    errno.EROFS: "the file system is read-only: mount it for writing, or look why the kernel made it so",
    errno.EIO: "the device fails: look at the kernel's log, replace the disk or cable",
    errno.ENXIO: "the device is gone: look at the kernel's log and the cabling",
    errno.ENODEV: "the device is gone: look at the kernel's log and the cabling",
    errno.EACCES: "run it as root",
    errno.EPERM: "run it as root; on an immutable file, take its attribute away",
    errno.ENAMETOOLONG: "shorten the path in the config",
}
AGAIN = "remove the cause and run the stage again; what is complete is not done twice"


# How long a server may take to listen, and the statuses that say that it did.
REPORT_S = 10.0
ACCEPTED = frozenset(range(200, 300))


class Place(NamedTuple):
    """A place in an author's document, counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{shown(self.file)}:{self.line}:{self.column}"


SourceMap = dict[str, Place]


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

    def block(self) -> str:
        """The report as the last thing on the console."""
        where = f"{self.subject} ({self.place})" if self.place else self.subject
        rows = {"operation": self.operation, "for": where, "cause": self.cause, "what to do": self.remedy}
        lines = [f"provision: stage {self.stage} failed" if self.stage else "provision: failed"]
        for name, text in rows.items():
            first, *rest = text.splitlines() or [""]
            lines += [f"  {name:<11}{first}", *(f"  {'':<11}{line.strip()}" for line in rest)] if text else []
        return "\n".join([RULE, *lines, RULE])


def report_of(error: ProvisionError, stage: str, places: SourceMap) -> Report:
    """The parts of a failure."""
    if not isinstance(error, OperationError):
        return Report(stage, "", "", None, str(error), AGAIN)
    subject = subject_of(error.act.origin)
    cause = error.__cause__
    remedy = REMEDIES.get(cause.errno or 0, AGAIN) if isinstance(cause, OSError) else AGAIN
    return Report(stage, error.act.describe(), subject, places.get(subject), error.cause, remedy)


def subject_of(record: object) -> str:
    """What a record of a config is called: its section and identity. Empty for what is no such record."""
    for cls in type(record).__mro__:
        found = named_sections().get(cls)
        if found is not None:
            section, identity = found
            return f"{section} {shown(identity(record))}" if identity else section
    return ""


Identity = Callable[[Any], str]


@cache
def named_sections() -> dict[type, tuple[str, Identity | None]]:
    """The classes of records that acts are for, with their section and what tells one from another."""
    return sections(Config, "")


def sections(cls: type[Record], prefix: str) -> dict[type, tuple[str, Identity | None]]:
    """The sections below a class: lists of records with an identity, and records that hold plain values."""
    found: dict[type, tuple[str, Identity | None]] = {}
    for row in cls.rows.values():
        key = f"{prefix}{row.key}"
        if row.kind == "records" and row.item_key is not None:
            found[row.item] = (key, row.item_key)
        elif row.kind == "record":
            found[row.item] = (key, None)
            found.update(sections(row.item, f"{key}."))
    return found


def load_source_map(path: str) -> SourceMap:
    """The places of a sidecar file. Raises ProvisionError for one that is not to be had or is none."""
    import json

    try:
        with open(path, "rb") as file:
            document = json.loads(file.read())
        if document["version"] != MAP_VERSION:
            raise ValueError(f"version {document['version']} is not known")
        return {
            subject: Place(str(place["file"]), int(place["line"]), int(place["column"]))
            for subject, place in document["places"].items()
        }
    except OSError as error:
        raise ProvisionError(f"--source-map {shown(path)}: cannot be read: {error.strerror}", exit_code=2) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProvisionError(f"--source-map {shown(path)}: is no source map: {error}", exit_code=2) from None


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
