"""What is enabled for good. Presets are what Ignition writes, and systemd goes by them at the first boot of a system only.

It takes a boot for the first where /etc/machine-id is missing or says so. An image that has an identity already, as most
of those that distributions without Ignition make, gets the links themselves. (The initramfs leaves the root mounted for
writing, without which systemd cannot apply presets, either.) Source: machine-id(5), "FIRST BOOT SEMANTICS".
"""

from collections.abc import Iterator

from provision.apply.operations import Operation
from provision.apply.operations.enabling import FOLDERS, EnableUnit
from provision.apply.paths import joined, shown
from provision.apply.plan.draft import Draft
from provision.apply.plan.units import split_instance
from provision.ignition import Config

MACHINE_ID = "/etc/machine-id"
UNINITIALIZED = b"uninitialized"


def plan_enabling(config: Config, draft: Draft) -> Iterator[Operation]:
    """Enable the units that the config enables, where the presets alone would not do that."""
    wanted = [unit for unit in config.systemd.units if unit.enabled and not unit.mask]
    if not wanted or heeds_presets(draft):
        return
    for unit in wanted:
        if exists(unit.name, draft):
            yield EnableUnit(name=unit.name).at(unit)
        else:
            draft.note(f"unit {shown(unit.name)} is to be enabled, and neither the root nor the config has it")


def exists(name: str, draft: Draft) -> bool:
    """Whether there will be a unit of a name, or for an instance its template."""
    names = {name, split_instance(name)[0]}
    return any(
        draft.look(draft.resolve(joined(folder, each))).kind != "missing" for folder in FOLDERS for each in names
    )


def heeds_presets(draft: Draft) -> bool:
    """Whether systemd will apply presets when the root is booted."""
    path = draft.resolve(MACHINE_ID, follow=True)
    if draft.look(path).kind != "file":
        return True
    return draft.content(path).strip() == UNINITIALIZED
