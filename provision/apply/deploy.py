"""All stages in one process, for people: on the disks of this machine, or on a disk image."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from provision.apply.fetching import Fetching
from provision.apply.state import State
from provision.apply.work import Workplace, mount, set_up_disks, unmount, write_files
from provision.diagnostics import ProvisionError
from provision.ignition import Config

# What makes a directory the root of an ostree system, whose real root is put together at boot.
OSTREE = "ostree/deploy"


def deploy(config: Config, root: str, fetching: Fetching) -> None:
    """Set up this machine's disks, mount them below a root, and fill it."""
    run_stages(Workplace(config, root, fetching, State()))


def deploy_image(config: Config, image: str, fetching: Fetching) -> None:
    """The same for a disk image, with its own root."""
    from provision.apply.images import attached, mounted, root_device

    with ExitStack() as stack:
        disk = stack.enter_context(attached(image, config))
        folder = stack.enter_context(private_folder())
        place = Workplace(config, folder, fetching, State(), disk.device_of)
        set_up_disks(place)
        stack.enter_context(closed_volumes(config))
        root = root_device(disk, config)
        if root is not None:
            stack.enter_context(mounted(root, folder))
            if os.path.isdir(f"{folder}/{OSTREE}") and not os.path.isdir(f"{folder}/etc"):
                raise ProvisionError(f"{image} holds an ostree system: its root is made at boot, give it the config there")
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
