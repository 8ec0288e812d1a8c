"""The root file system of the machine, looked at before the initramfs mounts it.

It is mounted read-only for a moment. That replays its journal, which is needed: after a power cut, without it, a stamp
would seem to be there that was removed. So none of this may be done before the initramfs had its chance to resume a
system from disk. Source of the names of devices: Linux, Documentation/admin-guide/kernel-parameters.rst, root=; udev's
links below /dev/disk, in which other characters than plain ones are written as `\\xHH` (systemd, src/basic/utf8.c).
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from provision.apply import kernel_command_line, log
from provision.apply.commands import run
from provision.apply.first_boot import run_file
from provision.apply.first_boot.recognition import Target
from provision.apply.hardware import comes_true, is_block_device
from provision.apply.journal import places
from provision.apply.mounting import mounts
from provision.apply.paths import shown
from provision.apply.result import result_path
from provision.apply.roots import Root
from provision.diagnostics import ProvisionError

FOLDERS = {
    "LABEL": "/dev/disk/by-label", "UUID": "/dev/disk/by-uuid",
    "PARTLABEL": "/dev/disk/by-partlabel", "PARTUUID": "/dev/disk/by-partuuid",
}  # fmt: skip
# Characters that udev leaves as they are in the names of links, beside letters and digits.
PLAIN = "#+-.:=@_"
# What cannot be in a set of options for looking.
WRITING = ("rw", "ro")
POLL_S = 0.1
TRIES_TO_UNMOUNT = 20
# Where this process has something mounted to look at it.
LOOKS: set[str] = set()


@contextmanager
def looked_at(command_line: str, *, device: str = "", wait_s: float = 0) -> Iterator[str | None]:
    """The host path of a read-only mount of the root file system, while inside; None where it cannot be had.

    `device` is one that the caller knows to hold it. Never raises for what it finds; the log says why there is nothing.
    """
    device = device or root_device(command_line)
    if device and not wait_for(device, wait_s):
        log.info(f"the root file system cannot be looked at: there is no {shown(device)} yet")
        device = ""
    if not device:
        yield None
        return
    with mounted(device, options=root_options(command_line)) as host_path:
        yield host_path


def root_device(command_line: str) -> str:
    """The path of the device that `root=` names; empty for what is no block device with a name."""
    name = kernel_command_line.value(command_line, "root").strip('"').removeprefix("block:")
    tag, equals, value = name.partition("=")
    if equals and tag in FOLDERS:
        return f"{FOLDERS[tag]}/{link_name(value.strip(chr(34)), tag)}"
    return name if name.startswith("/dev/") and name not in ("/dev/nfs", "/dev/ram0") else ""


def link_name(value: str, tag: str = "LABEL") -> str:
    """The name of udev's link for a label or UUID; the UUIDs of partitions are in small letters there."""
    value = value.lower() if tag == "PARTUUID" else value
    return "".join(
        char if char.isascii() and (char.isalnum() or char in PLAIN) else escaped(char)
        for char in value
    )  # fmt: skip


def escaped(char: str) -> str:
    """One character as udev writes it; letters of other scripts stay."""
    if char.isascii():
        return f"\\x{ord(char):02x}"
    return char


def root_options(command_line: str) -> str:
    """The options of the root file system, without those that say whether it is for writing."""
    flags = kernel_command_line.value(command_line, "rootflags").strip('"').split(",")
    return ",".join(flag for flag in flags if flag and flag not in WRITING)


def wait_for(device: str, wait_s: float) -> bool:
    """Whether there is a device, at the end of the given time at the latest."""
    return comes_true(lambda: is_block_device(device), wait_s)


@contextmanager
def mounted(device: str, *, options: str = "", for_writing: bool = False) -> Iterator[str | None]:
    """The host path at which a device is mounted, for as long as it is needed; None where it cannot be mounted."""
    take_back(device)
    here = next(mount_points(device), "")
    if here:
        yield here
        return
    run_file.make_folder()
    folder = f"{run_file.FOLDER}/{os.urandom(6).hex()}"
    os.mkdir(folder, 0o700)
    given = ",".join(filter(None, ("rw" if for_writing else "ro", options)))
    try:
        mount(device, folder, given)
    except ProvisionError as error:
        log.notice(f"{shown(device)} cannot be looked at: {error}")
        os.rmdir(folder)
        yield None
        return
    LOOKS.add(folder)
    try:
        yield folder
    finally:
        LOOKS.discard(folder)
        unmount(folder)
        os.rmdir(folder)


def take_back(device: str) -> None:
    """Unmount what a process that was killed left mounted while it looked: beside a mount that is read-only the initramfs
    gets no other one.
    """
    for place in list(mount_points(device)):
        if place.startswith(f"{run_file.FOLDER}/") and place not in LOOKS:
            try:
                unmount(place)
                os.rmdir(place)
            except (OSError, ProvisionError) as error:
                log.notice(f"{shown(device)} stays mounted at {shown(place)}: {error}")


def mount(device: str, folder: str, options: str) -> None:
    """Mount a device; a second time where a power cut had torn its superblock."""
    command = ("mount", "-o", options, "-t", "auto", "--", device, folder)
    try:
        run(*command)
    except ProvisionError:
        from provision.apply.devices.superblocks import mend

        if not mend(device):
            raise
        run(*command)


def mount_points(device: str) -> Iterator[str]:
    """Where a device is mounted already."""
    number = device_number(device)
    return (each.path for each in mounts() if number is not None and device_number(each.source) == number)


def device_number(path: str) -> int | None:
    """The number of a block device; None for what is none."""
    return os.stat(path).st_rdev if is_block_device(path) else None


def unmount(folder: str) -> None:
    """Unmount what was looked at; whoever looks too (udev, blkid) is waited for."""
    for _ in range(TRIES_TO_UNMOUNT):
        try:
            run("umount", "--", folder)
            return
        except ProvisionError as error:
            refused = error
            time.sleep(POLL_S)
    raise refused


def state_of(host_path: str) -> Target:
    """Whether a root was provisioned, and whether that was cut off. What cannot be read was not provisioned."""
    root = Root(host_path)
    try:
        return Target(provisioned_at(root), any(map(os.path.lexists, places(host_path))))
    except (OSError, ProvisionError) as error:
        log.notice(f"the root file system tells nothing: {error}")
        return Target()
    finally:
        root.close()


def provisioned_at(root: Root) -> str:
    """When a root was provisioned, as its result file tells; empty where there is none, or one of a failure."""
    import json

    path = root.resolve(result_path())
    if root.look(path).kind != "file":
        return ""
    try:
        report = json.loads(root.read(path))
    except ValueError:
        log.notice(f"{shown(result_path())} is damaged; it counts for nothing")
        return ""
    if not isinstance(report, dict) or "failure" in report:
        return ""
    return str(report.get("provisioningDate") or "at a time unknown")
