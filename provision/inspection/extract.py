"""Taking contents out of a config: the bytes of one file, or all of them as a tree below a folder."""

import os
from collections.abc import Iterator

from provision.apply.paths import check_spelling, shown
from provision.diagnostics import ProvisionError
from provision.ignition import Config, File
from provision.inspection.contents import Piece, Reader

UNITS = "/etc/systemd/system"
MODE, PERMISSIONS = 0o644, 0o777


def contents_in(config: Config) -> Iterator[tuple[str, File | None, str]]:
    """Every path with a content: a file, or the text of a unit or drop-in."""
    for file in config.storage.files:
        yield file.path, file, ""
    for unit in config.systemd.units:
        if unit.contents:
            yield f"{UNITS}/{unit.name}", None, unit.contents
        for dropin in unit.dropins:
            yield f"{UNITS}/{unit.name}.d/{dropin.name}", None, dropin.contents or ""


def cat(config: Config, path: str) -> bytes:
    """The bytes of one file, its content and what is appended in order; a unit goes by its name or its path.

    Raises ProvisionError for a path that is not there and for a content that is elsewhere.
    """
    if (found := find(config, path)) is not None:
        known, file, text = found
        return text.encode("utf-8", "replace") if file is None else joined(Reader().pieces(file), known)
    from provision.diagnostics import nearest

    meant = nearest(path, [known for known, _, _ in contents_in(config)])
    hint = f"; did you mean {shown(meant)}?" if meant else ""
    raise ProvisionError(f"{shown(path)}: no file or unit of this config{hint}", exit_code=2)


def find(config: Config, path: str) -> tuple[str, File | None, str] | None:
    """The content that goes by a path, or by the name of a unit."""
    return next((each for each in contents_in(config) if path in (each[0], each[0].removeprefix(UNITS + "/"))), None)


def joined(pieces: list[Piece], path: str) -> bytes:
    """The bytes of all pieces."""
    for piece in pieces:
        if piece.kind == "remote":
            raise ProvisionError(f"{shown(path)}: the content is at {piece.source}, and is not fetched", exit_code=2)
        if piece.kind == "damaged":
            raise ProvisionError(f"{shown(path)}: {piece.fault}", exit_code=2)
    return b"".join(piece.data or b"" for piece in pieces)


def extract(config: Config, folder: str) -> list[str]:
    """Write all files and units below a folder that is new or empty; what was left out, and why, is the answer.

    No links are made, so that no path can lead out of the folder. Raises ProvisionError before anything is written.
    """
    found: dict[str, tuple[File | None, str]] = {}
    for path, file, text in contents_in(config):
        found[inner(path)] = file, text
    start(folder)
    reader = Reader()
    left_out = [f"{shown(link.path)}: links are not made" for link in config.storage.links]
    for path, (file, text) in found.items():
        try:
            data = text.encode("utf-8", "replace") if file is None else joined(reader.pieces(file), "/" + path)
        except ProvisionError as error:
            left_out.append(str(error))
            continue
        mode = MODE if file is None or file.mode is None else file.mode & PERMISSIONS
        write(os.path.join(folder, path), data, mode)
    return left_out


def inner(path: str) -> str:
    """A path of the config as one below the folder. Raises ProvisionError for one that would lead out of it."""
    check_spelling(path)
    if not path.startswith("/") or ".." in path.split("/") or path.endswith("/"):
        raise ProvisionError(f"{shown(path)}: not a path that can be written below a folder", exit_code=2)
    return os.path.normpath(path).lstrip("/")


def start(folder: str) -> None:
    """Make the folder, or find it empty."""
    try:
        os.makedirs(folder, exist_ok=True)
        if os.listdir(folder):
            raise ProvisionError(f"{folder}: the folder is not empty", exit_code=2)
    except OSError as error:
        raise ProvisionError(f"{folder}: {(error.strerror or str(error)).lower()}", exit_code=2) from None


def write(path: str, data: bytes, mode: int) -> None:
    """Write a new file, with nothing below it that was there before."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        raise ProvisionError(f"{shown(path)}: {(error.strerror or str(error)).lower()}", exit_code=2) from None
