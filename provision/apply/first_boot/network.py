"""Taking down what the initramfs brought up for a first boot, so that the system finds its network as on any other boot.

Programs that set up networks refuse addresses that are there already, or take an interface that has one for somebody
else's. Source: Linux, netdevice(7), SIOCSIFADDR and SIOCSIFFLAGS.
"""

from provision.apply import log
from provision.apply.first_boot import run_file
from provision.apply.paths import shown

# The names of the interfaces that were brought up, one in a line; the scripts of the initramfs write it.
FILE = f"{run_file.FOLDER}/network"
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR = 0x8913, 0x8914, 0x8916
IFF_UP = 1
MAX_NAME_BYTES = 15


def take_down() -> None:
    """Take the address from each of the interfaces, and switch it off; what is gone already is fine."""
    names = brought_up()
    if not names:
        return
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for name in names:
            try:
                switch_off(name, control.fileno())
            except OSError as error:
                log.notice(f"the network interface {shown(name)} stays as it is: {error.strerror}")


def brought_up() -> list[str]:
    """The interfaces that were brought up for this first boot, each once."""
    try:
        with open(FILE) as file:
            names = file.read().split()
    except FileNotFoundError:
        return []
    return [name for name in dict.fromkeys(names) if len(name.encode()) <= MAX_NAME_BYTES]


def switch_off(name: str, fd: int) -> None:
    """Take the IPv4 address from an interface, and switch it off. The kernel takes those of IPv6 by itself."""
    import struct
    from fcntl import ioctl
    from socket import AF_INET

    raw = name.encode()
    nothing = struct.pack("=16sH14x8x", raw, AF_INET)
    flags = struct.unpack("=16sH22x", ioctl(fd, SIOCGIFFLAGS, struct.pack("=16sH22x", raw, 0)))[1]
    ioctl(fd, SIOCSIFADDR, nothing)
    ioctl(fd, SIOCSIFFLAGS, struct.pack("=16sH22x", raw, flags & ~IFF_UP))
    log.info(f"switched the network interface {shown(name)} off again")
