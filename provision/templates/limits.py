"""What a rendering may take: text, steps, memory, time.

Generated code counts every turn of a loop and every call of a macro, so most of what never ends is stopped at the same
place on every machine. A clock stops the rest, and where the system can, a limit on memory.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from types import FrameType

from provision.contents import shown_size
from provision.templates.faults import RenderingError

MAX_TEXT = 16 << 20
# All texts that are made on the way, such as what macros give.
MAX_MADE = 128 << 20
MAX_STEPS = 5_000_000
MAX_SECONDS = 10
# What a rendering may need of memory beyond what the process has. The largest text, held a few times over, takes less.
MAX_MEMORY = 1 << 30
MAX_POWER_BITS = 4096
MAX_WIDTH = 1 << 20
# How often the clock is read.
STEPS_BETWEEN_LOOKS = 1024


class Meter:
    """What one rendering has taken so far."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start anew."""
        self.steps = self.made = 0
        self.deadline = monotonic() + MAX_SECONDS

    def step(self) -> None:
        """Count a turn of a loop, or a call."""
        self.steps += 1
        if self.steps % STEPS_BETWEEN_LOOKS == 0:
            if self.steps > MAX_STEPS:
                raise RenderingError(
                    f"the template takes more than {MAX_STEPS} steps, the limit",
                    "a loop or a macro does not end, or loops stand in each other",
                    "PV787",
                )
            if monotonic() > self.deadline:
                raise too_slow()

    def count(self, length: int) -> None:
        """Count characters that were made."""
        self.made += length
        if self.made > MAX_MADE:
            raise too_large(MAX_MADE)


def too_slow() -> RenderingError:
    """The one wording of the limit on time."""
    return RenderingError(
        f"rendering takes longer than {MAX_SECONDS} seconds, the limit",
        "a loop does not end, or does too much for each value", "PV787",
    )  # fmt: skip


def too_large(limit: int = MAX_TEXT) -> RenderingError:
    """The one wording of the limit on size."""
    return RenderingError(f"the template makes more than {shown_size(limit)} of text, the limit", None, "PV787")


@contextmanager
def clock() -> Iterator[None]:
    """Stop what runs below after the time limit, where the system can: in the main thread, with the alarm unused."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    if signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise too_slow()

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS + 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


@contextmanager
def room() -> Iterator[None]:
    """Keep what runs below from taking the machine's memory, where the system can."""
    try:
        import resource

        with open("/proc/self/statm", "rb") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        wanted = taken + MAX_MEMORY
        if before[0] != resource.RLIM_INFINITY and before[0] <= wanted:
            raise OSError
        resource.setrlimit(resource.RLIMIT_AS, (wanted, before[1]))
    except (ImportError, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, before)


def power(base: object, exponent: object) -> object:
    """`**`, for numbers that stay of a sensible size."""
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MAX_POWER_BITS:
        raise RenderingError(
            f"the result of ** would have more than {MAX_POWER_BITS} bits, the limit", None, "PV787", "**"
        )
    return base**exponent  # type: ignore[operator]  # what can't be done raises TypeError, which is told


def product(left: object, right: object) -> object:
    """`*`, for texts and lists that stay of a sensible size."""
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple | bytes) and isinstance(times, int) and len(many) * times > MAX_WIDTH:
            raise RenderingError(
                f"the result of * would have more than {MAX_WIDTH} elements, the limit", None, "PV787", "*"
            )
    return left * right  # type: ignore[operator]  # as above


def remainder(left: object, right: object) -> object:
    """`%`, for numbers; on texts it would be another way to format them."""
    if isinstance(left, str | bytes):
        raise RenderingError("`%` is for numbers", "write texts together with `~`", word="%")
    return left % right  # type: ignore[operator]  # as above
