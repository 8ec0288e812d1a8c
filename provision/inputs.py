"""Which files a command line means, and their bytes."""

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

from provision.diagnostics import ProvisionError

STDIN = "-"
STDIN_NAME = "<stdin>"
# What a search through folders takes up. Files named on the command line may be called as they like.
UNIT_SUFFIXES = (
    ".service", ".socket", ".timer", ".mount", ".automount", ".swap", ".path", ".target", ".slice", ".network", ".netdev",
    ".link",
)  # fmt: skip
SUFFIXES = (".bu", ".butane", ".ign", ".yaml", ".yml", ".json", *UNIT_SUFFIXES)
DROPIN_FOLDERS = tuple(f"{suffix}.d" for suffix in UNIT_SUFFIXES)
SURE_SUFFIXES = (".bu", ".butane", ".ign")
# What stands for a file that is open already: where standard output is a file, that file must not be replaced.
OPEN_FILES = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
NEW_FILE_MODE = 0o644  # as Butane
SKIPPED_FOLDERS = frozenset((".git", ".hg", ".venv", "node_modules", "__pycache__"))


def files_of(paths: Iterable[str]) -> list[tuple[str, bool]]:
    """The files that paths stand for, each with whether it was named itself; folders are searched, names sorted.

    A path that does not exist stands for itself: reading it tells what is wrong, and the other files are still checked.
    """
    found: dict[str, bool] = {}
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            for file, named in below(path):
                found.setdefault(file, named)
        else:
            found[path] = True
    return list(found.items())


def below(folder: str) -> Iterator[tuple[str, bool]]:
    """The files of a folder, and of those in it, that may hold a config; and, as if named, what can't be searched."""
    closed: list[OSError] = []
    for where, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        suffixes = (*SUFFIXES, ".conf") if where.endswith(DROPIN_FOLDERS) else SUFFIXES
        for name in sorted(files):
            if name.endswith(suffixes):
                yield os.path.join(where, name), False
    for error in closed:
        yield error.filename, True


def read_input(path: str) -> bytes:
    """The bytes of a file, or of standard input for `-`. Raises ProvisionError with the reason."""
    try:
        if path == STDIN:
            if sys.stdin.isatty():
                print("reading from the terminal; Ctrl-D ends the config", file=sys.stderr, flush=True)
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise refusal(path, error) from None


def refusal(path: str, error: OSError) -> ProvisionError:
    """What the system said of a path."""
    return ProvisionError(f"{path or repr(path)}: {(error.strerror or str(error)).lower()}", exit_code=2)


def write_output(path: str, data: bytes) -> None:
    """Put a file in its place in one step: it is there as a whole, or as it was before."""
    target = os.path.realpath(path)
    try:
        if os.path.abspath(path).startswith(OPEN_FILES) or (os.path.exists(target) and not os.path.isfile(target)):
            write_special(path, data)
        else:
            replace(target, data)
    except OSError as error:
        raise refusal(path, error) from None


def replace(target: str, data: bytes) -> None:
    """Write a file beside its place, and move it there. An existing file's mode and owner stay."""
    import tempfile

    before = os.stat(target) if os.path.exists(target) else None
    if before and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    handle, temporary = tempfile.mkstemp(prefix=".provision-", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if before and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(PermissionError):  # only root may give a file away
                os.chown(temporary, before.st_uid, before.st_gid)
        os.chmod(temporary, stat.S_IMODE(before.st_mode) if before else NEW_FILE_MODE & ~current_umask())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def current_umask() -> int:
    """The umask of this process, which can only be read by setting it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def write_special(path: str, data: bytes) -> None:
    """Write to a device, a pipe or an open file, such as /dev/null or /dev/stdout, which can't be replaced."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
        file.write(data)
