"""Which files a command line means, and their bytes."""

import os
import sys
from collections.abc import Iterable, Iterator

from provision.diagnostics import ProvisionError

STDIN = "-"
STDIN_NAME = "<stdin>"
# What a search through folders takes up. Files named on the command line may be called as they like.
SUFFIXES = (".bu", ".butane", ".ign", ".yaml", ".yml", ".json")
SURE_SUFFIXES = (".bu", ".butane", ".ign")
SKIPPED_FOLDERS = frozenset((".git", ".hg", ".venv", "node_modules", "__pycache__"))


def files_of(paths: Iterable[str]) -> list[tuple[str, bool]]:
    """The files that paths stand for, each with whether it was named itself; folders are searched, names sorted.

    Raises ProvisionError for a path that does not exist.
    """
    found: dict[str, bool] = {}
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            for file in below(path):
                found.setdefault(file, False)
        elif path == STDIN or os.path.exists(path):
            found[path] = True
        else:
            raise ProvisionError(f"{path}: no such file or directory", exit_code=2)
    return list(found.items())


def below(folder: str) -> Iterator[str]:
    """The files of a folder, and of those in it, that may hold a config."""
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(files):
            if name.endswith(SUFFIXES):
                yield os.path.join(where, name)


def read_input(path: str) -> bytes:
    """The bytes of a file, or of standard input for `-`. Raises ProvisionError with the reason."""
    try:
        if path == STDIN:
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ProvisionError(f"{path}: {(error.strerror or str(error)).lower()}", exit_code=2) from None


def write_output(path: str, data: bytes) -> None:
    """Put a file in its place in one step: it is there as a whole, or as it was before."""
    import tempfile

    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        write_special(target, data)
        return
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".provision-", dir=os.path.dirname(target))
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise ProvisionError(f"{path}: {(error.strerror or str(error)).lower()}", exit_code=2) from None


def write_special(path: str, data: bytes) -> None:
    """Write to a device or a pipe, such as /dev/null, which can't be replaced."""
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise ProvisionError(f"{path}: {(error.strerror or str(error)).lower()}", exit_code=2) from None
