"""`grub.users`: a password for the boot menu."""

from collections.abc import Iterator

from provision.ignition import Config, File, FileContents, Filesystem, Storage
from provision.record import Record, field, merge
from provision.schema.dialects import extend
from provision.schema.rules import Finding
from provision.transpile.author import Author
from provision.transpile.butane.mount_unit import HEADER
from provision.transpile.butane.resources import from_bytes
from provision.transpile.source_rules import source_rule

USER_CFG = "/boot/grub2/user.cfg"


class GrubUser(Record):
    """Who may change the boot menu: `grub.users[]`."""

    name: str = field(doc="Name to log in with.")
    password_hash: str | None = field(default=None, secret=True, doc="As grub2-mkpasswd-pbkdf2 prints it.")


class Grub(Record):
    """The boot loader: `grub`."""

    users: tuple[GrubUser, ...] = field(default=(), doc="Who may change the boot menu.")


extend(
    Config, "grub", Grub, factory=Grub, since="3.4", variants={"fcos": "1.5.0", "openshift": "4.14.0"},
    doc="The boot loader.",
)  # fmt: skip


@source_rule("PV670", "error", on=GrubUser)
def grub_user_is_complete(user: GrubUser) -> Iterator[Finding]:
    """A user of the boot loader has a name and a password hash.

    Bad:
        grub:
          users:
            - name: root

    Good:
        grub:
          users:
            - name: root
              password_hash: grub.pbkdf2.sha512.10000.874A958E526409
    """
    if not user.name:
        yield Finding("name", "a grub user needs a name")
    if not user.password_hash:
        yield Finding("password_hash", "a grub user needs a password_hash", "make one with grub2-mkpasswd-pbkdf2")


def expand(config: Config, author: Author) -> Config:
    """Append the users to the boot loader's file, under what the author says of it."""
    grub: Grub | None = config.extra("grub")
    if grub is None or not grub.users:
        return config
    place = author.place(grub, "users")
    if author.release.dialect == "openshift" and author.release.spec < (3, 7):
        author.complain(
            "PV671", "error", grub, "users", f"{author.release.name} can't set grub users",
            "they work from openshift 4.23.0-experimental on",
        )  # fmt: skip
        return config
    names = " ".join(user.name for user in grub.users)
    lines = [HEADER, "", f'set superusers="{names}"']
    lines += [f"password_pbkdf2 {user.name} {user.password_hash}" for user in grub.users]
    text = from_bytes(FileContents(), "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape"), author)
    file = File(path=USER_CFG, append=(text.at(place, source=place),))
    boot = Filesystem(device="/dev/disk/by-label/boot", format="ext4", path="/boot")
    sugar = Storage(files=(file.at(place),), filesystems=(boot.at(place),))
    return config.changed(storage=merge(sugar, config.storage))


def without_append(config: Config) -> Config:
    """The config with the boot loader's file written instead of appended to: OpenShift knows no appending."""
    for i, file in enumerate(config.storage.files):
        if file.path == USER_CFG:
            if len(file.append) != 1:
                return config
            files = list(config.storage.files)
            files[i] = file.changed(contents=file.append[0], append=())
            return config.changed(storage=config.storage.changed(files=tuple(files)))
    return config
