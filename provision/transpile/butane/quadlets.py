"""`systemd.quadlets`: container units for Podman's generator, as files in its folders."""

from collections.abc import Iterator

from provision.diagnostics import declare
from provision.ignition import Config, Dropin, File, FileContents, Link, Systemd
from provision.record import Record, field
from provision.schema.dialects import extend
from provision.schema.rules import Finding
from provision.transpile.author import Author
from provision.transpile.butane.resources import from_bytes
from provision.transpile.butane.trees import Entries
from provision.transpile.butane.unit_files import CONTENTS_LOCAL, one_text
from provision.transpile.source_rules import source_rule

ROOTFUL = "/etc/containers/systemd"
ROOTLESS = "/etc/containers/systemd/users"
EXTENSIONS = (".container", ".volume", ".network", ".kube", ".image", ".build", ".pod", ".artifact")


class Quadlet(Record):
    """A unit for Podman's generator: `systemd.quadlets[]`."""

    name: str = field(doc="File name, for example web.container.")
    rootful: bool = field(default=False, doc="Run by the system instead of by every user.")
    contents: str | None = field(default=None, doc="The text.")
    contents_local: str | None = field(default=None, doc=CONTENTS_LOCAL)
    dropins: tuple[Dropin, ...] = field(default=(), doc="Drop-ins of the quadlet.")

    @property
    def folder(self) -> str:
        """Where Podman looks for it."""
        return ROOTFUL if self.rootful else ROOTLESS

    @property
    def template(self) -> str | None:
        """The template's name where this is an instance of one: `web@.container` for `web@1.container`."""
        head, dot, extension = self.name.rpartition(".")
        base, at, instance = head.partition("@")
        return f"{base}@.{extension}" if dot and at and instance else None


extend(Systemd, "quadlets", tuple[Quadlet, ...], since="3.7", doc="Container units for Podman's generator.")

declare(
    "PV642", "error", "quadlet conflict",
    """What a quadlet adds does not collide with another entry.

    Bad:
        variant: fcos
        version: 1.8.0-experimental
        storage:
          files:
            - path: /etc/containers/systemd/users/web.container
        systemd:
          quadlets:
            - name: web.container

    Good:
        variant: fcos
        version: 1.8.0-experimental
        storage:
          files:
            - path: /etc/containers/systemd/users/web.container
        systemd:
          quadlets:
            - name: web.container
              rootful: true
    """,
)  # fmt: skip


@source_rule("PV640", "error", on=Quadlet)
def quadlet_has_known_extension(quadlet: Quadlet) -> Iterator[Finding]:
    """A quadlet's name ends in one of the extensions that Podman knows. Source: podman-systemd.unit(5).

    Bad:
        variant: fcos
        version: 1.8.0-experimental
        systemd:
          quadlets:
            - name: web.service

    Good:
        variant: fcos
        version: 1.8.0-experimental
        systemd:
          quadlets:
            - name: web.container
    """
    if not quadlet.name.endswith(EXTENSIONS):
        yield Finding("name", f"`{quadlet.name}` does not end in one of {', '.join(EXTENSIONS)}")


@source_rule("PV641", "error", on=Quadlet)
def quadlet_instance_has_no_text(quadlet: Quadlet) -> Iterator[Finding]:
    """An instance of a quadlet template has no text of its own: it is a link to the template.

    Bad:
        variant: fcos
        version: 1.8.0-experimental
        systemd:
          quadlets:
            - name: web@1.container
              contents: "[Container]"

    Good:
        variant: fcos
        version: 1.8.0-experimental
        systemd:
          quadlets:
            - name: web@.container
              contents: "[Container]"
            - name: web@1.container
    """
    if not quadlet.template or not quadlet.name.endswith(EXTENSIONS):
        return
    for name in ("contents", "contents_local"):
        if getattr(quadlet, name) is not None:
            yield Finding(
                name, f"`{quadlet.name}` is an instance of {quadlet.template} and takes its text", "use a drop-in"
            )


@source_rule("PV630", "error", on=Quadlet)
def quadlet_has_one_text(quadlet: Quadlet) -> Iterator[Finding]:
    """The text of a quadlet comes from one of `contents` and `contents_local`."""
    both = quadlet.contents is not None and quadlet.contents_local is not None
    if both and not quadlet.template and quadlet.name.endswith(EXTENSIONS):
        yield Finding("contents_local", "contents and contents_local are set; text comes from one of them")


def expand(config: Config, author: Author) -> Config:
    """Write every quadlet and its drop-ins as files, and instances as links."""
    quadlets: tuple[Quadlet, ...] = config.systemd.extra("quadlets") or ()
    if not quadlets:
        return config
    entries = Entries(config.storage)
    for quadlet in quadlets:
        if quadlet.broken or not quadlet.name.endswith(EXTENSIONS):
            continue  # told already
        path = f"{quadlet.folder}/{quadlet.name}"
        if quadlet.template:
            add(Link(path=path, target=quadlet.template), quadlet, entries, author)
        else:
            text = text_of(quadlet, quadlet.contents_local, author)
            add(text_file(path, text, author), quadlet, entries, author)
        for dropin in quadlet.dropins:
            if one_text(dropin, author):
                text = text_of(dropin, dropin.extra("contents_local"), author)
                add(text_file(f"{path}.d/{dropin.name}", text, author), dropin, entries, author)
    return config.changed(storage=entries.result())


def text_of(record: Quadlet | Dropin, local: str | None, author: Author) -> bytes:
    """The bytes that a quadlet or drop-in is made of."""
    if local:
        return author.read_local(local, record, "contents_local") or b""
    return (record.contents or "").encode("utf-8", "surrogateescape")


def text_file(path: str, data: bytes, author: Author) -> File:
    """A file that anyone may read."""
    return File(path=path, mode=0o644, contents=from_bytes(FileContents(), data, author))


def add(node: File | Link, owner: Record, entries: Entries, author: Author) -> None:
    """Add an entry, or say that its place is taken."""
    if node.path in entries.by_path:
        author.complain("PV642", "error", owner, None, f"this adds {node.path}, which the config has already")
        return
    if isinstance(node, File):
        node.contents.at(owner.origin)
    entries.add(node.at(owner.origin))
