"""A MachineConfig of OpenShift 4.1 to 4.5, whose Ignition config is of version 2.2: as records.

All but the config is as in `machineconfig`.
"""

from provision.record import field
from provision.schema.ignition2 import Config
from provision.schema.machineconfig import MachineConfig, MachineConfigSpec


class MachineConfigSpec2(MachineConfigSpec):
    """What the machines of a pool get: `spec`."""

    config: Config | None = field(default=None, doc="An Ignition config of version 2.2, as an object.")  # type: ignore[assignment]  # another version


class MachineConfig2(MachineConfig):
    """A MachineConfig whose Ignition config is of version 2."""

    spec: MachineConfigSpec2 = field(factory=MachineConfigSpec2, doc="What the machines get.")
