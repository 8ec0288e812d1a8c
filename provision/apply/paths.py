"""Paths inside a root, worked out from what is found there. Pure: asks a function that the caller hands in.

Every path that leaves this module is true: absolute as the booted system sees it, without `.`, `..` and symbolic links
in any component but the last. `roots` walks such paths without following a link, so that nothing can lead out.
"""

from collections.abc import Callable

from provision.diagnostics import ProvisionError
from provision.typed import Literal, NamedTuple

NodeKind = Literal["missing", "file", "directory", "link", "other"]

# The kernel's own limit (linux/namei.h, MAXSYMLINKS).
MAX_LINKS = 40
# linux/limits.h, with the final NUL that PATH_MAX counts.
MAX_PATH_BYTES = 4095

WORDS: dict[NodeKind, str] = {
    "missing": "nothing",
    "file": "a file",
    "directory": "a directory",
    "link": "a symbolic link",
    "other": "a device, socket or pipe",
}


class Found(NamedTuple):
    """What is at a path, its last component not followed. `mode` is None and `owner` empty where they are not known.

    `owner` is `uid:gid`, `identity` device and inode number.
    """

    kind: NodeKind
    mode: int | None = None
    owner: str = ""
    size: int = 0
    target: str = ""
    identity: tuple[int, int] | None = None


MISSING = Found("missing")

Look = Callable[[str], Found]


def parent_of(path: str) -> str:
    """The directory that a true path stands in; the root's own is the root."""
    return path.rpartition("/")[0] or "/"


def joined(directory: str, name: str) -> str:
    """A true path one level deeper."""
    return f"{directory}/{name}" if directory != "/" else f"/{name}"


def resolve(path: str, look: Look, *, follow: bool = False, known: dict[str, str] | None = None) -> str:
    """The true path: every component but the last is resolved inside the root, with `follow` the last one too.

    Absolute targets start at the root, `..` stops there, missing components are taken as they are spelt. What was found
    out of a directory is kept in `known`, which holds as long as nothing on the way becomes a link or ceases to be one.
    Raises ProvisionError for a loop of links and for what no file system takes as a path.
    """
    check_spelling(path)
    directory, _, name = path.rstrip("/").rpartition("/")
    if follow or name in ("", ".", ".."):
        return resolve_all(path, look)
    found = known.get(directory) if known is not None else None
    if found is None:
        found = resolve_all(directory, look)
        if known is not None:
            known[directory] = found
    return joined(found, name)


def resolve_all(path: str, look: Look) -> str:
    """The true path of a directory: links are followed in every component."""
    here, links = "/", 0
    todo = path.split("/")[::-1]
    while todo:
        name = todo.pop()
        if name in ("", "."):
            continue
        if name == "..":
            here = parent_of(here)
            continue
        step = joined(here, name)
        found = look(step)
        if found.kind != "link":
            here = step
            continue
        links += 1
        if links > MAX_LINKS:
            raise ProvisionError(f"{shown(path)}: more than {MAX_LINKS} symbolic links, most likely a loop")
        check_spelling(found.target)
        here = "/" if found.target.startswith("/") else here
        todo += found.target.split("/")[::-1]
    return here


def check_spelling(path: str) -> None:
    """Refuse what no file system takes as a path."""
    try:
        size = len(path.encode(errors="surrogateescape"))
    except UnicodeEncodeError:
        raise ProvisionError(f"{shown(path)}: the path is not Unicode text: it holds half a surrogate pair") from None
    if "\0" in path:
        raise ProvisionError(f"{shown(path)}: the path holds a NUL byte")
    if size > MAX_PATH_BYTES:
        raise ProvisionError(f"{shown(path[:60])}…: the path has {size} bytes; the kernel takes {MAX_PATH_BYTES}")


def shown(text: str) -> str:
    """Text from a config as it may be put on a terminal: control characters are escaped."""
    return text if text.isprintable() else ascii(text)[1:-1]


def owner_fits(found: str, wanted: str) -> bool:
    """Whether a node of the owner `found` is already as `wanted` says; an empty part of `wanted` takes any."""
    if not wanted:
        return True
    is_user, _, is_group = found.partition(":")
    user, _, group = wanted.partition(":")
    return user in ("", is_user) and group in ("", is_group)
