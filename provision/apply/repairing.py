"""File systems that keep no journal and were mounted when the power went: FAT. Used where a first boot goes on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from provision.apply import log
from provision.apply.commands import run
from provision.apply.first_boot.target import mounted
from provision.apply.paths import shown
from provision.diagnostics import ProvisionError


@contextmanager
def repaired(device: str, host_path: str) -> Iterator[None]:
    """Have a FAT file system agree with itself again, before it is mounted at the path inside of this.

    After a power cut a name may lead to clusters that count as free, which the next file is given, too. Clusters without a
    name become files; those are pieces of what was being written then and is written again, and are removed at the end.
    """
    with mounted(device) as seen:
        before = salvaged(seen) if seen else None
    check(device)
    yield
    if before is not None:
        made = salvaged(host_path)
        for name in sorted(made.keys() - before.keys()):
            remove(f"{host_path}/{made[name]}")


def salvaged(host_path: str) -> dict[str, str]:
    """The files that `fsck.fat` makes of clusters without a name, by that name in small letters: a mount option says which
    ones are shown. Source: dosfstools, src/check.c.
    """
    names = {name.lower(): name for name in os.listdir(host_path)}
    return {key: name for key, name in names.items() if key.startswith("fsck") and key.endswith(".rec")}


def check(device: str) -> None:
    """Run the checker. Source: fsck.fat(8), "EXIT STATUS": 1 is for errors that were mended."""
    try:
        run("fsck.fat", "-a", device, accept=(0, 1))
    except ProvisionError as error:
        log.warning(f"{shown(device)} was in use when a first boot was cut off, and is not checked: {error}")


def remove(host_path: str) -> None:
    """Remove a piece of a file; where the file system takes no writes it stays."""
    log.debug(f"removing {shown(host_path)}, which fsck.fat made of a file that was not finished")
    try:
        os.unlink(host_path)
    except OSError as error:
        log.notice(f"{shown(host_path)} stays, a piece of a file that was not finished: {error.strerror}")
