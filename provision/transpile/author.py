"""The author's document while it is compiled: where its parts stand, what was found wrong, its local files.

Sugars and rules speak of records; this knows the place in the document that a record's field came from.
"""

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from ruamel.yaml.nodes import SequenceNode

from provision.diagnostics import Diagnostic, Severity, Span, declare
from provision.document import Document
from provision.document.nodes import NodeSource, child
from provision.ignition import full_version
from provision.record import Record, Row
from provision.schema.rules import Violation
from provision.versions import Release

declare(
    "PV606", "error", "files directory",
    """Local files need a files directory.

    `local`, `contents_local`, `ssh_authorized_keys_local` and trees are read from below the directory that is given with
    `-d`/`--files-dir`.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV607", "error", "escaping file",
    """A local file lies inside the files directory, and so do the targets of symbolic links.

    A config that reads files from elsewhere gives another result on another machine, and can give away secrets.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV608", "error", "unreadable file",
    """A local file can be read.""", silenceable=False,
)  # fmt: skip


class Options(NamedTuple):
    """What the caller asks of a compilation."""

    files_dir: str | None = None
    pretty: bool = False
    raw: bool = False
    dialect: str | None = None
    """The dialect, where it shall not be told from the content."""
    target: str | None = None
    """The Ignition version to write, instead of the dialect's own."""
    lossy: bool = False
    """Leave out what the target can't express, instead of refusing."""
    values: tuple[tuple[str, str], ...] = ()
    """Values of variables, by name."""
    platform: str | None = None
    fsmap: tuple[tuple[str, str], ...] = ()
    """Where the named file systems of older formats are mounted: name, path."""
    every_boot: bool = False
    target_os: str | None = None
    systemd_analyze: bool = False
    fragment: bool = False
    """The document is a part of a config: rules look at the whole, when it is put together."""
    value_files: tuple[str, ...] = ()
    """Files with values for templates."""


class Fate(NamedTuple):
    """What became of a field that is not carried exactly: `exact` with a remark, by a generated `unit`, or `lost`."""

    record: Record
    field: str | None
    mark: Literal["exact", "unit", "lost"]
    how: str


Compile = Callable[[bytes, str], "tuple[bytes | None, list[Diagnostic]]"]


class Author:
    """One document under compilation."""

    def __init__(self, document: Document, release: Release, options: Options, compile_local: Compile) -> None:
        self.document = document
        self.release = release
        self.options = options
        self.compile_local = compile_local
        self.spec = release.spec
        self.diagnostics: list[Diagnostic] = []
        self.fates: list[Fate] = []

    @property
    def target(self) -> str:
        """The version of the Ignition config that comes out."""
        return full_version(self.spec)

    # ---- saying what is wrong ----------------------------------------------------------------------------------

    def complain(
        self, code: str, severity: Severity, record: Record, field: str | None, message: str,
        hint: str | None = None, item: int | None = None, line: int | None = None,
    ) -> None:  # fmt: skip
        """Note a problem with a field of a record, at the place where the author wrote it."""
        place = self.place(record, field, item, line)
        self.diagnostics.append(self.document.diagnostic(place, code, severity, message, hint))

    def report(self, violations: Iterable[Violation]) -> None:
        """Note what rules found."""
        for code, record, found in violations:
            severity = found.severity or code.severity
            self.complain(code.code, severity, record, found.field, found.message, found.hint, found.item, found.line)

    def locate(self, record: Record, field: str | None, line: int | None = None) -> Span:
        """Where a field of a record stands in the document."""
        return self.document.span(self.place(record, field, None, line))

    def place(self, record: Record, field: str | None, item: int | None = None, line: int | None = None) -> object:
        """The node of a field, of one element or one line of it, or of the record where the field was not written."""
        node = self.node_of(record, field, item)
        return node if line is None else self.document.line_inside(node, line)

    def node_of(self, record: Record, field: str | None, item: int | None) -> object:
        """The node of a field, or of one element of it."""
        if field is None:
            return record.origin
        node = record.spot(field)
        if node is None and not record.made:
            row = row_of(record, field)
            node = child(record.origin, row.snake, row.key, row.snake.replace("_", "-")) if row else None
        if isinstance(node, SequenceNode) and item is not None:
            node = NodeSource(self.document).items(node) or ()
        if isinstance(node, (tuple, list)) and not isinstance(node, Span):  # a place for each element
            node = node[item or 0] if len(node) > (item or 0) else None
        return record.origin if node is None else node

    def fate(self, record: Record, field: str | None, mark: Literal["exact", "unit", "lost"], how: str) -> None:
        """Note for the report of a migration what became of a field."""
        self.fates.append(Fate(record, field, mark, how))

    # ---- local files -------------------------------------------------------------------------------------------

    def host_path(self, local: str, record: Record, field: str | None, item: int | None = None) -> Path | None:
        """Where a local file is; None, and a diagnostic, where it may not be read."""
        files_dir = self.options.files_dir
        if files_dir is None:
            self.complain(
                "PV606", "error", record, field, f"`{local}` is a local file, and there is no files directory",
                "name the directory that it is in with -d/--files-dir", item,
            )  # fmt: skip
            return None
        if "\0" in local:
            self.complain("PV608", "error", record, field, "the name of a local file has a NUL character", item=item)
            return None
        root = os.path.abspath(files_dir)
        path = os.path.normpath(os.path.join(root, local.lstrip("/")))
        if not inside(path, root):
            self.complain(
                "PV607", "error", record, field, f"`{local}` leads out of the files directory",
                f"keep local files below {files_dir}", item,
            )  # fmt: skip
            return None
        real, real_root = os.path.realpath(path), os.path.realpath(root)
        if not inside(real, real_root):
            self.complain(
                "PV607", "error", record, field, f"`{local}` is a symbolic link to {real}, outside the files directory",
                "copy the file into the files directory", item,
            )  # fmt: skip
            return None
        return Path(path)

    def read_local(self, local: str, record: Record, field: str | None, item: int | None = None) -> bytes | None:
        """The bytes of a local file; None, and a diagnostic, where it can't be read."""
        path = self.host_path(local, record, field, item)
        if path is None:
            return None
        try:
            if not path.is_dir() and path.exists() and not path.is_file():
                raise OSError(errno.EINVAL, "not a regular file")  # reading a pipe would wait for a writer
            return path.read_bytes()
        except OSError as error:
            self.unreadable(local, error, record, field, item)
            return None

    def unreadable(
        self, local: str, error: OSError, record: Record, field: str | None, item: int | None = None
    ) -> None:
        """Note why a local file can't be read."""
        reason = (error.strerror or str(error)).lower()
        hint = f"looked in {self.options.files_dir}"
        self.complain("PV608", "error", record, field, f"local file `{local}`: {reason}", hint, item)


def inside(path: str, root: str) -> bool:
    """Whether an absolute, normalised path is a directory or lies below it."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def row_of(record: Record, field: str) -> Row | None:
    """The row of a field, be it Ignition's or the dialect's own."""
    return record.rows.get(field) or record.extras.get(field, (None, None))[0]
