"""What is enabled for good. Presets are what Ignition writes, and systemd goes by them at the first boot of a system only.

It takes a boot for the first where /etc/machine-id is missing or says so. An image that has an identity already, as most
of those that distributions without Ignition make, gets the links themselves. Source: machine-id(5), "FIRST BOOT SEMANTICS".
"""

from collections.abc import Iterator

from provision.apply.operations import Operation
from provision.apply.operations.enabling import EnableUnit
from provision.apply.plan.draft import Draft
from provision.ignition import Config

MACHINE_ID = "/etc/machine-id"
UNINITIALIZED = b"uninitialized"


def plan_enabling(config: Config, draft: Draft) -> Iterator[Operation]:
    """Enable the units that the config enables, where the presets alone would not do that."""
    wanted = [unit for unit in config.systemd.units if unit.enabled and not unit.mask]
    if wanted and not heeds_presets(draft):
        yield from (EnableUnit(name=unit.name).at(unit) for unit in wanted if "@." not in unit.name)


def heeds_presets(draft: Draft) -> bool:
    """Whether systemd will apply presets when the root is booted."""
    path = draft.resolve(MACHINE_ID, follow=True)
    if draft.look(path).kind != "file":
        return True
    return draft.content(path).strip() == UNINITIALIZED
