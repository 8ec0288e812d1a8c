"""The block devices that a forecast sees, and what becomes of their content while it is made."""

from provision.apply.devices import BlockDevice
from provision.apply.paths import shown
from provision.apply.plan.devices import Surroundings
from provision.diagnostics import nearest

# Names that the first boot makes by itself, so that no running system has them.
# Source: fedora-coreos-config, 40ignition-ostree, `coreos-boot-disk`.
FIRST_BOOT_NAMES = ("/dev/disk/by-id/coreos-boot-disk",)
# How many disks a message lists.
MAX_LISTED = 4


class KnownDevices(Surroundings):
    """Devices, under all their names.

    `fresh`: devices that hold nothing any more that was there before. `sealed`: opened volumes whose content nobody has
    seen. `pending`: names that exist only once something has been made that is refused, with what that is.
    """

    def __init__(self, devices: tuple[BlockDevice, ...]) -> None:
        super().__init__(devices, is_forecast=True)
        self.fresh: set[str] = set()
        self.sealed: set[str] = set()
        self.pending: dict[str, str] = {}

    def find(self, name: str, what: str) -> BlockDevice | None:
        """The device of a name; where there is none it is refused once, with the name that may be meant."""
        if name in self.pending:
            return None
        device = self.by_name.get(name)
        if device is None and name not in self.unknown:
            self.unknown.add(name)
            self.refuse(f"{what}: there is no device {shown(name)}{self.advice(name)}")
        return device

    def advice(self, name: str) -> str:
        """What may be meant by a name that no device has."""
        disks = [device.path for device in self.all() if device.kind in ("", "disk", "loop", "dm", "image")]
        if not self.by_name:
            return "; no device is known"
        if name in FIRST_BOOT_NAMES:
            example = disks[0] if len(disks) == 1 else "/dev/…"
            return f", which the first boot names so; say which one it is: --device {name}={example}"
        # What all of them begin with makes none of them alike.
        meant = nearest(name.removeprefix("/dev/"), [known.removeprefix("/dev/") for known in self.by_name])
        if meant:
            return f"; did you mean {meant if meant.startswith('/') else f'/dev/{meant}'}?"
        return f"; the disks are {', '.join(disks[:MAX_LISTED])}{' …' * (len(disks) > MAX_LISTED)}" if disks else ""

    def remaining(self, device: BlockDevice) -> bool:
        """Whether a device still holds what was there before."""
        return device.path not in self.fresh
