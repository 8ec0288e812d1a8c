"""IBM z/VM: the config is a file in the virtual card reader. Source: Ignition, `internal/providers/zvm`."""

import os

from provision.apply import log
from provision.apply.providers.host import Host, read_file
from provision.apply.providers.labels import remove_folder
from provision.apply.providers.provider import Provider
from provision.diagnostics import ProvisionError

READER = "000c"
TYPE = "ign"
RECEIVED = "config.ign"
# `vmur list`: ORIGINID FILE CLASSA CLASSB RECORDS CPY HOLD DATE TIME NAME TYPE DIST.
SPOOL_COLUMN, TYPE_COLUMN = 1, 10


class CardReader(Provider):
    """The first spool file of the type `ign`."""

    what = f"the z/VM reader {READER}"

    def fetch(self, host: Host) -> bytes | None:
        host.load_module("vmur")
        bring_online(host)
        spool = find_spool(host.run("vmur", "li").stdout.decode(errors="replace"))
        if spool is None:
            log.info(f"{self.what} has no file of the type {TYPE}")
            return None
        return receive(host, spool).strip(b"\0")


def bring_online(host: Host) -> None:
    """Make the reader usable, which most likely is on the kernel's list of devices to ignore."""
    try:
        host.run("chccwdev", "-e", READER)
    except ProvisionError:
        host.run("cio_ignore", "-r", READER)
        host.run("chccwdev", "-e", READER)
    host.run("udevadm", "settle")


def find_spool(listing: str) -> str | None:
    """The number of the first file that is a config. A line of one word ends the table."""
    for line in listing.splitlines():
        columns = line.split()
        if len(columns) <= 1:
            return None
        if len(columns) > TYPE_COLUMN and columns[TYPE_COLUMN] == TYPE:
            return columns[SPOOL_COLUMN]
    return None


def receive(host: Host, spool: str) -> bytes:
    """The content of a spool file, by way of a folder that is closed to others."""
    folder = host.private_folder()
    try:
        host.run("vmur", "re", "-f", spool, RECEIVED, cwd=folder)
        content = read_file(f"{folder}/{RECEIVED}")
        if content is None:
            raise ProvisionError(f"vmur received the spool file {spool} and wrote nothing")
        return content
    finally:
        if os.path.exists(f"{folder}/{RECEIVED}"):
            os.unlink(f"{folder}/{RECEIVED}")
        remove_folder(folder)
