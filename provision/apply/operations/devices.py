"""Acts on block devices. What they ask of the machine is a protocol, so that tests pass a fake one."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from provision.apply.devices import BlockDevice
from provision.apply.operations import Act
from provision.apply.programs import Ended
from provision.ignition import Clevis, Resource
from provision.typed import Protocol


class Devices(Protocol):
    """What an act on block devices may do. Devices go by the kernel's names."""

    def run(self, program: str, *arguments: str, secret: bool = False, accept: Collection[int] = (0,)) -> Ended:
        """Run one of `programs.PROGRAMS`; its failure is a ProvisionError."""

    def notice(self, text: str) -> None:
        """Tell people what is unusual and fine."""

    def look(self, path: str) -> BlockDevice:
        """A device as it is now."""

    def exists(self, path: str) -> bool:
        """Whether there is a device of a name."""

    def settle(self, path: str) -> None:
        """Have udev look at a device again, and wait until it has."""

    def keep_trying(self, attempt: Callable[[], bool]) -> bool:
        """Call until it succeeds, for as long as something else may keep a device busy; whether it did."""

    def wait_for(self, path: str) -> str:
        """Wait until there is a device of a name; the kernel's name for it. ProvisionError when it does not come."""

    def flush(self, path: str) -> None:
        """Wait until all that was written to a device is on it."""

    def save_table(self, path: str, sector_size: int, slots: int, before: int) -> bool:
        """Keep a copy of a disk's partition table on the disk, until `drop_table`; whether there is room for it. The table
        has so many slots, 0 where there is none, and `before` is the byte at which the first partition begins.
        """

    def drop_table(self, path: str, sector_size: int) -> None:
        """Take the copy away, once the new table is on the disk."""

    def new_guid(self) -> str:
        """A random GUID."""

    def finish_vfat(self, path: str, uuid: str) -> None:
        """Give a new FAT file system its own id, eight hexadecimal digits, in the place of the mark that it is unfinished;
        empty takes a random one."""

    def key_file(self, volume: str, source: Resource, *, is_cex: bool = False) -> "AbstractContextManager[str]":
        """The path of a file that only root reads and that holds a volume's key, for as long as it is needed."""

    def keep_key(self, volume: str) -> None:
        """Remember a volume's key for the stage that writes it to the root."""

    def keep_secure_key(self, volume: str, host_path: str) -> None:
        """Remember a file of the secure key repository for the stage that writes it to the root."""

    def cca_queues(self) -> tuple[str, ...]:
        """The queues of Crypto Express cards in CCA mode that are online."""

    def size_of_secure_key(self, host_path: str) -> int:
        """The length of a file of the secure key repository in bytes."""

    def check_reachable(self, clevis: Clevis) -> None:
        """Ask every Tang server that must be asked, with the fetcher's patience: the network may come up only now."""


class DeviceAct(Act[Devices]):
    """An act on block devices. Planners decide from facts whether it is needed; by looking alone it is never done."""

    def done(self, reader: Devices) -> bool:
        return False
