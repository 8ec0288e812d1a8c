"""Files: `write_files`, with their encodings, owners and modes, and with what Ignition's own writing differs in."""

import re
from typing import TypedDict

from provision.diagnostics import declare
from provision.ignition import NodeGroup, NodeUser
from provision.schema.cloud_config import WriteFile
from provision.transpile.author import Author
from provision.transpile.cloud_config import variables
from provision.transpile.cloud_config.draft import KEPT, Draft, absolute, file
from provision.transpile.cloud_config.encodings import STEPS, decoded
from provision.units import quote

declare(
    "PV704", "error", "content that can't be decoded",
    """A file's content is what its `encoding` says.

    base64 is the standard alphabet with padding; line ends do not count, blanks do. A gzip stream without base64 needs
    `!!binary`. Source: coreos-cloudinit 1.14, `config/decode.go`.

    Bad:
        #cloud-config
        write_files:
          - path: /etc/motd
            encoding: base64
            content: not base64

    Good:
        #cloud-config
        write_files:
          - path: /etc/motd
            encoding: base64
            content: aGVsbG8K
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV705", "error", "place of a file",
    """A file is written where it can be, and where it stays.

    /usr is read-only. What is written to /tmp, /proc, /sys or /dev before the system starts is hidden by what is mounted
    there. A relative path counts from the root.

    Bad:
        #cloud-config
        write_files:
          - path: /usr/bin/tool
            content: x

    Good:
        #cloud-config
        write_files:
          - path: /opt/bin/tool
            content: x
    """,
)  # fmt: skip
declare(
    "PV706", "error", "owner",
    """A file's `owner` is `user` or `user:group`, names or numbers.

    `user:` with nothing behind it means the user's login group to chown(1); Ignition can't look that up.

    Bad:
        #cloud-config
        write_files:
          - path: /etc/motd
            owner: "core:"

    Good:
        #cloud-config
        write_files:
          - path: /etc/motd
            owner: core:500
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV708", "warning", "permissions that look decimal",
    """A file's `permissions` are octal, with or without a 0 in front.

    `420` is read as 0420, which the owner can't write to. Source: coreos-cloudinit 1.14, `system/file.go`.

    Bad:
        #cloud-config
        write_files:
          - path: /etc/motd
            permissions: 420

    Good:
        #cloud-config
        write_files:
          - path: /etc/motd
            permissions: 0644
    """,
)  # fmt: skip
declare(
    "PV709", "warning", "written twice",
    """A file, a unit's text and a key are written once.

    Of several with one path or name the last counts, and the files of `coreos.oem`, `coreos.update` and `manage_etc_hosts` come
    after those of `write_files`. Source: coreos-cloudinit 1.14, `initialize/config.go`.

    Bad:
        #cloud-config
        write_files:
          - path: /etc/motd
            content: one
          - path: /etc/motd
            content: two

    Good:
        #cloud-config
        write_files:
          - path: /etc/motd
            content: one
          - path: /etc/issue
            content: two
    """,
)  # fmt: skip
declare(
    "PV720", "warning", "folder in a home directory",
    """A file in a home directory lies directly in it, or in a folder that is there.

    Folders that are made for a file belong to root, so that the user can't write to them.

    Bad:
        #cloud-config
        write_files:
          - path: /home/core/etc/app.conf
            owner: core:core
            content: x

    Good:
        #cloud-config
        write_files:
          - path: /home/core/app.conf
            owner: core:core
            content: x
    """,
)  # fmt: skip

MODE = re.compile(r"0?[0-7]{3,4}")
DEFAULT_MODE = 0o644
# Common modes, as someone writes them who thinks in decimal: 0644 is 420.
DECIMAL = {"256", "420", "436", "416", "511"}
# An id has 32 bits, ten digits at most.
OWNER = re.compile(r"(?P<user>(?!\+?[0-9]{11})[^\s:]*)(?::(?P<group>(?!\+?[0-9]{11})[^\s:]*))?")
VOLATILE = ("/tmp", "/proc", "/sys", "/dev")  # paths of the target
RUNTIME_UNITS = "/run/systemd/"
TMPFILES = "/etc/tmpfiles.d/provision.conf"
IN_A_HOME = re.compile(r"/home/[^/]+/.+/")
# Systems whose image leaves /usr/local writable.
LOCAL_SYSTEMS = frozenset(("fcos", "fedora", "rhcos", "scos"))


def expand(files: tuple[WriteFile, ...], draft: Draft, author: Author) -> None:
    """Write the files, in order."""
    kept: dict[str, str] = {}
    kept_for: object = None
    for wanted in files:
        if wanted.path:
            write(wanted, wanted.path, draft, kept, author)
            kept_for = kept_for or (wanted.origin if kept else None)
    if kept:
        draft.write(TMPFILES, "".join(kept.values()), kept_for)


