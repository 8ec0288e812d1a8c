"""The VMware backdoor: messages to the hypervisor, by an instruction that Python has no word for.

The hypervisor answers `in eax, dx` with a magic number in eax, at any privilege level. A few bytes of machine code load
the registers, execute it and store them again; ctypes calls them. The same code around `cpuid` tells whether there is
such a hypervisor: elsewhere, the instruction would kill the process. Only on x86-64.
Source: open-vm-tools, `lib/include/backdoor_def.h` and `lib/message`; linux/drivers/gpu/drm/vmwgfx/vmwgfx_msg.c.
"""

from collections.abc import Callable
from contextlib import suppress

from provision.apply.providers.host import check_size
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

IN, CPUID = b"\xed", b"\x0f\xa2"
# push rbx; mov r8, rdi; mov rax, [r8]; mov rbx, [r8+8]; and so on for rcx, rdx, rsi, rdi
LOAD = bytes.fromhex("53 4989f8 498b00 498b5808 498b4810 498b5018 498b7020 498b7828")
# mov [r8], rax; mov [r8+8], rbx; and so on for rcx, rdx, rsi, rdi; pop rbx; ret
STORE = bytes.fromhex("498900 49895808 49894810 49895018 49897020 49897828 5b c3")

HYPERVISOR_BIT = 1 << 31
HYPERVISOR_LEAF = 0x40000000
VENDOR = b"VMwareVMware"

MAGIC, PORT, MESSAGE = 0x564D5868, 0x5658, 30
RPCI, WITH_COOKIE = 0x49435052, 1 << 31
OPEN, SEND_SIZE, SEND, RECEIVE_SIZE, RECEIVE, RECEIVED, CLOSE = range(7)
SUCCESS, WAITING, CHECKPOINT = 0x1, 0x2, 0x10
ATTEMPTS = 3
WORD = 4


class Registers(NamedTuple):
    """What the instruction gets and gives."""

    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0
    source: int = 0
    target: int = 0


Enter = Callable[[Registers], Registers]


class Instruction:
    """One machine instruction, to be called with registers. Raises OSError where no memory may be executed, ImportError
    without ctypes.
    """

    def __init__(self, code: bytes) -> None:
        import ctypes
        import mmap

        # Kept for as long as it may be called.
        self.page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.page.write(LOAD + code + STORE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.page))
        self.function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
        self.memory = (ctypes.c_uint64 * len(Registers._fields))()
        self.address = ctypes.addressof(self.memory)

    def __call__(self, registers: Registers) -> Registers:
        """The registers afterwards. Their upper halves are of no concern."""
        self.memory[:] = list(registers)
        self.function(self.address)
        return Registers(*(value & 0xFFFFFFFF for value in self.memory))


def is_vmware(cpuid: Enter) -> bool:
    """Whether the hypervisor is VMware's. Source: VMware KB 1009458; Intel SDM, CPUID."""
    if not cpuid(Registers(a=1)).c & HYPERVISOR_BIT:
        return False
    found = cpuid(Registers(a=HYPERVISOR_LEAF))
    return b"".join(value.to_bytes(4, "little") for value in (found.b, found.c, found.d)) == VENDOR


def allow_ports() -> None:
    """Ask the kernel for the right to use ports. Some hypervisors want it; where it is refused, it is most likely not
    needed.
    """
    import ctypes

    with suppress(AttributeError):
        ctypes.CDLL(None).iopl(3)


class Channel:
    """A channel for one request and its answer."""

    def __init__(self, enter: Enter) -> None:
        self.enter = enter
        self.id = self.cookie_high = self.cookie_low = 0
        opened = self.message(OPEN, RPCI | WITH_COOKIE)
        if not succeeded(opened):
            opened = self.message(OPEN, RPCI)
        self.check(opened, "opened")
        self.id, self.cookie_high, self.cookie_low = opened.d >> 16, opened.source, opened.target

    def message(self, kind: int, word: int = 0) -> Registers:
        """One step of the conversation."""
        return self.enter(
            Registers(MAGIC, word, kind << 16 | MESSAGE, self.id << 16 | PORT, self.cookie_high, self.cookie_low)
        )

    def check(self, answer: Registers, what: str) -> Registers:
        """The answer, unless it is a refusal; a snapshot in between asks for another try."""
        if succeeded(answer):
            return answer
        if status(answer) & CHECKPOINT:
            raise InterruptedMessageError
        raise ProvisionError(f"the hypervisor refuses: its message channel cannot be {what}")

    def send(self, request: bytes) -> None:
        """Send a request, four bytes at a time."""
        self.check(self.message(SEND_SIZE, len(request)), "written to")
        for at in range(0, len(request), WORD):
            self.check(self.message(SEND, int.from_bytes(request[at : at + WORD], "little")), "written to")

    def receive(self) -> bytes:
        """The whole answer."""
        announced = self.check(self.message(RECEIVE_SIZE), "read from")
        if not status(announced) & WAITING:
            return b""
        size = announced.b
        check_size("the hypervisor's answer", size)
        content = bytearray()
        while len(content) < size:
            content += self.check(self.message(RECEIVE, SUCCESS), "read from").b.to_bytes(WORD, "little")
        self.check(self.message(RECEIVED, SUCCESS), "read from")
        return bytes(content[:size])

    def close(self) -> None:
        """End the conversation."""
        self.message(CLOSE)


class InterruptedMessageError(Exception):
    """The machine was saved and resumed in the middle of a message."""


def status(answer: Registers) -> int:
    """What the hypervisor says to a step."""
    return answer.c >> 16


def succeeded(answer: Registers) -> bool:
    """Whether a step was accepted."""
    return bool(status(answer) & SUCCESS)


def converse(enter: Enter, request: bytes) -> bytes:
    """The hypervisor's answer to a request."""
    for _ in range(ATTEMPTS):
        channel = Channel(enter)
        try:
            channel.send(request)
            return channel.receive()
        except InterruptedMessageError:
            continue
        finally:
            channel.close()
    raise ProvisionError(f"the hypervisor was interrupted {ATTEMPTS} times")
