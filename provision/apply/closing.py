"""Stopping what a run that was cut off left open, or udev started by itself: arrays and volumes of the config that nobody uses.

Only then can the disks below them be changed, or the things themselves be made anew. Those that are kept are opened again.
"""

from collections.abc import Sequence

from provision.apply.devices import BlockDevice
from provision.apply.operations.devices import Devices
from provision.apply.operations.luks import volume_path
from provision.apply.paths import shown
from provision.apply.plan.raid import base_name
from provision.diagnostics import ProvisionError
from provision.ignition import Config

# Arrays on volumes on arrays … nobody stacks deeper.
MAX_DEPTH = 8


def close_idle(config: Config, devices: Sequence[BlockDevice], system: Devices) -> bool:
    """Close the arrays and volumes of a config that lie on devices and that nobody uses; whether there were any."""
    holders = {path: device for device in devices for path in device.used_by if path.startswith("/dev/")}
    closed = [close_from_top(path, below, devices, config, system) for path, below in holders.items()]
    return any(closed)


def close_from_top(
    path: str, below: BlockDevice, siblings: Sequence[BlockDevice], config: Config, system: Devices, depth: int = 0
) -> bool:
    """Close what lies on a device, and then the device, if the config makes it or can open it again."""
    holder = system.look(path)
    for upper in holder.used_by if depth < MAX_DEPTH else ():
        if not upper.startswith("/dev/"):
            return False
        if not close_from_top(upper, holder, (holder,), config, system, depth + 1):
            return False
    command = closing_command(holder, below, sum(path in each.used_by for each in siblings), config)
    return bool(command) and close(holder, command, system)


def close(holder: BlockDevice, command: tuple[str, ...], system: Devices) -> bool:
    """Close one array or volume. What cannot be closed stays in use."""
    system.notice(f"closing {shown(holder.path)}, which is the config's and which nothing uses")
    try:
        system.run(*command)
    except ProvisionError as error:
        system.notice(f"{shown(holder.path)} stays open: {error}")
        return False
    return True


def closing_command(holder: BlockDevice, below: BlockDevice, members: int, config: Config) -> tuple[str, ...]:
    """What closes a device; nothing for what is not the config's."""
    member = below.member
    if holder.kind == "raid" and member.name in {base_name(raid.name) for raid in config.storage.raid}:
        # An array that has run and lacks a member holds data that shall not be made anew by accident.
        return ("mdadm", "--stop", holder.path) if not member.has_run or members >= member.count else ()
    for luks in config.storage.luks if holder.kind == "crypt" else ():
        if volume_path(luks.name) in holder.names and (luks.key_file.source or luks.wipe_volume or below.unfinished):
            return ("cryptsetup", "luksClose", luks.name)
    return ()
