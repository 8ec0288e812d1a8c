"""The releases: a row for each version of each dialect, with the Ignition spec that it targets.

A release that is not listed does not exist; versions are compared as text, as the peers do. Source: the translator
registry of Butane 0.29 (`config/config.go`) and the parsers of Ignition 2.26.
"""

from typing import Literal, NamedTuple

from provision.ignition import SPECS
from provision.record import Spec, spec

Dialect = Literal[
    "fcos", "flatcar", "openshift", "r4e", "fiot", "ignition",
    "ignition2", "clc", "cloud-config", "cloud-init", "machineconfig", "machineconfig2",
    "machineconfigpool", "unit", "script",
]  # fmt: skip


class Release(NamedTuple):
    """One version of one dialect. `spec` is the Ignition spec that it is translated to.

    A dialect that never had versions has one release, without a version.
    """

    dialect: Dialect
    version: str
    spec: Spec

    @property
    def file_name(self) -> str:
        """As a file is called that is about it: `fcos-1.5.0`."""
        return f"{self.dialect}-{self.version}".rstrip("-")

    @property
    def name(self) -> str:
        """As people write it: `fcos 1.5.0`."""
        return f"{FULL_NAMES.get(self.dialect, self.dialect)} {self.version}".rstrip()


BUTANE: dict[Dialect, dict[str, tuple[str, ...]]] = {
    "fcos": {
        "3.0": ("1.0.0",),
        "3.1": ("1.1.0",),
        "3.2": ("1.2.0", "1.3.0"),
        "3.3": ("1.4.0",),
        "3.4": ("1.5.0",),
        "3.5": ("1.6.0",),
        "3.6": ("1.7.0",),
        "3.7": ("1.8.0-experimental",),
    },
    "flatcar": {"3.3": ("1.0.0",), "3.4": ("1.1.0",), "3.7": ("1.2.0-experimental",)},
    "openshift": {
        "3.2": tuple(f"4.{minor}.0" for minor in range(8, 14)),
        "3.4": tuple(f"4.{minor}.0" for minor in range(14, 19)),
        "3.5": tuple(f"4.{minor}.0" for minor in range(19, 23)),
        "3.7": ("4.23.0-experimental",),
    },
    "r4e": {"3.3": ("1.0.0",), "3.4": ("1.1.0",), "3.7": ("1.2.0-experimental",)},
    "fiot": {"3.4": ("1.0.0",), "3.7": ("1.1.0-experimental",)},
}

# What Ignition 2 is turned into by default, by its version: the least that holds all of it. Source: ign-converter 0.2.
IGNITION2 = {"2.0.0": "3.1", "2.1.0": "3.1", "2.2.0": "3.1", "2.3.0": "3.1", "2.4.0": "3.1"}
# Versions of the Ignition config in a MachineConfig. Source: machine-config-operator 4.20, `ParseAndConvertConfig`.
MACHINECONFIG = ("3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.4.0", "3.5.0")
MACHINECONFIG2 = "2.2.0"
# Dialects without versions of their own, with the spec that they are turned into by default.
OTHERS: dict[Dialect, str] = {
    "clc": "3.1", "cloud-config": "3.3", "cloud-init": "3.3", "machineconfigpool": "3.5", "unit": "3.3", "script": "3.3",
}  # fmt: skip
# Dialects that a caller may name, because their content can not always tell them.
NAMEABLE: tuple[Dialect, ...] = ("clc", "cloud-config", "cloud-init", "unit", "script")
# Versions older than 3 that can be written. Source: ign-converter 0.2 goes down to 2.4 and 2.2.
OLD_TARGETS = ("2.2.0", "2.3.0", "2.4.0")
TARGETS = (*OLD_TARGETS, *SPECS)
FULL_NAMES: dict[Dialect, str] = {
    "ignition2": "ignition", "clc": "Container Linux Config", "machineconfig": "MachineConfig with Ignition",
    "machineconfig2": "MachineConfig with Ignition", "machineconfigpool": "MachineConfigPool",
}  # fmt: skip

RELEASES: tuple[Release, ...] = (
    *(
        Release(dialect, version, spec(target))
        for dialect, by_spec in BUTANE.items()
        for target, versions in by_spec.items()
        for version in versions
    ),
    *(Release("ignition", version, spec(version)) for version in SPECS),
    *(Release("ignition2", version, spec(target)) for version, target in IGNITION2.items()),
    *(Release("machineconfig", version, spec(version)) for version in MACHINECONFIG),
    Release("machineconfig2", MACHINECONFIG2, spec(IGNITION2[MACHINECONFIG2])),
    *(Release(dialect, "", spec(target)) for dialect, target in OTHERS.items()),
)

BY_NAME: dict[tuple[str, str], Release] = {(r.dialect, r.version): r for r in RELEASES}


# Dialects whose documents are text as a whole, so that no schema can describe them.
TEXTS: frozenset[Dialect] = frozenset(("unit", "script"))


def releases_of(dialect: str) -> list[Release]:
    """All releases of a dialect, oldest first; empty where the dialect is unknown."""
    return [release for release in RELEASES if release.dialect == dialect]


def newest(dialect: str) -> Release:
    """The newest release of a dialect that is not experimental."""
    return [release for release in releases_of(dialect) if "-" not in release.version][-1]


def version_key(version: str) -> tuple[int, ...]:
    """A key by which versions of one dialect sort: `4.23.0-experimental` is (4, 23, 0)."""
    return tuple(int(part) for part in version.split("-")[0].split("."))
