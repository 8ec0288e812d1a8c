"""A machine under emulation, with the current checkout in it: starts it, runs scripts in it, and starts another one in
its place when it hangs.
"""

import base64
import json
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from vm_cpio import Archive
from vm_image import image

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]

# Blank disks by their serial numbers: GiB, and bytes of a logical sector. Five are what RAID 10 with a spare takes.
DISKS = {"a": (2, 512), "b": (1, 512), "c": (1, 512), "d": (1, 512), "e": (1, 512), "4kn": (1, 4096)}
MEMORY_MIB = 1536
CONSOLE_LINES = 60

# Emulation is slow, and other tests run at the same time: what a boot may take, and what an answer may take longer than
# the script's own limit.
BOOT_S, ANSWER_S = 120.0, 60.0
# An emulated processor now and then sleeps through its wake-up while the kernel starts: then another one is started.
BOOTS = 3

# One processor, because each worker of the tests has a guest: with two a scenario costs half as much time again. That
# there might be a second one has the emulator heed the order that locked instructions promise. The devices' threads rely
# on it: without, a request to a disk could be lost sight of. Source: QEMU, `accel/tcg`, CF_PARALLEL.
EMULATOR = [
    "qemu-system-x86_64", "-accel", "tcg", "-cpu", "Westmere", "-smp", "1,maxcpus=2",
    "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
]  # fmt: skip


class Ended(NamedTuple):
    """How a script in the guest ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All that it said."""
        return self.stdout + self.stderr


class GuestError(Exception):
    """The guest did not do what was asked for; with what it said on its console where it hangs."""


class StalledError(GuestError):
    """The guest's kernel waits in vain for a disk of the emulator. Such a test is played again; see conftest.py."""


class Machine:
    """One run of the emulator. Its folder holds the disks, the console's log and the sockets."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="provision-vm-"))
        self.children: list[subprocess.Popen[bytes]] = []
        self.port = socket.socket(socket.AF_UNIX)
        self.devices: dict[str, str] = {}
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start the TPM and the emulator, and wait for the agent."""
        made = image()
        (self.folder / "initrd").write_bytes(initramfs(made))
        for name, (gib, _) in DISKS.items():
            with (self.folder / f"{name}.disk").open("wb") as disk:
                disk.truncate(gib << 30)
        (self.folder / "tpm").mkdir()
        self.spawn(*tpm_command(self.folder))
        self.wait_for(self.folder / "tpm" / "socket")
        self.spawn(*emulator_command(self.folder, made))
        self.wait_for(self.folder / "agent", self.port)
        disks = self.receive(BOOT_S)["disks"]
        assert isinstance(disks, dict)
        self.devices = disks

    def spawn(self, *command: str) -> None:
        """Start a program that ends with this process, even where that is killed."""
        with (self.folder / "emulator.log").open("ab") as log:
            self.children.append(
                subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            )

    def wait_for(self, path: Path, connecting: socket.socket | None = None) -> None:
        """Wait until the program that was started last has made its socket, and listens where we are to connect."""
        deadline = time.monotonic() + BOOT_S
        while True:
            if path.exists():
                try:
                    return connecting.connect(str(path)) if connecting is not None else None
                except ConnectionRefusedError:
                    pass  # it was bound, and is not listening yet
            if time.monotonic() > deadline or self.children[-1].poll() is not None:
                raise GuestError(f"{path} did not come into being\n{self.console()}")
            time.sleep(0.02)

    def ask(self, limit_s: float, /, **message: object) -> dict[str, object]:
        """Send a request to the agent and wait for its answer. Raises GuestError where none comes."""
        text = json.dumps(message).encode()
        self.port.settimeout(limit_s)
        try:
            self.port.sendall(struct.pack(">I", len(text)) + text)
        except OSError as error:
            raise GuestError(f"the guest takes no request: {error}\n{self.console()}") from None
        answer = self.receive(limit_s)
        if "error" in answer:
            raise GuestError(f"{message['op']}: {answer['error']}")
        return answer

    def receive(self, timeout_s: float) -> dict[str, object]:
        """The next message of the agent."""
        deadline = time.monotonic() + timeout_s
        (length,) = struct.unpack(">I", self.exactly(4, deadline))
        message: dict[str, object] = json.loads(self.exactly(length, deadline))
        return message

    def exactly(self, count: int, deadline: float) -> bytes:
        """So many bytes, in time."""
        data = b""
        while len(data) < count:
            self.port.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                piece = self.port.recv(count - len(data))
            except TimeoutError:
                raise GuestError(f"the guest does not answer\n{self.console()}") from None
            if not piece:
                raise GuestError(f"the guest is gone\n{self.console()}")
            data += piece
        return data

    def console(self) -> str:
        """What the guest and the emulator said last."""
        logs = [self.folder / "console.log", self.folder / "emulator.log"]
        lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()]
        return "the last of its console:\n" + "\n".join(lines[-CONSOLE_LINES:])

    def stop(self) -> None:
        """End it and remove its folder."""
        self.port.close()
        for child in reversed(self.children):
            child.send_signal(signal.SIGKILL)
            child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def initramfs(made: Path) -> bytes:
    """What boots the image, with the applier and the agent as they are in the checkout now."""
    archive = Archive()
    archive.add("init", (HERE / "in_guest" / "boot").read_bytes(), executable=True)
    archive.add("bin/busybox", (made / "busybox").read_bytes(), executable=True)
    for module in sorted(made.glob("*.ko")):
        archive.add(f"modules/{module.name}", module.read_bytes())
    archive.add_tree("vm", HERE / "in_guest")
    archive.add_tree("vm/checkout/provision", CHECKOUT / "provision", "*.py")
    return archive.bytes()


