"""The stamp: a file that somebody puts on a machine, or into an image, to have it provisioned at its next boot.

It lies at the top of the boot partition, or in /boot of the root file system. Source: Ignition's dracut module and the
GRUB snippet of its distributions, which look for `ignition.firstboot` there.
"""

import os
from collections.abc import Iterator

from provision.apply import log
from provision.apply.first_boot import run_file
from provision.apply.first_boot.target import device_number, looked_at, mounted
from provision.apply.hardware import is_block_device
from provision.apply.paths import parent_of, shown
from provision.apply.roots import Root
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

NAMES = ("provision.firstboot", "ignition.firstboot")
BOOT_DEVICES = ("/dev/disk/by-label/boot", "/dev/disk/by-partlabel/boot")
BOOT_FOLDER = "/boot"
ROOT = "root"


class Stamp(NamedTuple):
    """A file and the device that it lies on; `root` for the root file system."""

    device: str
    path: str

    def __str__(self) -> str:
        return f"{self.device}:{self.path}"


def parse(text: str) -> Stamp:
    """The stamp that a word of the run file stands for."""
    device, _, path = text.rpartition(":")
    return Stamp(device, path)


def find(root_host_path: str | None) -> list[Stamp]:
    """The stamps on the boot partition, and in the root file system where it can be looked at."""
    found = []
    for device in boot_devices():
        with mounted(device) as host_path:
            found += [Stamp(device, path) for path in present(host_path, "")]
    return found + [Stamp(ROOT, path) for path in present(root_host_path, BOOT_FOLDER)]


def boot_devices() -> Iterator[str]:
    """The boot partitions, each once."""
    seen = set()
    for device in filter(is_block_device, BOOT_DEVICES):
        number = device_number(device)
        if number not in seen:
            seen.add(number)
            yield device


def present(host_path: str | None, folder: str) -> list[str]:
    """The paths of the stamps in a folder of a file system."""
    if host_path is None:
        return []
    root = Root(host_path)
    try:
        paths = [f"{folder}/{name}" for name in NAMES]
        return [path for path in paths if root.look(root.resolve(path)).kind == "file"]
    except (OSError, ProvisionError) as error:
        log.notice(f"{shown(folder or '/')} cannot be looked at for a stamp: {error}")
        return []
    finally:
        root.close()


def clear(root_host_path: str = "") -> None:
    """Remove the stamps that asked for this first boot, for good: the removal is on the disk when this returns.

    `root_host_path` is where the root file system is mounted; without it, it is found by the kernel command line. Quiet
    where there is no first boot or no stamp. Raises ProvisionError where one stays, for the next boot would begin anew.
    """
    boot = run_file.read()
    if boot is None or not boot.stamps:
        return
    for stamp in map(parse, boot.stamps):
        if stamp.device != ROOT:
            with mounted(stamp.device, for_writing=True) as host_path:
                remove(stamp, host_path)
        elif not root_host_path or not present(root_host_path, BOOT_FOLDER):
            # Another file system may be mounted at /boot by now, and hide it.
            remove_from_root(stamp)
        else:
            remove(stamp, root_host_path)
    run_file.write(boot._replace(stamps=()))


def remove_from_root(stamp: Stamp) -> None:
    """Remove a stamp from the root file system, wherever that is mounted by now."""
    from provision.apply import kernel_command_line

    with looked_at(kernel_command_line.read(os.environ)) as host_path:
        remove(stamp, host_path)


def remove(stamp: Stamp, host_path: str | None) -> None:
    """Remove a stamp from a file system that is mounted at a path."""
    advice = "remove it by hand, or the next boot provisions this machine again"
    if host_path is None:
        raise ProvisionError(f"the stamp {stamp} cannot be removed: its file system cannot be mounted; {advice}")
    root = Root(host_path)
    try:
        path = root.resolve(stamp.path)
        directory, name = root.place(path)
        os.unlink(name, dir_fd=directory)
        fd = os.open(root.host_path + parent_of(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        log.info(f"removed the stamp {stamp}")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ProvisionError(f"the stamp {stamp} cannot be removed: {error.strerror}; {advice}") from None
    finally:
        root.close()
