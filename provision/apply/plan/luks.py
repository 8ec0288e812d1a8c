"""storage.luks: what is reused and what is made. Source: Ignition, `internal/exec/stages/disks/luks.go`."""

from collections.abc import Iterator

from provision.apply.devices import BlockDevice
from provision.apply.operations.luks import BindVolume, FinishVolume, FormatVolume, OpenVolume, VolumeAct
from provision.apply.paths import shown
from provision.apply.plan.clevis import can_be_tried, is_bound, pin_of
from provision.apply.plan.devices import Surroundings
from provision.apply.plan.filesystems import NOTHING, Verdict, holding
from provision.ignition import Config, Luks

# What LUKS2 takes at the start of a device by default. Source: cryptsetup-luksFormat(8).
HEADER_BYTES = 16 << 20


def plan_volumes(config: Config, surroundings: Surroundings) -> Iterator[VolumeAct | FinishVolume]:
    """The acts for every volume, one volume after another."""
    for luks in config.storage.luks:
        device = surroundings.find(luks.device or "", f"storage.luks {shown(luks.name)}")
        if device is None:
            continue
        verdict = judge(luks, device)
        if verdict.action == "make" and device.used_by:
            users = ", ".join(map(shown, device.used_by))
            verdict = Verdict("refuse", f"it is in use ({users})")
        if verdict.action == "refuse":
            surroundings.refuse(f"storage.luks {shown(luks.name)}: {shown(device.path)}: {verdict.reason}")
            continue
        yield from acts(luks, device, is_new=verdict.action == "make")
        surroundings.put(opened(luks, device))


def judge(luks: Luks, device: BlockDevice) -> Verdict:
    """Whether a device's volume can be used as it is, has to be made, or stands in the way."""
    found = device.signatures[0] if device.signatures else NOTHING
    if luks.wipe_volume:
        return Verdict("make", f"`wipeVolume` is set; {holding(found)}", bool(found.type))
    if not found.type:
        return Verdict("make", "it holds nothing")
    if device.unfinished:
        return Verdict("make", f"{holding(found)}, which a run that was cut off never finished")
    if found.type != "crypto_LUKS":
        return Verdict("refuse", f"{holding(found)}, not a volume; `wipeVolume: true` would replace it")
    if found.version == "1":
        return Verdict(
            "refuse", "it holds a LUKS volume of version 1, which cannot be reused; `wipeVolume: true` would replace it"
        )
    reasons = list(hindrances(luks, device))
    if reasons:
        return Verdict(
            "refuse", f"its volume cannot be reused: {'; '.join(reasons)}; `wipeVolume: true` would replace it"
        )
    return Verdict("keep", "it holds the volume that the config wants")


def hindrances(luks: Luks, device: BlockDevice) -> Iterator[str]:
    """Why an existing volume cannot be taken for the one of the config. What a header is bound to cannot be compared."""
    found = device.signatures[0]
    if is_bound(luks.clevis):
        yield "the config binds it with Clevis"
    if not luks.key_file.source:
        yield "the config has no key file"
    if luks.label not in (None, found.label):
        yield f"its label is {shown(found.label)!r}, not {shown(luks.label or '')!r}"
    if luks.uuid not in (None, found.uuid):
        yield f"its UUID is {shown(found.uuid)}, not {shown(luks.uuid or '')}"
    if device.discard is not None and device.discard != bool(luks.discard):
        yield f"its allow-discards flag is {'set' if device.discard else 'not set'}"


def acts(luks: Luks, device: BlockDevice, *, is_new: bool) -> Iterator[VolumeAct | FinishVolume]:
    """The acts for one volume."""
    name, device_path, is_cex = luks.name, device.path, bool(luks.cex.enabled)
    if is_new:
        yield FormatVolume(
            name=name, device=device_path, key_source=luks.key_file, is_cex=is_cex, label=luks.label or "",
            uuid=luks.uuid or "", wipe=bool(luks.wipe_volume), options=luks.options,
        ).at(luks)  # fmt: skip
    yield OpenVolume(
        name=name, device=device_path, key_source=luks.key_file, is_cex=is_cex, discard=bool(luks.discard),
        options=luks.open_options, reused=not is_new,
    ).at(luks)  # fmt: skip
    if is_new and luks.clevis is not None and is_bound(luks.clevis):
        pin, config = pin_of(luks.clevis)
        yield BindVolume(
            name=name, device=device_path, key_source=luks.key_file, is_cex=is_cex, clevis=luks.clevis, pin=pin,
            config=config, is_tried=can_be_tried(luks.clevis), drops_key=not luks.key_file.source and not is_cex,
        ).at(luks)  # fmt: skip
    if is_new and is_finished_here(luks):
        yield FinishVolume(name=name, device=device_path, label=luks.label or "").at(luks)


def is_finished_here(luks: Luks) -> bool:
    """Whether the config alone opens the volume again. Other volumes are lost while their key is in no root, so that a run
    that begins anew has to make them anew: they are finished by the stage `files`.
    """
    return bool(luks.key_file.source) and not is_bound(luks.clevis) and not luks.cex.enabled


def opened(luks: Luks, device: BlockDevice) -> BlockDevice:
    """The volume as it will be once it is open. What an existing one holds is not known before."""
    path = f"/dev/mapper/{luks.name}"
    return BlockDevice(
        path=path, names=(f"/dev/disk/by-id/dm-name-{luks.name}",), size=max(device.size - HEADER_BYTES, 0),
        sector_size=device.sector_size, kind="crypt", disks=device.disks or (device.path,),
    )  # fmt: skip
