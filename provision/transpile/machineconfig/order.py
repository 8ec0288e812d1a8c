"""The order in which a pool's MachineConfigs are merged, and what each of them sets.

Source: machine-config-operator 4.20, `MergeMachineConfigs` in `pkg/controller/common/helpers.go`.
"""

from collections.abc import Iterator

from provision.ignition import Config
from provision.record import Record
from provision.schema.machineconfig import MachineConfig
from provision.transpile.machineconfig.objects import role_of


def sort_key(config: MachineConfig) -> tuple[bool, bytes]:
    """Worker's configs first, then all others, each by name: in a pool of one's own its configs beat all of worker's."""
    return role_of(config) != "worker", config.metadata.name.encode("utf-8", "surrogatepass")


def claims_of(config: Config | None) -> Iterator[tuple[str, Record]]:
    """The paths, units and drop-ins that a config sets, in words, each with its record."""
    if config is None:
        return
    for node in (*config.storage.files, *config.storage.directories, *config.storage.links):
        yield node.path, node
    for unit in config.systemd.units:
        if unit.contents or unit.enabled is not None or unit.mask:
            yield unit.name, unit
        for dropin in unit.dropins:
            yield f"{unit.name}.d/{dropin.name}", dropin
