"""Going on with a first boot that was cut off, by the journal that it left in the root, and ending one.

The journal comes into being when the root is mounted: by then the disks are as the config wants them. Until then nothing
lies on what the run has made, and the stage `disks` makes anew what is not whole.
"""

import os
from collections.abc import Iterator

from provision.apply import journal as journals
from provision.apply import kernel_command_line, log
from provision.apply.devices.superblocks import mend
from provision.apply.hardware import Hardware
from provision.apply.journal import Journal
from provision.apply.operations.luks import FinishVolume, OpenVolume, UnlockVolume, VolumeAct, volume_path
from provision.apply.operations.raid import AssembleArray, array_path
from provision.apply.paths import shown
from provision.apply.plan.clevis import is_bound
from provision.apply.plan.filesystems import block_filesystems
from provision.apply.plan.luks import is_finished_here
from provision.apply.plan.raid import base_name
from provision.apply.runner import OperationError
from provision.apply.workplace import Workplace
from provision.diagnostics import ProvisionError
from provision.ignition import Luks, Resource
from provision.typed import NamedTuple


class Seen(NamedTuple):
    """What the root file system shows before anything is changed: its journal, and when it was provisioned, if it was."""

    journal: Journal | None = None
    provisioned: str = ""


def resume_disks(place: Workplace, hardware: Hardware) -> bool:
    """Whether the disks are to be left as they are: the journal in the root says that they are set up, or the machine turns
    out to be provisioned. In the first case arrays are started and volumes opened.

    Raises ProvisionError where the journal is of another machine, or of other file systems than those that are here.
    """
    seen = seen_of_target() or seen_behind(place, hardware) or Seen()
    if seen.journal is None:
        return seen.provisioned != "" and is_over(seen.provisioned)
    journal = seen.journal
    journal.check_machine()
    if not journal.is_of(place.config):
        log.notice("a first boot with another config was cut off here; the disks are set up by the config of now")
        return False
    log.notice("a first boot was cut off here after its disks were set up; it goes on from there")
    journal.give_state(place.state)
    place.execute(openings(place), hardware)
    for device in (each.device for each in block_filesystems(place.config)):
        mend(hardware.wait_for(device))
    others = list(journal.changed_filesystems(filesystem_ids(place)))
    if others:
        raise ProvisionError(
            f"the journal of a first boot that was cut off ({journal.path}) describes other file systems than there are now "
            f"on {', '.join(map(shown, others))}; put the disks back, or remove the journal to have it begin anew"
        )
    return True


def is_over(provisioned: str) -> bool:
    """Whether this is no first boot after all: only the kernel command line asks for one, on a machine that had it.

    `first-boot begin` finds that out where it can look at the root; here it lies on arrays or volumes.
    """
    from provision.apply.first_boot import run_file

    boot = run_file.read()
    if boot is None or boot.stamps:
        return False
    log.notice(f"this is no first boot: the machine was provisioned {provisioned}; nothing is done")
    run_file.remove()
    return True


def seen_of_target() -> Seen | None:
    """What the root file system shows that the kernel command line names; None where it cannot be looked at now."""
    from provision.apply.first_boot.target import looked_at, state_of

    with looked_at(kernel_command_line.read(os.environ)) as host_path:
        if host_path is None:
            return None
        return Seen(journals.find(host_path), state_of(host_path).provisioned)


def seen_behind(place: Workplace, hardware: Hardware) -> Seen | None:
    """The same of a root that lies on arrays or volumes of the config, started and opened where they are whole."""
    from provision.apply.first_boot.target import root_device

    root = root_device(kernel_command_line.read(os.environ))
    if not root or hardware.exists(root) or not (place.config.storage.raid or place.config.storage.luks):
        return None
    for act in whole_ones(place, hardware):
        try:
            place.execute([act], hardware)
        except OperationError as error:
            log.notice(f"what a first boot may have made cannot be opened: {error.cause}")
    return seen_of_target() if hardware.exists(root) else None


