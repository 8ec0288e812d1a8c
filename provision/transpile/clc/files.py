"""`storage.files`, `directories` and `links`: contents from one of three places, and what ct sets by default.

Source: ct 0.9, `config/types/files.go`.
"""

from collections.abc import Iterator

from provision.diagnostics import declare
from provision.schema import clc, ignition2
from provision.schema.rules import Finding, rule
from provision.schema.rules.paths import cleaned
from provision.transpile.author import Author
from provision.transpile.butane import resources  # noqa: F401  # it declares PV601
from provision.transpile.butane.modes import DIRECTORY_MODES, FILE_MODES, octal
from provision.transpile.clc.references import normal, recast, verification
from provision.transpile.contents import data_url
from provision.transpile.ignition2 import storage_rules

ROOT = "root"
EMPTY = "data:,"
FILE_MODE, DIRECTORY_MODE = 0o644, 0o755
READ_ONLY = "/usr/"
# The OEM partition, which is mounted there.
WRITABLE = "/usr/share/oem/"

declare(
    "PV681", "warning", "file system that is not defined",
    """The file system of a file, directory or link is `root`, or is defined in the same config.

    One that a referenced config defines is not known here: `--fsmap NAME=/PATH` says where it is mounted. Without that
    the path is taken for one in the root. Source: ct 0.9, `config/types/files.go`.

    Bad:
        # Container Linux Config
        storage:
          files:
            - path: /grub.cfg
              filesystem: oem
              mode: 0644

    Good:
        # Container Linux Config
        storage:
          filesystems:
            - name: oem
              path: /usr/share/oem
          files:
            - path: /grub.cfg
              filesystem: oem
              mode: 0644
    """,
)  # fmt: skip


@rule("PV680", "warning", on=clc.File)
def file_says_its_mode(file: clc.File) -> Iterator[Finding]:
    """A file or directory says its mode.

    A file gets 0644 and a directory 0755, which is more than a secret or a script can do with. Source: ct 0.9,
    `config/types/files.go`.

    Bad:
        # Container Linux Config
        storage:
          files:
            - path: /etc/motd
              contents:
                inline: hello

    Good:
        # Container Linux Config
        storage:
          files:
            - path: /etc/motd
              mode: 0644
              contents:
                inline: hello
    """
    if file.mode is None and file.append:
        message = f"no mode for {file.path}: the file gets 0644, also where it is there already with another"
        yield Finding(None, message, "add the mode that it shall have", severity="info")
    elif file.mode is None:
        yield Finding(None, f"no mode for {file.path}: the file gets 0644", "add `mode: 0644` or another")


@rule("PV680", "warning", on=clc.Directory)
def directory_says_its_mode(directory: clc.Directory) -> Iterator[Finding]:
    """See `file_says_its_mode`."""
    if directory.mode is None:
        yield Finding(None, f"no mode for {directory.path}: the directory gets 0755", "add `mode: 0755` or another")


@rule("PV605", "warning", on=clc.File)
def file_mode_is_octal(file: clc.File) -> Iterator[Finding]:
    """See the rule for Butane."""
    if file.mode in FILE_MODES:
        yield octal(file.mode)


@rule("PV605", "warning", on=clc.Directory)
def directory_mode_is_octal(directory: clc.Directory) -> Iterator[Finding]:
    """See the rule for Butane."""
    if directory.mode in DIRECTORY_MODES:
        yield octal(directory.mode)


@rule("PV601", "error", on=clc.FileContents)
def content_has_one_source(contents: clc.FileContents) -> Iterator[Finding]:
    """The content of a file comes from one of `inline`, `local` and `remote.url`.

    Source: ct 0.9, `config/types/files.go`.
    """
    given = sources(contents)
    if len(given) > 1:
        yield Finding(given[-1].partition(".")[0], f"{' and '.join(given)} are set; content comes from one of them")


