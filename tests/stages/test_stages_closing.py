"""Arrays and volumes that a run which was cut off left open: what is closed, and what stays because it may be somebody's."""

from typing import Any

import pytest
from stages_devices import FakeDevices, storage

from provision.apply.closing import close_idle
from provision.apply.devices import ArrayMember, BlockDevice, Signature
from provision.ignition import Config

DATA = ArrayMember(uuid="0" * 32, name="data", level="raid1", count=2, has_run=True)
CONFIG = storage(
    raid=[{"name": "data", "level": "raid1", "devices": ["/dev/vda", "/dev/vdb"]}],
    luks=[{"name": "vault", "device": "/dev/md/data", "keyFile": {"source": "data:,k"}}],
)


def device(path: str, kind: str = "disk", **more: Any) -> BlockDevice:
    """A device."""
    return BlockDevice(path=path, size=1 << 30, sector_size=512, kind=kind, **more)


def members(member: ArrayMember = DATA, count: int = 2) -> list[BlockDevice]:
    """Disks that an array lies on."""
    return [device(f"/dev/vd{letter}", member=member, used_by=("/dev/md127",)) for letter in "ab"[:count]]


def array(*used_by: str) -> BlockDevice:
    """The array."""
    return device("/dev/md127", "raid", used_by=used_by)


def closed(devices: list[BlockDevice], *others: BlockDevice, config: Config = CONFIG, fails: str = "") -> list[str]:
    """What is called to close what lies on devices."""
    system = FakeDevices(*devices, *others, fails=fails)
    has_closed = close_idle(config, devices, system)
    lines = system.lines()
    assert has_closed == (bool(lines) and not fails)
    return lines


def test_an_idle_array_of_the_config_is_stopped_once() -> None:
    assert closed(members(), array()) == ["mdadm --stop /dev/md127"]


@pytest.mark.parametrize("use", ["/var", "swap", "btrfs"])
def test_an_array_in_use_stays(use: str) -> None:
    assert closed(members(), array(use)) == []


def test_an_array_of_another_name_stays() -> None:
    assert closed(members(DATA.changed(name="other")), array()) == []


def test_an_array_that_has_run_and_lacks_a_member_stays() -> None:
    assert closed(members(count=1), array()) == []
    assert closed(members(DATA.changed(has_run=False), count=1), array()) == ["mdadm --stop /dev/md127"]


def test_a_volume_on_an_array_is_closed_first() -> None:
    volume = device("/dev/dm-0", "crypt", names=("/dev/mapper/vault",))
    assert closed(members(), array("/dev/dm-0"), volume) == [
        "cryptsetup luksClose vault", "mdadm --stop /dev/md127",
    ]  # fmt: skip


@pytest.mark.parametrize("more", [{"used_by": ("/secret",)}, {"names": ("/dev/mapper/other",)}, {"kind": "dm"}])
def test_what_a_volume_keeps_busy_stays(more: dict[str, Any]) -> None:
    volume = device("/dev/dm-0", **{"kind": "crypt", "names": ("/dev/mapper/vault",), **more})
    assert closed(members(), array("/dev/dm-0"), volume) == []


def test_a_volume_that_nothing_opens_again_stays_unless_it_is_made_anew() -> None:
    bound = storage(luks=[{"name": "vault", "device": "/dev/vda", "clevis": {"tpm2": True}}])
    wiped = storage(luks=[{"name": "vault", "device": "/dev/vda", "clevis": {"tpm2": True}, "wipeVolume": True}])
    volume = device("/dev/dm-0", "crypt", names=("/dev/mapper/vault",))
    holds = (Signature(type="crypto_LUKS", version="2"),)
    whole = [device("/dev/vda", signatures=holds, used_by=("/dev/dm-0",))]
    unfinished = [whole[0].changed(unfinished=True)]
    assert closed(whole, volume, config=bound) == []
    assert closed(whole, volume, config=wiped) == ["cryptsetup luksClose vault"]
    assert closed(unfinished, volume, config=bound) == ["cryptsetup luksClose vault"]


def test_what_cannot_be_closed_is_told_and_stays() -> None:
    system = FakeDevices(*members(), array(), fails="--stop")
    assert close_idle(CONFIG, members(), system) is False
    assert system.notices[-1].startswith("/dev/md127 stays open: mdadm ended with status 1")
