"""Runs in the guest: takes requests from the host over a virtio serial port, one after the other, and answers each.

A message is its length in four bytes, then JSON; contents are base64. After `reset` the guest is as it was at its
start, and says what of that it could not do: then the host starts another one.
"""

import base64
import ctypes
import errno
import fcntl
import glob
import json
import os
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

PORT = "/dev/virtio-ports/agent"
SCENARIO = "/scenario"
DISKS = sorted(f"/dev/{os.path.basename(os.path.dirname(path))}" for path in glob.glob("/sys/block/vd*/serial"))

# Source: linux/fs.h.
BLKDISCARD, BLKRRPART, BLKGETSIZE64, BLKFLSBUF, BLKROSET = 0x1277, 0x125F, 0x80081272, 0x1261, 0x125D
MNT_DETACH = 2
# What a whole disk is read back in, when its being blank is checked.
EDGE = 1 << 20

LIBC = ctypes.CDLL(None, use_errno=True)
Message = dict[str, object]


def run(script: str, stdin: str = "", timeout_s: float = 60, environ: dict[str, str] | None = None) -> Message:
    """Run a script in bash, which stops at the first command that fails."""
    os.makedirs(SCENARIO, exist_ok=True)
    # To files, because a server that the script leaves behind would keep pipes open.
    with open("/run/agent-stdout", "w+b") as stdout, open("/run/agent-stderr", "w+b") as stderr:
        process = subprocess.Popen(
            ["/bin/bash", "-e", "-o", "pipefail", "-c", script],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            cwd=SCENARIO,
            start_new_session=True,
            env={**os.environ, **(environ or {})},
        )
        try:
            process.communicate(base64.b64decode(stdin), timeout=timeout_s)
            timed_out = False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            timed_out = True
        answers = {"stdout": whole(stdout), "stderr": whole(stderr)}
    return {"status": process.returncode, "timed_out": timed_out, **answers}


def whole(file: BinaryIO) -> str:
    """All of a file in base64."""
    file.seek(0)
    return base64.b64encode(file.read()).decode()


def write(path: str, content: str, mode: int = 0o644) -> Message:
    """Write a file, with the folders above it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_bytes(base64.b64decode(content))
    os.chmod(path, mode)
    return {}


def read(path: str) -> Message:
    """The bytes of a file."""
    return {"content": base64.b64encode(Path(path).read_bytes()).decode()}


def reset() -> Message:
    """Take back what a scenario did: its processes, mounts, devices, files, and what is on the disks."""
    trouble = [said for act in (end_processes, end_swap, unmount, remove_devices, blank_disks) for said in act()]
    settled = subprocess.run(["udevadm", "settle", "--timeout=20"], capture_output=True)
    if settled.returncode:
        trouble.append("udev did not settle")
    for left in (SCENARIO, "/sysroot", "/run/ignition", "/run/ignition.json", *Start.litter()):
        remove(left)
    os.mkdir("/sysroot", 0o755)
    return {"trouble": trouble}


class Start:
    """What was there when the agent started."""

    processes: frozenset[int] = frozenset()
    mounts: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()

    @staticmethod
    def folders() -> set[str]:
        """What stands where scenarios and the applier leave files: in /tmp, /run, /etc and at the top."""
        return {path for folder in ("/tmp", "/run", "/etc", "/") for path in glob.glob(os.path.join(folder, "*"))}

    @classmethod
    def litter(cls) -> set[str]:
        """What came since then."""
        keep = ("/run/agent-", "/run/udev", "/run/mdadm", "/run/cryptsetup", "/run/lock", "/run/blkid")
        return {path for path in cls.folders() - cls.files if not path.startswith(keep)}

    @classmethod
    def remember(cls) -> None:
        """Look around."""
        cls.processes = frozenset(processes())
        cls.mounts = frozenset(mounts())
        cls.files = frozenset(cls.folders())


def processes() -> dict[int, str]:
    """The processes that are neither threads of the kernel nor workers of udev, with their names."""
    found = {}
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            if os.path.exists(folder + "/exe") or os.readlink(folder + "/exe"):
                found[int(folder[6:])] = Path(folder, "comm").read_text().strip()
        except OSError:
            continue
    return {pid: name for pid, name in found.items() if "udev" not in name and pid != os.getpid()}


def end_processes() -> list[str]:
    """Kill what scenarios left running."""
    for _ in range(200):
        left = {pid: name for pid, name in processes().items() if pid not in Start.processes}
        if not left:
            return []
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    return [f"process {pid} ({name}) cannot be ended" for pid, name in left.items()]


def end_swap() -> list[str]:
    """Stop swapping to what a scenario swapped to."""
    devices = [line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]]
    return [f"swap on {device} cannot be stopped" for device in devices if LIBC.swapoff(device.encode())]


def mounts() -> list[str]:
    """The mount points, in the order in which they came."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4].encode().decode("unicode_escape") for line in lines]