def tpm_command(folder: Path) -> list[str]:
    """A software TPM 2.0, which ends with the emulator."""
    return [
        "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}/tpm", "--ctrl", f"type=unixio,path={folder}/tpm/socket",
        "--terminate",
    ]  # fmt: skip


def emulator_command(folder: Path, made: Path) -> list[str]:
    """A PC with the disks, the TPM and the agent's port; nothing connects it to a network."""
    return [
        *EMULATOR, "-m", str(MEMORY_MIB), "-kernel", f"{made}/vmlinuz", "-initrd", f"{folder}/initrd",
        "-append", "console=ttyS0 panic=-1 loglevel=5 mitigations=off random.trust_bootloader=on raid=noautodetect",
        "-serial", f"file:{folder}/console.log",
        "-device", "virtio-rng-pci",
        "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={folder}/agent,server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=agent",
        "-chardev", f"socket,id=tpm,path={folder}/tpm/socket", "-tpmdev", "emulator,id=tpm,chardev=tpm",
        "-device", "tpm-tis,tpmdev=tpm",
        *disk_options("root", f"{made}/root.ext2", 512, "readonly=on"),
        *(option for name, (_, sector) in DISKS.items()
          for option in disk_options(name, f"{folder}/{name}.disk", sector, "discard=unmap,cache=unsafe")),
    ]  # fmt: skip


def disk_options(name: str, path: str, sector: int, more: str) -> list[str]:
    """A disk by its serial number."""
    return [
        "-drive", f"if=none,id=disk-{name},format=raw,file={path},{more}",
        "-device", f"virtio-blk-pci,drive=disk-{name},serial={name},logical_block_size={sector},physical_block_size={sector}",
    ]  # fmt: skip


def started() -> Machine:
    """A machine that answers."""
    for _ in range(BOOTS - 1):
        try:
            return Machine()
        except GuestError as error:
            print(f"the guest did not start, another one is started: {error}")
    return Machine()


class Guest:
    """The machine that scenarios share, one after the other; each starts with blank disks."""

    def __init__(self) -> None:
        self.machine: Machine | None = None

    @property
    def running(self) -> Machine:
        """The machine, started where there is none."""
        self.machine = self.machine or started()
        return self.machine

    def run(
        self, script: str, *, stdin: bytes = b"", timeout_s: float = 60, environ: dict[str, str] | None = None
    ) -> Ended:
        """Run a script in bash, with -e and pipefail, in the folder /scenario."""
        answer = self.ask(
            timeout_s + ANSWER_S,
            op="run",
            script=script,
            stdin=encoded(stdin),
            timeout_s=timeout_s,
            environ=environ or {},
        )
        if answer["timed_out"]:
            said = decoded(answer["stdout"]) + decoded(answer["stderr"])
            raise GuestError(f"the script did not end in {timeout_s:g} s:\n{script}\n{said.decode(errors='replace')}")
        status = answer["status"]
        assert isinstance(status, int)
        stdout, stderr = (decoded(answer[name]).decode(errors="replace") for name in ("stdout", "stderr"))
        return Ended(status, stdout, stderr)

    def do(self, script: str, *, timeout_s: float = 60) -> str:
        """Run a script that must succeed, and return what it printed."""
        ended = self.run(script, timeout_s=timeout_s)
        assert ended.status == 0, f"status {ended.status} of\n{script}\n{ended.output}"
        return ended.stdout.strip()

    def write(self, path: str, content: bytes | str, mode: int = 0o644) -> None:
        """Write a file."""
        data = content.encode() if isinstance(content, str) else content
        self.ask(ANSWER_S, op="write", path=path, content=encoded(data), mode=mode)

    def read(self, path: str) -> bytes:
        """Read a file."""
        return decoded(self.ask(ANSWER_S, op="read", path=path)["content"])

    def reset(self) -> None:
        """Make it as after a boot; where that fails, the next scenario gets another machine."""
        if self.machine is None:
            return
        try:
            trouble = self.ask(ANSWER_S, op="reset")["trouble"]
        except GuestError:
            trouble = "no answer"
        if trouble:
            print(f"the guest could not be reset, another one is started: {trouble}")
            self.stop()

    def ask(self, limit_s: float, /, **message: object) -> dict[str, object]:
        """Ask the agent; a machine that does not answer is ended."""
        machine = self.running
        try:
            return machine.ask(limit_s, **message)
        except GuestError as error:
            if "the guest" in str(error).splitlines()[0]:
                self.stop()
            raise

    def stop(self) -> None:
        """End the machine."""
        if self.machine is not None:
            self.machine.stop()
            self.machine = None


def encoded(data: bytes) -> str:
    """As base64."""
    return base64.b64encode(data).decode()


def decoded(text: object) -> bytes:
    """From base64."""
    assert isinstance(text, str)
    return base64.b64decode(text)
