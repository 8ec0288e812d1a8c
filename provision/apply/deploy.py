"""All stages in one process, for people: on the disks of this machine, or on a disk image."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from provision.apply.devices import BlockDevice
from provision.apply.devices.survey import block_devices
from provision.apply.fetching import Fetching
from provision.apply.images import attached, mounted, root_device
from provision.apply.runner import Progress
from provision.apply.state import State
from provision.apply.work import mount, set_up_disks, unmount, write_files
from provision.apply.workplace import Workplace
from provision.diagnostics import ProvisionError
from provision.ignition import Config

# What makes a directory the root of an ostree system, whose real root is put together at boot.
OSTREE = "ostree/deploy"


# Asked with the devices that there are before anything is changed on them; says no by raising ProvisionError.
Confirm = Callable[[Config, tuple[BlockDevice, ...]], None]


def deploy(config: Config, root: str, fetching: Fetching, progress: Progress, confirm: Confirm) -> None:
    """Set up this machine's disks, mount them below a root, and fill it."""
    confirm(config, block_devices())
    run_stages(Workplace(config, root, fetching, State(), progress=progress))


def deploy_image(config: Config, image: str, fetching: Fetching, progress: Progress, confirm: Confirm) -> None:
    """The same for a disk image, with its own root."""
    with ExitStack() as stack:
        disk = stack.enter_context(attached(image, config))
        folder = stack.enter_context(private_folder())
        confirm(config, disk.devices())
        place = Workplace(config, folder, fetching, State(), disk.device_of, progress)
        set_up_disks(place)
        stack.enter_context(closed_volumes(config))
        root = root_device(disk, config)
        if root is not None:
            stack.enter_context(mounted(root, folder))
            if os.path.isdir(f"{folder}/{OSTREE}") and not os.path.isdir(f"{folder}/etc"):
                raise ProvisionError(
                    f"{image} holds an ostree system: its root is made at boot, give it the config there"
                )
        run_tree_stages(place)


def run_stages(place: Workplace) -> None:
    """Every stage that makes a system out of disks."""
    set_up_disks(place)
    run_tree_stages(place)


def run_tree_stages(place: Workplace) -> None:
    """Those that need the disks to be ready. What was mounted is unmounted, whatever happens."""
    try:
        mount(place)
        write_files(place)
    finally:
        unmount(place)


@contextmanager
def closed_volumes(config: Config) -> Iterator[None]:
    """Close the encrypted volumes at the end: an image is to be detached."""
    from provision.apply.commands import run

    try:
        yield
    finally:
        for luks in config.storage.luks:
            if os.path.exists(f"/dev/mapper/{luks.name}"):
                run("cryptsetup", "luksClose", luks.name)


@contextmanager
def private_folder() -> Iterator[str]:
    """A new empty folder, closed to others, gone at the end."""
    import tempfile

    folder = tempfile.mkdtemp(prefix="provision-root-")
    try:
        yield folder
    finally:
        os.rmdir(folder)
