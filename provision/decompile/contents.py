"""How the content of a resource is shown: as text in the document, as a file beside it, or as the URL that it was.

What a person can read wins over the author's choice of encoding, which has no meaning: text stands under `inline`, and a
transpiler finds the shortest URL for it again. A declared compression goes with its URL. Two differences are left to the
eye of Ignition's merge alone: the media type of a data URL, which nothing reads, is gone, and a `compression` that was
unset comes back as an empty one, so that no parent config can lend its own.
"""

import posixpath
import re
from typing import Literal, NamedTuple

from provision.contents import decode_data_url, decompress
from provision.diagnostics import ProvisionError
from provision.ignition import Resource
from provision.schema.rules.urls import data_fault

# Nobody reads a longer text in a config; and all of it has to stay below what a document may have.
LONGEST_TEXT = 1 << 20
MAX_TEXT = 32 << 20
# Content of no encoding is not shown as text if it has these, even where an escape could spell them.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Shown(NamedTuple):
    """A key with its text that stands instead of a source."""

    key: Literal["inline", "local"]
    text: str


class Contents:
    """The contents of one document; `files` are those beside it, by their path below the files directory."""

    def __init__(self, *, files: bool) -> None:
        self.to_files = files
        self.files: dict[str, bytes] = {}
        self.folders: set[str] = set()
        self.room = MAX_TEXT

    def shown(
        self, resource: Resource, name: str, *, inline: bool, local: bool, own: str | None = None
    ) -> Shown | None:
        """What stands instead of `source` and `compression`; None where they stay.

        `name` says what the content is for, as a path; `inline` and `local` say what the release knows. `own` is the
        author's local file with just this content.
        """
        data = content_of(resource, self.room)
        if data is None:
            return None
        if local and own is not None and (not self.to_files or self.takes(own, data)):
            return Shown("local", own)
        text = text_of(data)
        if inline and text is not None and len(data) <= min(LONGEST_TEXT, self.room) and not self.is_for_a_file(text):
            self.room -= len(data)
            return Shown("inline", text)
        file = self.file_for(name) if local and self.to_files else None
        if file is None:
            return None
        self.files[file] = data
        return Shown("local", file)

    def takes(self, own: str, data: bytes) -> bool:
        """Whether a file of the author has its place among the files, under its own name."""
        if self.files.get(own) != data:
            if self.file_for(own) != own:
                return False
            self.files[own] = data
        return True

    def is_for_a_file(self, text: str) -> bool:
        """Whether a text with DOS line ends is better kept in a file, where one may be made."""
        return self.to_files and "\r" in text

    def file_for(self, name: str) -> str | None:
        """A free path below the files directory; None where there is none, as for a file below a file."""
        file = posixpath.normpath("/" + name).lstrip("/")
        parts = file.split("/")
        above = {"/".join(parts[:i]) for i in range(1, len(parts))}
        if not file or "\0" in file or file in self.files or file in self.folders or not above.isdisjoint(self.files):
            return None
        self.folders |= above
        return file


def content_of(resource: Resource, limit: int) -> bytes | None:
    """The unpacked bytes of a data URL; None where there is none, or where a machine could not read it."""
    source, compression = resource.source, resource.compression
    if source is None or not source.startswith("data:") or compression not in (None, "", "gzip"):
        return None
    if data_fault(source) is not None:
        return None
    try:
        data = decode_data_url(source)
        return decompress(data, limit) if compression else data
    except ProvisionError:
        return None


def text_of(data: bytes) -> str | None:
    """Bytes as text that people can read, None where they are something else."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if CONTROL.search(text) else text