def whole_ones(place: Workplace, hardware: Hardware) -> Iterator[AssembleArray | VolumeAct]:
    """What starts and opens arrays and volumes that are there already. Looks at devices as it goes, waiting for none."""
    for raid in place.config.storage.raid:
        members = [
            hardware.look(device).member for device in raid.devices if hardware.exists(hardware.own_name(device))
        ]
        is_here = len(members) == len(raid.devices) and {member.name for member in members} == {base_name(raid.name)}
        if is_here and not hardware.exists(array_path(raid.name)):
            yield AssembleArray(name=raid.name, devices=tuple(raid.devices)).at(raid)
    for luks in place.config.storage.luks:
        device = hardware.own_name(luks.device or "")
        if not hardware.exists(device) or hardware.exists(volume_path(luks.name)):
            continue
        signatures = hardware.look(device).signatures
        if signatures and signatures[0].type == "crypto_LUKS" and (luks.key_file.source or is_bound(luks.clevis)):
            yield opening(luks, device, luks.key_file)


def openings(place: Workplace) -> Iterator[AssembleArray | VolumeAct]:
    """What starts every array and opens every volume."""
    for raid in place.config.storage.raid:
        yield AssembleArray(name=raid.name, devices=tuple(raid.devices)).at(raid)
    for luks in place.config.storage.luks:
        kept = place.state.key_files.get(luks.name)
        yield opening(luks, luks.device or "", Resource(source=kept) if kept else luks.key_file)


def opening(luks: Luks, device: str, key: Resource) -> VolumeAct:
    """What opens a volume that the run which was cut off has made."""
    if luks.clevis is not None and is_bound(luks.clevis):
        return UnlockVolume(name=luks.name, device=device, clevis=luks.clevis).at(luks)
    return OpenVolume(
        name=luks.name, device=device, key_source=key, is_cex=bool(luks.cex.enabled), discard=bool(luks.discard),
        options=luks.open_options, reused=True,
    ).at(luks)  # fmt: skip


def open_journal(place: Workplace) -> Journal:
    """The journal of the root that is mounted, to go on with; one that is not begun where there is none that counts."""
    journal = journals.find(place.root)
    if journal is None:
        return journals.new(place.root)
    journal.check_machine()
    found = filesystem_ids(place)
    # One that cannot be read now was not made anew.
    others = {device for device in journal.changed_filesystems(found) if found[device]}
    if not others and journal.is_of(place.config):
        journal.give_state(place.state)
        return journal
    why = "had another config" if not journal.is_of(place.config) else "had other file systems"
    log.notice(f"the first boot that was cut off {why}; its files are written anew")
    return journal.anew(each.path or "" for each in block_filesystems(place.config) if each.device in others)


def begin(journal: Journal, place: Workplace) -> None:
    """Write the beginning of a journal, unless it has one."""
    if not journal.is_begun:
        journal.begin(journals.header_of(place.config, place.state, filesystem_ids(place)))


def filesystem_ids(place: Workplace) -> dict[str, str]:
    """The UUIDs of the config's file systems, by device; empty for what has none."""
    from provision.apply.devices.survey import device

    found = {}
    for filesystem in block_filesystems(place.config):
        name = place.names(filesystem.device) if place.names is not None else filesystem.device
        signatures = device(name).signatures
        found[filesystem.device] = signatures[0].uuid if signatures else ""
    return found


def end_first_boot(place: Workplace, journal: Journal) -> None:
    """All is in the root and on the disks: finish the volumes, remove the stamps that asked for it, then the journal."""
    from provision.apply.first_boot import stamp

    hardware = Hardware(place.fetching, place.state, place.names)
    for luks in place.config.storage.luks:
        if not is_finished_here(luks) and hardware.look(luks.device or "").unfinished:
            place.execute(
                [FinishVolume(name=luks.name, device=luks.device or "", label=luks.label or "").at(luks)], hardware
            )
    stamp.clear(place.root)
    journal.remove()
