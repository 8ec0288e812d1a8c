"""A computer under emulation that is switched on and off: its disks stay, all else begins anew."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from firstboot_console import Console
from firstboot_image import Kind, copy_of_disk, image
from vm_guest import BOOTS, EMULATOR, GuestError, disk_options

MEMORY_MIB = 768
SECTOR = 512
# Of the card that the guests ask for an address on; see firstboot_image_hook.sh.
MAC = "52:54:00:12:34:56"
# How the host is called on the user-mode network. Source: QEMU, net/slirp.
HOST = "10.0.2.2"

# What a step may take while another guest and the rest of the tests run: a kernel's start, a whole boot, the way down.
KERNEL_S, BOOT_S, OFF_S = 90.0, 400.0, 120.0
KERNEL_IS_UP = r"Run /init as init process"
# What watches over time finds fault with an emulated processor whose host is busy. There is no panic=, because
# initramfs-tools would restart the machine where it has to give a shell.
KERNEL_ARGUMENTS = (
    "console=ttyS0 no_timer_check nowatchdog mitigations=off random.trust_bootloader=on root=LABEL=root ro"
)


class Computer:
    """A machine with a disk that a Debian system is on, and blank ones by their names (in GiB)."""

    def __init__(self, kind: Kind, **blank: float) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="provision-firstboot-"))
        self.kind = kind
        self.kernel = image(kind) / "vmlinuz"
        self.disks = {"system": copy_of_disk(kind, self.folder / "system.disk")}
        self.boots = 0
        for name, gib in blank.items():
            self.disks[name] = self.folder / f"{name}.disk"
            with self.disks[name].open("wb") as disk:
                disk.truncate(int(gib * (1 << 30)))

    def remove(self) -> None:
        """Throw it away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def on(
        self, initrd: Path, arguments: str = "", *, config: bytes | None = None, network: Sequence[str] = ()
    ) -> Iterator[Console]:
        """Switch it on with these kernel arguments, this item of QEMU's firmware and these options for the network; what is
        yielded has seen the kernel come up. In the end it is switched off, if it does not do that by itself.
        """
        for attempt in range(BOOTS):
            process, console = self.start(initrd, arguments, config, network)
            try:
                console.expect(KERNEL_IS_UP, KERNEL_S)
                break
            except GuestError as error:
                end(process, console)
                if attempt == BOOTS - 1:
                    raise GuestError(f"{error}\n{self.emulator_log()}") from None
                print(f"the kernel did not start, another try: {error}")
        try:
            yield console
        finally:
            end(process, console)

    def start(
        self, initrd: Path, arguments: str, config: bytes | None, network: Sequence[str]
    ) -> tuple["subprocess.Popen[bytes]", Console]:
        """Start the emulator; it ends with this process, even where that is killed."""
        self.boots += 1
        socket, log = self.folder / f"console-{self.boots}", self.folder / f"console-{self.boots}.log"
        command = [
            *EMULATOR, "-m", str(MEMORY_MIB), "-kernel", str(self.kernel), "-initrd", str(initrd),
            "-append", f"{KERNEL_ARGUMENTS} {arguments}",
            "-chardev", f"socket,id=console,path={socket},server=on,wait=on,logfile={log}", "-serial", "chardev:console",
            "-device", "virtio-rng-pci", *network,
        ]  # fmt: skip
        for name, path in self.disks.items():
            command += disk_options(name, str(path), SECTOR, "discard=unmap,cache=unsafe")
        if config is not None:
            item = self.folder / "config.ign"
            item.write_bytes(config)
            command += ["-fw_cfg", f"name=opt/com.coreos/config,file={item}"]
        with (self.folder / "emulator.log").open("wb") as said:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        try:
            return process, Console(socket, log, KERNEL_S)
        except GuestError as error:
            process.kill()
            process.wait()
            raise GuestError(f"{error}\n{self.emulator_log()}") from None

    def emulator_log(self) -> str:
        """What the emulator itself had to say."""
        return (self.folder / "emulator.log").read_text(errors="replace")


def end(process: "subprocess.Popen[bytes]", console: Console) -> None:
    """Switch off at once."""
    console.close()
    process.send_signal(signal.SIGKILL)
    process.wait()


def switch_off(console: Console) -> str:
    """Shut down in an orderly way from root's shell, and return all that was on the console."""
    console.type("sync; systemctl --force poweroff\n")
    return console.until_off(OFF_S)


def user_network() -> list[str]:
    """Options: a card on a network where the host is 10.0.2.2, and its loopback is within reach."""
    return ["-netdev", "user,id=user,ipv6=off", "-device", f"virtio-net-pci,netdev=user,mac={MAC}"]
