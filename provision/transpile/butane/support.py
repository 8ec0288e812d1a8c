"""Whether an expanded config has fields or values that its variant can't do."""

from collections.abc import Callable, Iterator
from typing import Any

from provision.diagnostics import declare
from provision.ignition import Config, File, Filesystem, User
from provision.record import Record, walk
from provision.schema.support import forbidden_in
from provision.transpile.author import Author
from provision.versions import version_key

declare(
    "PV671", "error", "unsupported field",
    """A field is one that the variant's machines can use.

    Bad:
        variant: r4e
        version: 1.1.0
        storage:
          disks:
            - device: /dev/vda

    Good:
        variant: r4e
        version: 1.1.0
        storage:
          disks: []
    """,
)  # fmt: skip
declare(
    "PV672", "error", "unsupported value",
    """A value is one that the variant's machines can use.

    Bad:
        variant: openshift
        version: 4.14.0
        metadata:
          name: users
          labels:
            machineconfiguration.openshift.io/role: worker
        passwd:
          users:
            - name: bovik

    Good:
        variant: openshift
        version: 4.14.0
        metadata:
          name: users
          labels:
            machineconfiguration.openshift.io/role: worker
        passwd:
          users:
            - name: core
    """,
)  # fmt: skip

# Ignition 3.7.0-experimental has this, and the Ignition that Butane 0.29 is built with has not.
UNKNOWN_FORMATS = ("virtiofs",)


def check(config: Config, author: Author) -> None:
    """Report every field and value of the expanded config that the variant can't do."""
    release = author.release
    rows = forbidden_in(release)
    for filesystem in config.storage.filesystems:
        if filesystem.format in UNKNOWN_FORMATS:
            why = f"no release of {release.dialect} knows the format {filesystem.format} yet"
            author.complain("PV672", "error", filesystem, "format", why)
    if not rows and release.dialect != "openshift":
        return
    for record in walk(config):
        for row in rows:
            if type(record) is row.on and not record.broken:
                for name in row.fields:
                    if is_given(getattr(record, name)):
                        refuse(record, name, f"{release.dialect} {row.why}", row.instead, author)
    if release.dialect == "openshift":
        for refused, name, why in openshift_values(config, version_key(release.version)):
            author.complain("PV672", "error", refused, name, f"openshift {why}")


def is_given(value: Any) -> bool:
    """Whether a field counts as set: a list with elements, a section with something in it, any value that is not null."""
    if isinstance(value, Record):
        return any(is_given(inner) for _, inner in value.given())
    return value is not None and value != ()


def refuse(record: Record, name: str, why: str, instead: str | None, author: Author) -> None:
    """Report a field, at the tree or other sugar that it came from where the author did not write it."""
    value = getattr(record, name)
    told: set[int] = set()
    if record.spot(name) is None and isinstance(value, tuple) and value and author.place(record, name) is record.origin:
        for item in value:  # all of it came from sugar
            if isinstance(item, Record) and id(item.origin) not in told:
                told.add(id(item.origin))
                author.complain("PV671", "error", item, None, why, instead)
    if not told:
        row = record.rows[name]
        author.complain("PV671", "error", record, name, f"`{row.snake}`: {why}", instead)


Refused = tuple[Record, str, str]


def openshift_values(config: Config, version: tuple[int, ...]) -> Iterator[Refused]:
    """The values that OpenShift's operator or image refuses: record, field, why."""
    formats: dict[str, str] = {"btrfs": "has no btrfs"}
    if version >= (4, 14):
        formats["none"] = "can't read the file system format none"
    checks: list[tuple[type[Record], Callable[[Any], Iterator[Refused]]]] = [
        (Filesystem, lambda f: ((f, "format", formats[f.format]) for _ in [0] if f.format in formats)),
        (File, lambda f: refused_file(f, version)),
        (User, lambda u: ((u, "name", "can change the user core only") for _ in [0] if u.name != "core")),
    ]
    for record in walk(config):
        if not record.broken:
            for cls, values in checks:
                if type(record) is cls:
                    yield from values(record)


def refused_file(file: File, version: tuple[int, ...]) -> Iterator[Refused]:
    """What OpenShift refuses of a file."""
    source = file.contents.source
    if source is not None and not source.lower().startswith("data:"):
        yield file.contents, "source", "takes file contents from data URLs only"
    if file.contents.http_headers:
        yield file.contents, "http_headers", "can't send headers for file contents"
    if version < (4, 10) and file.contents.compression:
        yield file.contents, "compression", "can't read compressed contents before 4.10.0"
    if version >= (4, 10) and file.mode is not None and file.mode & ~0o777:
        yield file, "mode", f"can't read mode 0{file.mode:o}; it has bits above 0777"
