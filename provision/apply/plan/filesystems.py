"""storage.filesystems: what is kept and what is made. Source: Ignition, `internal/exec/stages/disks/filesystems.go`."""

from collections.abc import Iterator

from provision.apply.devices import BlockDevice, Signature
from provision.apply.operations.filesystems import MakeFilesystem
from provision.apply.paths import shown
from provision.apply.plan.devices import Surroundings
from provision.ignition import Config, Filesystem
from provision.typed import Literal, NamedTuple

NOTHING = Signature(type="")


class Verdict(NamedTuple):
    """What becomes of what a device holds, and why."""

    action: Literal["keep", "make", "refuse"]
    reason: str
    destroys: bool = False


def plan_filesystems(config: Config, surroundings: Surroundings) -> Iterator[MakeFilesystem]:
    """Make what does not match; what matches keeps its data."""
    for filesystem in block_filesystems(config):
        device = surroundings.find(filesystem.device, "storage.filesystems")
        if device is None:
            continue
        verdict = judge(filesystem, device)
        if verdict.action == "refuse":
            surroundings.refuse(f"{shown(filesystem.device)}: {verdict.reason}")
        elif verdict.action == "make" and device.used_by:
            surroundings.refuse(f"{shown(filesystem.device)}: it is in use ({', '.join(map(shown, device.used_by))})")
        elif verdict.action == "make":
            yield operation_for(filesystem, device)
            surroundings.put(device.changed(signatures=made(filesystem)))


def block_filesystems(config: Config) -> Iterator[Filesystem]:
    """The file systems that lie on devices and that the config says something about."""
    for filesystem in config.storage.filesystems:
        if filesystem.format not in (None, "", "virtiofs"):
            yield filesystem


def judge(filesystem: Filesystem, device: BlockDevice) -> Verdict:
    """Whether a device has to be made anew for a file system."""
    found = device.signatures[0] if device.signatures else NOTHING
    wanted = "" if filesystem.format == "none" else filesystem.format or ""
    if filesystem.wipe_filesystem:
        return Verdict("make", f"`wipeFilesystem` is set; {holding(found)}", bool(found.type))
    if device.unfinished:
        return Verdict("make", f"{holding(found)}, which a run that was cut off never finished")
    differences = list(differing(filesystem, wanted, found))
    if not differences:
        return Verdict("keep", f"{holding(found)}, as the config wants it")
    if found.type:
        advice = "`wipeFilesystem: true` would replace it"
        return Verdict("refuse", f"{holding(found)}, and {'; '.join(differences)}; {advice}")
    return Verdict("make", "it holds nothing")


def holding(found: Signature) -> str:
    """What a device holds, in words."""
    if not found.type:
        return "it holds nothing"
    label = f" with the label {shown(found.label)!r}" if found.label else ""
    uuid = f" and the UUID {shown(found.uuid)}" if found.uuid else ""
    return f"it holds {shown(found.type)}{label}{uuid if label else uuid.replace(' and', ' with', 1)}"


def differing(filesystem: Filesystem, wanted: str, found: Signature) -> Iterator[str]:
    """How what is there differs from what is wanted."""
    if found.type != wanted:
        yield f"{wanted or 'nothing'} is wanted"
    elif filesystem.label not in (None, found.label):
        yield f"the label {shown(filesystem.label or '')!r} is wanted"
    elif filesystem.uuid is not None and canonical(wanted, filesystem.uuid) != canonical(wanted, found.uuid):
        yield f"the UUID {shown(filesystem.uuid)} is wanted"


def canonical(format: str, uuid: str) -> str:
    """A UUID in small letters; that of vfat is a number of 32 bits, which only people write with a dash."""
    uuid = uuid.lower()
    return uuid[:4] + uuid[5:] if format == "vfat" and uuid[4:5] == "-" else uuid


def operation_for(filesystem: Filesystem, device: BlockDevice) -> MakeFilesystem:
    """The act that makes a file system."""
    format = filesystem.format or ""
    return MakeFilesystem(
        device=device.path, format=format, label=filesystem.label or "",
        uuid=canonical(format, filesystem.uuid or ""), options=filesystem.options, busy=device.disks,
    ).at(filesystem)  # fmt: skip


def made(filesystem: Filesystem) -> tuple[Signature, ...]:
    """What a device will hold."""
    if filesystem.format == "none":
        return ()
    return (Signature(type=filesystem.format or "", label=filesystem.label or "", uuid=filesystem.uuid or ""),)
