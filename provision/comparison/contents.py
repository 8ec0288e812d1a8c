"""The contents of files compared: as a diff where they are text, else by size and hash."""

from collections.abc import Iterator
from typing import NamedTuple

from provision.comparison.changes import HIDDEN, Field, Text
from provision.comparison.hiding import holds_key, short_hash
from provision.comparison.records import one
from provision.comparison.texts import text_diff
from provision.formats import counted
from provision.ignition import File
from provision.inspection.contents import Piece, Reader, kind_of


class Content(NamedTuple):
    """What a file gets. `how` is none, written or appended; `data` is all of it, None where a part has to be fetched."""

    how: str
    pieces: tuple[Piece, ...]
    file: File
    data: bytes | None
    is_hidden: bool

    @property
    def identity(self) -> object:
        """Two that are equal in this are the same."""
        if self.data is not None:
            return self.how, self.data
        return self.how, tuple(map(repr, self.pieces)), sources_of(self.file)


def sources_of(file: File) -> list[tuple[object, ...]]:
    """Where the pieces of a file come from, with all that is asked for with them."""
    return [
        (each.source, each.compression or "", [(header.name, header.value) for header in each.http_headers])
        for each in (file.contents, *file.append)
    ]


def content_of(file: File, reader: Reader, *, is_hidden: bool) -> Content:
    """What a file gets."""
    pieces = tuple(reader.pieces(file))
    how = "written" if file.contents.source is not None else "appended" if file.append else "none"
    data = None if any(piece.data is None for piece in pieces) else b"".join(piece.data or b"" for piece in pieces)
    return Content(how, pieces, file, data, is_hidden or holds_key(data))


def compare_contents(old: Content | None, new: Content | None) -> tuple[list[Field], list[Text]]:
    """What differs: values, and the diff of the text where both sides have one that may be shown."""
    if (none_of(old) and none_of(new)) or (old is not None and new is not None and old.identity == new.identity):
        return [], []
    fields = list(how_field(old, new))
    if any(side is not None and side.is_hidden for side in (old, new)):
        return [*fields, one("contents", hidden_words(old), hidden_words(new))], []
    before, after = text_of(old), text_of(new)
    if before is None or after is None or (before == after and not fields):
        return [*fields, one("contents", words_of(old), words_of(new))], []
    return fields, [text_diff("contents", before, after)] * (before != after)


def none_of(side: Content | None) -> bool:
    """Whether a side leaves the content as it is, or has no such file."""
    return side is None or side.how == "none"


def how_field(old: Content | None, new: Content | None) -> Iterator[Field]:
    """That a content is appended to what is there, and not written in its place; or that it no longer is."""
    before, after = (side.how if side is not None else "none" for side in (old, new))
    if "appended" in (before, after) and before != after:
        yield Field(
            "contents are", before if before == "appended" or after != "none" else None,
            after if after == "appended" or before != "none" else None,
        )  # fmt: skip


def text_of(side: Content | None) -> str | None:
    """The text that a file gets; nothing of what isn't there; None for what is no text."""
    if side is None or none_of(side):
        return ""
    if side.data is None or kind_of(side.data) not in ("text", "empty"):
        return None
    return side.data.decode()


def hidden_words(side: Content | None) -> str | None:
    """That there is a content, no more."""
    return None if none_of(side) else HIDDEN


def words_of(side: Content | None) -> str | None:
    """What a file gets, in words."""
    if side is None or none_of(side):
        return None
    if side.data is not None:
        return data_words(side.data)
    return ", then ".join(piece_words(piece) for piece in side.pieces)


def piece_words(piece: Piece) -> str:
    """One piece in words."""
    if piece.kind == "remote":
        packed = ", packed" if piece.compression else ""
        return f"from {piece.source}{packed}, {f'{piece.hash[:23]}…' if piece.hash else 'unchecked'}"
    if piece.data is None:
        return f"damaged: {piece.fault}"
    return data_words(piece.data)


def data_words(data: bytes) -> str:
    """Bytes in words."""
    kind = {"gzip": "gzip data"}.get(kind_of(data), kind_of(data))
    return f"{kind}, {counted(len(data), 'byte')}, sha256 {short_hash(data)}" if data else kind
