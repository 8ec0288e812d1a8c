"""What a variant can't do although Ignition can: fields that its machines ignore, refuse or break on.

Source: the field filters of Butane 0.29. IMMUTABLE: the operator that applies OpenShift's configs can't change it later. TRIPWIRE: it would
apply at first boot and block every later change.
"""

from typing import NamedTuple

from provision.ignition import Config, File, Luks, Passwd, Storage, User
from provision.record import Record
from provision.versions import Release, version_key

LAST = "999"


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


def forbidden_in(release: Release) -> list[Forbidden]:
    """The rows that hold for a release."""
    version = version_key(release.version)
    return [
        row for row in FORBIDDEN
        if release.dialect in row.dialects and version_key(row.first) <= version < version_key(row.until)
    ]  # fmt: skip


def forbids(release: Release, cls: type[Record], name: str) -> Forbidden | None:
    """The row that forbids a field in a release, None where it may be used."""
    return next((row for row in forbidden_in(release) if row.on is cls and name in row.fields), None)
