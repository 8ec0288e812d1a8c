"""Block devices of this machine, as acts on them see it. Implements `operations.devices.Devices`."""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from provision.apply import log
from provision.apply.commands import Ended, run
from provision.apply.devices import VFAT_ID, BlockDevice, saved_table
from provision.apply.devices.gpt import guid_text
from provision.apply.devices.unfinished import id_places
from provision.apply.fetching import Fetching
from provision.apply.paths import shown
from provision.apply.programs import CEX_KEY, setting
from provision.contents import data_url
from provision.diagnostics import ProvisionError
from provision.ignition import Clevis, Resource
from provision.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.apply.state import State

POLL_S = 0.05
# How long something may look at a device that is changed, as udev does after each write.
BUSY_S = 10.0
# As long as a key that nobody has to type may be; hex digits, since a key file with a NUL byte or line feed is taken
# for something else by some programs. Source: Ignition, `internal/exec/stages/disks/luks.go`.
RANDOM_KEY_BYTES = 4096
# Sources: mdadm, udev-md-raid-assembly.rules; dracut, modules.d/90mdraid/65-md-incremental-imsm.rules.
NO_ASSEMBLY = ("ANACONDA", "rd_NO_MD")
# Source: Linux, include/uapi/linux/fs.h.
BLKRRPART = 0x125F
AP_DEVICES = "/sys/bus/ap/devices"


