"""`write_files`. Source: cloud-init 25, module write_files."""

import base64
import binascii
import re

from ruamel.yaml.nodes import ScalarNode

from provision.diagnostics import declare
from provision.document.reading import gunzip
from provision.ignition import File, FileContents, HttpHeader, NodeGroup, NodeUser
from provision.record import Record
from provision.schema.cloud_init.storage import FileEntry
from provision.transpile.cloud_config.draft import KEPT, absolute
from provision.transpile.cloud_config.files import TMPFILES, kept_line, misplaced
from provision.transpile.cloud_init.build import Build, contents_of
from provision.transpile.cloud_init.shapes import is_number

declare(
    "PV746", "error", "permissions",
    """Permissions are octal digits in quotes.

    A number without quotes is taken as YAML has it: `0644` is octal, and `644` is decimal, which is mode 01204.
    Source: cloud-init 25, module write_files.

    Bad:
        #cloud-config
        timezone: UTC
        write_files:
          - path: /etc/motd
            permissions: rw-r--r--

    Good:
        #cloud-config
        timezone: UTC
        write_files:
          - path: /etc/motd
            permissions: "0o644"
    """,
)  # fmt: skip

PLAIN = ("", "text/plain", "raw")
GZIP = ("gz", "gzip")
BASE64 = ("b64", "base64")
BOTH = ("gz+base64", "gzip+base64", "gz+b64", "gzip+b64")
ENCODINGS = (*GZIP, *BASE64, *BOTH, "text/plain")
DEFAULT_MODE, PERMISSIONS = 0o644, 0o777
OCTAL = re.compile(r"(?:0[oO])?[0-7]+")


def write_files(build: Build) -> None:
    """The files without `defer`, in the order of the list."""
    write_those(build, deferred=False)


def deferred_files(build: Build) -> None:
    """The files with `defer`: they come behind what other keys write, and win. Source: module write_files_deferred."""
    write_those(build, deferred=True)


def write_those(build: Build, *, deferred: bool) -> None:
    """The files with `defer`, or those without."""
    for entry in build.root.write_files:
        if not entry.broken and bool(entry.defer) is deferred and "path" not in entry.absent:
            write_file(entry, build)


def write_file(entry: FileEntry, build: Build) -> None:
    """One file, or text at the end of one."""
    author = build.author
    path = placed(entry, build)
    mode, owner = mode_of(entry, build), owner_of(entry, build)
    if entry.source is not None and entry.source.uri:
        contents = fetched(entry, build)
    else:
        data = decoded(entry.content or "", entry.encoding, entry, build)
        if data is None:
            return
        contents = contents_of(data, author.place(entry, "content"))
    if path is None:
        return
    if path.startswith("/run/"):
        build.append(TMPFILES, kept_line(path, mode, entry.owner), DEFAULT_MODE, entry.origin)
        author.fate(entry, None, "unit", f"{TMPFILES} makes it at every boot")
        path = KEPT + path
    if entry.append:
        append(entry, path, contents, mode, owner, build)
        return
    file = build.place_file(path, contents, mode, entry.origin, owner)
    build.files[path] = file.spotted(path=author.place(entry, "path"), mode=author.place(entry, "permissions"))


def placed(entry: FileEntry, build: Build) -> str | None:
    """Where a file goes on a machine that Ignition sets up; None, and an error, where it can't."""
    where = re.sub(r"^/var/run/", "/run/", absolute(entry.path))
    fault = misplaced(where, build.author)
    if fault and (build.target.sealed or not where.startswith("/usr/")):
        build.author.complain("PV705", "error", entry, "path", *fault)
        return None
    if not entry.path.startswith("/"):
        said = f"`{entry.path}` is relative; it is taken as {where}"
        build.author.complain("PV705", "warning", entry, "path", said, f"write {where}")
    return where


