"""Where templates are: folders and zips, searched in order; a name is looked up in each, the shipped library last."""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

from provision.diagnostics import WHOLE_FILE, Diagnostic
from provision.document.reading import ReadingError
from provision.inputs import SKIPPED_FOLDERS, SUFFIXES
from provision.templates import SUFFIX as SUFFIX
from provision.templates.faults import RenderingError
from provision.templates.header import Header, read_header

MAX_TEMPLATE_BYTES = 4 << 20
MAX_FILES = 10_000
# What every program for zips writes, and every Python reads.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises for what it cannot read: no zip at all, an entry that is cut off or no longer what its checksum says,
# names that are no text; RuntimeError is for passwords and features that it does not know.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)


class Library(Protocol):
    """A place with files in it, by their names: paths below it, with `/`."""

    path: str

    def names(self) -> list[str]:
        """The names of all files that it has, sorted. Raises LibraryError."""
        ...

    def data(self, name: str) -> bytes | None:
        """The bytes of a file, None where there is none. Raises RenderingError for one that may not be read."""
        ...

    def shown(self, name: str) -> str:
        """What reports call a file."""
        ...


class LibraryError(Exception):
    """A library that can't be used, with the diagnostic that says why."""

    def __init__(self, path: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic("PV789", "error", message, path, WHOLE_FILE, hint)


class Folder:
    """A library that is a folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def names(self) -> list[str]:
        found: list[str] = []
        for where, folders, files in os.walk(self.path, onerror=self.refuse):
            folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
            found.extend(os.path.relpath(os.path.join(where, file), self.path) for file in files)
            if len(found) > MAX_FILES:
                raise LibraryError(self.path, f"the folder has more than {MAX_FILES} files, the limit for a library")
        return sorted(found)

    def refuse(self, error: OSError) -> None:
        """A folder that can't be searched."""
        raise LibraryError(self.path, f"can't be searched: {(error.strerror or str(error)).lower()}")

    def data(self, name: str) -> bytes | None:
        path = os.path.join(self.path, name)
        real, root = os.path.realpath(path), os.path.realpath(self.path)
        if not real.startswith(root.rstrip("/") + "/"):
            raise RenderingError(
                f"`{name}` is a symbolic link that leads out of the library",
                "copy the file into the library",
                "PV788",
                name,
            )
        if not os.path.isfile(path):
            return None
        try:
            with open(path, "rb") as file:
                return file.read(MAX_TEMPLATE_BYTES + 1)
        except OSError as error:
            raise RenderingError(f"`{name}`: {(error.strerror or str(error)).lower()}", None, "PV788", name) from None

    def shown(self, name: str) -> str:
        return os.path.join(self.path, name)


class Zip:
    """A library that is a zip. It is opened once, and everything in it is read in memory."""

    def __init__(self, path: str) -> None:
        self.path = path

    @cached_property
    def entries(self) -> dict[str, zipfile.ZipInfo]:
        """What the zip has, by name; entries that name no file below it are left out."""
        # zipfile stumbles over names that are empty.
        infos = [info for info in self.archive.infolist() if info.filename and not info.is_dir()]
        if len(infos) > MAX_FILES:
            raise LibraryError(self.path, f"the zip has more than {MAX_FILES} files, the limit for a library")
        return {info.filename: info for info in infos if is_inner(info.filename)}

    @cached_property
    def archive(self) -> zipfile.ZipFile:
        """The zip, open."""
        try:
            return zipfile.ZipFile(self.path)
        except UNREADABLE as error:
            raise LibraryError(self.path, f"the zip is damaged: {str(error).lower()}", "make it again") from None
        except OSError as error:
            raise LibraryError(self.path, f"can't be read: {(error.strerror or str(error)).lower()}") from None

    def names(self) -> list[str]:
        return sorted(self.entries)

    def data(self, name: str) -> bytes | None:
        info = self.entries.get(name)
        if info is None:
            return None
        if info.compress_type not in METHODS:
            raise LibraryError(
                self.path, f"`{name}` in the zip is not packed by deflate", "make the zip again, as `zip -r` does"
            )
        try:
            with self.archive.open(info) as file:
                return file.read(MAX_TEMPLATE_BYTES + 1)
        except (*UNREADABLE, OSError) as error:
            raise LibraryError(
                self.path, f"`{name}` in the zip is damaged: {str(error).lower()}", "make it again"
            ) from None

    def shown(self, name: str) -> str:
        return f"{self.path}/{name}"


def is_inner(name: str) -> bool:
    """Whether a name is of a file below the library."""
    parts = name.split("/")
    return not (name.startswith("/") or "\\" in name or "\0" in name or {"", ".", ".."} & set(parts))


def library(path: str) -> Library:
    """The library at a path. Raises LibraryError where there is none."""
    if os.path.isdir(path):
        return Folder(path)
    if not os.path.lexists(path):
        raise LibraryError(
            path, "there is no such folder or zip", "--path names a folder, or a zip, with templates in it"
        )
    if not os.path.isfile(path):
        raise LibraryError(path, "is neither a folder nor a zip")
    with open(path, "rb") as file:
        start = file.read(4)
    if start not in (b"PK\x03\x04", b"PK\x05\x06") and not zipfile.is_zipfile(path):
        raise LibraryError(
            path, "is neither a folder nor a zip", "--path names a folder, or a zip, with templates in it"
        )
    return Zip(path)


def shipped() -> str:
    """The folder of the templates that come with provision: in the package, or beside it in its sources."""
    import provision

    package = Path(provision.__file__).parent
    inside = package / "share" / "templates"
    return str(inside if inside.is_dir() else package.parent / "templates")


def libraries(paths: Sequence[str]) -> list[Library]:
    """The libraries to search, in their order, the shipped one last. Raises LibraryError."""
    return [*map(library, paths), Folder(shipped())]


class Template:
    """A template: its text and its header, both read when they are asked for."""

    def __init__(self, library: Library, name: str) -> None:
        self.library, self.name = library, name
        self.file = library.shown(name)

    @property
    def title(self) -> str:
        """Its name without suffixes: `web` of `web.bu.j2`."""
        return title_of(self.name)

    @property
    def output_name(self) -> str:
        """The name of what it renders: `web.bu`."""
        return os.path.basename(self.name).removesuffix(SUFFIX)

    @cached_property
    def read(self) -> tuple[str, list[Diagnostic]]:
        """Its text, and why there is none. Line ends are those of Jinja."""
        try:
            return read_text(self.library, self.name), []
        except RenderingError as fault:
            return "", [Diagnostic(fault.code, "error", fault.message, self.file, WHOLE_FILE, fault.hint)]
        except ReadingError as error:
            return "", [Diagnostic(error.code, "error", error.message, self.file, error.span, error.hint)]
        except LibraryError as error:
            return "", [error.diagnostic]

    @property
    def text(self) -> str:
        """Its text; empty where it can't be read."""
        return self.read[0]

    @cached_property
    def parsed(self) -> tuple[Header | None, list[Diagnostic]]:
        """Its header, None where there is none, and what is wrong with it."""
        text, unread = self.read
        return (None, unread) if unread else read_header(self.file, text)

    @property
    def header(self) -> Header | None:
        """Its header, None where it has none."""
        return self.parsed[0]


def read_text(library: Library, name: str) -> str:
    """The text of a file of a library. Raises RenderingError, ReadingError or LibraryError."""
    from provision.document import decode_text

    data = library.data(name)
    if data is None:
        raise RenderingError(f"there is no `{name}` in {library.path}", None, "PV788", name)
    if len(data) > MAX_TEMPLATE_BYTES:
        raise RenderingError(
            f"the template has more than {MAX_TEMPLATE_BYTES >> 20} MiB, the limit", None, "PV787", name
        )
    return decode_text(data).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def title_of(name: str) -> str:
    """A template's name without its suffixes."""
    stem = name.removesuffix(SUFFIX)
    return next((stem.removesuffix(suffix) for suffix in SUFFIXES if stem.endswith(suffix)), stem)


def is_template(name: str) -> bool:
    """Whether a file of a library is a template, not a part of others."""
    stem = name.removesuffix(SUFFIX)
    return name.endswith(SUFFIX) and stem.endswith(SUFFIXES) and not os.path.basename(name).startswith("_")


def templates_in(library: Library) -> list[Template]:
    """The templates of one library."""
    return [Template(library, name) for name in library.names() if is_template(name)]


def all_templates(paths: Sequence[str]) -> Iterator[Template]:
    """The templates of all libraries; of several libraries with one name the first. Raises LibraryError."""
    seen: set[str] = set()
    for each in libraries(paths):
        found = [template for template in templates_in(each) if template.title not in seen]
        seen.update(template.title for template in found)
        yield from found


def template_file(path: str) -> Template:
    """The template of a file; its library is the folder that it is in."""
    folder, name = os.path.split(path)
    return Template(Folder(folder or "."), name) if folder else Template(Here(), name)


class Here(Folder):
    """The current folder, whose files reports call by their bare names."""

    def __init__(self) -> None:
        super().__init__(".")

    def shown(self, name: str) -> str:
        return name


class NotFound(NamedTuple):
    """A name that no library has, and the names that they have."""

    name: str
    known: list[str]


def find(name: str, paths: Sequence[str]) -> Template | NotFound:
    """The template with a name, with or without suffixes, or a file of that name. Raises LibraryError."""
    if name.endswith(SUFFIX) and (os.sep in name or os.path.isfile(name)):
        return template_file(name)
    found: Iterable[Template] = list(all_templates(paths))
    for template in found:
        if name in (template.title, template.name):
            return template
    return NotFound(name, [template.title for template in found])