@rule("PV695", "warning", on=clc.Node)
def path_can_be_written(node: clc.Node) -> Iterator[Finding]:
    """No file, directory or link is below /usr, but for /usr/share/oem.

    On Container Linux and Flatcar /usr is read-only, and the machine does not come up. Source: Container Linux,
    "Disk layout".

    Bad:
        # Container Linux Config
        storage:
          files:
            - path: /usr/local/bin/app
              mode: 0755
              contents:
                inline: "#!/bin/sh"

    Good:
        # Container Linux Config
        storage:
          files:
            - path: /opt/bin/app
              mode: 0755
              contents:
                inline: "#!/bin/sh"
    """
    path = cleaned(node.path)
    if node.filesystem in ("", "root") and path.startswith(READ_ONLY) and not path.startswith(WRITABLE):
        yield Finding("path", f"{node.path} is below /usr, which is read-only", "write it below /opt, /etc or /var")


# What Ignition 2 asks of nodes and file systems holds before their paths and defaults are filled in here.
rule("PV301", "error", on=clc.Node)(storage_rules.old_path_is_absolute)
rule("PV366", "error", on=clc.File)(storage_rules.appended_file_is_kept)
rule("PV365", "warning", on=clc.Storage)(storage_rules.filesystem_names_are_unique)


def sources(contents: clc.FileContents) -> list[str]:
    """Where a file's content comes from; more than one is a mistake."""
    pairs = (("inline", contents.inline), ("local", contents.local), ("remote.url", contents.remote.url))
    return [name for name, value in pairs if value]


class Nodes:
    """The nodes of a config in Ignition 2, each on a file system that is known."""

    def __init__(self, storage: clc.Storage, author: Author) -> None:
        self.author = author
        self.known = {ROOT, *(filesystem.name for filesystem in storage.filesystems), *dict(author.options.fsmap)}
        self.files = tuple(map(self.file, storage.files))
        self.directories = tuple(map(self.directory, storage.directories))
        self.links = tuple(map(self.link, storage.links))

    def file(self, given: clc.File) -> ignition2.File:
        """A file with its content."""
        content, mode = contents(given.contents, self.author), FILE_MODE if given.mode is None else given.mode
        made = recast(ignition2.File, given, filesystem=self.filesystem(given), contents=content, mode=mode)
        return made.as_broken() if content.broken else made

    def directory(self, given: clc.Directory) -> ignition2.Directory:
        """A directory."""
        mode = DIRECTORY_MODE if given.mode is None else given.mode
        return recast(ignition2.Directory, given, filesystem=self.filesystem(given), mode=mode)

    def link(self, given: clc.Link) -> ignition2.Link:
        """A link."""
        return recast(ignition2.Link, given, filesystem=self.filesystem(given))

    def filesystem(self, given: clc.Node) -> str:
        """The file system of a node; the root stands in for one that nothing is known of."""
        name = given.filesystem or ROOT
        if name in self.known:
            return name
        self.author.complain(
            "PV681", "warning", given, "filesystem",
            f"no file system `{name}` is defined here; {given.path} is taken for a path in the root",
            f"define it, or say where it is mounted with --fsmap {name}=/PATH",
        )  # fmt: skip
        return ROOT


def contents(given: clc.FileContents, author: Author) -> ignition2.FileContents:
    """The content as a URL; a broken one where it can't be told or read."""
    chosen = sources(given)
    if len(chosen) > 1 or given.broken:
        return ignition2.FileContents(compression="", source="").at(given.origin).as_broken()
    if chosen == ["remote.url"]:
        return remote(given.remote, author)
    if not chosen:
        return fetched(given.remote, EMPTY, given.origin, author)
    data = bytes_of(given, author)
    if data is None:
        return ignition2.FileContents(compression="", source="").at(given.origin).as_broken()
    return fetched(given.remote, data_url(data, may_encode=False).source, author.place(given, chosen[0]), author)


def remote(given: clc.Remote, author: Author) -> ignition2.FileContents:
    """What the machine fetches."""
    return fetched(given, normal(given.url), author.place(given, "url"), author)


def fetched(given: clc.Remote, source: str, place: object, author: Author) -> ignition2.FileContents:
    """A source at its place, with what `remote` says of it."""
    made = ignition2.FileContents(compression=given.compression, source=source).at(place)
    if given.compression:
        made = made.spotted(compression=author.place(given, "compression"))
    hashed = verification(given.verification, author)
    return made if hashed is None else made.changed(verification=hashed)


def bytes_of(given: clc.FileContents, author: Author) -> bytes | None:
    """The content that stands in the document, or in a file beside it; None where that can't be read."""
    if given.inline:
        return given.inline.encode("utf-8", "surrogateescape")
    return author.read_local(given.local, given, "local")
