"""What each stage does once there is a config: look, plan, act. A table in the order of the stages.

The devices of `disks` appear one after another, so each of its steps waits, looks and plans for itself.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext

from provision.apply import log
from provision.apply.commands import run as run_program
from provision.apply.devices import BlockDevice
from provision.apply.operations import Act
from provision.apply.operations.devices import DeviceAct
from provision.apply.paths import shown
from provision.apply.plan.devices import Surroundings
from provision.apply.programs import setting
from provision.apply.workplace import Workplace
from provision.diagnostics import ProvisionError
from provision.ignition import Config
from provision.typed import Any, NamedTuple

# ---- kernel arguments -------------------------------------------------------------------------------------------


class Helper:
    """The distribution's helper. Source: Ignition, its documents for distributions, ignition-kargs-helper."""

    def change(self, arguments: tuple[str, ...]) -> None:
        """Call it. It reboots the machine where it changed anything."""
        run_program("ignition-kargs-helper", *arguments)


def set_kernel_arguments(place: Workplace) -> None:
    """Have the distribution's helper change the kernel command line; it reboots where that changed anything."""
    from provision.apply.plan.kernel_arguments import plan_kernel_arguments

    place.execute(plan_kernel_arguments(place.config), Helper())


# ---- disks ------------------------------------------------------------------------------------------------------

Planner = Callable[[Config, Surroundings], Iterator[DeviceAct]]


class DeviceStep(NamedTuple):
    """A part of the stage `disks`: the devices that it needs, and its planner, imported when it is its turn."""

    name: str
    devices: Callable[[Config], Iterable[str]]
    planner: Callable[[], Planner]


def partitioning() -> Planner:
    """The planner of partitions."""
    from provision.apply.plan.partitions import plan_partitions

    return plan_partitions


def arrays() -> Planner:
    """The planner of RAID."""
    from provision.apply.plan.raid import plan_arrays

    return plan_arrays


def volumes() -> Planner:
    """The planner of LUKS."""
    from provision.apply.plan.luks import plan_volumes

    return plan_volumes


def filesystems() -> Planner:
    """The planner of file systems."""
    from provision.apply.plan.filesystems import plan_filesystems

    return plan_filesystems


def filesystem_devices(config: Config) -> Iterable[str]:
    """The devices of file systems; the tag of a virtiofs is none."""
    return (each.device for each in config.storage.filesystems if each.format not in (None, "", "virtiofs"))


DEVICE_STEPS = (
    DeviceStep("partitions", lambda config: (disk.device for disk in config.storage.disks), partitioning),
    DeviceStep("raid", lambda config: (name for raid in config.storage.raid for name in raid.devices), arrays),
    DeviceStep("luks", lambda config: (luks.device or "" for luks in config.storage.luks), volumes),
    DeviceStep("filesystems", filesystem_devices, filesystems),
)


def set_up_disks(place: Workplace) -> None:
    """Partition disks, make arrays, volumes and file systems."""
    from provision.apply.hardware import Hardware

    hardware = Hardware(place.fetching, place.state, place.names)
    if place.is_first_boot:
        from provision.apply.resuming import resume_disks

        if resume_disks(place, hardware):
            return
    with hardware.assembling_nothing() if place.config.storage.raid else nullcontext():
        for step in DEVICE_STEPS:
            names = list(dict.fromkeys(step.devices(place.config)))
            if names:
                with log.prefixed(step.name):
                    set_up_devices(step, names, place, hardware)


def set_up_devices(step: DeviceStep, names: list[str], place: Workplace, hardware: Any) -> None:
    """One step: wait for its devices, look at them, plan, act."""
    from provision.apply.closing import close_idle

    devices = step_devices(step, names, hardware)
    if close_idle(place.config, list(devices.values()), hardware):
        devices = step_devices(step, names, hardware)
    surroundings = Surroundings(())
    for name, found in devices.items():
        surroundings.put(found.changed(names=(*found.names, name)) if name in names else found)
    acts = list(step.planner()(place.config, surroundings))
    for note in surroundings.notes:
        log.notice(note)
    refuse(surroundings.refusals, f"the step {step.name} changed nothing")
    place.execute(acts, hardware)


def step_devices(step: DeviceStep, names: list[str], hardware: Any) -> dict[str, BlockDevice]:
    """The devices of a step by the names that it has for them, and their partitions by their own."""
    from provision.apply.devices.survey import device, partitions_of

    devices = {}
    for name in names:
        path = hardware.wait_for(name)
        if step.name == "partitions":
            hardware.recover_table(path)
        devices[name] = device(path)
    parts = {part.path: part for disk in list(devices.values()) for part in partitions_of(disk)}
    return {**parts, **devices}


