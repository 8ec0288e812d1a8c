"""What a variant can't do although Ignition can: fields that its machines ignore, refuse or break on.

Source: butane.md §4. IMMUTABLE: the operator that applies OpenShift's configs can't change it later. TRIPWIRE: it would
apply at first boot and block every later change.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from provision.diagnostics import declare
from provision.ignition import Config, File, Filesystem, Luks, Passwd, Storage, User
from provision.record import Record, walk
from provision.transpile.author import Author

PV671 = declare(
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
PV672 = declare(
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

LAST = "999"
# Ignition 3.7.0-experimental has this, and the Ignition that Butane 0.29 is built with has not.
UNKNOWN_FORMATS = ("virtiofs",)


class Forbidden(NamedTuple):
    """Fields of a record that a dialect forbids, in versions from `first` to before `until`; `instead` is the way out."""

    dialects: tuple[str, ...]
    on: type[Record]
    fields: tuple[str, ...]
    why: str
    instead: str | None = None
    first: str = "0"
    until: str = LAST


USER_FIELDS = (
    "gecos", "groups", "home_dir", "no_create_home", "no_log_init", "no_user_group", "primary_group", "shell",
    "should_exist", "system", "uid",
)  # fmt: skip
OSTREE = ("r4e", "fiot")

FORBIDDEN: tuple[Forbidden, ...] = (
    Forbidden(("flatcar",), Luks, ("clevis",), "has no Clevis before 1.2.0-experimental", until="1.2.0"),
    Forbidden(("flatcar",), Luks, ("cex",), "has no CEX", first="1.2.0"),
    Forbidden(OSTREE, Config, ("kernel_arguments",), "can't change kernel arguments at first boot"),
    Forbidden(
        OSTREE, Storage, ("disks", "filesystems", "luks", "raid"), "is installed to its disk before Ignition runs"
    ),
    Forbidden(("openshift",), Passwd, ("groups",), "can't make groups"),
    Forbidden(("openshift",), User, USER_FIELDS, "can set keys and the password hash of a user only"),  # TRIPWIRE
    Forbidden(("openshift",), User, ("password_hash",), "can't set passwords before 4.13.0", until="4.13.0"),
    Forbidden(
        ("openshift",), Storage, ("directories",), "can't make directories", "a file makes its directories"
    ),  # IMMUTABLE
    Forbidden(("openshift",), Storage, ("links",), "can't make links"),  # IMMUTABLE
    Forbidden(("openshift",), File, ("append",), "can't append to files", "give the whole content"),
    Forbidden(
        ("openshift",),
        Config,
        ("kernel_arguments",),
        "has a key of its own for kernel arguments",
        "use openshift.kernel_arguments",
        first="4.14.0",
    ),
)


def number(version: str) -> tuple[int, ...]:
    """A version without its suffix, to compare."""
    return tuple(int(part) for part in version.split("-")[0].split("."))


def check(config: Config, author: Author) -> None:
    """Report every field and value of the expanded config that the variant can't do."""
    release = author.release
    rows = [
        row for row in FORBIDDEN
        if release.dialect in row.dialects and number(row.first) <= number(release.version) < number(row.until)
    ]  # fmt: skip
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
        for refused, name, why in openshift_values(config, number(release.version)):
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