def unmount() -> list[str]:
    """Unmount what scenarios mounted."""
    trouble = []
    for path in reversed([path for path in mounts() if path not in Start.mounts]):
        if LIBC.umount2(path.encode(), 0):
            LIBC.umount2(path.encode(), MNT_DETACH)
            trouble.append(f"{path} is busy")
    return trouble


def remove_devices() -> list[str]:
    """Remove mapped devices, arrays and loop devices, those first that no other lies on."""
    for _ in range(30):
        devices = [
            path for path in glob.glob("/sys/block/dm-*") + glob.glob("/sys/block/md*") + glob.glob("/sys/block/loop*")
            if in_use(path)
        ]  # fmt: skip
        if not devices:
            return []
        for path in devices:
            if not glob.glob(path + "/holders/*") and not glob.glob(path + "/*/holders/*"):
                remove_device(path)
    return [f"{path} cannot be removed" for path in devices]


def in_use(path: str) -> bool:
    """Whether a device of /sys/block has anything behind it."""
    return not os.path.basename(path).startswith("loop") or os.path.exists(path + "/loop/backing_file")


def remove_device(path: str) -> None:
    """Remove a device of /sys/block that is not in use."""
    name = os.path.basename(path)
    if name.startswith("dm-"):
        command = ["dmsetup", "remove", "--retry", Path(path, "dm/name").read_text().strip()]
    elif name.startswith("md"):
        command = ["mdadm", "--quiet", "--stop", f"/dev/{name}"]
    else:
        command = ["losetup", "--detach", f"/dev/{name}"]
    subprocess.run(command, capture_output=True)


def blank_disks() -> list[str]:
    """Make the disks read as zeros again, and the kernel forget their partitions."""
    return [said for disk in DISKS if serial(disk) != "root" for said in blank(disk)]


def serial(disk: str) -> str:
    """The serial number that the host gave a disk."""
    return Path("/sys/block", os.path.basename(disk), "serial").read_text().strip()


def blank(disk: str) -> list[str]:
    """Blank one disk."""
    try:
        with open(disk, "r+b", buffering=0) as file:
            size = struct.unpack("Q", fcntl.ioctl(file, BLKGETSIZE64, bytes(8)))[0]
            fcntl.ioctl(file, BLKROSET, struct.pack("i", 0))
            fcntl.ioctl(file, BLKDISCARD, struct.pack("QQ", 0, size))
            fcntl.ioctl(file, BLKFLSBUF)
            forget_partitions(file)
            for place in (0, size - EDGE):
                file.seek(place)
                if file.read(EDGE).strip(b"\0"):
                    return [f"{disk} is not blank after a discard"]
    except OSError as error:
        return [f"{disk} cannot be blanked: {error}"]
    return []


def forget_partitions(file: BinaryIO) -> None:
    """Have the kernel read the table again, for which nobody may look at a partition; udev does for a moment."""
    for attempt in range(100):
        try:
            fcntl.ioctl(file, BLKRRPART)
            return
        except OSError as error:
            if error.errno != errno.EBUSY or attempt == 99:
                raise
            time.sleep(0.05)


def remove(path: str) -> None:
    """Remove a file or a tree, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)


def serve(port: BinaryIO) -> None:
    """Answer requests for as long as there are any."""
    requests: dict[str, Callable[..., Message]] = {"run": run, "write": write, "read": read, "reset": reset}
    send(port, {"disks": {serial(disk): disk for disk in DISKS}})
    while True:
        message = json.loads(exactly(port, struct.unpack(">I", exactly(port, 4))[0]))
        try:
            send(port, requests[message.pop("op")](**message))
        except OSError as error:
            send(port, {"error": str(error)})


def exactly(port: BinaryIO, count: int) -> bytes:
    """So many bytes of the port."""
    data = b""
    while len(data) < count:
        piece = port.read(count - len(data))
        if not piece:
            time.sleep(0.05)  # the host is not connected, or not any more
        data += piece or b""
    return data


def send(port: BinaryIO, message: Message) -> None:
    """Send one message."""
    text = json.dumps(message).encode()
    data = struct.pack(">I", len(text)) + text
    while data:
        data = data[port.write(data) :]


def main() -> None:
    """Look around, then serve."""
    Start.remember()
    with open(PORT, "r+b", buffering=0) as port:
        serve(port)


if __name__ == "__main__":
    main()