def append(
    entry: FileEntry, path: str, contents: FileContents, mode: int, owner: tuple[NodeUser, NodeGroup], build: Build
) -> None:
    """Text at the end of what the image or this document has at the path; owner and mode become the entry's."""
    place = build.author.place
    file = build.files.get(path) or File(path=path).at(entry.origin)
    made = file.changed(append=(*file.append, contents), mode=mode, user=owner[0], group=owner[1])
    build.files[path] = made.spotted(path=place(entry, "path"), mode=place(entry, "permissions"))


def fetched(entry: FileEntry, build: Build) -> FileContents:
    """Content that the machine fetches when it starts."""
    source = entry.source
    assert source is not None
    if entry.content is not None:
        said = "`content` is used where `source` can't be fetched; here the machine would not start without it"
        build.author.complain("PV734", "warning", entry, "content", said, "drop `content` or `source`")
        build.author.fate(entry, "content", "lost", "there is no second source")
    headers = tuple(
        HttpHeader(name=name, value=value).at(source.origin) for name, value in (source.headers or {}).items()
    )
    return FileContents(source=source.uri, http_headers=headers).at(
        source.origin, source=build.author.place(source, "uri")
    )


def decoded(text: str, encoding: str | None, record: Record, build: Build, field: str = "content") -> bytes | None:
    """Text in one of cloud-init's encodings as bytes; None, and an error, where it is none."""
    name = (encoding or "").lower().strip()
    data = text.encode("utf-8", "surrogateescape")
    if name in PLAIN:
        return data
    if name not in ENCODINGS:
        said = f"`encoding` is one of {', '.join(ENCODINGS)}, not {encoding}"
        build.author.complain("PV728", "error", record, "encoding", said)
        return None
    try:
        if name in BASE64 or name in BOTH:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        return gunzip(data) if name not in BASE64 else data
    except (binascii.Error, ValueError) as error:
        reason = str(error).split(": ")[-1].lower()
        hint = "gzip goes into YAML as base64: use gzip+base64, or `!!binary`" if name in GZIP else None
        build.author.complain("PV704", "error", record, field, f"`{field}` can't be decoded as {name}: {reason}", hint)
        return None


def mode_of(entry: FileEntry, build: Build) -> int:
    """The permissions: text is octal, a number is what YAML takes it for."""
    author = build.author
    text, place = entry.permissions, author.place(entry, "permissions")
    if not text or not isinstance(place, ScalarNode):
        return DEFAULT_MODE
    value = build.shapes.source.scalar(place, "int") if is_number(place) and "o" not in text.lower() else None
    if isinstance(value, int):
        if text[0] != "0":
            said, hint = (
                f"{text} without quotes is a decimal number, which is mode 0{value:o}",
                f'write permissions: "0{text}"',
            )
            if value > PERMISSIONS:
                author.complain("PV746", "error", entry, "permissions", said, hint)
                return DEFAULT_MODE
            author.complain("PV734", "warning", entry, "permissions", said, f"{hint} if that is meant")
        return value
    if OCTAL.fullmatch(text) and len(text) <= 8:
        return int(text.lower().replace("o", ""), 8)
    said = f"`permissions` must be octal digits, not {text!r}"
    author.complain("PV746", "error", entry, "permissions", said, 'for example "0644"')
    return DEFAULT_MODE


def owner_of(entry: FileEntry, build: Build) -> tuple[NodeUser, NodeGroup]:
    """`user:group`, names or numbers."""
    text, place = entry.owner, build.author.place(entry, "owner")
    if text is None or text.strip() in ("root:root", "root", "0:0"):
        return NodeUser(), NodeGroup()
    user, colon, group = text.strip().partition(":")
    if not user or (colon and not group) or re.search(r"[\s:]", user + group):
        said = f"`owner` must be user:group, not {text!r}"
        build.author.complain("PV706", "error", entry, "owner", said, "for example root:root")
        return NodeUser(), NodeGroup()
    return NodeUser().changed(**identity(user)).at(place), NodeGroup().changed(**identity(group) if group else {}).at(
        place
    )


def identity(name: str) -> dict[str, object]:
    """A name, or a number as id."""
    return {"id": int(name)} if name.isascii() and name.isdigit() and len(name) < 11 else {"name": name}
