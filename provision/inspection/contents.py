"""What a resource holds, told from its URL alone: nothing is fetched, and no secret of a URL is shown."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from provision.apply.paths import shown
from provision.contents import Blobs, is_remote
from provision.diagnostics import ProvisionError
from provision.ignition import File, Resource

GZIP = b"\x1f\x8b"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Piece(NamedTuple):
    """One content, or one that is appended. `kind` is none, empty, text, binary, gzip, remote or damaged.

    `data` is None where it is remote or damaged; `source` is the URL of a remote one, without user name, password and
    query; `fault` says what is wrong with a damaged one.
    """

    kind: str
    data: bytes | None = None
    source: str | None = None
    hash: str | None = None
    compression: str | None = None
    fault: str | None = None

    @property
    def size(self) -> int | None:
        """The bytes that are written; None where they are not known."""
        return None if self.data is None else len(self.data)

    def plain(self) -> dict[str, object]:
        """As JSON."""
        return {
            "kind": self.kind, "size": self.size, "source": self.source, "hash": self.hash,
            "compression": self.compression, "fault": self.fault,
        }  # fmt: skip


class Reader:
    """Decodes contents; all of one config together may unpack to no more than the applier takes."""

    def __init__(self) -> None:
        self.blobs = Blobs()

    def piece(self, resource: Resource) -> Piece:
        """What a resource holds."""
        wanted = resource.verification.hash
        packed = resource.compression or None
        if resource.source is None:
            return Piece("none", b"")
        if not SCHEME.match(resource.source):
            return Piece("damaged", None, None, wanted, packed, "its source is no URL")
        if is_remote(resource):
            return Piece("remote", None, public(resource.source), wanted, packed)
        try:
            data = self.blobs.fetch(resource)
        except ProvisionError as error:
            return Piece("damaged", None, None, wanted, packed, str(error))
        return Piece(kind_of(data), data, None, wanted, packed)

    def pieces(self, file: File) -> list[Piece]:
        """The content of a file, then what is appended; without a content only the latter."""
        first = [] if file.contents.source is None and file.append else [file.contents]
        return [self.piece(each) for each in (*first, *file.append)]


def kind_of(data: bytes) -> str:
    """What bytes look like."""
    if not data:
        return "empty"
    if data.startswith(GZIP):
        return "gzip"
    try:
        return "binary" if "\0" in data.decode() else "text"
    except UnicodeDecodeError:
        return "binary"


def public(source: str) -> str:
    """A URL as it may be shown: user name, password and query are left out, and all data."""
    if source[:5].lower() == "data:":
        return "data:…"
    try:
        url = urlsplit(source)
    except ValueError:
        return "a URL that can't be read"
    host = url.netloc.rpartition("@")[2]
    return shown(f"{url.scheme}://{host}{url.path}" if host else f"{url.scheme}:{url.path}") + (
        "?…" if url.query else ""
    )