def refuse(refusals: Sequence[str], consequence: str) -> None:
    """Raise ProvisionError with every reason, if there is one."""
    if refusals:
        raise ProvisionError("\n".join([f"{consequence}:", *(f"  {reason}" for reason in refusals)]))


# ---- mounts -----------------------------------------------------------------------------------------------------


def mount(place: Workplace) -> None:
    """Mount the config's file systems below the root."""
    from provision.apply.mounting import Mounter
    from provision.apply.plan.mounts import plan_mounts

    mounter = Mounter(place.root, place.state, place.names)
    acts = list(plan_mounts(place.config))
    place.execute([act for act in acts if act.path == "/"], mounter)
    if place.is_first_boot and acts:
        from provision.apply.resuming import begin, open_journal

        journal = open_journal(place)
        if journal.is_begun:
            # A run that was cut off had these file systems mounted.
            from provision.apply.repairing import repaired

            mounter.repair = repaired
        begin(journal, place)
        mounter.tell_made = journal.note_directory
    place.execute([act for act in acts if act.path != "/"], mounter)


def unmount(place: Workplace) -> None:
    """Unmount them."""
    from provision.apply.mounting import Mounter
    from provision.apply.plan.mounts import plan_unmounts

    acts = plan_unmounts(place.config, keeps_root="/" not in place.state.mounted)
    place.execute(acts, Mounter(place.root, place.state, place.names))


# ---- files ------------------------------------------------------------------------------------------------------


def write_files(place: Workplace) -> None:
    """Users, files, units, and what the stages before left for the root; then the result."""
    from provision.apply.directory import apply_plan, plan_directory
    from provision.apply.first_facts import Witness
    from provision.apply.result import plan_result

    journal, witness = None, Witness(None)
    if place.is_first_boot:
        from provision.apply.resuming import open_journal

        journal = open_journal(place)
        witness = Witness(journal.facts)
    plan = plan_directory(
        place.config, place.root, left=leftovers(place), handled=STAGED, look=witness.survey,
        finish=lambda draft: plan_result(draft, place.root, place.state),
    )  # fmt: skip
    for note in plan.notes:
        log.notice(note)
    if journal is not None:
        from provision.apply.resuming import begin

        begin(journal, place)
        if not journal.has_facts:
            journal.keep_facts(witness.as_dict())
    result = apply_plan(plan, place.progress, place.fetching, journal)
    tell_written_keys(place.root, result.executed)
    if journal is not None:
        from provision.apply.resuming import end_first_boot

        end_first_boot(place, journal)
    # The keys now lie in the root alone, which may be encrypted.
    place.state.key_files = {}


def tell_written_keys(host_path: str, executed: Iterable[Act[Any]]) -> None:
    """Put into the journal whose authorized keys were written, and where."""
    from provision.apply.journald import tell_keys
    from provision.apply.operations.users import WriteAuthorizedKeys
    from provision.apply.roots import Root

    acts = [act for act in executed if isinstance(act, WriteAuthorizedKeys)]
    root = Root(host_path)
    try:
        for act in acts:
            tell_keys(act.name, f"{host_path.rstrip('/')}{root.accounts().users[act.name].home}/{act.file}")
    finally:
        root.close()


# The sections that other stages do.
STAGED = frozenset(("kernel_arguments", "disks", "raid", "luks", "filesystems"))


def leftovers(place: Workplace) -> Any:
    """What the stages before left."""
    from provision.apply.plan.leftovers import Leftovers, file_of

    state = place.state
    return Leftovers(
        dict(state.key_files), dict(state.secure_key_files), dict(header_ids(place)),
        tuple(map(file_of, state.output_files)), tuple(state.directories),
        setting("PROVISION_LUKS_KEY_DIR", os.environ).rstrip("/"),
    )  # fmt: skip


def header_ids(place: Workplace) -> Iterator[tuple[str, str]]:
    """The UUID in the header of each volume."""
    from provision.apply.devices.survey import device
    from provision.apply.hardware import Hardware

    hardware = Hardware(place.fetching, place.state, place.names)
    for luks in place.config.storage.luks:
        found = device(hardware.wait_for(luks.device or ""))
        volume = next((each for each in found.signatures if each.type == "crypto_LUKS"), None)
        if volume is None:
            raise ProvisionError(
                f"storage.luks {shown(luks.name)}: {found.path} holds no volume; run the stage disks first"
            )
        yield luks.name, volume.uuid


WORK: dict[str, Callable[[Workplace], None]] = {
    "kargs": set_kernel_arguments,
    "disks": set_up_disks,
    "mount": mount,
    "files": write_files,
    "umount": unmount,
}
