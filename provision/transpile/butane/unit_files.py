"""`contents_local` of units and drop-ins: the text comes from a file."""

from typing import Any, TypeVar

from provision.diagnostics import declare
from provision.ignition import Config, Dropin, Unit
from provision.record import transform
from provision.schema.dialects import extend
from provision.transpile.author import Author

HasText = TypeVar("HasText", Unit, Dropin)

CONTENTS_LOCAL = "A file with the text, below the files directory."

extend(Unit, "contents_local", str | None, since="3.4", doc=CONTENTS_LOCAL)
extend(Dropin, "contents_local", str | None, since="3.4", doc=CONTENTS_LOCAL)

declare(
    "PV630", "error", "one source of text",
    """The text of a unit comes from one of `contents` and `contents_local`.

    Bad:
        systemd:
          units:
            - name: web.service
              contents: "[Service]\\nExecStart=/usr/bin/web"
              contents_local: web.service

    Good:
        systemd:
          units:
            - name: web.service
              contents: "[Service]\\nExecStart=/usr/bin/web"
    """,
)  # fmt: skip


def expand(config: Config, author: Author) -> Config:
    """Read the text of every unit and drop-in that names a file."""

    def read(record: Any) -> Any:
        return with_text(record, author) if record.extras else record

    return config.changed(systemd=transform(config.systemd, {Unit: read, Dropin: read}))


def with_text(record: HasText, author: Author) -> HasText:
    """The record with its `contents` from the file that `contents_local` names."""
    local: str | None = record.extra("contents_local")
    if not one_text(record, author) or not local:
        return record
    data = author.read_local(local, record, "contents_local")
    if data is None:
        return record.as_broken()
    text = data.decode("utf-8", "surrogateescape")
    return record.changed(contents=text).spotted(contents=author.place(record, "contents_local"))


def one_text(record: Unit | Dropin, author: Author) -> bool:
    """Whether a record has its text from one place; a problem is noted otherwise."""
    contents = record.contents
    both = contents is not None and record.extra("contents_local") is not None
    if both:
        author.complain(
            "PV630",
            "error",
            record,
            "contents_local",
            "contents and contents_local are set; text comes from one of them",
        )
    return not both