def write(wanted: WriteFile, asked: str, draft: Draft, kept: dict[str, str], author: Author) -> None:
    """Write one file."""
    path = placed(wanted, asked, author)
    data = content_of(wanted, author)
    mode, owner = mode_of(wanted, author), owner_of(wanted, author)
    if path is None or data is None or mode is None or owner is None:
        return
    temporary = path.startswith("/run/")
    at = KEPT + path if temporary else path
    if at in draft.files:
        said, hint = f"{path} is written above, too; this is the one that stays", "write it once"
        author.complain("PV709", "warning", wanted, "path", said, hint)
    place = author.place(wanted, "content")
    spots = {"path": author.place(wanted, "path"), "mode": author.place(wanted, "permissions"), "contents": place}
    if temporary:
        kept[path] = kept_line(path, mode, wanted.owner)
        if variables.marked(data):
            said, hint = (
                "a file below /run can't wait for an address",
                "write it to /etc, or give the address with --set",
            )
            author.complain("PV716", "error", wanted, "content", said, hint)
        author.fate(wanted, None, "unit", f"{TMPFILES} makes it at every boot")
    draft.files.pop(at, None)
    made = file(at, variables.shown(data).encode("utf-8", "surrogateescape"), wanted.origin, mode, *owner, **spots)
    draft.files[at], draft.texts[at] = made, data
    if IN_A_HOME.match(path):
        said = f"folders that are made for {path} belong to root"
        author.complain(
            "PV720", "warning", wanted, "path", said, "write it directly into the home directory, or to /etc"
        )


def placed(wanted: WriteFile, path: str, author: Author) -> str | None:
    """Where a file goes on a machine that Ignition sets up; None, and an error, where it can't."""
    where = absolute(path)
    where = re.sub(r"^/var/run/", "/run/", where)
    fault = misplaced(where, author)
    if fault:
        author.complain("PV705", "error", wanted, "path", *fault)
        return None
    if not path.startswith("/"):
        said = f"`{path}` is relative; it is taken as {where}"
        author.complain("PV705", "warning", wanted, "path", said, f"write {where}")
    if where.startswith(RUNTIME_UNITS):
        moved = "/etc" + where.removeprefix("/run")
        author.fate(wanted, "path", "exact", f"written to {moved}, since /run is empty at boot")
        return moved
    return where


def misplaced(where: str, author: Author) -> tuple[str, str] | None:
    """Why a file can't be written to a path, and what to do instead."""
    top = "/" + where.split("/")[1]
    if where == "/":
        return "a file needs a name", "write the whole path"
    if top == "/usr" and not (where.startswith("/usr/local/") and author.options.target_os in LOCAL_SYSTEMS):
        return f"{where} lies on a read-only file system", "write it below /opt or /etc"
    if top in VOLATILE:
        return f"{where} would be hidden: {top} is mounted anew at every boot", "write it below /etc or /var"
    return None


def content_of(wanted: WriteFile, author: Author) -> str | None:
    """The content as text, bytes that are none as surrogates; None, and an error, where it can't be decoded."""
    content = wanted.content or ""
    if wanted.encoding and wanted.encoding not in STEPS:
        return None  # told by `structure`
    if wanted.encoding and wanted.content is None and "content" not in wanted.absent:
        author.complain("PV704", "error", wanted, "encoding", "there is no content to decode", "add `content`")
        return None
    try:
        return decoded(content, wanted.encoding).decode("utf-8", "surrogateescape")
    except ValueError:
        said = f"the content is no {wanted.encoding}"
        author.complain("PV704", "error", wanted, "content", said, hint_for(content, wanted.encoding or ""))
        return None


def hint_for(content: str, encoding: str) -> str:
    """What is most likely wrong with an encoded content."""
    if "64" not in encoding:
        return "a gzip stream is no text: write `content: !!binary |` with its base64, or use gzip+base64"
    if re.search(r"[ \t]", content.strip()):
        return "base64 has no blanks; line ends are fine"
    if "{{" in content or "${" in content or "<" in content:
        return "this is a template; fill it in first"
    return "base64 has letters, digits, + and /, and ends in = where it must; or leave `encoding` out"


def mode_of(wanted: WriteFile, author: Author) -> int | None:
    """The mode; None where it is none, which `structure` tells."""
    text = wanted.permissions
    if not text:
        return DEFAULT_MODE
    if not MODE.fullmatch(text):
        return None
    if text in DECIMAL:
        said = f"permissions {text} are octal, 0{text}"
        author.complain("PV708", "warning", wanted, "permissions", said, f"was 0{int(text):o} meant?")
    return int(text, 8)


def owner_of(wanted: WriteFile, author: Author) -> tuple[NodeUser | None, NodeGroup | None] | None:
    """User and group; None, and an error, where the owner has another form."""
    if not wanted.owner:
        return None, None
    found = OWNER.fullmatch(wanted.owner)
    if not found or not any(found.groups()) or found["group"] == "":
        said = f"`owner: {wanted.owner}` is neither `user` nor `user:group`"
        hint = "name the group" if wanted.owner.endswith(":") else "write names or numbers, with one colon"
        author.complain("PV706", "error", wanted, "owner", said, hint)
        return None
    place = author.place(wanted, "owner")
    user, group = identity(found["user"]), identity(found["group"])
    return (
        NodeUser(**user).at(place) if user else None,
        NodeGroup(**group).at(place) if group else None,
    )


class Identity(TypedDict, total=False):
    """How Ignition has a user or group."""

    id: int
    name: str


def identity(name: str | None) -> Identity | None:
    """A user or group of `owner`: a number is an id."""
    if not name:
        return None
    number = name.removeprefix("+")
    return {"id": int(number)} if number.isascii() and number.isdecimal() else {"name": name}


def kept_line(path: str, mode: int, owner: str | None) -> str:
    """A line of tmpfiles.d(5) that copies a kept file to its place."""
    user, _, group = (owner or "root:root").partition(":")
    source = f"{KEPT}{path}".replace("%", "%%")  # the rest of the line, blanks and all
    return f"C {quote(path)} {mode:04o} {user or 'root'} {group or '-'} - {source}\n"
