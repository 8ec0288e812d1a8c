"""What one stage leaves to the next: the state file, the cached config, the marker that the network is needed.

Source: Ignition, `internal/state/state.go`, `internal/exec/engine.go`. All hold secrets or lead to some, so each appears
whole in one rename and is closed to others from its first byte on.
"""

import os
from contextlib import suppress

from provision.diagnostics import ProvisionError
from provision.ignition import NEWEST, Config, full_version
from provision.record import Record, encode
from provision.typed import Any

STATE_UNREADABLE = 3
CACHE_MODE, STATE_MODE = 0o640, 0o600


# The names of the attributes of State in the file.
KEYS = {
    "fetched": "fetchedConfigs",
    "key_files": "luksPersistKeyFiles",
    "directories": "notatedDirectories",
    "output_files": "providerOutputFiles",
    "secure_key_files": "luksPersistVolumeKeyFiles",
    "mounted": "mountedPaths",
}
# What each of them holds.
ITEMS: dict[str, type] = {
    "fetched": dict, "key_files": str, "directories": str, "output_files": dict, "secure_key_files": str,
    "mounted": str,
}  # fmt: skip


class State:
    """The state file's content, by its own keys.

    `fetched`: what configs were read. `key_files`: keys of volumes, as data URLs, until they are in the root.
    `secure_key_files`: files of zkey's repository. `directories`: paths in the root that were made as mount points.
    `output_files`: what the provider has to say in the root. `mounted`: paths in the root that file systems of the config were mounted at.
    """

    def __init__(self) -> None:
        self.fetched: list[dict[str, Any]] = []
        self.key_files: dict[str, str] = {}
        self.secure_key_files: dict[str, str] = {}
        self.directories: list[str] = []
        self.output_files: list[dict[str, Any]] = []
        self.mounted: list[str] = []

    def note_config(self, kind: str, source: str, *, referenced: bool) -> None:
        """Remember that a config was read."""
        self.fetched.append({"kind": kind, "source": source, "referenced": referenced})

    def save(self, host_path: str) -> None:
        """Write the state file."""
        import json

        text = json.dumps({key: getattr(self, name) for name, key in KEYS.items()})
        os.makedirs(os.path.dirname(host_path) or ".", mode=0o700, exist_ok=True)
        write_whole(host_path, text.encode() + b"\n", STATE_MODE)


def load_state(host_path: str) -> State:
    """The state that earlier stages left; none at all is an empty one. Raises ProvisionError for a damaged file."""
    import json

    state = State()
    try:
        with open(host_path, "rb") as file:
            document = json.loads(file.read())
        if not isinstance(document, dict):
            raise ValueError("it is no JSON object")
        for name, key in KEYS.items():
            value = document.get(key)
            if value is not None and not is_like(value, getattr(state, name), ITEMS[name]):
                raise ValueError(f"{key} is of the wrong type")
            if value is not None:
                setattr(state, name, value)
    except FileNotFoundError:
        return state
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ProvisionError(
            f"{host_path}: the state of the earlier stages cannot be read: {why}", exit_code=STATE_UNREADABLE
        ) from None
    return state


def is_like(value: object, empty: object, item: type) -> bool:
    """Whether a value is of the type of an empty one, with items of a type."""
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    return type(value) is type(empty) and all(isinstance(each, item) for each in items)


def write_cache(host_path: str, config: Config) -> None:
    """Write the rendered config for the stages that follow, as JSON of the newest spec."""
    import json

    settled = config.changed(ignition=config.ignition.changed(version=full_version(NEWEST)))
    document = with_sections(settled, encode(settled, NEWEST))
    write_whole(host_path, json.dumps(document, separators=(",", ":")).encode(), CACHE_MODE)


def with_sections(record: Record, document: dict[str, Any]) -> dict[str, Any]:
    """The document with its empty sections, which those who read the cache expect to find."""
    for row in record.rows.values():
        if row.kind == "record":
            document.setdefault(row.key, {})
    return document


def write_whole(host_path: str, content: bytes, mode: int) -> None:
    """Put a file in place in one rename, readable by nobody else before it is complete."""
    temporary = f"{host_path}.new"
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            os.fchmod(fd, 0o600)
            file.write(content)
            file.flush()
            os.fsync(fd)
            os.fchmod(fd, mode)
        os.rename(temporary, host_path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise ProvisionError(f"{host_path}: cannot be written: {error.strerror}") from None


def write_marker(host_path: str) -> None:
    """Say that the network is needed."""
    os.makedirs(os.path.dirname(host_path) or ".", mode=0o755, exist_ok=True)
    with open(host_path, "wb"):
        pass


def remove_file(host_path: str) -> None:
    """Take a file away that may not be there."""
    try:
        os.unlink(host_path)
    except FileNotFoundError:
        return
