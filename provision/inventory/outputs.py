"""The folder that configs are built into: one file a host, and a manifest of them. All is written beside, then moved there."""

import errno
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from provision.contents import sha512
from provision.diagnostics import ProvisionError
from provision.inputs import refusal, write_output

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1
SUFFIX = ".ign"
STAGING = ".provision-build-"


class Output(NamedTuple):
    """The file of a host: the SHA-512 of its content in hex, its size in bytes, and whether it is other than before."""

    name: str
    sha512: str
    size: int
    changed: bool

    @property
    def entry(self) -> dict[str, object]:
        """As the manifest has it."""
        return {"file": self.name + SUFFIX, "sha512": self.sha512, "size": self.size}


class Manifest(NamedTuple):
    """What a folder holds: the files of hosts, of hosts that could not be built, and of hosts that are gone."""

    hosts: dict[str, dict[str, Any]]
    failed: dict[str, dict[str, Any]]
    stale: dict[str, dict[str, Any]]

    @property
    def known(self) -> dict[str, dict[str, Any]]:
        """All files that a build has written here."""
        return {name: entry for each in (self.stale, self.failed, self.hosts) for name, entry in each.items() if entry}


EMPTY = Manifest({}, {}, {})


class Folder:
    """A folder of results, locked for one build."""

    def __init__(self, path: str, staging: str) -> None:
        self.path, self.staging = path, staging
        self.before = read_manifest(path)

    def stage(self, name: str, data: bytes) -> Output:
        """Put a host's config beside its place, if it is not what stands there."""
        file = os.path.join(self.path, name + SUFFIX)
        changed = content(file) != data
        if changed:
            with open(os.path.join(self.staging, name + SUFFIX), "wb") as out:
                out.write(data)
        return Output(name, sha512(data), len(data), changed)

    def take(self, output: Output) -> None:
        """Move a staged config to its place."""
        if not output.changed:
            return
        staged, file = (os.path.join(where, output.name + SUFFIX) for where in (self.staging, self.path))
        with suppress(FileNotFoundError):
            os.chmod(staged, stat.S_IMODE(os.stat(file).st_mode))
        os.replace(staged, file)

    def remove(self, name: str) -> bool:
        """Remove the file of a host that is gone, unless somebody has changed it since."""
        entry = self.before.known[name]
        file = os.path.join(self.path, name + SUFFIX)
        data = content(file)
        if data is None:
            return True
        if sha512(data) != entry.get("sha512"):
            return False
        os.unlink(file)
        return True

    def has(self, name: str) -> bool:
        """Whether there is a file for a host."""
        return os.path.lexists(os.path.join(self.path, name + SUFFIX))

    def write_manifest(self, inventory: str, manifest: Manifest) -> None:
        """Write the manifest, if it is other than before."""
        document = {
            "version": MANIFEST_VERSION, "inventory": inventory, "hosts": manifest.hosts, "failed": manifest.failed, "stale": manifest.stale,
        }  # fmt: skip
        data = (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()
        file = os.path.join(self.path, MANIFEST)
        if content(file) != data:
            write_output(file, data)


def content(file: str) -> bytes | None:
    """The content of a file, None where there is none. Raises OSError for what can't be read."""
    try:
        with open(file, "rb") as found:
            return found.read()
    except FileNotFoundError:
        return None


def read_manifest(path: str) -> Manifest:
    """The manifest of a folder. Raises ProvisionError for a file of that name that is none."""
    file = os.path.join(path, MANIFEST)
    data = content(file)
    if data is None:
        return EMPTY
    try:
        document = json.loads(data)
        if document["version"] != MANIFEST_VERSION:
            raise ValueError
        sections = [document[key] for key in ("hosts", "failed", "stale")]
        for section in sections:
            for name, entry in section.items():
                if os.sep in name or name.startswith(".") or not isinstance(entry, dict):
                    raise ValueError
        return Manifest(*sections)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ProvisionError(
            f"{file}: is no manifest that this provision has written; build into another folder, or remove it",
            exit_code=2,
        ) from None


@contextmanager
def opened(path: str) -> Iterator[Folder]:
    """A folder to build into: made where there is none, and for this build alone. What was staged and not taken is removed."""
    lock, staging = -1, ""
    try:
        try:
            os.makedirs(path, exist_ok=True)
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            locked(lock, path)
            for name in os.listdir(path):
                if name.startswith(STAGING):
                    shutil.rmtree(os.path.join(path, name), ignore_errors=True)
            staging = tempfile.mkdtemp(prefix=STAGING, dir=path)
            folder = Folder(path, staging)
        except OSError as error:
            raise refusal(error.filename or path, error) from None
        yield folder
    finally:
        if staging:
            shutil.rmtree(staging, ignore_errors=True)
        if lock >= 0:
            os.close(lock)


def locked(lock: int, path: str) -> None:
    """Take the lock of a folder. Raises ProvisionError where another build has it; some file systems have no locks."""
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise ProvisionError(f"{path}: another build is writing to this folder", exit_code=2) from None
