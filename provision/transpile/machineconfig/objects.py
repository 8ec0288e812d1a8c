"""Looking into a MachineConfig, whatever the version of the Ignition config in it."""

import re
from collections.abc import Iterator

from provision.ignition import File
from provision.record import Record
from provision.schema.machineconfig import GENERATED_BY, ROLE, MachineConfig, MachineConfigSpec

BUILT_IN_POOLS = ("master", "worker", "arbiter")
# Source: RFC 1123 as Kubernetes reads it, `IsDNS1123Subdomain`.
DNS_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def files_of(spec: MachineConfigSpec) -> Iterator[File]:
    """The files of the config that could be read in full; those of Ignition 2 have the same path, mode and contents."""
    for file in spec.config.storage.files if spec.config else ():
        if not file.broken:
            yield file


def is_generated(config: MachineConfig) -> bool:
    """Whether a controller of the cluster made the object: its names, files and modes are no business of the author's."""
    return GENERATED_BY in (config.metadata.annotations or {}) or bool(config.metadata.owner_references)


def role_of(config: MachineConfig) -> str:
    """The role that the object is for; empty where it says none."""
    return (config.metadata.labels or {}).get(ROLE, "")


def words_of(arguments: tuple[str, ...]) -> list[tuple[str, int]]:
    """Single kernel arguments, each with the index of the element that it stands in: an element may hold several.

    Blanks inside double quotes do not part; a quote that is left open lasts to the end. Source: the kernel's `lib/cmdline.c`.
    """
    return [(word, at) for at, text in enumerate(arguments) for word in re.findall(r'(?:"[^"]*(?:"|\Z)|[^\s"])+', text)]


def is_empty(config: Record | None) -> bool:
    """Whether a `spec.config` says nothing."""
    return config is None or config.empty()