class Hardware:
    """The machine. `names` says what device a name of the config means, where it is not the machine's own (disk images)."""

    def __init__(self, fetching: Fetching, state: "State", names: Callable[[str], str] | None = None) -> None:
        self.fetching, self.state = fetching, state
        self.names = names
        self.timeout_s = float(setting("PROVISION_DEVICE_TIMEOUT", os.environ))
        self.keys: dict[str, bytes] = {}

    def run(self, program: str, *arguments: str, secret: bool = False, accept: Collection[int] = (0,)) -> Ended:
        """Run a program."""
        return run(program, *arguments, secret=secret, accept=accept)

    def notice(self, text: str) -> None:
        """Tell people what is unusual and fine."""
        log.notice(text)

    def look(self, path: str) -> BlockDevice:
        """A device as it is now."""
        from provision.apply.devices.survey import device

        return device(self.own_name(path))

    def own_name(self, name: str) -> str:
        """The machine's name for a name of the config."""
        return self.names(name) if self.names is not None else name

    def exists(self, path: str) -> bool:
        """Whether there is a device of a name."""
        return os.path.exists(path)

    def settle(self, path: str) -> None:
        """Have udev look at a device again, and wait until it has."""
        if not os.path.exists("/run/udev/control"):
            return
        try:
            run("udevadm", "trigger", "--settle", path)
        except ProvisionError as error:
            log.notice(f"udevadm trigger --settle {path}: {error}")
            run("udevadm", "settle", f"--timeout={max(1, int(self.timeout_s))}", accept=(0, 1))

    def keep_trying(self, attempt: Callable[[], bool]) -> bool:
        """Call until it succeeds, for as long as something else may keep a device busy; whether it did."""
        return comes_true(attempt, BUSY_S)

    def wait_for(self, path: str) -> str:
        """Wait until there is a device of a name; the kernel's name for it. ProvisionError when it does not come."""
        path = self.own_name(path)
        if not comes_true(lambda: is_block_device(path), self.timeout_s):
            raise ProvisionError(
                f"there is no device {shown(path)}, {self.timeout_s:g} s after it was first looked for; "
                "check its name and cabling (PROVISION_DEVICE_TIMEOUT sets the time)"
            )
        return os.path.realpath(path)

    def flush(self, path: str) -> None:
        """Wait until all that was written to a device is on it."""
        # Not opened for writing: whereupon udev would look at it anew.
        with opened(path, os.O_RDONLY, "written") as fd:
            os.fsync(fd)

    def save_table(self, path: str, sector_size: int, slots: int, before: int) -> bool:
        """Keep a copy of a disk's partition table on the disk, until `drop_table`; whether there is room for it."""
        if not saved_table.has_room(sector_size, slots, before):
            return False
        with opened(path, os.O_RDWR) as fd:
            saved_table.save(fd, sector_size)
        return True

    def drop_table(self, path: str, sector_size: int) -> None:
        """Take the copy away, once the new table is on the disk."""
        with opened(path, os.O_RDWR) as fd:
            saved_table.drop(fd, sector_size)

    def recover_table(self, path: str) -> None:
        """Where a run was cut off while it changed a disk's table, and left ruins, put the table before it back."""
        disk = self.look(path)
        with opened(path, os.O_RDONLY, "read") as fd:
            table = saved_table.saved(fd, disk.sector_size)
        if table is None:
            return
        if disk.table.damage or disk.table.kind != "gpt":
            log.notice(f"{shown(path)}: a change of its partition table was cut off; the table before it is put back")
            with opened(path, os.O_RDWR) as fd:
                saved_table.restore(fd, table)
                reread_table(fd)
            self.settle(disk.path)
        self.drop_table(path, disk.sector_size)

    def new_guid(self) -> str:
        """A random GUID. Source: RFC 9562, 5.4."""
        digits = bytearray(os.urandom(16))
        # In the order of a GPT, where the version is in the eighth byte.
        digits[7], digits[8] = digits[7] & 0x0F | 0x40, digits[8] & 0x3F | 0x80
        return guid_text(bytes(digits))

    @contextmanager
    def assembling_nothing(self) -> Iterator[None]:
        """Keep udev from starting arrays by itself: it would take up members while their disks are still being changed."""
        set_udev_properties("1")
        try:
            yield
        finally:
            set_udev_properties("")

    def finish_vfat(self, path: str, uuid: str) -> None:
        """Give a new FAT file system its own id, in the place of the mark that it is unfinished."""
        number = int(uuid, 16) if uuid else int.from_bytes(os.urandom(4), "little")
        mark = int(VFAT_ID, 16).to_bytes(4, "little")
        with opened(path, os.O_RDWR) as fd:
            # The first sector last: it is the one that counts. An id from the author's own options stays.
            for place in reversed(id_places(os.pread(fd, 512, 0))):
                if os.pread(fd, 4, place) == mark:
                    os.pwrite(fd, number.to_bytes(4, "little"), place)
                    os.fsync(fd)

    @contextmanager
    def key_file(self, volume: str, source: Resource, *, is_cex: bool = False) -> Iterator[str]:
        """The path of a file that only root reads and that holds a volume's key, for as long as it is needed."""
        if is_cex:
            with open(CEX_KEY, "rb") as given:
                self.keys[volume] = given.read()
            yield CEX_KEY
            return
        import tempfile

        fd, path = tempfile.mkstemp(prefix="provision-key-", dir="/run" if os.access("/run", os.W_OK) else None)
        try:
            with open(fd, "wb") as file:
                file.write(self.key(volume, source))
            yield path
        finally:
            os.unlink(path)

    def key(self, volume: str, source: Resource) -> bytes:
        """A volume's key: fetched, or made at random, once."""
        if volume not in self.keys:
            if source.source:
                self.keys[volume] = self.fetching.read(source)
            else:
                self.keys[volume] = os.urandom(RANDOM_KEY_BYTES).hex().encode()
        return self.keys[volume]

    def keep_key(self, volume: str) -> None:
        """Remember a volume's key for the stage that writes it to the root."""
        if volume in self.keys:
            self.state.key_files[volume] = data_url(self.keys[volume])

    def keep_secure_key(self, volume: str, host_path: str) -> None:
        """Remember a file of the secure key repository for the stage that writes it to the root."""
        with open(host_path, "rb") as file:
            self.state.secure_key_files[os.path.basename(host_path)] = data_url(file.read())

    def cca_queues(self) -> tuple[str, ...]:
        """The queues of Crypto Express cards in CCA mode. Source: Linux, `drivers/s390/crypto`, MODE of an AP queue."""
        queues = []
        for name in sorted(os.listdir(AP_DEVICES)) if os.path.isdir(AP_DEVICES) else ():
            card, dot, domain = name.partition(".")
            if (len(card), dot, len(domain)) == (2, ".", 4):
                with open(f"{AP_DEVICES}/{name}/uevent") as file:
                    queues += [name] * ("MODE=cca" in file.read().split())
        return tuple(queues)

    def size_of_secure_key(self, host_path: str) -> int:
        """The length of a file of the secure key repository in bytes."""
        return os.stat(host_path).st_size

    def check_reachable(self, clevis: Clevis) -> None:
        """Ask every Tang server that must be asked, with the fetcher's patience: the network may come up only now."""
        for tang in clevis.tang:
            if not tang.advertisement:
                self.fetching.read(Resource(source=tang.url.rstrip("/") + "/adv"))


@contextmanager
def opened(path: str, flags: int, what: str = "written") -> Iterator[int]:
    """A descriptor of a device. Raises ProvisionError, which names the device, where it cannot be written, or read."""
    try:
        fd = os.open(path, flags | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)
    except OSError as error:
        raise ProvisionError(f"{shown(path)} cannot be {what}: {error.strerror}") from error


def set_udev_properties(value: str) -> None:
    """Set what the rules that start arrays heed."""
    if os.path.exists("/run/udev/control"):
        for name in NO_ASSEMBLY:
            try:
                run("udevadm", "control", f"--property={name}={value}")
            except ProvisionError as error:
                log.notice(f"udev is not told about {name}: {error}")


def reread_table(fd: int) -> None:
    """Have the kernel read a disk's table again. Where partitions are in use it keeps those that it knows."""
    import fcntl

    try:
        fcntl.ioctl(fd, BLKRRPART)
    except OSError as error:
        log.notice(f"the kernel does not read the partition table again: {error.strerror}")


def comes_true(asked: Callable[[], bool], limit_s: float) -> bool:
    """Ask again and again until the answer is yes; whether it was, at the end of the given time at the latest."""
    deadline = time.monotonic() + limit_s
    while not asked():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def is_block_device(path: str) -> bool:
    """Whether a path leads to a block device."""
    import stat

    try:
        return stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        return False
