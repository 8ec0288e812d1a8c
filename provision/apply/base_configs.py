"""Configs that the system itself brings: fragments that lie under the user's, and a user's config in a file.

Source: Ignition, `internal/providers/system/system.go`.
"""

import os
from collections.abc import Mapping

from provision.apply import log
from provision.apply.paths import shown
from provision.apply.reading import read_config
from provision.diagnostics import ProvisionError
from provision.ignition import Config
from provision.record import merge

# The folders, that of the highest priority first, each with the variable that names another.
FOLDERS = {
    "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR": "/run/ignition",
    "IGNITION_SYSTEM_LOCAL_CONFIG_DIR": "/etc/ignition",
    "IGNITION_SYSTEM_CONFIG_DIR": "/usr/lib/ignition",
}
BASE, PLATFORM_BASE, USER_FILE = "base.d", "base.platform.d", "user.ign"


def folders(environ: Mapping[str, str]) -> list[str]:
    """The folders of the system's configs."""
    return [environ.get(variable) or folder for variable, folder in FOLDERS.items()]


def base_config(environ: Mapping[str, str], platform: str) -> Config | None:
    """All fragments, merged; None where there are none. A bad one of the platform's voids only the platform's."""
    common = merged_fragments([f"{folder}/{BASE}" for folder in folders(environ)])
    try:
        own = merged_fragments([f"{folder}/{PLATFORM_BASE}/{platform}" for folder in folders(environ)])
    except ProvisionError as error:
        log.warning(f"the fragments for the platform {platform} are left out: {error}")
        own = None
    return own if common is None else common if own is None else merge(common, own)


def merged_fragments(places: list[str]) -> Config | None:
    """The fragments of some folders in the order of their names; of two with one name that of the first folder counts."""
    by_name: dict[str, str] = {}
    for place in places:
        for name in names_in(place):
            by_name.setdefault(name, f"{place}/{name}")
    merged = None
    for name in sorted(by_name, key=os.fsencode):
        fragment = read_fragment(by_name[name])
        merged = fragment if merged is None else merge(merged, fragment)
    return merged


def names_in(folder: str) -> list[str]:
    """The entries of a folder that may not be there."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ProvisionError(f"{shown(folder)} cannot be read: {error.strerror}") from None


def read_fragment(path: str) -> Config:
    """One fragment; ProvisionError for one that is not valid."""
    try:
        with open(path, "rb") as file:
            reading = read_config(file.read())
    except OSError as error:
        raise ProvisionError(f"{shown(path)} cannot be read: {error.strerror}") from None
    errors = [remark for remark in reading.remarks if remark.severity == "error"]
    if errors:
        raise ProvisionError(f"{shown(path)} is not a valid config: {errors[0]}")
    log.info(f"read the config {shown(path)}")
    return reading.config


def user_config(environ: Mapping[str, str]) -> bytes | None:
    """A user's config among the system's own files; None where there is none."""
    for folder in folders(environ):
        try:
            with open(f"{folder}/{USER_FILE}", "rb") as file:
                log.info(f"read the config {shown(folder)}/{USER_FILE}")
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise ProvisionError(f"{shown(folder)}/{USER_FILE} cannot be read: {error.strerror}") from None
    return None
